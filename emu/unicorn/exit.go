// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "engine.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// Reason is why a run ended.
type Reason uint32

const (
	_               Reason = C.EXIT_NONE
	ExitLimit       Reason = C.EXIT_LIMIT
	ExitWindow      Reason = C.EXIT_WINDOW
	ExitInstruction Reason = C.EXIT_INSTRUCTION
	ExitException   Reason = C.EXIT_EXCEPTION
	ExitFault       Reason = C.EXIT_FAULT
	ExitBus         Reason = C.EXIT_BUS
	ExitWatch       Reason = C.EXIT_WATCH
	ExitProbe       Reason = C.EXIT_PROBE
	ExitStep        Reason = C.EXIT_STEP
	ExitStop        Reason = C.EXIT_STOP
	ExitError       Reason = C.EXIT_ERROR
	ExitLog         Reason = C.EXIT_LOG // what is written down must be taken
)

// Kind is how memory is accessed.
type Kind uint32

const (
	Read  Kind = C.ACCESS_READ
	Write Kind = C.ACCESS_WRITE
	Fetch Kind = C.ACCESS_FETCH
	Peek  Kind = C.ACCESS_PEEK // a debugger's, whom no right refuses; for Walk
)

func (k Kind) String() string { return [...]string{"read", "write", "fetch", "peek"}[k] }

// Exit is why a run ended, and the data of that reason.
type Exit struct {
	Reason    Reason
	Vector    uint8  // ExitException; ExitFault: 14, or 13 where the address is not canonical
	ErrorCode uint32 // of the exception; for ExitError, libunicorn's code
	Address   uint64 // ExitFault, ExitBus, ExitWatch: linear, of the first byte refused
	Physical  uint64 // ExitBus, ExitWatch
	Kind      Kind   // of the access
	Insn      Insn   // ExitInstruction; of an access that is not a fetch, the instruction that makes it
}

func (c *CPU) exit() Exit {
	x := &c.e.exit
	out := Exit{
		Reason:    Reason(x.reason),
		Vector:    uint8(x.vector),
		ErrorCode: uint32(x.error_code),
		Address:   uint64(x.address),
		Physical:  uint64(x.physical),
		Kind:      Kind(x.kind),
	}
	if out.Reason == ExitException {
		out.ErrorCode = c.get32(c.library.layout.errorCode)
	}
	if x.insn.length > 0 {
		out.Insn = newInsn(&x.insn, x.bytes[:])
	}
	return out
}

// Err is the error of an [ExitError].
func (x Exit) Err() error {
	return fmt.Errorf("libunicorn failed: %s", C.GoString(C.engine_error(C.int(x.ErrorCode))))
}

// Class is what kind of instruction one is, for the machine.
type Class uint8

// Instructions that the machine carries out itself.
const (
	Plain Class = iota
	In
	Out
	Ins
	Outs
	HLT
	CPUID
	RDMSR
	WRMSR
	MovFromCR
	MovToCR
	MovFromDR
	MovToDR
	LMSW
	CLTS
	INVLPG
	INVPCID
	LGDT
	LIDT
	XSETBV
	SYSCALL
	SYSRET
	SYSENTER
	SYSEXIT
	IRET
	INT
	INT3
	INTO
	INT1
	StacClac
	WriteFSGSBase // RDFSBASE and RDGSBASE are plain
	RDRAND        // and RDSEED, RDPID: the last three bits of ModRM's reg field tell
	Monitor       // and MWAIT
	SWAPGS
	RDPMC
	LTR
	LLDT
	LoadSS    // MOV SS in 64-bit mode
	LoadFar   // LSS in 64-bit mode, and LFS and LGS of 64 bits
	LAR       // and LSL
	ENTER     // in 64-bit mode
	CLFLUSH   // and CLFLUSHOPT
	Far       // transfers in 64-bit mode
	Near      // branches in 64-bit mode with an operand-size prefix, and RET of 32 KiB or more
	NOP       // that the engine takes for undefined
	Undefined // that the engine would carry out
	POPF      // where it may turn alignment checks on, else the engine's own
	Aligned   // SSE with a memory operand that is not aligned as it must be, else the engine's own
	_
	PUSHF
	STI
	MovSS // and POP SS, outside 64-bit mode
	RDTSC
	Ret
	JmpIndirect
	CallIndirect
	RepString
	Segment // loads a segment register or reads a descriptor
	CmpxchgWide
)

// Insn is a decoded instruction, as far as the machine looks.
type Insn struct {
	Bytes            [15]byte
	Length           int
	Class            Class
	Opcode           byte // the last byte of it
	Map              byte // 0 one-byte, 1 0F, 2 0F 38, 3 0F 3A
	ModRM            byte
	SIB              byte
	REX              byte
	Immediate        byte // its lowest byte
	Displacement     int32
	Segment          int // the override, -1 for none
	Needs            Need
	Operand16        bool // 66
	Address32        bool // 67
	Rep, Repne, Lock bool
	HasModRM         bool
	RMW              bool // reads its memory operand in order to write it
	Stack            bool // addresses memory through the stack segment
}

// Reg and RM are the register numbers in ModRM with the bits of REX.
func (i *Insn) Reg() int { return int(i.ModRM>>3&7 | i.REX<<1&8) }

// RM is the register number of the r/m operand, if it is a register.
func (i *Insn) RM() int { return int(i.ModRM&7 | i.REX<<3&8) }

func newInsn(i *C.struct_insn, p []C.uint8_t) Insn {
	out := Insn{
		Length:    int(i.length),
		Class:     Class(i.kind),
		Opcode:    byte(i.opcode),
		Map:       byte(i.opmap),
		ModRM:     byte(i.modrm),
		SIB:       byte(i.sib),
		REX:       byte(i.rex),
		Immediate: byte(i.immediate),
		Segment:   int(int8(i.segment)),
		Needs:     Need(i.needs),
		Operand16: i.prefixes&C.PREFIX_OPERAND != 0,
		Address32: i.prefixes&C.PREFIX_ADDRESS != 0,
		Rep:       i.prefixes&C.PREFIX_REP != 0,
		Repne:     i.prefixes&C.PREFIX_REPNE != 0,
		Lock:      i.prefixes&C.PREFIX_LOCK != 0,
		HasModRM:  i.has_modrm != 0,
		RMW:       i.read_modify_write != 0,
		Stack:     i.stack != 0,
	}
	out.Displacement = int32(i.displacement)
	for n := range out.Bytes {
		out.Bytes[n] = byte(p[n])
	}
	return out
}

// Decode reads the instruction at the start of code for a code segment of 16,
// 32 or 64 bits. Length is 0 if the bytes end before the instruction does.
func Decode(code []byte, bits int) Insn {
	var i C.struct_insn
	var p [16]C.uint8_t
	n := copy(unsafe.Slice((*byte)(unsafe.Pointer(&p[0])), 15), code)
	C.decode(&i, &p[0], C.int(n), C.int(bits))
	return newInsn(&i, p[:])
}
