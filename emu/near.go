// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// nearBranch is what the engine gets wrong of near branches in 64-bit mode: a
// RET that drops more than it can count, and all that have an operand-size
// prefix. Intel's CPUs ignore that one (SDM vol. 2A, CALL, JMP, Jcc: "the
// operand size is forced to 64 bits"); on AMD's it cuts displacement, stack
// word and target to 16 bits (APM vol. 3, "Near Branches in 64-Bit Mode").
func (m *Machine) nearBranch(i *unicorn.Insn) *x86.Exception {
	size := 8
	if i.Operand16 && i.REX&8 == 0 && m.config.CPU.Vendor == x86.AMD {
		size = 2
	}
	behind := m.state.RIP + uint64(i.Length)
	switch op := i.Opcode; {
	case i.Map == 1: // Jcc
		displacement, behind := nearDisplacement(i, behind, size)
		return m.branchIf(x86.Condition(op, m.state.RFLAGS), behind, displacement, size)
	case op == 0xc2 || op == 0xc3:
		return m.nearReturn(i, size)
	case op == 0xe8:
		displacement, behind := nearDisplacement(i, behind, size)
		return m.nearCall(cut(behind+displacement, size), behind, size)
	case op == 0xe9:
		displacement, behind := nearDisplacement(i, behind, size)
		return m.branchIf(true, behind, displacement, size)
	case op == 0xeb:
		return m.branchIf(true, behind, short(i), size)
	case op == 0xff:
		target, e := m.branchOperand(i, size)
		if e != nil {
			return e
		}
		if i.ModRM>>3&7 == 2 {
			return m.nearCall(target, behind, size)
		}
		return m.branchTo(target)
	case op >= 0xe0:
		return m.loop(i, behind, size)
	default:
		return m.branchIf(x86.Condition(op, m.state.RFLAGS), behind, short(i), size)
	}
}

// nearDisplacement is that of an instruction which ends with it, and the
// address behind: decoding took it for one of 32 bits.
func nearDisplacement(i *unicorn.Insn, behind uint64, size int) (displacement, end uint64) {
	p := i.Bytes[i.Length-4:]
	if size == 2 {
		return uint64(int64(int16(binary.LittleEndian.Uint16(p)))), behind - 2
	}
	return uint64(int64(int32(binary.LittleEndian.Uint32(p)))), behind
}

func short(i *unicorn.Insn) uint64 { return uint64(int64(int8(i.Immediate))) }

func cut(target uint64, size int) uint64 {
	if size == 2 {
		return target & 0xffff
	}
	return target
}

func (m *Machine) branchIf(taken bool, behind, displacement uint64, size int) *x86.Exception {
	if !taken {
		m.state.RIP = behind
		return nil
	}
	return m.branchTo(cut(behind+displacement, size))
}

func (m *Machine) branchTo(target uint64) *x86.Exception {
	if !m.state.Canonical(target) {
		return x86.Raise(x86.VectorGP, 0)
	}
	m.state.RIP = target
	return nil
}

// loop is LOOPNE, LOOPE, LOOP and JRCXZ: the address size is that of the counter.
func (m *Machine) loop(i *unicorn.Insn, behind uint64, size int) *x86.Exception {
	mask := ^uint64(0)
	if i.Address32 {
		mask = 0xffffffff
	}
	count, zero := m.state.GPR[x86.RCX]&mask, m.state.RFLAGS&x86.FlagZF != 0
	if i.Opcode == 0xe3 {
		return m.branchIf(count == 0, behind, short(i), size)
	}
	count = (count - 1) & mask
	taken := count != 0 && (i.Opcode == 0xe2 || zero == (i.Opcode == 0xe1))
	e := m.branchIf(taken, behind, short(i), size)
	if e == nil {
		m.state.GPR[x86.RCX] = count
	}
	return e
}

// branchOperand is the target of an indirect branch.
func (m *Machine) branchOperand(i *unicorn.Insn, size int) (uint64, *x86.Exception) {
	if i.ModRM >= 0xc0 {
		return cut(m.state.GPR[i.RM()], size), nil
	}
	b, e := m.readOperand(i, size)
	if e != nil {
		return 0, e
	}
	var target [8]byte
	copy(target[:], b)
	return binary.LittleEndian.Uint64(target[:]), nil
}

// nearCall looks at the target when it has pushed, as the engine does with
// those that are its own; RSP stays if the target is not canonical.
func (m *Machine) nearCall(target, behind uint64, size int) *x86.Exception {
	rsp := m.state.GPR[x86.RSP] - uint64(size)
	if e := m.mayAccess(rsp, size, true); e != nil {
		return e
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], behind)
	if e := (linear{m}).Store(rsp, b[:size], x86.Access{Write: true, User: m.state.CPL() == 3}); e != nil {
		return e
	}
	m.stepData |= x86.MatchData(&m.state, rsp, uint64(size), true)
	if e := m.branchTo(target); e != nil {
		return e
	}
	m.state.GPR[x86.RSP] = rsp
	return nil
}

func (m *Machine) nearReturn(i *unicorn.Insn, size int) *x86.Exception {
	rsp := m.state.GPR[x86.RSP]
	if e := m.mayAccess(rsp, size, true); e != nil {
		return e
	}
	var b [8]byte
	if e := (linear{m}).Load(rsp, b[:size], x86.Access{User: m.state.CPL() == 3}); e != nil {
		return e
	}
	m.stepData |= x86.MatchData(&m.state, rsp, uint64(size), false)
	if e := m.branchTo(binary.LittleEndian.Uint64(b[:])); e != nil {
		return e
	}
	m.state.GPR[x86.RSP] = rsp + uint64(size) + uint64(release(i))
	return nil
}
