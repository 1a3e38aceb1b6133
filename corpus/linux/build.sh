#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the guests that are real Linux kernels, into the project's cache:
#
#	build.sh [GUEST...]	all of them, or those named: stock, selftests, ukl for all
#				of ukl.guests, or one of these (ukl-syscalls-use_ret)
#
#	guests/NAME/		a guest: kernel files, initrd, guest.json
#	kernels/NAME-HASH/	a kernel and what user space needs from its source
#
# Nothing is built whose inputs have not changed, and nothing is in its place
# before it is whole: work goes on in a folder of its own, which ends up renamed.
#
#	UKLEMU_CACHE		the cache, ${XDG_CACHE_HOME:-~/.cache}/uklemu if unset
#	UKLEMU_LINUX_SOURCE	a tarball of Linux 6.1.x, if not Debian's where Debian puts it
#	UKLEMU_JOBS		jobs of make, the number of CPUs if unset
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
cache=${UKLEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uklemu}
guests=(stock selftests ukl)

say() { printf 'guests: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}

. "$here/lib/work.sh"
. "$here/lib/source.sh"
. "$here/lib/kernel.sh"
. "$here/lib/archive.sh"
. "$here/lib/user.sh"
. "$here/lib/guest.sh"
. "$here/lib/ukl.sh"

if [ $# = 0 ]; then
	set -- "${guests[@]}"
fi
known=" ${guests[*]} $(ukl_names | paste -sd' ') "
for name in "$@"; do
	[[ "$known" == *" $name "* ]] || die "no guest is called $name; there are:$known"
done

mkdir -p "$cache/kernels"
workplace "$cache/guests"

find_source
for name in "$@"; do
	case $name in
	ukl-*) guest_ukl "$name" ;;
	*) "guest_$name" ;;
	esac
done
