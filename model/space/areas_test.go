// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestWhatIsPaintedLaterLiesOnTop(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all areas
	var canvas [256]string // what an address belongs to
	for i := range 400 {
		name := string(rune('A'+i%26)) + string(rune('a'+i/26%26))
		start := random.Uint64N(256)
		last := start + random.Uint64N(min(256-start, 1+random.Uint64N(60)))
		all.paint(area{start: start, last: last, name: name})
		for a := start; a <= last; a++ {
			canvas[a] = name
		}
		for address, want := range canvas {
			a, ok := all.at(uint64(address))
			require.Equal(t, want != "", ok)
			require.Equal(t, want, a.name)
		}
		for i := range all[1:] {
			require.Less(t, all[i].last, all[i+1].start)
		}
	}
	all.paint(area{start: 9, last: 8, name: "nothing"})
	all.owned(5, 0, Heap, "nothing")
	_, ok := all.at(1000)
	require.False(t, ok)
}

func TestAreasReachTheEndOfTheAddressSpace(t *testing.T) {
	w := newWorld(4)
	w.put(^uint64(0)-0xfff, 0x1000, 1, rw)
	l := &Layout{}
	l.areas.owned(^uint64(0)-0x1fff, 0x1800, Heap, "a")
	l.areas.owned(^uint64(0)-0x7ff, 0x800, Heap, "b")
	l.walk(TablesOf(w, &w.state))
	top := ^uint64(0)
	require.Empty(t, cmp.Diff([]Range{
		{Start: top - 0x1fff, Size: 0x1000, Kind: Heap, Name: "a"},
		{Start: top - 0xfff, Size: 0x800, Kind: Heap, Name: "a", Rights: Present | Writable | Executable, Page: pageSize, Physical: 0x1000, Contiguous: true},
		{Start: top - 0x7ff, Size: 0x800, Kind: Heap, Name: "b", Rights: Present | Writable | Executable, Page: pageSize, Physical: 0x1800, Contiguous: true},
	}, l.Ranges))
}
