// SPDX-License-Identifier: GPL-2.0-or-later

package emu

// Record starts writing down the address of every instruction in [begin, end]
// that the machine comes to, in a ring of so many (a power of two). It costs
// some nanoseconds an instruction in the range and nothing elsewhere; there is
// one at a time, and a size of 0 ends it. An instruction that faults is there
// as often as it was tried; a repeated one once for each iteration.
//
// [Machine.Trace] tells more, at some microseconds an instruction.
func (m *Machine) Record(begin, end uint64, size int) error {
	if m.body == nil {
		return ErrClosed
	}
	return m.cpu.Trace(begin, end, size)
}

// Recorded returns the addresses since Record or the last call, oldest first:
// as many of the last ones as the ring holds.
func (m *Machine) Recorded() []uint64 {
	if m.body == nil {
		return nil
	}
	return m.cpu.TakeTrace()
}

// RestartRecord forgets what was written down, without a copy of it.
func (m *Machine) RestartRecord() {
	if m.body != nil {
		m.cpu.RestartTrace()
	}
}
