// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/uklemu/uklemu/asm/disasm"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// view is a stopped machine to look at.
type view struct {
	m       *emu.Machine
	state   x86.State
	symbols *symbols.Table // or nil
}

// bits is the size of the code segment's instructions.
func (v *view) bits() int {
	switch {
	case v.state.Code64():
		return 64
	case v.state.Seg[x86.CS].Attr&x86.AttrDB != 0:
		return 32
	}
	return 16
}

// pc is the linear address of the next instruction.
func (v *view) pc() uint64 { return v.inSegment(x86.CS, v.state.RIP) }

func (v *view) inSegment(n int, offset uint64) uint64 {
	if v.bits() == 64 {
		return offset
	}
	return (offset + v.state.Seg[n].Base) & 0xffffffff
}

func (v *view) code(address uint64) []byte {
	code := make([]byte, disasm.Longest)
	n, _ := v.m.ReadMemory(address, code)
	return code[:n]
}

// decode gives the instruction's text and length; 0 where there is none.
func (v *view) decode(address uint64) (text string, length int) {
	inst, err := disasm.Decode(v.code(address), v.bits())
	if err != nil {
		return "", 0
	}
	var names disasm.SymbolName
	if v.symbols != nil {
		names = v.symbols.At
	}
	return inst.Text(disasm.GNU, address, names), inst.Len
}

// instruction is one line on the instruction at an address.
func (v *view) instruction(address uint64) string {
	code := v.code(address)
	text, n := v.decode(address)
	switch {
	case len(code) == 0:
		text = "(no memory is mapped here)"
	case n == 0:
		text, n = "(bad)", min(len(code), 4)
	}
	return fmt.Sprintf("%s: % x  %s%s", v.name(address), code[:n], text, v.line(address))
}

func (v *view) name(address uint64) string {
	if v.symbols != nil {
		if name := v.symbols.Name(address); name != "" {
			return fmt.Sprintf("%016x <%s>", address, name)
		}
	}
	return fmt.Sprintf("%016x", address)
}

// caller names a return address: it belongs to the call before it, which may
// be the last instruction of its function.
func (v *view) caller(address uint64) string {
	if v.symbols != nil {
		if s, offset, ok := v.symbols.Lookup(address - 1); ok {
			return fmt.Sprintf("%016x <%s+%#x>%s", address, s.Name, offset+1, v.line(address-1))
		}
	}
	return fmt.Sprintf("%016x", address)
}

func (v *view) line(address uint64) string {
	if v.symbols == nil || !v.symbols.HasLines() {
		return ""
	}
	if l, ok := v.symbols.Line(address); ok {
		return "  " + l.String()
	}
	return ""
}

// word reads a word of the stack.
func (v *view) word(address uint64) (uint64, bool) {
	var b [8]byte
	n, _ := v.m.ReadMemory(v.inSegment(x86.SS, address), b[:v.width()])
	return binary.LittleEndian.Uint64(b[:]), n == v.width()
}

func (v *view) width() int { return max(v.bits(), 32) / 8 }

const (
	shownBlocks       = 12
	shownInstructions = 16
)

// lastBlocks are the stretches of code that were entered last.
func (v *view) lastBlocks() []string {
	var lines []string
	for _, b := range v.m.Trail() {
		lines = append(lines, fmt.Sprintf("%s, %d bytes%s", v.name(b.PC), b.Size, v.line(b.PC)))
	}
	return latest(lines, shownBlocks)
}

// lastInstructions are those of the last stretches, up to where the machine
// stands.
func (v *view) lastInstructions() []string {
	trail := v.m.Trail()
	var lines []string
	for i, b := range trail {
		last := i == len(trail)-1
		if last && b.PC == v.pc() && (i == 0 || trail[i-1].PC != b.PC) {
			break // it was entered, and no more
		}
		for _, a := range v.instructionsOf(b, last) {
			lines = append(lines, v.instruction(a))
		}
	}
	return latest(lines, shownInstructions)
}

// latest is the last so many lines, those that repeat being one.
func latest(lines []string, most int) (out []string) {
	for n := len(lines); n > 0 && len(out) < most; {
		line, times := lines[n-1], 0
		for ; n > 0 && lines[n-1] == line; n-- {
			times++
		}
		if times > 1 {
			line = fmt.Sprintf("%s  (%d times)", line, times)
		}
		out = append(out, line)
	}
	slices.Reverse(out)
	return out
}

func (v *view) instructionsOf(b unicorn.Block, last bool) (addresses []uint64) {
	for at := b.PC; at < b.PC+uint64(b.Size); {
		_, n := v.decode(at)
		if n == 0 || last && at == v.pc() && at != b.PC {
			break
		}
		addresses = append(addresses, at)
		at += uint64(n)
	}
	return addresses
}
