// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/uklemu/uklemu/emu/symbols"
)

// Call is a direct call, or a direct jump to the start of a function.
type Call struct {
	Address  uint64 // of the instruction
	Return   uint64 // of the next one: what a call pushes
	Function string // that it is in
	Jump     bool   // a tail call: Return is not pushed
}

// Opcodes of CALL and JMP with 32 bits of distance; JMP with 8 bits is not
// looked for, since a compiler's tail calls go further.
const (
	opcodeCall   = 0xe8
	opcodeJump   = 0xe9
	nearCallSize = 5
)

// CallsTo finds the direct calls of a function, in all code of the image or, if
// any are named, in these functions; sorted by address. What is called in
// .altinstr_replacement is not here: it is executed somewhere else.
func (i *Image) CallsTo(name string, in ...string) []Call {
	target, ok := i.Address(name)
	if !ok {
		return nil
	}
	var places []Range
	for _, name := range in {
		if f, ok := i.function(name); ok {
			places = append(places, f.Range)
		}
	}
	if len(in) == 0 {
		for _, s := range i.executable {
			if s.name != ".altinstr_replacement" {
				places = append(places, s.Range)
			}
		}
	}
	var calls []Call
	for _, r := range merged(places) {
		calls = append(calls, i.callsIn(r, target)...)
	}
	slices.SortFunc(calls, func(a, b Call) int { return cmp.Compare(a.Address, b.Address) })
	return calls
}

// callsIn looks for the bytes of such an instruction at every address, and
// then whether the code of the function gets there instruction by instruction.
func (i *Image) callsIn(r Range, target uint64) []Call {
	code := i.bytes(r.Start, r.Size())
	var calls []Call
	for _, opcode := range []byte{opcodeCall, opcodeJump} {
		for at := 0; ; at++ {
			n := bytes.IndexByte(code[at:], opcode)
			if n < 0 || at+n+nearCallSize > len(code) {
				break
			}
			at += n
			next := r.Start + uint64(at) + nearCallSize
			if next+uint64(int64(int32(binary.LittleEndian.Uint32(code[at+1:])))) != target {
				continue
			}
			if name, ok := i.boundary(next - nearCallSize); ok {
				calls = append(calls, Call{Address: next - nearCallSize, Return: next, Function: name, Jump: opcode == opcodeJump})
			}
		}
	}
	return calls
}

// boundary says whether an instruction starts at an address, and in which
// function.
func (i *Image) boundary(address uint64) (function string, ok bool) {
	s, ok := i.enclosing(address)
	if !ok {
		return "", false
	}
	for x := range decode(i.bytes(s.Address, address-s.Address+nearCallSize), s.Address) {
		if x.address >= address {
			return s.Name, x.address == address
		}
	}
	return "", false
}

// enclosing is the function that an address is in: not a label in it.
func (i *Image) enclosing(address uint64) (symbols.Symbol, bool) {
	nearest, offset, ok := i.Symbols.Lookup(address)
	if !ok || offset > functionMost {
		return symbols.Symbol{}, false
	}
	const labels = 64 // in one function
	before := symbolsIn(i.Symbols.Symbols(), address-min(address, functionMost), address+1)
	for n := len(before) - 1; n >= 0 && n >= len(before)-labels; n-- {
		if s := before[n]; !s.Absolute && s.Kind != symbols.Object && address-s.Address < s.Size {
			return s, true
		}
	}
	return nearest, true
}
