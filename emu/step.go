// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import "math"

// Step goes to the next boundary: it executes one instruction, or one
// iteration of a repeated one, or delivers the one event that waits at this
// boundary. An instruction that faults ends at the first instruction of the
// handler. A halted CPU waits for what wakes it, which is then delivered.
//
// It returns [StopLimit] unless something else stopped the machine. A probe
// at the instruction is asked, but one without a function does not stop it.
func (m *Machine) Step() Stop {
	if m.body == nil {
		return Stop{Why: StopError, Err: ErrClosed}
	}
	m.enterCall()
	defer m.leaveCall()
	defer m.tell()
	if m.stop != nil && m.stop.Ended() {
		return *m.stop
	}
	m.stop = nil
	state, count := m.state, m.cpu.Count()
	for m.stop == nil || m.stop.Why == StopProbe && m.stop.Address == state.RIP {
		m.stop = nil
		m.pc.advance(m.Now())
		m.boundary()
		if m.state == state && m.stop == nil {
			m.stepOn(count + 1)
		}
		if m.stop == nil && (m.state != state || m.cpu.Count() != count) {
			return Stop{Why: StopLimit}
		}
	}
	return *m.stop
}

// stepOn is the part of a turn that comes after the boundary.
func (m *Machine) stepOn(limit uint64) {
	if m.core.Halted {
		m.idle(math.MaxUint64, 0)
		return
	}
	m.enterUntil(limit, 0)
}
