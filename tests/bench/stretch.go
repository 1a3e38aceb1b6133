// SPDX-License-Identifier: GPL-2.0-or-later

package bench

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// Stretch is a system call of the running kernel, from the instruction behind
// SYSCALL to its SYSRET, in which nothing else happens: no fault, no
// interrupt, no instruction that the machine carries out itself.
type Stretch struct {
	Machine      *emu.Machine // has a probe at the end
	Start        *emu.Snapshot
	Begin, End   uint64   // addresses: of the first instruction, and of the SYSRET
	Instructions uint64   // from one to the other
	TSC          []uint64 // what its RDTSCs give
}

// About so many instructions are looked for.
const (
	stretchLength = 1500
	stretchLeast  = 1300
	stretchMost   = 1700
)

var errNoStretch = errors.New("no system call of the tour is of the length looked for")

// FindStretch boots the stock kernel and goes on to the first system call of
// its init that will do.
func FindStretch() (*Stretch, error) {
	m, err := Boot("")
	if err != nil {
		return nil, err
	}
	s := &Stretch{Machine: m}
	if err := s.find(); err != nil {
		m.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stretch) find() error {
	m := s.Machine
	init, err := m.Snapshot()
	if err != nil {
		return err
	}
	for _, c := range candidates(m) {
		if err := m.Restore(init); err != nil {
			return err
		}
		if stop := m.Run(emu.Until{Instructions: c.first - m.Instructions()}); stop.Why != emu.StopLimit {
			return fmt.Errorf("on the way to the stretch: %s", stop)
		}
		if s.Start, err = m.Snapshot(); err != nil {
			return err
		}
		var ok bool
		if s.TSC, ok = straight(m, c.length); !ok {
			continue
		}
		s.Instructions = c.length
		s.End = m.State().RIP
		if err := m.Restore(s.Start); err != nil {
			return err
		}
		s.Begin = m.State().RIP
		m.Probe(s.End, nil)
		return nil
	}
	return errNoStretch
}

// candidate is a system call, by its number and by counts of instructions.
type candidate struct{ number, first, length uint64 }

func (c candidate) miss() uint64 {
	return max(c.length, stretchLength) - min(c.length, stretchLength)
}

// candidates runs the guest to its end and notes the system calls that are of
// about the length and undisturbed, one of each number and length, best first.
func candidates(m *emu.Machine) []candidate {
	var found []candidate
	seen := map[candidate]bool{}
	begin, number := uint64(0), uint64(0)
	stop := m.Observe(func(e emu.Event) {
		length := e.Count - begin - 1
		if e.Kind == emu.EventSYSRET && begin != 0 && length >= stretchLeast && length <= stretchMost {
			kind := candidate{number: number, length: length}
			if !seen[kind] {
				found = append(found, candidate{number, begin + 1, length})
			}
			seen[kind] = true
		}
		begin = 0
		if e.Kind == emu.EventSYSCALL {
			begin, number = e.Count, e.Value
		}
	})
	m.Run(emu.Until{})
	stop()
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.miss(), b.miss()) })
	return found
}

// straight goes on for so many instructions and says whether the engine could
// have executed all of them without coming back, and what RDTSC gave.
func straight(m *emu.Machine, length uint64) (tsc []uint64, ok bool) {
	last := m.Instructions() + length
	for m.Instructions() < last {
		ok = true
		stop := m.Trace(last-m.Instructions(), func(t *emu.Traced) bool {
			ok = len(t.Events) == 0 && engines(t.Insn.Class)
			if t.Insn.Class == unicorn.RDTSC {
				tsc = append(tsc, t.After.GPR[x86.RDX]<<32|t.After.GPR[x86.RAX])
			}
			return ok
		})
		if !ok || stop.Why != emu.StopLimit {
			return nil, false
		}
	}
	return tsc, true
}

// engines says whether the engine executes a class of instructions itself.
func engines(c unicorn.Class) bool {
	switch c {
	case unicorn.Plain, unicorn.CLTS, unicorn.StacClac, unicorn.SWAPGS, unicorn.LTR:
		return true
	}
	return c > unicorn.LTR // those the engine only has to be watched at
}

// Once goes back to the start and runs to the end.
func (s *Stretch) Once() error {
	if err := s.Machine.Restore(s.Start); err != nil {
		return err
	}
	if stop := s.Machine.Run(emu.Until{}); stop.Why != emu.StopProbe {
		return fmt.Errorf("the stretch ended in another way: %s", stop)
	}
	return nil
}
