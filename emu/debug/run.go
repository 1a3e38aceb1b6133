// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"context"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/gdb"
)

// Step implements [gdb.Target].
func (d *Machine) Step(ctx context.Context) (gdb.Stop, error) {
	defer d.within(ctx)()
	var found *gdb.Stop
	d.onHit = func(s gdb.Stop) bool {
		if s.Reason == gdb.StopWatchpoint {
			found = &s
		}
		return false
	}
	defer func() { d.onHit = nil }()
	if err := d.step(); err != nil {
		return gdb.Stop{}, err
	}
	if d.last.Ended() {
		return ended(d.last), nil
	}
	if err := d.checkpointIfDue(); err != nil {
		return gdb.Stop{}, err
	}
	switch {
	case found != nil:
		return *found, nil
	case d.last.Why == emu.StopInterrupted:
		return gdb.Stop{Reason: gdb.StopInterrupt}, nil
	}
	return gdb.Stop{Reason: gdb.StopStep}, nil
}

// Continue implements [gdb.Target].
func (d *Machine) Continue(ctx context.Context) (gdb.Stop, error) {
	defer d.within(ctx)()
	s := d.m.State()
	if b, ok := d.breakpointAt(s.RIP); ok {
		return gdb.Stop{Reason: gdb.StopBreakpoint, Kind: b.Kind, Address: b.Address}, nil
	}
	var found *gdb.Stop
	d.onHit = func(s gdb.Stop) bool {
		found = &s
		return true
	}
	defer func() { d.onHit = nil }()
	for ctx.Err() == nil {
		if err := d.move(never); err != nil {
			return gdb.Stop{}, err
		}
		switch {
		case d.last.Ended():
			return ended(d.last), nil
		case found != nil:
			return *found, nil
		}
		if err := d.checkpointIfDue(); err != nil {
			return gdb.Stop{}, err
		}
	}
	return gdb.Stop{Reason: gdb.StopInterrupt}, nil
}

// ended says in gdb's terms how a guest ended. Where something went wrong the
// machine can still be looked at, and taken back.
func ended(s emu.Stop) gdb.Stop {
	switch s.Why {
	case emu.StopDebugExit:
		return gdb.Stop{Reason: gdb.StopExited, Code: uint8(s.Code)}
	case emu.StopPowerOff:
		return gdb.Stop{Reason: gdb.StopExited}
	}
	return gdb.Stop{Reason: gdb.StopShutdown}
}
