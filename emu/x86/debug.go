// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Bits of DR6 (SDM vol. 3B, "Debug Status Register (DR6)").
const (
	DR6B0 = 1 << 0
	DR6B1 = 1 << 1
	DR6B2 = 1 << 2
	DR6B3 = 1 << 3
	DR6BD = 1 << 13 // general detect
	DR6BS = 1 << 14 // single step
	DR6BT = 1 << 15 // task switch

	dr6Breakpoints = 0xf
	// DR6Fixed are the bits that read as 1 on a CPU without RTM and bus-lock
	// detection; it is DR6's value after reset.
	DR6Fixed    = 0xffff0ff0
	dr6Writable = DR6BD | DR6BS | DR6BT | dr6Breakpoints
)

// DR7GD is general detect enable, DR7Fixed what always reads as 1.
const (
	DR7GD    = 1 << 13
	DR7Fixed = 1 << 10
)

// ComposeDR6 is DR6 after a #DB for the causes in bits: B0 to B3 are those
// of this exception, the others stay until software clears them.
func ComposeDR6(old, bits uint64) uint64 {
	return DR6Fixed | old&(dr6Writable&^dr6Breakpoints) | bits&dr6Writable
}
