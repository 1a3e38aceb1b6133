// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// legacyRig is in protected mode without paging, at code in a segment of 32 or
// 16 bits.
func legacyRig(t *testing.T, bits int, code []byte, edit func(*x86.State)) *rig {
	t.Helper()
	r := bareRig(t, "")
	s := r.kernelState()
	s.EFER, s.CR0, s.CR4 = 0, x86.CR0PE|x86.CR0ET|x86.CR0NE, 0
	s.Seg[x86.CS] = rigSegment(selCode32)
	if bits == 16 {
		s.Seg[x86.CS].Attr &^= x86.AttrDB
	}
	s.RIP, s.GPR[x86.RSP] = codeAt, stackTop
	s.IDTR = x86.Table{}
	r.start(codeAt, code, s, edit)
	return r
}

// PUSHF stores its flags where SS says, of 2 or 4 bytes, with no TF that was
// not the guest's, however the run is cut up.
func TestPUSHFOutsideIA32eMode(t *testing.T) {
	const base, marker = 0x20000, 0xffffffffffffffff
	for _, c := range []struct {
		name string
		bits int
		code string
		edit func(*x86.State)
		at   uint64 // physical, of the flags
		want uint64
	}{
		{"a segment base", 32, "9c  pushf", func(s *x86.State) { s.Seg[x86.SS].Base = base }, base + 0x1ffc, 0xffffffff00000003},
		{"a segment base, 16 bits", 32, "66 9c  pushfw", func(s *x86.State) { s.Seg[x86.SS].Base = base }, base + 0x1ffe, 0xffffffffffff0003},
		{"16-bit code", 16, "9c  pushfw", nil, 0x1ffe, 0xffffffffffff0003},
		{"16-bit code, 32 bits", 16, "66 9c  pushf", nil, 0x1ffc, 0xffffffff00000003},
		{"a 16-bit stack", 32, "9c  pushf", func(s *x86.State) {
			s.Seg[x86.SS].Attr &^= x86.AttrDB
			s.GPR[x86.RSP] |= 0x50000
		}, 0x1ffc, 0xffffffff00000003},
	} {
		for _, slice := range sliceSizes {
			t.Run(c.name, func(t *testing.T) {
				r := legacyRig(t, c.bits, listing("f9  stc\n"+c.code+"\n90  nop\n0f 0b  ud2"), func(s *x86.State) {
					s.GPR[x86.RSP] = 0x2000
					if c.edit != nil {
						c.edit(s)
					}
				})
				for _, at := range []uint64{0x1ff8, 0x51ff8, base + 0x1ff8} {
					r.put64(at, marker)
					r.put64(at+8, marker)
				}
				r.runTo(slice)
				require.Equal(t, c.want, r.get64(c.at))
				for _, at := range []uint64{0x1ffc, 0x51ffc, base + 0x1ffc} {
					if at != c.at&^3 {
						require.EqualValues(t, uint64(marker), r.get64(at), "%#x", at)
					}
				}
			})
		}
	}
}

// A paging structure may be the last page of RAM, to its last entry.
func TestTheLastPageDirectoryEntryOfRAM(t *testing.T) {
	const directory, linear = rigMemory - 0x1000, 0xffc00000
	r := legacyRig(t, 32, listing("8b 03  mov eax,DWORD PTR [ebx]\n0f 0b  ud2"), func(s *x86.State) {
		s.CR0 |= x86.CR0PG
		s.CR3, s.CR4 = directory, x86.CR4PSE
		s.GPR[x86.RBX] = linear + dataAt
	})
	r.put64(directory, pteP|pteW|ptePS)
	r.put64(directory+0xff8, (pteP|ptePS)<<32)
	r.put64(dataAt, 0x1234)
	r.runTo(0)
	require.EqualValues(t, 0x1234, r.State().GPR[x86.RAX])
	require.EqualValues(t, uint64(pteP|ptePS|pteA)<<32, r.get64(directory+0xff8))
}
