// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/debug"
	"github.com/uklemu/uklemu/emu/device"
)

// goal is what a run may wait for.
type goal struct{ text, symbol string }

// runner runs a guest until it ends, a goal or a limit is reached, or the
// user has had enough.
type runner struct {
	ctx     context.Context
	guest   *guest
	machine *emu.Machine
	idle    func(m *emu.Machine, delay device.Time) bool

	console io.Writer
	broken  error // of the console
	goal    *goal
	recent  []byte // the console's end, as far as it may be the goal's beginning
	reached bool   // the goal's text was written
	over    atomic.Bool

	open sync.Mutex // held while another goroutine has the machine, which may be closed
}

func newRunner(ctx context.Context, g *guest, console io.Writer, goal *goal) *runner {
	return &runner{ctx: ctx, guest: g, console: console, goal: goal}
}

// start makes the machine; its console goes to the runner.
func (r *runner) start(config emu.Config) error {
	if config.Console == nil {
		config.Console = r
	}
	if r.idle != nil {
		config.Idle = func(delay device.Time) bool { return r.idle(r.machine, delay) }
	}
	m, err := r.guest.machine(config)
	if err != nil {
		return err
	}
	r.machine = m
	if r.goal.symbol != "" {
		address, err := r.guest.address(r.goal.symbol)
		if err != nil {
			m.Close()
			return err
		}
		m.Probe(address, nil)
	}
	context.AfterFunc(r.ctx, r.quit)
	return nil
}

// close gives the machine back; what others still want of it goes nowhere.
func (r *runner) close() {
	r.open.Lock()
	defer r.open.Unlock()
	r.machine.Close()
	r.machine = nil
}

// typeIn sends characters to the guest; it may be called from any goroutine.
func (r *runner) typeIn(b []byte) {
	r.open.Lock()
	defer r.open.Unlock()
	if r.machine != nil {
		r.machine.Type(b)
	}
}

// forget is for a goal that has been reached: from here on the run is another's.
func (r *runner) forget() {
	if r.goal.symbol != "" {
		if address, err := r.guest.address(r.goal.symbol); err == nil {
			r.machine.RemoveProbe(address)
		}
	}
	r.goal, r.reached = &goal{}, false
}

// quit ends the run; it may be called from any goroutine.
func (r *runner) quit() {
	r.over.Store(true)
	r.open.Lock()
	defer r.open.Unlock()
	if r.machine != nil {
		r.machine.Interrupt()
	}
}

// Write is the guest's console.
func (r *runner) Write(p []byte) (int, error) {
	if r.goal.text != "" && !r.reached {
		r.recent = append(r.recent, p...)
		r.reached = bytes.Contains(r.recent, []byte(r.goal.text))
		r.recent = r.recent[max(0, len(r.recent)-len(r.goal.text)):]
	}
	if r.reached {
		r.machine.Interrupt()
	}
	n, err := r.console.Write(p)
	if err != nil {
		r.broken = err
	}
	return n, err
}

// slice is how many instructions are run between two looks at what else may
// end the run. A request to end it does so at once; this is for what comes
// without one.
const slice = 50_000_000

// run goes on until something ends it.
func (r *runner) run(l limit) ending {
	m := r.machine
	last := m.Instructions() + l.instructions
	deadline := device.Time(0)
	if l.time > 0 {
		deadline = m.Now() + l.time
	}
	for {
		until := emu.Until{Instructions: slice, Time: deadline}
		if l.instructions > 0 {
			until.Instructions = min(slice, last-m.Instructions())
		}
		stop := m.Run(until)
		limited := stop.Why == emu.StopLimit &&
			(l.instructions > 0 && m.Instructions() >= last || deadline > 0 && m.Now() >= deadline)
		switch {
		case stop.Ended():
			return endingOf(m, stop)
		case stop.Why == emu.StopProbe, r.reached:
			return ending{stop: stop, reason: "until"}
		case limited:
			return ending{stop, "limit", statusFailed, "the limit was reached"}
		case r.ctx.Err() != nil:
			return ending{stop, "interrupted", statusFailed, "interrupted"}
		case r.over.Load():
			return ending{stop: stop, reason: "quit"}
		}
	}
}

// ending is how a run ended.
type ending struct {
	stop     emu.Stop
	reason   string // as --json has it
	status   int
	sentence string // for people, if the status is not 0
}

func endingOf(m *emu.Machine, stop emu.Stop) ending {
	e := ending{stop, stop.Why.String(), statusFailed, "the guest ended: " + debug.Explain(m, stop)}
	if stop.Why == emu.StopPowerOff || stop.Why == emu.StopDebugExit && stop.Code == 0 {
		e.status = statusFine
	}
	return e
}

func (e ending) report() exitReport {
	x := exitReport{Reason: e.reason, Code: e.stop.Code}
	if e.stop.Err != nil {
		x.Error = e.stop.Err.Error()
	}
	return x
}

// save writes a snapshot, all of it or nothing.
func (r *runner) save(path string, end ending) error {
	if end.stop.Ended() {
		return failure{fmt.Errorf("--save: %s: %w", path, errEnded)}
	}
	s, err := r.machine.Snapshot()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	defer os.Remove(f.Name())
	err = s.Save(f, r.guest.image)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return failure{fmt.Errorf("--save: %s: %w", path, err)}
	}
	return nil
}
