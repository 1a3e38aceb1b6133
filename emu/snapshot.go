// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/uklemu/uklemu/emu/device"
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
	m.give()
	pages, err := m.cpu.Dirty()
	if err != nil {
		return nil, err
	}
	if m.midRepeat() { // what the engine did last is not in a snapshot
		m.core.Repeat = repeat(m.here())
	}
	s := &Snapshot{
		parent:  m.at,
		pages:   pages,
		config:  m.config,
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
	for _, d := range m.pc.devices {
		s.devices = append(s.devices, slices.Clone(stateBytes(d)))
	}
	m.cpu.Clean()
	m.at = s
	return s, nil
}

// stateBytes is the memory of a device's state: plain data, as its interface
// demands (newPlatform checks it).
func stateBytes(d device.Device) []byte {
	p, size := statePointer(d)
	return unsafe.Slice((*byte)(p), size)
}

// Restore takes the machine back to a snapshot: of itself, or of a machine
// that one of its snapshots came from. It costs what was written since, and
// what lies between the two snapshots. Probes, watches and observers stay.
func (m *Machine) Restore(s *Snapshot) error {
	if m.closed {
		return fmt.Errorf("the machine has been closed")
	}
	if s.config.Memory != m.config.Memory || len(s.devices) != len(m.pc.devices) {
		return fmt.Errorf("the snapshot is of another kind of machine: %d MiB and %d devices, this one has %d MiB and %d",
			s.config.Memory>>20, len(s.devices), m.config.Memory>>20, len(m.pc.devices))
	}
	for i, d := range m.pc.devices {
		if to := stateBytes(d); len(to) != len(s.devices[i]) {
			return fmt.Errorf("the snapshot is of another kind of machine: device %s differs", d.Name())
		}
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
	for i, d := range m.pc.devices {
		copy(stateBytes(d), s.devices[i])
	}
	m.pc.restored(s.typed)
	m.stop, m.again, m.resume, m.placed = s.stop, false, reported{}, m.here()
	if breakpoints {
		m.breakpointsChanged()
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

// pool keeps machines that were started from a snapshot and closed.
type pool struct {
	sync.Mutex
	idle   []*Machine
	closed bool
}

// maxIdle is how many closed machines a snapshot keeps for the next Start.
const maxIdle = 4

// Start makes a machine that stands where the snapshot was taken, beside any
// other. Closing it gives it back to the snapshot, which keeps a few for the
// next Start: then starting costs no more than a Restore.
func (s *Snapshot) Start() (*Machine, error) {
	s.pool.Lock()
	var m *Machine
	if n := len(s.pool.idle); n > 0 {
		m = s.pool.idle[n-1]
		s.pool.idle = s.pool.idle[:n-1]
	}
	s.pool.Unlock()
	if m == nil {
		var err error
		if m, err = New(s.config); err != nil {
			return nil, err
		}
		m.from = s
	}
	m.closed = false
	if err := m.Restore(s); err != nil {
		m.destroy()
		return nil, err
	}
	return m, nil
}

// Close gives the machines back that the snapshot keeps. The snapshot itself
// stays good.
func (s *Snapshot) Close() {
	s.pool.Lock()
	idle := s.pool.idle
	s.pool.idle, s.pool.closed = nil, true
	s.pool.Unlock()
	for _, m := range idle {
		m.destroy()
	}
}

// keep takes a closed machine, if there is room for it.
func (s *Snapshot) keep(m *Machine) bool {
	s.pool.Lock()
	defer s.pool.Unlock()
	if s.pool.closed || len(s.pool.idle) >= maxIdle {
		return false
	}
	s.pool.idle = append(s.pool.idle, m)
	return true
}
