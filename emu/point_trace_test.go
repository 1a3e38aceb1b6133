// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// arrivals are what points everywhere would say, by single steps: each
// instruction that was come to, with the CPU and the captures as they were.
func arrivals(t *testing.T, m *emu.Machine, steps int, captures []emu.Capture) []emu.Hit {
	t.Helper()
	var out []emu.Hit
	for range steps {
		before := m.State()
		h := emu.Hit{
			Count: m.Instructions(), GPR: before.GPR, RIP: before.RIP, RFLAGS: before.RFLAGS,
			FSBase: before.Seg[x86.FS].Base, GSBase: before.Seg[x86.GS].Base, KernelGSBase: before.KernelGSBase,
			CR3: before.CR3, CS: before.Seg[x86.CS].Selector, SS: before.Seg[x86.SS].Selector,
		}
		readCaptures(m, &h, captures)
		arrived, halted := false, m.Halted()
		stop := m.Trace(1, func(s *emu.Traced) bool {
			arrived = s.Insn.Length > 0 && !halted && !fetchFaults(s)
			return true
		})
		if arrived {
			out = append(out, h)
		}
		if stop.Ended() {
			break
		}
	}
	return out
}

// fetchFaults says whether the instruction's last bytes could not be had: it
// is not arrived at.
func fetchFaults(s *emu.Traced) bool {
	for _, e := range s.Events {
		if e.Kind == emu.EventException && e.Vector == x86.VectorPF && e.ErrorCode&16 != 0 {
			return true
		}
	}
	return false
}

func readCaptures(m *emu.Machine, h *emu.Hit, captures []emu.Capture) {
	missing := map[int]bool{} // words
	for i, c := range captures {
		address := uint64(c.Offset)
		absent := false
		switch {
		case c.Base == emu.FSBase:
			address += h.FSBase
		case c.Base == emu.GSBase:
			address += h.GSBase
		case c.Base == emu.KernelGSBase:
			address += h.KernelGSBase
		case c.Base >= emu.Word(0):
			n := int(c.Base - emu.Word(0))
			address += h.Words[n]
			absent = missing[n]
		case c.Base >= emu.Register(0):
			address += h.GPR[c.Base-emu.Register(0)]
		}
		b := make([]byte, (c.Size+7)&^7)
		if n, err := m.ReadMemory(address, b[:c.Size]); absent || err != nil || n < c.Size {
			clear(b)
			absent = true
			h.Missing |= 1 << i
		}
		for ; len(b) > 0; b = b[8:] {
			missing[len(h.Words)] = absent
			h.Words = append(h.Words, binary.LittleEndian.Uint64(b))
		}
	}
}

// pointsAt are some of the addresses that were come to.
func pointsAt(seen []emu.Hit, captures []emu.Capture, random *rand.Rand, all bool) []emu.Point {
	var points []emu.Point
	done := map[uint64]bool{}
	for _, h := range seen {
		if !done[h.RIP] && (all || random.IntN(4) == 0) {
			points = append(points, emu.Point{Address: h.RIP, Captures: captures})
		}
		done[h.RIP] = true
	}
	return points
}

// requireHits compares hits with those arrivals that are at a point.
func requireHits(t *testing.T, points []emu.Point, arrivals, hits []emu.Hit, about string) {
	t.Helper()
	number := map[uint64]int{}
	for i, p := range points {
		number[p.Address] = i
	}
	var want []emu.Hit
	for _, h := range arrivals {
		if n, ok := number[h.RIP]; ok {
			h.Point, h.Sequence = n, uint64(len(want))
			want = append(want, h)
		}
	}
	for i := range min(len(want), len(hits)) {
		if diff := cmp.Diff(want[i], hits[i]); diff != "" {
			require.FailNow(t, "another hit", "%s, number %d of %d (-steps +points):\n%s", about, i, len(want), diff)
		}
	}
	require.Equal(t, len(want), len(hits), about)
}

// Hits are what single steps find there, the run is the same, and so it is
// in slices of any size.
func TestHitsAreThoseOfTheSteps(t *testing.T) {
	captures := []emu.Capture{
		{Base: emu.Register(x86.RSP), Offset: -16, Size: 24},
		{Base: emu.Register(x86.R10), Offset: 0x40, Size: 8},
		{Base: emu.Register(x86.RAX), Size: 3},
		{Base: emu.Word(3), Offset: 8, Size: 9},
		{Base: emu.Register(x86.R10), Offset: 0xffd - 0x1000, Size: 6},
	}
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			steps, _ := newGenerated(t, seed)
			seen := arrivals(t, steps.Machine, 100_000, captures)
			random := rand.New(rand.NewPCG(seed, 5))
			for _, most := range []int{0, 0, 3, 50} {
				r, _ := newGenerated(t, seed)
				points := pointsAt(seen, captures, random, most == 50)
				hits := collect(t, r.Machine, points...)
				for stop := (emu.Stop{Why: emu.StopLimit}); stop.Why == emu.StopLimit; {
					slice := uint64(0)
					if most > 0 {
						slice = 1 + random.Uint64N(uint64(most))
					}
					stop = r.Run(emu.Until{Instructions: slice})
				}
				requireHits(t, points, seen, *hits, fmt.Sprintf("%d points, slices up to %d", len(points), most))
				require.Empty(t, cmp.Diff(steps.State(), r.State()))
				require.Equal(t, steps.Instructions(), r.Instructions())
				require.Equal(t, steps.deliveries(), r.deliveries())
				require.Equal(t, steps.memory(), r.memory())
			}
		})
	}
}
