#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Boots the built guests under QEMU and compares what they say with what they
# should: the verdict that the guest gives to the debug-exit port, the lines of the
# tour (tour.expected), the verdicts of the selftests (selftests.qemu.txt).
#
#	check.sh [--update]	with --update, those two files become what QEMU says
#
# This is the second opinion on the guests themselves; the same files are what
# a run in the emulator is compared with.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
cache=${UKLEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uklemu}
update=${1:-}
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT

say() { printf 'check: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}
. "$here/lib/source.sh"

[ -f "$cache/guests/stock/guest.json" ] || die "there are no guests in $cache/guests; make guests builds them"
command -v qemu-system-x86_64 >/dev/null || install_packages qemu-system-x86 ||
	die "qemu-system-x86_64 is missing; it is in Debian's package qemu-system-x86"

append=$(sed -n 's/.*"append": "\(.*\)".*/\1/p' "$cache/guests/stock/guest.json")

# boot FILE GUEST IMAGE INITRD CPU PARAMETERS... leaves the console in FILE, QEMU's own
# words (which CPU features TCG lacks) in FILE.qemu, and prints QEMU's status.
# isa-debug-exit turns a guest's value v into the status v * 2 + 1.
boot() {
	local file=$1 guest=$cache/guests/$2 image=$3 initrd=$4 cpu=$5 status=0
	shift 5
	timeout "${limit:-60}" qemu-system-x86_64 -accel tcg -cpu "$cpu" -m 256 -display none -serial stdio \
		-no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 \
		-kernel "$guest/$image" -initrd "$guest/$initrd" -append "$append $*" \
		<"${input:-/dev/null}" >"$file.raw" 2>"$file.qemu" || status=$?
	tr -d '\r' <"$file.raw" >"$file"
	echo $status
}

# verdict WHAT OUTCOME CONSOLE: what isn't ok shows how far the guest came.
failures=0
verdict() {
	printf 'check: %-58s %s\n' "$1" "$2"
	[ "$2" = ok ] && return
	failures=$((failures + 1))
	tail -n 15 "$3" "$3.qemu"
}

# expect_lines WHAT STATUS FOUND-STATUS CONSOLE PATTERN FILE: the status, and the lines of the console.
expect_lines() {
	grep -aE "$5" "$4" >"$output/lines" || true
	if [ "$update" = --update ]; then
		{ grep '^#' "$6" 2>/dev/null; cat "$output/lines"; } >"$output/new" || true
		cp "$output/new" "$6"
	fi
	if [ "$2" != "$3" ]; then
		verdict "$1" "status $3 instead of $2" "$4"
	elif ! grep -v '^#' "$6" | diff - "$output/lines" >"$output/difference"; then
		verdict "$1" "other lines (< expected, > found)" "$4"
		cat "$output/difference"
	else
		verdict "$1" ok
	fi
}

# expect_text WHAT STATUS FOUND-STATUS CONSOLE TEXT: the status, and a text on the console.
expect_text() {
	if [ "$2" != "$3" ]; then
		verdict "$1" "status $3 instead of $2" "$4"
	elif ! grep -qaF "$5" "$4"; then
		verdict "$1" "the console does not say: $5" "$4"
	else
		verdict "$1" ok
	fi
}

check_tour() {
	local image=$1 cpu=$2 status
	shift 2
	status=$(boot "$output/tour" stock "$image" tour.cpio "$cpu" "$@")
	expect_lines "tour: $image, -cpu $cpu${*:+, $*}" 1 "$status" "$output/tour" '^tour: ' "$here/tour.expected"
}

for image in bzImage vmlinux; do # vmlinux: by its PVH entry
	check_tour $image max
	check_tour $image max noapic nolapic
	check_tour $image Skylake-Client acpi=off
done
check_tour bzImage qemu64 pti=on
check_tour bzImage max,la57=on

# The other programs of the archive, which the kernel starts instead of /init.
expect_text "crash: the kernel panics and reboots" 0 \
	"$(boot "$output/crash" stock bzImage tour.cpio max rdinit=/bin/crash)" "$output/crash" 'Attempted to kill init!'
expect_text "bench: 100,000 system calls" 1 \
	"$(boot "$output/bench" stock bzImage tour.cpio max rdinit=/bin/bench)" "$output/bench" 'made 100000 system calls'
expect_text "loop: never ends" 124 \
	"$(limit=5 boot "$output/loop" stock bzImage tour.cpio max rdinit=/bin/loop)" "$output/loop" 'loop: looping'

# Typed once the guest listens: what comes earlier is lost when the driver resets the UART.
mkfifo "$output/keyboard"
{
	until grep -qs 'echo: ready' "$output/echo.raw"; do sleep 0.1; done
	printf 'one line\nexit 5\n'
} >"$output/keyboard" &
expect_text "echo: the console both ways, and a status" 11 \
	"$(input=$output/keyboard boot "$output/echo" stock bzImage tour.cpio max rdinit=/bin/echo)" "$output/echo" 'echo: one line'

# Without SMAP: QEMU 7.2 makes the stack accesses of a far return as the
# supervisor's, so sysret_ss_attrs faults on its own stack where SMAP is on.
limit=300
status=$(boot "$output/selftests" selftests bzImage selftests.cpio max,smap=off)
expect_lines "selftests: bzImage, -cpu max,smap=off" 3 "$status" "$output/selftests" '^selftests?: ' "$here/selftests.qemu.txt"

[ $failures = 0 ] || die "$failures failed"

# The UKL kernels themselves are run by tests/ukl.
"$here/ukl-off.sh"
