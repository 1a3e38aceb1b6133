// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

const somewhere = 0x7f00_0020_0000

func TestNothingIsMapped(t *testing.T) {
	require.Empty(t, newWorld(4).read().Ranges)
}

// SDM vol. 3A 5.6.1: a page is writable if every level has R/W, a user's if
// every level has U/S, and executable if no level has XD.
func TestRightsAreThoseThatAllLevelsAllow(t *testing.T) {
	for level := 1; level <= 4; level++ {
		for _, test := range []struct {
			clear, set uint64
			want       string
		}{
			{0, 0, "rwxu-"},
			{entryWrite, 0, "r-xu-"},
			{entryUser, 0, "rwx--"},
			{0, entryNX, "rw-u-"},
			{entryUser | entryWrite, entryNX, "r----"},
		} {
			w := newWorld(4)
			w.put(somewhere, 0x1000, 1, rw|entryUser)
			at := w.way(somewhere, level)
			w.setEntry(at, w.entry(at)&^test.clear|test.set)
			l := w.read()
			require.Len(t, l.Ranges, 1)
			require.Equal(t, test.want, l.Ranges[0].Rights.String(), "level %d", level)
			m, ok := TablesOf(w, &w.state).Translate(somewhere + 5)
			require.True(t, ok)
			require.Equal(t, Mapping{Physical: 0x1005, Rights: l.Ranges[0].Rights, Page: pageSize}, m)
		}
	}
}

func TestGlobalAndNXCountOnlyWhereTheyAreOn(t *testing.T) {
	w := newWorld(4)
	w.put(somewhere, 0x1000, 1, rw|entryGlobal|entryNX)
	require.Equal(t, "rw--g", w.read().Ranges[0].Rights.String())
	w.state.CR4 &^= x86.CR4PGE
	w.state.EFER &^= x86.EFERNXE
	require.Equal(t, "rwx--", w.read().Ranges[0].Rights.String())
}

func TestPagesOfEachSize(t *testing.T) {
	for _, levels := range []int{4, 5} {
		w := newWorld(levels)
		w.setEntry(w.way(0x4000_0000, 3), 0x8000_0000|rw|entryPS)
		w.setEntry(w.way(0x8020_0000, 2), 0x0060_0000|rw|entryPS)
		w.put(0x8040_0000, 0x1000, 2, rw)
		l := w.read()
		require.Equal(t, levels, l.Levels)
		require.Empty(t, cmp.Diff([]Range{
			{Start: 0x4000_0000, Size: gib, Page: gib, Physical: 0x8000_0000},
			{Start: 0x8020_0000, Size: 2 * mib, Page: 2 * mib, Physical: 0x60_0000},
			{Start: 0x8040_0000, Size: 2 * pageSize, Page: pageSize, Physical: 0x1000},
		}, l.Ranges, cmpopts.IgnoreFields(Range{}, "Kind", "Rights", "Contiguous")))
		for _, r := range l.Ranges {
			m, ok := TablesOf(w, &w.state).Translate(r.Last())
			require.True(t, ok)
			require.Equal(t, r.Physical+r.Size-1, m.Physical)
		}
	}
}

func TestBothEndsOfTheAddressSpace(t *testing.T) {
	for _, levels := range []int{4, 5} {
		half := Tables{Levels: levels}.halfSize()
		w := newWorld(levels)
		for _, address := range []uint64{0, half - pageSize, -half, ^uint64(pageSize - 1)} {
			w.put(address, 0x1000, 1, rw)
		}
		l := w.read()
		require.Len(t, l.Ranges, 4)
		require.Zero(t, l.Ranges[0].Start)
		require.Equal(t, half-1, l.Ranges[1].Last())
		require.Equal(t, -half, l.Ranges[2].Start)
		require.Equal(t, ^uint64(0), l.Ranges[3].Last())

		r, listed := l.Find(^uint64(0))
		require.True(t, listed)
		require.Equal(t, l.Ranges[3], r)
		r, listed = l.Find(half)
		require.False(t, listed)
		require.Equal(t, Range{Start: half, Size: -half - half, Kind: NonCanonical}, r)
		require.Contains(t, l.Picture(), "is not canonical")
	}
}

func TestAccessedAndDirtyAreSummed(t *testing.T) {
	for _, test := range []struct {
		bits            [3]uint64
		accessed, dirty Summary
	}{
		{[3]uint64{}, None, None},
		{[3]uint64{entryAccessed, 0, 0}, Some, None},
		{[3]uint64{0, 0, entryAccessed | entryDirty}, Some, Some},
		{[3]uint64{entryAccessed, entryAccessed | entryDirty, entryAccessed}, All, Some},
		{[3]uint64{entryDirty, entryDirty, entryDirty}, None, All},
	} {
		w := newWorld(4)
		for i, bits := range test.bits {
			w.put(somewhere+uint64(i)*pageSize, 0x5000+uint64(i)*pageSize, 1, rw|bits)
		}
		l := w.read()
		require.Len(t, l.Ranges, 1, "one range, whatever the CPU has set")
		require.Equal(t, test.accessed, l.Ranges[0].Accessed)
		require.Equal(t, test.dirty, l.Ranges[0].Dirty)
	}
}

func TestPhysicalAddressesNeedNotFollowEachOther(t *testing.T) {
	w := newWorld(4)
	w.put(somewhere, 0x5000, 2, rw)
	w.put(somewhere+2*pageSize, 0x9000, 1, rw)
	w.put(somewhere+8*pageSize, 0x1000, 2, rw)
	l := w.read()
	require.Len(t, l.Ranges, 2)
	require.False(t, l.Ranges[0].Contiguous)
	require.True(t, l.Ranges[1].Contiguous)
}

// espfix has one page in each 64 KiB of 4 GiB: arch/x86/kernel/espfix_64.c
// points all entries of each level to the same table.
func TestTablesThatAreRepeatedAreOneRange(t *testing.T) {
	const espfix = 0xffff_ff00_0000_0000
	w := newWorld(4)
	for i := range uint64(32) {
		w.put(espfix+i*0x10000, 0x5000, 1, ro|entryNX)
	}
	w.put(espfix+0x20_0000-pageSize, 0x6000, 1, rw|entryAccessed)
	pmd := w.entry(w.way(espfix, 2))
	for i := range uint64(512) {
		w.setEntry(w.way(espfix+i<<21, 2), pmd)
	}
	pud := w.entry(w.way(espfix, 3))
	for i := range uint64(4) {
		w.setEntry(w.way(espfix+i<<30, 3), pud|entryAccessed*(i&1)) // an accessed bit makes no other table
	}
	l := w.read()
	require.Len(t, l.Ranges, 1)
	require.Empty(t, cmp.Diff(Range{
		Start: espfix, Size: 4 * gib, Kind: ESPFix, Rights: Present | Writable | Executable,
		Page: pageSize, Accessed: Some, Physical: 0x5000, Repeated: true,
	}, l.Ranges[0]))
	require.Contains(t, l.Table(), "the same pages repeated")
}

func TestTablesThatPointToEachOtherHaveAnEnd(t *testing.T) {
	w := newWorld(5)
	a, b := w.table(), w.table()
	for i := range uint64(256) {
		for _, table := range []uint64{w.state.CR3, a, b} {
			w.setEntry(table+16*i, a|rw)
			w.setEntry(table+16*i+8, b|rw)
		}
	}
	l := w.read()
	require.Len(t, l.Problems, 1)
	require.Contains(t, l.Problems[0], "more than 16384 page tables")
	require.Contains(t, l.Table(), "! more than")
}

func TestTablesThatAreMalformed(t *testing.T) {
	w := newWorld(4)
	w.setEntry(w.way(somewhere, 2), 0xdead_0000|rw)
	w.setEntry(w.state.CR3+8*511, 0x1000|rw|entryPS)
	w.put(0, 0x1000, 1, rw)
	l := w.read()
	require.Len(t, l.Ranges, 1, "what is not malformed is there")
	require.Len(t, l.Problems, 2)
	require.Contains(t, l.Problems[0], "the page table of level 1 for 0x7f0000200000: physical 0xdead0000 is not RAM")
	require.Contains(t, l.Problems[1], "bit 7 is set in the entry of level 4 for 0xffffff8000000000")
	_, ok := TablesOf(w, &w.state).Translate(0xffff_ff80_0000_0000)
	require.False(t, ok)
}

func TestNoPagingIsSaid(t *testing.T) {
	l := ReaderOf(handImage{}).Read(&world{})
	require.Equal(t, []string{"the CPU's paging is not that of 64-bit mode"}, l.Problems)
	r, listed := l.Find(0x1000)
	require.False(t, listed)
	require.Equal(t, Nothing, r.Kind)
	require.NotEmpty(t, l.SVG())
}

func TestMemoryIsReadThroughTheTables(t *testing.T) {
	w := newWorld(4)
	w.ram(somewhere, 2, rw)
	w.text(somewhere+pageSize-8, "abcdefgh")
	w.text(somewhere+pageSize, "ijkl")
	tables := TablesOf(w, &w.state)
	p := make([]byte, 12)
	n, err := tables.ReadMemory(somewhere+pageSize-8, p)
	require.NoError(t, err)
	require.Equal(t, "abcdefghijkl", string(p[:n]))
	n, err = tables.ReadMemory(somewhere+2*pageSize-4, p)
	require.EqualError(t, err, "address 0x7f0000202000 is not mapped")
	require.Equal(t, 4, n)
	_, err = tables.ReadMemory(1<<60, p)
	require.Error(t, err)
	w.put(somewhere+4*pageSize, 0xdead_0000, 1, rw)
	_, err = tables.ReadMemory(somewhere+4*pageSize, p)
	require.ErrorContains(t, err, "0x7f0000204000: physical 0xdead0000 is not RAM")
}
