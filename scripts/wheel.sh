# SPDX-License-Identifier: GPL-2.0-or-later
#
# A library out of a wheel on PyPI, for engine.sh and engine-keystone.sh, which
# source this after lib.sh. Nothing is installed into any Python.

# pinned REQUIREMENTS PACKAGE is the version that the file asks for.
pinned() { sed -n "s/^$2==\([0-9.]*\).*/\1/p" "$here/$1"; }

# in_cache FILE VERSION is whether the cache has it already.
in_cache() { [ -f "$cache/lib/$1" ] && [ "$(cat "$cache/lib/$1.version" 2>/dev/null)" = "$2" ]; }

# from_wheel REQUIREMENTS PACKAGE FOLDER FILE SIZE puts FOLDER/FILE of the
# package's wheel, whose hash is in the file, into the cache.
from_wheel() {
	local requirements=$here/$1 package=$2 folder=$3 file=$4 size=$5 version
	version=$(pinned "$1" "$package")
	mkdir -p "$cache/lib" || return
	work=$(mktemp -d "$cache/lib/.work-XXXXXX") || return
	trap 'rm -rf "$work"' EXIT
	python3 -m pip --version >/dev/null 2>&1 || "$here/packages.sh" python3-pip || return
	say "fetching the wheel of $package $version ($size)"
	if ! (cd "$work" && python3 -m pip download --disable-pip-version-check --no-deps --only-binary :all: \
		--require-hashes -r "$requirements") </dev/null >"$work/pip.log" 2>&1; then
		say "pip could not fetch it:"
		tail -n 3 "$work/pip.log" >&2
		return 1
	fi
	python3 -m zipfile -e "$work"/*.whl "$work/wheel" || return
	mv "$work/wheel/$folder/$file" "$cache/lib/$file" || return
	echo "$version" >"$cache/lib/$file.version"
	say "${file%%.*} $version is $cache/lib/$file"
}
