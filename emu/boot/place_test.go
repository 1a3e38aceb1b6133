// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestUnionSortsAndJoinsRanges(t *testing.T) {
	for _, test := range []struct{ in, want []Range }{
		{nil, []Range{legacyHole}},
		{[]Range{{0x200000, 0x300000}, {0x10, 0x20}}, []Range{{0x10, 0x20}, legacyHole, {0x200000, 0x300000}}},
		{[]Range{{0x100000, 0x100010}, {0x9f000, 0x9fc00}}, []Range{{0x9f000, 0x100010}}},
		{[]Range{{5, 5}, {9, 3}}, []Range{legacyHole}},
		{[]Range{{0, ^uint64(0)}}, []Range{{0, ^uint64(0)}}},
	} {
		require.Empty(t, cmp.Diff(test.want, union(test.in)))
	}
}

func TestLowestAndHighestFreeRange(t *testing.T) {
	p := newPlan(0x400000, []Range{{0x200000, 0x280000}})
	require.Nil(t, p.claim(Range{0x3ff000, 0x400000}, "the last page"))
	for _, test := range []struct {
		name              string
		size, align, edge uint64
		low, high         uint64 // 0 for none
	}{
		{"a page", 0x1000, 0x1000, 0x1000, 0x1000, 0x3fe000},
		{"more than low memory has", 0x9f000, 0x1000, 0x1000, 0x100000, 0x360000},
		{"aligned across a claim", 0x1000, 0x200000, 0x100000, 0, 0},
		{"as much as the largest gap", 0x17f000, 0x1000, 0x1000, 0x280000, 0x280000},
		{"more", 0x17f001, 0x1000, 0x1000, 0, 0},
		{"more than memory", 0x400001, 1, 0, 0, 0},
		{"absurd", ^uint64(0), 1, 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, ok := p.lowest(test.size, test.align, test.edge)
			require.Equal(t, test.low != 0, ok)
			require.Equal(t, test.low, r.Start)
			r, ok = p.highest(test.size, test.align, 0x400000)
			require.Equal(t, test.high, r.Start)
			if ok {
				require.Nil(t, p.conflict(r))
			}
		})
	}
}

func TestClaimsNeverOverlap(t *testing.T) {
	for _, test := range []struct {
		name string
		r    Range
		want error
	}{
		{"free", Range{0x100000, 0x200000}, nil},
		{"empty", Range{0x150000, 0x150000}, nil},
		{"below the hole", Range{0, 0x9fc00}, nil},
		{"into the hole", Range{0, 0x9fc01}, ErrOverlap},
		{"from the hole", Range{0xfffff, 0x100001}, ErrOverlap},
		{"around the reserved range", Range{0x1ff000, 0x300000}, ErrOverlap},
		{"within it", Range{0x210000, 0x210001}, ErrOverlap},
		{"to the end", Range{0x300000, 0x400000}, nil},
		{"beyond it", Range{0x300000, 0x400001}, ErrOutside},
		{"backwards", Range{0x300000, 0x2fffff}, ErrOutside},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPlan(0x400000, []Range{{0x200000, 0x280000}})
			err := p.claim(test.r, "test")
			if test.want == nil {
				require.Nil(t, err)
				return
			}
			require.ErrorIs(t, err, test.want)
		})
	}
}
