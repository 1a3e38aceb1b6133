#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With its option off, the UKL series changes no code: builds stock.config from the
# patched source and compares what is loaded with the kernel of the guest `stock`,
# which is built from the source as it is.
#
#	ukl-off.sh
#
# Only numbers of source lines may differ: __bug_table has them, and the names of
# initcalls, and so the kernel's table of symbols.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
cache=${UKLEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uklemu}

say() { printf 'ukl-off: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}
. "$here/lib/work.sh"
. "$here/lib/source.sh"
. "$here/lib/kernel.sh"
. "$here/lib/ukl.sh"

mkdir -p "$cache/kernels"
workplace "$cache/guests"

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

# Names of initcalls have line numbers, too.
symbols() {
	nm "$1" | cut -d' ' -f2- | sed -E 's/(__initcall__kmod_.*__[0-9]+)_[0-9]+_/\1_/'
}

# content FILE SECTION prints a section, .rodata without the table of symbols. The
# build ID of the vDSO is of its debug information, which knows the build folder.
content() {
	local file=$1 section=$2 start from to
	objcopy --dump-section "$section=$work/section" "$file" /dev/null
	perl -0777 -pi -e 's/(\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0).{20}/$1 . "\0" x 20/gse' "$work/section"
	if [ "$section" != .rodata ]; then
		cat "$work/section"
		return
	fi
	start=$((0x$(readelf -SW "$file" | sed -n 's/.* \.rodata *PROGBITS *\([0-9a-f]*\).*/\1/p')))
	read -r from to < <(nm -n "$file" | awk '
		/ kallsyms_/ && /^ffffffff[0-9a-f]* [rRdD] kallsyms_(offsets|relative_base|num_syms|names|markers|seqs_of_names|token_table|token_index)$/ { if (!first) first = $1; last = NR }
		last && NR == last + 1 { after = $1 }
		END { print first, after }')
	head -c $((0x$from - start)) "$work/section"
	tail -c +$((0x$to - start + 1)) "$work/section"
}

failures=0 checked=0
for section in $(sections "$kernel/vmlinux"); do
	content "$kernel/vmlinux" "$section" >"$work/without"
	content "$out/vmlinux" "$section" >"$work/with"
	checked=$((checked + 1))
	if ! cmp "$work/without" "$work/with" >"$work/difference"; then
		say "$section differs: $(cat "$work/difference")"
		failures=$((failures + 1))
	fi
done
diff <(symbols "$kernel/vmlinux") <(symbols "$out/vmlinux") >"$work/symbols.diff" || {
	say "symbols differ: $(head -n 10 "$work/symbols.diff")"
	failures=$((failures + 1))
}
[ $failures = 0 ] || die "the series changes the kernel although its option is off: $failures differences"
say "$checked sections and all symbols are the same with the series and without it"
