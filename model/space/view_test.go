// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestViewKnowsTheStacksThatTheCPUMayBeOn(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	v := ReaderOf(k).View(w)
	require.Equal(t, uint64(taskOne), v.Current)
	require.Equal(t, uint64(stackOne+4*pageSize), v.TopOfStack)
	require.Equal(t, uint64(data+0x40), v.GSBase)
	for _, test := range []struct {
		address uint64
		kind    Kind
		name    string
		size    uint64
	}{
		{stackOne, ThreadStack, "UKL (1)", 4 * pageSize},
		{hardirq + 4*pageSize - 8, HardIRQStack, "", 4 * pageSize},
		{cea + 0x6008, ISTStack, "1 #DF", 2 * pageSize},
		{cea + 2*pageSize - 8, EntryStack, "", pageSize},
		{stackOne + 4*pageSize, ThreadStack, "UKL (1)", 4 * pageSize}, // empty
		{stackTwo + 8, ThreadStack, "of another task", 4 * pageSize},
		{userStack + 0x3000, "", "", 0},
		{stackOne - 8, "", "", 0},
	} {
		r, ok := v.Stack(test.address)
		require.Equal(t, test.size != 0, ok, "%#x", test.address)
		require.Equal(t, Range{Start: r.Start, Size: test.size, Kind: test.kind, Name: test.name}, r)
	}
}

func TestViewWithoutPaging(t *testing.T) {
	v := ReaderOf(byHand()).View(&world{})
	require.Zero(t, v.Current)
	_, ok := v.Stack(stackOne)
	require.False(t, ok)
}
