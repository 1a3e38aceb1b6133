// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"fmt"
	"slices"
	"sync"
	"weak"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// Snapshot is a machine at one boundary: CPU, memory and devices. It does not
// change. Snapshots nest: one that is taken after another holds only the pages
// written in between, and keeps the other alive.
type Snapshot struct {
	parent *Snapshot
	depth  int
	pages  *unicorn.Pages // against the parent, or against zeros
	config Config
	kinds  []deviceKind // of devices, one for one
	marks  []weak.Pointer[byte]

	state   x86.State
	core    core
	count   uint64
	context []byte // the engine's, with x87 and SSE; nil if it came from a file
	fpu     unicorn.FPU
	devices [][]byte
	typed   []byte
	stop    *Stop

	once  sync.Once
	table *unicorn.Table

	pool
}

// Snapshot takes one of the machine as it is. It costs what was written since
// the last one.
func (m *Machine) Snapshot() (*Snapshot, error) {
	if m.body == nil {
		return nil, ErrClosed
	}
	m.give()
	pages, err := m.cpu.Dirty()
	if err != nil {
		return nil, err
	}
	if m.midRepeat() { // what the engine did last is not in a snapshot
		m.core.Repeat = repeat(m.here())
	} else { // nor is a boundary that it has left behind
		m.core.Repeat = repeat{}
	}
	s := &Snapshot{
		parent:  m.at,
		pages:   pages,
		config:  m.config,
		kinds:   m.pc.kinds,
		marks:   m.pc.marks,
		state:   m.state,
		core:    m.core,
		count:   m.cpu.Count(),
		context: m.cpu.Context(),
		fpu:     m.cpu.FPU(),
		typed:   m.pc.pendingInput(),
		stop:    m.stop,
	}
	if s.parent != nil {
		s.depth = s.parent.depth + 1
	}
	for _, state := range m.pc.states {
		s.devices = append(s.devices, slices.Clone(state))
	}
	m.cpu.Clean()
	m.at = s
	return s, nil
}

// Restore takes the machine back to a snapshot: of itself, or of a machine
// that one of its snapshots came from. It costs what was written since, and
// what lies between the two snapshots. Probes, watches and observers stay.
func (m *Machine) Restore(s *Snapshot) error {
	if m.body == nil {
		return ErrClosed
	}
	if err := m.fits(s); err != nil {
		return err
	}
	m.cpu.Restore(s.memory(), between(m.at, s))
	m.at = s
	if s.context != nil {
		m.cpu.SetContext(s.context)
	}
	breakpoints := m.state.DR != s.state.DR
	m.state, m.core = s.state, s.core
	m.cpu.Store(&m.state)
	m.changed = false
	m.cpu.SetCount(s.count)
	if s.context == nil {
		m.cpu.SetFPU(&s.fpu)
	}
	for i, state := range m.pc.states {
		copy(state, s.devices[i])
	}
	m.pc.restored(s.typed)
	m.stop, m.again, m.resume, m.placed = s.stop, false, reported{}, m.here()
	m.barren = barren{}
	m.cpu.DropHits()
	m.cpu.ForgetArrival()
	if m.every.f != nil {
		m.cpu.ForgetSeen()
	}
	if breakpoints {
		m.breakpointsChanged()
	}
	return nil
}

// fits says why a snapshot is not of a machine like this one.
func (m *Machine) fits(s *Snapshot) error {
	if m.from == s {
		return nil // made for it
	}
	const other = "the snapshot is of another kind of machine: "
	c, d := &s.config, &m.config
	switch {
	case c.Memory != d.Memory:
		return fmt.Errorf(other+"%d KiB of RAM, this one has %d", c.Memory>>10, d.Memory>>10)
	case c.CPU != d.CPU:
		return fmt.Errorf(other+"its CPU %s what this one has", cpuDifference(c.CPU, d.CPU))
	case len(s.kinds) != len(m.pc.kinds):
		return fmt.Errorf(other+"%d devices, this one has %d", len(s.kinds), len(m.pc.kinds))
	}
	for i, k := range m.pc.kinds {
		if s.kinds[i] != k {
			return fmt.Errorf(other+"device %s, in whose place this one has %s", s.kinds[i], k)
		}
	}
	return nil
}

// notShared says which device of a machine to be is the snapshot's machine's as
// well: what made it gave the same device twice.
func (s *Snapshot) notShared(p *platform) error {
	for i, mark := range p.marks {
		if len(p.states[i]) > 0 && slices.Contains(s.marks, mark) {
			return fmt.Errorf("device %s: its function in Devices returned the same device for another machine; each needs its own", p.kinds[i].name)
		}
	}
	return nil
}

// memory is what every page held, made when first asked for.
func (s *Snapshot) memory() *unicorn.Table {
	s.once.Do(func() {
		var layers []*unicorn.Pages
		for t := s; t != nil; t = t.parent {
			layers = append(layers, t.pages)
		}
		slices.Reverse(layers)
		s.table = unicorn.NewTable(s.config.Memory, layers)
	})
	return s.table
}

// between are the layers in which two snapshots may differ: those down to
// what both have in common.
func between(a, b *Snapshot) []*unicorn.Pages {
	var out []*unicorn.Pages
	for a != b {
		if b == nil || a != nil && a.depth >= b.depth {
			out = append(out, a.pages)
			a = a.parent
		} else {
			out = append(out, b.pages)
			b = b.parent
		}
	}
	return out
}
