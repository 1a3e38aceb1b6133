// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"strings"
)

// branch is how an instruction that goes to an address is encoded. That is
// done here, not by an assembler: its length depends on where everything else
// lies, so whoever lays out the code has to know it, and assemblers differ in
// what they take a number for.
type branch struct {
	short, near []byte // opcodes; nil if there is none
	before      []byte // prefixes
	mode        int
	forced      string // "short" or "near", when the source says so
}

// conditions are in the order of their encoding (SDM vol. 2D B.1.4.7).
var conditions = [16]string{"o", "no", "b c nae", "ae nb nc", "e z", "ne nz", "be na", "a nbe", "s", "ns", "p pe", "np po", "l nge", "ge nl", "le ng", "g nle"}

var branches = func() map[string]branch {
	m := map[string]branch{
		"jmp":    {short: []byte{0xeb}, near: []byte{0xe9}},
		"call":   {near: []byte{0xe8}},
		"xbegin": {near: []byte{0xc7, 0xf8}},
		"loop":   {short: []byte{0xe2}},
		"loope":  {short: []byte{0xe1}}, "loopz": {short: []byte{0xe1}},
		"loopne": {short: []byte{0xe0}}, "loopnz": {short: []byte{0xe0}},
	}
	for code, names := range conditions {
		for _, name := range strings.Fields(names) {
			m["j"+name] = branch{short: []byte{0x70 | byte(code)}, near: []byte{0x0f, 0x80 | byte(code)}}
		}
	}
	return m
}()

// countBranches are JCXZ and its kin by the width of the counter; another
// width than the mode's takes the prefix 67.
var countBranches = map[string]int{"jcxz": 16, "jecxz": 32, "jrcxz": 64}

// branchOf returns nil for what is no branch.
func branchOf(mnemonic string, mode int, syntax Syntax) *branch {
	if bits, ok := countBranches[mnemonic]; ok {
		b := &branch{short: []byte{0xe3}, mode: mode}
		switch {
		case bits == mode:
		case bits == 16 && mode == 64, bits == 64:
			return nil // there is no such; the assembler will say so
		default:
			b.before = []byte{0x67}
		}
		return b
	}
	b, ok := branches[mnemonic]
	if !ok && syntax == ATT && mode == 64 && (mnemonic == "jmpq" || mnemonic == "callq") {
		b, ok = branches[mnemonic[:len(mnemonic)-1]]
	}
	if !ok {
		return nil
	}
	b.mode = mode
	return &b
}

// prefix takes the instruction's prefixes.
func (b *branch) prefix(in *instruction) *Error {
	if in.operands[0].short {
		b.forced = "short"
	}
	for _, name := range in.prefixes {
		switch name {
		case "bnd":
			b.before = append(b.before[:len(b.before):len(b.before)], 0xf2)
		case "{disp8}":
			b.forced = "short"
		case "{disp32}":
			b.forced = "near"
		default:
			return errorAt(in.column, "the prefix %s means nothing to %s; accepted: bnd, {disp8}, {disp32}", name, in.mnemonic)
		}
	}
	if b.forced == "short" && b.short == nil || b.forced == "near" && b.near == nil {
		return errorAt(in.column, "%s has no %s form", in.mnemonic, b.forced)
	}
	return nil
}

// lengths are those of the short and the near form, 0 for one that there is
// not.
func (b *branch) lengths() (short, near int) {
	if b.short != nil && b.forced != "near" {
		short = len(b.before) + len(b.short) + 1
	}
	if b.near != nil && b.forced != "short" {
		near = len(b.before) + len(b.near) + 4
		if b.mode == 16 {
			near -= 2
		}
	}
	return short, near
}

// distance is what the encoding counts: from behind the instruction, in as
// many bits as the mode's instruction pointer has.
func (b *branch) distance(at uint64, length int, to uint64) int64 {
	d := int64(to - at - uint64(length))
	switch b.mode {
	case 16:
		return int64(int16(d))
	case 32:
		return int64(int32(d))
	}
	return d
}

// length is the least that reaches, but no less than least: what has grown
// once stays so, or there may be no end to it.
func (b *branch) length(at, to uint64, least int) int {
	short, near := b.lengths()
	switch {
	case near == 0 || short == 0:
		return short + near
	case least > short:
		return near
	}
	if d := b.distance(at, short, to); d != int64(int8(d)) {
		return near
	}
	return short
}

func (b *branch) encode(at, to uint64, length int, column int) ([]byte, *Error) {
	short, _ := b.lengths()
	code := append([]byte(nil), b.before...)
	d := b.distance(at, length, to)
	if length == short {
		if d != int64(int8(d)) {
			return nil, errorAt(column, "%#x is %d bytes away; a short branch reaches from -128 to 127", to, d)
		}
		return append(append(code, b.short...), byte(d)), nil
	}
	if d != int64(int32(d)) {
		return nil, errorAt(column, "%#x is %s bytes away; a branch reaches 2 GiB: go through a register", to, hexadecimal(d))
	}
	code = append(code, b.near...)
	for len(code) < length {
		code = append(code, byte(d))
		d >>= 8
	}
	return code, nil
}
