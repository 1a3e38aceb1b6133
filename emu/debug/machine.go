// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"context"
	"errors"
	"time"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/gdb"
	"github.com/uklemu/uklemu/emu/symbols"
)

// Options say how a machine is debugged. The zero value is good.
type Options struct {
	// Budget is how many bytes the snapshots for going back may take beyond
	// one image of the memory; 0 is DefaultBudget.
	Budget int64
	// Interval is how many instructions lie between two snapshots of the
	// recent past; 0 is DefaultInterval.
	Interval uint64
	// Pace is how long an idle guest shall be kept waiting for what is due at
	// a virtual time. With nil it goes on at once.
	Pace func(due device.Time) time.Duration
	// Input says that more characters may be typed: an idle guest that waits
	// for nothing else is not at its end.
	Input bool
	// Symbols name addresses in post-mortems; may be nil.
	Symbols *symbols.Table
}

const (
	DefaultBudget   = 512 << 20
	DefaultInterval = 4_000_000
)

// Machine is a machine under a debugger. It belongs to one goroutine at a
// time; only [Machine.Type] may be called from another.
type Machine struct {
	m          *emu.Machine
	options    Options
	console    console
	deliveries uint64
	last       emu.Stop        // why the machine stopped last
	ctx        context.Context // of the run under way

	breakpoints map[gdb.Breakpoint]func() // with what removes them
	onHit       func(gdb.Stop) bool       // asked at breakpoints and watchpoints; true stops

	keyboard keyboard
	history  history
}

var (
	_ gdb.Target       = (*Machine)(nil)
	_ gdb.Breakpointer = (*Machine)(nil)
	_ gdb.Reverser     = (*Machine)(nil)
	_ gdb.Monitor      = (*Machine)(nil)
)

// New prepares one. It needs Config for the machine that is to be debugged,
// and then Attach.
func New(options Options) *Machine {
	if options.Budget == 0 {
		options.Budget = DefaultBudget
	}
	if options.Interval == 0 {
		options.Interval = DefaultInterval
	}
	return &Machine{
		options:     options,
		breakpoints: map[gdb.Breakpoint]func(){},
		keyboard:    keyboard{arrived: make(chan struct{}, 1)},
		ctx:         context.Background(),
	}
}

// Config makes a machine's configuration one for debugging: a replay writes
// nothing twice, and an idle guest waits as [Options] say.
func (d *Machine) Config(c emu.Config) emu.Config {
	d.console.w = c.Console
	c.Console = &d.console
	c.Idle = d.idle
	return c
}

// Attach takes a machine that was made with Config and has been booted. Where
// it stands is the beginning of what is known.
func (d *Machine) Attach(m *emu.Machine) error {
	if d.m != nil {
		return errors.New("a machine is attached already")
	}
	d.m = m
	m.Observe(func(e emu.Event) {
		switch e.Kind {
		case emu.EventException, emu.EventInterrupt, emu.EventNMI, emu.EventSoftware:
			d.deliveries++
		}
	})
	d.history.end = d.Position()
	return d.checkpoint()
}

// Position is where the machine stands.
func (d *Machine) Position() Position {
	return Position{Instructions: d.m.Instructions(), Deliveries: d.deliveries, Time: d.m.Now()}
}

// Last is why the machine stopped last.
func (d *Machine) Last() emu.Stop { return d.last }
