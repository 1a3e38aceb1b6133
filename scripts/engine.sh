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

requirements=$here/engine-requirements.txt
version=$(sed -n 's/^unicorn==\([0-9.]*\).*/\1/p' "$requirements")
oldest=2.1.2 # that can do the job; see OLDEST_VERSION in emu/unicorn/library.h
case $(uname -s) in
Darwin) file=libunicorn.2.dylib ;;
*) file=libunicorn.so.2 ;;
esac

if [ -n "${UKLEMU_LIBUNICORN:-}" ]; then
	say "UKLEMU_LIBUNICORN says $UKLEMU_LIBUNICORN"
	exit 0
fi
if [ -f "$cache/lib/$file" ] && [ "$(cat "$cache/lib/$file.version" 2>/dev/null)" = "$version" ]; then
	exit 0
fi

mkdir -p "$cache/lib"
work=$(mktemp -d "$cache/lib/.work-XXXXXX")
trap 'rm -rf "$work"' EXIT

from_wheel() {
	local log=$work/pip.log
	python3 -m pip --version >/dev/null 2>&1 || "$here/packages.sh" python3-pip || return
	say "fetching the wheel of unicorn $version (16 MB)"
	if ! (cd "$work" && python3 -m pip download --disable-pip-version-check --no-deps --only-binary :all: \
		--require-hashes -r "$requirements") </dev/null >"$log" 2>&1; then
		say "pip could not fetch it:"
		tail -n 3 "$log" >&2
		return 1
	fi
	python3 -m zipfile -e "$work"/unicorn-*.whl "$work/wheel" || return
	mv "$work/wheel/unicorn/lib/$file" "$cache/lib/$file" || return
	echo "$version" >"$cache/lib/$file.version"
	say "libunicorn $version is $cache/lib/$file"
}

# Debian sid's, which lies where the system's loader looks.
from_debian() {
	local package=libunicorn2t64 found
	command -v dpkg-query >/dev/null || return
	found=$(apt-cache show --no-all-versions "$package" 2>/dev/null | sed -n 's/^Version: //p')
	[ -n "$found" ] && at_least "$found" "$oldest" || { say "$package is too old here: ${found:-not there}"; return 1; }
	"$here/packages.sh" "$package" || return
	say "libunicorn $found is the system's"
}

from_wheel || from_debian ||
	die "no libunicorn. Give the path of one, $oldest or later, in UKLEMU_LIBUNICORN; docs/getting-started.md has other ways"
