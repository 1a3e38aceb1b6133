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

// busyLinux is the stock kernel at two moments of its boot from which on much
// of it is executed, at the second with an interrupt.
func busyLinux(t *testing.T) (*emu.Machine, map[string]*emu.Snapshot) {
	t.Helper()
	m := newLinux(t)
	require.Equal(t, emu.StopLimit, m.Run(emu.Until{Instructions: 9_950_000}).Why)
	out := map[string]*emu.Snapshot{"set-up": snapshot(t, m)}
	require.Equal(t, emu.StopLimit, m.Run(emu.Until{Instructions: 8_000_000}).Why)
	near := snapshot(t, m)
	at := uint64(0)
	stop := m.Observe(func(e emu.Event) {
		if e.Kind == emu.EventInterrupt && at == 0 {
			at = e.Count
			m.Interrupt()
		}
	})
	require.Equal(t, emu.StopInterrupted, m.Run(emu.Until{Instructions: 8_000_000}).Why)
	stop()
	require.NoError(t, m.Restore(near))
	require.Equal(t, emu.StopLimit, m.Run(emu.Until{Instructions: at - 5000 - m.Instructions()}).Why)
	out["interrupt"] = snapshot(t, m)
	return m, out
}

// On a real kernel, with its interrupts and page faults, hits are what single
// steps find, and the run is the one without points.
func TestHitsOnLinux(t *testing.T) {
	m, moments := busyLinux(t)
	for name, s := range moments {
		t.Run(name, func(t *testing.T) { requireHitsOfSteps(t, m, s) })
	}
}

func requireHitsOfSteps(t *testing.T, m *emu.Machine, s *emu.Snapshot) {
	t.Helper()
	const steps = 15_000
	require.NoError(t, m.SetPoints(nil, nil))
	require.NoError(t, m.Restore(s))
	before := m.Instructions()
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
