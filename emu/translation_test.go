// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// SDM vol. 2B, "MOV - Move to/from Control Registers", and vol. 3A 5.10.1:
// what CR3 and CR4.PCIDE accept.
func TestWritesOfCR3AndPCIDE(t *testing.T) {
	const noFlush = 1 << 63
	const toCR3, toCR4, toCR0 = "0f 22 d8  mov cr3,rax", "0f 22 e0  mov cr4,rax", "0f 22 c0  mov cr0,rax"
	root := newRig(t, "").root
	cr4 := newRig(t, "").kernelState().CR4
	type row struct {
		name, cpu, code string
		before          func(*x86.State)
		rax             uint64
		fine            bool
		cr3, cr4        uint64 // afterwards
	}
	pcide := func(s *x86.State) { s.CR4 |= x86.CR4PCIDE }
	rows := []row{
		{"a PCID", "+pcid", toCR3, pcide, root | 0x123, true, root | 0x123, cr4 | x86.CR4PCIDE},
		{"a PCID, and nothing to flush", "+pcid", toCR3, pcide, root | 0x123 | noFlush, true, root | 0x123, cr4 | x86.CR4PCIDE},
		{"bit 63 without PCIDE", "+pcid", toCR3, nil, root | noFlush, false, root, cr4},
		{"bit 63 without PCIDs", "", toCR3, nil, root | noFlush, false, root, cr4},
		{"ignored bits without PCIDE", "", toCR3, nil, root | 0xfff, true, root | 0xfff, cr4},
		{"PCIDE with CR3[11:0] zero", "+pcid", toCR4, nil, cr4 | x86.CR4PCIDE, true, root, cr4 | x86.CR4PCIDE},
		{"PCIDE where there is none", "", toCR4, nil, cr4 | x86.CR4PCIDE, false, root, cr4},
		{"PCIDE cleared with a PCID", "+pcid", toCR4, func(s *x86.State) { pcide(s); s.CR3 |= 5 }, cr4, true, root | 5, cr4},
		{"PCIDE kept with a PCID", "+pcid", toCR4, func(s *x86.State) { pcide(s); s.CR3 |= 5 }, cr4 | x86.CR4PCIDE, true, root | 5, cr4 | x86.CR4PCIDE},
		{"CR0.PG cleared with PCIDE", "+pcid", toCR0, pcide, x86.CR0PE | x86.CR0ET | x86.CR0NE, false, root, cr4 | x86.CR4PCIDE},
	}
	for bit := range 12 {
		rows = append(rows, row{fmt.Sprintf("PCIDE with bit %d of CR3", bit), "+pcid", toCR4,
			func(s *x86.State) { s.CR3 |= 1 << bit }, cr4 | x86.CR4PCIDE, false, root | 1<<bit, cr4})
	}
	for bit := x86.PhysicalBits; bit < 63; bit++ {
		rows = append(rows, row{fmt.Sprintf("bit %d of CR3", bit), "+pcid", toCR3, pcide, root | 1<<bit, false, root, cr4 | x86.CR4PCIDE})
	}
	for _, c := range rows {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.cpu)
			require.Equal(t, root, r.root)
			r.kernel(listing(c.code+"\n0f 0b  ud2"), func(s *x86.State) {
				if c.before != nil {
					c.before(s)
				}
				s.GPR[x86.RAX] = c.rax
			})
			r.run()
			require.Equal(t, map[bool]string{true: "#UD", false: "#GP(0)"}[c.fine], r.deliveries())
			require.Equal(t, c.cr3, r.State().CR3)
			require.Equal(t, c.cr4, r.State().CR4)
		})
	}
	r := paeRig(t, "+pcid", "0f 22 e0  mov cr4,eax", func(s *x86.State) { s.GPR[x86.RAX] = s.CR4 | x86.CR4PCIDE })
	r.run()
	require.Equal(t, "#GP(0)", r.deliveries(), "outside IA-32e mode")
}

// SDM vol. 3A 5.10.4.1: what drops which translations. A page is read, its
// entry changed, something done, and it is read again. What need not be
// dropped may be: this machine drops more.
func TestWhatInvalidatesTranslations(t *testing.T) {
	const page = userData + 0x20000
	const must, may = true, false
	const toCR3, toCR4 = "0f 22 d9  mov cr3,rcx", "0f 22 e1  mov cr4,rcx"
	const invpcid, invlpg = "66 41 0f 38 82 08  invpcid rcx,[r8]", "0f 01 3b  invlpg [rbx]"
	const pge, pcide = x86.CR4PGE, x86.CR4PCIDE
	const noFlush = 1 << 63
	for _, c := range []struct {
		name, code    string
		pcid, rcx     uint64 // in CR3 at first; CR3's bits that are not the root's, CR4's that change, INVPCID's type
		low, high     uint64 // INVPCID's descriptor
		local, global bool   // must a translation of such a page go?
	}{
		{"INVLPG", invlpg, 0, 0, 0, 0, must, must},
		{"INVLPG in another PCID than 0", invlpg, 7, 0, 0, 0, must, must},
		{"MOV to CR3", toCR3, 0, 0, 0, 0, must, may},
		{"MOV to CR3, the same PCID", toCR3, 7, 7, 0, 0, must, may},
		{"MOV to CR3, the same PCID, bit 63", toCR3, 7, 7 | noFlush, 0, 0, may, may},
		{"MOV to CR4, PGE", toCR4, 0, pge, 0, 0, must, must},
		{"MOV to CR4, PGE, in another PCID than 0", toCR4, 7, pge, 0, 0, must, must},
		{"MOV to CR4, PCIDE cleared", toCR4, 0, pcide, 0, 0, must, must},
		{"MOV to CR4, SMEP set", toCR4, 0, x86.CR4SMEP, 0, 0, must, may},
		{"INVPCID of the address", invpcid, 7, 0, 7, page, must, may},
		{"INVPCID of another address", invpcid, 7, 0, 7, page + 0x1000, may, may},
		{"INVPCID of the address in another PCID", invpcid, 7, 0, 6, page, may, may},
		{"INVPCID of the PCID", invpcid, 7, 1, 7, 0, must, may},
		{"INVPCID of another PCID", invpcid, 7, 1, 6, 0, may, may},
		{"INVPCID of the PCID, the address counts for nothing", invpcid, 7, 1, 7, noncanon, must, may},
		{"INVPCID of all and the global ones", invpcid, 7, 2, 6, noncanon, must, must},
		{"INVPCID of all but the global ones", invpcid, 7, 3, 6, noncanon, must, may},
	} {
		for _, global := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, global %v", c.name, global), func(t *testing.T) {
				r := newRig(t, "+pcid,+invpcid")
				bits := uint64(pteP | pteW)
				if global {
					bits |= pteG
				}
				r.mapPage(page, dataAt, 0, bits)
				r.put64(dataAt, 1)
				r.put64(dataAt+0x1000, 2)
				r.put64(dataAt+0x2000, c.low)
				r.put64(dataAt+0x2008, c.high)
				r.kernel(listing(`
8b 03                           mov eax,DWORD PTR [rbx]
48 89 37                        mov QWORD PTR [rdi],rsi
`+c.code+`
8b 13                           mov edx,DWORD PTR [rbx]
0f 0b                           ud2
`), func(s *x86.State) {
					s.CR4 |= pge | pcide
					s.CR3 |= c.pcid
					switch c.code {
					case toCR3:
						s.GPR[x86.RCX] = r.root | c.rcx
					case toCR4:
						s.GPR[x86.RCX] = s.CR4 ^ c.rcx
					default:
						s.GPR[x86.RCX] = c.rcx
					}
					s.GPR[x86.RBX], s.GPR[x86.RDI], s.GPR[x86.R8] = page, high+r.entry(page, 0), high+dataAt+0x2000
					s.GPR[x86.RSI] = (dataAt + 0x1000) | bits
				})
				r.run()
				require.Equal(t, "#UD", r.deliveries())
				s := r.State()
				require.EqualValues(t, 1, s.GPR[x86.RAX])
				if map[bool]bool{false: c.local, true: c.global}[global] == must {
					require.EqualValues(t, 2, s.GPR[x86.RDX])
				} else {
					require.Contains(t, []uint64{1, 2}, s.GPR[x86.RDX])
				}
			})
		}
	}
}

// SDM vol. 3A 5.10.2.2: translations are of the PCID that they were made in.
// Another address space with another PCID has its own, bit 63 or not.
func TestAnotherPCIDIsAnotherAddressSpace(t *testing.T) {
	const page = userData + 0x20000
	for _, noFlush := range []uint64{0, 1 << 63} {
		r := newRig(t, "+pcid")
		first := r.root
		r.mapPage(page, dataAt, 0, pteP|pteW)
		second := r.page()
		r.put64(second+256*8, r.get64(first+256*8)) // the kernel's half
		r.root = second
		r.mapPage(page, dataAt+0x1000, 0, pteP|pteW)
		r.put64(dataAt, 1)
		r.put64(dataAt+0x1000, 2)
		r.kernel(listing(`
8b 03                           mov eax,DWORD PTR [rbx]
0f 22 da                        mov cr3,rdx
8b 0b                           mov ecx,DWORD PTR [rbx]
0f 22 de                        mov cr3,rsi
8b 3b                           mov edi,DWORD PTR [rbx]
0f 0b                           ud2
`), func(s *x86.State) {
			s.CR4 |= x86.CR4PCIDE
			s.CR3 = first | 1
			s.GPR[x86.RBX], s.GPR[x86.RDX], s.GPR[x86.RSI] = page, second|2|noFlush, first|1|noFlush
		})
		r.run()
		require.Equal(t, "#UD", r.deliveries())
		s := r.State()
		require.Equal(t, [3]uint64{1, 2, 1}, [3]uint64{s.GPR[x86.RAX], s.GPR[x86.RCX], s.GPR[x86.RDI]})
	}
}

// SDM vol. 2A, INVPCID: its exceptions in 64-bit mode.
func TestOperandsOfINVPCID(t *testing.T) {
	const memory, register = "66 0f 38 82 03  invpcid rax,[rbx]", "66 0f 38 82 c3  invpcid rax,rbx"
	const at = kernelData
	for _, c := range []struct {
		name, code      string
		kind, low, high uint64
		edit            func(*x86.State)
		want            string
	}{
		{"an address, PCID 0 without PCIDE", memory, 0, 0, 0x1000, nil, "#UD"},
		{"an address, a PCID without PCIDE", memory, 0, 1, 0x1000, nil, "#GP(0)"},
		{"an address, a PCID", memory, 0, 0xfff, 0x1000, func(s *x86.State) { s.CR4 |= x86.CR4PCIDE }, "#UD"},
		{"an address that is not canonical", memory, 0, 0, noncanon, nil, "#GP(0)"},
		{"an address in the upper half", memory, 0, 0, 0xffff800000000000, nil, "#UD"},
		{"a PCID without PCIDE", memory, 1, 1, 0, nil, "#GP(0)"},
		{"PCID 0 without PCIDE", memory, 1, 0, 0, nil, "#UD"},
		{"a PCID", memory, 1, 1, 0, func(s *x86.State) { s.CR4 |= x86.CR4PCIDE }, "#UD"},
		{"a PCID, with an address that is not canonical", memory, 1, 0, noncanon, nil, "#UD"},
		{"all, with a PCID and an address that count for nothing", memory, 2, 1, noncanon, nil, "#UD"},
		{"all but global ones, likewise", memory, 3, 1, noncanon, nil, "#UD"},
		{"type 4", memory, 4, 0, 0, nil, "#GP(0)"},
		{"a type beyond 32 bits", memory, 1 << 32, 0, 0, nil, "#GP(0)"},
		{"reserved bit 12, type 0", memory, 0, 1 << 12, 0, nil, "#GP(0)"},
		{"reserved bit 63, type 1", memory, 1, 1 << 63, 0, nil, "#GP(0)"},
		{"reserved bit 32, type 2", memory, 2, 1 << 32, 0, nil, "#GP(0)"},
		{"reserved bit 12, type 3", memory, 3, 1 << 12, 0, nil, "#GP(0)"},
		{"a register", register, 0, 0, 0, nil, "#UD"},
		{"a page that is not there", memory, 2, 0, 0, func(s *x86.State) { s.GPR[x86.RBX] = unmapped }, "#PF(0)@700000"},
		{"not canonical", memory, 2, 0, 0, func(s *x86.State) { s.GPR[x86.RBX] = noncanon }, "#GP(0)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "+pcid,+invpcid")
			r.put64(dataAt, c.low)
			r.put64(dataAt+8, c.high)
			r.kernel(listing(c.code+"\n0f 0b  ud2"), func(s *x86.State) {
				s.GPR[x86.RAX], s.GPR[x86.RBX] = c.kind, at
				if c.edit != nil {
					c.edit(s)
				}
			})
			r.run()
			require.Equal(t, c.want, r.deliveries())
			rip := uint64(kernelCode)
			if c.want == "#UD" && c.code == memory {
				rip += 5
			}
			require.Equal(t, rip, r.frame(c.want != "#UD").RIP)
		})
	}
	for cpu, user := range map[string]bool{"+pcid": false, "+pcid,+invpcid": true} {
		r := newRig(t, cpu)
		start := map[bool]func([]byte, func(*x86.State)){false: r.kernel, true: r.user}[user]
		start(listing(memory), func(s *x86.State) { s.GPR[x86.RBX] = userData })
		r.run()
		require.Equal(t, map[bool]string{false: "#UD", true: "#GP(0)"}[user], r.deliveries(), "%s at CPL 3 %v", cpu, user)
	}
}

// SDM vol. 2B, RDMSR, and vol. 2D, WRMSR: #GP(0) for a register that there is
// not, or reserved bits of one; EDX:EAX stays.
func TestMSRsThatAreNotThere(t *testing.T) {
	const rdmsr, wrmsr = "0f 32  rdmsr", "0f 30  wrmsr"
	for _, c := range []struct {
		name, code string
		msr        x86.MSR
		value      uint64
	}{
		{"RDMSR", rdmsr, 0xdead, 1},
		{"WRMSR", wrmsr, 0xdead, 1},
		{"WRMSR of zero", wrmsr, 0xdead, 0},
		{"WRMSR beyond the registers of AMD", wrmsr, 0xc001ffff, 1},
		{"WRMSR of a register that can be read only", wrmsr, x86.MSRMTRRCap, 1},
		{"reserved bits of IA32_EFER", wrmsr, x86.MSREFER, 1 << 20},
		{"IA32_EFER.LME under paging", wrmsr, x86.MSREFER, x86.EFERSCE},
		{"reserved bits of IA32_APIC_BASE", wrmsr, x86.MSRAPICBase, 1 << 62},
		{"a reserved memory type in IA32_PAT", wrmsr, x86.MSRPAT, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "")
			r.kernel(listing(c.code), func(s *x86.State) {
				s.GPR[x86.RCX], s.GPR[x86.RAX], s.GPR[x86.RDX] = uint64(c.msr), c.value&0xffffffff, c.value>>32
			})
			before := r.State()
			r.run()
			s := r.State()
			require.Equal(t, "#GP(0)", r.deliveries())
			require.EqualValues(t, uint64(kernelCode), r.frame(true).RIP)
			require.Equal(t, before.EFER, s.EFER)
			require.Equal(t, before.GPR[x86.RAX], s.GPR[x86.RAX])
			require.Equal(t, before.GPR[x86.RDX], s.GPR[x86.RDX])
		})
	}
}
