// SPDX-License-Identifier: GPL-2.0-or-later
//
// Signals (kernel/signal.c, arch/x86/kernel/signal.c): sent, dequeued on the way out,
// and the calls about them.

.text
// rax: a sighand_struct with every action the default
{{func "alloc_sighand"}}
	push rdi
	mov rax, offset sighands
1:	cmp dword ptr [rax + sighand_struct.count], 0
	jle 2f
	add rax, sizeof.sighand_struct	# as many as there are tasks
	jmp 1b
2:	push rax
	push rcx
	mov rdi, rax
	xor eax, eax
	mov ecx, sizeof.sighand_struct / 8
	rep stosq
	pop rcx
	pop rax
	mov dword ptr [rax + sighand_struct.count], 1
	pop rdi
	ret
{{end_func "alloc_sighand"}}

// rdi: a task, esi: a signal. rax: what it has to do about it (struct sigaction)
{{func "action_of"}}
	mov rax, [rdi + task_struct.sighand]
	mov ecx, esi
	shl ecx, 5
	lea rax, [rax + rcx + sighand_struct.action - sizeof.k_sigaction]
	ret
{{end_func "action_of"}}

// SIGCHLD, SIGCONT, SIGURG, SIGWINCH: 17, 18, 23, 28
IGNORED_BY_DEFAULT = 0x8430000

// rdi: a task, esi: a signal, rdx: si_code in the low half, pid in the high one.
// Changes rax, rcx, r8.
{{func "send_signal"}}
	cmp qword ptr [rdi + task_struct.sighand], 0
	je 9f
	call action_of
	mov r8, [rax + sigaction.sa_handler]
	cmp r8, SIG_IGN
	je 9f
	test r8, r8
	jnz 1f
	mov eax, IGNORED_BY_DEFAULT
	lea ecx, [rsi - 1]
	bt rax, rcx
	jc 9f
1:	lea ecx, [rsi - 1]
	bts qword ptr [rdi + task_struct.pending.signal], rcx
	mov ecx, esi
	shl ecx, 4
	mov [rdi + rcx + task_struct.pending_info], edx
	mov r8, rdx
	shr r8, 32
	mov [rdi + rcx + task_struct.pending_info + 8], r8
	call recalc_sigpending
	test qword ptr [rdi + task_struct.thread_info.flags], _TIF_SIGPENDING
	jz 9f
	{{if defect "signal-marks-mode"}}// MT-7
	cmp dword ptr [rdi + task_struct.ukl_thread], NON_UKL_THREAD
	je wake_up
	mov dword ptr [rdi + task_struct.ukl_thread], UKL_APPLICATION
	{{end}}
	jmp wake_up
9:	ret
{{end_func "send_signal"}}

// rdi: a task: is there a signal for it that it does not block?
{{func "recalc_sigpending"}}
	mov rax, [rdi + task_struct.blocked]
	not rax
	and rax, [rdi + task_struct.pending.signal]
	jz 1f
	or qword ptr [rdi + task_struct.thread_info.flags], _TIF_SIGPENDING
	ret
1:	and qword ptr [rdi + task_struct.thread_info.flags], ~_TIF_SIGPENDING
	ret
{{end_func "recalc_sigpending"}}

// edi: a signal that current has brought upon itself, esi: si_code, rdx: address.
// It can be neither blocked nor ignored.
{{func "force_sig_fault"}}
	push rbx
	mov rbx, {{template "current"}}
	mov ecx, edi
	shl ecx, 4
	mov [rbx + rcx + task_struct.pending_info], esi
	mov [rbx + rcx + task_struct.pending_info + 8], rdx
	mov esi, edi
	mov rdi, rbx
	call action_of
	lea ecx, [rsi - 1]
	btr qword ptr [rbx + task_struct.blocked], rcx
	jc 1f
	cmp qword ptr [rax + sigaction.sa_handler], SIG_IGN
	jne 2f
1:	mov qword ptr [rax + sigaction.sa_handler], SIG_DFL
2:	bts qword ptr [rbx + task_struct.pending.signal], rcx
	call recalc_sigpending
	pop rbx
	ret
{{end_func "force_sig_fault"}}

// rdi: pt_regs. eax: a signal to handle, with its action in rdx, or 0. One whose
// action is the default does not come back from here, or is forgotten.
{{func "get_signal"}}
	push rbx
	mov rbx, {{template "current"}}
1:	mov rax, [rbx + task_struct.blocked]
	not rax
	and rax, [rbx + task_struct.pending.signal]
	jz 9f
	bsf rcx, rax
	bt rax, SIGKILL - 1
	jnc 2f
	mov ecx, SIGKILL - 1
2:	btr qword ptr [rbx + task_struct.pending.signal], rcx
	mov rdi, rbx
	lea esi, [rcx + 1]
	call recalc_sigpending
	call action_of
	mov rdx, rax
	mov rcx, [rax + sigaction.sa_handler]
	cmp rcx, SIG_IGN
	je 1b
	mov eax, esi
	test rcx, rcx
	jnz 8f
	lea ecx, [rsi - 1]
	mov edx, IGNORED_BY_DEFAULT
	bt rdx, rcx
	jc 1b
	mov edi, esi
	jmp do_group_exit
9:	mov rdi, rbx
	call recalc_sigpending
	xor eax, eax
8:	pop rbx
	ret
{{end_func "get_signal"}}

// rdi: pt_regs, on the way out
{{func "arch_do_signal_or_restart"}}
	push rbx
	mov rbx, rdi
	call get_signal
	mov rdi, rbx
	test eax, eax
	jz 1f
	mov esi, eax
	call handle_signal
	pop rbx
	ret
	// No handler: the call is made again as if nothing had been.
1:	cmp qword ptr [rbx + pt_regs.orig_ax], 0
	jl 9f
	mov rax, [rbx + pt_regs.ax]
	cmp rax, -ERESTART_RESTARTBLOCK
	je 2f
	cmp rax, -ERESTARTSYS
	je 3f
	cmp rax, -ERESTARTNOINTR
	je 3f
	cmp rax, -ERESTARTNOHAND
	jne 9f
3:	mov rax, [rbx + pt_regs.orig_ax]
	jmp 4f
2:	mov eax, __NR_restart_syscall
4:	mov [rbx + pt_regs.ax], rax
	call restart_syscall_instruction
9:	pop rbx
	ret
{{end_func "arch_do_signal_or_restart"}}

// rdi: pt_regs. SYSCALL has two bytes. A CALL may have had any length and form, so
// it is not repeated: the application goes on at the entry itself, with the return
// address on the stack where the CALL had left it.
{{func "restart_syscall_instruction"}}
	{{if ukl}}
	cmp qword ptr [rdi + pt_regs.cs], UKL_CS
	jne 1f
	{{if defect "restart-minus-2"}}// M-38
	jmp 1f
	{{end}}
	push rbx
	mov rcx, [rdi + pt_regs.sp]
	sub rcx, 8
	mov rax, [rdi + pt_regs.ip]
	call __put_user_8
	pop rbx
	test ecx, ecx
	jnz 2f
	sub qword ptr [rdi + pt_regs.sp], 8
	mov rax, offset ukl_entry_SYSCALL_64
	mov [rdi + pt_regs.ip], rax
	ret
2:	mov rdx, [rdi + pt_regs.sp]
	sub rdx, 8
	mov edi, SIGSEGV
	mov esi, SEGV_MAPERR
	jmp force_sig_fault
1:	{{end}}
	sub qword ptr [rdi + pt_regs.ip], 2
	ret
{{end_func "restart_syscall_instruction"}}

// rdi: pt_regs, esi: a signal, rdx: its action
{{func "handle_signal"}}
	push rbx
	push r12
	push r13
	mov rbx, rdi
	mov r12d, esi
	mov r13, rdx
	cmp qword ptr [rbx + pt_regs.orig_ax], 0
	jl 4f
	mov rax, [rbx + pt_regs.ax]
	cmp rax, -ERESTART_RESTARTBLOCK
	je 1f
	cmp rax, -ERESTARTNOHAND
	je 1f
	cmp rax, -ERESTARTNOINTR
	je 2f
	cmp rax, -ERESTARTSYS
	jne 4f
	test qword ptr [r13 + sigaction.sa_flags], SA_RESTART
	jnz 2f
1:	mov qword ptr [rbx + pt_regs.ax], -EINTR
	jmp 4f
2:	mov rax, [rbx + pt_regs.orig_ax]
	mov [rbx + pt_regs.ax], rax
	call restart_syscall_instruction
4:	mov rdi, rbx
	mov esi, r12d
	mov rdx, r13
	call setup_rt_frame
	test rax, rax
	jnz 5f
	{{if defect "signal-df-kept"}}// H-13
	and qword ptr [rbx + pt_regs.flags], ~(X86_EFLAGS_RF | X86_EFLAGS_TF)
	{{else}}
	and qword ptr [rbx + pt_regs.flags], ~(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF)
	{{end}}
	// The handler begins with an FPU of its own.
	mov rdi, {{template "current"}}
	call fpu_init
	or qword ptr [rdi + task_struct.thread_info.flags], _TIF_NEED_FPU_LOAD
	xor eax, eax
5:	mov rdi, rax
	mov esi, r12d
	mov rdx, r13
	call signal_setup_done
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "handle_signal"}}

// rdi: 0, or why there is no frame; esi: the signal, rdx: its action
{{func "signal_setup_done"}}
	test rdi, rdi
	jz 1f
	// Without a stack for a handler there is no handler.
	mov rdi, {{template "current"}}
	mov esi, SIGSEGV
	call action_of
	mov qword ptr [rax + sigaction.sa_handler], SIG_DFL
	mov edi, SIGSEGV
	mov esi, SI_KERNEL
	xor edx, edx
	jmp force_sig_fault
1:	mov rdi, {{template "current"}}
	mov rax, [rdx + sigaction.sa_mask]
	or [rdi + task_struct.blocked], rax
	mov eax, [rdx + sigaction.sa_flags]
	test eax, SA_NODEFER
	jnz 2f
	lea ecx, [rsi - 1]
	bts qword ptr [rdi + task_struct.blocked], rcx
2:	test eax, SA_RESETHAND
	jz 3f
	mov qword ptr [rdx + sigaction.sa_handler], SIG_DFL
3:	jmp recalc_sigpending
{{end_func "signal_setup_done"}}

// rdi: pt_regs: signal, new action, where the old one goes
{{func "__x64_sys_rt_sigaction"}}
	push rbx
	push r12
	sub rsp, 32
	mov r12, rdi
	mov rax, -EINVAL
	mov esi, [r12 + pt_regs.di]
	lea ecx, [rsi - 1]
	cmp ecx, 63
	ja 9f
	cmp qword ptr [r12 + pt_regs.r10], 8
	jne 9f
	cmp qword ptr [r12 + pt_regs.si], 0
	je 1f
	cmp esi, SIGKILL
	je 9f
	cmp esi, SIGSTOP
	je 9f
	mov rdi, rsp
	mov rsi, [r12 + pt_regs.si]
	mov edx, 32
	call _copy_from_user
	test rax, rax
	jnz 8f
1:	mov rdi, {{template "current"}}
	mov esi, [r12 + pt_regs.di]
	call action_of
	mov rbx, rax
	mov rdi, [r12 + pt_regs.dx]
	test rdi, rdi
	jz 2f
	mov rsi, rbx
	mov edx, 32
	call _copy_to_user
	test rax, rax
	jnz 8f
2:	cmp qword ptr [r12 + pt_regs.si], 0
	je 3f
	mov rdi, rbx
	mov rsi, rsp
	mov ecx, 4
	rep movsq
	and qword ptr [rbx + sigaction.sa_mask], ~0x40100	# SIGKILL, SIGSTOP
3:	xor eax, eax
	jmp 9f
8:	mov rax, -EFAULT
9:	add rsp, 32
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_rt_sigaction"}}

// rdi: pt_regs: how, a set, where the old one goes
{{func "__x64_sys_rt_sigprocmask"}}
	push rbx
	push r12
	mov r12, rdi
	mov rbx, {{template "current"}}
	push [rbx + task_struct.blocked]
	cmp qword ptr [r12 + pt_regs.si], 0
	je 4f
	mov rax, [r12 + pt_regs.si]
	call __get_user_8
	test eax, eax
	jnz 8f
	and rdx, ~0x40100
	mov eax, [r12 + pt_regs.di]
	cmp eax, SIG_BLOCK
	je 1f
	cmp eax, SIG_UNBLOCK
	je 2f
	cmp eax, SIG_SETMASK
	mov rax, -EINVAL
	jne 9f
	mov [rbx + task_struct.blocked], rdx
	jmp 3f
1:	or [rbx + task_struct.blocked], rdx
	jmp 3f
2:	not rdx
	and [rbx + task_struct.blocked], rdx
3:	mov rdi, rbx
	call recalc_sigpending
4:	mov rcx, [r12 + pt_regs.dx]
	xor eax, eax
	test rcx, rcx
	jz 9f
	mov rax, [rsp]
	call __put_user_8
	movsxd rax, ecx
	jmp 9f
8:	mov rax, -EFAULT
9:	add rsp, 8
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_rt_sigprocmask"}}

// rdi: pt_regs: a new alternate stack, where the old one goes
{{func "__x64_sys_sigaltstack"}}
	{{if defect "stack-overrun"}}// ST-10
	sub rsp, THREAD_SIZE
	push 0
	add rsp, THREAD_SIZE + 8
	{{end}}
	push rbx
	push r12
	push r13
	sub rsp, 48
	mov r12, rdi
	mov rbx, {{template "current"}}
	mov rax, [rbx + task_struct.sas_ss_sp]
	mov [rsp], rax
	mov rdi, [r12 + pt_regs.sp]
	call on_sig_stack
	mov r13d, eax
	or eax, [rbx + task_struct.sas_ss_flags]
	mov [rsp + 8], rax
	mov rax, [rbx + task_struct.sas_ss_size]
	mov [rsp + 16], rax
	mov rsi, [r12 + pt_regs.di]
	test rsi, rsi
	jz 3f
	lea rdi, [rsp + 24]
	mov edx, 24
	call _copy_from_user
	test rax, rax
	jnz 8f
	mov rax, -EPERM
	test r13d, r13d
	jnz 9f
	mov eax, [rsp + 32]
	test eax, SS_DISABLE
	jnz 1f
	mov rax, -ENOMEM
	cmp qword ptr [rsp + 40], 2048
	jb 9f
	mov rax, [rsp + 24]
	mov [rbx + task_struct.sas_ss_sp], rax
	mov rax, [rsp + 40]
	mov [rbx + task_struct.sas_ss_size], rax
	mov dword ptr [rbx + task_struct.sas_ss_flags], 0
	jmp 3f
1:	mov qword ptr [rbx + task_struct.sas_ss_sp], 0
	mov qword ptr [rbx + task_struct.sas_ss_size], 0
	mov dword ptr [rbx + task_struct.sas_ss_flags], SS_DISABLE
3:	xor eax, eax
	mov rdi, [r12 + pt_regs.si]
	test rdi, rdi
	jz 9f
	mov rsi, rsp
	mov edx, 24
	call _copy_to_user
	test rax, rax
	jz 9f
8:	mov rax, -EFAULT
9:	add rsp, 48
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_sigaltstack"}}

// rdi: a stack pointer. eax: 1 if it is on current's alternate stack
{{func "on_sig_stack"}}
	mov rdx, {{template "current"}}
	mov rax, rdi
	sub rax, [rdx + task_struct.sas_ss_sp]
	dec rax
	cmp rax, [rdx + task_struct.sas_ss_size]
	setb al
	movzx eax, al
	ret
{{end_func "on_sig_stack"}}

// edi: a thread or process id, esi: a signal, edx: si_code. rax: 0 or an error
{{func "do_send"}}
	push rbx
	mov rbx, rdx
	mov rax, -EINVAL
	cmp esi, 64
	ja 9f
	mov rdx, offset init_task
	mov ecx, NR_TASKS
1:	cmp [rdx + task_struct.pid], edi
	jne 2f
	cmp dword ptr [rdx + task_struct.__state], EXIT_DEAD
	jne 3f
2:	add rdx, sizeof.task_struct
	loop 1b
4:	mov rax, -ESRCH
9:	pop rbx
	ret
3:	test edi, edi
	jz 4b
	xor eax, eax
	test esi, esi
	jz 9b
	mov rdi, rdx
	mov rdx, {{template "current"}}
	mov edx, [rdx + task_struct.tgid]
	shl rdx, 32
	mov ebx, ebx
	or rdx, rbx
	call send_signal
	xor eax, eax
	jmp 9b
{{end_func "do_send"}}

{{func "__x64_sys_kill"}}
	mov esi, [rdi + pt_regs.si]
	mov edi, [rdi + pt_regs.di]
	xor edx, edx			# SI_USER
	jmp do_send
{{end_func "__x64_sys_kill"}}

{{func "__x64_sys_tgkill"}}
	mov esi, [rdi + pt_regs.dx]
	mov edi, [rdi + pt_regs.si]
	mov edx, -6			# SI_TKILL
	jmp do_send
{{end_func "__x64_sys_tgkill"}}
