// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import "github.com/uklemu/uklemu/asm/disasm"

// Disassemble turns bytes into text, in the syntax, the mode and at the address
// that the options say; name tells the symbol that covers an address and where
// it starts, and may be nil. It does not fail: a byte that begins no known
// instruction is a line of its own, "(bad)". Package disasm has single
// instructions.
func Disassemble(code []byte, o Options, name disasm.SymbolName) []disasm.Line {
	syntax := disasm.Intel
	if o.Syntax == ATT {
		syntax = disasm.GNU
	}
	return disasm.Disassemble(code, o.Address, o.Mode, syntax, name)
}
