// SPDX-License-Identifier: GPL-2.0-or-later
//
// The frame of a signal on the stack: struct rt_sigframe, as programs know it
// (arch/x86/kernel/signal.c, arch/x86/kernel/fpu/signal.c).

FP_XSTATE_MAGIC1 = 0x46505853
FP_XSTATE_MAGIC2 = 0x46505845
SW_RESERVED = 464			# in the FXSAVE area, for software

{{define "to_frame"}}
	mov rax, [rbx + pt_regs.{{.}}]
	mov [rdi + sigcontext_64.{{.}}], rax
{{end}}
{{define "from_frame"}}
	mov rax, [rdi + sigcontext_64.{{.}}]
	mov [rbx + pt_regs.{{.}}], rax
{{end}}

.bss
	.p2align 6
frame_buffer:				# interrupts don't switch tasks in the kernel
	.zero sizeof.rt_sigframe
	.p2align 6
fp_buffer:
	.zero 640

.text
{{if defect "signal-pops"}}
.data
signal_pops:
	.quad 0
.text
{{end}}
// rdi: pt_regs, esi: the signal, rdx: its action. rax: 0 or an error. pt_regs are
// those of the handler then.
{{func "setup_rt_frame"}}
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov rbx, rdi
	mov r12d, esi
	mov r13, rdx
	mov rbp, {{template "current"}}
	test dword ptr [r13 + sigaction.sa_flags], SA_RESTORER
	jz L_frame_bad

	// Where: 128 bytes below, for those that have a red zone; or on the alternate
	// stack.
	mov r14, [rbx + pt_regs.sp]
	{{if not (defect "signal-unaligned")}}// M-37
	sub r14, 128
	{{end}}
	test dword ptr [r13 + sigaction.sa_flags], SA_ONSTACK
	jz 1f
	cmp qword ptr [rbp + task_struct.sas_ss_size], 0
	je 1f
	mov rdi, [rbx + pt_regs.sp]
	call on_sig_stack
	test eax, eax
	jnz 1f
	mov r14, [rbp + task_struct.sas_ss_sp]
	add r14, [rbp + task_struct.sas_ss_size]
1:	// FPU state at a multiple of 64, and below it the frame at 8 modulo 16, as if
	// it had been called.
	mov r15, [xstate_size]
	cmp qword ptr [use_xsave], 0
	je 2f
	add r15, 4
2:	sub r14, r15
	{{if not (defect "signal-unaligned")}}
	and r14, -64
	{{end}}
	mov r15, r14
	sub r14, sizeof.rt_sigframe
	{{if not (defect "signal-unaligned")}}
	and r14, -16
	{{end}}
	sub r14, 8

	// The FPU state: what is in the registers, or would be.
	mov rdi, rbp
	bt qword ptr [rdi + task_struct.thread_info.flags], TIF_NEED_FPU_LOAD
	jc 3f
	call save_fpregs
3:	lea rsi, [rbp + task_struct.thread.fpu.__fpstate.regs]
	mov rdi, offset fp_buffer
	mov ecx, 72
	rep movsq
	mov rdx, [xstate_size]
	xor eax, eax
	mov rdi, offset fp_buffer + SW_RESERVED
	mov ecx, 6
	rep stosq
	cmp qword ptr [use_xsave], 0
	je 4f
	mov rdi, offset fp_buffer
	mov dword ptr [rdi + SW_RESERVED], FP_XSTATE_MAGIC1
	lea eax, [rdx + 4]
	mov [rdi + SW_RESERVED + 4], eax
	mov qword ptr [rdi + SW_RESERVED + 8], 3
	mov [rdi + SW_RESERVED + 16], edx
	mov dword ptr [rdi + rdx], FP_XSTATE_MAGIC2
	or qword ptr [rdi + 512], 3
	add rdx, 4
4:	mov rdi, r15
	mov rsi, offset fp_buffer
	call _copy_to_user
	test rax, rax
	jnz L_frame_bad

	// The frame.
	mov rdi, offset frame_buffer
	xor eax, eax
	mov ecx, sizeof.rt_sigframe / 8
	rep stosq
	mov rdi, offset frame_buffer
	mov rax, [r13 + sigaction.sa_restorer]
	mov [rdi + rt_sigframe.pretcode], rax
	mov eax, UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
	add rax, [use_xsave]		# UC_FP_XSTATE is 1
	mov [rdi + rt_sigframe.uc.uc_flags], rax
	mov rax, [rbp + task_struct.sas_ss_sp]
	mov [rdi + rt_sigframe.uc.uc_stack.ss_sp], rax
	mov eax, [rbp + task_struct.sas_ss_flags]
	mov [rdi + rt_sigframe.uc.uc_stack.ss_flags], eax
	mov rax, [rbp + task_struct.sas_ss_size]
	mov [rdi + rt_sigframe.uc.uc_stack.ss_size], rax
	add rdi, rt_sigframe.uc.uc_mcontext
	{{template "to_frame" "r8"}}
	{{template "to_frame" "r9"}}
	{{template "to_frame" "r10"}}
	{{template "to_frame" "r11"}}
	{{template "to_frame" "r12"}}
	{{template "to_frame" "r13"}}
	{{template "to_frame" "r14"}}
	{{template "to_frame" "r15"}}
	{{template "to_frame" "di"}}
	{{template "to_frame" "si"}}
	{{template "to_frame" "bp"}}
	{{template "to_frame" "bx"}}
	{{template "to_frame" "dx"}}
	{{template "to_frame" "ax"}}
	{{template "to_frame" "cx"}}
	{{template "to_frame" "sp"}}
	{{template "to_frame" "ip"}}
	{{template "to_frame" "flags"}}
	// What any 64-bit program sees; sigreturn does not ask the application.
	mov rax, [rbx + pt_regs.cs]
	mov rdx, [rbx + pt_regs.ss]
	{{if ukl}}
	{{if not (defect "frame-shows-marker")}}// SG-9
	cmp rax, UKL_CS
	jne 5f
	mov eax, __USER_CS
	mov edx, __USER_DS
5:	{{end}}
	{{end}}
	mov [rdi + sigcontext_64.cs], ax
	mov [rdi + sigcontext_64.ss], dx
	mov rax, [rbp + task_struct.thread.error_code]
	mov [rdi + sigcontext_64.err], rax
	mov rax, [rbp + task_struct.thread.trap_nr]
	mov [rdi + sigcontext_64.trapno], rax
	mov rax, [rbp + task_struct.thread.cr2]
	mov [rdi + sigcontext_64.cr2], rax
	mov rax, [rbp + task_struct.blocked]
	mov [rdi + sigcontext_64.oldmask], rax
	mov [rdi + sigcontext_64.fpstate], r15
	mov rdi, offset frame_buffer
	mov [rdi + rt_sigframe.uc.uc_sigmask], rax
	mov [rdi + rt_sigframe.info.si_signo], r12d
	mov ecx, r12d
	shl ecx, 4
	mov eax, [rbp + rcx + task_struct.pending_info]
	mov [rdi + rt_sigframe.info.si_code], eax
	mov rax, [rbp + rcx + task_struct.pending_info + 8]
	mov [rdi + rt_sigframe.info._sifields], rax
	mov rsi, rdi
	mov rdi, r14
	mov edx, sizeof.rt_sigframe
	call _copy_to_user
	test rax, rax
	jnz L_frame_bad

	{{if defect "signal-pops"}}// M-34
	cmp qword ptr [rbx + pt_regs.orig_ax], 0
	jl 7f
	mov byte ptr [signal_pops], 1
7:	{{end}}
	// The handler's registers.
	mov eax, r12d
	mov [rbx + pt_regs.di], rax
	mov qword ptr [rbx + pt_regs.ax], 0
	lea rax, [r14 + rt_sigframe.info]
	mov [rbx + pt_regs.si], rax
	lea rax, [r14 + rt_sigframe.uc]
	mov [rbx + pt_regs.dx], rax
	mov rax, [r13 + sigaction.sa_handler]
	mov [rbx + pt_regs.ip], rax
	mov [rbx + pt_regs.sp], r14
	{{if ukl}}
	{{if defect "signal-user-cs"}}// M-31
	{{else}}
	// The application stays where it is, at CPL 0.
	mov eax, [rbp + task_struct.ukl_thread]
	test eax, eax
	jz 6f
	mov qword ptr [rbx + pt_regs.cs], UKL_CS
	mov qword ptr [rbx + pt_regs.ss], __KERNEL_DS
	xor eax, eax
	jmp L_frame_return
6:	{{end}}
	{{end}}
	mov qword ptr [rbx + pt_regs.cs], __USER_CS
	mov qword ptr [rbx + pt_regs.ss], __USER_DS
	xor eax, eax
L_frame_return:
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret
L_frame_bad:
	mov rax, -EFAULT
	jmp L_frame_return
{{end_func "setup_rt_frame"}}

// rdi: pt_regs. The handler's RET has taken pretcode from the stack.
{{func "__x64_sys_rt_sigreturn"}}
	push rbx
	push r12
	mov rbx, rdi
	mov r12, {{template "current"}}
	mov rsi, [rbx + pt_regs.sp]
	sub rsi, 8
	{{if defect "sigreturn-sp-off"}}// M-32
	sub rsi, 8
	{{end}}
	mov rdi, offset frame_buffer
	mov edx, sizeof.rt_sigframe
	call _copy_from_user
	test rax, rax
	jnz 9f
	mov rax, [frame_buffer + rt_sigframe.uc.uc_sigmask]
	and rax, ~0x40100		# SIGKILL, SIGSTOP
	mov [r12 + task_struct.blocked], rax
	mov rdi, r12
	call recalc_sigpending
	mov rdi, rbx
	call restore_sigcontext
	test rax, rax
	jnz 9f
	mov rdi, offset frame_buffer + rt_sigframe.uc.uc_stack
	mov rax, [rdi + sigaltstack.ss_sp]
	mov [r12 + task_struct.sas_ss_sp], rax
	mov rax, [rdi + sigaltstack.ss_size]
	mov [r12 + task_struct.sas_ss_size], rax
	mov eax, [rdi + sigaltstack.ss_flags]
	and eax, SS_DISABLE
	mov [r12 + task_struct.sas_ss_flags], eax
	mov rax, [rbx + pt_regs.ax]
	pop r12
	pop rbx
	ret
9:	mov edi, SIGSEGV
	mov esi, SI_KERNEL
	xor edx, edx
	call force_sig_fault
	xor eax, eax
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_rt_sigreturn"}}

// rdi: pt_regs, from frame_buffer. rax: 0 or an error
{{func "restore_sigcontext"}}
	push rbx
	mov rbx, rdi
	mov rdi, offset frame_buffer + rt_sigframe.uc.uc_mcontext
	mov rdx, [rbx + pt_regs.flags]
	{{template "from_frame" "r8"}}
	{{template "from_frame" "r9"}}
	{{template "from_frame" "r10"}}
	{{template "from_frame" "r11"}}
	{{template "from_frame" "r12"}}
	{{template "from_frame" "r13"}}
	{{template "from_frame" "r14"}}
	{{template "from_frame" "r15"}}
	{{template "from_frame" "di"}}
	{{template "from_frame" "si"}}
	{{template "from_frame" "bp"}}
	{{template "from_frame" "bx"}}
	{{template "from_frame" "dx"}}
	{{template "from_frame" "ax"}}
	{{template "from_frame" "cx"}}
	{{template "from_frame" "sp"}}
	{{template "from_frame" "ip"}}
	{{template "from_frame" "flags"}}
	// Of the flags, what a program may have.
	mov rax, [rbx + pt_regs.flags]
	{{if defect "sigreturn-wide-flags"}}// M-36
	and eax, FIX_EFLAGS | X86_EFLAGS_IF | X86_EFLAGS_NT | X86_EFLAGS_IOPL
	and rdx, ~(FIX_EFLAGS | X86_EFLAGS_IF | X86_EFLAGS_NT | X86_EFLAGS_IOPL)
	{{else}}
	and eax, FIX_EFLAGS
	and rdx, ~FIX_EFLAGS
	{{end}}
	or rax, rdx
	mov [rbx + pt_regs.flags], rax
	mov qword ptr [rbx + pt_regs.orig_ax], -1
	{{if defect "sigreturn-loses-register"}}// SG-5
	mov qword ptr [rbx + pt_regs.r15], 0
	{{end}}
	{{if and ukl (not (defect "sigreturn-honours-cs"))}}// M-35
	mov rax, {{template "current"}}
	cmp dword ptr [rax + task_struct.ukl_thread], NON_UKL_THREAD
	jne 1f
	{{end}}
	// CPL 3, whatever the frame says.
	movzx eax, word ptr [rdi + sigcontext_64.cs]
	or eax, 3
	mov [rbx + pt_regs.cs], rax
	movzx eax, word ptr [rdi + sigcontext_64.ss]
	or eax, 3
	mov [rbx + pt_regs.ss], rax
1:	// The FPU.
	mov rsi, [rdi + sigcontext_64.fpstate]
	mov rdi, {{template "current"}}
	or qword ptr [rdi + task_struct.thread_info.flags], _TIF_NEED_FPU_LOAD
	test rsi, rsi
	jz 2f
	{{if defect "sigreturn-fpu-kept"}}// SG-5
	jmp 3f
	{{end}}
	lea rdi, [rdi + task_struct.thread.fpu.__fpstate.regs]
	mov rdx, [xstate_size]
	call _copy_from_user
	test rax, rax
	jnz 4f
	// Nothing that would make XRSTOR fault.
	mov rdi, {{template "current"}}
	lea rdi, [rdi + task_struct.thread.fpu.__fpstate.regs]
	and dword ptr [rdi + 24], 0xffff
	and qword ptr [rdi + 512], 3
	lea rdi, [rdi + 520]
	mov ecx, 7
	rep stosq
	jmp 3f
2:	call fpu_init
3:	xor eax, eax
4:	pop rbx
	ret
{{end_func "restore_sigcontext"}}
