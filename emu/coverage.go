// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import "github.com/uklemu/uklemu/emu/unicorn"

// Range is a stretch of linear addresses.
type Range = unicorn.Range

// Cover starts counting the edges between blocks that begin in one of the
// ranges, in a map of size bytes, a power of two: a byte for each edge, by a
// hash of where it leads from and to, saturating at 255. With no ranges coverage
// ends. It costs about a nanosecond a block, and nothing when it is off. After a
// [Machine.Restore] the first block has no edge to it but one from nowhere.
// [Machine.Edges] shows the map.
func (m *Machine) Cover(ranges []Range, size int) error {
	if m.body == nil {
		return ErrClosed
	}
	edges, err := m.cpu.CoverEdges(ranges, size)
	if err == nil {
		m.edges = edges
	}
	return err
}

// Edges hands the map of [Machine.Cover] to f, which may read and clear it, and
// must not keep it: it is the engine's memory, which goes with the coverage. It
// returns false, without calling f, where there is no coverage.
func (m *Machine) Edges(f func(edges []byte)) bool {
	if m.body == nil || m.edges == nil {
		return false
	}
	m.enterCall()
	defer m.leaveCall()
	f(m.edges)
	return true
}
