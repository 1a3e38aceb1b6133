// SPDX-License-Identifier: GPL-2.0-or-later

package task_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/space"
	"github.com/uklemu/uklemu/model/task"
)

// shadow is what a machine has done: the entries that are open in each task,
// the outermost first.
type shadow struct {
	*emu.Machine
	t      *testing.T
	call   uint64 // the first instruction of UKL's entry
	happen []emu.Event
	open   map[uint64][]task.Registers
	// known are the tasks that were seen in their own code: before that, it
	// can't be said what is open.
	known map[uint64]bool
}

func watch(t *testing.T, m *emu.Machine) *shadow {
	s := &shadow{Machine: m, t: t, call: ukl.address(t, "ukl_entry_SYSCALL_64"), open: map[uint64][]task.Registers{}, known: map[uint64]bool{}}
	m.Observe(func(e emu.Event) { s.happen = append(s.happen, e) })
	return s
}

// step goes to the next boundary and notes what was entered and left.
func (s *shadow) step(current uint64) {
	before := s.State()
	s.happen = s.happen[:0]
	require.Equal(s.t, emu.StopLimit, s.Step().Why)
	open := s.open[current]
	for _, e := range s.happen {
		switch e.Kind {
		case emu.EventException, emu.EventInterrupt, emu.EventNMI:
			if n := len(open); before.RIP == s.call {
				open = open[:n-1] // the call begins when its first instruction is done
			}
			open = append(open, task.Interrupted(&before))
		case emu.EventIRET:
			if n := len(open); n > 0 {
				open = open[:n-1]
			}
		}
	}
	if after := s.State(); after.RIP == s.call {
		regs := task.Interrupted(&after)
		back, ok := space.Fields{Memory: s}.Word(regs.SP)
		require.True(s.t, ok)
		regs.IP, regs.SP = back, regs.SP+8
		open = append(open, regs)
	}
	s.open[current] = open
}

// TestEntriesAreThoseThatTheMachineMade steps through system calls of the
// application, with NMIs and interrupts at all kinds of instructions, and
// compares at every one.
func TestEntriesAreThoseThatTheMachineMade(t *testing.T) {
	m := ukl.start(t)
	s := watch(t, m)
	const steps = 3_000
	compared, incomplete, deepest := 0, 0, 0
	for i := range steps {
		x := ukl.reader.Read(m)
		require.True(t, x.Position.Agree(), "step %d: %s", i, x.Position.Text())
		open := s.open[x.Address]
		if x.Position.ByCode == task.Application {
			s.known[x.Address] = true
			require.Empty(t, open)
			require.Empty(t, x.Entries)
		}
		if s.known[x.Address] {
			n := compare(t, x, open)
			compared++
			incomplete += n
			deepest = max(deepest, len(open))
		}
		switch {
		case len(open) == 1 && x.Entries[0].Kind == image.UKLCall && x.Entries[0].Complete && i%37 == 0:
			m.InterruptAt(0, 0xec) // the local APIC's timer
		case len(open) == 2 && i%97 == 0:
			m.NMIAt(0)
		}
		s.step(x.Address)
	}
	require.Greater(t, compared, steps/2)
	require.Greater(t, incomplete, 100)
	require.GreaterOrEqual(t, deepest, 3)
}

// compare says whether what was found is what is open, and how many entries
// were incomplete.
func compare(t *testing.T, x *task.Task, open []task.Registers) (incomplete int) {
	t.Helper()
	require.Len(t, x.Entries, len(open), "%s", x.Text())
	for i, e := range x.Entries {
		want := open[len(open)-1-i]
		got := e.Registers
		at := x.Position.RIP // of the entry's code, or of what it has called
		if i > 0 {
			at = x.Entries[i-1].Registers.IP
		}
		building := ukl.image.Class(at) == image.EntryText
		if !e.Complete {
			require.True(t, building, "%s", x.Text())
			incomplete++
		}
		if e.At == 0 || building && e.Kind == image.UKLCall {
			continue // a call's frame is made in several steps
		}
		require.Equal(t, want.IP, got.IP, "%s", x.Text())
		require.Equal(t, want.SP, got.SP, "%s", x.Text())
		const visible = ^uint64(x86.FlagRF)
		require.Equal(t, want.Flags&visible, got.Flags&visible, "%s", x.Text())
		if e.Complete && !building {
			for _, name := range []string{"bx", "cx", "dx", "si", "di", "bp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"} {
				w, _ := want.Get(name)
				g, _ := got.Get(name)
				require.Equal(t, w, g, "%s of %s", name, x.Text())
			}
		}
	}
	return incomplete
}
