// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

// KnownDefects are QEMU 7.2's TCG against the manual, by the name that a case
// carries when it may run into one. A difference in such a case is counted
// apart; what is right there is for the tests against the manual's tables.
var KnownDefects = map[string]string{
	"stack-canonical": "SDM vol. 3A 6.15, interrupt 12: a stack reference to a non-canonical address is #SS(0). " +
		"QEMU's page walk raises #GP(0) whatever the segment.",
	"branch-canonical": "SDM vol. 2, JMP, CALL, RET, IRET: a target that is not canonical is #GP(0) with RIP at the " +
		"branch and nothing changed. QEMU jumps first, and faults on the fetch, with RIP at the target.",
	"sysret-canonical": "SDM vol. 2, SYSRET: a non-canonical RCX is #GP(0) at CPL 0. QEMU returns to CPL 3 first, as AMD does.",
	"base-canonical":   "SDM vol. 2, WRMSR, WRGSBASE: a base that is not canonical is #GP(0). QEMU takes it.",
	"msr-unknown":      "SDM vol. 2, RDMSR and WRMSR: a reserved or unimplemented address is #GP(0). QEMU reads 0 and ignores writes.",
	"cr8-reserved":     "SDM vol. 2, MOV CR: a value with bits 63:4 set in CR8 is #GP(0). QEMU drops them.",
	"alignment-check":  "SDM vol. 3A 6.15, interrupt 17: CR0.AM and EFLAGS.AC at CPL 3 check alignment. QEMU's TCG has no #AC.",
	"icebp":            "SDM vol. 2, INT1 (opcode F1): vector 1, a trap, without a check of the gate's DPL. QEMU has #UD.",
	// Only in steps.
	"step-breakpoint": "SDM vol. 3B 18.3.1.1: an instruction breakpoint does not fire while RF is set. When QEMU stops " +
		"for a step at the address of one, breakpoint_handler raises #DB without a look at RF, and again after the handler's IRET; " +
		"a data breakpoint that is hit together with a trap loses its bit in DR6.",
}
