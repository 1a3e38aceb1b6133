// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

const (
	maxFrames  = 32
	maxScanned = 256 // words of stack
)

// backtrace follows the frame pointers. Where they end before they should, it
// looks for return addresses on the stack, and marks what it finds so with a
// question mark, as the kernel's own traces do.
func (v *view) backtrace() []string {
	lines := []string{fmt.Sprintf("#0  %s%s", v.name(v.pc()), v.line(v.pc()))}
	add := func(mark string, address uint64) {
		lines = append(lines, fmt.Sprintf("#%-2d %s%s", len(lines), mark, v.caller(address)))
	}
	sp := v.state.GPR[x86.RSP]
	if caller, above, ok := v.callerAtEntry(); ok {
		add("", caller)
		sp = above
	}
	for frame := v.state.GPR[x86.RBP]; len(lines) < maxFrames; {
		next, ok1 := v.word(frame)
		caller, ok2 := v.word(frame + uint64(v.width()))
		if !ok1 || !ok2 || frame < sp || !v.isReturn(caller) {
			break
		}
		add("", caller)
		sp, frame = frame+2*uint64(v.width()), next
		if next == 0 {
			return lines
		}
	}
	for i := range uint64(maxScanned) {
		word, ok := v.word(sp + i*uint64(v.width()))
		if !ok || len(lines) >= maxFrames {
			break
		}
		if v.isReturn(word) {
			add("? ", word)
		}
	}
	return lines
}

// callerAtEntry is the return address while a function has not set its frame
// up yet, or that of a call to where nothing is; above is the stack beyond it.
func (v *view) callerAtEntry() (caller, above uint64, ok bool) {
	sp := v.state.GPR[x86.RSP]
	if len(v.code(v.pc())) > 0 {
		if v.symbols == nil {
			return 0, 0, false
		}
		_, offset, ok := v.symbols.Lookup(v.pc())
		if !ok || !v.inPrologue(offset) {
			return 0, 0, false
		}
		if offset > 0 && v.pushedFrame(v.pc()) {
			sp += uint64(v.width())
		}
	}
	caller, ok = v.word(sp)
	return caller, sp + uint64(v.width()), ok && v.isReturn(caller)
}

// inPrologue: before "mov %rsp,%rbp", that is at the start, behind ENDBR64, or
// behind "push %rbp".
func (v *view) inPrologue(offset uint64) bool {
	if offset == 0 {
		return true
	}
	endbr := v.startsWith(v.pc()-offset, 0xf3, 0x0f, 0x1e, 0xfa)
	return offset == 4 && endbr || v.pushedFrame(v.pc()) && (offset == 1 || offset == 5 && endbr)
}

func (v *view) pushedFrame(pc uint64) bool { return v.startsWith(pc-1, 0x55) }

func (v *view) startsWith(address uint64, want ...byte) bool {
	found := make([]byte, len(want))
	n, _ := v.m.ReadMemory(address, found)
	return n == len(want) && string(found) == string(want)
}

// isReturn says whether an address is behind a call, in code.
func (v *view) isReturn(address uint64) bool {
	if v.symbols != nil && v.symbols.Len() > 0 && v.symbols.Name(address-1) == "" && v.state.CPL() == 0 {
		return false // a kernel runs its own code only
	}
	// CALL rel32; CALL r/m (FF /2) with up to 4 bytes of displacement, SIB and a prefix.
	for _, length := range []int{5, 2, 3, 4, 6, 7, 8} {
		code := make([]byte, length)
		if n, _ := v.m.ReadMemory(address-uint64(length), code); n < length {
			continue
		}
		insn := unicorn.Decode(code, v.bits())
		if insn.Length != length {
			continue
		}
		if insn.Map == 0 && (insn.Opcode == 0xe8 || insn.Opcode == 0xff && insn.ModRM>>3&7 == 2) {
			return true
		}
	}
	return false
}
