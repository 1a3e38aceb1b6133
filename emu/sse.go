// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// undefinedSSE says whether the #NM that the engine raised is a #UD: an SSE
// instruction is undefined with CR0.EM or without CR4.OSFXSR (SDM vol. 2A,
// tables 2-18 to 2-24), and what is wrong with decoding comes before what the
// coprocessor lacks (vol. 3A, table 7-2). The engine has them the other way
// round.
func (m *Machine) undefinedSSE() bool {
	if m.state.CR4&x86.CR4OSFXSR != 0 && m.state.CR0&x86.CR0EM == 0 {
		return false
	}
	var code [15]byte
	n, _ := m.ReadMemory(m.state.RIP, code[:])
	insn := unicorn.Decode(code[:n], m.codeBits())
	return isSSE(&insn)
}

// isSSE says whether an instruction has XMM registers or MXCSR for operands,
// by SDM vol. 2D, tables.
func isSSE(i *unicorn.Insn) bool {
	prefixed := i.Operand16 || i.Rep || i.Repne
	switch {
	case i.Map == 2 || i.Map == 3:
		return prefixed
	case i.Map != 1:
		return false
	}
	switch op := i.Opcode; {
	case op >= 0x10 && op <= 0x17, op >= 0x28 && op <= 0x2f, op >= 0x50 && op <= 0x5f, op == 0xc2, op == 0xc6:
		return true
	case op >= 0x60 && op <= 0x7f, op == 0xc4, op == 0xc5, op >= 0xd0:
		return prefixed
	case op == 0xae: // LDMXCSR, STMXCSR
		return i.ModRM < 0xc0 && (i.ModRM>>3&7 == 2 || i.ModRM>>3&7 == 3)
	}
	return false
}

// misaligned is an SSE instruction whose operand in memory is not aligned as
// it must be (SDM vol. 2A, table 2-21): after what the instruction raises
// wherever its operand is.
func (m *Machine) misaligned(*unicorn.Insn) *x86.Exception {
	switch {
	case m.state.CR4&x86.CR4OSFXSR == 0 || m.state.CR0&x86.CR0EM != 0:
		return x86.Raise(x86.VectorUD, 0)
	case m.state.CR0&x86.CR0TS != 0:
		return x86.Raise(x86.VectorNM, 0)
	}
	return x86.Raise(x86.VectorGP, 0)
}
