// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// A restore may keep the TLB, but not what was translated under control
// registers that it takes back. No table is written here: their accessed and
// dirty bits are set when the snapshot is taken.
func TestARestoreTakesBackWhatTheTLBWasFilledUnder(t *testing.T) {
	const page = userData + 0x20000
	const fresh = pteP | pteW | pteA | pteD
	read := listing("8b 03  mov eax,DWORD PTR [rbx]\n0f 0b  ud2")
	write := listing("89 03  mov DWORD PTR [rbx],eax\n0f 0b  ud2")
	for _, c := range []struct {
		name, cpu string
		code      []byte
		bits      uint64 // of the page's entry
		change    func(r *rig, s *x86.State)
		want      string // as the snapshot has it
		changed   string
	}{
		{"CR3", "", read, fresh, func(r *rig, s *x86.State) { s.CR3 = r.root }, "#UD 1", "#UD 2"},
		{"CR0.WP", "", write, fresh &^ pteW, func(_ *rig, s *x86.State) { s.CR0 &^= x86.CR0WP }, "#PF(3)@520000 0", "#UD 0"},
		{"CR4.SMAP", "+smap", read, fresh | pteU, func(_ *rig, s *x86.State) { s.CR4 &^= x86.CR4SMAP }, "#PF(1)@520000 0", "#UD 1"},
		{"PKRU", "+pku", read, fresh | pteU | 1<<59, func(_ *rig, s *x86.State) { s.CR4 &^= x86.CR4SMAP; s.PKRU = 0 }, "#PF(21)@520000 0", "#UD 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.cpu)
			r.put64(dataAt, 1)
			r.put64(dataAt+0x1000, 2)
			first := r.root
			r.mapPage(page, dataAt, 0, c.bits)
			r.root = r.page()
			for i := range uint64(512) {
				r.put64(r.root+i*8, r.get64(first+i*8))
			}
			r.put64(r.root, 0)
			r.mapPage(page, dataAt+0x1000, 0, c.bits)
			r.kernel(c.code, func(s *x86.State) {
				s.CR3 = first
				s.GPR[x86.RBX] = page
				if c.cpu == "+smap" {
					s.CR4 |= x86.CR4SMAP
				}
				if c.cpu == "+pku" {
					s.CR4 |= x86.CR4PKE
					s.PKRU = 1 << 2
				}
			})
			original, other := r.State(), r.State()
			c.change(r, &other)
			result := func() string {
				r.log = nil
				r.run()
				return r.deliveries() + " " + string('0'+byte(r.State().GPR[x86.RAX]))
			}
			for _, s := range []*x86.State{&original, &other, &original} { // accessed bits everywhere
				r.SetState(s)
				result()
			}
			r.SetState(&original)
			start := snapshot(t, r.Machine)
			for range 3 {
				require.Equal(t, c.want, result())
				require.NoError(t, r.Restore(start))
				r.SetState(&other)
				require.Equal(t, c.changed, result())
				require.NoError(t, r.Restore(start))
			}
		})
	}
}

// What a post-mortem shows was executed since the machine went back.
func TestARestoreEmptiesTheTrail(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing("eb 00  jmp 2\neb 00  jmp 4\neb 00  jmp 6\n0f 0b  ud2"), nil)
	start := snapshot(t, r.Machine)
	for range 2 {
		r.run()
		require.Len(t, r.Trail(), 5, "four, and the handler that was come to")
		require.EqualValues(t, uint64(kernelCode), r.Trail()[0].PC)
		require.NoError(t, r.Restore(start))
		require.Empty(t, r.Trail())
	}
}
