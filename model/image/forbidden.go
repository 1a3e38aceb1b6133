// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"golang.org/x/arch/x86/x86asm"
)

// ForbiddenUse is an instruction in the application's code that an application
// in CPL 0 must not have (HW-2).
type ForbiddenUse struct {
	Function    string
	Address     uint64
	Instruction string
	Reason      string
}

// Forbidden finds them, the first usesMost. What an instruction in CPL 3 could not do, or did
// through the kernel, it does here at once.
func (i *Image) Forbidden() []ForbiddenUse { return i.uses().forbidden }

const (
	entersKernel  = "enters the kernel as if from CPL 3"
	leavesKernel  = "leaves the kernel"
	changesGS     = "changes the kernel's GS base"
	usesGS        = "uses the kernel's GS base"
	changesSystem = "changes the state of the system"
	stopsCPU      = "stops the CPU"
	masks         = "masks or unmasks interrupts"
	changesAccess = "changes what the kernel may access"
)

var forbiddenOps = map[string]string{
	"SYSCALL": entersKernel, "SYSENTER": entersKernel,
	"SYSRET": leavesKernel, "SYSRETQ": leavesKernel, "SYSEXIT": leavesKernel, "SYSEXITQ": leavesKernel,
	"IRET": leavesKernel, "IRETD": leavesKernel, "IRETQ": leavesKernel,
	"SWAPGS": changesGS, "WRGSBASED": changesGS, "WRGSBASEQ": changesGS, "WRGSBASE": changesGS, "LGS": changesGS,
	"LGDT": changesSystem, "LIDT": changesSystem, "LLDT": changesSystem, "LTR": changesSystem, "LMSW": changesSystem,
	"CLTS": changesSystem, "WRMSR": changesSystem, "XSETBV": changesSystem, "INVD": changesSystem, "WBINVD": changesSystem,
	"INVLPG": changesSystem, "INVPCID": changesSystem,
	"HLT": stopsCPU, "CLI": masks, "STI": masks,
	"CLAC": changesAccess, "STAC": changesAccess,
}

// forbidden is why an instruction is, "" if it is not.
func forbidden(x instruction) string {
	if reason := forbiddenOps[x.inst.Op]; reason != "" {
		return reason
	}
	to, from := x.inst.Inst.Args[0], x.inst.Inst.Args[1]
	switch x.inst.Op {
	case "INT":
		if to == x86asm.Imm(vector128) {
			return entersKernel
		}
	case "MOV":
		if isSystem(to) || isSystem(from) {
			return changesSystem
		}
	}
	if to == x86asm.GS && (x.inst.Op == "MOV" || x.inst.Op == "POP") {
		return changesGS
	}
	if m, ok := x.memory(); ok && m.Segment == x86asm.GS {
		return usesGS
	}
	return ""
}

// isSystem says whether an operand is a control or debug register.
func isSystem(a x86asm.Arg) bool {
	r, ok := a.(x86asm.Reg)
	return ok && (r >= x86asm.CR0 && r <= x86asm.CR15 || r >= x86asm.DR0 && r <= x86asm.DR15)
}
