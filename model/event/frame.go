// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/x86"
)

// FrameSize is sizeof(struct pt_regs) in bytes.
const FrameSize = 21 * 8

// frameSP is the word of it that has sp.
const frameSP = 19

// Frame is struct pt_regs (arch/x86/include/asm/ptrace.h).
type Frame struct {
	R15, R14, R13, R12, BP, BX           uint64
	R11, R10, R9, R8, AX, CX, DX, SI, DI uint64
	OrigAX, IP, CS, Flags, SP, SS        uint64
}

// frameOf reads one from the words that were captured of it.
func frameOf(w []uint64) Frame {
	return Frame{
		R15: w[0], R14: w[1], R13: w[2], R12: w[3], BP: w[4], BX: w[5],
		R11: w[6], R10: w[7], R9: w[8], R8: w[9], AX: w[10], CX: w[11], DX: w[12], SI: w[13], DI: w[14],
		OrigAX: w[15], IP: w[16], CS: w[17], Flags: w[18], SP: w[19], SS: w[20],
	}
}

func frameFrom(b []byte) Frame {
	var w [21]uint64
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return frameOf(w[:])
}

// GPR are its general registers by their numbers, with sp as RSP.
func (f *Frame) GPR() [16]uint64 {
	return [16]uint64{
		x86.RAX: f.AX, x86.RCX: f.CX, x86.RDX: f.DX, x86.RBX: f.BX, x86.RSP: f.SP, x86.RBP: f.BP, x86.RSI: f.SI, x86.RDI: f.DI,
		x86.R8: f.R8, x86.R9: f.R9, x86.R10: f.R10, x86.R11: f.R11, x86.R12: f.R12, x86.R13: f.R13, x86.R14: f.R14, x86.R15: f.R15,
	}
}
