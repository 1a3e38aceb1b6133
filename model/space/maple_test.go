// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// forest is memory for maple trees.
func forest() (*world, *kernel) {
	w := newWorld(4)
	w.ram(data, 16, rw)
	t := TablesOf(w, &w.state)
	i := byHand()
	return w, &kernel{image: i, tables: t, fields: Fields{t, i}}
}

const (
	leafType  = 1
	rangeType = 2
	gapsType  = 3 // arange_64
)

func node(at, kind uint64) uint64 { return at | kind<<3 | 2 }

func TestMapleTreeOfNothingAndOfOne(t *testing.T) {
	w, k := forest()
	require.Empty(t, k.maple(data, 10))
	w.write(data+8, 0x1000)
	require.Equal(t, []uint64{0x1000}, k.maple(data, 10))
	require.Empty(t, k.maple(0, 10))
	require.Empty(t, k.maple(1<<40, 10))
}

func TestMapleTreeOfTwoLevels(t *testing.T) {
	for _, upper := range []struct {
		kind  uint64
		slots uint64
	}{{rangeType, 128}, {gapsType, 80}} {
		w, k := forest()
		root, first, second := uint64(data+0x100), uint64(data+0x200), uint64(data+0x300)
		w.write(data+8, node(root, upper.kind))
		w.write(root+8, 0xfff) // one pivot: the second child has the rest
		w.write(root+upper.slots, node(first, leafType), node(second, leafType))
		for i := range uint64(15) { // full: fifteen pivots, sixteen slots
			w.write(first+8+8*i, 0x10*i+5)
		}
		for i := range uint64(16) {
			w.write(first+128+8*i, 0x1000+i)
		}
		w.write(second+8, 0x1fff, 0x2fff)
		w.write(second+128, 0, 0x2000, 0x2001)
		got := k.maple(data, 100)
		require.Len(t, got, 18)
		require.Equal(t, []uint64{0x100f, 0x2000, 0x2001}, got[15:])
		require.Len(t, k.maple(data, 5), 5, "no more than asked for")
	}
}

// In a node whose last pivot ends it, the last slot holds something else.
func TestMapleTreeWithANodeThatIsNotFull(t *testing.T) {
	w, k := forest()
	root, first := uint64(data+0x100), uint64(data+0x200)
	w.write(data+8, node(root, rangeType))
	w.write(root+8, 0xfff)
	w.write(root+128, node(first, leafType))
	for i := range uint64(15) {
		w.write(first+8+8*i, 0x10*i+5)
		w.write(first+128+8*i, 0x1000+i)
	}
	w.write(first+8+8*14, 0xfff)
	w.write(first+128+8*15, 0x0e)
	require.Len(t, k.maple(data, 100), 15)
}

func TestMapleTreeThatIsACircleEnds(t *testing.T) {
	w, k := forest()
	root := uint64(data + 0x100)
	w.write(data+8, node(root, rangeType))
	for i := range uint64(15) {
		w.write(root+8+8*i, i+1)
		w.write(root+128+8*i, node(root, rangeType))
	}
	require.Empty(t, k.maple(data, 100))
}
