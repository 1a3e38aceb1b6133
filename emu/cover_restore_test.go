// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
)

// The same run from a snapshot has the same edges, whatever ran before it.
func TestEdgesOfARunFromASnapshotAreTheSame(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing("eb 00  jmp 2\neb 00  jmp 4\neb 00  jmp 6\n0f 0b  ud2"), nil)
	require.NoError(t, r.Cover([]emu.Range{{Begin: high, Size: rigMemory}}, 1<<12))
	start := snapshot(t, r.Machine)
	edges := func(n uint64) (out []byte) {
		require.NoError(t, r.Restore(start))
		r.Run(emu.Until{Instructions: n})
		require.True(t, r.Edges(func(edges []byte) {
			out = append(out, edges...)
			clear(edges)
		}))
		return out
	}
	want := edges(10)
	for n := range uint64(4) {
		edges(n + 1)
		require.True(t, bytes.Equal(want, edges(10)), "after %d instructions", n+1)
	}
}
