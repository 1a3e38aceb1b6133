#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fetches Bochs's CPU, the PyPI package bochscpu-python, into the project's
# cache, and builds the shim that it needs on an older glibc:
#
#	bochs/VERSION/python	the package
#	bochs/VERSION/shim.so	see oracle/shim.c
#
# Prints the folder. Does nothing where it is already whole.
#
#	UKLEMU_CACHE		the cache, ${XDG_CACHE_HOME:-~/.cache}/uklemu if unset
set -euo pipefail
export LC_ALL=C

version=0.4.0
here=$(cd "$(dirname "$0")" && pwd)
cache=${UKLEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uklemu}
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
folder=$cache/bochs/$version-python$python

if [ ! -e "$folder/shim.so" ]; then
	mkdir -p "$cache/bochs"
	work=$(mktemp -d "$cache/bochs/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	pip=(python3 -m pip)
	if ! "${pip[@]}" --version >/dev/null 2>&1; then
		python3 -m venv "$work/venv" >&2 || {
			echo "bochs: python3 has neither pip nor venv: install python3-pip or python3-venv" >&2
			exit 1
		}
		pip=("$work/venv/bin/python" -m pip)
	fi
	# It needs nothing at run time of what it says that it does.
	"${pip[@]}" install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
		--target "$work/whole/python" "bochscpu-python==$version" >&2
	"${CC:-cc}" -shared -fPIC -O2 -o "$work/whole/shim.so" "$here/oracle/shim.c"
	mv -T "$work/whole" "$folder" 2>/dev/null || [ -e "$folder/shim.so" ]
fi
echo "$folder"
