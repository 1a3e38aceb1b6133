// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/space"
)

// RegistersSize is that of struct pt_regs.
const RegistersSize = 21 * 8

// Registers are struct pt_regs (arch/x86/include/asm/ptrace.h), in its order
// and with its names: what was interrupted.
type Registers struct {
	R15, R14, R13, R12, BP, BX uint64
	R11, R10, R9, R8           uint64
	AX, CX, DX, SI, DI         uint64
	OrigAX                     uint64
	IP, CS, Flags, SP, SS      uint64
}

// registerNames are those of the fields, in their order.
var registerNames = [...]string{"r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx", "si", "di",
	"orig_ax", "ip", "cs", "flags", "sp", "ss"}

// words are the fields in their order.
func (r *Registers) words() [len(registerNames)]*uint64 {
	return [...]*uint64{&r.R15, &r.R14, &r.R13, &r.R12, &r.BP, &r.BX, &r.R11, &r.R10, &r.R9, &r.R8, &r.AX, &r.CX, &r.DX, &r.SI, &r.DI,
		&r.OrigAX, &r.IP, &r.CS, &r.Flags, &r.SP, &r.SS}
}

// ReadRegisters reads a struct pt_regs from memory.
func ReadRegisters(m space.Memory, at uint64) (Registers, error) {
	var b [RegistersSize]byte
	if _, err := m.ReadMemory(at, b[:]); err != nil {
		return Registers{}, fmt.Errorf("pt_regs at %#x: %w", at, err)
	}
	return decodeRegisters(b[:]), nil
}

// decodeRegisters takes RegistersSize bytes.
func decodeRegisters(b []byte) Registers {
	var r Registers
	for i, field := range r.words() {
		*field = binary.LittleEndian.Uint64(b[8*i:])
	}
	return r
}

// Interrupted is the CPU's state as the registers of a struct pt_regs: what an
// exception at this boundary would leave there.
func Interrupted(s *x86.State) Registers {
	g := &s.GPR
	return Registers{
		R15: g[x86.R15], R14: g[x86.R14], R13: g[x86.R13], R12: g[x86.R12], BP: g[x86.RBP], BX: g[x86.RBX],
		R11: g[x86.R11], R10: g[x86.R10], R9: g[x86.R9], R8: g[x86.R8],
		AX: g[x86.RAX], CX: g[x86.RCX], DX: g[x86.RDX], SI: g[x86.RSI], DI: g[x86.RDI], OrigAX: ^uint64(0),
		IP: s.RIP, CS: uint64(s.Seg[x86.CS].Selector), Flags: s.RFLAGS, SP: g[x86.RSP], SS: uint64(s.Seg[x86.SS].Selector),
	}
}

// Get is a register by its name in struct pt_regs.
func (r *Registers) Get(name string) (uint64, bool) {
	for i, field := range r.words() {
		if registerNames[i] == name {
			return *field, true
		}
	}
	return 0, false
}

// Selectors of a 64-bit kernel (arch/x86/include/asm/segment.h), and the mark
// that is none.
const (
	KernelCS = 0x10
	KernelDS = 0x18
	User32CS = 0x23
	UserDS   = 0x2b
	UserCS   = 0x33
	UKLCS    = 0xc3 // the frame stopped the application that is linked into the kernel
)

// Text is the registers, four to a line. name gives an address its symbol; it
// may be nil.
func (r *Registers) Text(name func(uint64) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%sorig_ax %s\n", r.frameText(name), signed(r.OrigAX))
	for _, row := range [][4]string{{"ax", "bx", "cx", "dx"}, {"si", "di", "bp", "r8"}, {"r9", "r10", "r11", "r12"}, {"r13", "r14", "r15", ""}} {
		for i, n := range row {
			if v, ok := r.Get(n); ok {
				if i > 0 {
					b.WriteString("  ")
				}
				fmt.Fprintf(&b, "%-3s %016x", n, v)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// signed shows small negative numbers as such: error codes, and -1.
func signed(v uint64) string {
	if n := int64(v); n < 0 && n >= -4095 {
		return fmt.Sprint(n)
	}
	return fmt.Sprint(v)
}

// flagNames are the bits of RFLAGS (SDM vol. 1, figure 3-8).
var flagNames = []struct {
	bit  int
	name string
}{
	{0, "CF"}, {2, "PF"}, {4, "AF"}, {6, "ZF"}, {7, "SF"}, {8, "TF"}, {9, "IF"}, {10, "DF"}, {11, "OF"}, {14, "NT"}, {16, "RF"},
	{17, "VM"}, {18, "AC"}, {19, "VIF"}, {20, "VIP"}, {21, "ID"},
}

// FlagNames are the flags that are set, in brackets: "[ZF IF]".
func FlagNames(flags uint64) string {
	var names []string
	for _, f := range flagNames {
		if flags>>f.bit&1 != 0 {
			names = append(names, f.name)
		}
	}
	if iopl := flags >> 12 & 3; iopl != 0 {
		names = append(names, fmt.Sprintf("IOPL=%d", iopl))
	}
	return "[" + strings.Join(names, " ") + "]"
}
