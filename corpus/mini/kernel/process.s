// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tasks: made by clone, ended by exit, waited for by their parents
// (kernel/fork.c, kernel/exit.c, arch/x86/kernel/process.c).

.data
	.p2align 3
last_pid:
	.quad 0
	.globl ukl_tasks
ukl_tasks:				# how many tasks are the application's
	.quad 0
.text

// rax: a task that nobody is, or 0
{{func "alloc_task"}}
	mov rax, offset init_task + sizeof.task_struct
	mov ecx, NR_TASKS - 1
1:	cmp dword ptr [rax + task_struct.__state], EXIT_DEAD
	je 2f
	add rax, sizeof.task_struct
	loop 1b
	xor eax, eax
	ret
	// Nothing of the last one is left but its stack.
2:	push rdi
	push [rax + task_struct.stack]
	mov rdx, rax
	mov rdi, rax
	xor eax, eax
	mov ecx, sizeof.task_struct / 8
	rep stosq
	mov rax, rdx
	pop [rax + task_struct.stack]
	mov dword ptr [rax + task_struct.__state], TASK_UNINTERRUPTIBLE
	inc qword ptr [last_pid]
	mov edx, [last_pid]
	mov [rax + task_struct.pid], edx
	mov [rax + task_struct.tgid], edx
	// Any number that differs from the others' will do.
	mov rcx, 0x5bd1e995a7c3f100
	imul rcx, rdx
	xor cl, cl
	mov [rax + task_struct.stack_canary], rcx
	pop rdi
	ret
{{end_func "alloc_task"}}

// rdi: a function, rsi: its argument. A task that begins with it in the kernel; if
// the function returns, the task goes on with what its pt_regs say.
{{func "kernel_thread"}}
	push rbx
	push r12
	mov rbx, rdi
	mov r12, rsi
	call alloc_task
	mov rdi, rax
	call fpu_init
	mov rax, rdi
	mov rdx, offset init_task
	mov [rax + task_struct.real_parent], rdx
	mov [rax + task_struct.parent], rdx
	mov rdx, [rax + task_struct.stack]
	add rdx, THREAD_SIZE - sizeof.fork_frame
	mov [rax + task_struct.thread.sp], rdx
	mov [rdx + fork_frame.frame.bx], rbx
	mov [rdx + fork_frame.frame.r12], r12
	mov rcx, offset ret_from_fork
	mov [rdx + fork_frame.frame.ret_addr], rcx
	lea rdi, [rdx + fork_frame.regs]
	mov rdx, rax
	xor eax, eax
	mov ecx, sizeof.pt_regs / 8
	rep stosq
	mov dword ptr [rdx + task_struct.__state], TASK_RUNNING
	mov rax, rdx
	pop r12
	pop rbx
	ret
{{end_func "kernel_thread"}}

// Where a new task begins. rax: prev, rbx: the function of a kernel thread, or 0
.section .entry.text
{{code "ret_from_fork"}}
	test rbx, rbx
	jnz 2f
1:	mov rdi, rsp
	call syscall_exit_to_user_mode
	jmp swapgs_restore_regs_and_return_to_usermode
2:	mov rdi, r12
	call rbx
	mov qword ptr [rsp + pt_regs.ax], 0
	jmp 1b
.text

// rdi: flags, rsi: a new stack or 0, rdx: child_tid, rcx: TLS, r8: pt_regs.
// rax: the child's pid or an error
{{func "kernel_clone"}}
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov r12, rdi
	mov r13, rsi
	mov r14, rdx
	mov r15, rcx
	mov rbp, r8
	call alloc_task
	test rax, rax
	jz L_clone_again
	mov rbx, rax
	mov r8, {{template "current"}}

	// Memory: the same, or a copy.
	mov rdi, [r8 + task_struct.mm]
	test r12, CLONE_VM
	jz 1f
	inc dword ptr [rdi + mm_struct.mm_users]
	mov rax, rdi
	jmp 2f
1:	call dup_mm
	test rax, rax
	jz L_clone_undo
2:	mov [rbx + task_struct.mm], rax
	mov [rbx + task_struct.active_mm], rax

	// Signals' actions: the same for a thread, else a copy.
	mov r8, {{template "current"}}
	mov rsi, [r8 + task_struct.sighand]
	test r12, CLONE_THREAD
	jz 3f
	inc dword ptr [rsi + sighand_struct.count]
	mov eax, [r8 + task_struct.tgid]
	mov [rbx + task_struct.tgid], eax
	mov rax, rsi
	jmp 4f
3:	call alloc_sighand
	lea rsi, [rsi + sighand_struct.action]
	lea rdi, [rax + sighand_struct.action]
	mov ecx, 64 * sizeof.k_sigaction / 8
	rep movsq
	mov edx, r12d
	and edx, 0xff			# CSIGNAL
	mov [rbx + task_struct.exit_signal], edx
4:	mov [rbx + task_struct.sighand], rax

	mov rax, [r8 + task_struct.blocked]
	mov [rbx + task_struct.blocked], rax
	mov rax, [r8 + task_struct.comm]
	mov [rbx + task_struct.comm], rax
	mov rax, [r8 + task_struct.thread.gsbase]
	mov rdi, r8
	call leader
	mov [rbx + task_struct.real_parent], rax
	mov [rbx + task_struct.parent], rax

	// A thread has an alternate stack of its own, or none.
	test r12, CLONE_VM
	jnz 5f
	mov rax, [r8 + task_struct.sas_ss_sp]
	mov [rbx + task_struct.sas_ss_sp], rax
	mov rax, [r8 + task_struct.sas_ss_size]
	mov [rbx + task_struct.sas_ss_size], rax
5:	mov eax, [r8 + task_struct.sas_ss_flags]
	mov [rbx + task_struct.sas_ss_flags], eax

	test r12, CLONE_CHILD_CLEARTID
	jz 6f
	mov [rbx + task_struct.clear_child_tid], r14
6:	mov rdi, rbx
	mov rsi, r12
	mov rdx, r13
	mov rcx, r15
	mov r8, rbp
	call copy_thread

	// The child may be gone by the time that its pid is wanted.
	mov r13d, [rbx + task_struct.pid]
	test r12, CLONE_CHILD_SETTID
	jz 7f
	test r12, CLONE_VM
	jz 7f
	mov rcx, r14
	mov eax, r13d
	push rbx
	call __put_user_4
	pop rbx
7:	mov rdi, rbx
	call wake_up_new_task
	test r12, CLONE_VFORK
	jz 9f
	// The parent waits until the child has memory of its own, or is no more.
	mov r8, {{template "current"}}
8:	cli
	cmp [rbx + task_struct.pid], r13d
	jne 10f
	mov rax, [r8 + task_struct.mm]
	cmp [rbx + task_struct.mm], rax
	jne 10f
	mov rax, offset vfork_waits
	mov [r8 + task_struct.restart_block.fn], rax
	mov dword ptr [r8 + task_struct.__state], TASK_UNINTERRUPTIBLE
	call schedule
	mov r8, {{template "current"}}
	jmp 8b
10:	mov qword ptr [r8 + task_struct.restart_block.fn], 0
	sti
9:	mov eax, r13d
	jmp L_clone_return
L_clone_undo:
	mov dword ptr [rbx + task_struct.__state], EXIT_DEAD
L_clone_again:
	mov rax, -EAGAIN
L_clone_return:
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret
{{end_func "kernel_clone"}}

vfork_waits:				# only an address that says so

// Parents that wait for their child to leave their memory look again.
{{func "complete_vfork"}}
	mov rdx, offset vfork_waits
	mov rax, offset init_task
	mov ecx, NR_TASKS
1:	cmp [rax + task_struct.restart_block.fn], rdx
	jne 2f
	cmp dword ptr [rax + task_struct.__state], TASK_UNINTERRUPTIBLE
	jne 2f
	mov dword ptr [rax + task_struct.__state], TASK_RUNNING
2:	add rax, sizeof.task_struct
	loop 1b
	ret
{{end_func "complete_vfork"}}

// rdi: the child, rsi: flags, rdx: a new stack or 0, rcx: TLS, r8: the parent's
// pt_regs. The child goes on where the parent does, with 0 for an answer. As
// pt_regs say all there is to say, there is nothing to adjust.
{{func "copy_thread"}}
	push rbx
	push r12
	push r13
	push r14
	mov rbx, rdi
	mov r12, rsi
	mov r13, rdx
	mov r14, rcx
	mov rax, [rbx + task_struct.stack]
	add rax, THREAD_SIZE - sizeof.fork_frame
	mov [rbx + task_struct.thread.sp], rax
	mov qword ptr [rax + fork_frame.frame.bx], 0
	mov rcx, offset ret_from_fork
	mov [rax + fork_frame.frame.ret_addr], rcx
	lea rdi, [rax + fork_frame.regs]
	mov rsi, r8
	mov ecx, sizeof.pt_regs / 8
	rep movsq
	mov qword ptr [rax + fork_frame.regs.ax], 0
	test r13, r13
	jz 1f
	mov [rax + fork_frame.regs.sp], r13
1:	{{if defect "fork-irqs-off"}}// M-40
	cmp qword ptr [rax + fork_frame.regs.cs], UKL_CS
	jne 5f
	and qword ptr [rax + fork_frame.regs.flags], ~X86_EFLAGS_IF
5:	{{end}}
	{{if defect "fork-sp-off"}}// M-39: what another return would have popped
	cmp qword ptr [rax + fork_frame.regs.cs], UKL_CS
	jne 6f
	test r12, CLONE_VM
	jnz 6f
	add qword ptr [rax + fork_frame.regs.sp], 16
6:	{{end}}

	// FPU and bases are those of the parent at this moment.
	mov rdi, {{template "current"}}
	bt qword ptr [rdi + task_struct.thread_info.flags], TIF_NEED_FPU_LOAD
	jc 2f
	call save_fpregs
2:	lea rsi, [rdi + task_struct.thread.fpu.__fpstate.regs]
	lea rdi, [rbx + task_struct.thread.fpu.__fpstate.regs]
	mov ecx, 72
	rep movsq
	or qword ptr [rbx + task_struct.thread_info.flags], _TIF_NEED_FPU_LOAD
	mov ecx, MSR_KERNEL_GS_BASE
	rdmsr
	mov [rbx + task_struct.thread.gsbase], eax
	mov [rbx + task_struct.thread.gsbase + 4], edx
	mov ecx, MSR_FS_BASE
	rdmsr
	mov [rbx + task_struct.thread.fsbase], eax
	mov [rbx + task_struct.thread.fsbase + 4], edx
	test r12, CLONE_SETTLS
	jz 3f
	mov [rbx + task_struct.thread.fsbase], r14
3:	{{if ukl}}
	// A child does what its parent does.
	mov rax, {{template "current"}}
	mov eax, [rax + task_struct.ukl_thread]
	mov [rbx + task_struct.ukl_thread], eax
	test eax, eax
	jz 4f
	{{if defect "fork-mode-value"}}// MT-1: both at once
	or dword ptr [rbx + task_struct.ukl_thread], UKL_APPLICATION
	{{end}}
	inc qword ptr [ukl_tasks]
	{{if .Bypass}}
	mov dword ptr [rbx + task_struct.ukl_bypass], UKL_BYPASS_LIMIT
	{{end}}
4:	{{end}}
	pop r14
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "copy_thread"}}

// rdi: a task. rax: the one that its threads' parent knows
{{func "leader"}}
	mov edx, [rdi + task_struct.tgid]
	mov rax, offset init_task
	mov ecx, NR_TASKS
1:	cmp [rax + task_struct.pid], edx
	je 2f
	add rax, sizeof.task_struct
	loop 1b
	mov rax, rdi
2:	ret
{{end_func "leader"}}

// rdi: a task that is no longer the application's
{{if ukl}}
{{func "unikernel_leave"}}
	cmp dword ptr [rdi + task_struct.ukl_thread], NON_UKL_THREAD
	je 1f
	mov dword ptr [rdi + task_struct.ukl_thread], NON_UKL_THREAD
	dec qword ptr [ukl_tasks]
1:	ret
{{end_func "unikernel_leave"}}
{{end}}

// rdi: a task that never runs again, or that is current and on its way out. Gives
// back what it has, but not the task itself.
{{func "exit_task"}}
	push rbx
	mov rbx, rdi
	{{if ukl}}
	call unikernel_leave
	{{end}}
	mov rdi, [rbx + task_struct.mm]
	test rdi, rdi
	jz 2f
	mov qword ptr [rbx + task_struct.mm], 0
	cmp rbx, {{template "current"}}
	jne 1f
	mov qword ptr [rbx + task_struct.active_mm], offset init_mm
	mov rax, offset init_top_pgt
	mov rdx, offset __START_KERNEL_map
	sub rax, rdx
	mov cr3, rax
1:	call mmput
2:	mov rdi, [rbx + task_struct.sighand]
	test rdi, rdi
	jz 3f
	dec dword ptr [rdi + sighand_struct.count]
	mov qword ptr [rbx + task_struct.sighand], 0
3:	mov qword ptr [rbx + task_struct.wake_at], 0
	mov qword ptr [rbx + task_struct.alarm_at], 0
	pop rbx
	ret
{{end_func "exit_task"}}

.data
	.p2align 3
	.globl init_mm
init_mm:				# of the idle task
	.zero sizeof.mm_struct
	.size init_mm, sizeof.mm_struct
.text

// The other threads of current end here and now: none of them runs, and none has
// anything in the kernel that it would have to give back.
{{func "de_thread"}}
	push rbx
	push r12
	mov rbx, offset init_task
	mov r12d, NR_TASKS
1:	mov rax, {{template "current"}}
	cmp rbx, rax
	je 2f
	mov ecx, [rax + task_struct.tgid]
	cmp [rbx + task_struct.tgid], ecx
	jne 2f
	cmp dword ptr [rbx + task_struct.__state], EXIT_DEAD
	je 2f
	mov rdi, rbx
	call exit_task
	mov dword ptr [rbx + task_struct.__state], EXIT_DEAD
2:	add rbx, sizeof.task_struct
	dec r12d
	jnz 1b
	// Whoever is left is the leader.
	mov rax, {{template "current"}}
	mov ecx, [rax + task_struct.tgid]
	mov [rax + task_struct.pid], ecx
	pop r12
	pop rbx
	ret
{{end_func "de_thread"}}

// edi: the status as wait4() tells it, for the whole process
{{func "do_group_exit"}}
	push rdi
	call de_thread
	pop rdi
	jmp do_exit
{{end_func "do_group_exit"}}

// edi: the status. Of a thread that is not the last nothing is left.
{{func "do_exit"}}
	mov rbx, {{template "current"}}
	mov [rbx + task_struct.exit_code], edi
	// Who joins a thread waits for a word to become 0.
	mov rcx, [rbx + task_struct.clear_child_tid]
	test rcx, rcx
	jz 1f
	xor eax, eax
	push rbx
	{{if defect "exit-writes-anywhere"}}// H-20
	mov [rcx], eax
	{{else}}
	call __put_user_4
	{{end}}
	pop rbx
	mov qword ptr [rbx + task_struct.clear_child_tid], 0
1:	cli
	cmp dword ptr [rbx + task_struct.pid], 1
	je L_init_exits
	mov rdi, rbx
	call exit_task
	call complete_vfork
	// Children become init's.
	mov rax, offset init_task
	mov rdx, offset init_task + sizeof.task_struct
	mov ecx, NR_TASKS
2:	cmp [rax + task_struct.real_parent], rbx
	jne 3f
	mov [rax + task_struct.real_parent], rdx
	mov [rax + task_struct.parent], rdx
3:	add rax, sizeof.task_struct
	loop 2b
	// Is this the last of its threads?
	mov edx, [rbx + task_struct.tgid]
	mov rax, offset init_task
	mov ecx, NR_TASKS
4:	cmp rax, rbx
	je 5f
	cmp [rax + task_struct.tgid], edx
	jne 5f
	mov esi, [rax + task_struct.__state]
	cmp esi, EXIT_DEAD
	je 5f
	cmp esi, EXIT_ZOMBIE
	je 5f
	mov dword ptr [rbx + task_struct.__state], EXIT_DEAD
	call schedule
5:	add rax, sizeof.task_struct
	loop 4b
	mov [rbx + task_struct.pid], edx
	mov dword ptr [rbx + task_struct.__state], EXIT_ZOMBIE
	mov rdi, [rbx + task_struct.real_parent]
	mov esi, [rbx + task_struct.exit_signal]
	xor edx, edx
	test esi, esi
	jz 6f
	call send_signal
6:	mov rdi, [rbx + task_struct.real_parent]
	call wake_up
	call schedule
	ud2				# nobody comes back from there
L_init_exits:
	mov edi, [rbx + task_struct.exit_code]
	test edi, 0x7f
	jnz 7f
	shr edi, 8
	jmp machine_exit
7:	mov rdi, offset L_init_killed
	jmp panic
{{end_func "do_exit"}}
.section .rodata
L_init_killed:
	.asciz "init was killed"
.text

// rdi: a task that is complete. From here on it may run.
{{func "wake_up_new_task"}}
	mov dword ptr [rdi + task_struct.__state], TASK_RUNNING
	ret
{{end_func "wake_up_new_task"}}

// rdi: a task that waits for something
{{func "wake_up"}}
	cmp dword ptr [rdi + task_struct.__state], TASK_INTERRUPTIBLE
	jne 1f
	mov dword ptr [rdi + task_struct.__state], TASK_RUNNING
1:	ret
{{end_func "wake_up"}}

// rdi: pt_regs: pid, where to, options. The status of a child that has ended.
{{func "__x64_sys_wait4"}}
	push rbx
	push r12
	push r13
	mov rbx, rdi
L_wait_again:
	cli
	mov rdi, {{template "current"}}
	call leader
	mov r8, rax
	mov r13, offset init_task
	mov ecx, NR_TASKS
	xor edx, edx			# are there any?
1:	cmp [r13 + task_struct.real_parent], r8
	jne 3f
	cmp dword ptr [r13 + task_struct.__state], EXIT_DEAD
	je 3f
	mov eax, [rbx + pt_regs.di]
	cmp eax, -1
	je 2f
	cmp [r13 + task_struct.pid], eax
	jne 3f
2:	mov edx, 1
	cmp dword ptr [r13 + task_struct.__state], EXIT_ZOMBIE
	je 5f
3:	add r13, sizeof.task_struct
	loop 1b
	mov rax, -ECHILD
	test edx, edx
	jz 9f
	xor eax, eax
	test dword ptr [rbx + pt_regs.dx], 1	# WNOHANG
	jnz 9f
	mov r12, {{template "current"}}
	mov dword ptr [r12 + task_struct.__state], TASK_INTERRUPTIBLE
	test qword ptr [r12 + task_struct.thread_info.flags], _TIF_SIGPENDING
	jnz 4f
	call schedule
	jmp L_wait_again
4:	mov dword ptr [r12 + task_struct.__state], TASK_RUNNING
	mov rax, -ERESTARTSYS
	jmp 9f
5:	mov r12d, [r13 + task_struct.pid]
	mov eax, [r13 + task_struct.exit_code]
	mov dword ptr [r13 + task_struct.__state], EXIT_DEAD
	sti
	mov rcx, [rbx + pt_regs.si]
	test rcx, rcx
	jz 6f
	push rbx
	call __put_user_4
	pop rbx
	test ecx, ecx
	mov rax, -EFAULT
	jnz 9f
6:	mov eax, r12d
9:	sti
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_wait4"}}
