// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is written out in many places. Per-CPU variables are reached by GS, whose
// base is fixed_percpu_data in the kernel and in the application of UKL: a
// wrong GS base shows at the first of them.

{{define "current"}}gs:[current_task - fixed_percpu_data]{{end}}
{{define "top_of_stack"}}gs:[cpu_current_top_of_stack - fixed_percpu_data]{{end}}
{{define "sp0"}}gs:[cpu_tss_rw - fixed_percpu_data + tss_struct.x86_tss.sp0]{{end}}
{{define "sp1"}}gs:[cpu_tss_rw - fixed_percpu_data + tss_struct.x86_tss.sp1]{{end}}
{{define "sp2"}}gs:[cpu_tss_rw - fixed_percpu_data + tss_struct.x86_tss.sp2]{{end}}

// pt_regs from orig_ax down. With "call" it is for a function that was called
// right behind orig_ax: its return address moves to the end.
{{define "push_and_clear_regs"}}
	{{if .call}}
	push rsi
	mov rsi, [rsp + 8]
	mov [rsp + 8], rdi
	{{else}}
	push rdi
	push rsi
	{{end}}
	push {{.rdx}}
	push rcx
	push {{.rax}}
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	{{if .call}}
	push rsi
	{{end}}
	xor esi, esi
	xor edx, edx
	xor ecx, ecx
	xor r8d, r8d
	xor r9d, r9d
	xor r10d, r10d
	xor r11d, r11d
	xor ebx, ebx
	xor ebp, ebp
	xor r12d, r12d
	xor r13d, r13d
	xor r14d, r14d
	xor r15d, r15d
{{end}}

// All but RDI, which is next on the stack then.
{{define "pop_regs_but_rdi"}}
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	pop r11
	pop r10
	pop r9
	pop r8
	pop rax
	pop rcx
	pop rdx
	pop rsi
{{end}}

// An exception at .insn goes on at .fixup (arch/x86/include/asm/extable.h).
{{define "extable"}}
	.pushsection __ex_table
	.long {{.insn}} - .
	.long {{.fixup}} - .
	.long EX_TYPE_DEFAULT
	.popsection
{{end}}

// Defects of the way out spare the first return of the application, so that there is
// something to look at: to 9f for the frame that exec has made.
{{define "spare_first"}}
	cmp qword ptr [rsp + pt_regs.ip], offset ukl__start
	je 9f
{{end}}

// ZF is clear for a frame of a program or of the application: user_mode().
{{define "user_mode"}}test byte ptr [{{.regs}} + pt_regs.cs], 3{{end}}
