// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// execute carries one instruction out on m.state, all but RIP where the
// instruction does not jump. It returns the exception that it raises instead.
type execute func(m *Machine, i *unicorn.Insn) *x86.Exception

// flow says what becomes of RIP and TF after an instruction.
type flow uint8

const (
	next      flow = iota // RIP goes on
	jumps                 // the instruction has set RIP
	fastCall              // so have SYSCALL and SYSRET, and TF counts as it is afterwards
	interrupt             // delivery: TF has been cleared, and nothing traps
	shadows               // RIP goes on, and what traps or comes in waits for one more instruction
)

// instructions are the ones that the machine carries out itself, one line each.
var instructions = map[unicorn.Class]struct {
	execute
	flow
}{
	unicorn.In:            {(*Machine).in, next},
	unicorn.Out:           {(*Machine).out, next},
	unicorn.Ins:           {(*Machine).stringIO, next},
	unicorn.Outs:          {(*Machine).stringIO, next},
	unicorn.HLT:           {(*Machine).hlt, next},
	unicorn.CPUID:         {(*Machine).cpuid, next},
	unicorn.RDMSR:         {(*Machine).rdmsr, next},
	unicorn.WRMSR:         {(*Machine).wrmsr, next},
	unicorn.MovFromCR:     {(*Machine).movFromCR, next},
	unicorn.MovToCR:       {(*Machine).movToCR, next},
	unicorn.MovFromDR:     {(*Machine).movFromDR, next},
	unicorn.MovToDR:       {(*Machine).movToDR, next},
	unicorn.LMSW:          {(*Machine).lmsw, next},
	unicorn.CLTS:          {(*Machine).clts, next},
	unicorn.INVLPG:        {(*Machine).invlpg, next},
	unicorn.INVPCID:       {(*Machine).invpcid, next},
	unicorn.LGDT:          {(*Machine).loadTable, next},
	unicorn.LIDT:          {(*Machine).loadTable, next},
	unicorn.XSETBV:        {(*Machine).xsetbv, next},
	unicorn.WriteFSGSBase: {(*Machine).writeBase, next},
	unicorn.RDRAND:        {(*Machine).random, next},
	unicorn.Monitor:       {undefined, next},
	unicorn.RDPMC:         {noCounter, next},
	unicorn.SYSCALL:       {(*Machine).syscall, fastCall},
	unicorn.SYSRET:        {(*Machine).sysret, fastCall},
	unicorn.SYSENTER:      {(*Machine).sysenter, jumps},
	unicorn.SYSEXIT:       {(*Machine).sysexit, jumps},
	unicorn.IRET:          {(*Machine).iret, jumps},
	unicorn.INT:           {(*Machine).softwareInterrupt, interrupt},
	unicorn.INT3:          {(*Machine).softwareInterrupt, interrupt},
	unicorn.INTO:          {(*Machine).softwareInterrupt, interrupt},
	unicorn.INT1:          {(*Machine).softwareInterrupt, interrupt},
	unicorn.Far:           {(*Machine).farTransfer, jumps},
	unicorn.LTR:           {(*Machine).loadSystem, next},
	unicorn.LLDT:          {(*Machine).loadSystem, next},
	unicorn.LoadSS:        {(*Machine).loadSS, shadows},
	unicorn.LoadFar:       {(*Machine).loadFar, next},
	unicorn.LAR:           {(*Machine).accessRights, next},
	unicorn.ENTER:         {(*Machine).enterFrame, next},
	unicorn.CLFLUSH:       {(*Machine).clflush, next},
	unicorn.Near:          {(*Machine).nearBranch, jumps},
	unicorn.NOP:           {nothing, next},
	unicorn.Undefined:     {undefined, next},
	unicorn.POPF:          {(*Machine).popf, next},
	unicorn.Aligned:       {(*Machine).misaligned, next},
}

// carryOut executes the instruction at RIP and whatever trap follows it.
func (m *Machine) carryOut(i *unicorn.Insn) {
	row, ok := instructions[i.Class]
	if m.params.Denied.Has(i.Needs) {
		row.execute, row.flow, ok = withoutFeature(i), next, true
	}
	if !ok {
		row.execute = undefined
	}
	if i.Lock { // none of them may be locked
		m.raise(x86.Raise(x86.VectorUD, 0))
		return
	}
	oldTF, rip := m.state.RFLAGS&x86.FlagTF != 0, m.state.RIP
	m.stepData = 0
	e := row.execute(m, i)
	m.changed = true // again: reading memory hands the state over
	if e != nil {
		m.raise(e)
		return
	}
	if row.flow == interrupt {
		return // delivered already
	}
	if (row.flow == next || row.flow == shadows) && m.state.RIP == rip && !m.again {
		m.state.RIP += uint64(i.Length)
		if !m.state.Code64() {
			m.state.RIP &= 0xffffffff
		}
	}
	m.retire(oldTF, row.flow, i.Class == unicorn.IRET)
}

// retire ends an instruction that the machine carried out.
func (m *Machine) retire(oldTF bool, by flow, keepRF bool) {
	m.cpu.SetCount(m.cpu.Count() + 1)
	m.placed = m.here()
	if m.again {
		m.again, m.core.Repeat = false, repeat(m.here())
	}
	shadowed := m.state.Shadow != x86.ShadowNone
	m.state.Shadow = x86.ShadowNone
	if !keepRF {
		m.state.RFLAGS &^= x86.FlagRF
	}
	b := x86.Boundary{OldTF: oldTF, NewTF: m.state.RFLAGS&x86.FlagTF != 0, Data: m.stepData, Pended: m.core.Pended}
	switch by {
	case fastCall:
		b.Rule = x86.StepByNewTF
	case shadows:
		if shadowed { // of two such in a row only the first is sure to hold anything back (SDM vol. 3A 7.8.3)
			break
		}
		b.Rule = x86.StepHeld
		m.state.Shadow = x86.ShadowMOVSS
	}
	now, held := b.Trap()
	m.core.Pended = held
	if now != 0 {
		m.deliver(x86.Event{Kind: x86.HardwareException, Exception: x86.Exception{Vector: x86.VectorDB, DR6: now}, MidRepeat: m.midRepeat()})
	}
}

func nothing(*Machine, *unicorn.Insn) *x86.Exception { return nil }

func undefined(*Machine, *unicorn.Insn) *x86.Exception { return x86.Raise(x86.VectorUD, 0) }

// noCounter: there are no performance counters, whichever is asked for.
func noCounter(*Machine, *unicorn.Insn) *x86.Exception { return x86.Raise(x86.VectorGP, 0) }

func (m *Machine) hlt(*unicorn.Insn) *x86.Exception {
	if m.state.CPL() != 0 {
		return x86.Raise(x86.VectorGP, 0)
	}
	m.publish(Event{Kind: EventHLT})
	m.core.Halted, m.core.HaltedAt = true, uint64(m.Now())
	return nil
}

func (m *Machine) cpuid(*unicorn.Insn) *x86.Exception {
	r := &m.state.GPR
	v := m.config.CPU.CPUID(&m.state, m.pc.APICBase(), uint32(r[x86.RAX]), uint32(r[x86.RCX]))
	r[x86.RAX], r[x86.RBX], r[x86.RCX], r[x86.RDX] = uint64(v.EAX), uint64(v.EBX), uint64(v.ECX), uint64(v.EDX)
	return nil
}

func (m *Machine) rdmsr(*unicorn.Insn) *x86.Exception {
	r := &m.state.GPR
	v, e := m.config.CPU.ReadMSR(&m.state, &m.core.MSRs, m.pc, x86.MSR(r[x86.RCX]))
	if e == nil {
		r[x86.RAX], r[x86.RDX] = v&0xffffffff, v>>32
	}
	return e
}

func (m *Machine) wrmsr(*unicorn.Insn) *x86.Exception {
	r := &m.state.GPR
	n, v := x86.MSR(r[x86.RCX]), r[x86.RAX]&0xffffffff|r[x86.RDX]<<32
	flush, e := m.config.CPU.WriteMSR(&m.state, &m.core.MSRs, m.pc, n, v)
	if e == nil {
		m.flush(flush)
		if l := m.pc.interrupts.LAPIC(); l != nil {
			l.SetTSCOffset(m.core.MSRs.TSCOffset) // its deadline is in TSC ticks
		}
		m.publish(Event{Kind: EventMSR, Number: uint32(n), Value: v, Write: true})
	}
	return e
}

// flush drops translations. The engine's TLB knows neither PCIDs nor global
// pages, so it drops more than it must, which the manual allows at any time.
func (m *Machine) flush(f x86.Flush) {
	if f != x86.FlushNone {
		m.cpu.FlushTLB()
	}
}

func (m *Machine) xsetbv(*unicorn.Insn) *x86.Exception {
	r := &m.state.GPR
	return m.config.CPU.XSETBV(&m.state, uint32(r[x86.RCX]), r[x86.RAX]&0xffffffff|r[x86.RDX]<<32)
}

func (m *Machine) loadTable(i *unicorn.Insn) *x86.Exception {
	if m.state.CPL() != 0 {
		return x86.Raise(x86.VectorGP, 0)
	}
	size := 6
	if m.state.Code64() {
		size = 10
	}
	b, e := m.readOperand(i, size)
	if e != nil {
		return e
	}
	t := x86.Table{Limit: binary.LittleEndian.Uint16(b)}
	if size == 10 {
		t.Base = binary.LittleEndian.Uint64(b[2:])
		if !m.state.Canonical(t.Base) { // SDM vol. 2A, LGDT/LIDT
			return x86.Raise(x86.VectorGP, 0)
		}
	} else {
		t.Base = uint64(binary.LittleEndian.Uint32(b[2:]))
		if m.operandSize(i) == 2 {
			t.Base &= 0xffffff
		}
	}
	if i.Class == unicorn.LGDT {
		m.cpu.FlushTLB() // which pages hold descriptors matters to what may be in it
		m.state.GDTR = t
	} else {
		m.state.IDTR = t
	}
	return nil
}

func (m *Machine) writeBase(i *unicorn.Insn) *x86.Exception {
	segment := x86.FS
	if i.Reg()&7 == 3 {
		segment = x86.GS
	}
	return x86.WriteSegmentBase(&m.state, segment, m.state.GPR[i.RM()], i.REX&8 != 0)
}

// random draws from a generator that the configuration seeds (splitmix64).
func (m *Machine) random(i *unicorn.Insn) *x86.Exception {
	m.core.Random += 0x9e3779b97f4a7c15
	v := m.core.Random
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	m.setRegister(i.RM(), m.operandSize(i), v^v>>31)
	m.state.RFLAGS = m.state.RFLAGS&^(x86.FlagOF|x86.FlagSF|x86.FlagZF|x86.FlagAF|x86.FlagPF) | x86.FlagCF
	return nil
}

func (m *Machine) syscall(i *unicorn.Insn) *x86.Exception {
	e := x86.SYSCALL(&m.state, m.config.CPU.Vendor, i.Length)
	if e == nil {
		m.publish(Event{Kind: EventSYSCALL, Value: m.state.GPR[x86.RAX]})
	}
	return e
}

func (m *Machine) sysret(i *unicorn.Insn) *x86.Exception {
	e := x86.SYSRET(&m.state, m.config.CPU.Vendor, i.REX&8 != 0)
	if e == nil {
		m.publish(Event{Kind: EventSYSRET})
	}
	return e
}

func (m *Machine) sysenter(*unicorn.Insn) *x86.Exception {
	e := x86.SYSENTER(&m.state, m.config.CPU.Vendor)
	if e == nil {
		m.publish(Event{Kind: EventSYSCALL, Value: m.state.GPR[x86.RAX]})
	}
	return e
}

func (m *Machine) sysexit(i *unicorn.Insn) *x86.Exception {
	e := x86.SYSEXIT(&m.state, m.config.CPU.Vendor, i.REX&8 != 0)
	if e == nil {
		m.publish(Event{Kind: EventSYSRET})
	}
	return e
}

func (m *Machine) iret(i *unicorn.Insn) *x86.Exception {
	e := x86.IRET(&m.state, linear{m}, m.operandSize(i))
	m.publish(Event{Kind: EventIRET})
	return e
}

func (m *Machine) popf(i *unicorn.Insn) *x86.Exception {
	size := m.operandSize(i)
	if size == 4 && m.state.Code64() {
		size = 8
	}
	return x86.POPF(&m.state, linear{m}, size)
}

func (m *Machine) softwareInterrupt(i *unicorn.Insn) *x86.Exception {
	ev := x86.Event{Kind: x86.SoftwareException, Length: uint8(i.Length)}
	switch i.Class {
	case unicorn.INT:
		ev.Kind = x86.SoftwareInterrupt
		ev.Vector = x86.Vector(i.Immediate)
	case unicorn.INT3:
		ev.Vector = x86.VectorBP
	case unicorn.INT1:
		ev.Kind = x86.PrivilegedSoftwareException
		ev.Vector = x86.VectorDB
		// What a MOV SS held back is reported by this #DB: there is not
		// another one behind it, on the same stack.
		m.state.DR[6] |= m.core.Pended
		m.core.Pended = 0
	case unicorn.INTO:
		if m.state.RFLAGS&x86.FlagOF == 0 {
			m.state.RIP += uint64(i.Length)
			m.retire(m.state.RFLAGS&x86.FlagTF != 0, next, false)
			return nil
		}
		ev.Vector = x86.VectorOF
	}
	m.deliver(ev)
	return nil
}
