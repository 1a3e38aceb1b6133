// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"encoding/binary"
	"math/bits"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// withoutFeature is what an instruction does on a CPU that lacks what it
// needs: #UD, but for LZCNT and TZCNT, whose prefix is ignored there, so that
// they are BSR and BSF (SDM vol. 2A, LZCNT; vol. 2B, TZCNT).
func withoutFeature(i *unicorn.Insn) execute {
	switch {
	case i.Map == 1 && i.Opcode == 0xbc, i.Map == 1 && i.Opcode == 0xbd:
		return (*Machine).bitScan
	}
	return undefined
}

// bitScan is BSF and BSR. A source of 0 leaves the destination as it was; ZF
// says so, and the other flags, undefined, stay.
func (m *Machine) bitScan(i *unicorn.Insn) *x86.Exception {
	size := m.operandSize(i)
	source := m.state.GPR[i.RM()]
	if i.ModRM < 0xc0 {
		b, e := m.readOperand(i, size)
		if e != nil {
			return e
		}
		var wide [8]byte
		copy(wide[:], b)
		source = binary.LittleEndian.Uint64(wide[:])
	}
	source &= ^uint64(0) >> (64 - 8*size)
	if source == 0 {
		m.state.RFLAGS |= x86.FlagZF
		return nil
	}
	m.state.RFLAGS &^= x86.FlagZF
	n := bits.TrailingZeros64(source)
	if i.Opcode == 0xbd {
		n = 63 - bits.LeadingZeros64(source)
	}
	m.setRegister(i.Reg(), size, uint64(n))
	return nil
}
