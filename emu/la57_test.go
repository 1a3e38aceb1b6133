// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

const hole57 = 0x0100000000000000 // the first address that is not canonical with 57 bits

// la57Rig is a rig with 5-level paging: what it has in the lower half and in
// the upper one is where it was.
func la57Rig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, "+la57")
	top, lower := r.page(), r.page()
	for at := range uint64(256) {
		r.put64(lower+8*at, r.get64(r.root+8*at))
	}
	r.put64(top, lower|pteP|pteW|pteU)
	r.put64(top+511*8, r.root|pteP|pteW|pteU)
	r.root, r.levels = top, 5
	return r
}

// SDM vol. 3A 5.5 and "Canonicality checking": with CR4.LA57 linear addresses
// have 57 bits, and bits 63 to 57 equal bit 56.
func TestAccessesUnder5LevelPaging(t *testing.T) {
	const low, upper = 0x00abcdef01234000, 0xff12345678abc000
	const load, store, push, jump, wrfsbase = "48 8b 03  mov rax,[rbx]", "48 89 0b  mov [rbx],rcx", "50  push rax", "ff e3  jmp rbx", "f3 48 0f ae d3  wrfsbase rbx"
	for _, c := range []struct {
		name, code string
		rbx        uint64
		want       string
	}{
		{"load, 56 bits", load, low + 0x10, "#UD"},
		{"load, the upper half", load, upper + 0x10, "#UD"},
		{"store, 56 bits", store, low + 0x10, "#UD"},
		{"store, the upper half", store, upper + 0x10, "#UD"},
		{"load, canonical and not there", load, low + 0x1000, "#PF(0)@abcdef01235000"},
		{"store, canonical with 57 bits only", store, noncanon, "#PF(2)@800000000000"},
		{"load, the first that is not canonical", load, hole57, "#GP(0)"},
		{"load, the last that is not", load, 0xfeffffffffffffff, "#GP(0)"},
		{"load, bit 63 alone", load, 1 << 63, "#GP(0)"},
		{"load, the last that is canonical", load, hole57 - 8, "#PF(0)@fffffffffffff8"},
		{"load across the end", load, hole57 - 4, "#GP(0)"},
		{"store across the end", store, hole57 - 1, "#GP(0)"},
		{"PUSH to an address that is not canonical", push, hole57 + 8, "#SS(0)"},
		{"PUSH across the end", push, hole57 + 4, "#SS(0)"},
		{"JMP, 56 bits", jump, low + 0x800, "#UD"},
		{"JMP, the upper half", jump, upper + 0x800, "#UD"},
		{"JMP, canonical and not there", jump, noncanon, "#PF(10)@800000000000"},
		{"JMP to an address that is not canonical", jump, hole57, "#GP(0)"},
		{"WRFSBASE, 57 bits", wrfsbase, low, "#UD"},
		{"WRFSBASE, not canonical", wrfsbase, hole57, "#GP(0)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := la57Rig(t)
			for _, v := range []x86.Vector{x86.VectorGP, x86.VectorSS, x86.VectorPF} {
				r.gate(v, 1, 0)
			}
			r.mapPage(low, dataAt, 0, pteP|pteW)
			r.mapPage(upper, dataAt, 0, pteP|pteW)
			r.put64(dataAt+0x10, 0x1122334455667788)
			r.write(dataAt+0x800, listing("0f 0b  ud2"))
			r.kernel(listing(c.code+"\n0f 0b  ud2"), func(s *x86.State) {
				s.CR4 |= x86.CR4LA57 | x86.CR4FSGSBASE
				s.GPR[x86.RBX], s.GPR[x86.RCX] = c.rbx, 0x99
				if c.code == push {
					s.GPR[x86.RSP] = c.rbx
				}
			})
			r.run()
			require.Equal(t, c.want, r.deliveries())
			s := r.State()
			switch {
			case c.want != "#UD":
				rip := uint64(kernelCode)
				if c.code == jump && c.want != "#GP(0)" {
					rip = c.rbx
				}
				require.Equal(t, rip, r.frame(true).RIP)
			case c.code == load:
				require.EqualValues(t, 0x1122334455667788, s.GPR[x86.RAX])
			case c.code == store:
				require.EqualValues(t, 0x99, r.get64(dataAt+0x10))
			case c.code == jump:
				require.Equal(t, c.rbx, r.frame(false).RIP)
			default:
				require.Equal(t, c.rbx, s.Seg[x86.FS].Base)
			}
		})
	}
}

// SDM vol. 2B, SYSRET, under LA57: an address that 57 bits hold is canonical.
func TestSYSRETUnder5LevelPaging(t *testing.T) {
	for rcx, want := range map[uint64]string{noncanon: "#PF(14)@800000000000", hole57: "#GP(0)"} {
		r := la57Rig(t)
		r.kernel(listing("48 0f 07  sysretq"), func(s *x86.State) {
			s.CR4 |= x86.CR4LA57
			s.GPR[x86.RCX], s.GPR[x86.R11] = rcx, 0x202
		})
		r.run()
		require.Equal(t, want, r.deliveries())
	}
}

// SDM vol. 3A, "Canonicality checking", and the 5-level paging white paper,
// 2.6: what WRMSR writes is checked against what the CPU can have at most;
// what it is used for, against the paging mode in force.
func TestMSRsOfACPUWith5LevelPaging(t *testing.T) {
	r := newRig(t, "+la57")
	r.kernel(listing(`
0f 30                           wrmsr
65 48 8b 00                     mov rax,QWORD PTR gs:[rax]
`), func(s *x86.State) {
		s.GPR[x86.RCX], s.GPR[x86.RAX], s.GPR[x86.RDX] = uint64(x86.MSRGSBase), 0, noncanon>>32
	})
	r.run()
	require.Equal(t, "#GP(0)", r.deliveries())
	require.EqualValues(t, uint64(kernelCode+2), r.frame(true).RIP, "the load, not WRMSR")
}

// SDM vol. 2B, MOV to CR4: LA57 cannot be changed in IA-32e mode.
func TestLA57IsFixedInIA32eMode(t *testing.T) {
	for name, on := range map[string]bool{"off": true, "on": false} {
		t.Run("to switch it "+name, func(t *testing.T) {
			r := newRig(t, "+la57")
			if on {
				r = la57Rig(t)
			}
			r.kernel(listing("0f 22 e0  mov cr4,rax"), func(s *x86.State) {
				if on {
					s.CR4 |= x86.CR4LA57
				}
				s.GPR[x86.RAX] = s.CR4 ^ x86.CR4LA57
			})
			r.run()
			require.Equal(t, "#GP(0)", r.deliveries())
		})
	}
}

// The whole way: from 32-bit code without paging into 5-level paging, as
// SDM vol. 3A 11.8.5 has it for IA-32e mode.
func TestEntering5LevelPaging(t *testing.T) {
	r := la57Rig(t)
	for at := uint64(0); at < rigMemory; at += 2 << 20 {
		r.mapPage(at, at, 1, pteP|pteW|ptePS)
	}
	r.mapPage(0x00abcdef01234000, dataAt, 0, pteP|pteW)
	r.put64(dataAt, 0x77)
	s := r.kernelState()
	s.CR0, s.CR3, s.CR4, s.EFER = x86.CR0PE|x86.CR0ET|x86.CR0NE, 0, 0, 0
	s.Seg[x86.CS] = rigSegment(selCode32)
	s.GDTR.Base = gdtAt
	s.RIP, s.GPR[x86.RSP] = codeAt, stackTop
	s.GPR[x86.RSI] = r.root
	r.start(codeAt, listing(`
b8 20 10 00 00                  mov eax,0x1020
0f 22 e0                        mov cr4,eax
0f 22 de                        mov cr3,esi
b9 80 00 00 c0                  mov ecx,0xc0000080
b8 00 09 00 00                  mov eax,0x900
31 d2                           xor edx,edx
0f 30                           wrmsr
b8 31 00 01 80                  mov eax,0x80010031
0f 22 c0                        mov cr0,eax
ea 28 00 01 00 10 00            jmp 0x10:0x10028
48 bb 00 40 23 01 ef cd ab 00   movabs rbx,0xabcdef01234000
48 8b 03                        mov rax,QWORD PTR [rbx]
0f 0b                           ud2
`), s, nil)
	r.run()
	require.Equal(t, "#UD", r.deliveries())
	require.EqualValues(t, 0x77, r.State().GPR[x86.RAX])
	require.NotZero(t, r.State().EFER&x86.EFERLMA)
}
