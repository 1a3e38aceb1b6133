// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

func TestRecordHasEveryInstruction(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
ff c9                           dec ecx
75 fc                           jnz 0
90                              nop
0f 0b                           ud2
`), func(s *x86.State) { s.GPR[x86.RCX] = 3 })
	s := snapshot(t, r.Machine)
	const dec, jnz, nop, ud2 = kernelCode, kernelCode + 2, kernelCode + 4, kernelCode + 5
	again := func() []uint64 {
		require.NoError(t, r.Restore(s))
		require.Equal(t, emu.StopProbe, r.run().Why)
		return r.Recorded()
	}
	require.Empty(t, again())

	require.NoError(t, r.Record(0, ^uint64(0), 64))
	found := again()
	require.Equal(t, []uint64{dec, jnz, dec, jnz, dec, jnz, nop}, found[:7])

	require.NoError(t, r.Record(jnz, nop, 64))
	require.Equal(t, []uint64{jnz, jnz, jnz, nop}, again())

	require.NoError(t, r.Record(dec, nop, 4))
	require.Equal(t, []uint64{jnz, dec, jnz, nop}, again(), "the last four")

	require.NoError(t, r.Record(0, 0, 0))
	require.Empty(t, again())
	require.ErrorContains(t, r.Record(dec, ud2, 3), "want a power of two")
}
