#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Puts libkeystone into the project's cache, where package asm looks first. It
# comes out of the wheel on PyPI, whose hash is in engine-keystone.txt; nothing is
# installed into any Python. Where that can't be had it says so and is content:
# GNU as does what libkeystone would.
#
#	UKLEMU_LIBKEYSTONE	names another one: then there is nothing to do
#	UKLEMU_CACHE		the cache, ${XDG_CACHE_HOME:-~/.cache}/uklemu if unset
. "$(dirname "$0")/lib.sh"

requirements=$here/engine-keystone.txt
version=$(sed -n 's/^keystone-engine==\([0-9.]*\).*/\1/p' "$requirements")
file=libkeystone.so

if [ -n "${UKLEMU_LIBKEYSTONE:-}" ]; then
	say "UKLEMU_LIBKEYSTONE says $UKLEMU_LIBKEYSTONE"
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
	say "fetching the wheel of keystone-engine $version (2 MB)"
	if ! (cd "$work" && python3 -m pip download --disable-pip-version-check --no-deps --only-binary :all: \
		--require-hashes -r "$requirements") </dev/null >"$log" 2>&1; then
		say "pip could not fetch it:"
		tail -n 3 "$log" >&2
		return 1
	fi
	python3 -m zipfile -e "$work"/keystone_engine-*.whl "$work/wheel" || return
	mv "$work/wheel/keystone/$file" "$cache/lib/$file" || return
	echo "$version" >"$cache/lib/$file.version"
	say "libkeystone $version is $cache/lib/$file"
}

from_wheel || say "no libkeystone: package asm will use GNU as for everything; UKLEMU_LIBKEYSTONE can name one"
