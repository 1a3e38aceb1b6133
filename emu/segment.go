// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// selectorOperand is a selector in a register or in memory.
func (m *Machine) selectorOperand(i *unicorn.Insn) (uint16, *x86.Exception) {
	if i.ModRM >= 0xc0 {
		return uint16(m.state.GPR[i.RM()]), nil
	}
	b, e := m.readOperand(i, 2)
	if e != nil {
		return 0, e
	}
	return binary.LittleEndian.Uint16(b), nil
}

// loadSS is MOV SS in 64-bit mode: the engine takes any null selector.
func (m *Machine) loadSS(i *unicorn.Insn) *x86.Exception {
	selector, e := m.selectorOperand(i)
	if e != nil {
		return e
	}
	return x86.LoadSegment(&m.state, linear{m}, x86.SS, selector)
}

// loadFar is LSS, LFS and LGS in 64-bit mode. The engine knows no m16:64, no
// more than AMD's CPUs do (APM vol. 3, LDS/LES/LFS/LGS/LSS).
func (m *Machine) loadFar(i *unicorn.Insn) *x86.Exception {
	size := m.operandSize(i)
	if size == 8 && m.config.CPU.Vendor == x86.AMD {
		size = 4
	}
	b, e := m.readOperand(i, size+2)
	if e != nil {
		return e
	}
	register := map[byte]int{0xb2: x86.SS, 0xb4: x86.FS, 0xb5: x86.GS}[i.Opcode]
	if e := x86.LoadSegment(&m.state, linear{m}, register, binary.LittleEndian.Uint16(b[size:])); e != nil {
		return e
	}
	var offset [8]byte
	copy(offset[:], b[:size])
	m.setRegister(i.Reg(), size, binary.LittleEndian.Uint64(offset[:]))
	return nil
}

// accessRights is LAR and LSL: in IA-32e mode the engine takes descriptors
// that are good for nothing there.
func (m *Machine) accessRights(i *unicorn.Insn) *x86.Exception {
	if m.state.CR0&x86.CR0PE == 0 {
		return x86.Raise(x86.VectorUD, 0)
	}
	selector, e := m.selectorOperand(i)
	if e != nil {
		return e
	}
	ask := x86.LAR
	if i.Opcode == 3 {
		ask = x86.LSL
	}
	v, ok, e := ask(&m.state, linear{m}, selector)
	if e != nil {
		return e
	}
	m.state.RFLAGS &^= x86.FlagZF
	if ok {
		m.state.RFLAGS |= x86.FlagZF
		m.setRegister(i.Reg(), m.operandSize(i), uint64(v))
	}
	return nil
}

// clflush changes nothing, but is checked as a load of a byte is (SDM vol. 2A,
// CLFLUSH); the engine does not look.
func (m *Machine) clflush(i *unicorn.Insn) *x86.Exception {
	address := m.linearAddress(i)
	if e := m.mayAccess(address, 1, i.Stack); e != nil {
		return e
	}
	var b [1]byte
	return linear{m}.Load(address, b[:], x86.Access{User: m.state.CPL() == 3})
}
