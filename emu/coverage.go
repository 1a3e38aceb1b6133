// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import "github.com/uklemu/uklemu/emu/unicorn"

// Range is a stretch of linear addresses.
type Range = unicorn.Range

// Cover starts counting the edges between blocks that begin in one of the
// ranges, in a map of size bytes, a power of two: a byte for each edge, by a
// hash of where it leads from and to, saturating at 255. The map is the
// machine's, valid until the next call; with no ranges coverage ends. It costs
// about a nanosecond a block, and nothing when it is off.
func (m *Machine) Cover(ranges []Range, size int) (edges []byte, err error) {
	return m.cpu.CoverEdges(ranges, size)
}
