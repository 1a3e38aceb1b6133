// SPDX-License-Identifier: GPL-2.0-or-later
//
// Items of the tour: threads, processes, time, calls that wait.

{{define "tour_tasks"}}
.section {{.text}}
// A thread has a stack, an FS base and an FPU of its own, and the rest in common.
{{func (print .p "item_threads")}}
	push rbx
	movups xmm1, [{{.p}}pattern]
	movups xmm15, [{{.p}}pattern]
	mov qword ptr [{{.p}}word], 0
	mov rdi, offset {{.p}}thread_1
	mov rsi, offset {{.p}}stack2_top
	mov rdx, offset {{.p}}tls
	mov [rdx], rdx
	mov r10, offset {{.p}}tid
	call {{.p}}thread
	mov ebx, 1
	test eax, eax
	jle 9f
	mov r10, offset {{.p}}tid
	call {{.p}}join
	mov ebx, 2
	cmp qword ptr [{{.p}}word], 3
	jne 9f
	mov ebx, 3
	call {{.p}}fpu_is_pattern
	jne 9f
	mov ebx, 4
	mov rax, [{{.p}}tls_base]
	cmp fs:[0], rax
	jne 9f
	xor ebx, ebx
9:	mov eax, ebx
	pop rbx
	ret
{{end_func (print .p "item_threads")}}

{{func (print .p "thread_1")}}
	mov rax, offset {{.p}}tls
	cmp fs:[0], rax
	jne 1f
	inc qword ptr [{{.p}}word]
1:	call {{.p}}clobber
	mov eax, __NR_sched_yield
	{{.call}}
	mov rax, offset {{.p}}tls
	cmp fs:[0], rax
	jne 2f
	inc qword ptr [{{.p}}word]
2:	mov eax, __NR_gettid
	{{.call}}
	cmp eax, [{{.p}}tid]
	jne 3f
	inc qword ptr [{{.p}}word]
3:	ret
{{end_func (print .p "thread_1")}}

// One that computes is interrupted for one that has slept long enough.
{{func (print .p "item_preemption")}}
	push rbx
	push rbp
	push r12
	mov qword ptr [{{.p}}flag], 0
	mov rdi, offset {{.p}}sleeper
	mov rsi, offset {{.p}}stack2_top
	mov rdx, offset {{.p}}tls
	mov r10, offset {{.p}}tid
	call {{.p}}thread
	movups xmm1, [{{.p}}pattern]
	movups xmm15, [{{.p}}pattern]
	mov rbx, 0x1111111111111101
	mov r12, 0
	mov rbp, rsp
	mov eax, __NR_sched_yield	# it begins to sleep
	{{.call}}
	std
1:	inc r12
	cmp qword ptr [{{.p}}flag], 0
	je 1b
	pushfq
	cld
	pop rdx
	mov ecx, 1
	test edx, X86_EFLAGS_DF
	jz 9f
	mov ecx, 2
	cmp rbp, rsp
	jne 9f
	mov ecx, 3
	mov rax, 0x1111111111111101
	cmp rax, rbx
	jne 9f
	mov ecx, 4
	call {{.p}}fpu_is_pattern
	jne 9f
	xor ecx, ecx
9:	mov ebx, ecx
	mov r10, offset {{.p}}tid
	call {{.p}}join
	mov eax, ebx
	pop r12
	pop rbp
	pop rbx
	ret
{{end_func (print .p "item_preemption")}}

{{func (print .p "sleeper")}}
	mov edi, 20000
	call {{.p}}sleep
	call {{.p}}clobber
	mov qword ptr [{{.p}}flag], 1
	ret
{{end_func (print .p "sleeper")}}

// An interrupt that comes when there is no page for its frame is not lost.
{{func (print .p "item_interrupt")}}
	push rbx
	push r12
	mov edi, 0x4000
	call {{.p}}map
	mov r12, rax
	mov qword ptr [{{.p}}flag], 0
	mov rdi, offset {{.p}}sleeper
	mov rsi, offset {{.p}}stack2_top
	mov rdx, offset {{.p}}tls
	mov r10, offset {{.p}}tid
	call {{.p}}thread
	mov eax, __NR_sched_yield
	{{.call}}
	mov rbx, rsp
	lea rsp, [r12 + 0x4000]
1:	cmp qword ptr [{{.p}}flag], 0
	je 1b
	mov rsp, rbx
	mov r10, offset {{.p}}tid
	call {{.p}}join
	xor eax, eax
	pop r12
	pop rbx
	ret
{{end_func (print .p "item_interrupt")}}

{{if not .kml}}
// A signal from another thread, while this one computes.
{{func (print .p "item_asynchronous")}}
	push rbx
	push rbp
	push r12
	push r13
	mov qword ptr [{{.p}}signals], 0
	mov qword ptr [{{.p}}on_signal], 0
	mov edi, SIGUSR1
	mov rsi, offset {{.p}}handler
	xor edx, edx
	call {{.p}}sigaction
	mov eax, __NR_gettid
	{{.call}}
	mov [{{.p}}main_tid], eax
	mov qword ptr [{{.p}}flag], 0
	mov rdi, offset {{.p}}signaller
	mov rsi, offset {{.p}}stack2_top
	mov rdx, offset {{.p}}tls
	mov r10, offset {{.p}}tid
	call {{.p}}thread
	movups xmm1, [{{.p}}pattern]
	movups xmm15, [{{.p}}pattern]
	mov rbx, 0x1111111111111101
	xor r12d, r12d
	mov r13d, 0x7654321
	mov rbp, rsp
	mov eax, __NR_sched_yield
	{{.call}}
	push 0x3c1			# what lies on the stack stays
	stc
1:	inc r12
	lea rcx, [r12 + r13]
	cmp qword ptr [{{.p}}signals], 0
	je 1b
	sub rcx, r12
	cmp rcx, r13
	mov ecx, 1
	jne 9f
	mov ecx, 2
	pop rax
	cmp rax, 0x3c1
	jne 9f
	mov ecx, 3
	cmp rbp, rsp
	jne 9f
	mov ecx, 4
	mov rax, 0x1111111111111101
	cmp rax, rbx
	jne 9f
	mov ecx, 5
	call {{.p}}fpu_is_pattern
	jne 9f
	mov ecx, 6
	cmp dword ptr [{{.p}}seen_code], -6
	jne 9f
	xor ecx, ecx
9:	mov ebx, ecx
	mov rsp, rbp
	mov r10, offset {{.p}}tid
	call {{.p}}join
	mov eax, ebx
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret
{{end_func (print .p "item_asynchronous")}}

// Signals the main thread, and again as long as [flag] says that it waits.
{{func (print .p "signaller")}}
1:	mov edi, 20000
	call {{.p}}sleep
	mov eax, __NR_getpid
	{{.call}}
	mov edi, eax
	mov esi, [{{.p}}main_tid]
	mov edx, SIGUSR1
	mov eax, __NR_tgkill
	{{.call}}
	cmp qword ptr [{{.p}}flag], 0
	jne 1b
	ret
{{end_func (print .p "signaller")}}

// A call that waits is ended by a signal, or made again: as the action says.
{{func (print .p "item_restart")}}
	push rbx
	push r12
	mov eax, __NR_gettid
	{{.call}}
	mov [{{.p}}main_tid], eax
	mov qword ptr [{{.p}}signals], 0
	mov qword ptr [{{.p}}on_signal], 0

	mov ebx, 1			# read: EINTR
	mov edi, SIGUSR1
	mov rsi, offset {{.p}}handler
	xor edx, edx
	call {{.p}}sigaction
	mov qword ptr [{{.p}}flag], 1
	mov rdi, offset {{.p}}signaller
	call {{.p}}start
	mov edi, 3
	mov rsi, offset {{.p}}word
	mov edx, 8
	mov eax, __NR_read
	{{.call}}
	mov qword ptr [{{.p}}flag], 0
	cmp rax, -EINTR
	jne 9f
	mov r10, offset {{.p}}tid
	call {{.p}}join

	mov ebx, 2			# read, again, with the same arguments
	mov edi, SIGUSR1
	mov rsi, offset {{.p}}handler
	mov edx, SA_RESTART
	call {{.p}}sigaction
	mov qword ptr [{{.p}}word], 0
	mov rdi, offset {{.p}}signaller_writer
	call {{.p}}start
	mov edi, 3
	mov rsi, offset {{.p}}word
	mov edx, 8
	mov r12, rsp
	mov eax, __NR_read
	{{.call}}
	cmp rax, 8
	jne 9f
	mov ebx, 3
	cmp r12, rsp
	jne 9f
	cmp rdi, 3
	jne 9f
	mov rax, [{{.p}}constant]
	cmp rax, [{{.p}}word]
	jne 9f
	cmp qword ptr [{{.p}}signals], 2
	jb 9f
	mov r10, offset {{.p}}tid
	call {{.p}}join

	mov ebx, 4			# pause: EINTR, whatever the action says
	mov qword ptr [{{.p}}flag], 1
	mov rdi, offset {{.p}}signaller
	call {{.p}}start
	mov eax, __NR_pause
	{{.call}}
	mov qword ptr [{{.p}}flag], 0
	cmp rax, -EINTR
	jne 9f
	mov r10, offset {{.p}}tid
	call {{.p}}join

	mov ebx, 5			# nanosleep: EINTR, and what is left
	mov qword ptr [{{.p}}flag], 1
	mov rdi, offset {{.p}}signaller
	call {{.p}}start
	sub rsp, 32
	mov qword ptr [rsp], 1
	mov qword ptr [rsp + 8], 0
	mov rdi, rsp
	lea rsi, [rsp + 16]
	mov eax, __NR_nanosleep
	{{.call}}
	mov qword ptr [{{.p}}flag], 0
	mov r12, [rsp + 24]
	add rsp, 32
	cmp rax, -EINTR
	jne 9f
	test r12, r12
	jz 9f
	mov r10, offset {{.p}}tid
	call {{.p}}join

	mov ebx, 6			# wait4: made again
	mov rdi, offset {{.p}}late_child
	call {{.p}}fork
	mov r12d, eax
	mov rdi, offset {{.p}}signaller
	call {{.p}}start
	mov edi, r12d
	call {{.p}}wait
	cmp eax, 9 << 8
	jne 9f
	mov r10, offset {{.p}}tid
	call {{.p}}join
	mov ebx, 7
	cmp qword ptr [{{.p}}signals], 5
	jb 9f
	xor ebx, ebx
9:	mov eax, ebx
	pop r12
	pop rbx
	ret
{{end_func (print .p "item_restart")}}

// rdi: a function for a thread that begins now
{{func (print .p "start")}}
	mov rsi, offset {{.p}}stack2_top
	mov rdx, offset {{.p}}tls
	mov r10, offset {{.p}}tid
	call {{.p}}thread
	ret
{{end_func (print .p "start")}}

{{func (print .p "signaller_writer")}}
	call {{.p}}signaller
	mov edi, 20000
	call {{.p}}sleep
	mov edi, 4
	mov rsi, offset {{.p}}constant
	mov edx, 8
	mov eax, __NR_write
	{{.call}}
	ret
{{end_func (print .p "signaller_writer")}}

{{func (print .p "late_child")}}
	mov edi, 80000
	call {{.p}}sleep
	mov eax, 9
	ret
{{end_func (print .p "late_child")}}
{{end}}

// A child has a copy of memory; its parent gets its status.
{{func (print .p "item_fork")}}
	push rbx
	push r12
	mov edi, 0x1000
	call {{.p}}map
	mov [{{.p}}area], rax
	mov qword ptr [rax], 0x4321
	mov ebx, 1
	mov rdi, offset {{.p}}child
	call {{.p}}fork
	test eax, eax
	jle 9f
	mov edi, eax
	call {{.p}}wait
	mov ebx, 2
	cmp eax, 42 << 8
	jne 9f
	mov ebx, 3
	mov rax, [{{.p}}area]
	cmp qword ptr [rax], 0x4321
	jne 9f
	mov ebx, 4			# one that is killed
	mov rdi, offset {{.p}}victim
	call {{.p}}fork
	mov r12d, eax
	mov edi, eax
	mov esi, SIGKILL
	mov eax, __NR_kill
	{{.call}}
	test rax, rax
	jnz 9f
	mov edi, r12d
	call {{.p}}wait
	{{if .kml}}
	{{else}}
	cmp eax, SIGKILL
	jne 9f
	{{end}}
	{{if ne .p "user_"}}
	mov ebx, 5
	mov edi, -1			# there are no more
	call {{.p}}wait
	cmp eax, -ECHILD
	jne 9f
	{{end}}
	mov ebx, 6			# vfork: the parent waits, and sees what was written
	mov qword ptr [{{.p}}word], 0
	mov eax, __NR_vfork
	{{.call}}
	test eax, eax
	jnz 1f
	mov qword ptr [{{.p}}word], 1
	mov edi, 7
	mov eax, __NR_exit
	{{.call}}
1:	mov edi, eax
	cmp qword ptr [{{.p}}word], 1
	jne 9f
	call {{.p}}wait
	cmp eax, 7 << 8
	jne 9f
	xor ebx, ebx
9:	mov eax, ebx
	pop r12
	pop rbx
	ret
{{end_func (print .p "item_fork")}}

{{func (print .p "child")}}
	mov ecx, 3
	test dword ptr [{{.p}}child_flags], X86_EFLAGS_IF
	jz 1f
	mov rax, [{{.p}}area]
	mov ecx, 1
	cmp qword ptr [rax], 0x4321
	jne 1f
	mov qword ptr [rax], 0
	mov eax, __NR_sched_yield
	{{.call}}
	mov rax, [{{.p}}area]
	mov ecx, 2
	cmp qword ptr [rax], 0
	jne 1f
	// What a task leaves behind when it ends is not written where it may not.
	mov rdi, offset irq_count
	mov eax, __NR_set_tid_address
	{{.call}}
	mov ecx, 42
1:	mov eax, ecx
	ret
{{end_func (print .p "child")}}

{{func (print .p "victim")}}
1:	{{if .kml}}
	mov eax, 1
	ret
	{{else}}
	mov eax, __NR_pause
	{{.call}}
	jmp 1b
	{{end}}
{{end_func (print .p "victim")}}

// Another program, in a child.
{{func (print .p "item_exec")}}
	push rbx
	mov ebx, 1
	mov rdi, offset {{.p}}executor
	call {{.p}}fork
	test eax, eax
	jle 9f
	mov edi, eax
	call {{.p}}wait
	mov ebx, 2
	cmp eax, 5 << 8
	jne 9f
	xor ebx, ebx
9:	mov eax, ebx
	pop rbx
	ret
{{end_func (print .p "item_exec")}}

{{func (print .p "executor")}}
	mov rdi, offset {{.p}}L_hello
	mov rsi, offset {{.p}}argv
	xor edx, edx
	mov eax, __NR_execve
	{{.call}}
	mov eax, 77
	ret
{{end_func (print .p "executor")}}
{{end}}
