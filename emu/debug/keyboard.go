// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/x86"
)

// keyboard holds what was typed until the machine is in the present: what
// reaches the guest is part of its history.
type keyboard struct {
	sync.Mutex
	bytes   []byte
	arrived chan struct{} // has room for one
}

// Type sends characters to the guest's first serial port. While the machine
// is in its past they wait. It may be called from any goroutine.
func (d *Machine) Type(b []byte) {
	d.keyboard.Lock()
	d.keyboard.bytes = append(d.keyboard.bytes, b...)
	d.keyboard.Unlock()
	select {
	case d.keyboard.arrived <- struct{}{}:
	default:
	}
}

// collect moves what was typed into the history.
func (d *Machine) collect() bool {
	d.keyboard.Lock()
	defer d.keyboard.Unlock()
	if len(d.keyboard.bytes) == 0 {
		return false
	}
	d.history.typed = append(d.history.typed, typed{d.Position(), slices.Clone(d.keyboard.bytes)})
	d.keyboard.bytes = d.keyboard.bytes[:0]
	return true
}

// idle is called by the machine while its CPU is halted.
func (d *Machine) idle(delay device.Time) bool {
	if d.m == nil {
		return false // not attached yet
	}
	if d.Position().Before(d.history.end) {
		return false // all that happened is in the history
	}
	if d.collect() {
		d.leave()
		return true
	}
	wait, waits := d.wait(delay)
	if !waits {
		return false
	}
	var due <-chan time.Time
	if wait >= 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-d.keyboard.arrived:
		return true // and collects it when it is called again
	case <-d.ctx.Done():
		d.m.Interrupt()
		return true
	case <-due:
		return false
	}
}

// wait is how long an idle guest waits, less than 0 for as long as it takes.
func (d *Machine) wait(delay device.Time) (wait time.Duration, waits bool) {
	if delay == device.Never {
		state := d.m.State()
		return -1, d.options.Input && state.RFLAGS&x86.FlagIF != 0
	}
	if d.options.Pace == nil {
		return 0, false
	}
	wait = d.options.Pace(d.m.Now() + delay)
	return wait, wait > 0
}

// within has the context end what waits in the meantime.
func (d *Machine) within(ctx context.Context) (done func()) {
	d.ctx = ctx
	return func() { d.ctx = context.Background() }
}
