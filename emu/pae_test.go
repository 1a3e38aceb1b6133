// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// Where the tables of a rig in PAE paging are, and what it maps beyond the
// lowest megabytes, which are where they are.
const (
	idt32At  = 0x5000
	pdptAt   = 0x6020 // 32 bytes are all the alignment it needs
	mappedAt = 1<<30 + dataAt
)

// paeRig is a rig in 32-bit protected mode with PAE paging: physical memory is
// at 0, and once more at 1 GiB. The program is in front of it, and PDPTE
// says where its entries are.
func paeRig(t *testing.T, cpu, code string, edit func(*x86.State)) *rig {
	t.Helper()
	r := bareRig(t, cpu)
	low, again := r.page(), r.page()
	for at := uint64(0); at < rigMemory; at += 2 << 20 {
		r.put64(low+at>>21*8, at|pteP|pteW|ptePS)
		r.put64(again+at>>21*8, at|pteP|pteW|ptePS)
	}
	r.put64(pdptAt, low|pteP)
	r.put64(pdptAt+8, again|pteP)
	for v := range uint64(32) {
		at := entryAt + 16*v
		r.put64(idt32At+8*v, at&0xffff|selCode32<<16|0x8e00<<32|at>>16<<48)
		r.Probe(at, nil)
	}
	s := r.kernelState()
	s.EFER = 0
	s.CR3 = pdptAt
	s.Seg[x86.CS] = rigSegment(selCode32)
	s.GDTR.Base, s.IDTR = gdtAt, x86.Table{Base: idt32At, Limit: 32*8 - 1}
	s.RIP, s.GPR[x86.RSP] = codeAt, stackTop
	s.GPR[x86.RBX] = mappedAt
	r.put64(dataAt, 0x1234)
	r.start(codeAt, listing(code+`
8b 0b                           mov ecx,DWORD PTR [ebx]
0f 0b                           ud2`), s, edit)
	return r
}

// SDM vol. 3A 5.4.1: the PDPTEs are in registers, which MOV to CR3 loads, and
// MOV to CR0 and CR4 where they change certain bits; walks do not read memory.
func TestPDPTEsAreLoadedByMOVToControlRegisters(t *testing.T) {
	const cr0 = x86.CR0PE | x86.CR0PG | x86.CR0WP | x86.CR0ET | x86.CR0NE
	const cr4 = x86.CR4PAE | x86.CR4OSFXSR | x86.CR4DE
	for _, c := range []struct {
		name, code string
		eax        uint64
		loads      bool
	}{
		{"nothing", "90  nop", 0, false},
		{"INVLPG", "0f 01 3b  invlpg BYTE PTR [ebx]", 0, false},
		{"MOV to CR3", "0f 22 d8  mov cr3,eax", pdptAt, true},
		{"MOV to CR0, as it is", "0f 22 c0  mov cr0,eax", cr0, false},
		{"MOV to CR0, TS", "0f 22 c0  mov cr0,eax", cr0 | x86.CR0TS, false},
		{"MOV to CR0, WP", "0f 22 c0  mov cr0,eax", cr0 &^ x86.CR0WP, false},
		{"MOV to CR0, CD", "0f 22 c0  mov cr0,eax", cr0 | x86.CR0CD, true},
		{"MOV to CR0, CD and NW", "0f 22 c0  mov cr0,eax", cr0 | x86.CR0CD | x86.CR0NW, true},
		{"MOV to CR0, PG off and on", `
0f 22 c0                        mov cr0,eax
0d 00 00 00 80                  or eax,0x80000000
0f 22 c0                        mov cr0,eax`, cr0 &^ x86.CR0PG, true},
		{"MOV to CR4, as it is", "0f 22 e0  mov cr4,eax", cr4, false},
		{"MOV to CR4, TSD", "0f 22 e0  mov cr4,eax", cr4 | x86.CR4TSD, false},
		{"MOV to CR4, SMAP", "0f 22 e0  mov cr4,eax", cr4 | x86.CR4SMAP, false},
		{"MOV to CR4, PGE", "0f 22 e0  mov cr4,eax", cr4 | x86.CR4PGE, true},
		{"MOV to CR4, PSE", "0f 22 e0  mov cr4,eax", cr4 | x86.CR4PSE, true},
		{"MOV to CR4, SMEP", "0f 22 e0  mov cr4,eax", cr4 | x86.CR4SMEP, true},
	} {
		for _, bad := range []uint64{0, 1 << 1} {
			t.Run(fmt.Sprintf("%s, entry %x", c.name, bad), func(t *testing.T) {
				r := paeRig(t, "", c.code, func(s *x86.State) { s.GPR[x86.RAX] = c.eax })
				before := r.State()
				entry := r.get64(pdptAt + 8)
				r.put64(pdptAt+8, 0)
				if bad != 0 {
					r.put64(pdptAt+8, entry|bad)
				}
				r.run()
				s := r.State()
				switch {
				case !c.loads:
					require.Equal(t, "#UD", r.deliveries())
					require.EqualValues(t, 0x1234, s.GPR[x86.RCX])
					require.Equal(t, before.PDPTE, s.PDPTE)
				case bad == 0:
					require.Equal(t, fmt.Sprintf("#PF(0)@%x", mappedAt), r.deliveries())
					require.Zero(t, s.PDPTE[1])
				default:
					require.Equal(t, "#GP(0)", r.deliveries())
					require.Equal(t, before.PDPTE, s.PDPTE, "none is loaded")
					require.Equal(t, before.CR3, s.CR3)
					require.Equal(t, before.CR4, s.CR4)
				}
			})
		}
	}
}

// SDM vol. 3A, table 5-8: bits 1, 2, 5 to 8 and those from MAXPHYADDR on are
// reserved in a PDPTE that is present; #GP(0) then leaves CR3 as it was.
func TestReservedBitsOfPDPTEs(t *testing.T) {
	for n := range 4 {
		for bit := range 64 {
			reserved := bit == 1 || bit == 2 || bit >= 5 && bit <= 8 || bit >= x86.PhysicalBits
			if n > 0 && bit >= 12 && bit < x86.PhysicalBits {
				continue // where it leads to
			}
			for _, present := range []bool{true, false} {
				if bit == 0 || n < 2 && (!present || bit >= 12 && !reserved) {
					continue // in use
				}
				const other = pdptAt + 0x20
				r := paeRig(t, "", "0f 22 d8  mov cr3,eax", func(s *x86.State) { s.GPR[x86.RAX] = other })
				for i := range uint64(4) {
					r.put64(other+8*i, r.get64(pdptAt+8*i))
				}
				at := other + 8*uint64(n)
				v := r.get64(at)&^1 | 1<<bit
				if present {
					v |= pteP
				}
				r.put64(at, v)
				r.run()
				want, cr3 := "#UD", uint64(other)
				if reserved && present {
					want, cr3 = "#GP(0)", pdptAt
				}
				require.Equal(t, want, r.deliveries(), "PDPTE %d, bit %d, present %v", n, bit, present)
				require.Equal(t, cr3, r.State().CR3)
			}
		}
	}
}

// A snapshot has the registers, not what is in memory by then.
func TestPDPTEsAreInASnapshot(t *testing.T) {
	r := paeRig(t, "", "90  nop", nil)
	r.put64(pdptAt+8, 0)
	s, err := r.Snapshot()
	require.NoError(t, err)
	r.run()
	require.NoError(t, r.Restore(s))
	r.run()
	require.Equal(t, "#UD #UD", r.deliveries())
	m, err := s.Start()
	require.NoError(t, err)
	defer m.Close()
	m.Probe(entryAt+16*6, nil)
	require.EqualValues(t, entryAt+16*6, (&rig{Machine: m, t: t}).run().Address)
}
