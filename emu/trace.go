// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// Traced is one step of a trace: an instruction, an iteration of a repeated
// one, or the delivery of an event.
type Traced struct {
	Before, After x86.State
	Count         uint64 // instructions retired before
	// Insn is the instruction at Before.RIP; its Length is 0 where none was
	// executed: an interrupt was delivered, or its bytes can't be read.
	Insn unicorn.Insn
	// Accesses are the reads and writes of data that the instruction made, in
	// order, with what was read or written. Those of an event's delivery, to
	// IDT, TSS and stack, and those of instructions that the machine carries
	// out itself are not among them: Events has those.
	Accesses []unicorn.Record
	Events   []Event
}

// Trace goes on step by step, some microseconds each, and hands every step to
// f, until f returns false, so many steps were made, or the machine stops.
// Probes without a function do not stop it.
func (m *Machine) Trace(steps uint64, f func(*Traced) bool) Stop {
	if m.body == nil {
		return Stop{Why: StopError, Err: ErrClosed}
	}
	m.enterCall()
	defer m.leaveCall()
	var events []Event
	stop := m.Observe(func(e Event) { events = append(events, e) })
	defer stop()
	for range steps {
		t := Traced{Before: m.state, Count: m.cpu.Count(), Insn: m.insnHere()}
		events = nil
		m.traced = nil
		s := m.traceStep()
		t.After, t.Accesses, t.Events = m.state, m.traced, events
		if t.Count == m.cpu.Count() && len(events) > 0 && events[0].Kind != EventException && events[0].Kind != EventSoftware {
			t.Insn = unicorn.Insn{}
		}
		if !f(&t) {
			return Stop{Why: StopLimit}
		}
		if s.Why != StopLimit {
			return s
		}
	}
	return Stop{Why: StopLimit}
}

// traceStep is a [Machine.Step] whose instruction runs assisted.
func (m *Machine) traceStep() Stop {
	m.tracing = true
	defer func() { m.tracing = false }()
	return m.Step()
}

// traceOn is the engine's part of a traced step: one instruction, every access
// of which is recorded. Memory that is not RAM is not for this pass.
func (m *Machine) traceOn() {
	if m.probedHere() && m.resume != m.here() { // which the engine passes over
		m.probed()
		return
	}
	m.params.Assist, m.params.RAMOnly = true, true
	m.params.Limit = unicorn.NoLimit
	m.cpu.FlushTLB()
	exit := m.enter()
	m.params.Assist, m.params.RAMOnly = false, false
	m.cpu.FlushTLB()
	m.finishAssist(exit, m.cpu.Records())
}

// insnHere decodes what is at RIP, as far as it can be read.
func (m *Machine) insnHere() unicorn.Insn {
	var code [15]byte
	address := m.state.RIP
	if !m.state.Code64() {
		address = (address + m.state.Seg[x86.CS].Base) & 0xffffffff
	}
	n, _ := m.ReadMemory(address, code[:])
	return unicorn.Decode(code[:n], m.codeBits())
}
