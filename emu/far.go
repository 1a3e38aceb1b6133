// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// farTransfer is a far CALL, JMP or RET in 64-bit mode, which the engine
// carries out before it looks at the target.
func (m *Machine) farTransfer(i *unicorn.Insn) *x86.Exception {
	operand := m.operandSize(i)
	switch i.Opcode {
	case 0xca, 0xcb:
		return x86.FarReturn(&m.state, linear{m}, operand, release(i))
	}
	b, e := m.readOperand(i, operand+2)
	if e != nil {
		return e
	}
	to := x86.FarPointer{Selector: binary.LittleEndian.Uint16(b[operand:])}
	var offset [8]byte
	copy(offset[:], b[:operand])
	to.Offset = binary.LittleEndian.Uint64(offset[:])
	if i.ModRM>>3&7 == 5 {
		return x86.FarJump(&m.state, linear{m}, to)
	}
	return x86.FarCall(&m.state, linear{m}, to, operand, m.state.RIP+uint64(i.Length))
}

// release is the immediate of a RET, 0 without one.
func release(i *unicorn.Insn) uint16 {
	if i.Opcode&1 != 0 {
		return 0
	}
	return binary.LittleEndian.Uint16(i.Bytes[i.Length-2:])
}

// loadSystem is LTR and LLDT.
func (m *Machine) loadSystem(i *unicorn.Insn) *x86.Exception {
	if m.state.CPL() != 0 {
		return x86.Raise(x86.VectorGP, 0)
	}
	selector, e := m.selectorOperand(i)
	if e != nil {
		return e
	}
	if i.Class == unicorn.LTR {
		return x86.LTR(&m.state, linear{m}, selector)
	}
	m.cpu.FlushTLB() // as with LGDT
	return x86.LLDT(&m.state, linear{m}, selector)
}
