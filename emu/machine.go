// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// Machine is one computer. It belongs to one goroutine at a time; only
// [Machine.Interrupt] and [Machine.Type] may be called from another. After
// [Machine.Close] its methods do nothing and answer with [ErrClosed], or with
// zeros where they return no error.
type Machine struct {
	*body             // nil once closed: it may be another's by then
	gate   sync.Mutex // held where another goroutine has the body, and where it goes
	inside int        // calls under way that call back
	ending bool       // closed by one of these calls
}

// body is all of a machine but the name its owner knows it by: what a
// [Snapshot] keeps of one that was closed.
type body struct {
	config  Config
	outside Outside
	ram     *unicorn.RAM
	cpu     *unicorn.CPU
	pc      *platform

	// The state of the CPU outside a run. changed says that the engine has
	// not been given it yet.
	state   x86.State
	changed bool
	params  unicorn.Params
	core    core

	probes  probes
	points  points
	every   every
	ranges  []*rangeProbe
	resume  reported
	tracing bool
	fills   bool             // TLB misses are among the events
	traced  []unicorn.Record // of the instruction that was stepped last
	watches watches
	hooks   []*func(Event)
	edges   []byte // of coverage, in the engine's memory
	stop    *Stop
	at      *Snapshot // what dirty pages are counted from; nil is zeros
	from    *Snapshot // that keeps the body when the machine is closed

	// Where the machine itself has put the CPU last. What the engine executed
	// before says nothing of how it got there.
	placed reported

	barren barren

	interrupted atomic.Bool // by Interrupt, not by Type

	stepData uint64 // DR6 bits of the data and I/O breakpoints that the instruction under way met
	again    bool   // it is a repeated one with more iterations to come
}

// core is what changes in a machine beside the CPU's registers, the memory
// and the devices: plain data, so that a snapshot is a copy.
type core struct {
	MSRs     x86.MSRs
	Halted   bool
	HaltedAt uint64 // virtual time
	Skew     uint64 // nanoseconds that passed without an instruction
	Pended   uint64 // DR6 bits that a MOV SS holds back
	Random   uint64 // the generator behind RDRAND
	Forced   forced // an interrupt or NMI asked for at a boundary
	Repeat   repeat
}

// New makes a machine that has not been started: memory is zero, the CPU in
// no particular state. See [Machine.Boot].
func New(config Config) (*Machine, error) {
	outside := config.outside()
	b, err := newBody(config)
	if err != nil {
		return nil, err
	}
	m := b.machine()
	m.connect(outside)
	return m, nil
}

func newBody(config Config) (*body, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	ram, err := unicorn.NewRAM(config.Memory)
	if err != nil {
		return nil, err
	}
	return bodyWith(config, ram)
}

// bodyWith takes the memory over; the configuration is complete.
func bodyWith(config Config, ram *unicorn.RAM) (*body, error) {
	cpu, err := unicorn.New(ram)
	if err != nil {
		ram.Close()
		return nil, err
	}
	b := &body{config: config, ram: ram, cpu: cpu}
	b.params = unicorn.Params{
		PhysicalBits: x86.PhysicalBits,
		GigabytePage: config.CPU.Features.Has(x86.GBPages),
		Denied:       unicorn.Denied(config.CPU.Features),
	}
	cpu.Configure(&b.params)
	b.core.MSRs = x86.NewMSRs(&b.config.CPU)
	if b.pc, err = newPlatform(&b.config); err != nil {
		b.destroy()
		return nil, err
	}
	return b, nil
}

// Boot loads an image with what goes along and sets the CPU to its entry.
func (m *Machine) Boot(image *boot.Image, options boot.Options) error {
	if m.body == nil {
		return ErrClosed
	}
	if !m.config.NoACPI {
		tables, rsdp := m.pc.tables()
		if _, err := (physical{m}).WriteAt(tables, device.ACPIBase); err != nil {
			return err
		}
		options.RSDP = rsdp
		options.Reserved = append(options.Reserved, boot.Range{Start: device.ACPIBase, End: device.ACPIBase + uint64(len(tables))})
	}
	entry, err := image.Load(physical{m}, options)
	if err != nil {
		return err
	}
	m.SetState(&entry.State)
	// SDM vol. 3A, table 10-1: x87 and MXCSR after power-up.
	m.SetFPU(&unicorn.FPU{Control: 0x40, Tag: 0x5555, MXCSR: 0x1f80})
	return nil
}

// State is the CPU's state, at the boundary where the machine stands.
func (m *Machine) State() x86.State {
	if m.body == nil {
		return x86.State{}
	}
	return m.state
}

// SetState replaces it. PAE paging under another CR3, or from now on, reads its
// PDPTEs from memory unless they are replaced as well.
func (m *Machine) SetState(s *x86.State) {
	if m.body == nil {
		return
	}
	if s.RIP != m.state.RIP {
		m.placed = reported{s.RIP, m.cpu.Count()}
	}
	load := s.PAEPaging() && s.PDPTE == m.state.PDPTE && (s.CR3 != m.state.CR3 || !m.state.PAEPaging())
	m.state = *s
	if load {
		_ = m.loadPDPTEs() // those that can't be loaded stay as they were
	}
	m.changed = true
	m.breakpointsChanged()
}

// Instructions is how many have been retired since the machine was made.
func (m *Machine) Instructions() uint64 {
	if m.body == nil {
		return 0
	}
	return m.cpu.Count()
}

// Now is the virtual time.
func (m *Machine) Now() device.Time {
	if m.body == nil {
		return 0
	}
	return device.Time(m.cpu.Count() + m.core.Skew)
}

// Engine says which libunicorn runs the machine.
func (m *Machine) Engine() *unicorn.Library {
	if m.body == nil {
		return nil
	}
	return m.cpu.Library()
}

// Interrupt makes a run that is under way, or the next one, come back with
// [StopInterrupted]. It may be called from any goroutine.
func (m *Machine) Interrupt() {
	m.gate.Lock()
	defer m.gate.Unlock()
	if m.body == nil {
		return
	}
	m.interrupted.Store(true) // first: the engine comes back for input as well
	m.cpu.Interrupt()
}

// physical is the machine's memory for a boot protocol and for tools.
type physical struct{ m *Machine }

func (p physical) Size() uint64 { return uint64(len(p.m.ram.Bytes())) }

func (p physical) WriteAt(b []byte, at int64) (int, error) {
	if err := p.m.WritePhysical(uint64(at), b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ReadPhysical copies from RAM.
func (m *Machine) ReadPhysical(at uint64, b []byte) error {
	if m.body == nil {
		return ErrClosed
	}
	ram := m.ram.Bytes()
	if at > uint64(len(ram)) || uint64(len(b)) > uint64(len(ram))-at {
		return fmt.Errorf("physical %#x to %#x: RAM ends at %#x", at, at+uint64(len(b)), len(ram))
	}
	copy(b, ram[at:])
	runtime.KeepAlive(m) // with whom the memory goes
	return nil
}

// WritePhysical copies to RAM, as a device would: what the CPU has translated
// from there is translated anew.
func (m *Machine) WritePhysical(at uint64, b []byte) error {
	if m.body == nil {
		return ErrClosed
	}
	ram := m.ram.Bytes()
	if at > uint64(len(ram)) || uint64(len(b)) > uint64(len(ram))-at {
		return fmt.Errorf("physical %#x to %#x: RAM ends at %#x", at, at+uint64(len(b)), len(ram))
	}
	copy(ram[at:], b)
	m.cpu.Wrote(at, uint64(len(b)))
	return nil
}
