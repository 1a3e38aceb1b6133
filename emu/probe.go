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
}

// Probe makes a run look at every arrival at an instruction: with f nil it
// stops with [StopProbe]; otherwise f is called, and the run stops if it
// returns true. f may look at the machine and change its state.
func (m *Machine) Probe(address uint64, f func(*Machine) bool) {
	if m.probes.user == nil {
		m.probes.user = map[uint64]func(*Machine) bool{}
	}
	m.probes.user[address] = f
	m.give()
	m.cpu.AddProbe(address)
}

// RemoveProbe takes a probe away.
func (m *Machine) RemoveProbe(address uint64) {
	if _, ok := m.probes.user[address]; !ok {
		return
	}
	delete(m.probes.user, address)
	if !slices.Contains(m.probes.debug, address) {
		m.cpu.RemoveProbe(address)
	}
}

// probed is the arrival at a probe.
func (m *Machine) probed() {
	m.params.Resume = true
	if bits := x86.MatchExecute(&m.state, m.state.RIP); bits != 0 {
		m.params.Resume = false
		m.raise(&x86.Exception{Vector: x86.VectorDB, DR6: bits})
		return
	}
	f, ok := m.probes.user[m.state.RIP]
	if !ok {
		return
	}
	if f == nil {
		m.halt(Stop{Why: StopProbe, Address: m.state.RIP})
		return
	}
	rip := m.state.RIP
	before := m.state
	if f(m) {
		m.halt(Stop{Why: StopProbe, Address: rip})
	}
	if m.state != before {
		m.changed = true
		m.params.Resume = m.state.RIP == rip
	}
}

// breakpointsChanged puts the debug registers' breakpoints in force.
func (m *Machine) breakpointsChanged() {
	for _, address := range m.probes.debug {
		if _, ok := m.probes.user[address]; !ok {
			m.cpu.RemoveProbe(address)
		}
	}
	m.probes.debug = m.probes.debug[:0]
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

// watches are ranges of memory, accesses to which are looked at one by one.
type watches struct {
	debug []uint64 // linear addresses, from the debug registers
	user  []watch
	set   bool // pages are watched in the engine
}

type watch struct {
	Watch
	id int
}

// Watch is a range of memory to look at.
type Watch struct {
	Address  uint64
	Size     uint64 // in bytes
	Physical bool   // Address is physical, not linear
	Read     bool
	Write    bool
	// Do is called after each such access, with the machine at the boundary
	// behind it; the run stops with [StopWatch] if it is nil or returns true.
	Do func(*Machine, unicorn.Record) bool
}

// Watch starts looking at a range and returns what ends it. A page that is
// watched costs a few microseconds an access, other memory nothing.
func (m *Machine) Watch(w Watch) (remove func()) {
	id := 0
	for _, other := range m.watches.user {
		id = max(id, other.id+1)
	}
	m.watches.user = append(m.watches.user, watch{w, id})
	m.watchesChanged()
	return func() {
		m.watches.user = slices.DeleteFunc(m.watches.user, func(w watch) bool { return w.id == id })
		m.watchesChanged()
	}
}

func (m *Machine) watchesChanged() {
	if len(m.watches.debug) == 0 && len(m.watches.user) == 0 && !m.watches.set {
		return
	}
	m.watches.set = true
	var pages []uint64
	for page := uint64(0); page < uint64(len(m.ram.Bytes())); page += unicorn.PageSize {
		m.cpu.WatchPhysical(page, m.watchesPage(page))
	}
	add := func(address, size uint64) {
		for page := address &^ (unicorn.PageSize - 1); page-address+unicorn.PageSize < size+unicorn.PageSize || page <= address; page += unicorn.PageSize {
			if !slices.Contains(pages, page) {
				pages = append(pages, page)
			}
			if page+unicorn.PageSize >= address+size || page+unicorn.PageSize < page {
				break
			}
		}
	}
	for _, address := range m.watches.debug {
		add(address, 8)
	}
	for _, w := range m.watches.user {
		if !w.Physical {
			add(w.Address, w.Size)
		}
	}
	m.cpu.WatchLinear(pages)
}

func (m *Machine) watchesPage(page uint64) bool {
	for _, w := range m.watches.user {
		if w.Physical && w.Address < page+unicorn.PageSize && page < w.Address+w.Size {
			return true
		}
	}
	return false
}

// watched is an access to a watched page: it is carried out, and compared
// with what is watched.
func (m *Machine) watched(unicorn.Exit) {
	exit, records := m.assist()
	m.finishAssist(exit, records)
	if exit.Reason != unicorn.ExitStep {
		return
	}
	for _, r := range records {
		for _, w := range slices.Clone(m.watches.user) {
			if address, ok := m.hits(&w.Watch, r); ok && (w.Do == nil || w.Do(m, r)) {
				m.halt(Stop{Why: StopWatch, Address: address, Access: r})
			}
		}
	}
}

func (m *Machine) hits(w *Watch, r unicorn.Record) (uint64, bool) {
	if r.Kind == unicorn.Write && !w.Write || r.Kind == unicorn.Read && !w.Read {
		return 0, false
	}
	address := r.Physical
	if !w.Physical {
		var ok bool
		if address, ok = m.linearIn(r.Physical, w.Address, w.Size); !ok {
			return 0, false
		}
	}
	return address, address < w.Address+w.Size && w.Address < address+uint64(r.Size)
}

// linearIn finds the linear address that a physical one has within a range.
func (m *Machine) linearIn(at, address, size uint64) (uint64, bool) {
	for page := address &^ (unicorn.PageSize - 1); page < address+size; page += unicorn.PageSize {
		t, err := m.Translate(page)
		if err == nil && t.Physical == at&^(unicorn.PageSize-1) {
			return page | at&(unicorn.PageSize-1), true
		}
	}
	return 0, false
}

// matchData gives the DR6 bits of the data breakpoints that an instruction met.
func (m *Machine) matchData(records []unicorn.Record) uint64 {
	var bits uint64
	for _, address := range m.watches.debug {
		for _, r := range records {
			if at, ok := m.linearIn(r.Physical, address, 8); ok {
				bits |= x86.MatchData(&m.state, at, uint64(r.Size), r.Kind == unicorn.Write)
			}
		}
	}
	return bits
}
