// SPDX-License-Identifier: GPL-2.0-or-later

// Package disasm turns the bytes of x86 instructions into text, the system
// instructions of a kernel's entry code included. It is
// golang.org/x/arch/x86/x86asm with a table in front of it, for the encodings
// that package refuses or splits (CLAC, ENDBR64, WRUSSQ, ERETU and others).
//
//	inst, err := disasm.Decode(code, 64)
//	text := inst.Text(disasm.GNU, pc, symbols)
package disasm

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

var (
	// ErrTruncated is for code that ends within an instruction.
	ErrTruncated = errors.New("the code ends within an instruction")
	// ErrUnknown is for bytes that are no instruction known here. To the CPU
	// they may be one, or #UD.
	ErrUnknown = errors.New("not a known instruction")
	// ErrMode is for a mode other than 16, 32 or 64.
	ErrMode = errors.New("the mode is not 16, 32 or 64")
)

// Longest is the most bytes that an instruction has (SDM vol. 2A 2.3.11).
const Longest = 15

// Syntax is a way to write instructions.
type Syntax uint8

const (
	GNU   Syntax = iota // AT&T, as objdump and the kernel's source write them
	Intel               // as the manual writes them
)

// SymbolName tells the symbol that covers an address and where it starts; ""
// if there is none.
type SymbolName func(address uint64) (name string, start uint64)

// Inst is a decoded instruction.
type Inst struct {
	Len int
	// Op is the mnemonic as the manual has it, in capitals.
	Op string
	// Inst is x86asm's view of it. For an instruction of the overlay only
	// Args, Mode, Len and the sizes mean something.
	Inst x86asm.Inst

	overlaid bool // Inst is a stand-in, right but for its mnemonic
	unsized  bool // the stand-in's size of memory says nothing
}

// Decode decodes the first instruction of code in a mode of 16, 32 or 64
// bits. The error is ErrTruncated, ErrUnknown or ErrMode.
func Decode(code []byte, mode int) (Inst, error) {
	code = code[:min(len(code), Longest)]
	if inst, ok, err := overlay(code, mode); ok || err != nil {
		return inst, err
	}
	inst, err := x86asm.Decode(code, mode)
	if err == nil && inst.Op == 0 && needsMore(code, mode) {
		return Inst{}, ErrTruncated
	}
	switch {
	case errors.Is(err, x86asm.ErrTruncated):
		if len(code) == Longest {
			return Inst{}, ErrUnknown // prefixes without end
		}
		return Inst{}, ErrTruncated
	case errors.Is(err, x86asm.ErrInvalidMode):
		return Inst{}, ErrMode
	case err != nil:
		return Inst{}, ErrUnknown
	case inst.Op == 0:
		// A prefix alone is how x86asm returns what it does not know.
		return Inst{}, ErrUnknown
	}
	return Inst{Len: inst.Len, Op: inst.Op.String(), Inst: inst}, nil
}

// needsMore says whether code, of which x86asm knew only the first prefix, is
// the start of an instruction.
func needsMore(code []byte, mode int) bool {
	var longer [Longest]byte
	copy(longer[:], code)
	inst, err := x86asm.Decode(longer[:], mode)
	return err == nil && inst.Op != 0 && inst.Len > len(code)
}

// Text writes the instruction. pc is its address, for relative operands;
// symbols may be nil.
func (i Inst) Text(syntax Syntax, pc uint64, symbols SymbolName) string {
	inst := i.Inst
	inst.Len = i.Len // RIP-relative operands count from the end
	text := ""
	switch syntax {
	case Intel:
		text = x86asm.IntelSyntax(inst, pc, x86asm.SymLookup(symbols))
	default:
		text = x86asm.GNUSyntax(inst, pc, x86asm.SymLookup(symbols))
	}
	if !i.overlaid {
		return text + i.within(pc, symbols)
	}
	_, operands, _ := strings.Cut(text, " ")
	if inst.Args[0] == nil {
		operands = ""
	}
	if i.unsized && syntax == Intel {
		operands = sizes.Replace(operands)
	}
	return strings.TrimRight(strings.ToLower(i.Op)+" "+operands, " ")
}

// within says where in a function a branch goes that does not go to its
// start, which x86asm names itself.
func (i Inst) within(pc uint64, symbols SymbolName) string {
	relative, ok := i.Inst.Args[0].(x86asm.Rel)
	if !ok || symbols == nil {
		return ""
	}
	target := pc + uint64(i.Len) + uint64(relative)
	name, start := symbols(target)
	if name == "" || start == target {
		return ""
	}
	return fmt.Sprintf(" <%s+%#x>", name, target-start)
}

// sizes are how Intel's syntax says how large memory is.
var sizes = strings.NewReplacer("byte ptr ", "", "dword ptr ", "", "qword ptr ", "", "word ptr ", "", "ptr ", "")

// Line is an instruction at an address.
type Line struct {
	Address uint64
	Bytes   []byte
	Text    string // "(bad)" for a byte that begins no known instruction
}

func (l Line) String() string {
	return fmt.Sprintf("%x:\t% x\t%s", l.Address, l.Bytes, l.Text)
}

// Disassemble writes all of code, which starts at pc, in 64-bit mode unless
// mode says 32 or 16. It does not fail: a byte that begins no known
// instruction is a line of its own, and the next one is tried.
func Disassemble(code []byte, pc uint64, mode int, syntax Syntax, symbols SymbolName) []Line {
	if mode != 16 && mode != 32 {
		mode = 64
	}
	var lines []Line
	for len(code) > 0 {
		line := Line{Address: pc, Bytes: code[:1], Text: "(bad)"}
		if inst, err := Decode(code, mode); err == nil {
			line.Bytes, line.Text = code[:inst.Len], inst.Text(syntax, pc, symbols)
		}
		lines = append(lines, line)
		pc += uint64(len(line.Bytes))
		code = code[len(line.Bytes):]
	}
	return lines
}
