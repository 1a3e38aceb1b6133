// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"math/bits"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// checksAlignment says whether data that is not aligned raises #AC here (SDM
// vol. 3A 7.15, "Interrupt 17"). The engine knows nothing of it. It comes to
// pass only by what the machine carries out itself: MOV CR0, IRET and its kin,
// POPF at CPL 3.
func (m *Machine) checksAlignment() bool {
	return m.state.RFLAGS&x86.FlagAC != 0 && m.state.CR0&x86.CR0AM != 0 && m.state.CPL() == 3
}

// alignmentFault says whether the instruction at RIP, which is the engine's,
// raises #AC. A trial tells what it accesses.
func (m *Machine) alignmentFault() bool {
	records, _ := m.try()
	for _, r := range records {
		if !aligned(r.Linear, r.Size) && !m.inDescriptorTable(r.Linear) {
			return true
		}
		if r.Refused {
			return false // a page fault comes before what is accessed next
		}
	}
	return false
}

// aligned is whether a datum is where SDM vol. 3A, table 7-7, wants it. The
// engine accesses a longer one in parts of 8 bytes or less, as that table has
// it for all but 128-bit operands; those are for the CPU to choose.
func aligned(address uint64, size int) bool {
	return address&(1<<(bits.Len(uint(size))-1)-1) == 0
}

// inDescriptorTable: what a segment load reads there is the supervisor's.
func (m *Machine) inDescriptorTable(address uint64) bool {
	s := &m.state
	return address-s.GDTR.Base <= uint64(s.GDTR.Limit) || !s.LDTR.Null() && address-s.LDTR.Base <= uint64(s.LDTR.Limit)
}

// try makes the engine execute one instruction without effects and returns
// its accesses, none if it does not get to any, and why it ended.
func (m *Machine) try() ([]unicorn.Record, unicorn.Exit) {
	m.give()
	count, params := m.cpu.Count(), m.params
	context := m.cpu.Context()
	m.params.Assist, m.params.RAMOnly, m.params.Window, m.params.Limit = true, false, false, unicorn.NoLimit
	m.params.Resume = m.resume == reported{m.state.RIP, count}
	records, exit := m.cpu.Trial(&m.params)
	m.params = params
	m.cpu.SetContext(context)
	m.changed = true
	m.cpu.SetCount(count)
	return records, exit
}
