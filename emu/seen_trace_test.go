// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// look collects what is seen, with copies of the states.
func look(t *testing.T, m *emu.Machine, what *emu.Every) *[]emu.Seen {
	t.Helper()
	var all []emu.Seen
	require.NoError(t, m.ObserveAll(what, func(batch []emu.Seen) {
		for _, s := range batch {
			if s.State != nil {
				h := *s.State
				h.Words = append([]uint64(nil), h.Words...)
				s.State = &h
			}
			all = append(all, s)
		}
	}))
	return &all
}

// standing is the state that is looked at.
type standing struct {
	code, stack uint8
	cpl         int
	flags       uint64
	gs          bool
	words       string
	missing     uint32
}

// zone is the number that a list of zones gives an address.
func zone(zones []emu.Zone, address uint64) uint8 {
	for _, z := range zones {
		if address-z.Begin < z.Size {
			return z.Number
		}
	}
	return 0
}

// wanted says whether an access is among those asked for.
func wanted(what *emu.Every, rip, address uint64, size int, write bool) bool {
	for _, a := range what.Accesses {
		if a.Code>>zone(what.Code, rip)&1 == 0 || !(write && a.Write || !write && a.Read) {
			continue
		}
		if a.Data>>zone(what.Data, address)&1 != 0 || a.Data>>zone(what.Data, address+uint64(size)-1)&1 != 0 {
			return true
		}
	}
	return false
}

// seeing is what the full tier would say, by single steps, if all were fine.
func seeing(t *testing.T, m *emu.Machine, steps int, what *emu.Every) []emu.Seen {
	t.Helper()
	var out []emu.Seen
	var last *standing
	for range steps {
		before := m.State()
		h := emu.Hit{
			Point: -1, Count: m.Instructions(), GPR: before.GPR, RIP: before.RIP, RFLAGS: before.RFLAGS,
			FSBase: before.Seg[x86.FS].Base, GSBase: before.Seg[x86.GS].Base, KernelGSBase: before.KernelGSBase,
			CR3: before.CR3, CS: before.Seg[x86.CS].Selector, SS: before.Seg[x86.SS].Selector,
		}
		readCaptures(m, &h, what.Captures)
		now := standing{zone(what.Code, h.RIP), zone(what.Stack, h.GPR[x86.RSP]), h.CPL(), h.RFLAGS & what.Flags,
			what.GSBase != nil && h.GSBase == *what.GSBase, fmt.Sprint(h.Words), h.Missing}
		var step emu.Traced
		halted := m.Halted()
		stop := m.Trace(1, func(s *emu.Traced) bool {
			step = *s
			return true
		})
		arrived := step.Insn.Length > 0 && !halted && !fetchFaults(&step)
		if arrived && (last == nil || *last != now) {
			out = append(out, emu.Seen{State: &h, Count: h.Count, RIP: h.RIP, Code: now.code, Stack: now.stack})
		}
		if arrived {
			last = &now
		}
		for _, a := range step.Accesses {
			if write := a.Kind == unicorn.Write; wanted(what, h.RIP, a.Linear, a.Size, write) {
				out = append(out, emu.Seen{Count: h.Count, RIP: h.RIP, Code: now.code,
					Data: zone(what.Data, a.Linear), Address: a.Linear, Value: a.Value, Size: uint8(a.Size), Write: write})
			}
		}
		if stop.Ended() {
			break
		}
	}
	return out
}

// instructions leaves out what the machine itself accessed, which a trace
// does not have, and numbers.
func instructions(seen []emu.Seen) []emu.Seen {
	var out []emu.Seen
	for _, s := range seen {
		s.Sequence = 0
		if s.State != nil {
			s.State.Sequence = 0
		}
		if !s.Machine {
			out = append(out, s)
		}
	}
	return out
}

func accessesOf(seen []emu.Seen) []emu.Seen {
	var out []emu.Seen
	for _, s := range seen {
		if s.State == nil {
			out = append(out, s)
		}
	}
	return out
}

func requireSeen(t *testing.T, want, got []emu.Seen, about string) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			require.FailNow(t, "something else was seen", "%s, number %d of %d (-steps +seen):\n%s", about, i, len(want), diff)
		}
	}
	require.Equal(t, len(want), len(got), about)
}

// lookingAt is something to look at in generated programs.
func lookingAt(size uint64) *emu.Every {
	gs := uint64(0)
	return &emu.Every{
		Code: []emu.Zone{
			{Range: emu.Range{Begin: kernelCode, Size: size / 2}, Number: 1},
			{Range: emu.Range{Begin: kernelCode + size/2, Size: size}, Number: 2},
			{Range: emu.Range{Begin: high + entryAt, Size: 4096}, Number: 63},
		},
		Stack: []emu.Zone{{Range: emu.Range{Begin: kernelStack - 8, Size: 16}, Number: 5}},
		Data: []emu.Zone{
			{Range: emu.Range{Begin: kernelStack - 4096, Size: 4096}, Number: 3},
			{Range: emu.Range{Begin: kernelData, Size: 0x8004}, Number: 7},
			{Range: emu.Range{Begin: kernelData + 0x8004, Size: 0x1000}, Number: 8},
		},
		Fine:     []emu.Range{{Begin: 0, Size: ^uint64(0)}},
		Flags:    x86.FlagIF | x86.FlagDF | x86.FlagTF | x86.FlagNT,
		GSBase:   &gs,
		Captures: []emu.Capture{{Base: emu.Register(x86.R10), Offset: 0x40, Size: 8}, {Base: emu.Word(0), Size: 4}},
		Accesses: []emu.Accesses{{Code: emu.Zones(1, 63), Data: emu.AllZones, Read: true, Write: true}, {Code: emu.Zones(2), Data: emu.Zones(7), Write: true}},
	}
}

// What is seen is what single steps see, and the run is the same, in slices
// of any size.
func TestWhatIsSeenIsWhatTheStepsDo(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			steps, code := newGenerated(t, seed)
			what := lookingAt(uint64(len(code)))
			want := seeing(t, steps.Machine, 100_000, what)
			random := rand.New(rand.NewPCG(seed, 6))
			for _, most := range []int{0, 40, 3, -1} {
				r, _ := newGenerated(t, seed)
				if most == -1 { // in blocks: then the states are others
					what.Fine, want = nil, accessesOf(want)
				}
				seen := look(t, r.Machine, what)
				for stop := (emu.Stop{Why: emu.StopLimit}); stop.Why == emu.StopLimit; {
					slice := uint64(0)
					if most > 0 {
						slice = 1 + random.Uint64N(uint64(most))
					}
					stop = r.Run(emu.Until{Instructions: slice})
				}
				got := instructions(*seen)
				if most == -1 {
					got = accessesOf(got)
				}
				requireSeen(t, want, got, fmt.Sprintf("slices up to %d", most))
				require.Empty(t, cmp.Diff(steps.State(), r.State()))
				require.Equal(t, steps.Instructions(), r.Instructions())
				require.Equal(t, steps.deliveries(), r.deliveries())
				require.Equal(t, steps.memory(), r.memory())
			}
		})
	}
}
