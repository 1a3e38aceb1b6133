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
. "$here/wheel.sh"

requirements=engine-keystone.txt
file=libkeystone.so

if [ -n "${UKLEMU_LIBKEYSTONE:-}" ]; then
	say "UKLEMU_LIBKEYSTONE says $UKLEMU_LIBKEYSTONE"
	exit 0
fi
in_cache "$file" "$(pinned "$requirements" keystone-engine)" && exit 0

from_wheel "$requirements" keystone-engine keystone "$file" "2 MB" ||
	say "no libkeystone: package asm will use GNU as for everything; UKLEMU_LIBKEYSTONE can name one"
