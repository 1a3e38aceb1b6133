// SPDX-License-Identifier: GPL-2.0-or-later

package disasm

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// Prefixes (SDM vol. 2A 2.1.1 and 2.2.1).
const (
	prefixLock        = 0xf0
	prefixRepne       = 0xf2
	prefixRep         = 0xf3
	prefixOperandSize = 0x66
	prefixAddressSize = 0x67
	rexW              = 0x08
)

// encoding is a line of the table in a form to match.
type encoding struct {
	mandatory byte // 0 for NP
	opcode    []byte
	ext       int // the reg field of ModRM; -1 for any, -2 for no operand
	form      operandForm
	name      string
}

// operandForm says how the operands of an encoding are decoded: as those of a
// stand-in, an instruction that x86asm knows and that has the same ones.
type operandForm struct {
	opcode   []byte
	ext      int // what the stand-in wants in ModRM's reg field; -1 keeps it
	wide     int // REX.W of the stand-in: 1 set, 0 clear, -1 as it is
	register bool
	memory   bool
	suffix   bool // the mnemonic gets D or Q
	sized    bool // the size of memory, as Intel's syntax says it, is right
	halved   bool // 66 makes the register a 16-bit one
}

var (
	opInc    = []byte{0xff}
	opStore  = []byte{0x89}
	opLoad   = []byte{0x8b}
	opLldt   = []byte{0x0f, 0x00}
	opInvlpg = []byte{0x0f, 0x01}
)

const (
	extInc, extPush, extLldt, extInvlpg = 0, 6, 2, 7
	asItIs                              = -1
	noOperand                           = -2
)

var operandForms = map[string]operandForm{
	"":         {},
	"r32":      {opcode: opInc, ext: extInc, wide: 0, register: true},
	"r64":      {opcode: opInc, ext: extPush, wide: asItIs, register: true},
	"rw":       {opcode: opInc, ext: extInc, wide: asItIs, register: true, halved: true},
	"ry":       {opcode: opInc, ext: extInc, wide: asItIs, register: true, suffix: true},
	"rmy":      {opcode: opInc, ext: extInc, wide: asItIs, register: true, memory: true, sized: true},
	"rm16":     {opcode: opLldt, ext: extLldt, wide: 0, register: true, memory: true, sized: true},
	"m":        {opcode: opInvlpg, ext: extInvlpg, wide: 0, memory: true},
	"my,ry":    {opcode: opStore, ext: asItIs, wide: asItIs, memory: true, suffix: true, sized: true},
	"my,r":     {opcode: opStore, ext: asItIs, wide: asItIs, memory: true, sized: true},
	"r64,m":    {opcode: opLoad, ext: asItIs, wide: 1, memory: true},
	"rm64,r64": {opcode: opStore, ext: asItIs, wide: 1, register: true, memory: true, sized: true},
	"r64,rm64": {opcode: opLoad, ext: asItIs, wide: 1, register: true, memory: true, sized: true},
}

// table is the encodings by their second opcode byte; the first is 0F.
var table = func() (t [256][]encoding) {
	for _, line := range encodings {
		e, err := parseEncoding(line.opcode, line.name, line.operands)
		if err != nil {
			panic(err) // a slip in the table, which every test would find
		}
		t[e.opcode[1]] = append(t[e.opcode[1]], e)
	}
	return t
}()

func parseEncoding(opcode, name, operands string) (encoding, error) {
	fields := strings.Fields(opcode)
	form, ok := operandForms[operands]
	if !ok || len(fields) < 3 {
		return encoding{}, fmt.Errorf("the encoding %q of %s: unknown operands %q", opcode, name, operands)
	}
	e := encoding{name: name, form: form, ext: noOperand}
	if fields[0] != "NP" {
		b, err := strconv.ParseUint(fields[0], 16, 8)
		if err != nil {
			return e, err
		}
		e.mandatory = byte(b)
	}
	for _, f := range fields[1:] {
		switch {
		case f == "/r":
			e.ext = asItIs
		case f[0] == '/':
			e.ext = int(f[1] - '0')
		default:
			b, err := strconv.ParseUint(f, 16, 8)
			if err != nil {
				return e, err
			}
			e.opcode = append(e.opcode, byte(b))
		}
	}
	return e, nil
}

// prefixes are those of one instruction.
type prefixes struct {
	kept      []byte // that change the operands: address size, segment
	mandatory byte   // the last F2 or F3, else 66, else 0
	lock      bool
	rex       byte // 0 for none
	length    int
}

func scanPrefixes(code []byte, mode int) prefixes {
	var p prefixes
	operandSize := false
scan:
	for ; p.length < len(code); p.length++ {
		switch b := code[p.length]; b {
		case prefixRep, prefixRepne:
			p.mandatory = b
		case prefixOperandSize:
			operandSize = true
		case prefixLock:
			p.lock = true
		case 0x64, 0x65, prefixAddressSize:
			p.kept = append(p.kept, b)
		case 0x26, 0x2e, 0x36, 0x3e:
			if mode != 64 { // ignored there (SDM vol. 1, 3.4.2.1)
				p.kept = append(p.kept, b)
			}
		default:
			break scan
		}
	}
	if p.length < len(code) && mode == 64 && code[p.length]&0xf0 == 0x40 {
		p.rex = code[p.length]
		p.length++
	}
	if operandSize && p.mandatory == 0 {
		p.mandatory = prefixOperandSize
	}
	return p
}

// overlay decodes an instruction of the table; ok is false for any other.
func overlay(code []byte, mode int) (inst Inst, ok bool, err error) {
	if mode != 64 && mode != 32 && mode != 16 {
		return Inst{}, false, nil
	}
	p := scanPrefixes(code, mode)
	rest := code[p.length:]
	if len(rest) < 2 || rest[0] != 0x0f || p.lock {
		return Inst{}, false, nil
	}
	cut := false
	for i := range table[rest[1]] {
		e := &table[rest[1]][i]
		if e.mandatory != p.mandatory {
			continue
		}
		if !bytes.HasPrefix(rest, e.opcode) {
			cut = cut || bytes.HasPrefix(e.opcode, rest)
			continue
		}
		if e.ext == noOperand {
			inst = Inst{Len: p.length + len(e.opcode), Op: e.name, overlaid: true}
			inst.Inst = x86asm.Inst{Mode: mode, Op: x86asm.NOP}
			return inst, true, nil
		}
		inst, ok, err = e.operands(p, rest[len(e.opcode):], mode)
		if ok || err != nil {
			return inst, ok, err
		}
	}
	if cut {
		return Inst{}, false, ErrTruncated
	}
	return Inst{}, false, nil
}

// operands decodes what follows the opcode, if its ModRM byte is of the
// encoding's form.
func (e *encoding) operands(p prefixes, rest []byte, mode int) (Inst, bool, error) {
	if len(rest) == 0 {
		return Inst{}, false, ErrTruncated
	}
	modrm := rest[0]
	isRegister := modrm>>6 == 3
	if e.ext >= 0 && int(modrm>>3&7) != e.ext || isRegister && !e.form.register || !isRegister && !e.form.memory {
		return Inst{}, false, nil
	}
	standIn := append([]byte(nil), p.kept...)
	if e.form.halved && p.mandatory == prefixOperandSize {
		standIn = append(standIn, prefixOperandSize)
	}
	if rex := e.rex(p.rex, mode); rex != 0 {
		standIn = append(standIn, rex)
	}
	standIn = append(standIn, e.form.opcode...)
	before := len(standIn)
	if e.form.ext != asItIs {
		modrm = modrm&^0x38 | byte(e.form.ext)<<3
	}
	standIn = append(append(standIn, modrm), rest[1:]...)
	decoded, err := x86asm.Decode(standIn, mode)
	if errors.Is(err, x86asm.ErrTruncated) || err == nil && decoded.Op == 0 {
		return Inst{}, false, ErrTruncated
	}
	if err != nil {
		return Inst{}, false, nil
	}
	name := e.name
	if e.form.suffix {
		name += map[bool]string{false: "D", true: "Q"}[p.rex&rexW != 0]
	}
	return Inst{Len: p.length + len(e.opcode) + decoded.Len - before, Op: name, Inst: decoded, overlaid: true, unsized: !e.form.sized}, true, nil
}

// rex is the stand-in's REX prefix.
func (e *encoding) rex(rex byte, mode int) byte {
	switch {
	case mode != 64:
		return 0
	case e.form.wide == 1:
		return rex | 0x40 | rexW
	case e.form.wide == 0:
		return rex &^ rexW
	}
	return rex
}
