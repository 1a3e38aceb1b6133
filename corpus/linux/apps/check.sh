#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Boots the applications under QEMU and compares what they say with NAME/expected:
# as ordinary programs with the stock kernel, and in the UKL guests that are built.
#
#	check.sh [NAME...]
set -euo pipefail
export LC_ALL=C

apps=$(cd "$(dirname "$0")" && pwd)
cache=${UKLEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uklemu}
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT
failures=0

[ $# -gt 0 ] || set -- hello syscalls echo null ways redis
stock=$cache/guests/stock
archiver=$(ls "$cache"/kernels/stock-*/usr/gen_init_cpio | head -n 1)

# check WHAT NAME KERNEL INITRD PARAMETER...
check() {
	local what=$1 name=$2 kernel=$3 initrd=$4 status=0
	shift 4
	timeout 300 qemu-system-x86_64 -accel tcg -cpu max -m 256 -display none -serial stdio -no-reboot \
		-device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$kernel" -initrd "$initrd" \
		-append "console=ttyS0 panic=-1 printk.time=0 $*" </dev/null >"$output/raw" 2>"$output/qemu" || status=$?
	tr -d '\r' <"$output/raw" >"$output/console"
	grep -aE "^($name|init): " "$output/console" >"$output/lines" || true
	# isa-debug-exit turns a guest's 0 into 1.
	if [ $status = 1 ] && grep -v '^#' "$apps/$name/expected" | diff - "$output/lines" >"$output/difference"; then
		printf 'apps: %-50s ok\n' "$what"
		return
	fi
	printf 'apps: %-50s FAILED (status %s)\n' "$what" $status
	tail -n 15 "$output/console" "$output/difference" 2>/dev/null || true
	failures=$((failures + 1))
}

for name in "$@"; do
	"$archiver" -t 0 "$cache/apps/$name/initrd.list" >"$output/initrd"
	check "$name, an ordinary program" "$name" "$stock/bzImage" "$output/initrd" "app=/bin/$name"
	for guest in "$cache/guests/ukl-$name" "$cache/guests/ukl-$name"-*; do
		[ -d "$guest" ] || continue
		check "$name, $(basename "$guest")" "$name" "$guest/bzImage" "$guest/initrd.cpio"
	done
done
[ $failures = 0 ]
