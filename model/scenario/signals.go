// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// signals are handlers, on every way to them and back.
var signals = []Scenario{
	{Name: "signal", Does: "a signal at the end of the call that sends it; its handler returns", Play: signalAtCall},
	{Name: "segv", Does: "a wild access: SIGSEGV, its handler sees where", Play: segv},
	{Name: "altstack", Does: "a handler on an alternate stack", Play: alternate},
	{Name: "nested", Does: "a handler that sends a signal", Play: nested},
	{Name: "trap", Does: "INT3 and UD2: SIGTRAP and SIGILL", Play: traps},
}

// Signals, and flags of struct sigaction (include/uapi/asm-generic/signal-defs.h).
const (
	sigIll, sigTrap, sigUsr1, sigSegv, sigUsr2 = 4, 5, 10, 11, 12

	saSiginfo, saRestorer, saOnStack, saNoDefer = 4, 0x04000000, 0x08000000, 0x40000000
)

// handle installs a handler of the board, with what it takes at the start of page.
func (d *Driver) handle(page, signal uint64, handler Label, flags uint64) error {
	if err := d.WriteWords(page, d.Board.At(handler), flags|saSiginfo|saRestorer, d.Board.At(Restore), 0); err != nil {
		return err
	}
	_, err := d.Must(sysRtSigaction, signal, page, 0, 8)
	return err
}

// page is memory that is there.
func (d *Driver) page() (uint64, error) {
	page, err := d.memory(1)
	if err != nil {
		return 0, err
	}
	return page, d.touch(page, pageSize)
}

func signalAtCall(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	if err := d.handle(page, sigUsr1, Handler, 0); err != nil {
		return err
	}
	pid, err := d.Must(sysGetpid)
	if err != nil {
		return err
	}
	for range 3 {
		state, err := d.Do(patterns(call(sysKill, pid, sigUsr1)))
		if err != nil {
			return err
		}
		if state.GPR[x86.RAX] != 0 {
			return fmt.Errorf("kill: %d", int64(state.GPR[x86.RAX]))
		}
	}
	return nil
}

func segv(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	if err := d.handle(page, sigSegv, Signal, saNoDefer); err != nil {
		return err
	}
	addresses := badPointers(d)
	for _, name := range sorted(addresses) {
		at := addresses[name]
		state := d.Machine.State()
		if state.CPL() == 0 && int64(at) < 0 && at != ^uint64(0) {
			continue // ring 0 may
		}
		state, err := d.Do(patterns(Step{At: Load, Set: map[int]uint64{x86.RDI: at}}))
		if err != nil {
			return fmt.Errorf("a load from %s (%#x): %w", name, at, err)
		}
		if state.RIP != d.Board.At(Signal) {
			return fmt.Errorf("a load from %s (%#x): no SIGSEGV", name, at)
		}
	}
	return nil
}

func alternate(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	stack, err := d.memory(8)
	if err != nil {
		return err
	}
	if err := d.WriteWords(page+0x100, stack, 0, 8*pageSize); err != nil { // stack_t: sp, flags, size
		return err
	}
	if _, err := d.Must(sysSigaltstack, page+0x100, 0); err != nil {
		return err
	}
	if err := d.handle(page, sigUsr1, Handler, saOnStack); err != nil {
		return err
	}
	pid, err := d.Must(sysGetpid)
	if err != nil {
		return err
	}
	_, err = d.Do(patterns(call(sysKill, pid, sigUsr1)))
	return err
}

func nested(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	if err := d.handle(page, sigUsr1, Nested, 0); err != nil {
		return err
	}
	pid, err := d.Must(sysGetpid)
	if err != nil {
		return err
	}
	s := patterns(call(sysKill, pid, sigUsr1))
	s.Set[x86.RBX] = sysGetpid
	_, err = d.Do(s)
	return err
}

func traps(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	if err := d.handle(page, sigTrap, Handler, 0); err != nil {
		return err
	}
	if _, err := d.Do(patterns(Step{At: Break})); err != nil {
		return err
	}
	if err := d.handle(page, sigIll, Signal, saNoDefer); err != nil {
		return err
	}
	state, err := d.Do(patterns(Step{At: Invalid}))
	if err == nil && state.RIP != d.Board.At(Signal) {
		err = fmt.Errorf("UD2: no SIGILL, but %s", d.Image.Symbols.Name(state.RIP))
	}
	return err
}
