// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// forced is an interrupt or NMI asked for at a boundary.
type forced struct {
	Armed  bool
	NMI    bool
	Vector x86.Vector
	Count  uint64 // of instructions, when to deliver
}

// boundary takes what is pending between two instructions, in the order of
// SDM vol. 3A, table 7-2: traps, NMI, then maskable interrupts.
func (m *Machine) boundary() {
	if m.core.Pended != 0 && m.state.Shadow != x86.ShadowMOVSS {
		m.trap(0)
		return
	}
	if f := &m.core.Forced; f.Armed && m.cpu.Count() >= f.Count && m.takes(f.NMI) {
		f.Armed = false
		if f.NMI {
			m.interrupt(x86.Event{Kind: x86.NMI})
		} else {
			m.interrupt(x86.Event{Kind: x86.ExternalInterrupt, Exception: x86.Exception{Vector: f.Vector}})
		}
		return
	}
	if m.pc.interrupts.NMI() && m.takes(true) {
		m.pc.interrupts.TakeNMI()
		m.interrupt(x86.Event{Kind: x86.NMI})
		return
	}
	if m.pc.interrupts.Pending() && m.takes(false) {
		if vector, ok := m.pc.interrupts.Acknowledge(); ok {
			m.pc.touched()
			m.interrupt(x86.Event{Kind: x86.ExternalInterrupt, Exception: x86.Exception{Vector: x86.Vector(vector)}})
		}
	}
}

// forcedWaits says that what was asked for is due, at a boundary that does not
// let it in.
func (m *Machine) forcedWaits() bool {
	return m.core.Forced.Armed && m.core.Forced.Count <= m.cpu.Count()
}

// takes says whether this boundary lets an interrupt or NMI in (SDM vol. 3A
// 7.7.1, 7.8.1, 7.8.3).
func (m *Machine) takes(nmi bool) bool {
	if nmi {
		return !m.state.NMIBlocked && m.state.Shadow != x86.ShadowMOVSS
	}
	return m.state.RFLAGS&x86.FlagIF != 0 && m.state.Shadow == x86.ShadowNone
}

func (m *Machine) interrupt(ev x86.Event) {
	ev.MidRepeat = m.midRepeat()
	m.deliver(ev)
}

// repeat is a boundary between two iterations of a repeated string instruction.
type repeat struct{ RIP, Count uint64 }

func (m *Machine) here() reported { return reported{m.state.RIP, m.cpu.Count()} }

// midRepeat says whether RIP is at a repeated string instruction of which an
// iteration has just been done.
func (m *Machine) midRepeat() bool {
	if m.core.Repeat == repeat(m.here()) {
		return true
	}
	visited := m.cpu.Visited()
	if len(visited) == 0 || m.core.Halted || m.placed == m.here() {
		return false
	}
	last := visited[len(visited)-1]
	end := last.PC + uint64(last.Size)
	if end <= m.state.RIP || end-m.state.RIP > 15 {
		return false
	}
	var code [15]byte
	n, _ := m.ReadMemory(m.state.RIP, code[:end-m.state.RIP])
	insn := unicorn.Decode(code[:n], m.codeBits())
	return insn.Class == unicorn.RepString && m.state.RIP+uint64(insn.Length) == end
}

// InterruptAt delivers an external interrupt with the vector at the boundary
// after so many more instructions (0 is here), or at the first one after it
// that takes interrupts. It does not go through the interrupt controllers, as
// if one had just acknowledged it.
func (m *Machine) InterruptAt(after uint64, vector x86.Vector) {
	if m.body == nil {
		return
	}
	m.core.Forced = forced{Armed: true, Vector: vector, Count: m.cpu.Count() + after}
}

// NMIAt delivers an NMI at the boundary after so many more instructions, or at
// the first one after it that takes NMIs.
func (m *Machine) NMIAt(after uint64) {
	if m.body == nil {
		return
	}
	m.core.Forced = forced{Armed: true, NMI: true, Count: m.cpu.Count() + after}
}

// Pending says whether what InterruptAt or NMIAt asked for is still to come.
func (m *Machine) Pending() bool { return m.body != nil && m.core.Forced.Armed }
