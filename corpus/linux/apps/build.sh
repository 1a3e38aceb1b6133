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
cache=${UKLEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uklemu}
known=(hello syscalls echo null redis)

say() { printf 'apps: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}

. "$apps/../lib/source.sh"
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

mkdir -p "$cache/apps" "$cache/guests" "$cache/source"
exec 8>"$cache/apps/.lock"
if ! flock -n 8; then
	say "waiting for another build in $cache"
	flock 8
fi
work=$cache/apps/.work
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

install_packages build-essential binutils || die "nothing can be built without these packages"
tools=$({ gcc --version && ld --version; } 2>&1 | grep -E '^(gcc|GNU ld)')
musl
for name in "$@"; do
	application "$name"
done
