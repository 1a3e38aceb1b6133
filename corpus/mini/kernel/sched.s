// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whose turn it is. The kernel is not preempted: interrupts only ask for a switch
// (TIF_NEED_RESCHED), which happens on the way back to a program or the
// application, or where a system call sleeps.

NR_TASKS = 8
NR_VMAS = 16
VMALLOC_START = 0xffffc90000000000

.text
{{func "sched_init"}}
	mov rdi, offset init_task
	mov rdx, VMALLOC_START + THREAD_SIZE	# above the guard
	mov ecx, NR_TASKS
1:	mov [rdi + task_struct.stack], rdx
	mov dword ptr [rdi + task_struct.__state], EXIT_DEAD
	add rdx, 2 * THREAD_SIZE
	add rdi, sizeof.task_struct
	loop 1b
	mov rdi, offset init_task
	mov dword ptr [rdi + task_struct.__state], TASK_RUNNING
	mov dword ptr [rdi + task_struct.flags], PF_KTHREAD
	mov rax, [rdi + task_struct.stack]
	add rax, THREAD_SIZE
	mov {{template "top_of_stack"}}, rax
	mov rax, 0x2f72657070617773	# swapper/
	mov [rdi + task_struct.comm], rax
	mov byte ptr [rdi + task_struct.comm + 8], 0x30
	ret
{{end_func "sched_init"}}

{{func "cpu_startup_entry"}}
1:	cli
	call schedule
	sti
	hlt
	jmp 1b
{{end_func "cpu_startup_entry"}}

// To the next that can run, or to the idle task. Interrupts are off.
{{func "schedule"}}
	{{if defect "schedule-irqs-on"}}// CS-1
	sti
	{{end}}
	push rbx
	mov rbx, {{template "current"}}
	and qword ptr [rbx + task_struct.thread_info.flags], ~_TIF_NEED_RESCHED
	mov rsi, rbx
	mov ecx, NR_TASKS
1:	add rsi, sizeof.task_struct
	cmp rsi, offset init_task + NR_TASKS * sizeof.task_struct
	jb 2f
	mov rsi, offset init_task
2:	cmp rsi, offset init_task
	je 3f
	cmp dword ptr [rsi + task_struct.__state], TASK_RUNNING
	je 4f
3:	loop 1b
	mov rsi, offset init_task
4:	cmp rsi, rbx
	je 5f
	mov rdi, rbx
	call context_switch
5:	pop rbx
	ret
{{end_func "schedule"}}

// rdi: prev, rsi: next. Kernel threads borrow the address space of the last one.
{{func "context_switch"}}
	mov rax, [rsi + task_struct.mm]
	test rax, rax
	jnz 1f
	mov rax, [rdi + task_struct.active_mm]
	mov [rsi + task_struct.active_mm], rax
	jmp 2f
1:	mov [rsi + task_struct.active_mm], rax
	{{if defect "switch-cr3-kept"}}// AS-7: for threads and for all that look like one
	mov ecx, [rsi + task_struct.tgid]
	cmp ecx, 1
	ja 2f
	{{end}}
	mov rax, [rax + mm_struct.pgd]
	sub rax, [page_offset_base]
	mov rcx, cr3
	cmp rax, rcx
	je 2f
	mov cr3, rax
2:	call __switch_to_asm
	ret
{{end_func "context_switch"}}
