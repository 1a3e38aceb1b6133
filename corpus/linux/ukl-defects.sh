#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shows that the weaknesses of the published series are seen on a real kernel: builds the
# guest ukl-hello with each CONFIG_UKL_DEFECT_* option of patches/0013 in turn, or with
# those named, has `uklemu check` look at it, and prints which invariants it breaks.
#
#	ukl-defects.sh [OPTION...]		such as return-pop nmi
#
# The kernels and guests go to a cache of their own, ukl-defects in the project's.
# All of them take half an hour on two cores.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
main=${UKLEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uklemu}
cache=$main/ukl-defects

say() { printf 'ukl-defects: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}

all=$(sed -n 's/^+config UKL_DEFECT_\([A-Z_]*\)$/\1/p' "$here"/patches/*.patch | tr 'A-Z_' 'a-z-')
[ $# != 0 ] || set -- $all
for defect in "$@"; do
	grep -qx -- "$defect" <<<"$all" || die "no option is called $defect; there are: "$all
done
command -v uklemu >/dev/null || die "no uklemu in PATH: make build, and PATH=\$PWD/bin:\$PATH"

# What is there already need not be built again.
mkdir -p "$cache/kernels"
for part in source apps; do
	[ -e "$cache/$part" ] || [ ! -e "$main/$part" ] || cp -a "$main/$part" "$cache/$part"
done
for part in "$main"/kernels/stock-* "$main/kernels/.source"; do
	[ ! -e "$part" ] || [ -e "$cache/kernels/${part##*/}" ] || cp -a "$part" "$cache/kernels/"
done

# A copy of this folder, with a variant for each option.
copy=$cache/linux
rm -rf "$copy"
cp -a "$here" "$copy"
for defect in $all; do
	printf 'CONFIG_UKL_DEFECTS=y\nCONFIG_UKL_DEFECT_%s=y\n' "$(tr 'a-z-' 'A-Z_' <<<"$defect")" >"$copy/configs/ukl-defect_${defect//-/_}.config"
	echo "hello defect_${defect//-/_}" >>"$copy/ukl.guests"
done

for defect in "$@"; do
	name=defect_${defect//-/_}
	UKLEMU_CACHE=$cache "$copy/build.sh" "ukl-hello-$name" >&2
	UKLEMU_CACHE=$cache UKLEMU_LIBUNICORN=${UKLEMU_LIBUNICORN:-$main/lib/libunicorn.so.2} \
		UKLEMU_LIBKEYSTONE=${UKLEMU_LIBKEYSTONE:-$main/lib/libkeystone.so} \
		uklemu check "guest:ukl-hello,$name" >"$cache/$name.txt" || [ $? = 1 ] || die "the check of $defect could not be made"
	printf '| `%s` | %s |\n' "$(tr 'a-z-' 'A-Z_' <<<"$defect")" "$(awk '$2 == "violated" { printf "%s%s", n++ ? ", " : "", $1 }' "$cache/$name.txt")"
done
