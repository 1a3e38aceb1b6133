// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// calls are system calls, as they are made all day and as nobody makes them.
var calls = []Scenario{
	{Name: "calls", Does: "plain system calls, with every register in use", Play: plainCalls},
	{Name: "flags", Does: "system calls and exceptions with every flag set that a program may set", Play: flags},
	{Name: "numbers", Does: "numbers that no call has, and dirty upper halves", Play: numbers},
	{Name: "syscall", Does: "SYSCALL executed by the application itself", Needs: inKernelMode, Play: instruction},
}

func plainCalls(d *Driver) error {
	pid, err := d.Must(sysGetpid)
	if err != nil {
		return err
	}
	for range 4 {
		state, err := d.Do(patterns(call(sysGetpid)))
		if err != nil {
			return err
		}
		if state.GPR[x86.RAX] != pid {
			return fmt.Errorf("getpid: %#x, and before %#x", state.GPR[x86.RAX], pid)
		}
	}
	for _, n := range []uint64{sysSchedYield, sysGetpid} {
		if _, err := d.Call(n); err != nil {
			return err
		}
	}
	return nil
}

// setFlags are the flags that a program may have when it calls or faults. TF
// is not among them: it would trap at every instruction of the board.
var setFlags = []uint64{x86.FlagDF, x86.FlagAC, x86.FlagNT, x86.FlagDF | x86.FlagAC | x86.FlagNT,
	x86.FlagCF | x86.FlagPF | x86.FlagAF | x86.FlagZF | x86.FlagSF | x86.FlagOF}

// ringFlags need CPL 0 to be set.
var ringFlags = []uint64{x86.FlagIOPL, x86.FlagIOPL | x86.FlagDF | x86.FlagNT}

func flags(d *Driver) error {
	sets := setFlags
	state := d.Machine.State()
	if state.CPL() == 0 {
		sets = append(sets[:len(sets):len(sets)], ringFlags...)
	}
	const mine = x86.FlagCF | x86.FlagPF | x86.FlagAF | x86.FlagZF | x86.FlagSF | x86.FlagOF | x86.FlagDF | x86.FlagAC | x86.FlagNT | x86.FlagIOPL
	vector, err := harmless(d.Image)
	if err != nil {
		return err
	}
	for _, f := range sets {
		change := func(s *x86.State) { s.RFLAGS = s.RFLAGS&^mine | f }
		back := func(s *x86.State) { s.RFLAGS &^= mine }
		c := patterns(call(sysGetpid))
		c.Change = change
		if _, err := d.Do(c); err != nil {
			return fmt.Errorf("RFLAGS %#x: %w", f, err)
		}
		d.Machine.InterruptAt(3, vector)
		if _, err := d.Do(Step{At: Nops, Change: change}); err != nil {
			return fmt.Errorf("RFLAGS %#x, an interrupt: %w", f, err)
		}
		if _, err := d.Do(Step{At: Nops, Change: back}); err != nil {
			return err
		}
	}
	return nil
}

func numbers(d *Driver) error {
	for _, n := range []uint64{0x1_0000_0000 | sysGetpid, 0xdead_beef_0000_0000 | sysGetpid, 100_000, ^uint64(0), 1 << 31, 0xffff_ffff, 0x4000_0000 | sysGetpid} {
		if _, err := d.Call(n); err != nil {
			return fmt.Errorf("system call %#x: %w", n, err)
		}
	}
	return nil
}

func instruction(d *Driver) error {
	s := patterns(call(sysGetpid))
	s.At = SYSCALL
	_, err := d.Do(s)
	return err
}
