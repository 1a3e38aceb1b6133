// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the entry to the call and back out (arch/x86/entry/common.c,
// kernel/entry/common.c).

NR_SYSCALLS = 335

.text
// rdi: pt_regs, rsi: the number
{{func "do_syscall_64"}}
	push rbx
	mov rbx, rdi
	sti
	{{if .SameStack}}
	// Not on what execve throws away, or what the child of vfork goes on with.
	lea eax, [rsi - __NR_clone]
	cmp eax, __NR_execve - __NR_clone
	jbe L_leave_same_stack
	{{end}}
	{{if defect "number-64"}}// H-11
	mov rsi, [rdi + pt_regs.orig_ax]
	cmp esi, NR_SYSCALLS
	{{else}}
	cmp rsi, NR_SYSCALLS
	{{end}}
	jae 1f
	call [sys_call_table + 8*rsi]
	mov [rbx + pt_regs.ax], rax
1:	mov rdi, rbx
	pop rbx
	jmp syscall_exit_to_user_mode
{{end_func "do_syscall_64"}}

{{if .SameStack}}
// From the application's pinned stack to the thread stack, for good: the call that
// is under way returns from there. rdi: pt_regs, rsi: the number
L_leave_same_stack:
	cli
	mov rax, {{template "top_of_stack"}}
	sub rax, sizeof.pt_regs
	cmp rax, rdi
	je 1f
	mov rdx, rsi
	mov rsi, rdi
	mov rdi, rax
	mov ecx, sizeof.pt_regs / 8
	rep movsq
	mov rsi, rdx
1:	mov rsp, rax
	mov rbx, rax
	mov rdi, rax
	sti
	call [sys_call_table + 8*rsi]
	mov [rbx + pt_regs.ax], rax
	mov rdi, rbx
	call syscall_exit_to_user_mode
	jmp swapgs_restore_regs_and_return_to_usermode
{{end}}

{{if .Bypass}}
// The short way: without a look at what else there may be to do, if there is none
// and the task has some of these left. rdi: pt_regs, rsi: the number
{{func "do_syscall_bypass"}}
	push rbx
	mov rbx, rdi
	sti
	cmp rsi, NR_SYSCALLS
	jae 1f
	call [sys_call_table + 8*rsi]
	mov [rbx + pt_regs.ax], rax
1:	cli
	mov rdi, rbx
	pop rbx
	mov rax, {{template "current"}}
	{{if defect "bypass-skips-work"}}// M-48
	ret
	{{end}}
	dec dword ptr [rax + task_struct.ukl_bypass]
	jle 2f
	test qword ptr [rax + task_struct.thread_info.flags], EXIT_WORK | _TIF_NEED_FPU_LOAD
	jnz 3f
	ret
2:	mov dword ptr [rax + task_struct.ukl_bypass], UKL_BYPASS_LIMIT
3:	jmp syscall_exit_to_user_mode
{{end_func "do_syscall_bypass"}}
{{end}}

EXIT_WORK = _TIF_SIGPENDING | _TIF_NEED_RESCHED | _TIF_NOTIFY_RESUME

// rdi: pt_regs
{{func "syscall_exit_to_user_mode"}}
	cli
	{{if .KML}}// returns to the kernel, as far as it knows
	{{template "user_mode" args "regs" "rdi"}}
	jnz exit_to_user_mode_prepare
	mov rax, {{template "current"}}
	test qword ptr [rax + task_struct.thread_info.flags], _TIF_NEED_RESCHED
	jnz schedule
	ret
	{{else}}
	jmp exit_to_user_mode_prepare
	{{end}}
{{end_func "syscall_exit_to_user_mode"}}

// rdi: pt_regs. All that a task has to do before it is itself again. Interrupts are
// off, and off when it returns.
{{func "exit_to_user_mode_prepare"}}
	push rbx
	push r12
	mov rbx, rdi
	{{if defect "return-mode-early"}}// EX-8
	cmp qword ptr [rdi + pt_regs.cs], UKL_CS
	jne 6f
	call enter_ukl_user
6:	{{end}}
	{{if defect "exit-skips-work"}}// EX-10
	jmp 3f
	{{end}}
1:	mov r12, {{template "current"}}
	mov rax, [r12 + task_struct.thread_info.flags]
	test rax, EXIT_WORK
	jz 3f
	test rax, _TIF_NEED_RESCHED
	jz 2f
	call schedule
	jmp 1b
2:	and qword ptr [r12 + task_struct.thread_info.flags], ~_TIF_NOTIFY_RESUME
	test rax, _TIF_SIGPENDING
	jz 1b
	{{if .SameStack}}
	// The signal's frame goes where we are: on, from the thread stack.
	mov rax, {{template "top_of_stack"}}
	sub rax, sizeof.pt_regs
	cmp rax, rbx
	je 5f
	mov rsi, rbx
	mov rdi, rax
	mov ecx, sizeof.pt_regs / 8
	rep movsq
	mov rsp, rax
	mov rdi, rax
	call exit_to_user_mode_prepare
	jmp swapgs_restore_regs_and_return_to_usermode
5:	{{end}}
	sti
	mov rdi, rbx
	call arch_do_signal_or_restart
	cli
	jmp 1b
3:	mov r12, {{template "current"}}
	bt qword ptr [r12 + task_struct.thread_info.flags], TIF_NEED_FPU_LOAD
	jnc 4f
	call switch_fpu_return
4:	pop r12
	pop rbx
	ret
{{end_func "exit_to_user_mode_prepare"}}

{{define "call"}}
	.fill (sys_call_table + 8 * __NR_{{.}} - .) / 8, 8, __x64_sys_ni_syscall
	.quad __x64_sys_{{.}}
{{end}}

.section .rodata
	.p2align 3
	.globl sys_call_table
sys_call_table:
	{{template "call" "read"}}
	{{template "call" "write"}}
	{{template "call" "mmap"}}
	{{template "call" "munmap"}}
	{{template "call" "brk"}}
	{{template "call" "rt_sigaction"}}
	{{template "call" "rt_sigprocmask"}}
	{{template "call" "rt_sigreturn"}}
	{{template "call" "pipe"}}
	{{template "call" "sched_yield"}}
	{{template "call" "pause"}}
	{{template "call" "nanosleep"}}
	{{template "call" "setitimer"}}
	{{template "call" "getpid"}}
	{{template "call" "clone"}}
	{{template "call" "fork"}}
	{{template "call" "vfork"}}
	{{template "call" "execve"}}
	{{template "call" "exit"}}
	{{template "call" "wait4"}}
	{{template "call" "kill"}}
	{{template "call" "getppid"}}
	{{template "call" "sigaltstack"}}
	{{template "call" "arch_prctl"}}
	{{template "call" "gettid"}}
	{{template "call" "set_tid_address"}}
	{{template "call" "restart_syscall"}}
	{{template "call" "exit_group"}}
	{{template "call" "tgkill"}}
	.fill (sys_call_table + 8 * NR_SYSCALLS - .) / 8, 8, __x64_sys_ni_syscall
	.size sys_call_table, NR_SYSCALLS * 8
.text
