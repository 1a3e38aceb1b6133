// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"bytes"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// outcome is all of a step's result that an application can see.
type outcome struct {
	state  x86.State
	fpu    any    // comparable
	memory []byte // from RSP up, see kept
}

// kept is how much of the stack above RSP is compared, in bytes.
const kept = 1024

// outcome reads it.
func (d *Driver) outcome() (o outcome) {
	o.state = d.Machine.State()
	o.fpu = d.Machine.FPU()
	o.memory = make([]byte, kept)
	n, _ := d.Machine.ReadMemory(o.state.GPR[x86.RSP], o.memory)
	o.memory = o.memory[:n]
	return o
}

var registerNames = [16]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}

// differs says what of an outcome is other than expected; "" if nothing is.
// RF is the CPU's own business.
func (o *outcome) differs(want *outcome) (what, expected, found string) {
	hex := func(v uint64) string { return fmt.Sprintf("%#x", v) }
	for n := range want.state.GPR {
		if a, b := want.state.GPR[n], o.state.GPR[n]; a != b {
			return registerNames[n], hex(a), hex(b)
		}
	}
	for _, v := range []struct {
		name string
		a, b uint64
	}{
		{"rip", want.state.RIP, o.state.RIP},
		{"rflags", want.state.RFLAGS &^ x86.FlagRF, o.state.RFLAGS &^ x86.FlagRF},
		{"FS base", want.state.Seg[x86.FS].Base, o.state.Seg[x86.FS].Base},
		{"GS base", want.state.Seg[x86.GS].Base, o.state.Seg[x86.GS].Base},
		{"IA32_KERNEL_GS_BASE", want.state.KernelGSBase, o.state.KernelGSBase},
		{"CS", uint64(want.state.Seg[x86.CS].Selector), uint64(o.state.Seg[x86.CS].Selector)},
		{"CR3", want.state.CR3, o.state.CR3},
	} {
		if v.a != v.b {
			return v.name, hex(v.a), hex(v.b)
		}
	}
	if want.fpu != o.fpu {
		return "the FPU's state", "as it was", "another"
	}
	for i := range min(len(want.memory), len(o.memory)) {
		if want.memory[i] != o.memory[i] {
			i &^= 7
			return fmt.Sprintf("the stack at rsp+%#x", i), fmt.Sprintf("% x", word(want.memory, i)), fmt.Sprintf("% x", word(o.memory, i))
		}
	}
	if !bytes.Equal(want.memory, o.memory) {
		return "the stack", fmt.Sprint(len(want.memory), " bytes mapped"), fmt.Sprint(len(o.memory))
	}
	return "", "", ""
}

func word(b []byte, i int) []byte { return b[i:min(i+8, len(b))] }
