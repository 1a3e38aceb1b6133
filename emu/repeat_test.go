// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// Every iteration of a repeated string instruction is an arrival at it, also
// the one that finds the count at zero from the start; what the engine does
// after the last iteration is none.
func TestProbeAtARepeatedInstruction(t *testing.T) {
	for count, arrivals := range map[uint64]int{0: 1, 1: 1, 2: 2, 5: 5} {
		for _, slice := range sliceSizes {
			r := newRig(t, "")
			r.kernel(listing(`
90                              nop
f3 aa                           rep stos BYTE PTR es:[rdi],al
90                              nop
0f 0b                           ud2
`), func(s *x86.State) {
				s.GPR[x86.RCX], s.GPR[x86.RDI] = count, kernelData
			})
			seen := 0
			r.Probe(kernelCode+1, func(*emu.Machine) bool { seen++; return false })
			r.runTo(slice)
			require.Equal(t, "#UD", r.deliveries())
			require.Equal(t, arrivals, seen, "%d iterations in slices of %d", count, slice)
			require.Equal(t, 2+max(count, 1), r.Instructions())
		}
	}
}

// With 16-bit addresses the count is CX, whatever the rest of ECX holds.
func TestRepeatedInstructionCountsInCX(t *testing.T) {
	for _, slice := range sliceSizes {
		r := newRig(t, "")
		r.mapPage(0x5000, dataAt, 0, pteP|pteW)
		r.start(userPhys, listing(`
90                              nop
67 f3 aa                        rep stos BYTE PTR es:[di],al
90                              nop
0f 0b                           ud2
`), r.kernelState(), func(s *x86.State) {
			s.Seg[x86.CS] = rigSegment(selCode32)
			s.RIP = userCode
			s.GPR[x86.RCX], s.GPR[x86.RDI] = 0x10003, 0x15000
		})
		r.runTo(slice)
		require.Equal(t, "#UD", r.deliveries())
		require.EqualValues(t, 5, r.Instructions(), "slices of %d", slice)
		require.EqualValues(t, 0x10000, r.State().GPR[x86.RCX])
		require.EqualValues(t, 0x15003, r.State().GPR[x86.RDI])
	}
}
