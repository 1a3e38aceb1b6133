// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

const loadDS, larEAX, lslEAX, verr = "8e d8  mov ds,eax", "0f 02 d0  lar edx,eax", "0f 03 d0  lsl edx,eax", "0f 00 e0  verr ax"

// SDM vol. 3A 5.6.1: with CR4.SMAP implicit supervisor accesses to user pages
// are refused whatever AC is, and whether or not an explicit access that AC
// allowed has left a translation.
func TestSMAPAndDescriptorsOnAUsersPage(t *testing.T) {
	const table = userData + 0x20000
	for _, instruction := range []string{loadDS, larEAX, lslEAX, verr} {
		for _, touch := range []string{"90  nop", "8b 0b  mov ecx,[rbx]", "89 4b 40  mov [rbx+0x40],ecx"} {
			for _, ldt := range []bool{false, true} {
				for _, ac := range []uint64{0, x86.FlagAC} {
					if ac == 0 && touch[:2] != "90" {
						continue // that is refused itself
					}
					t.Run(fmt.Sprintf("%s, %s, LDT %v, AC %x", instruction, touch, ldt, ac), func(t *testing.T) {
						r := newRig(t, "")
						r.mapPage(table, dataAt, 0, pteP|pteW|pteU)
						r.put64(dataAt+selData, rigGDT[selData])
						r.kernel(listing(touch+"\n"+instruction+"\n0f 0b  ud2"), func(s *x86.State) {
							s.CR4 |= x86.CR4SMAP
							s.RFLAGS |= ac
							s.GPR[x86.RAX], s.GPR[x86.RBX] = selData, table
							if ldt {
								s.GPR[x86.RAX] |= 4
								s.LDTR = x86.Segment{Selector: 0x60, Base: table, Limit: 0x3f, Attr: x86.AttrP | x86.TypeLDT<<8}
							} else {
								s.GDTR.Base = table
							}
						})
						r.run()
						require.Equal(t, fmt.Sprintf("#PF(1)@%x", table+selData), r.log[0])
					})
				}
			}
		}
	}
}

// SDM vol. 3A 5.6.1: the descriptor is read as a supervisor, but the operand that
// names it is the program's own access, also on the page of the GDT.
func TestOnlyTheDescriptorIsReadAsASupervisor(t *testing.T) {
	gdt := uint64(high + gdtAt)
	for _, c := range []struct {
		name, code string
		edit       func(*x86.State)
		offset     uint64
	}{
		{"MOV DS of memory", "8e 1b  mov ds,[rbx]", nil, 0},
		{"MOV SS of memory", "8e 13  mov ss,[rbx]", nil, 0},
		{"with SIB and displacement", "8e 5c 4b 10  mov ds,[rbx+rcx*2+0x10]", func(s *x86.State) { s.GPR[x86.RCX] = 4 }, 0x18},
		{"through GS", "65 8e 1b  mov ds,gs:[rbx]", func(s *x86.State) { s.Seg[x86.GS].Base = 8 }, 8},
		{"LAR of memory", "0f 02 03  lar eax,[rbx]", nil, 0},
		{"VERR of memory", "0f 00 23  verr [rbx]", nil, 0},
		{"LFS", "0f b4 03  lfs eax,[rbx]", nil, 0},
		{"POP FS", "0f a1  pop fs", func(s *x86.State) { s.GPR[x86.RSP] = gdt + 8 }, 8},
		{"a load behind one of DS", "8e d8  mov ds,eax\n8b 03  mov eax,[rbx]", func(s *x86.State) { s.GPR[x86.RAX] = selUserSS }, 0},
		{"a load behind LSL", "0f 03 d0  lsl edx,eax\n8b 03  mov eax,[rbx]", func(s *x86.State) { s.GPR[x86.RAX] = selUserSS }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "")
			r.user(listing(c.code+"\n0f 0b  ud2"), func(s *x86.State) {
				s.GPR[x86.RBX] = gdt
				if c.edit != nil {
					c.edit(s)
				}
			})
			r.run()
			require.Equal(t, fmt.Sprintf("#PF(5)@%x", gdt+c.offset), r.deliveries())
		})
	}
	r := newRig(t, "")
	r.put64(userMem, selUserSS)
	r.user(listing("8e 1b  mov ds,[rbx]\n0f b4 0b  lfs ecx,[rbx]\n0f 0b  ud2"), func(s *x86.State) { s.GPR[x86.RBX] = userData })
	r.run()
	require.Equal(t, "#UD", r.deliveries())
	require.EqualValues(t, selUserSS, r.State().Seg[x86.DS].Selector)
}
