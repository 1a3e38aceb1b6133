// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"strings"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// Known is a way in which QEMU 7.2's TCG is not what the manual has. It
// explains a difference only where the emulator did what the manual says.
type Known struct {
	Name string
	// Manual is what the manual says, and what QEMU does instead.
	Manual string
	// Ours marks one of the emulator's own, that is still to be made right.
	Ours bool

	// bits, of a defect that changes a value and nothing that follows, says
	// which bits of a field may differ.
	bits func(e *evidence, field int) uint64
	// ends, of a defect after which the machines are in different places,
	// says whether these records show it.
	ends func(e *evidence) bool
	// inSteps marks one that QEMU has only when it is stepped.
	inSteps bool
}

// evidence is two records that may differ: the emulator's and QEMU's.
type evidence struct {
	payload *Payload
	a, b    Record
}

func (e *evidence) at() unicorn.Insn { return e.payload.instruction(e.a.RIP()) }
func (e *evidence) user() bool       { return e.a[3]&3 == 3 }

// raised says that the emulator has a fault with error code 0, or the #DF
// that it became, at an instruction of these classes.
func (e *evidence) raised(vector int, classes ...unicorn.Class) bool {
	if e.a.Event() != vector && e.a.Event() != vecDF || e.a.ErrorCode() != 0 {
		return false
	}
	for _, c := range classes {
		if e.at().Class == c {
			return true
		}
	}
	return len(classes) == 0
}

const (
	arithmetic = flagCF | flagPF | flagAF | flagZF | flagSF | flagOF
	vecDB      = 1
	vecUD      = 6
	vecNM      = 7
	vecDF      = 8
	vecSS      = 12
	vecGP      = 13
	vecPF      = 14
	vecAC      = 17
)

func isCanonical(address uint64) bool { return uint64(int64(address<<16)>>16) == address }

// selectorFault says whether the error code is one of SDM vol. 3A, figure 7-7.
func selectorFault(event int) bool { return event >= 10 && event <= vecGP }

// KnownDefects are in the order in which they are tried.
var KnownDefects = []Known{
	{
		Name: "error-ext",
		Manual: "SDM vol. 3A 7.13: EXT is set in the error code of an exception during the delivery of an event external to the program. " +
			"QEMU never sets it.",
		bits: func(e *evidence, field int) uint64 {
			if field == fieldErrorCode && selectorFault(e.a.Event()) && e.a.ErrorCode()&1 == 1 {
				return 1
			}
			return 0
		},
	},
	{
		Name: "error-idt",
		Manual: "SDM vol. 3A 7.13, figure 7-7: the error code has the vector in bits 3 to 15 with IDT set, in IA-32e mode as elsewhere. " +
			"QEMU has twice the vector there (intno * 16 + 2).",
		bits: func(e *evidence, field int) uint64 {
			if field != fieldErrorCode || !selectorFault(e.a.Event()) || e.a.ErrorCode()&2 == 0 {
				return 0
			}
			if vector := e.a.ErrorCode() >> 3; e.b.ErrorCode() == vector*16+2 {
				return ^uint64(1)
			}
			return 0
		},
	},
	{
		Name: "error-reserved",
		Manual: "SDM vol. 3A 5.7: RSVD can be set in the error code of a #PF only if P is. " +
			"QEMU sets RSVD alone.",
		bits: func(e *evidence, field int) uint64 {
			if field == fieldErrorCode && e.a.Event() == vecPF && e.a.ErrorCode()&9 == 9 && e.b.ErrorCode()&9 == 8 {
				return 1
			}
			return 0
		},
	},
	{
		Name: "error-write",
		Manual: "SDM vol. 3A 5.7: W/R is set if the access that caused the #PF was a write. Processors, and Bochs, translate " +
			"the operand of a read-modify-write once, for a write. QEMU reads first, and reports a read where that faults.",
		bits: func(e *evidence, field int) uint64 {
			if field == fieldErrorCode && e.a.Event() == vecPF && e.at().RMW && e.a.ErrorCode()&2 == 2 {
				return 2
			}
			return 0
		},
	},
	{
		Name: "ist-null-ss",
		Manual: "SDM vol. 2A, INT n, INTRA-PRIVILEGE-LEVEL-INTERRUPT: an IST changes RSP; SS is set to null on a change of privilege level only, " +
			"which is what processors and Bochs do (vol. 3A 7.14.5 reads as if it were always). QEMU always does.",
		bits: func(e *evidence, field int) uint64 {
			switch {
			case e.user():
			case field == fieldSegments && e.b[field]>>16&0xffff == 0:
				return 0xffff << 16
			case field == fieldSS && e.b[field] == 0 && !e.payload.inCase(e.a.RIP()): // of a handler or what follows it
				return 0xffff
			}
			return 0
		},
	},
	{
		Name: "syscall-flags",
		Manual: "SDM vol. 2B, SYSCALL: RFLAGS becomes what it was, less the bits in IA32_FMASK. " +
			"QEMU forgets the arithmetic flags that it has not computed yet.",
		bits: func(e *evidence, field int) uint64 {
			if field == fieldHandlerRFLAGS && e.a.Event() == EventSyscall {
				return arithmetic
			}
			return 0
		},
	},
	{
		Name: "dr6-disabled",
		Manual: "SDM vol. 3B, \"Debug Status Register (DR6)\": B0 to B3 may or may not be set by a breakpoint that DR7 does not enable. " +
			"QEMU sets them by address alone; here none is set.",
		bits: func(e *evidence, field int) uint64 {
			if field != fieldDR6 || e.a.Event() == EventState {
				return 0
			}
			return 15 &^ e.payload.Program.Cases[e.a.Case()].breakpointsEnabled()
		},
	},
	{
		Name: "accessed-on-fault",
		Manual: "SDM vol. 3A 5.8: the accessed flag is set in entries that a translation uses; of an access that faults, the manual " +
			"says nothing. QEMU sets it on the way, level by level; here, as in Bochs, an access that faults sets none.",
		bits: func(e *evidence, field int) uint64 {
			if e.a.Event() == EventState && field == stateTables && e.a[stateTablesNotAccessed] == e.b[stateTablesNotAccessed] {
				return ^uint64(0)
			}
			return 0
		},
	},
	{
		Name: "stack-canonical",
		Manual: "SDM vol. 3A 7.15, interrupt 12: a stack reference to a non-canonical address is #SS(0). " +
			"QEMU's page walk raises #GP(0) whatever the segment.",
		ends: func(e *evidence) bool {
			return e.a.Event() == vecSS && e.a.ErrorCode()&^1 == 0 && e.b.Event() == vecGP && e.a.RIP() == e.b.RIP()
		},
	},
	{
		Name: "branch-canonical",
		Manual: "SDM vol. 2, JMP, CALL, RET, IRET, INT n: a target that is not canonical is #GP(0) with RIP at the " +
			"branch and nothing changed. QEMU jumps first, and faults on the fetch, with RIP at the target.",
		ends: func(e *evidence) bool {
			return e.raised(vecGP, unicorn.Ret, unicorn.JmpIndirect, unicorn.CallIndirect, unicorn.IRET, unicorn.INT) &&
				e.b.Event() == e.a.Event() && !isCanonical(e.b.RIP())
		},
	},
	{
		Name:   "sysret-canonical",
		Manual: "SDM vol. 2, SYSRET: a non-canonical RCX is #GP(0) at CPL 0. QEMU returns to CPL 3 first, as AMD does.",
		ends: func(e *evidence) bool {
			return e.a.Event() == vecGP && e.a.ErrorCode() == 0 && !e.user() && e.b[3]&3 == 3 && !isCanonical(e.b.RIP())
		},
	},
	{
		Name:   "base-canonical",
		Manual: "SDM vol. 2, WRMSR, WRGSBASE: a base that is not canonical is #GP(0). QEMU takes it.",
		ends: func(e *evidence) bool {
			const rax, rcx, rdx = 10, 11, 12
			if e.raised(vecGP, unicorn.WRMSR) {
				return e.a[rcx]&^7 == 0xc0000100 && !isCanonical(e.a[rdx]<<32|e.a[rax]&0xffffffff)
			}
			return e.raised(vecGP, unicorn.WriteFSGSBase)
		},
	},
	{
		Name:   "msr-unknown",
		Manual: "SDM vol. 2, RDMSR and WRMSR: a reserved or unimplemented address is #GP(0). QEMU reads 0 and ignores writes.",
		ends: func(e *evidence) bool {
			return e.raised(vecGP, unicorn.RDMSR, unicorn.WRMSR) && e.a[11] == 0x12345
		},
	},
	{
		Name:   "cr8-reserved",
		Manual: "SDM vol. 2, MOV CR: a value with bits 63:4 set in CR8 is #GP(0). QEMU drops them.",
		ends:   func(e *evidence) bool { i := e.at(); return e.raised(vecGP, unicorn.MovToCR) && i.Reg() == 8 },
	},
	{
		Name:   "alignment-check",
		Manual: "SDM vol. 3A 7.15, interrupt 17: CR0.AM and EFLAGS.AC at CPL 3 check alignment. QEMU's TCG has no #AC.",
		ends:   func(e *evidence) bool { return e.raised(vecAC) && e.user() },
	},
	{
		Name:   "icebp",
		Manual: "SDM vol. 2, INT1 (opcode F1): vector 1, a trap, without a check of the gate's DPL. QEMU has #UD.",
		ends: func(e *evidence) bool {
			return e.a.Event() == vecDB && e.b.Event() == vecUD && e.payload.instruction(e.b.RIP()).Class == unicorn.INT1 && e.a.RIP() == e.b.RIP()+1
		},
	},
	{
		Name:   "emms",
		Manual: "SDM vol. 2A, EMMS: #NM if CR0.TS is set, #UD if CR0.EM is. QEMU executes it.",
		ends: func(e *evidence) bool {
			i := e.at()
			return (e.a.Event() == vecNM || e.a.Event() == vecUD) && i.Map == 1 && i.Opcode == 0x77
		},
	},
	{
		Name:   "return-ss-absent",
		Manual: "SDM vol. 2, IRET and RET: a stack segment that is not present is #SS(selector). QEMU has #NP(selector).",
		ends: func(e *evidence) bool {
			const vecNP = 11
			return e.a.Event() == vecSS && e.b.Event() == vecNP && e.a.ErrorCode() == e.b.ErrorCode() && e.a.ErrorCode() != 0 && e.a.RIP() == e.b.RIP()
		},
	},
	{
		Name: "handler-at-cpl-3",
		Manual: "SDM vol. 3A 5.6.1 and 7.12.1: the handler of a gate whose code segment is conforming, or has DPL 3, runs at CPL 3, and the frame is " +
			"pushed with the rights of that. QEMU always pushes as a supervisor.",
		ends: func(e *evidence) bool {
			return e.a.Event() == vecPF && e.user() && e.a.ErrorCode()&6 == 6 && e.at().Class == unicorn.INT &&
				(e.payload.atStub(e.b.RIP()) && e.b[3]&3 == 3 || e.b.ErrorCode() == e.a.ErrorCode()&^4)
		},
	},
	{
		Name: "trap-and-breakpoint",
		Manual: "SDM vol. 3A, table 7-2: a trap on the previous instruction comes before the instruction breakpoint of the next, which is a " +
			"#DB of its own. QEMU puts both into one.",
		ends: func(e *evidence) bool {
			if e.a.Event() != e.b.Event() || e.a.Event() == EventState || e.a.RIP() != e.b.RIP() {
				return false
			}
			a, b := e.a[fieldDR6], e.b[fieldDR6]
			return b&^a != 0 && (b&^a)&^15 == 0 && a&^b == 0 && a&(1<<14|15) != 0
		},
	},
	{
		Name: "cmpxchg8b-flags",
		Manual: "SDM vol. 2A, CMPXCHG8B: ZF is set or cleared, the other flags are unaffected. QEMU computes them from operands of an older " +
			"instruction, and bits beyond the flags too.",
		ends: func(e *evidence) bool {
			text := strings.Join(e.payload.Program.Cases[e.a.Case()].Text, ";")
			return strings.Contains(text, "cmpxchg8b") && e.a.Event() == e.b.Event() && e.a.RIP() == e.b.RIP() && e.a[fieldHandlerRFLAGS] != e.b[fieldHandlerRFLAGS]
		},
	},
	{
		Name: "code-l-and-d",
		Manual: "SDM vol. 2, RET, JMP, CALL: a far transfer to a code segment with both L and D is #GP(selector). QEMU does not look, " +
			"nor before it looks at SS.",
		ends: func(e *evidence) bool {
			const both = 0x80
			return e.a.Event() == vecGP && e.a.ErrorCode() == both && (e.b[3] == both || e.b.ErrorCode() != both)
		},
	},
	{
		Name: "pops-as-supervisor",
		Manual: "SDM vol. 3A 5.6.1: what an instruction at CPL 3 reads, it reads as a user, IRET and far RET their frame among it. QEMU's pop as a " +
			"supervisor, whom SMAP stops and a supervisor's page does not.",
		ends: func(e *evidence) bool {
			class := e.payload.instruction(e.b.RIP()).Class
			if e.a.Event() == vecPF && e.a.ErrorCode()&4 != 0 {
				class = e.at().Class
			}
			if class != unicorn.IRET && class != unicorn.Segment && class != unicorn.Far {
				return false
			}
			return e.b[3]&3 == 3 && e.b.Event() == vecPF && e.b.ErrorCode()&4 == 0 || e.user() && e.a.Event() == vecPF && e.a.ErrorCode()&4 != 0
		},
	},
	{
		Name: "nxe-translations",
		Manual: "SDM vol. 3A 5.10.4: a translation may be kept until something invalidates it, and a write of EFER.NXE need not. " +
			"QEMU keeps what it has, here all are dropped.",
		ends: func(e *evidence) bool {
			return strings.Contains(strings.Join(e.payload.Program.Cases[e.a.Case()].Text, ";"), "btcl $11")
		},
	},
	{
		Name:   "sysret-vip",
		Manual: "SDM vol. 2B, SYSRET: RFLAGS becomes R11 & 3C7FD7H, VIF and VIP among it. QEMU leaves these two out.",
		bits: func(e *evidence, field int) uint64 {
			const virtual = 3 << 19
			if field == fieldRFLAGS || field == fieldHandlerRFLAGS || field == fieldR11 && e.a.Event() == EventSyscall {
				return e.a[field] & virtual
			}
			return 0
		},
	},
	{
		Name: "cmpxchg-accumulator",
		Manual: "SDM vol. 2A, CMPXCHG: where the operand is equal, the accumulator is not written. QEMU has that; the engine clears the upper half of " +
			"RAX with a 32-bit operand.",
		Ours: true,
		ends: func(e *evidence) bool {
			const rax = 10
			text := strings.Join(e.payload.Program.Cases[e.a.Case()].Text, ";")
			return strings.Contains(text, "cmpxchgl") && e.a[rax] == e.b[rax]&0xffffffff && e.a[rax] != e.b[rax] && e.a.RIP() == e.b.RIP()
		},
	},
	{
		Name: "sse-alignment",
		Manual: "SDM vol. 2, tables 2-18 and 2-19: MOVAPS, MOVDQA and their kin are #GP(0) for an operand that is not aligned, before any #PF. " +
			"QEMU has that; the engine does not look.",
		Ours: true,
		ends: func(e *evidence) bool {
			i := e.payload.instruction(e.b.RIP())
			return (e.b.Event() == vecGP || e.b.Event() == vecDF) && e.b.ErrorCode() == 0 && i.Map == 1 && (i.Opcode == 0x28 || i.Opcode == 0x29 || i.Opcode == 0x6f || i.Opcode == 0x7f)
		},
	},
	{
		Name:   "step-after-sti",
		Manual: "SDM vol. 3A 7.8.3 and vol. 2B, STI: it delays maskable interrupts, no debug trap. QEMU has no single-step trap after it.",
		ends: func(e *evidence) bool {
			if e.a.Event() != vecDB || e.a[fieldDR6]&(1<<14) == 0 {
				return false
			}
			before := e.payload.instruction(e.a.RIP() - 1)
			return before.Class == unicorn.STI && before.Length == 1
		},
	},
	{
		Name: "step-after-rep",
		Manual: "SDM vol. 2B, REP: the iteration that leaves RCX at 0, or a condition unmet, ends the instruction. QEMU with -icount comes back once more " +
			"to see that, and traps for it.",
		ends: func(e *evidence) bool {
			again := e.payload.instruction(e.b.RIP())
			if e.b.Event() != vecDB || again.Class != unicorn.RepString {
				return false
			}
			return e.a.Event() != vecDB || e.a.RIP() == e.b.RIP()+uint64(again.Length)
		},
	},
	{
		Name: "data-breakpoint-late",
		Manual: "SDM vol. 3B, \"Data Memory and I/O Breakpoint Exception Conditions\": a data breakpoint traps after the instruction that made the access. " +
			"QEMU traps in the handler instead where that instruction ended in another exception, and for a fault too, where there is no trap.",
		ends: func(e *evidence) bool {
			return e.b.Event() == vecDB && e.b[fieldDR6]&15 != 0 && e.payload.atStub(e.b.RIP()) && e.a.Event() < 32
		},
	},
	{
		Name: "data-breakpoint-unaligned",
		Manual: "SDM vol. 3B, \"Data Memory and I/O Breakpoint Exception Conditions\": a data breakpoint needs an access to one of its bytes. " +
			"QEMU takes a write of 8 bytes that is not aligned for a hit, wherever in the page it is.",
		ends: func(e *evidence) bool {
			bits := e.b[fieldDR6] & 15
			return e.b.Event() == vecDB && bits == 1 && e.b[fieldDR6]&(1<<14) == 0 && e.a.Event() != vecDB &&
				e.payload.Program.Cases[e.a.Case()].writesUnaligned()
		},
	},
	{
		Name: "step-breakpoint",
		Manual: "SDM vol. 3B, \"Instruction-Breakpoint Exception Condition\": an instruction breakpoint does not fire while RF is set. When QEMU stops " +
			"for a step at the address of one, breakpoint_handler raises #DB without a look at RF, and again after the handler's IRET; " +
			"a data breakpoint that is hit together with a trap loses its bit in DR6.",
		inSteps: true,
	},
}

// known finds a defect by name.
func known(name string) (Known, bool) {
	for _, k := range KnownDefects {
		if k.Name == name {
			return k, true
		}
	}
	return Known{}, false
}
