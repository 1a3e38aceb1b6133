// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import "math/bits"

// node is a type as the file has it.
type node struct {
	Type
	modifier    bool // a typedef or qualifier: it is what next is
	declaration bool // of a structure that is defined elsewhere, or nowhere
	next        ref
}

// hopsMost is how many typedefs, qualifiers and dimensions are followed: a
// chain that is longer goes in a circle.
const hopsMost = 100

// setBits places a bit field, from the start of the structure.
func (m *Member) setBits(bit int64) {
	m.Offset, m.BitOffset = bit>>3, bit&7
}

// product is a*b, 0 if that is too large to be true.
func product(a, b int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi != 0 || int64(lo) < 0 || a < 0 || b < 0 {
		return 0
	}
	return int64(lo)
}
