// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// deliver takes an event to its handler.
func (m *Machine) deliver(ev x86.Event) {
	out := x86.Deliver(&m.state, linear{m}, ev)
	m.changed = true
	m.state.Shadow = x86.ShadowNone
	m.core.Halted = false
	m.cpu.ForgetArrival()
	m.resume = reported{} // an arrival at the handler is a new one, though nothing has retired
	m.placed = m.here()
	for _, e := range out.List() {
		m.publish(Event{Kind: eventOf(e.Kind), Vector: e.Vector, ErrorCode: e.ErrorCode, Address: e.CR2})
	}
	if out.Shutdown {
		m.publish(Event{Kind: EventShutdown})
		m.halt(Stop{Why: StopShutdown})
		return
	}
	if count := m.cpu.Count(); m.barren.count != count {
		m.barren = barren{count: count}
	}
	if m.barren.deliveries++; m.barren.deliveries > maxBarren {
		m.halt(Stop{Why: StopError, Err: fmt.Errorf("at %#x: %d exceptions and interrupts in a row, the last one %s, and not an instruction between them",
			m.state.RIP, maxBarren, ev.Vector)})
	}
}

// barren is how many events have been delivered since the last instruction was
// retired. A handler on a page that is not there faults for ever, on hardware
// too; here no bound of a run would end it.
type barren struct{ count, deliveries uint64 }

const maxBarren = 1 << 16

// raise delivers an exception that an instruction caused; nil is none.
func (m *Machine) raise(e *x86.Exception) {
	if e != nil {
		m.deliver(x86.Event{Kind: x86.HardwareException, Exception: *e})
	}
}

// engineException is what libunicorn itself raised: faults, with RIP at the
// instruction, and #DB after one that ran under TF.
func (m *Machine) engineException(exit unicorn.Exit) {
	v := x86.Vector(exit.Vector)
	if v == x86.VectorDB {
		m.trap(x86.DR6BS)
		return
	}
	// The engine refuses an instruction that is too long before it asks who
	// else has to say something of its address; a breakpoint comes before what
	// is wrong with decoding (SDM vol. 3A, table 7-2).
	if v == x86.VectorGP && m.insnHere().Length == 0 && m.hitsBreakpoint() {
		return
	}
	if v == x86.VectorNM && m.undefinedSSE() {
		v = x86.VectorUD
	}
	e := x86.Raise(v, exit.ErrorCode)
	if v == x86.VectorPF {
		e.CR2 = m.state.CR2
	}
	m.raise(e)
}

// trap is the #DB at the boundary after an instruction.
func (m *Machine) trap(bits uint64) {
	bits |= m.core.Pended
	m.core.Pended = 0
	if bits != 0 {
		m.deliver(x86.Event{Kind: x86.HardwareException, Exception: x86.Exception{Vector: x86.VectorDB, DR6: bits}, MidRepeat: m.midRepeat()})
	}
}

// refused is an access that paging did not allow, or to an address that is
// not canonical.
func (m *Machine) refused(exit unicorn.Exit) {
	if exit.Vector == uint8(x86.VectorPF) {
		if beyond, ok := m.runsIntoTheHole(exit); ok {
			m.refused(beyond)
			return
		}
		m.raise(&x86.Exception{Vector: x86.VectorPF, HasErrorCode: true, ErrorCode: exit.ErrorCode, CR2: exit.Address})
		return
	}
	if exit.Kind == unicorn.Fetch {
		// Not an instruction that only runs into the hole, nor AMD's SYSRET.
		if !m.state.Canonical(m.state.RIP) && m.placed != m.here() {
			m.undoBranch()
		}
		m.raise(x86.Raise(x86.VectorGP, 0))
		return
	}
	v := x86.VectorGP
	if throughStack(&exit) { // SDM vol. 1 3.3.7.1: #SS where the stack segment is used
		v = x86.VectorSS
	}
	m.raise(x86.Raise(v, 0))
}

// runsIntoTheHole finds out whether an access that paging refused has bytes
// with addresses that are not canonical. The engine looks at one page after
// the other; but canonical is what all of an access must be before it is
// translated (SDM vol. 3A, "Canonicality checking"). How long it is, a trial
// tells.
func (m *Machine) runsIntoTheHole(exit unicorn.Exit) (unicorn.Exit, bool) {
	page := exit.Address &^ (unicorn.PageSize - 1)
	if exit.Kind == unicorn.Fetch || m.state.Canonical(page+unicorn.PageSize) {
		return exit, false
	}
	_, trial := m.try()
	return trial, trial.Reason == unicorn.ExitFault && trial.Vector == uint8(x86.VectorGP) && trial.Address == page+unicorn.PageSize
}

// throughStack says whether the access was one of the stack segment's. Of
// PUSH, CALL and POP with an operand in memory, one of the two accesses is.
func throughStack(exit *unicorn.Exit) bool {
	i := &exit.Insn
	reg := i.ModRM >> 3 & 7
	switch {
	case i.Map == 0 && i.ModRM < 0xc0 && i.Opcode == 0xff && (reg == 2 || reg == 6) && exit.Kind == unicorn.Write:
		return true
	case i.Map == 0 && i.ModRM < 0xc0 && i.Opcode == 0x8f && exit.Kind == unicorn.Read:
		return true
	}
	return i.Stack
}

// undoBranch takes a near branch to a non-canonical address back. The engine
// notices at the target; the CPU refuses the branch itself, with the stack as
// it was (SDM vol. 2, RET, JMP, CALL: #GP(0) "if the target is beyond the
// code segment limit or not canonical").
func (m *Machine) undoBranch() {
	last, at := m.lastInstruction()
	switch last.Class {
	case unicorn.Ret:
		m.state.GPR[x86.RSP] -= 8
		if last.Opcode == 0xc2 {
			m.state.GPR[x86.RSP] -= uint64(last.Bytes[last.Length-2]) | uint64(last.Bytes[last.Length-1])<<8
		}
	case unicorn.CallIndirect:
		m.state.GPR[x86.RSP] += 8 // what was pushed stays below RSP
	case unicorn.JmpIndirect:
	default:
		call := last.Map == 0 && last.Opcode == 0xe8
		if last.Length == 0 || m.state.RIP == at+uint64(last.Length) && !call {
			return // it ran into the hole, and did not jump
		}
		if call {
			m.state.GPR[x86.RSP] += 8
		}
	}
	m.state.RIP = at
	m.changed = true
	m.cpu.SetCount(m.cpu.Count() - 1) // it did not retire
}

// lastInstruction is the one that ends the block entered last, and where it
// is; its class is Plain if that can't be told. A block at whose first
// instruction the engine has stopped comes after it.
func (m *Machine) lastInstruction() (last unicorn.Insn, address uint64) {
	visited := m.cpu.Visited()
	if n := len(visited); n > 1 && visited[n-1].PC == m.state.RIP {
		visited = visited[:n-1]
	}
	if len(visited) == 0 {
		return last, 0
	}
	block := visited[len(visited)-1]
	code := make([]byte, block.Size)
	if n, err := m.ReadMemory(block.PC, code); err != nil {
		code = code[:n]
	}
	for at := 0; at < len(code); at += last.Length {
		insn := unicorn.Decode(code[at:], m.codeBits())
		if insn.Length == 0 {
			return unicorn.Insn{}, 0
		}
		last, address = insn, block.PC+uint64(at)
	}
	return last, address
}

func (m *Machine) codeBits() int {
	switch {
	case m.state.Code64():
		return 64
	case m.state.Seg[x86.CS].Attr&x86.AttrDB != 0:
		return 32
	}
	return 16
}
