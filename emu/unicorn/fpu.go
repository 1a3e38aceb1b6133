// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "engine.h"
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// FPU is the x87 and SSE state, as FXSAVE64 has it (SDM vol. 1, table 10-2)
// but with ST registers in the order of their numbers.
type FPU struct {
	Control, Status, Tag uint16 // FCW, FSW with TOP, and two bits of tag a register
	Opcode               uint16
	Instruction, Operand uint64
	ST                   [8][10]byte
	MXCSR                uint32
	XMM                  [16][16]byte
}

// Numbers of libunicorn's public interface.
const (
	regFPSW  = 31
	regST0   = 114
	regXMM0  = 122
	regFPCW  = 246
	regFPTAG = 247
	regMXCSR = 249
	regFIP   = 254
	regFDP   = 256
	regFOP   = 258
)

// FPU reads the x87 and SSE registers.
func (c *CPU) FPU() FPU {
	defer runtime.KeepAlive(c)
	var f FPU
	c.transferFPU(&f, func(id int, p unsafe.Pointer) { C.engine_read_register(c.e, C.int(id), p) })
	return f
}

// SetFPU writes them.
func (c *CPU) SetFPU(f *FPU) {
	defer runtime.KeepAlive(c)
	own := *f // cgo wants an object without Go pointers in it
	c.transferFPU(&own, func(id int, p unsafe.Pointer) { C.engine_write_register(c.e, C.int(id), p) })
}

func (c *CPU) transferFPU(f *FPU, move func(id int, p unsafe.Pointer)) {
	if c.closed {
		return
	}
	move(regFPCW, unsafe.Pointer(&f.Control))
	move(regFPSW, unsafe.Pointer(&f.Status)) // TOP first: ST registers are counted from it
	move(regFPTAG, unsafe.Pointer(&f.Tag))
	for i := range f.ST {
		move(regST0+i, unsafe.Pointer(&f.ST[i]))
	}
	move(regFIP, unsafe.Pointer(&f.Instruction))
	move(regFDP, unsafe.Pointer(&f.Operand))
	move(regFOP, unsafe.Pointer(&f.Opcode))
	move(regMXCSR, unsafe.Pointer(&f.MXCSR))
	for i := range f.XMM {
		move(regXMM0+i, unsafe.Pointer(&f.XMM[i]))
	}
}
