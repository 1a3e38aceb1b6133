// SPDX-License-Identifier: GPL-2.0-or-later

// Package linux holds the tests that need a real kernel: the guests that
// "make guests" builds, run in the machine and, for a second opinion, in
// qemu-system-x86_64 -accel tcg.
//
// boot_test.go boots the stock kernel in every way and on every CPU that the
// machine offers; selftests_test.go runs the kernel's own x86 selftests;
// console_test.go types at it; end_test.go ends it; determinism_test.go and
// snapshot_test.go look at whole machines, byte by byte.
package linux
