#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Puts libunicorn into the project's cache, where package emu/unicorn looks first.
# It comes out of the wheel on PyPI, whose hash is in engine-requirements.txt;
# nothing is installed into any Python. Where that can't be had, Debian's package
# does where it is new enough.
#
#	UKLEMU_LIBUNICORN	names another one: then there is nothing to do
#	UKLEMU_CACHE		the cache, ${XDG_CACHE_HOME:-~/.cache}/uklemu if unset
. "$(dirname "$0")/lib.sh"
. "$here/wheel.sh"

requirements=engine-requirements.txt
oldest=2.1.2 # that can do the job; see OLDEST_VERSION in emu/unicorn/library.h
case $(uname -s) in
Darwin) file=libunicorn.2.dylib ;;
*) file=libunicorn.so.2 ;;
esac

if [ -n "${UKLEMU_LIBUNICORN:-}" ]; then
	say "UKLEMU_LIBUNICORN says $UKLEMU_LIBUNICORN"
	exit 0
fi
in_cache "$file" "$(pinned "$requirements" unicorn)" && exit 0

# Debian sid's, which lies where the system's loader looks.
from_debian() {
	local package=libunicorn2t64 found
	command -v dpkg-query >/dev/null || return
	found=$(apt-cache show --no-all-versions "$package" 2>/dev/null | sed -n 's/^Version: //p')
	[ -n "$found" ] && at_least "$found" "$oldest" || { say "$package is too old here: ${found:-not there}"; return 1; }
	"$here/packages.sh" "$package" || return
	say "libunicorn $found is the system's"
}

from_wheel "$requirements" unicorn unicorn/lib "$file" "16 MB" || from_debian ||
	die "no libunicorn. Give the path of one, $oldest or later, in UKLEMU_LIBUNICORN; docs/getting-started.md has other ways"
