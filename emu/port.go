// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

func (m *Machine) in(i *unicorn.Insn) *x86.Exception {
	port, size, e := m.portOperand(i)
	if e != nil {
		return e
	}
	m.setRegister(x86.RAX, size, m.readPort(port, size))
	return nil
}

func (m *Machine) out(i *unicorn.Insn) *x86.Exception {
	port, size, e := m.portOperand(i)
	if e != nil {
		return e
	}
	m.writePort(port, size, m.state.GPR[x86.RAX]&(1<<(8*size)-1))
	return nil
}

// portOperand: bit 3 of the opcode says DX, bit 0 a word or doubleword.
func (m *Machine) portOperand(i *unicorn.Insn) (port uint16, size int, e *x86.Exception) {
	port = uint16(i.Immediate)
	if i.Opcode&8 != 0 {
		port = uint16(m.state.GPR[x86.RDX])
	}
	size = m.portSize(i)
	return port, size, m.mayUsePort(port, size)
}

func (m *Machine) portSize(i *unicorn.Insn) int {
	if i.Opcode&1 == 0 {
		return 1
	}
	return min(m.operandSize(i), 4)
}

// mayUsePort is SDM vol. 1 19.5: IOPL, and the bitmap in the TSS.
func (m *Machine) mayUsePort(port uint16, size int) *x86.Exception {
	if m.state.CR0&x86.CR0PE == 0 || m.state.CPL() <= m.state.IOPL() {
		return nil
	}
	refuse := x86.Raise(x86.VectorGP, 0)
	tss := &m.state.TR
	if tss.Null() || tss.Limit < 0x67 {
		return refuse
	}
	var b [2]byte
	system := x86.Access{Implicit: true}
	if e := (linear{m}).Load(tss.Base+0x66, b[:], system); e != nil {
		return e
	}
	at := uint32(binary.LittleEndian.Uint16(b[:])) + uint32(port)/8
	if at+1 > tss.Limit { // two bytes are read, whatever the size
		return refuse
	}
	if e := (linear{m}).Load(tss.Base+uint64(at), b[:], system); e != nil {
		return e
	}
	if binary.LittleEndian.Uint16(b[:])>>(port&7)&(1<<size-1) != 0 {
		return refuse
	}
	return nil
}

// readPort asks the device; where there is none, the bus floats.
func (m *Machine) readPort(port uint16, size int) uint64 {
	v := uint64(1)<<(8*size) - 1
	if d := m.pc.ports[port]; d != nil {
		v &= d.Read(device.Access{Space: device.Ports, Address: uint64(port), Size: size})
		m.pc.touched()
	}
	m.stepData |= x86.MatchIO(&m.state, port, uint64(size))
	m.publish(Event{Kind: EventPort, Number: uint32(port), Value: v, Size: size})
	return v
}

func (m *Machine) writePort(port uint16, size int, v uint64) {
	if d := m.pc.ports[port]; d != nil {
		d.Write(device.Access{Space: device.Ports, Address: uint64(port), Size: size}, v)
		m.pc.touched()
		m.pc.feed()
	}
	m.stepData |= x86.MatchIO(&m.state, port, uint64(size))
	m.publish(Event{Kind: EventPort, Number: uint32(port), Value: v, Write: true, Size: size})
}

// stringIO is one iteration of INS or OUTS (SDM vol. 2A and 2B): with a REP
// prefix, RIP stays until RCX is zero.
func (m *Machine) stringIO(i *unicorn.Insn) *x86.Exception {
	s, width := &m.state, m.addressSize(i)
	mask := ^uint64(0) >> (64 - 8*width)
	repeated := i.Rep || i.Repne
	if repeated && s.GPR[x86.RCX]&mask == 0 {
		return nil
	}
	port, size := uint16(s.GPR[x86.RDX]), m.portSize(i)
	if e := m.mayUsePort(port, size); e != nil {
		return e
	}
	index, segment, isIns := x86.RSI, x86.DS, i.Class == unicorn.Ins
	if isIns {
		index, segment = x86.RDI, x86.ES
	} else if i.Segment >= 0 {
		segment = i.Segment
	}
	address := s.GPR[index] & mask
	if !s.Code64() || segment >= x86.FS {
		address += s.Seg[segment].Base
	}
	if !s.Code64() {
		address &= 0xffffffff
	}
	if e := m.mayAccess(address, size, segment == x86.SS); e != nil {
		return e
	}
	var b [8]byte
	user := s.CPL() == 3
	if isIns {
		// The page must be there before the device is asked: reading has effects.
		if e := m.writable(address, size, user); e != nil {
			return e
		}
		binary.LittleEndian.PutUint64(b[:], m.readPort(port, size))
		if e := (linear{m}).Store(address, b[:size], x86.Access{Write: true, User: user}); e != nil {
			return e
		}
	} else {
		if e := (linear{m}).Load(address, b[:size], x86.Access{User: user}); e != nil {
			return e
		}
		m.writePort(port, size, binary.LittleEndian.Uint64(b[:]))
	}
	m.stepData |= x86.MatchData(s, address, uint64(size), isIns)
	step := uint64(size)
	if s.RFLAGS&x86.FlagDF != 0 {
		step = -step
	}
	m.setRegister(index, width, s.GPR[index]+step)
	if repeated {
		m.setRegister(x86.RCX, width, s.GPR[x86.RCX]-1)
		m.again = s.GPR[x86.RCX]&mask != 0
	}
	return nil
}

func (m *Machine) writable(address uint64, size int, user bool) *x86.Exception {
	m.give()
	for _, at := range []uint64{address, address + uint64(size) - 1} {
		if _, e := m.cpu.Walk(at, unicorn.Write, x86.Access{Write: true, User: user}); e != nil {
			return e
		}
	}
	return nil
}
