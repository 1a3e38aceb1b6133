// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"regexp"
	"strings"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// larOfGate: 0xd0 is a 16-bit call gate.
var larOfGate = regexp.MustCompile(`movl \$0xd0, %eax[;\n ]+l(ar|sl)`)

// knownPartings leave the machines in different places, in the order in which
// they are tried.
var knownPartings = []Known{
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
			handlers := e.a.Event() == vecGP && e.a.ErrorCode() == 0 && e.payload.inHandlers(e.a.RIP()) // its IRET
			return (handlers || e.raised(vecGP, unicorn.Ret, unicorn.JmpIndirect, unicorn.CallIndirect, unicorn.IRET, unicorn.INT)) &&
				e.b.Event() == e.a.Event() && !isCanonical(e.b.RIP())
		},
	},
	{
		Name:   "sysret-canonical",
		Manual: "SDM vol. 2, SYSRET: a non-canonical RCX is #GP(0) at CPL 0. QEMU returns to CPL 3 first, as AMD does.",
		ends: func(e *evidence) bool {
			return e.raised(vecGP) && !e.user() && e.b[3]&3 == 3 && !isCanonical(e.b.RIP())
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
			return (e.a.Event() == vecNM || e.a.Event() == vecUD || e.a.Event() == vecDF && e.a.RIP() != e.b.RIP()) && i.Map == 1 && i.Opcode == 0x77
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
			if e.a.Event() != vecPF || !e.user() {
				return false
			}
			if e.payload.atStub(e.a.RIP()) { // SMAP stops QEMU's push; here it is done, and CPL 3 may not execute the handler
				const supervisorWrite = 3
				return e.payload.instruction(e.b.RIP()).Class == unicorn.INT && e.b.Event() == vecPF && e.b.ErrorCode() == supervisorWrite
			}
			const presentAndUser = 5
			return e.a.ErrorCode()&6 == 6 && e.at().Class == unicorn.INT &&
				(e.payload.atStub(e.b.RIP()) && e.b[3]&3 == 3 || e.b.ErrorCode() == e.a.ErrorCode()&^4 ||
					e.a.ErrorCode()&8 != 0 && e.b.ErrorCode() == e.a.ErrorCode()&^presentAndUser)
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
			if !e.mentions("cmpxchg8b") || e.a.Event() != e.b.Event() || e.a.RIP() != e.b.RIP() {
				return false
			}
			return e.a[fieldHandlerRFLAGS] != e.b[fieldHandlerRFLAGS] || e.mentions("sbb") || e.mentions("adc")
		},
	},
	{
		Name: "code-l-and-d",
		Manual: "SDM vol. 2, RET, JMP, CALL: a far transfer to a code segment with both L and D is #GP(selector). QEMU does not look, " +
			"nor before it looks at SS.",
		ends: func(e *evidence) bool {
			const both = 0x80
			if e.a.Event() == vecDF && e.b[3] == both {
				return e.at().Class == unicorn.Far
			}
			return e.a.Event() == vecGP && e.a.ErrorCode() == both && (e.b[3] == both || e.b.ErrorCode() != both)
		},
	},
	{
		Name: "pops-as-supervisor",
		Manual: "SDM vol. 3A 5.6.1: what an instruction at CPL 3 reads, it reads as a user, IRET and far RET their frame among it. QEMU's pop as a " +
			"supervisor, whom SMAP stops and a supervisor's page does not.",
		ends: func(e *evidence) bool {
			pops := func(i unicorn.Insn) bool { return i.Class == unicorn.IRET || i.Class == unicorn.Far }
			return pops(e.payload.instruction(e.b.RIP())) && e.b[3]&3 == 3 && e.b.Event() == vecPF && e.b.ErrorCode()&4 == 0 ||
				pops(e.at()) && e.user() && e.a.Event() == vecPF && e.a.ErrorCode()&4 != 0
		},
	},
	{
		Name: "nxe-translations",
		Manual: "SDM vol. 3A 5.10.4: a translation may be kept until something invalidates it, and a write of EFER.NXE need not. " +
			"QEMU keeps what it has, here all are dropped.",
		ends: func(e *evidence) bool {
			text := strings.Join(e.payload.Program.Cases[e.a.Case()].Text, ";")
			return strings.Contains(text, "btcl $11") && (e.a.Event() == vecPF || e.a.Event() == vecDF)
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
		Name:   "null-ss",
		Manual: "SDM vol. 2B, MOV: in 64-bit mode a null SS is #GP(0) unless its RPL is the CPL. QEMU loads it.",
		ends: func(e *evidence) bool {
			return e.raised(vecGP, unicorn.LoadSS, unicorn.LoadFar) && e.a.RIP() != e.b.RIP()
		},
	},
	{
		Name:   "enter-probe",
		Manual: "SDM vol. 2A, ENTER: #PF where a write by the final stack pointer would fault. QEMU does not look.",
		ends: func(e *evidence) bool {
			return e.a.Event() == vecPF && e.a.ErrorCode()&2 != 0 && e.at().Class == unicorn.ENTER && e.a.RIP() != e.b.RIP()
		},
	},
	{
		Name:   "lar-type",
		Manual: "SDM vol. 2A, LAR and LSL, the tables of types: 16-bit gates and TSSs are not valid in IA-32e mode. QEMU takes them.",
		ends: func(e *evidence) bool {
			return larOfGate.MatchString(strings.Join(e.payload.Program.Cases[e.a.Case()].Text, "\n"))
		},
	},
	{
		Name:   "step-after-sti",
		Manual: "SDM vol. 3A 7.8.3 and vol. 2B, STI: it delays maskable interrupts, no debug trap. QEMU has no single-step trap after it.",
		ends: func(e *evidence) bool {
			if e.a.Event() != vecDB && e.a.Event() != vecDF || e.a[fieldDR6]&(1<<14) == 0 {
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
			bits, there := e.hit(), e.a.Event() == vecDB && e.a.RIP() == e.b.RIP()
			return e.b.Event() == vecDB && (bits == 1 || bits == 8) && e.b[fieldDR6]&(1<<14) == 0 && !there &&
				e.payload.Program.Cases[e.a.Case()].writesUnaligned()
		},
	},
	{
		Name: "canonical-first",
		Manual: "SDM vol. 1 3.3.7.1: all of an access has to be canonical before it is translated. QEMU faults on the page below the hole before it gets to what " +
			"lies in it.",
		ends: func(e *evidence) bool {
			const lastPage, hole = 0x7ffffffff000, 0x800000000000
			cr2 := e.b[fieldCR2]
			return (e.raised(vecGP) || e.raised(vecSS)) && e.b.Event() == vecPF && e.a.RIP() == e.b.RIP() && cr2 >= lastPage && cr2 < hole
		},
	},
	{
		Name: "breakpoint-after-ss",
		Manual: "SDM vol. 3B, \"Instruction-Breakpoint Exception Condition\": the breakpoint of an instruction right behind MOV SS is suppressed. " +
			"QEMU's is not.",
		ends: func(e *evidence) bool {
			before := e.payload.instruction(e.b.RIP() - 2)
			return e.b.Event() == vecDB && e.hit() != 0 && e.a.RIP() != e.b.RIP() && before.Class == unicorn.LoadSS && before.Length == 2
		},
	},
	{
		Name: "breakpoint-in-rep",
		Manual: "SDM vol. 3B, \"Instruction-Breakpoint Exception Condition\": a repeated string instruction meets its breakpoint once, before the first " +
			"iteration. QEMU drops RF after the first, and meets it again.",
		ends: func(e *evidence) bool {
			again := e.payload.instruction(e.b.RIP())
			return e.b.Event() == vecDB && e.hit() != 0 && again.Class == unicorn.RepString && e.a[fieldRCX] < e.b[fieldRCX]
		},
	},
	{
		Name:   "sse-undefined-first",
		Manual: "SDM vol. 3A, table 7-2: an invalid opcode comes before a coprocessor that is not available, and an SSE instruction is one with CR0.EM. QEMU has #NM.",
		ends: func(e *evidence) bool {
			return e.a.Event() == vecUD && e.b.Event() == vecNM && e.a.RIP() == e.b.RIP()
		},
	},
	{
		Name: "push-smap-ac",
		Manual: "SDM vol. 3A 5.6.1: RFLAGS.AC lets a supervisor access a user's page in spite of SMAP, unless it is an implicit access to the GDT, the LDT, the IDT " +
			"or the TSS. QEMU takes the push of a frame on a change of privilege level for one of these.",
		ends: func(e *evidence) bool {
			const smapFault = 0x40000000 // the user's pages are there
			return e.user() && e.a[fieldRFLAGS]&flagAC != 0 && e.b.Event() == vecDF && e.a.Event() != vecDF && e.a.RIP() == e.b.RIP() && e.b[fieldCR2] >= smapFault
		},
	},
	{
		Name: "setcc-flags",
		Manual: "SDM vol. 2B, SETcc: flags are not affected, nor where the write faults. QEMU may have put them into another form by then, and goes by " +
			"the old one.",
		ends: func(e *evidence) bool {
			i := e.at()
			only := e.a.Event() == e.b.Event() && e.a.RIP() == e.b.RIP() && (e.a[fieldRFLAGS]^e.b[fieldRFLAGS])&^(arithmetic|FlagRF) == 0
			return only && i.Map == 1 && i.Opcode&0xf0 == 0x90
		},
	},
	{
		Name: "sse-half-loaded",
		Manual: "SDM vol. 3A 7.5: after a fault the instruction can be restarted, with registers as they were. QEMU has that; the engine has loaded the lower " +
			"half of an XMM register when MOVUPS faults on the second of two pages. Seen in steps: the logs have no XMM registers.",
		Ours: true,
		stepped: func(fields []Field, inHandler bool) bool {
			return inHandler && len(fields) == 1 && strings.HasPrefix(fields[0].Name, "XMM") && strings.HasSuffix(fields[0].Name, " low")
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
