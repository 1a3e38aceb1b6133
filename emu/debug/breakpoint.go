// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"errors"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/gdb"
	"github.com/uklemu/uklemu/emu/unicorn"
)

// SetBreakpoint implements [gdb.Breakpointer]. Of execution breakpoints there
// is no limit, and memory does not show them; watchpoints may be on as many
// pages as the engine watches.
func (d *Machine) SetBreakpoint(b gdb.Breakpoint) error {
	if _, ok := d.breakpoints[b]; ok {
		return nil
	}
	if b.Kind == gdb.SoftwareBreakpoint || b.Kind == gdb.HardwareBreakpoint {
		d.setExecution(b)
		return nil
	}
	return d.setWatch(b)
}

func (d *Machine) setExecution(b gdb.Breakpoint) {
	stop := gdb.Stop{Reason: gdb.StopBreakpoint, Kind: b.Kind, Address: b.Address}
	d.m.Probe(b.Address, func(*emu.Machine) bool { return d.hits(stop) })
	d.breakpoints[b] = func() {
		if _, other := d.breakpointAt(b.Address); !other {
			d.m.RemoveProbe(b.Address)
		}
	}
}

func (d *Machine) setWatch(b gdb.Breakpoint) error {
	if b.Length == 0 || b.Address+b.Length-1 < b.Address {
		return errors.New("a watchpoint needs a length of 1 or more, and must not go around the end of memory")
	}
	stop := gdb.Stop{Reason: gdb.StopWatchpoint, Kind: b.Kind, Address: b.Address}
	remove, err := d.m.Watch(emu.Watch{
		Address: b.Address,
		Size:    b.Length,
		Read:    b.Kind != gdb.WriteWatchpoint,
		Write:   b.Kind != gdb.ReadWatchpoint,
		Do:      func(*emu.Machine, unicorn.Record) bool { return d.hits(stop) },
	})
	if err != nil {
		return err
	}
	d.breakpoints[b] = remove
	return nil
}

// ClearBreakpoint implements [gdb.Breakpointer].
func (d *Machine) ClearBreakpoint(b gdb.Breakpoint) error {
	if remove, ok := d.breakpoints[b]; ok {
		delete(d.breakpoints, b)
		remove()
	}
	return nil
}

func (d *Machine) hits(s gdb.Stop) bool { return d.onHit != nil && d.onHit(s) }

func (d *Machine) breakpointAt(address uint64) (gdb.Breakpoint, bool) {
	for b := range d.breakpoints {
		if b.Address == address && b.Kind <= gdb.HardwareBreakpoint {
			return b, true
		}
	}
	return gdb.Breakpoint{}, false
}
