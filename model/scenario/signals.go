// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// signals are handlers, on every way to them and back.
var signals = []Scenario{
	{Name: "signal", Does: "a signal at the end of the call that sends it; its handler returns", Play: signalAtCall},
	{Name: "segv", Does: "a wild access: SIGSEGV, its handler sees where", Needs: looksAfter, Play: segv},
	{Name: "altstack", Does: "a handler on an alternate stack", Play: alternate},
	{Name: "nested", Does: "a handler that sends a signal", Play: nested},
	{Name: "alarm", Does: "a signal that comes from a timer, in the middle of plain code", Needs: looksAfterAlarms, Play: alarm},
	{Name: "restart", Does: "a read that waits, is interrupted by a signal, and is made again", Needs: looksAfter, Play: restart},
	{Name: "forged frames", Does: "handlers that change their frames: flags, segments, addresses that can't be gone to", Needs: looksAfter, Play: forged},
	{Name: "single steps", Does: "plain code and calls with TF set: SIGTRAP behind every instruction", Needs: looksAfter, Play: steps},
	{Name: "trap", Does: "INT3 and UD2: SIGTRAP and SIGILL", Needs: looksAfter, Play: traps},
}

// Signals, and flags of struct sigaction (include/uapi/asm-generic/signal-defs.h).
const (
	sigIll, sigTrap, sigUsr1, sigSegv, sigUsr2 = 4, 5, 10, 11, 12

	saSiginfo, saRestorer, saOnStack, saRestart, saNoDefer = 4, 0x04000000, 0x08000000, 0x10000000, 0x40000000
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

func alarm(d *Driver) error {
	const real, sigalrm = 0, 14
	page, err := d.page()
	if err != nil {
		return err
	}
	for _, handler := range []Label{Handler, Signal} { // the first goes back to spinning
		if err := d.handle(page, sigalrm, handler, 0); err != nil {
			return err
		}
		period := uint64(0)
		if handler == Handler {
			period = 500
		}
		if err := d.WriteWords(page+0x100, 0, period, 0, 500); err != nil { // struct itimerval, in microseconds
			return err
		}
		if _, err := d.Must(sysSetitimer, real, page+0x100, 0); err != nil {
			return err
		}
		if handler == Handler {
			d.set(patterns(Step{At: Spin}))
			if stop := d.Machine.Run(emu.Until{Instructions: 3_000_000}); stop.Why != emu.StopLimit {
				return fmt.Errorf("while it waits for signals: %v", stop)
			}
			for range d.Limit { // to where another step may begin
				if d.Machine.State().RIP == d.Board.At(Spin) {
					break
				}
				d.Machine.Run(emu.Until{Instructions: 1})
			}
			continue
		}
		if _, err := d.Do(patterns(Step{At: Spin})); err != nil {
			return err
		}
	}
	return nil
}

func restart(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	if err := d.handle(page, sigUsr1, Handler, saRestart); err != nil {
		return err
	}
	if _, err := d.Must(sysPipe, page+0x100); err != nil {
		return err
	}
	fds, err := d.Word(page + 0x100)
	if err != nil {
		return err
	}
	pid, err := d.Must(sysGetpid)
	if err != nil {
		return err
	}
	d.onClone(call(sysSchedYield), call(sysKill, pid, sigUsr1), call(sysSchedYield), call(sysWrite, fds>>32, page, 8))
	if _, err := d.Must(sysFork); err != nil {
		return err
	}
	state, err := d.Do(patterns(call(sysRead, fds&0xffffffff, page+0x200, 8)))
	if err == nil && state.GPR[x86.RAX] != 8 {
		err = fmt.Errorf("the read that was interrupted: %d", int64(state.GPR[x86.RAX]))
	}
	return err
}

// Fields of struct rt_sigframe, in bytes (arch/x86/include/asm/sigframe.h).
const (
	frameIP = 0xb0
	frameFL = 0xb8
	frameCS = 0xc0
	frameSS = 0xc6
)

func forged(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	pid, err := d.Must(sysGetpid)
	if err != nil {
		return err
	}
	mark, err := d.Mark()
	if err != nil {
		return err
	}
	defer mark.Close()
	flags := d.Machine.State().RFLAGS
	type field struct {
		offset uint64
		value  []byte
	}
	for _, f := range []struct {
		name   string
		fields []field
		fatal  bool // the program can't go on, and gets another signal
	}{
		{"flags with IF clear, and NT, IOPL and VM set", []field{{frameFL, little((flags | x86.FlagNT | x86.FlagIOPL | x86.FlagVM) &^ x86.FlagIF)}}, false},
		{"DF and AC", []field{{frameFL, little(flags | x86.FlagDF | x86.FlagAC)}}, false},
		{"RIP that is not canonical", []field{{frameIP, little(0x8000_0000_0000)}}, true},
		{"RIP in the hole", []field{{frameIP, little(0xdead_0000_0000_0000)}}, true},
		{"RIP in the hole, to be gone to by IRET", []field{{frameIP, little(0xdead_0000_0000_0000)}, {frameFL, little(flags | x86.FlagRF)}}, true},
		{"CS of the kernel", []field{{frameCS, []byte{0x10, 0}}}, false},
		{"CS that is in no table", []field{{frameCS, []byte{0xc3, 0}}}, false},
		{"SS that is in no table", []field{{frameSS, []byte{0xff, 0xff}}}, false},
	} {
		if err := d.Back(mark); err != nil {
			return err
		}
		if err := d.handle(page, sigSegv, Signal, saNoDefer); err != nil {
			return err
		}
		if err := d.handle(page, sigUsr1, Stopped, 0); err != nil {
			return err
		}
		state, err := d.Do(patterns(call(sysKill, pid, sigUsr1)))
		if err != nil {
			return err
		}
		if state.RIP != d.Board.At(Stopped) {
			return fmt.Errorf("the handler was not called, but %s was come to", d.Image.Symbols.Name(state.RIP))
		}
		for _, field := range f.fields {
			if err := d.Write(state.GPR[x86.RSP]+field.offset, field.value); err != nil {
				return err
			}
		}
		if state, err = d.Do(Step{At: Handler}); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if f.fatal && state.RIP != d.Board.At(Signal) {
			return fmt.Errorf("%s: no SIGSEGV, but %s", f.name, d.Image.Symbols.Name(state.RIP))
		}
	}
	return d.Back(mark)
}

func little(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// steps sets TF. A signal's handler runs without it, and gives it back.
func steps(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	if err := d.handle(page, sigTrap, Handler, 0); err != nil {
		return err
	}
	set := func(s *x86.State) { s.RFLAGS |= x86.FlagTF }
	clear := func(s *x86.State) { s.RFLAGS &^= x86.FlagTF }
	for _, s := range []Step{{At: Nops}, call(sysGetpid), {At: Push}} {
		s = patterns(s)
		s.Change = set
		if _, err := d.Do(s); err != nil {
			return fmt.Errorf("%s with TF: %w", s.At, err)
		}
		if _, err := d.Do(Step{At: Nops, Change: clear}); err != nil {
			return err
		}
	}
	return nil
}
