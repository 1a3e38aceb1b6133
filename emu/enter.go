// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// enterFrame is ENTER in 64-bit mode (SDM vol. 2A, ENTER), with words of 8
// bytes, or of 2 with the prefix 66H. The engine does not ask whether the
// stack can be written where it ends.
func (m *Machine) enterFrame(i *unicorn.Insn) *x86.Exception {
	f := frameMaker{m: m, width: 8, rsp: m.state.GPR[x86.RSP]}
	if i.Operand16 && i.REX&8 == 0 {
		f.width = 2
	}
	allocated := uint64(binary.LittleEndian.Uint16(i.Bytes[i.Length-3:]))
	level, rbp := int(i.Bytes[i.Length-1]&31), m.state.GPR[x86.RBP]
	f.push(rbp)
	frame := f.rsp
	for range level - 1 {
		rbp -= uint64(f.width)
		f.push(f.load(rbp))
	}
	if level > 0 {
		f.push(frame)
	}
	f.rsp -= allocated
	f.probe()
	if f.fault != nil {
		return f.fault
	}
	m.state.GPR[x86.RSP] = f.rsp
	if f.width == 8 {
		m.state.GPR[x86.RBP] = frame
	} else {
		m.setRegister(x86.RBP, 2, frame)
	}
	return nil
}

// frameMaker does nothing more once something has faulted.
type frameMaker struct {
	m     *Machine
	width int
	rsp   uint64
	fault *x86.Exception
}

func (f *frameMaker) user() bool { return f.m.state.CPL() == 3 }

func (f *frameMaker) allowed(address uint64) bool {
	if f.fault == nil {
		f.fault = f.m.mayAccess(address, f.width, true)
	}
	return f.fault == nil
}

func (f *frameMaker) push(v uint64) {
	at := f.rsp - uint64(f.width)
	if !f.allowed(at) {
		return
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	if f.fault = (linear{f.m}).Store(at, b[:f.width], x86.Access{Write: true, User: f.user()}); f.fault == nil {
		f.m.stepData |= x86.MatchData(&f.m.state, at, uint64(f.width), true)
		f.rsp = at
	}
}

func (f *frameMaker) load(at uint64) uint64 {
	if !f.allowed(at) {
		return 0
	}
	var b [8]byte
	if f.fault = (linear{f.m}).Load(at, b[:f.width], x86.Access{User: f.user()}); f.fault == nil {
		f.m.stepData |= x86.MatchData(&f.m.state, at, uint64(f.width), false)
	}
	return binary.LittleEndian.Uint64(b[:])
}

// probe asks for what a push at the new stack pointer would have to be allowed.
func (f *frameMaker) probe() {
	if f.allowed(f.rsp) {
		f.fault = f.m.writable(f.rsp, f.width, f.user())
	}
}
