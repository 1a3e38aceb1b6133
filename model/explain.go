// SPDX-License-Identifier: GPL-2.0-or-later

package model

import (
	"github.com/uklemu/uklemu/asm/disasm"
	"github.com/uklemu/uklemu/model/invariant"
)

// Explanation is where a violation was seen, for people.
type Explanation struct {
	Location    string // symbol+offset, "" if none has the address
	Line        string // file:line, "" if the image does not say
	Instruction string
}

// Explain looks a violation's address up in the image.
func (k *Kernel) Explain(v invariant.Violation) Explanation {
	e := Explanation{Location: k.Image.Symbols.Name(v.RIP)}
	if line, ok := k.Image.Symbols.Line(v.RIP); ok {
		e.Line = line.String()
	}
	var code [16]byte
	if n, _ := k.Image.ReadMemory(v.RIP, code[:]); n > 0 {
		if inst, err := disasm.Decode(code[:n], 64); err == nil {
			e.Instruction = inst.Text(disasm.GNU, v.RIP, k.Image.Symbols.At)
		}
	}
	return e
}
