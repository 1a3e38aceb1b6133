// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// vectorOperand is what matters of an instruction with a VEX or EVEX prefix
// (SDM vol. 2A 2.3 and 2.7), which x86asm does not know: its length, and its
// operand in memory.
type vectorOperand struct {
	x86asm.Mem
	inMemory bool
	length   int
}

func (v *vectorOperand) String() string {
	if !v.inMemory {
		return "(a vector instruction)"
	}
	return fmt.Sprintf("(a vector instruction with %v)", v.Mem)
}

// decodeVector decodes an instruction with such a prefix. In 64-bit mode the
// bytes C4, C5 and 62 begin nothing else.
func decodeVector(code []byte) (v vectorOperand, ok bool) {
	at := 0
	for at < len(code) && (code[at] == 0x64 || code[at] == 0x65 || code[at] == 0x67) {
		switch code[at] {
		case 0x64:
			v.Segment = x86asm.FS
		case 0x65:
			v.Segment = x86asm.GS
		}
		at++
	}
	if at == len(code) {
		return v, false
	}
	size := 0
	switch code[at] {
	case 0xc5:
		size = 2
	case 0xc4:
		size = 3
	case 0x62:
		size = 4
	}
	if size == 0 || at+size >= len(code) {
		return v, false
	}
	opcodes, inverted := byte(1), code[at+1] // the map; R, X and B as they are stored
	switch size {
	case 2:
		inverted |= 0x60
	case 3:
		opcodes = code[at+1] & 0x1f
	case 4:
		opcodes = code[at+1] & 7
	}
	at += size
	opcode := code[at]
	at++
	if opcodes == 1 && opcode == 0x77 { // VZEROUPPER, VZEROALL
		v.length = at
		return v, true
	}
	if at >= len(code) || !v.operand(code, &at, inverted) {
		return v, false
	}
	if opcodes == 3 || opcodes == 1 && hasImmediate(opcode) {
		at++
	}
	v.length = at
	return v, at <= len(code)
}

// hasImmediate says which opcodes of map 0F are followed by a byte: VPSHUF and
// shifts by a number, VCMP, VPINSRW, VPEXTRW, VSHUF.
func hasImmediate(opcode byte) bool {
	return opcode >= 0x70 && opcode <= 0x73 || opcode == 0xc2 || opcode >= 0xc4 && opcode <= 0xc6
}

// operand decodes ModRM, SIB and the displacement.
func (v *vectorOperand) operand(code []byte, at *int, inverted byte) bool {
	modrm := code[*at]
	*at++
	mod, rm := modrm>>6, modrm&7
	if mod == 3 {
		return true
	}
	v.inMemory = true
	high := func(bit byte) x86asm.Reg { return x86asm.Reg((^inverted >> bit & 1) << 3) }
	size := [3]int{0, 1, 4}[mod]
	base := x86asm.RAX + x86asm.Reg(rm) + high(5)
	if rm == 4 {
		if *at >= len(code) {
			return false
		}
		sib := code[*at]
		*at++
		base = x86asm.RAX + x86asm.Reg(sib&7) + high(5)
		if index := x86asm.RAX + x86asm.Reg(sib>>3&7) + high(6); index != x86asm.RSP {
			v.Index, v.Scale = index, 1<<(sib>>6)
		}
		if mod == 0 && sib&7 == 5 {
			base, size = 0, 4
		}
	} else if mod == 0 && rm == 5 {
		base, size = x86asm.RIP, 4
	}
	v.Base = base
	if *at+size > len(code) {
		return false
	}
	switch size {
	case 1:
		v.Disp = int64(int8(code[*at]))
	case 4:
		v.Disp = int64(int32(uint32(code[*at]) | uint32(code[*at+1])<<8 | uint32(code[*at+2])<<16 | uint32(code[*at+3])<<24))
	}
	*at += size
	return true
}
