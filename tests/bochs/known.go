// SPDX-License-Identifier: GPL-2.0-or-later

package bochs

import "regexp"

// Verdict says whose word the manual takes.
type Verdict string

const (
	BochsWrong Verdict = "Bochs is wrong"
	Open       Verdict = "left open"
	EngineGap  Verdict = "the engine is wrong" // and not worked round
)

// Known is a difference that has been looked into.
type Known struct {
	ID      string
	Verdict Verdict
	Bochs   string // what it does
	Here    string
	Manual  string // the manual's word, with its section
	cases   *regexp.Regexp
	lines   *regexp.Regexp // of Difference; nil is any
}

func known(id string, v Verdict, cases, lines, bochs, here, manual string) Known {
	k := Known{ID: id, Verdict: v, Bochs: bochs, Here: here, Manual: manual, cases: regexp.MustCompile(cases)}
	if lines != "" {
		k.lines = regexp.MustCompile(lines)
	}
	return k
}

// explains says whether a line of a case's difference is this one's doing.
func (k *Known) explains(name, line string) bool {
	return k.cases.MatchString(name) && (k.lines == nil || k.lines.MatchString(line))
}

// stackError is a line about the error code of #SS for a stack that is not
// canonical.
const stackError = `^events: .*#SS\(0x[12][89]\).*, here .*#SS\(0x[01]\)|^\[0x2ffd0\]: 0x[12][89], here (0x1|as before)$`

// Differences are all that the cases show. One that no case shows any more
// has to leave the list; a test sees to it.
var Differences = []Known{
	known("df-rf", Open, ``, `^\[0x3[0-9a-f]+\]: 0x1[0-9a-f]+2, here 0x[0-9a-f]+$`,
		"sets RF in the frame of #DF", "saves RF as it was",
		"SDM vol. 3B, Instruction-Breakpoint Exception Condition: RF is set in the frame of faults. #DF is an abort (vol. 3A 7.15), of which nothing is said."),
	known("gd-rf", Open, `^debug-registers/.*GD`, `^\[0x2ffe8\]: 0x[0-9a-f]+, here 0x1[0-9a-f]+$`,
		"saves RF as it was for the #DB of general detect", "sets RF",
		"SDM vol. 3B, Instruction-Breakpoint Exception Condition: RF is set for every fault but an instruction breakpoint's #DB. General detect is a fault."),
	known("gd-privilege", Open, `^debug-registers/.*GD, CPL 3`, ``,
		"raises the #DB of general detect at CPL 3", "raises #GP(0)",
		"SDM vol. 2B, MOV to and from debug registers, lists #GP(0) for a CPL above 0 and #DB for GD without an order."),
	known("stack-error-code", BochsWrong, `^(delivery-stack|double-fault|far-transfers)/`, stackError,
		"names the old SS in the error code of #SS where RSPn or ISTn is not canonical", "gives #SS(EXT)",
		"SDM vol. 2A, INT n: a new stack pointer that is not canonical is #SS(EXT), and the error code has a null selector."),
	known("handler-canonical", BochsWrong, `^(gates/.*handler at|canonical-branch/far call)`, `^\[0x[0-9a-f]+\]: .*, here as before$`,
		"pushes the frame before it finds that the target is not canonical", "pushes nothing",
		"SDM vol. 2A, INT n and CALL: the target is checked before the pushes."),
	known("compatibility-rsp", Open, `^(fast-calls/sysretd|far-transfers/.* to 32-bit code of CPL 0 from CPL 0)`, ``,
		"clears the upper half of RSP on the way to 32-bit code", "keeps it",
		"SDM vol. 1 3.4.1.1: the upper halves are undefined in 32-bit modes, and software must not rely on them."),
	known("syscall-rpl", BochsWrong, `^fast-calls/syscall with STAR's selector`, `^ss: `,
		"clears the RPL of STAR[47:32] before it adds 8 for SS", "clears it for CS only",
		"SDM vol. 2B, SYSCALL: SS.Selector is IA32_STAR[47:32] + 8; only that of CS is masked with FFFCH."),
	known("iret-absent-ss", BochsWrong, `^iret-selectors/.*SS absent data`, ``,
		"raises #NP for an SS that is not present", "raises #SS",
		"SDM vol. 2A, IRET: a stack segment that is not present is #SS(selector)."),
	known("iretd-words", BochsWrong, `^iret-selectors/iret[dw] of five words`, `^rsp: |^\[0x2fff0\]`,
		"pops three words where IRETD or IRETW stays at CPL 3", "pops five",
		"SDM vol. 3A 7.14.3: in 64-bit mode IRET pops SS:RSP unconditionally, whatever the operand size."),
	known("tsc-aux", BochsWrong, `^msrs/wrmsr TSC_AUX`, ``,
		"drops the upper half of what is written to TSC_AUX", "raises #GP(0)",
		"SDM vol. 4, IA32_TSC_AUX: bits 63:32 are reserved; vol. 2D, WRMSR: setting reserved bits is #GP(0)."),
	known("smap-implicit", BochsWrong, `^page-implicit/.*SMAP, AC`, ``,
		"lets EFLAGS.AC allow implicit supervisor accesses to user pages", "refuses them",
		"SDM vol. 3A 5.6.1: with CR4.SMAP, implicit supervisor-mode accesses to user-mode addresses are refused whatever AC is."),
	known("order-of-reads", Open, `^(canonical-stack/(retfq|iretq) with RSP|far-transfers/retfq from a page that is absent|page-implicit/lgdt from a user page)`, ``,
		"reads the last word first", "reads the first word first",
		"SDM vol. 3A 7.9: which of several page faults and limit faults of one instruction comes first depends on the implementation."),
	known("accessed-byte", Open, `^page-implicit/the accessed bit of a descriptor`, `^cr2: `,
		"writes the descriptor's byte 5", "writes its second doubleword",
		"SDM vol. 3A 3.4.5.1 has the processor set the bit, and does not say how wide the write is."),
	known("refused-accessed", Open, `^page-(rights|structures)/`, `^\[0x10[0-9a-f]{4}\]: as before, here 0x[0-9a-f]+$`,
		"leaves the accessed bits alone where a read-modify-write is refused", "may have set them",
		"SDM vol. 3A 5.8: the accessed flag may be set whenever an entry is used in translation, and need not be of an access that is performed."),
	known("pop-segment", Open, `^canonical-stack/pop [fg]s with RSP 0x7ffffffffffc`, ``,
		"reads 16 bits for POP FS and POP GS", "reads 64",
		"SDM vol. 2B, PUSH, lets a push of a segment register write 16 bits; of POP it says nothing."),
	known("enter-16", BochsWrong, `^canonical-stack/(enter|leave) of 16 bits`, ``,
		"ignores the operand-size prefix of ENTER and LEAVE in 64-bit mode", "pushes and pops 16 bits",
		"SDM vol. 2A, ENTER and LEAVE: in 64-bit mode the operand size is 64 bits, or 16 with the prefix 66H."),
	known("syscall-tf", Open, `^single-step/(mov ss, then syscall|syscall|sysretq)`, ``,
		"single-steps SYSCALL and SYSRET by TF as it was before", "by TF as it is after, so that FMASK keeps the trap out of the kernel",
		"SDM vol. 2B, SYSCALL and SYSRET, are silent; CPUs do the latter, and Linux relies on it."),
	known("step-and-breakpoint", Open, `^breakpoints/instruction breakpoint and single step`, `^dr6: `,
		"reports a single step and the instruction breakpoint at the next instruction in one #DB", "in two",
		"SDM vol. 3A 7.9: traps on the previous instruction come before instruction breakpoints; vol. 3B, Debug Status Register (DR6), lets other bits be set as well."),
	known("gd-step", BochsWrong, `^debug-registers/GD and TF`, `^dr6: `,
		"sets DR6.BS where general detect stops an instruction under TF", "sets BD only",
		"SDM vol. 3B, Single-Step Exception Condition: it is a trap of an instruction that has been executed."),
	known("breakpoint-length", Open, `^breakpoints/instruction breakpoint with length 4`, ``,
		"matches any byte of an instruction breakpoint whose length is not 1", "takes the length for 1",
		"SDM vol. 3B, Debug Control Register (DR7): an instruction breakpoint with a length other than 1 is undefined."),
	known("mov-ss-int3", BochsWrong, `^breakpoints/access breakpoint on what mov ss reads before int3`, ``,
		"loses a data breakpoint of MOV SS when a software interrupt follows", "raises it in the handler",
		"SDM vol. 3A 7.8.3 and vol. 3B: debug exceptions that MOV SS holds back are pended, and delivered once the next instruction is over (the case of CVE-2018-8897)."),
	known("misaligned-hole", Open, `^sse-alignment/movaps that is not aligned, not canonical, through the stack`, ``,
		"raises #GP(0) for an SSE operand that is neither aligned nor canonical, through the stack", "raises #SS(0)",
		"SDM vol. 2A, table 2-21, has both in one instruction, and vol. 3A 7.9 leaves which one comes first to the implementation."),
	known("movups-ac", Open, `^gates/alignment of movups`, ``,
		"never checks the alignment of MOVUPS", "raises #AC where its operand is not aligned on 8 bytes, with CR0.AM and EFLAGS.AC at CPL 3",
		"SDM vol. 3A 7.15, interrupt 17: of MOVUPS, MOVUPD, MOVDQU and LDDQU it may or may not be generated where data are not aligned on 8 bytes."),
	known("gdt-hole", Open, `^segment-loads/mov fs, GDT in the hole`, `^events: `,
		"raises #GP(EXT) without a selector", "names the selector",
		"SDM vol. 2A, LGDT: no such base can be loaded, so nothing is said of one."),
}
