// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestUnionSortsAndJoinsRanges(t *testing.T) {
	for _, test := range []struct{ in, want []Range }{
		{nil, nil},
		{[]Range{{0x200000, 0x300000}, {0x10, 0x20}}, []Range{{0x10, 0x20}, {0x200000, 0x300000}}},
		{[]Range{{0x100, 0x110}, {0x90, 0x100}, {0xa0, 0xb0}}, []Range{{0x90, 0x110}}},
		{[]Range{{5, 5}, {9, 3}}, nil},
		{[]Range{{1, 2}, {0, ^uint64(0)}}, []Range{{0, ^uint64(0)}}},
	} {
		require.Empty(t, cmp.Diff(test.want, union(test.in)))
	}
}

func TestImagesMayUseTheLegacyHoleAndNothingElseDoes(t *testing.T) {
	const name = "the hole below 1 MiB"
	for _, test := range []struct {
		what   string
		images []Range
		want   []Range // what is taken of the hole
	}{
		{"nothing there", nil, []Range{{0x9fc00, 0x100000}}},
		{"the page below 1 MiB", []Range{{0xff000, 0x103000}}, []Range{{0x9fc00, 0xff000}}},
		{"the start", []Range{{0x90000, 0xa0000}}, []Range{{0xa0000, 0x100000}}},
		{"the middle, twice", []Range{{0xb0000, 0xb1000}, {0xa0000, 0xa1000}}, []Range{{0x9fc00, 0xa0000}, {0xa1000, 0xb0000}, {0xb1000, 0x100000}}},
		{"all of it", []Range{{0x90000, 0x110000}}, nil},
	} {
		t.Run(test.what, func(t *testing.T) {
			p := newPlan(0x400000, nil)
			for _, r := range test.images {
				require.Nil(t, p.claim(r, "the image"))
			}
			p.seal()
			p.seal()
			var taken []Range
			for i, c := range p.claims {
				if c.owner == name {
					taken = append(taken, c.Range)
				}
				require.True(t, i == 0 || p.claims[i-1].End <= c.Start, p.claims)
			}
			require.Empty(t, cmp.Diff(test.want, taken))
		})
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
		{"over the legacy hole", Range{0, 0x110000}, nil},
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
