// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

// segmentTemplates load selectors of every sort (SDM vol. 3A, chapter 5).
var segmentTemplates = []template{
	{text: "movl ${sel}, %eax; movl %eax, {sreg}", weight: 8},
	{text: "movl ${ssel}, %eax; movl %eax, %ss; nop"},
	{text: "pushq ${sel}; popq %fs"},
	{text: "pushq ${sel}; popq %gs; movl %gs:0x10, %eax"},
	{text: "movl ${sel}, user_rw + 4; lgsl user_rw, %edx", weight: 2},
	{text: "movw {sreg}, {r16}; movl %ss, {r32}; movq %cs, {r}"},
	{text: "movl ${sel}, %eax; larl %eax, %edx"},
	{text: "movl ${sel}, %eax; lsll %eax, %edx"},
	{text: "movl ${csel}, %eax; larq %rax, %rdx"},
	{text: "movl ${sel}, %eax; verr %ax"},
	{text: "movl ${sel}, %eax; verw %ax"},
	{text: "strl %eax"},
	{text: "sldtl %edx"},
	{text: "smswl %ecx"},
	{text: "sgdt user_rw + 0x40"},
	{text: "sidt user_rw + 0x50", weight: 2},
	{text: "movl ${tsel}, %eax; ltr %ax"},
	{text: "movl ${sel}, %eax; lldt %ax"},
	{text: "movl $0x68, %eax; lldt %ax; movl $4, %eax; movl %eax, %ds"},
	{text: "swapgs"},
	{text: "swapgs; movl %gs:0x20, {r32}"},
}

// branchTemplates go somewhere else, mostly to where the case goes on.
var branchTemplates = []template{
	{text: "j{cc} {here}f; incq {r}; {here}f: nop"},
	{text: "jmp {here}f; ud2; {here}f: nop"},
	{text: "call {here}f; jmp {here}g; {here}f: ret; {here}g: nop"},
	{text: "call {here}f; jmp {here}g; {here}f: ret $16; {here}g: nop"},
	{text: "movl ${loops}, %ecx; {here}f: incl %eax; loop {here}f"},
	{text: "jrcxz {here}f; incq {r}; {here}f: nop"},
	{text: "leaq {here}f(%rip), %rax; jmp *%rax; ud2; {here}f: nop"},
	{text: "movabsq ${target}, %rax; jmp *%rax", weight: 6},
	{text: "movabsq ${target}, %rax; call *%rax", weight: 6},
	{text: "movabsq ${target}, %rax; pushq %rax; ret"},
	{text: "call *user_rw + 8", weight: 1},
	{text: "pushq ${csel}; leaq {here}f(%rip), %rax; pushq %rax; lretq; {here}f: nop"},
	{text: "pushq ${ssel}; movabsq ${userstack}, %rax; pushq %rax; pushq ${csel}; leaq {here}f + user_alias(%rip), %rax; pushq %rax; lretq; {here}f: nop", level: kernelOnly},
	{text: "pushq $0x23; movabsq ${userstack}, %rax; pushq %rax; pushq $0x2b; leaq {here}f + user_alias(%rip), %rax; pushq %rax; lretq; {here}f: nop; syscall; nop", level: kernelOnly},
	{text: "movl ${csel}, user_rw + 8; leaq {here}f(%rip), %rax; movl %eax, user_rw + 4; ljmpl *user_rw + 4; {here}f: nop"},

	// IRETQ. First frames that are good, then frames of all sorts.
	{text: "pushq $0x23; movabsq ${userstack}, %rax; pushq %rax; pushq ${flags}; pushq $0x2b; leaq {here}f + user_alias(%rip), %rax; pushq %rax; iretq; {here}f: nop; nop", level: kernelOnly, weight: 8},
	{text: "pushq $0x10; pushq $case_stack_top; pushq ${flags}; pushq $0x08; leaq {here}f(%rip), %rax; pushq %rax; iretq; {here}f: nop; nop", level: kernelOnly, weight: 8},
	{text: "pushq $0x2b; pushq $user_rw1 + 0x700; pushq ${flags}; pushq $0x23; leaq {here}f(%rip), %rax; pushq %rax; iretq; {here}f: nop", weight: 2},
	{text: "pushq $0x23; pushq $user_rw; pushq ${flags}; pushq $0x2b; leaq {here}f(%rip), %rax; pushq %rax; iretq; {here}f: nop", level: userOnly, weight: 6},
	{text: "pushq ${ssel}; movabsq ${kernelstack}, %rax; pushq %rax; pushq ${flags}; pushq ${csel}; leaq {here}f(%rip), %rax; pushq %rax; iretq; {here}f: nop", level: kernelOnly, weight: 8},
	{text: "pushq ${ssel}; movabsq ${userstack}, %rax; pushq %rax; pushq ${flags}; pushq ${csel}; movabsq ${target}, %rax; pushq %rax; iretq", level: kernelOnly, weight: 8},
	{text: "iretq", weight: 1},

	// SYSCALL and its kin.
	{text: "syscall; nop", weight: 8},
	{text: "sysenter", weight: 2},
	{text: "leaq {here}f + user_alias(%rip), %rcx; movl ${flags}, %r11d; sysretq; {here}f: nop; nop", weight: 8},
	{text: "movabsq ${target}, %rcx; movl ${flags}, %r11d; sysretq"},
}

// eventTemplates raise exceptions and software interrupts by themselves.
var eventTemplates = []template{
	{text: "int ${vec}; nop", weight: 20},
	{text: "int3; nop", weight: 6},
	{text: "int $4; nop"},
	{text: ".byte 0xf1; nop", weight: 1},
	{text: "ud2", weight: 3},
	{text: ".byte 0x0f, 0xff, 0xc0", weight: 1},
	{text: ".byte 0x06", weight: 1},             // PUSH ES
	{text: ".byte 0xce", weight: 1},             // INTO
	{text: ".byte 0x0f, 0x01, 0xc1", weight: 1}, // VMCALL
	{text: ".byte 0xf0, 0x90", weight: 2},       // LOCK NOP
	{text: ".byte 0xf0; addq {r}, {r}", weight: 2},
	{text: ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90", weight: 2}, // 16 bytes
	{text: "hlt", level: userOnly},
	{text: "cli", level: userOnly},
	{text: "sti; nop", level: userOnly},
	{text: "inb $0x80, %al", level: userOnly},
	{text: "outl %eax, %dx", level: userOnly},
	{text: "clts", level: userOnly},
	{text: "wbinvd"},
	{text: "movl ${ssel}, %eax; movl %eax, %ss; int3; nop"},
	{text: "pushq $0x302; popfq; movl %ss, %eax; movl %eax, %ss; nop; nop; pushq $2; popfq"},
	{text: "pushq $0x302; popfq; int $0x20; nop; pushq $2; popfq"},
	{text: "pushq $0x302; popfq; syscall; nop", level: userOnly},
	{text: "pushq $0x302; popfq; {alu}q {r}, {mem}; nop"},
	{text: "pushq $0x302; popfq; movl $3, %ecx; leaq user_rw, %rdi; rep stosb; nop"},
	{text: "pushq $0x302; popfq; divl {r32}", undefined: allFlags},
}

// interruptTemplates have the local APIC send this processor an interrupt or
// an NMI, which comes when it can: at once, after an STI's shadow, a POPFQ, an
// IRETQ, a MOV SS, a lower TPR.
var interruptTemplates = []template{
	{text: "cli; movl $0x44000 + {ipi}, apic + 0x300; nop; sti; nop; nop; cli", level: kernelOnly, weight: 8},
	{text: "cli; movl $0x44000 + {ipi}, apic + 0x300; sti; cli; nop", level: kernelOnly},
	{text: "sti; nop; movl $0x44000 + {ipi}, apic + 0x300; nop; nop; cli", level: kernelOnly, weight: 6},
	{text: "cli; movl $0x44000 + {ipi}, apic + 0x300; pushq $0x202; popfq; nop; cli", level: kernelOnly},
	{text: "cli; movl $0x44000 + {ipi}, apic + 0x300; movl $0x10, %eax; sti; movl %eax, %ss; nop; nop; cli", level: kernelOnly},
	{text: "cli; movl $0x44000 + {ipi}, apic + 0x300; movl $0x44000 + {ipi}, apic + 0x300; sti; nop; nop; nop; cli", level: kernelOnly},
	{text: "movl $8, %eax; movq %rax, %cr8; sti; movl $0x44000 + {ipi}, apic + 0x300; nop; xorl %eax, %eax; movq %rax, %cr8; nop; cli", level: kernelOnly},
	{text: "cli; movl $0x44000 + {ipi}, apic + 0x300; pushq $0x23; pushq $user_rw1 + 0x900; pushq $0x202; pushq $0x2b; leaq {here}f + user_alias(%rip), %rax; pushq %rax; iretq; {here}f: nop; nop", level: kernelOnly, weight: 6},
	{text: "cli; movl $0x44000 + {ipi}, apic + 0x300; leaq {here}f + user_alias(%rip), %rcx; movl $0x202, %r11d; sysretq; {here}f: nop; nop", level: kernelOnly},
	{text: "movl $0, apic + 0x310; movl $0x4400, apic + 0x300; nop; nop", level: kernelOnly, weight: 6},
	{text: "cli; movl $0x44000 + {ipi}, apic + 0x300; movl $0x4400, apic + 0x300; sti; nop; nop; cli", level: kernelOnly},
	{text: "cli; movl $0x44000 + {ipi}, apic + 0x300; pushq $0x302; popfq; nop; nop; pushq $2; popfq", level: kernelOnly},
}

// systemTemplates read and write what CPL 0 alone may, and what some bit of
// CR4 allows to CPL 3.
//
// Not here, because QEMU goes on where the manual has #GP and no log outlives
// it: CR0 without PG or PE, CR3 with reserved bits, CR4 without PAE. With
// -icount, QEMU 7.2 never comes back from a CR4 with reserved bits.
var systemTemplates = []template{
	{text: "movq %cr0, {r}"},
	{text: "movq %cr2, {r}; movq %cr3, {r}; movq %cr4, {r}; movq %cr8, {r}"},
	{text: "movabsq ${imm64}, %rax; movq %rax, %cr2"},
	{text: "movq %cr3, %rax; movq %rax, %cr3"},
	{text: "movq %cr0, %rax; btcq $16, %rax; undefined 0x894; cmpl %ecx, %edx; movq %rax, %cr0; movl %eax, user_ro"},
	{text: "movq %cr0, %rax; btcq $3, %rax; undefined 0x894; cmpl %ecx, %edx; movq %rax, %cr0; fld1"},
	{text: "movq %cr4, %rax; btcq $21, %rax; undefined 0x894; cmpl %ecx, %edx; movq %rax, %cr4; movl user_rw, %eax; stac; movl user_rw, %eax; clac"},
	{text: "movq %cr4, %rax; btcq $20, %rax; undefined 0x894; cmpl %ecx, %edx; movq %rax, %cr4; movl $user_code, %eax; jmp *%rax", level: kernelOnly},
	{text: "movq %cr4, %rax; btcq $16, %rax; undefined 0x894; cmpl %ecx, %edx; movq %rax, %cr4; rdfsbase {r}"},
	{text: "movq %cr4, %rax; btsq $3, %rax; undefined 0x894; cmpl %ecx, %edx; movq %rax, %cr4; movq %dr4, {r}", weight: 2},
	{text: "movl ${count}, %eax; movq %rax, %cr8; movq %cr8, {r}"},
	{text: "movl $0x12, %eax; movq %rax, %cr8", weight: 1},
	{text: "clts", level: kernelOnly},
	{text: "movl $0x8003b, %eax; lmsw %ax", level: userOnly},
	{text: "movq %cr0, %rax; xorl $0xa, %eax; lmsw %ax", level: kernelOnly},
	{text: "invlpg {mem}", weight: 6},
	{text: "rdfsbase {r}"},
	{text: "movabsq ${base}, {r}; rdgsbase {r}"},
	{text: "movabsq ${base}, %rax; wrfsbase %rax; movl %fs:8, {r32}"},
	{text: "movabsq ${base}, %rax; wrgsbase %rax; movl %gs:8, {r32}"},
	{text: "movabsq $hole, %rax; wrgsbase %rax", weight: 1},
	{text: "movl ${msr}, %ecx; rdmsr", weight: 6},
	{text: "movl ${msr}, %ecx; movabsq ${msrvalue}, %rax; movq %rax, %rdx; shrq $32, %rdx; wrmsr; rdmsr", weight: 6},
	// Bits 16 to 31 of SYSENTER_CS, SDM vol. 4 says no more of than "not used".
	{text: "movl $0x174, %ecx; movl ${csel}, %eax; xorl %edx, %edx; wrmsr; rdmsr"},
	{text: "movl $0xc0000101, %ecx; movl $0x8000, %edx; xorl %eax, %eax; wrmsr", weight: 1},
	{text: "movl $0x12345, %ecx; rdmsr", weight: 1},
	{text: "movl $0x12345, %ecx; wrmsr", weight: 1},
	{text: "movl $0xc0000080, %ecx; rdmsr; btcl $0, %eax; undefined 0x894; cmpl %ecx, %edx; wrmsr; syscall", weight: 2},
	{text: "movl $0xc0000080, %ecx; rdmsr; btcl $11, %eax; undefined 0x894; cmpl %ecx, %edx; wrmsr; movl super_rw, %edx", weight: 2},
	{text: "movq %dr0, {r}; movq %dr6, {r}; movq %dr7, {r}"},
	{text: "movl $user_rw + 0x10, %eax; movq %rax, %dr3; movl $0xd0000400 + 0x80, %edx; movq %rdx, %dr7; incl user_rw + 0x12; nop", weight: 6},
	{text: "xorl %ecx, %ecx; xgetbv"},
	{text: "lgdt gdtr", weight: 2},
	{text: "lidt idtr_a", weight: 2},
	{text: "stac"},
	{text: "clac"},
	{text: "sysexitq", level: userOnly, weight: 2},
	{text: "leaq {here}f + user_alias(%rip), %rdx; movl $user_rw1 + 0x100, %ecx; sysexitq; {here}f: nop", level: kernelOnly, weight: 2},
}

// floatTemplates are for #NM, #MF and #UD, and for state that goes through
// memory; arithmetic is the engine's own.
var floatTemplates = []template{
	{text: "fld1; fldz; faddp"},
	{text: "fninit; fwait"},
	{text: "fnstcw {good}; fldcw user_rw + 8", weight: 1},
	{text: "movl $0x37b, user_rw; fldcw user_rw; fld1; fldz; fdivrp; fwait; nop", weight: 2}, // #Z unmasked
	{text: "fildl {mem}; fistpl {mem}"},
	{text: "fldt {mem}"},
	{text: "movups {mem}, {x}"},
	{text: "movups {x}, {mem}"},
	{text: "movaps {mem}, {x}"},
	{text: "movdqa {x}, {mem}"},
	{text: "movq {r}, {x}; paddq {x}, {x}; movq {x}, {r}"},
	{text: "addsd {x}, {x}", weight: 1},
	{text: "stmxcsr {mem}"},
	{text: "emms"},
}
