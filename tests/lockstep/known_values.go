// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

// knownValues change a value and nothing that follows.
var knownValues = []Known{
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
			const pushed = 0x7ffffffffff8 // a target whose code a CALL may have written over
			if field == fieldErrorCode && e.a.Event() == vecPF && (e.at().RMW || e.a.RIP()&^7 == pushed) && e.a.ErrorCode()&2 == 2 {
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
		Name:   "sysret-flags",
		Manual: "SDM vol. 2B, SYSRET: RFLAGS becomes R11 & 3C7FD7H, VIF and VIP among it, VM not. QEMU leaves these two out, and takes VM.",
		bits: func(e *evidence, field int) uint64 {
			const virtual, vm = 3 << 19, 1 << 17
			if field == fieldRFLAGS || field == fieldHandlerRFLAGS || field == fieldR11 && e.a.Event() == EventSyscall {
				return e.a[field]&virtual | e.b[field]&vm
			}
			return 0
		},
	},
	{
		Name: "fmask-upper",
		Manual: "SDM vol. 3A, figure 6-14: bits 63:32 of IA32_FMASK are reserved, and WRMSR does not say that they fault. " +
			"QEMU keeps what is written, here as in Bochs they are 0.",
		bits: func(e *evidence, field int) uint64 {
			const rdx, stateFMASK = 12, 8
			switch {
			case e.a.Event() == EventState:
				if field == stateFMASK && e.a[field] == e.b[field]&0xffffffff {
					return ^uint64(0)
				}
			case field == rdx && e.a[rdx] == 0 && e.mentions("$0xc0000084, %ecx") && e.mentions("rdmsr"):
				return ^uint64(0)
			}
			return 0
		},
	},
	{
		Name: "pushed-rf",
		Manual: "SDM vol. 3B, \"Instruction-Breakpoint Exception Condition\": RF is set in what a fault pushes, and clear in what INT n does. QEMU pushes what " +
			"RF was. This is what comes of it in memory and in a register that is loaded from there.",
		bits: func(e *evidence, field int) uint64 {
			switch {
			case e.a.Event() == EventState:
				if field == stateMemory && e.a[stateMemoryNotRF] == e.b[stateMemoryNotRF] {
					return ^uint64(0)
				}
			case field >= fieldRAX && field <= fieldR15:
				const never = 1<<3 | 1<<5 | 1<<15 | ^uint64(1<<22-1)
				if v := e.a[field]; v&never == 0 && v&2 != 0 {
					return FlagRF
				}
			}
			return 0
		},
	},
	{
		Name: "null-fs-gs",
		Manual: "SDM vol. 2A, IRET and RET to an outer privilege level: a data segment register with a null selector gets 0, whichever of the four nulls it " +
			"had. QEMU leaves FS and GS as they are.",
		bits: func(e *evidence, field int) uint64 {
			var bits uint64
			if field == fieldFSGS && e.a.Event() != EventState {
				for _, at := range []int{0, 16} {
					if e.a[field]>>at&0xffff == 0 && e.b[field]>>at&0xffff <= 3 {
						bits |= 3 << at
					}
				}
			}
			return bits
		},
	},
}
