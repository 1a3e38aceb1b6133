// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// linuxZones are some of the stock kernel's at a moment of its boot: the page
// of code that it is in, its stack, memory by its direct map.
func linuxZones(s x86.State) *emu.Every {
	stack := s.GPR[x86.RSP] &^ 0x3fff
	gs := s.Seg[x86.GS].Base
	return &emu.Every{
		Code:     []emu.Zone{{Range: emu.Range{Begin: s.RIP &^ 0xffff, Size: 0x10000}, Number: 1}, {Range: emu.Range{Begin: s.RIP&^0xffff + 0x10000, Size: 0x50000}, Number: 2}},
		Stack:    []emu.Zone{{Range: emu.Range{Begin: stack, Size: 0x4000}, Number: 1}},
		Data:     []emu.Zone{{Range: emu.Range{Begin: stack, Size: 0x4000}, Number: 1}, {Range: emu.Range{Begin: stack + 0x4000, Size: 1 << 40}, Number: 2}},
		Flags:    x86.FlagIF | x86.FlagDF | x86.FlagAC,
		GSBase:   &gs,
		Captures: []emu.Capture{{Base: emu.Register(x86.RSP), Offset: 64, Size: 8}},
	}
}

// On a real kernel what is seen is what single steps do, and the run is the
// one that is not looked at.
func TestWhatIsSeenOnLinux(t *testing.T) {
	m, moments := busyLinux(t)
	everything := func(e *emu.Every) { e.Accesses = everyAccess }
	some := func(e *emu.Every) {
		e.Accesses = []emu.Accesses{
			{Code: emu.Zones(1), Data: emu.Zones(1), Write: true},
			{Code: emu.Zones(2), Data: emu.Zones(0, 2), Read: true},
		}
	}
	for name, s := range moments {
		t.Run(name+", everything", func(t *testing.T) { requireSeenOfSteps(t, m, s, everything) })
		t.Run(name+", some accesses by some code", func(t *testing.T) { requireSeenOfSteps(t, m, s, some) })
	}
}

func requireSeenOfSteps(t *testing.T, m *emu.Machine, s *emu.Snapshot, edit func(*emu.Every)) {
	t.Helper()
	const steps = 10_000
	require.NoError(t, m.Restore(s))
	before := m.Instructions()
	what := linuxZones(m.State())
	what.Fine = []emu.Range{{Begin: 0, Size: ^uint64(0)}}
	edit(what)
	want := seeing(t, m, steps, what)
	end := m.Instructions()
	require.NoError(t, m.Restore(s))
	require.Equal(t, emu.StopLimit, m.Run(emu.Until{Instructions: end - before}).Why)
	moments := moment(t, m)
	for _, most := range []uint64{0, 300} {
		require.NoError(t, m.Restore(s))
		seen := look(t, m, what)
		for m.Instructions() < end {
			left := end - m.Instructions()
			if most > 0 {
				left = min(left, most)
			}
			require.Equal(t, emu.StopLimit, m.Run(emu.Until{Instructions: left}).Why)
		}
		requireSeen(t, want, instructions(*seen), fmt.Sprintf("slices up to %d", most))
		require.Empty(t, cmp.Diff(moments, moment(t, m)))
	}
	require.NoError(t, m.ObserveAll(nil, nil))
}

// The boot is the same run while accesses are looked at, and blocks.
func TestLinuxIsTheSameRunInTheFullTier(t *testing.T) {
	const before, length = 9_000_000, 3_000_000
	free := newLinux(t)
	require.Equal(t, emu.StopLimit, free.Run(emu.Until{Instructions: before}).Why)
	s := snapshot(t, free)
	require.Equal(t, emu.StopLimit, free.Run(emu.Until{Instructions: length}).Why)
	want := moment(t, free)
	require.NoError(t, free.Restore(s))
	what := linuxZones(free.State())
	what.Accesses = []emu.Accesses{{Code: emu.AllZones, Data: emu.AllZones, Read: true, Write: true}}
	states, accesses, ordered := 0, 0, true
	var last uint64
	require.NoError(t, free.ObserveAll(what, func(batch []emu.Seen) {
		for _, s := range batch {
			if s.State != nil {
				states++
			} else {
				accesses++
			}
			ordered = ordered && s.Count >= last
			last = s.Count
		}
	}))
	require.Equal(t, emu.StopLimit, free.Run(emu.Until{Instructions: length}).Why)
	require.Empty(t, cmp.Diff(want, moment(t, free)))
	require.True(t, ordered)
	require.Greater(t, states, 100)
	require.Greater(t, accesses, 10_000)
	t.Logf("%d states, %d accesses", states, accesses)
}
