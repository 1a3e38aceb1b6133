#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With its option off, the UKL series changes no code: builds stock.config from the
# patched source and compares what is loaded with the kernel of the guest `stock`,
# which is built from the source as it is.
#
#	ukl-off.sh
#
# Only __bug_table may differ, which has the numbers of source lines.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
cache=${UKLEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uklemu}

say() { printf 'ukl-off: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}
. "$here/lib/source.sh"
. "$here/lib/kernel.sh"
. "$here/lib/ukl.sh"

mkdir -p "$cache/guests" "$cache/kernels"
exec 9>"$cache/guests/.lock"
flock 9
work=$cache/guests/.work
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

find_source
kernel stock
ukl_source
out=$ukl_tree/off
log=$cache/kernels/ukl-off.log
mkdir -p "$out"
say "building stock.config from the patched source (log: $log)"
make_ukl "$out" KCONFIG_ALLCONFIG="$here/configs/stock.config" allnoconfig >"$log" 2>&1 || die "the configuration failed, see $log"
map="-fdebug-prefix-map=$ukl_tree/linux=$debug_folder"
make_ukl "$out" -j"${UKLEMU_JOBS:-$(nproc)}" KCFLAGS="$map" KAFLAGS="$map" vmlinux >>"$log" 2>&1 || die "the build failed, see $log"

diff "$kernel/config" "$out/.config" >"$work/config.diff" || die "the configurations differ: $(cat "$work/config.diff")"
sections() {
	readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' | awk '$7 ~ /A/ && $2 == "PROGBITS" && $1 != "__bug_table" { print $1 }'
}
failures=0 checked=0
for section in $(sections "$kernel/vmlinux"); do
	for side in "$kernel" "$out"; do
		objcopy -O binary --set-section-flags "$section=alloc,contents" --only-section="$section" "$side/vmlinux" "$work/section.$(basename "$side")"
	done
	checked=$((checked + 1))
	if ! cmp "$work/section.$(basename "$kernel")" "$work/section.off" >"$work/difference"; then
		say "$section differs: $(cat "$work/difference")"
		failures=$((failures + 1))
	fi
done
diff <(nm "$kernel/vmlinux" | cut -d' ' -f2-) <(nm "$out/vmlinux" | cut -d' ' -f2-) >"$work/symbols.diff" || {
	say "symbols differ: $(head -n 10 "$work/symbols.diff")"
	failures=$((failures + 1))
}
[ $failures = 0 ] || die "the series changes the kernel although its option is off: $failures of $checked sections"
say "$checked sections and all symbols are the same with the series and without it"
