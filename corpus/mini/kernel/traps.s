// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the exceptions mean (arch/x86/kernel/traps.c): a signal for programs and the
// application, the end for the kernel, unless it has said otherwise.

{{define "trap"}}
{{func .name}}
	mov edx, {{.signal}}
	mov ecx, {{.code}}
	mov r8d, {{.vector}}
	jmp do_trap
{{end_func .name}}
{{end}}

.text
// rdi: pt_regs, rsi: the error code
{{template "trap" args "name" "exc_divide_error" "signal" "SIGFPE" "code" "FPE_INTDIV" "vector" "X86_TRAP_DE"}}
{{template "trap" args "name" "exc_overflow" "signal" "SIGSEGV" "code" "SI_KERNEL" "vector" "X86_TRAP_OF"}}
{{template "trap" args "name" "exc_bounds" "signal" "SIGSEGV" "code" "SI_KERNEL" "vector" "X86_TRAP_BR"}}
{{template "trap" args "name" "exc_invalid_op" "signal" "SIGILL" "code" "ILL_ILLOPN" "vector" "X86_TRAP_UD"}}
{{template "trap" args "name" "exc_device_not_available" "signal" "SIGILL" "code" "SI_KERNEL" "vector" "X86_TRAP_NM"}}
{{template "trap" args "name" "exc_coproc_segment_overrun" "signal" "SIGFPE" "code" "SI_KERNEL" "vector" "9"}}
{{template "trap" args "name" "exc_spurious_interrupt_bug" "signal" "SIGILL" "code" "SI_KERNEL" "vector" "15"}}
{{template "trap" args "name" "exc_coprocessor_error" "signal" "SIGFPE" "code" "SI_KERNEL" "vector" "X86_TRAP_MF"}}
{{template "trap" args "name" "exc_simd_coprocessor_error" "signal" "SIGFPE" "code" "SI_KERNEL" "vector" "X86_TRAP_XF"}}
{{template "trap" args "name" "exc_invalid_tss" "signal" "SIGSEGV" "code" "SI_KERNEL" "vector" "X86_TRAP_TS"}}
{{template "trap" args "name" "exc_segment_not_present" "signal" "SIGBUS" "code" "SI_KERNEL" "vector" "X86_TRAP_NP"}}
{{template "trap" args "name" "exc_stack_segment" "signal" "SIGBUS" "code" "SI_KERNEL" "vector" "X86_TRAP_SS"}}
{{template "trap" args "name" "exc_general_protection" "signal" "SIGSEGV" "code" "SI_KERNEL" "vector" "X86_TRAP_GP"}}
{{template "trap" args "name" "exc_alignment_check" "signal" "SIGBUS" "code" "SI_KERNEL" "vector" "X86_TRAP_AC"}}
{{template "trap" args "name" "exc_int3" "signal" "SIGTRAP" "code" "SI_KERNEL" "vector" "X86_TRAP_BP"}}

// rdi: pt_regs, rsi: error code, edx: signal, ecx: si_code, r8d: vector
{{func "do_trap"}}
	{{template "user_mode" args "regs" "rdi"}}
	jz 1f
	push rdi
	mov rax, {{template "current"}}
	mov [rax + task_struct.thread.trap_nr], r8
	mov [rax + task_struct.thread.error_code], rsi
	mov rsi, rcx
	mov rax, rdi
	mov edi, edx
	xor edx, edx			# no address, but for these two
	cmp edi, SIGFPE
	je 3f
	cmp edi, SIGILL
	jne 4f
3:	mov rdx, [rax + pt_regs.ip]
4:	call force_sig_fault
	pop rdi
	jmp irqentry_exit
1:	push rdi
	push r8
	call fixup_exception
	pop r8
	pop rdi
	test eax, eax
	jnz 2f
	mov rsi, [trap_names + 8*r8]
	jmp die
2:	ret
{{end_func "do_trap"}}

// #DB: the single step of whoever has TF set. One that hits the entry of system
// calls before TF has been cleared is nobody's.
{{func "noist_exc_debug"}}
	mov rax, dr6
	mov rcx, 0xffff0ff0
	mov dr6, rcx
	mov edx, SIGTRAP
	mov ecx, TRAP_TRACE
	mov r8d, X86_TRAP_DB
	xor esi, esi
	jmp do_trap
{{end_func "noist_exc_debug"}}

.section .noinstr.text
{{func "exc_debug"}}
	push r12
	{{template "mode_away" .}}
	mov rax, dr6
	mov rcx, 0xffff0ff0
	mov dr6, rcx
	test eax, 0x4000		# BS
	jz 2f
	mov rax, [rdi + pt_regs.ip]
	{{if not .Stock}}
	mov rcx, rax
	sub rcx, offset ukl_entry_SYSCALL_64
	cmp rcx, 256
	jb 2f
	{{end}}
	mov rcx, rax
	sub rcx, offset entry_SYSCALL_64
	cmp rcx, 256
	jb 2f
	and qword ptr [rdi + pt_regs.flags], ~X86_EFLAGS_TF
2:	{{template "mode_back" .}}
	pop r12
	ret
{{end_func "exc_debug"}}
.text

{{func "noist_exc_machine_check"}}
	mov edx, SIGBUS
	mov ecx, SI_KERNEL
	mov r8d, X86_TRAP_MC
	xor esi, esi
	jmp do_trap
{{end_func "noist_exc_machine_check"}}

{{func "exc_machine_check"}}
	mov rsi, [trap_names + 8*X86_TRAP_MC]
	jmp die
{{end_func "exc_machine_check"}}

{{if ukl}}
// The return address of a call has vanished before it could be read. rdi: pt_regs
{{func "exc_bad_ukl_call"}}
	push rdi
	mov rdx, [rdi + pt_regs.sp]
	mov edi, SIGSEGV
	mov esi, SEGV_MAPERR
	call force_sig_fault
	pop rdi
	jmp irqentry_exit
{{end_func "exc_bad_ukl_call"}}
{{end}}

// rdi: pt_regs. On the way back to a program or to the application there may be
// work; on the way back to the kernel there never is.
{{func "irqentry_exit"}}
	cli
	{{if defect "signal-in-kernel"}}// SG-7
	jmp exit_to_user_mode_prepare
	{{end}}
	{{template "user_mode" args "regs" "rdi"}}
	jz 1f
	jmp exit_to_user_mode_prepare
1:	ret
{{end_func "irqentry_exit"}}

.section .rodata
	.p2align 3
trap_names:
	.quad L_de, L_db, L_nmi, L_bp, L_of, L_br, L_ud, L_nm, L_double_fault, L_cso
	.quad L_ts, L_np, L_ss, L_gp, L_pf, L_spurious, L_mf, L_ac, L_mc, L_xf
L_de:	.asciz "divide error"
L_db:	.asciz "debug"
L_nmi:	.asciz "NMI"
L_bp:	.asciz "int3"
L_of:	.asciz "overflow"
L_br:	.asciz "bounds"
L_ud:	.asciz "invalid opcode"
L_nm:	.asciz "device not available"
L_cso:	.asciz "coprocessor segment overrun"
L_ts:	.asciz "invalid TSS"
L_np:	.asciz "segment not present"
L_ss:	.asciz "stack segment"
L_gp:	.asciz "general protection fault"
L_pf:	.asciz "page fault"
L_spurious: .asciz "spurious interrupt bug"
L_mf:	.asciz "coprocessor error"
L_ac:	.asciz "alignment check"
L_mc:	.asciz "machine check"
L_xf:	.asciz "simd exception"
.text
