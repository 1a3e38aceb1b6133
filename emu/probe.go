// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"slices"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// probes are the addresses at which a run stops: the user's, and those of
// instruction breakpoints in the debug registers.
type probes struct {
	user  map[uint64]func(*Machine) bool
	debug []uint64
	once  map[uint64][]*func() // what waits for the next arrival
}

// Probe makes a run look at every arrival at an instruction: with f nil it
// stops with [StopProbe]; otherwise f is called, and the run stops if it
// returns true. f may look at the machine and change its state.
func (m *Machine) Probe(address uint64, f func(*Machine) bool) {
	if m.body == nil {
		return
	}
	if m.probes.user == nil {
		m.probes.user = map[uint64]func(*Machine) bool{}
	}
	m.probes.user[address] = f
	m.give()
	m.cpu.AddProbe(address)
}

// RemoveProbe takes a probe away.
func (m *Machine) RemoveProbe(address uint64) {
	if m.body == nil {
		return
	}
	if _, ok := m.probes.user[address]; !ok {
		return
	}
	delete(m.probes.user, address)
	m.releaseProbe(address)
}

// releaseProbe takes the engine's probe away if nobody wants it any more.
func (m *Machine) releaseProbe(address uint64) {
	if _, ok := m.probes.user[address]; ok || len(m.probes.once[address]) > 0 || slices.Contains(m.probes.debug, address) {
		return
	}
	m.cpu.RemoveProbe(address)
}

// ProbeRange is [Machine.Probe] for every instruction of a range: f is called
// before each, and nil stops the run at each. Other ranges and probes in it
// are asked too. There can be 16 ranges.
func (m *Machine) ProbeRange(r Range, f func(*Machine) bool) (remove func(), err error) {
	if m.body == nil {
		return nil, ErrClosed
	}
	m.give()
	gone, err := m.cpu.ProbeRange(r)
	if err != nil {
		return nil, err
	}
	p := &rangeProbe{r, f, gone}
	m.ranges = append(m.ranges, p)
	return func() {
		if m.body == nil {
			return
		}
		gone()
		m.ranges = slices.DeleteFunc(m.ranges, func(other *rangeProbe) bool { return other == p })
	}, nil
}

type rangeProbe struct {
	Range
	f    func(*Machine) bool
	gone func()
}

// onArrival calls f once, before the next execution of an instruction.
func (m *Machine) onArrival(address uint64, f func()) (forget func()) {
	if m.probes.once == nil {
		m.probes.once = map[uint64][]*func(){}
	}
	p := &f
	m.probes.once[address] = append(m.probes.once[address], p)
	m.give()
	m.cpu.AddProbe(address)
	return func() {
		if m.body == nil {
			return
		}
		m.probes.once[address] = slices.DeleteFunc(m.probes.once[address], func(other *func()) bool { return other == p })
		m.releaseProbe(address)
	}
}

// probed is the arrival at a probe.
func (m *Machine) probed() {
	rip := m.state.RIP
	if m.continues() { // the breakpoint was met at its start
		m.core.Repeat = repeat(m.here())
	} else if m.placed = m.here(); m.hitsBreakpoint() {
		return
	}
	m.resume = reported{rip, m.cpu.Count()}
	m.arrive()
	if waiting := m.probes.once[rip]; len(waiting) > 0 {
		m.tell()
		delete(m.probes.once, rip)
		for _, f := range waiting {
			(*f)()
		}
		m.releaseProbe(rip)
	}
	before := m.state
	f, ok := m.probes.user[rip]
	if ok || len(m.ranges) > 0 {
		m.tell()
	}
	if ok && (f == nil || f(m)) {
		m.halt(Stop{Why: StopProbe, Address: rip})
	}
	for _, p := range slices.Clone(m.ranges) {
		if rip-p.Begin < p.Size && (p.f == nil || p.f(m)) {
			m.halt(Stop{Why: StopProbe, Address: rip})
		}
	}
	if m.state != before {
		m.changed = true
	}
}

// probedHere says whether somebody wants to know of an arrival at RIP.
func (m *Machine) probedHere() bool {
	rip := m.state.RIP
	if _, ok := m.probes.user[rip]; ok || len(m.probes.once[rip]) > 0 || slices.Contains(m.probes.debug, rip) {
		return true
	}
	return slices.ContainsFunc(m.ranges, func(p *rangeProbe) bool { return rip-p.Begin < p.Size })
}

// hitsBreakpoint raises the #DB of an instruction breakpoint.
func (m *Machine) hitsBreakpoint() bool {
	bits := x86.MatchExecute(&m.state, m.state.RIP)
	if bits != 0 {
		m.raise(&x86.Exception{Vector: x86.VectorDB, DR6: bits})
	}
	return bits != 0
}

// continues says whether the arrival is at a repeated string instruction
// that has done one more iteration since the arrival before: to the debug
// registers it is still the same instruction (SDM vol. 3B, "Instruction-
// Breakpoint Exception Condition": RF keeps it from being met again).
func (m *Machine) continues() bool {
	if m.core.Repeat == repeat(m.here()) { // INS and OUTS, and what a snapshot says
		return true
	}
	if m.resume != (reported{m.state.RIP, m.cpu.Count() - 1}) {
		return false
	}
	return m.insnHere().Class == unicorn.RepString
}

// reported is an arrival that the probes have been told of: the run that goes
// on from there does not stop at it again.
type reported struct{ RIP, Count uint64 }

// breakpointsChanged puts the debug registers' breakpoints in force.
func (m *Machine) breakpointsChanged() {
	old := m.probes.debug
	m.probes.debug = nil
	for _, address := range old {
		m.releaseProbe(address)
	}
	m.watches.debug = m.watches.debug[:0]
	if m.state.DR[7]&0xff != 0 {
		m.give()
		for _, b := range x86.DecodeBreakpoints(&m.state) {
			if !b.Enabled {
				continue
			}
			switch b.On {
			case x86.BreakExecute:
				m.probes.debug = append(m.probes.debug, b.Address)
				m.cpu.AddProbe(b.Address)
			case x86.BreakWrite, x86.BreakReadWrite:
				m.watches.debug = append(m.watches.debug, b.Address)
			}
		}
	}
	m.watchesChanged()
}
