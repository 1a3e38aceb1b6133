// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// On a real kernel, with its interrupts and page faults, hits are what single
// steps find, and the run is the one without points.
func TestHitsOnLinux(t *testing.T) {
	const before, steps = 40_000_000, 30_000
	m := newLinux(t)
	require.Equal(t, emu.StopLimit, m.Run(emu.Until{Instructions: before}).Why)
	s := snapshot(t, m)
	captures := []emu.Capture{
		{Base: emu.Register(x86.RSP), Size: 168},
		{Base: emu.Word(0), Offset: 4, Size: 4},
		{Base: emu.GSBase, Offset: 0x28, Size: 8},
		{Base: emu.Register(x86.RDI), Size: 12},
	}
	seen := arrivals(t, m, steps, captures)
	require.NoError(t, m.Restore(s))
	require.Equal(t, emu.StopLimit, m.Run(emu.Until{Instructions: seen[len(seen)-1].Count - before}).Why)
	want := moment(t, m)
	random := rand.New(rand.NewPCG(7, 7))
	for _, most := range []uint64{0, 5000, 20} {
		require.NoError(t, m.Restore(s))
		points := pointsAt(seen, captures, random, false)
		hits := collect(t, m, points...)
		for m.Instructions() < want.Count {
			left := want.Count - m.Instructions()
			if most > 0 {
				left = min(left, 1+random.Uint64N(most))
			}
			require.Equal(t, emu.StopLimit, m.Run(emu.Until{Instructions: left}).Why)
		}
		for i := range *hits {
			(*hits)[i].Sequence = uint64(i)
		}
		requireHits(t, points, seen[:len(seen)-1], *hits, "on Linux")
		require.Empty(t, cmp.Diff(want, moment(t, m)))
	}
}

// The boot of a real kernel is the same run with points at every handler and
// at some functions that are called all the time.
func TestLinuxIsTheSameRunWithPoints(t *testing.T) {
	free := newLinux(t)
	require.NoError(t, free.Record(0, ^uint64(0), 1<<16))
	times := map[uint64]int{}
	for free.Instructions() < stretch {
		require.Equal(t, emu.StopLimit, free.Run(emu.Until{Instructions: stretch / 20}).Why)
		for _, address := range free.Recorded() {
			times[address]++
		}
	}
	want := moment(t, free)
	var points []emu.Point
	for _, address := range slices.Sorted(maps.Keys(times)) {
		if n := times[address]; n >= 2 && n < 500 && address%8 == 1 {
			points = append(points, emu.Point{Address: address, Captures: []emu.Capture{{Base: emu.Register(x86.RSP), Size: 8}, {Base: emu.Word(0), Size: 8}}})
		}
	}
	for v := range uint64(256) {
		points = append(points, emu.Point{Address: gate(t, free, v), Captures: []emu.Capture{{Base: emu.Register(x86.RSP), Size: 40}}})
	}
	m := newLinux(t)
	hits, last, ordered := 0, uint64(0), true
	require.NoError(t, m.SetPoints(points, func(batch []emu.Hit) {
		for _, h := range batch {
			ordered = ordered && h.Count >= last
			last = h.Count
		}
		hits += len(batch)
	}))
	require.Equal(t, emu.StopLimit, m.Run(emu.Until{Instructions: stretch}).Why)
	require.Empty(t, cmp.Diff(want, moment(t, m)))
	require.True(t, ordered)
	require.Greater(t, hits, 10_000)
	t.Logf("%d points, %d hits", len(points), hits)
}
