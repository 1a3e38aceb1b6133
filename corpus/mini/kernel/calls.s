// SPDX-License-Identifier: GPL-2.0-or-later
//
// System calls that are neither about signals nor about tasks. Each gets pt_regs in
// RDI and answers in RAX.

.text
{{func "__x64_sys_ni_syscall"}}
	mov rax, -ENOSYS
	ret
{{end_func "__x64_sys_ni_syscall"}}

{{func "__x64_sys_getpid"}}
	{{if defect "call-by-ret"}}// ST-11
	mov rax, offset L_call_by_ret
	push rax
	ret
L_call_by_ret:
	{{end}}
	mov rax, {{template "current"}}
	mov eax, [rax + task_struct.tgid]
	{{if defect "kernel-red-zone"}}// H-27
	mov [rsp - 8], rax
	mov rax, [rsp - 8]
	{{end}}
	ret
{{end_func "__x64_sys_getpid"}}

{{func "__x64_sys_gettid"}}
	mov rax, {{template "current"}}
	mov eax, [rax + task_struct.pid]
	ret
{{end_func "__x64_sys_gettid"}}

{{func "__x64_sys_getppid"}}
	mov rdi, {{template "current"}}
	call leader
	mov rax, [rax + task_struct.real_parent]
	mov eax, [rax + task_struct.tgid]
	ret
{{end_func "__x64_sys_getppid"}}

{{func "__x64_sys_sched_yield"}}
	{{if defect "kernel-calls-entry"}}// EN-11
	mov eax, __NR_getpid
	call ukl_entry_SYSCALL_64
	{{end}}
	cli
	call schedule
	sti
	xor eax, eax
	ret
{{end_func "__x64_sys_sched_yield"}}

{{func "__x64_sys_exit"}}
	movzx edi, byte ptr [rdi + pt_regs.di]
	shl edi, 8
	jmp do_exit
{{end_func "__x64_sys_exit"}}

{{func "__x64_sys_exit_group"}}
	movzx edi, byte ptr [rdi + pt_regs.di]
	shl edi, 8
	jmp do_group_exit
{{end_func "__x64_sys_exit_group"}}

{{func "__x64_sys_fork"}}
	mov r8, rdi
	mov edi, SIGCHLD
	xor esi, esi
	xor edx, edx
	xor ecx, ecx
	jmp kernel_clone
{{end_func "__x64_sys_fork"}}

{{func "__x64_sys_vfork"}}
	mov r8, rdi
	mov edi, CLONE_VM | CLONE_VFORK | SIGCHLD
	xor esi, esi
	xor edx, edx
	xor ecx, ecx
	jmp kernel_clone
{{end_func "__x64_sys_vfork"}}

// flags, stack, parent_tid, child_tid, tls
{{func "__x64_sys_clone"}}
	mov r9, rdi
	mov rdi, [r9 + pt_regs.di]
	mov rsi, [r9 + pt_regs.si]
	mov rdx, [r9 + pt_regs.r10]
	mov rcx, [r9 + pt_regs.r8]
	mov r8, r9
	test edi, CLONE_THREAD
	jz kernel_clone
	mov rax, -EINVAL		# a thread has its process's memory
	test edi, CLONE_VM
	jnz kernel_clone
	ret
{{end_func "__x64_sys_clone"}}

// Sleeps until a signal comes.
{{func "__x64_sys_pause"}}
	cli
	mov rdx, {{template "current"}}
	test qword ptr [rdx + task_struct.thread_info.flags], _TIF_SIGPENDING
	jnz 1f
	mov dword ptr [rdx + task_struct.__state], TASK_INTERRUPTIBLE
	call schedule
	sti
	jmp __x64_sys_pause
1:	sti
	mov rax, -ERESTARTNOHAND
	ret
{{end_func "__x64_sys_pause"}}

// How long, and where the rest goes if a signal ends it.
{{func "__x64_sys_nanosleep"}}
	push rbx
	push r12
	sub rsp, 16
	mov rbx, rdi
	mov r12, {{template "current"}}
	mov rdi, rsp
	mov rsi, [rbx + pt_regs.di]
	mov edx, 16
	call _copy_from_user
	test rax, rax
	mov rax, -EFAULT
	jnz L_nanosleep_return
	// In ticks of 10 microseconds.
	mov rax, [rsp]
	imul rax, rax, 100000
	mov rcx, rax
	mov rax, [rsp + 8]
	xor edx, edx
	mov r8d, 10000
	div r8
	add rcx, rax
	inc rcx
	add rcx, [jiffies]
	mov [r12 + task_struct.restart_block.arg0], rcx
	mov rcx, [rbx + pt_regs.si]
	mov [r12 + task_struct.restart_block.arg1], rcx
	call hrtimer_nanosleep
L_nanosleep_return:
	add rsp, 16
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_nanosleep"}}

// Until restart_block.arg0.
{{func "hrtimer_nanosleep"}}
	push rbx
	mov rbx, {{template "current"}}
1:	cli
	mov rax, [rbx + task_struct.restart_block.arg0]
	cmp rax, [jiffies]
	jbe 3f
	test qword ptr [rbx + task_struct.thread_info.flags], _TIF_SIGPENDING
	jnz 4f
	mov [rbx + task_struct.wake_at], rax
	mov dword ptr [rbx + task_struct.__state], TASK_INTERRUPTIBLE
	cmp byte ptr [timer_runs], 0
	jne 2f
	call start_timer
2:	call schedule
	mov qword ptr [rbx + task_struct.wake_at], 0
	sti
	jmp 1b
3:	sti
	xor eax, eax
	pop rbx
	ret
4:	sti
	// What is left of it.
	sub rax, [jiffies]
	mov rcx, [rbx + task_struct.restart_block.arg1]
	test rcx, rcx
	jz 5f
	xor edx, edx
	mov r8d, 100000
	div r8
	imul rdx, rdx, 10000
	push rdx
	push rax
	mov rdi, rcx
	mov rsi, rsp
	mov edx, 16
	call _copy_to_user
	add rsp, 16
5:	mov rax, -ERESTART_RESTARTBLOCK
	pop rbx
	ret
{{end_func "hrtimer_nanosleep"}}

// ITIMER_REAL: when SIGALRM comes, and how often after that.
{{func "__x64_sys_setitimer"}}
	push rbx
	push r12
	sub rsp, 32
	mov rbx, rdi
	mov r12, {{template "current"}}
	mov rax, -EINVAL
	cmp qword ptr [rbx + pt_regs.di], 0
	jne 9f
	mov rdi, rsp
	mov rsi, [rbx + pt_regs.si]
	mov edx, 32
	call _copy_from_user
	test rax, rax
	mov rax, -EFAULT
	jnz 9f
	// Seconds and microseconds, in ticks of 10 microseconds.
	mov r8d, 10
	mov rax, [rsp + 8]
	xor edx, edx
	div r8
	imul rcx, [rsp], 100000
	add rax, rcx
	mov [r12 + task_struct.alarm_interval], rax
	mov rax, [rsp + 24]
	add rax, 9
	xor edx, edx
	div r8
	imul rcx, [rsp + 16], 100000
	add rax, rcx
	jz 1f
	add rax, [jiffies]
1:	mov [r12 + task_struct.alarm_at], rax
	cli
	test rax, rax
	jz 2f
	cmp byte ptr [timer_runs], 0
	jne 2f
	call start_timer
2:	sti
	xor eax, eax
9:	add rsp, 32
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_setitimer"}}

{{func "__x64_sys_restart_syscall"}}
	jmp hrtimer_nanosleep
{{end_func "__x64_sys_restart_syscall"}}

// FS base, and the GS base that is not in use while the kernel runs: that of a
// program. The application has the kernel's.
{{func "__x64_sys_arch_prctl"}}
	push rbx
	mov rbx, rdi
	mov rdi, [rbx + pt_regs.si]
	mov eax, [rbx + pt_regs.di]
	mov ecx, MSR_FS_BASE
	cmp eax, ARCH_SET_FS
	je 1f
	cmp eax, ARCH_GET_FS
	je 2f
	mov ecx, MSR_KERNEL_GS_BASE
	{{if defect "arch-set-gs-active"}}// M-43
	mov ecx, MSR_GS_BASE
	{{end}}
	cmp eax, ARCH_SET_GS
	je 1f
	cmp eax, ARCH_GET_GS
	je 2f
	mov rax, -EINVAL
	jmp 9f
1:	mov rax, TASK_SIZE_MAX
	cmp rdi, rax
	jb 3f
	{{if ukl}}
	// Thread-local data may be in the application's part of the image.
	push rcx
	mov esi, 8
	call access_ok
	pop rcx
	mov rdi, [rbx + pt_regs.si]
	test eax, eax
	jnz 3f
	{{end}}
	mov rax, -EPERM
	jmp 9f
3:	mov eax, edi
	mov rdx, rdi
	shr rdx, 32
	wrmsr
	xor eax, eax
	jmp 9f
2:	rdmsr
	shl rdx, 32
	or rax, rdx
	mov rcx, rdi
	call __put_user_8
	movsxd rax, ecx
9:	pop rbx
	ret
{{end_func "__x64_sys_arch_prctl"}}

{{func "__x64_sys_set_tid_address"}}
	mov rdx, [rdi + pt_regs.di]
	mov rax, {{template "current"}}
	mov [rax + task_struct.clear_child_tid], rdx
	mov eax, [rax + task_struct.pid]
	ret
{{end_func "__x64_sys_set_tid_address"}}
