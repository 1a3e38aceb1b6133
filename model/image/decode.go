// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"iter"
	"slices"

	"golang.org/x/arch/x86/x86asm"

	"github.com/uklemu/uklemu/asm/disasm"
	"github.com/uklemu/uklemu/emu/symbols"
)

// instruction is one of the image's code.
type instruction struct {
	address uint64
	inst    disasm.Inst // Op is "" for one that package disasm does not know
	vector  *vectorOperand
	length  int
}

// text is how objdump would write it.
func (i *Image) instructionText(x instruction) string {
	switch {
	case x.inst.Op != "":
		return x.inst.Text(disasm.GNU, x.address, i.Symbols.At)
	case x.vector != nil:
		return x.vector.String()
	}
	return "(bad)"
}

// memory is the instruction's operand in memory, if it has one that is used
// as such.
func (x instruction) memory() (m x86asm.Mem, ok bool) {
	if x.vector != nil {
		return x.vector.Mem, x.vector.inMemory
	}
	if mentionsOnly[x.inst.Op] {
		return m, false
	}
	for _, arg := range x.inst.Inst.Args {
		if m, ok = arg.(x86asm.Mem); ok {
			return m, true
		}
	}
	return m, false
}

// mentionsOnly are instructions with an operand in memory that they do not
// touch, or not so that it matters.
var mentionsOnly = map[string]bool{
	"LEA": true, "NOP": true, "PREFETCHNTA": true, "PREFETCHT0": true, "PREFETCHT1": true, "PREFETCHT2": true, "PREFETCHW": true,
}

// decode takes code apart, byte by byte where it is none.
func decode(code []byte, at uint64) iter.Seq[instruction] {
	return func(yield func(instruction) bool) {
		for len(code) > 0 {
			x := instruction{address: at, length: 1}
			if v, ok := decodeVector(code); ok {
				x.vector, x.length = &v, v.length
			} else if inst, err := disasm.Decode(code, 64); err == nil {
				x.inst, x.length = inst, inst.Len
			}
			if !yield(x) {
				return
			}
			at += uint64(x.length)
			code = code[x.length:]
		}
	}
}

// function is a piece of code with a name.
type function struct {
	Range
	name string
}

// functionMost bounds what is taken for one function's code.
const functionMost = 1 << 18

// instructions are those of a function of the image, none if it is not there.
func (i *Image) instructions(name string) iter.Seq[instruction] {
	f, _ := i.function(name)
	return decode(i.bytes(f.Start, f.Size()), f.Start)
}

// function finds a function's extent: what its symbol says, or up to the next
// symbol.
func (i *Image) function(name string) (function, bool) {
	s, ok := i.Symbols.Symbol(name)
	if !ok || s.Absolute || !within(i.code, s.Address) {
		return function{}, false
	}
	end := s.Address + s.Size
	if s.Size == 0 {
		end = i.nextSymbol(s.Address)
	}
	if end <= s.Address || end-s.Address > functionMost {
		return function{}, false
	}
	return function{Range{s.Address, end}, name}, true
}

// nextSymbol is the address of the first symbol behind another, or the end of
// the code that it is in.
func (i *Image) nextSymbol(address uint64) uint64 {
	all := i.Symbols.Symbols()
	n, _ := slices.BinarySearchFunc(all, address, func(s symbols.Symbol, at uint64) int {
		if s.Address <= at {
			return -1
		}
		return 1
	})
	end := uint64(0)
	for _, r := range i.code {
		if r.Contains(address) {
			end = r.End
		}
	}
	for ; n < len(all) && all[n].Address < end; n++ {
		if !all[n].Absolute {
			return all[n].Address
		}
	}
	return end
}

// functions are those of the application: its code, cut where a symbol starts
// that is not within a function.
func (a *App) functions() []function {
	var all []function
	for _, r := range a.Text {
		open, inside := function{Range: Range{Start: r.Start}}, uint64(0)
		for _, s := range symbolsIn(a.Symbols, r.Start, r.End) {
			if s.Kind == symbols.Object || s.Address < inside || s.Address == open.Start && open.name != "" {
				continue
			}
			if s.Address > open.Start {
				open.End = s.Address
				all = append(all, open)
			}
			open = function{Range: Range{Start: s.Address}, name: s.Name}
			inside = s.Address + s.Size
		}
		open.End = r.End
		all = append(all, open)
	}
	return slices.DeleteFunc(all, func(f function) bool { return f.End <= f.Start })
}
