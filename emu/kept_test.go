// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// A restore may keep the TLB, and with it pages that can be written unnoticed.
// None of that may show: each run from a snapshot leaves what the first left,
// accessed and dirty bits included, and a snapshot on the way holds what it
// would have held.
func TestEveryRunFromASnapshotLeavesTheSame(t *testing.T) {
	// Adds RAX to the first quadword of RCX pages from RBX on, then to the table
	// entry at RDI, and once more to the pages; RAX is another in each round.
	touch := listing(`
48 89 de                        mov rsi,rbx
48 89 ca                        mov rdx,rcx
48 01 06                        add QWORD PTR [rsi],rax
4c 8b 86 08 00 00 00            mov r8,QWORD PTR [rsi+8]
48 81 c6 00 10 00 00            add rsi,0x1000
48 ff ca                        dec rdx
75 ea                           jne 6
4c 01 0f                        add QWORD PTR [rdi],r9
0f 01 3b                        invlpg BYTE PTR [rbx]
48 ff c0                        inc rax
eb d9                           jmp 0
`)
	const fresh, used = pteP | pteW, pteP | pteW | pteA | pteD
	for _, row := range []struct {
		name  string
		pages uint64
		bits  uint64 // of their entries
		flip  uint64 // added to the first one's entry in each round
	}{
		{"pages that were written before", 16, used, 0},
		{"pages that were never touched", 16, fresh, 0},
		{"pages that were read before", 16, fresh | pteA, 0},
		{"a table written by the guest", 8, used, 0x1000},
		{"more pages than are worth keeping", 200, used, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			const base = high + 0x40000000
			r := newRig(t, "")
			for i := range row.pages {
				r.mapPage(base+i*0x1000, 0x200000+i*0x1000, 0, row.bits)
			}
			r.kernel(touch, func(s *x86.State) {
				s.GPR[x86.RBX], s.GPR[x86.RCX], s.GPR[x86.R9] = base, row.pages, row.flip
				s.GPR[x86.RDI] = high + r.entry(base, 0)
			})
			const half = 1000
			start := snapshot(t, r.Machine)
			before := wholeOf(t, r.Machine)
			r.on(half)
			middle := wholeOf(t, r.Machine)
			r.on(half)
			after := wholeOf(t, r.Machine)
			for range 4 {
				require.NoError(t, r.Restore(start))
				requireSame(t, before, wholeOf(t, r.Machine))
				r.on(half)
				requireSame(t, middle, wholeOf(t, r.Machine))
				between := snapshot(t, r.Machine)
				r.on(half)
				requireSame(t, after, wholeOf(t, r.Machine))
				require.NoError(t, r.Restore(between))
				requireSame(t, middle, wholeOf(t, r.Machine))
				r.on(half)
				requireSame(t, after, wholeOf(t, r.Machine))
			}
		})
	}
}

// What is saved does not tell how often the machine went back before.
func TestSnapshotsHoldOnlyWhatDiffers(t *testing.T) {
	r := scattering(t)
	start := snapshot(t, r.Machine)
	var first []byte
	for round := range 3 {
		var file bytes.Buffer
		require.NoError(t, r.Restore(start))
		r.on(50)
		require.NoError(t, snapshot(t, r.Machine).Save(&file, smallImage(t, 0x90)))
		if round == 0 {
			first = file.Bytes()
		}
		require.True(t, bytes.Equal(first, file.Bytes()), "round %d", round)
		require.NoError(t, r.Restore(start))
		r.on(uint64(1000 * (round + 1))) // dirties others
	}
}
