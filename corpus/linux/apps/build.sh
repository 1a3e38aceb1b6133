#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the applications, each for UKL and as an ordinary program, into the cache:
#
#	build.sh [APP...]	all of them, or those named
#
#	apps/APP/UKL.o		for CONFIG_UKL_ARCHIVE_PATH
#	apps/APP/programs/	the ordinary programs: APP itself, its clients, init
#	apps/APP/initrd.list	an archive for both, in the form of gen_init_cpio
#	apps/.musl-HASH/	the C library, for UKL and as it is
#
# Nothing is built whose inputs have not changed, and nothing is in its place
# before it is whole.
#
#	UKLEMU_CACHE		the cache, ${XDG_CACHE_HOME:-~/.cache}/uklemu if unset
#	UKLEMU_JOBS		jobs of make, the number of CPUs if unset
#	UKLEMU_DEBIAN_MIRROR	where Debian's source packages come from
set -euo pipefail
export LC_ALL=C

apps=$(cd "$(dirname "$0")" && pwd)
linux=$(dirname "$apps")
cache=${UKLEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uklemu}
known=(hello syscalls echo null ways redis)

say() { printf 'apps: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}

. "$linux/lib/work.sh"
. "$linux/lib/source.sh"
. "$linux/lib/archive.sh"
. "$apps/lib/package.sh"
. "$apps/lib/musl.sh"
. "$apps/lib/compile.sh"
. "$apps/lib/application.sh"

if [ $# = 0 ]; then
	set -- "${known[@]}"
fi
for name in "$@"; do
	[[ " ${known[*]} " == *" $name "* ]] || die "no application is called $name; there are: ${known[*]}"
done

mkdir -p "$cache/guests" "$cache/source"
workplace "$cache/apps"

install_packages build-essential binutils || die "nothing can be built without these packages"
tools=$({ gcc --version && ld --version; } 2>&1 | grep -E '^(gcc|GNU ld)')
musl
for name in "$@"; do
	application "$name"
done
