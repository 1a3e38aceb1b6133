// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"math"
	"strings"
)

// instruction is one, as it was read.
type instruction struct {
	syntax   Syntax
	mode     int
	prefixes []string // "lock", "{disp32}"
	mnemonic string
	operands []*operand
	branch   *branch // for one whose operand is where to go
	column   int
}

// prefixWords may go before a mnemonic.
var prefixWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`rep repe repz repne repnz lock xacquire xrelease notrack bnd data16 data32 addr16 addr32
		rex rex64 rex.w rex.r rex.x rex.b cs ds es fs gs ss`) {
		m[w] = true
	}
	return m
}()

// instruction reads one.
func (p *parser) instruction(syntax Syntax, mode int) (*instruction, *Error) {
	in := &instruction{syntax: syntax, mode: mode, column: p.next().column}
	for p.next().is("{") {
		s, err := p.braces()
		if err != nil {
			return nil, err
		}
		in.prefixes = append(in.prefixes, s)
	}
	for p.next().kind == word {
		name := strings.ToLower(p.take().text)
		if !prefixWords[name] || p.next().kind == end {
			in.mnemonic = name
			break
		}
		in.prefixes = append(in.prefixes, name)
	}
	if in.mnemonic == "" {
		return nil, errorAt(p.next().column, "a mnemonic, a label or a directive is expected, not %v", p.next())
	}
	if in.mnemonic[0] == '.' {
		return nil, errorAt(in.column, "there is no directive %s", in.mnemonic)
	}
	if strings.Trim(in.mnemonic, "abcdefghijklmnopqrstuvwxyz0123456789.") != "" {
		return nil, errorAt(in.column, "%q is no mnemonic", in.mnemonic)
	}
	for p.next().kind != end {
		if len(in.operands) > 0 {
			if err := p.expect(",", "between two operands"); err != nil {
				return nil, err
			}
		}
		o, err := p.operand(syntax)
		if err != nil {
			return nil, err
		}
		in.operands = append(in.operands, o)
	}
	return in, in.settle()
}

func (p *parser) operand(syntax Syntax) (*operand, *Error) {
	if syntax == ATT {
		return p.attOperand()
	}
	return p.intelOperand()
}

// settle decides what a bare expression is.
func (in *instruction) settle() *Error {
	if err := in.highByte(); err != nil {
		return err
	}
	if why := ambiguous[in.mnemonic]; why != "" && in.mode == 64 {
		return errorAt(in.column, "%s is ambiguous: %s", in.mnemonic, why)
	}
	if len(in.operands) == 1 && in.operands[0].form == target {
		if b := branchOf(in.mnemonic, in.mode, in.syntax); b != nil {
			in.branch = b
			return b.prefix(in)
		}
	}
	for _, o := range in.operands {
		switch {
		case o.form == target && o.short:
			return errorAt(o.column, "short is for the target of a branch")
		case o.form == target && in.syntax == ATT:
			o.form = memory
		case o.form == target:
			o.form = immediate
		}
	}
	return nil
}

// highByte refuses AH and its like beside anything that needs a REX prefix,
// with which their codes mean other registers (SDM vol. 2A 2.2.1.2). Keystone
// takes that for fatal.
func (in *instruction) highByte() *Error {
	high, other := (*operand)(nil), ""
	for _, o := range in.operands {
		if o.form == register && highBytes[o.name] {
			high = o
		}
		for _, name := range []string{o.name, o.base, o.index} {
			if o.form != verbatim && needsREX(name, o.form) {
				other = name
			}
		}
	}
	if high != nil && other != "" {
		return errorAt(high.column, "%s can't be encoded beside %s, which takes a REX prefix", high.name, other)
	}
	return nil
}

var highBytes = map[string]bool{"ah": true, "bh": true, "ch": true, "dh": true}

func needsREX(name string, form form) bool {
	switch name {
	case "":
		return false
	case "spl", "bpl", "sil", "dil":
		return true
	}
	return name[0] == 'r' && name[1] >= '0' && name[1] <= '9' || form == register && registers[name] == 64
}

// width is how many bits the operation has, 0 if that can't be told without
// knowing the instruction.
func (in *instruction) width() int {
	for _, o := range in.operands {
		if o.form == register {
			return registers[o.name]
		}
		if bits := sizes[o.size]; bits != 0 {
			return bits
		}
	}
	return 0
}

// text is the instruction for an assembler, with numbers only. rip is where
// RIP points, behind the instruction; without it RIP-relative operands have a
// displacement of 0, which makes the instruction no shorter.
func (in *instruction) text(symbols lookUp, rip *uint64, zeroIndex string) (string, *Error) {
	var s strings.Builder
	for _, prefix := range in.prefixes {
		s.WriteString(prefix + " ")
	}
	s.WriteString(in.mnemonic)
	if in.mode != 64 || strings.HasPrefix(in.mnemonic, "movabs") {
		zeroIndex = "" // a displacement alone has its own encoding there
	}
	for i, o := range in.operands {
		value, err := in.value(o, symbols, rip)
		if err != nil {
			return "", err
		}
		s.WriteString([]string{" ", ", "}[min(i, 1)])
		s.WriteString(o.write(in.syntax, value, zeroIndex))
	}
	return s.String(), nil
}

// value is what an operand's expression comes to.
func (in *instruction) value(o *operand, symbols lookUp, rip *uint64) (int64, *Error) {
	if o.value == nil {
		return 0, nil
	}
	q, err := o.value.evaluate(symbols)
	switch {
	case err != nil:
		return 0, err
	case o.form == immediate:
		return in.immediate(o, q)
	case o.relative() && q.addresses != 0:
		if rip == nil {
			return 0, nil
		}
		distance := int64(q.value - *rip)
		if distance != int64(int32(distance)) {
			return 0, errorAt(o.value.column, "%#x is %#x bytes away; RIP-relative addressing reaches 2 GiB", q.value, distance)
		}
		return distance, nil
	}
	return in.displacement(o, q.value)
}

// immediate makes a number negative where that is the same to the operation:
// add eax, 0xffffffff is add eax, -1, which is shorter.
func (in *instruction) immediate(o *operand, q quantity) (int64, *Error) {
	if in.syntax == Intel && q.addresses != 0 && !o.offset {
		return 0, errorAt(o.column, "this is an address: write offset before it for the address itself, or brackets for what is there")
	}
	value, bits := int64(q.value), in.width()
	if bits == 0 || bits == 64 {
		return value, nil
	}
	if value < -1<<(bits-1) || value >= 1<<bits {
		return 0, errorAt(o.column, "%s does not fit into the %d bits of the operand", hexadecimal(value), bits)
	}
	if bits >= 16 && value >= 1<<(bits-1) {
		value -= 1 << bits
	}
	return value, nil
}

// displacement checks what the encoding has room for.
func (in *instruction) displacement(o *operand, value uint64) (int64, *Error) {
	bits := in.mode
	for _, name := range []string{o.base, o.index} {
		if n := registers[name]; n != 0 {
			bits = n
		}
	}
	v := int64(value)
	switch {
	case bits == 64 && (v == int64(int32(v)) || strings.HasPrefix(in.mnemonic, "movabs") && o.bare()):
		return v, nil
	case bits == 32 && v >= math.MinInt32 && v <= math.MaxUint32:
		return int64(int32(v)), nil
	case bits == 16 && v >= math.MinInt16 && v <= math.MaxUint16:
		return int64(int16(v)), nil
	case bits == 64 && o.bare():
		return 0, errorAt(o.column, "%#x can't be addressed by a 32-bit displacement; accepted: relative to RIP, through a register, or movabs with the accumulator", value)
	}
	return 0, errorAt(o.column, "the displacement %#x does not fit", value)
}
