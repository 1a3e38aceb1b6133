// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/device"
)

// consoleInput brings standard input to the guest's serial port. On a terminal
// each key goes there at once, and Ctrl-A begins a command to uklemu.
type consoleInput struct {
	s    *session
	quit func()
	pace pace

	restore func() // the terminal
	mu      sync.Mutex
	send    func([]byte)
	waiting []byte // until the guest listens
	listens bool
	arrived chan struct{} // has room for one
	ended   chan struct{} // closed at the end of the input
}

func newConsoleInput(s *session, quit func()) *consoleInput {
	return &consoleInput{s: s, quit: quit, restore: func() {}, arrived: make(chan struct{}, 1), ended: make(chan struct{})}
}

// open starts reading. What a file holds is there from the beginning, so that
// a run with it is the same every time.
func (in *consoleInput) open(m *emu.Machine, send func([]byte)) error {
	in.send = send
	in.pace.begin(m.Now())
	listen(m, in.guestListens)
	f, _ := in.s.in.(*os.File)
	if in.s.in == nil {
		close(in.ended)
		return nil
	}
	if f == nil || regular(f) {
		b, err := io.ReadAll(in.s.in)
		in.took(b)
		close(in.ended)
		return err
	}
	keys := keys{in: in}
	if term.IsTerminal(int(f.Fd())) {
		old, err := term.MakeRaw(int(f.Fd()))
		if err != nil {
			return err
		}
		in.restore = sync.OnceFunc(func() { _ = term.Restore(int(f.Fd()), old) })
		keys.commands = true
	}
	go func() {
		defer close(in.ended)
		b := make([]byte, 4096)
		for {
			n, err := f.Read(b)
			keys.pressed(b[:n])
			if err != nil {
				return
			}
		}
	}()
	return nil
}

func regular(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// close gives the terminal back; it may be called twice.
func (in *consoleInput) close() { in.restore() }

// took passes characters on, or keeps them until the guest listens: what comes
// before is lost when a driver resets the port.
func (in *consoleInput) took(b []byte) {
	if len(b) == 0 {
		return
	}
	in.mu.Lock()
	if in.listens {
		in.send(b)
	} else {
		in.waiting = append(in.waiting, b...)
	}
	in.mu.Unlock()
	in.wake()
}

func (in *consoleInput) guestListens() {
	in.mu.Lock()
	in.listens = true
	if len(in.waiting) > 0 {
		in.send(in.waiting)
		in.waiting = nil
	}
	in.mu.Unlock()
}

func (in *consoleInput) wake() {
	select {
	case in.arrived <- struct{}{}:
	default:
	}
}

// idle passes the time of a guest that waits: as long as there may be input,
// not faster than the clock on the wall.
func (in *consoleInput) idle(m *emu.Machine, delay device.Time) bool {
	select {
	case <-in.ended:
		return false
	case <-in.arrived:
		return true
	default:
	}
	var due <-chan time.Time
	if delay != device.Never {
		wait := in.pace.until(m.Now() + delay)
		if wait <= 0 {
			return false
		}
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-in.arrived:
		return true
	case <-in.ended:
		return false
	case <-due:
		return false
	}
}

// pace relates a guest's time to that of the world.
type pace struct {
	virtual device.Time
	real    time.Time
}

func (p *pace) begin(now device.Time) { p.virtual, p.real = now, time.Now() }

// until is how long it still is to a time of the guest's, which may have been
// slower and then has something to catch up.
func (p *pace) until(t device.Time) time.Duration {
	return time.Until(p.real.Add(time.Duration(t - p.virtual)))
}
