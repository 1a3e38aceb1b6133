// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import "errors"

// ErrClosed is what a machine answers after its Close.
var ErrClosed = errors.New("the machine has been closed")

// machine gives a body an owner.
func (b *body) machine() *Machine {
	m := &Machine{body: b}
	b.pc.m = m
	return m
}

// connect gives a machine what is its own.
func (m *Machine) connect(o Outside) {
	if o.Seed != 0 {
		m.core.Random = o.Seed
	}
	m.pc.queue(o.Input)
	m.outside = Outside{Console: o.Console, Idle: o.Idle}
}

// Close gives the engine and the memory back, or all of it to the [Snapshot]
// that started the machine, for the next Start. The machine stays closed: a
// second Close does nothing, and no other method reaches what is another's by
// then. Called from within a run (by a probe's function, an observer, the
// console), it ends the run and takes effect when that has come back.
func (m *Machine) Close() {
	if m.body == nil {
		return
	}
	if m.inside > 0 {
		m.ending = true
		m.halt(Stop{Why: StopError, Err: ErrClosed})
		return
	}
	kept := m.from != nil
	if kept {
		m.reset()
	}
	m.gate.Lock()
	b := m.body
	m.body = nil
	m.gate.Unlock()
	b.pc.m = nil
	b.outside = Outside{}
	b.interrupted.Store(false)
	b.cpu.ClearInterrupt()
	if !kept || !b.from.keep(b) {
		b.destroy()
	}
}

// enterCall and leaveCall are around what calls the user's functions, while
// which the body must stay.
func (m *Machine) enterCall() { m.inside++ }

func (m *Machine) leaveCall() {
	m.inside--
	if m.ending && m.inside == 0 {
		m.Close()
	}
}

// reset takes away what the owner has put on it.
func (m *Machine) reset() {
	_ = m.SetPoints(nil, nil)
	_ = m.ObserveAll(nil, nil)
	for address := range m.probes.user {
		m.RemoveProbe(address)
	}
	if len(m.watches.user) > 0 {
		m.watches.user = nil
		m.userWatchesChanged(true)
	}
	for address := range m.probes.once {
		delete(m.probes.once, address)
		m.releaseProbe(address)
	}
	for _, p := range m.ranges {
		p.gone()
	}
	m.ranges = nil
	if m.edges != nil {
		m.edges = nil
		_, _ = m.cpu.CoverEdges(nil, 1)
	}
	m.hooks = nil
	if m.fills {
		m.ObserveFills(false)
	}
	if m.cpu.Tracing() {
		_ = m.cpu.Trace(0, 0, 0)
	}
	m.traced, m.tracing, m.stepData, m.stop = nil, false, 0, nil
}

func (b *body) destroy() {
	b.cpu.Close()
	b.ram.Close()
}
