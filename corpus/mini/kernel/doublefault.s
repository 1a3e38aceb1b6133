// SPDX-License-Identifier: GPL-2.0-or-later
//
// The CPU pushes its frame onto the application's stack. If that page is not there,
// or is copy-on-write, it can't, and there is a #DF instead: a page fault like any
// other of which the error code is lost. With ist_pf there is a #PF on a stack of
// its own.

.section .entry.text
{{code "asm_exc_double_fault"}}
	cld
	{{if ukl}}
	{{if defect "df-unchecked"}}// M-25: whoever it was, whatever it was
	mov qword ptr [rsp], X86_PF_WRITE
	jmp L_df_as_page_fault
	{{end}}
	{{template "from_application" args "error" 8 "bp" false "ist" false}}
	cmp qword ptr [rsp + 16], UKL_CS
	jne 1f
	{{if defect "df-no-error-code"}}// M-23
	add rsp, 8
	{{end}}
	{{template "idtentry_body" args "error" true "handler" "exc_double_fault_ukl"}}
1:	{{end}}
	call paranoid_entry
	mov rdi, rsp
	mov rsi, [rsp + pt_regs.orig_ax]
	mov qword ptr [rsp + pt_regs.orig_ax], -1
	call exc_double_fault
	jmp paranoid_exit
{{if ukl}}{{if defect "df-unchecked"}}
L_df_as_page_fault:
	{{template "from_application" args "error" 8 "bp" false "ist" false}}
	{{template "idtentry_body" args "error" true "handler" "exc_page_fault"}}
{{end}}{{end}}

{{if .ISTPF}}
// The stack belongs to the stub only, because there is but one and page faults
// nest: frames of programs and of the application go to the thread stack, others
// to where the kernel was, which is where the CPU would have put them without IST.
// An NMI that hits the stub has another part of the stack, see exc_nmi.
{{code "asm_exc_page_fault"}}
	cld
	{{if defect "ist-pf-stays"}}// M-26
	call paranoid_entry
	mov rdi, rsp
	mov rsi, [rsp + pt_regs.orig_ax]
	mov qword ptr [rsp + pt_regs.orig_ax], -1
	call exc_page_fault
	jmp paranoid_exit
	{{else}}
	{{template "from_application" args "error" 8 "bp" false "ist" false}}
	test byte ptr [rsp + 16], 3
	jnz L_pf_on_thread_stack

	// The kernel's stack is full if this can't be written: no way back.
	cmp qword ptr [rsp + 8], offset L_pf_copy
	jb 1f
	cmp qword ptr [rsp + 8], offset L_pf_copied
	jb asm_exc_double_fault
1:	push rax
	mov rax, [rsp + 40]
	and rax, -16
L_pf_copy:
	push [rsp + 48]			# ss
	pop [rax - 8]
	push [rsp + 40]			# sp
	pop [rax - 16]
	push [rsp + 32]			# flags
	pop [rax - 24]
	push [rsp + 24]			# cs
	pop [rax - 32]
	push [rsp + 16]			# ip
	pop [rax - 40]
	push [rsp + 8]			# the error code
	pop [rax - 48]
	push [rsp]			# rax
	pop [rax - 56]
L_pf_copied:
	lea rsp, [rax - 56]
	pop rax
L_pf_on_thread_stack:
	{{template "idtentry_body" args "error" true "handler" "exc_page_fault"}}
	{{end}}
{{end}}

{{if ukl}}
// ZF is set if the CPU failed at the address in RSI when it pushed a frame: SS,
// RSP, RFLAGS, CS, RIP and an error code below RSP, which it aligns to 16
// before. rdi: pt_regs.
.text
{{func "application_frame_push"}}
	mov rax, [rdi + pt_regs.sp]
	sub rax, rsi
	dec rax				# 1 to 63
	cmp rax, 15 + 6*8 - 1
	setbe al
	movzx eax, al
	ret
{{end_func "application_frame_push"}}

// #DF while the application ran. The instruction is executed again in any case,
// so an exception that was on its way comes again. An interrupt doesn't: see
// lost_interrupt.
// rdi: pt_regs, rsi: the CPU's error code, always 0
{{func "exc_double_fault_ukl"}}
	push rbx
	push r12
	push r13
	mov rbx, rdi
	mov r12, cr2
	{{if not (defect "interrupt-lost")}}// 3.2
	call lost_interrupt
	{{end}}
	mov rdi, rbx
	mov rsi, r12
	call application_frame_push
	test eax, eax
	jz 2f
	// The access was the CPU's and a write; whether the page is there the
	// page table tells.
	mov r13d, X86_PF_WRITE
	mov rdi, {{template "current"}}
	mov rdi, [rdi + task_struct.mm]
	mov rdi, [rdi + mm_struct.pgd]
	mov rsi, r12
	xor edx, edx
	call walk
	test rax, rax
	jz 1f
	test byte ptr [rax], _PAGE_PRESENT
	jz 1f
	or r13d, X86_PF_PROT
1:	{{if defect "df-error-code"}}// M-24
	xor r13d, r13d
	{{end}}
	mov rdi, rbx
	mov esi, r13d
	mov rdx, r12
	call handle_page_fault
	jmp 3f
2:	mov rax, {{template "current"}}
	mov qword ptr [rax + task_struct.thread.trap_nr], X86_TRAP_DF
	mov edi, SIGSEGV
	mov esi, SEGV_MAPERR
	mov rdx, [rbx + pt_regs.sp]
	call force_sig_fault
3:	{{if defect "df-skips-instruction"}}// IR-11
	inc qword ptr [rbx + pt_regs.ip]
	{{end}}
	mov rdi, rbx
	call irqentry_exit
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "exc_double_fault_ukl"}}

// If the frame was an external interrupt's, the interrupt has been acknowledged
// and won't come again: not this one, and until it gets its EOI none of its
// priority or below. While the application runs no interrupt is in service, so one
// that is has been lost in that way. It is handled now.
{{func "lost_interrupt"}}
	push rbx
	call pic_in_service
	test eax, eax
	js 1f
	mov ebx, eax
	shl eax, 4
	movzx edi, word ptr [idt_table + rax]
	movzx edx, word ptr [idt_table + rax + 6]
	shl edx, 16
	or edi, edx
	mov edx, [idt_table + rax + 8]
	shl rdx, 32
	or rdi, rdx
	call unikernel_call_gate
1:	pop rbx
	ret
{{end_func "lost_interrupt"}}

// Calls the handler of an interrupt gate as the CPU does. rdi: its address
{{func "unikernel_call_gate"}}
	push rbp
	mov rbp, rsp
	and rsp, -16
	push __KERNEL_DS
	push rbp
	pushfq
	push __KERNEL_CS
	call rdi			# pushes RIP; the handler's IRET comes back
	mov rsp, rbp
	pop rbp
	ret
{{end_func "unikernel_call_gate"}}
{{end}}

// The kernel's own. rdi: pt_regs
.text
{{func "exc_double_fault"}}
	mov rsi, offset L_double_fault
	mov rdx, cr2
	mov rcx, [rdi + pt_regs.sp]
	sub rcx, rdx
	cmp rcx, 64
	ja 1f
	mov rsi, offset L_stack_overflow
1:	xor edx, edx
	jmp die
{{end_func "exc_double_fault"}}
.section .rodata
L_double_fault:
	.asciz "double fault"
L_stack_overflow:
	.asciz "kernel stack overflow (double fault)"
.text
