// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// movFromCR and movToCR: SDM vol. 2B, "MOV - Move to/from Control Registers".
func (m *Machine) movFromCR(i *unicorn.Insn) *x86.Exception {
	if !controlRegister(i.Reg()) {
		return x86.Raise(x86.VectorUD, 0)
	}
	if m.state.CPL() != 0 {
		return x86.Raise(x86.VectorGP, 0)
	}
	var v uint64
	switch i.Reg() {
	case 0:
		v = m.state.CR0
	case 2:
		v = m.state.CR2
	case 3:
		v = m.state.CR3
	case 4:
		v = m.state.CR4
	case 8:
		v = uint64(m.pc.taskPriority())
	default:
		return x86.Raise(x86.VectorUD, 0)
	}
	m.setRegister(i.RM(), m.controlSize(), v)
	return nil
}

// controlRegister says whether there is one of the number. That there is none
// is found while decoding, before privilege matters (SDM vol. 3A, "Priority
// among concurrent events").
func controlRegister(n int) bool { return n == 0 || n >= 2 && n <= 4 || n == 8 }

func (m *Machine) movToCR(i *unicorn.Insn) *x86.Exception {
	c, s, v := &m.config.CPU, &m.state, m.state.GPR[i.RM()]
	if !s.Code64() {
		v &= 0xffffffff
	}
	var flush x86.Flush
	var e *x86.Exception
	before := *s
	switch i.Reg() {
	case 0:
		flush, e = c.WriteCR0(s, v)
	case 2:
		e = c.WriteCR2(s, v)
	case 3:
		flush, e = c.WriteCR3(s, v)
	case 4:
		flush, e = c.WriteCR4(s, v)
	case 8:
		if e = c.WriteCR8(s, v); e == nil {
			m.pc.setTaskPriority(uint8(v))
		}
	default:
		return x86.Raise(x86.VectorUD, 0)
	}
	if e == nil && x86.LoadsPDPTEs(&before, s, i.Reg()) {
		e = m.loadPDPTEs()
	}
	if e != nil {
		*s = before
		return e
	}
	m.flush(flush)
	m.publish(Event{Kind: EventControl, Number: uint32(i.Reg()), Value: v, Write: true})
	return nil
}

// loadPDPTEs reads what PAE paging keeps in registers from then on.
func (m *Machine) loadPDPTEs() *x86.Exception {
	var b [32]byte
	var entries [4]uint64
	if m.ReadPhysical(m.state.PDPTEBase(), b[:]) != nil { // nothing there: the bus floats
		return x86.Raise(x86.VectorGP, 0)
	}
	for i := range entries {
		entries[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return m.state.LoadPDPTEs(entries)
}

// controlSize is that of moves to and from control and debug registers:
// whatever the prefixes, 64 bits in 64-bit mode and 32 elsewhere.
func (m *Machine) controlSize() int {
	if m.state.Code64() {
		return 8
	}
	return 4
}

func (m *Machine) movFromDR(i *unicorn.Insn) *x86.Exception {
	v, e := x86.ReadDR(&m.state, i.Reg())
	if e == nil {
		m.setRegister(i.RM(), m.controlSize(), v)
	}
	return e
}

func (m *Machine) movToDR(i *unicorn.Insn) *x86.Exception {
	v := m.state.GPR[i.RM()]
	if !m.state.Code64() {
		v &= 0xffffffff
	}
	e := x86.WriteDR(&m.state, i.Reg(), v)
	if e == nil {
		m.breakpointsChanged()
		m.publish(Event{Kind: EventDebug, Number: uint32(i.Reg()), Value: v, Write: true})
	}
	return e
}

func (m *Machine) clts(*unicorn.Insn) *x86.Exception {
	e := x86.CLTS(&m.state)
	if e == nil {
		m.publish(Event{Kind: EventControl, Number: 0, Value: m.state.CR0, Write: true})
	}
	return e
}

// lmsw takes 16 bits of a register or of memory, whatever the prefixes (SDM
// vol. 2A, LMSW).
func (m *Machine) lmsw(i *unicorn.Insn) *x86.Exception {
	b := []byte{0, 0}
	if i.ModRM >= 0xc0 {
		binary.LittleEndian.PutUint16(b, uint16(m.state.GPR[i.RM()]))
	} else {
		var e *x86.Exception
		if b, e = m.readOperand(i, 2); e != nil {
			return e
		}
	}
	flush, e := m.config.CPU.LMSW(&m.state, binary.LittleEndian.Uint16(b))
	if e == nil {
		m.flush(flush)
		m.publish(Event{Kind: EventControl, Number: 0, Value: m.state.CR0, Write: true})
	}
	return e
}

func (m *Machine) invlpg(i *unicorn.Insn) *x86.Exception {
	_, e := x86.INVLPG(&m.state, m.linearAddress(i))
	if e == nil {
		m.cpu.FlushTLB()
	}
	return e
}

func (m *Machine) invpcid(i *unicorn.Insn) *x86.Exception {
	if !m.config.CPU.Features.Has(x86.INVPCID) || i.ModRM >= 0xc0 {
		return x86.Raise(x86.VectorUD, 0)
	}
	if m.state.CPL() != 0 {
		return x86.Raise(x86.VectorGP, 0)
	}
	b, e := m.readOperand(i, 16)
	if e != nil {
		return e
	}
	kind := m.state.GPR[i.Reg()]
	if !m.state.Code64() {
		kind &= 0xffffffff
	}
	_, e = m.config.CPU.INVPCID(&m.state, kind, binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]))
	if e == nil {
		m.cpu.FlushTLB()
	}
	return e
}
