// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// operandSize is 2, 4 or 8 bytes.
func (m *Machine) operandSize(i *unicorn.Insn) int {
	switch {
	case i.REX&8 != 0:
		return 8
	case i.Operand16 != (m.codeBits() == 16):
		return 2
	}
	return 4
}

func (m *Machine) addressSize(i *unicorn.Insn) int {
	switch bits := m.codeBits(); {
	case bits == 64 && !i.Address32:
		return 8
	case bits != 64 && (bits == 16) != i.Address32:
		return 2
	}
	return 4
}

// setRegister writes so many bytes of a general register; 4 clear the rest
// (SDM vol. 1 3.4.1.1).
func (m *Machine) setRegister(n, size int, v uint64) {
	r := &m.state.GPR[n]
	switch size {
	case 8:
		*r = v
	case 4:
		*r = v & 0xffffffff
	case 2:
		*r = *r&^0xffff | v&0xffff
	default:
		*r = *r&^0xff | v&0xff
	}
}

// effectiveAddress is the offset that ModRM names (SDM vol. 2A 2.1.5).
func (m *Machine) effectiveAddress(i *unicorn.Insn) uint64 {
	if m.addressSize(i) == 2 {
		return m.effectiveAddress16(i)
	}
	mod, rm := i.ModRM>>6, int(i.ModRM&7)
	address := uint64(int64(i.Displacement))
	base := rm
	if rm == 4 {
		base = int(i.SIB & 7)
		if index := int(i.SIB>>3&7 | i.REX<<2&8); index != 4 {
			address += m.state.GPR[index] << (i.SIB >> 6)
		}
	}
	switch {
	case mod == 0 && rm == 5 && m.codeBits() == 64:
		address += m.state.RIP + uint64(i.Length)
	case mod == 0 && base == 5:
	default:
		address += m.state.GPR[base|int(i.REX<<3&8)]
	}
	if m.addressSize(i) == 4 {
		address &= 0xffffffff
	}
	return address
}

// effectiveAddress16 is that of 16-bit addressing (SDM vol. 2A, table 2-1).
func (m *Machine) effectiveAddress16(i *unicorn.Insn) uint64 {
	r := &m.state.GPR
	mod, rm := i.ModRM>>6, i.ModRM&7
	bases := [8]uint64{r[x86.RBX] + r[x86.RSI], r[x86.RBX] + r[x86.RDI], r[x86.RBP] + r[x86.RSI], r[x86.RBP] + r[x86.RDI],
		r[x86.RSI], r[x86.RDI], r[x86.RBP], r[x86.RBX]}
	address := uint64(int64(i.Displacement))
	if mod != 0 || rm != 6 {
		address += bases[rm]
	}
	return address & 0xffff
}

// linearAddress adds the segment's base: that of FS and GS alone in 64-bit mode.
func (m *Machine) linearAddress(i *unicorn.Insn) uint64 {
	address := m.effectiveAddress(i)
	segment := i.Segment
	if segment < 0 {
		segment = x86.DS
		if i.Stack {
			segment = x86.SS
		}
	}
	if m.state.Code64() {
		if segment == x86.FS || segment == x86.GS {
			address += m.state.Seg[segment].Base
		}
		return address
	}
	return (address + m.state.Seg[segment].Base) & 0xffffffff
}

// readOperand reads the memory operand, which must be one.
func (m *Machine) readOperand(i *unicorn.Insn, size int) ([]byte, *x86.Exception) {
	if i.ModRM >= 0xc0 {
		return nil, x86.Raise(x86.VectorUD, 0)
	}
	address := m.linearAddress(i)
	if e := m.mayAccess(address, size, i.Stack); e != nil {
		return nil, e
	}
	b := make([]byte, size)
	e := linear{m}.Load(address, b, x86.Access{User: m.state.CPL() == 3})
	if e == nil {
		m.stepData |= x86.MatchData(&m.state, address, uint64(size), false)
	}
	return b, e
}

// mayAccess checks what comes before paging.
func (m *Machine) mayAccess(address uint64, size int, stack bool) *x86.Exception {
	if m.state.LongMode() && !(m.state.Canonical(address) && m.state.Canonical(address+uint64(size)-1)) {
		if stack {
			return x86.Raise(x86.VectorSS, 0)
		}
		return x86.Raise(x86.VectorGP, 0)
	}
	if m.checksAlignment() && !aligned(address, size) {
		return x86.Raise(x86.VectorAC, 0)
	}
	return nil
}
