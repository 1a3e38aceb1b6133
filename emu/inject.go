// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import "github.com/uklemu/uklemu/emu/x86"

// Injection is an interrupt or NMI to deliver at a boundary.
type Injection struct {
	NMI    bool
	Vector x86.Vector // of an external interrupt
}

// Boundary names an instruction boundary that is still to come.
type Boundary struct {
	// Address, if not zero, is an instruction: the boundary before its next
	// execution.
	Address uint64
	// Event, if set, is asked of every event: the boundary behind the first
	// for which it returns true. It goes before Address.
	Event func(Event) bool
	// Plus is how many instructions further on. Alone, it counts from here.
	Plus uint64
}

// Inject delivers an interrupt or NMI at a boundary, or at the first one after
// it that lets it in; it goes past the interrupt controllers, as if one had
// just acknowledged it. At most one is under way at a time: a second takes the
// place of the first. cancel takes it back.
func (m *Machine) Inject(at Boundary, what Injection) (cancel func()) {
	if m.body == nil {
		return func() {}
	}
	arm := func() {
		m.core.Forced = forced{Armed: true, NMI: what.NMI, Vector: what.Vector, Count: m.cpu.Count() + at.Plus}
	}
	disarm := func() {
		if m.body != nil {
			m.core.Forced.Armed = false
		}
	}
	switch {
	case at.Event != nil:
		waiting := true
		stop := m.Observe(func(e Event) {
			if waiting && at.Event(e) {
				waiting = false
				arm()
			}
		})
		return func() {
			stop()
			disarm()
		}
	case at.Address != 0:
		forget := m.onArrival(at.Address, arm)
		return func() {
			forget()
			disarm()
		}
	}
	arm()
	return disarm
}
