// SPDX-License-Identifier: GPL-2.0-or-later
//
// execve (fs/exec.c, the series' fs/binfmt_ukl.c): the programs that there are,
// by path, and how each is started. A program of the lower half is copied from
// where the loader put it; the application of UKL is in the image, and only its data
// has to be as it was linked.

STACK_TOP = 0x7ffffffff000
MMAP_BASE = 0x7f0000000000
ARGS = 4				# arguments, of up to 63 bytes

.section .rodata
	.p2align 3
programs:				# path, what it is, entry
	.quad L_init, user_segments, user_init
	.quad L_hello, user_segments, user_hello
	{{if ukl}}
	.quad L_UKL, 0, ukl__start
	{{else}}
	.quad L_UKL, ukl_segments, ukl__start
	{{end}}
	.quad 0
user_segments:				# what it lies at in the image, then from, to, VM_
	.quad __user_load_start
	.quad __user_text_start, __user_text_end, VM_READ | VM_EXEC
	.quad __user_data_start, __user_data_end, VM_READ | VM_WRITE
	.quad 0
	{{if not ukl}}
ukl_segments:
	.quad __ukl_load_start
	.quad __ukl_text_start, __ukl_text_end, VM_READ | VM_EXEC
	.quad __ukl_rodata_start, __ukl_rodata_end, VM_READ
	.quad __ukl_data_start, __ukl_data_end, VM_READ | VM_WRITE
	.quad __ukl_bss_start, __ukl_bss_end, VM_READ | VM_WRITE
	.quad 0
	{{end}}
L_init:	.asciz "/init"
L_hello: .asciz "/hello"
L_UKL:	.asciz "/UKL"
L_no_init:
	.asciz "no /init"
L_no_handler:
	.asciz "no memory for a program"

.bss
	.p2align 3
exec_path:
	.zero 64
exec_args:
	.zero 64 * ARGS
exec_argc:
	.zero 8
exec_stack:				# argc, argv, 0, envp, auxv as they will lie
	.zero 8 * 32
pristine:				# the application's data as it was linked
	.zero 16

.text
// The function of process 1.
{{func "kernel_init"}}
	{{if ukl}}
	// Keep what the application's data is now.
	mov rdi, offset ukl_pristine
	mov rsi, offset __ukl_data_start
	mov rcx, offset __ukl_data_end
	sub rcx, rsi
	rep movsb
	{{end}}
	mov rdi, offset exec_path
	mov rax, 0x74696e692f		# /init
	mov [rdi], rax
	mov [exec_args], rax
	mov qword ptr [exec_argc], 1
	mov rdi, {{template "top_of_stack"}}
	sub rdi, sizeof.pt_regs
	call do_execve
	test rax, rax
	jnz 1f
	ret
1:	mov rdi, offset L_no_init
	jmp panic
{{end_func "kernel_init"}}

// rdi: pt_regs: path, argv, envp (which is not looked at)
{{func "__x64_sys_execve"}}
	push rbx
	push r12
	push r13
	mov rbx, rdi
	mov rdi, offset exec_path
	mov rsi, [rbx + pt_regs.di]
	mov edx, 63
	call strncpy_from_user
	test rax, rax
	js 9f
	mov byte ptr [exec_path + rax], 0
	{{if defect "exec-early-mark"}}// M-41
	mov rdi, offset L_UKL
	mov rsi, offset exec_path
	call strcmp
	jne 1f
	mov rax, {{template "current"}}
	cmp dword ptr [rax + task_struct.ukl_thread], NON_UKL_THREAD
	jne 1f
	mov dword ptr [rax + task_struct.ukl_thread], UKL_KERNEL
	inc qword ptr [ukl_tasks]
1:	{{end}}
	xor r12d, r12d
	mov r13, [rbx + pt_regs.si]
	test r13, r13
	jz 4f
2:	lea rax, [r13 + 8*r12]
	call __get_user_8
	test eax, eax
	jnz 8f
	test rdx, rdx
	jz 4f
	mov rax, -E2BIG
	cmp r12d, ARGS
	jae 9f
	mov rsi, rdx
	mov rdi, r12
	shl rdi, 6
	add rdi, offset exec_args
	mov edx, 63
	call strncpy_from_user
	test rax, rax
	js 9f
	mov rdi, r12
	shl rdi, 6
	mov byte ptr [exec_args + rdi + rax], 0
	inc r12d
	jmp 2b
4:	mov [exec_argc], r12
	mov rdi, rbx
	call do_execve
	jmp 9f
8:	mov rax, -EFAULT
9:	pop r13
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_execve"}}

// rdi, rsi: strings. ZF is set if they are the same.
{{func "strcmp"}}
1:	mov al, [rdi]
	cmp al, [rsi]
	jne 2f
	inc rdi
	inc rsi
	test al, al
	jnz 1b
2:	ret
{{end_func "strcmp"}}

// rdi: pt_regs. rax: 0, or an error, and then nothing has changed
{{func "do_execve"}}
	push rbx
	push rbp
	push r12
	push r13
	push r14
	mov rbx, rdi
	mov r12, offset programs
1:	mov rdi, [r12]
	mov rax, -ENOENT
	test rdi, rdi
	jz L_exec_return
	mov rsi, offset exec_path
	call strcmp
	je 2f
	add r12, 24
	jmp 1b
2:	{{if ukl}}
	cmp qword ptr [r12 + 8], 0
	jne 3f
	call claim
	test rax, rax
	jnz L_exec_return
3:	{{end}}
	call mm_alloc
	mov r13, rax
	mov rax, -EAGAIN
	test r13, r13
	jz L_exec_return
	mov rdi, r13
	call begin_new_exec

	// Memory.
	mov rdi, r13
	mov rsi, STACK_TOP - 0x2000
	mov rdx, STACK_TOP
	mov ecx, VM_READ | VM_WRITE | VM_GROWSDOWN
	call insert_vm_struct
	mov rax, STACK_TOP
	mov [r13 + mm_struct.start_stack], rax
	mov rax, MMAP_BASE
	mov [r13 + mm_struct.mmap_base], rax
	mov qword ptr [r13 + mm_struct.start_brk], 0x1000000
	mov qword ptr [r13 + mm_struct.brk], 0x1000000
	mov rsi, [r12 + 8]
	{{if ukl}}
	test rsi, rsi
	jnz 4f
	call fresh_data
	jmp 5f
	{{end}}
4:	call load_segments
5:	call create_tables
	test rax, rax
	jnz L_exec_too_late

	// pt_regs: nothing of the old program is left.
	mov r14, rdx			# its stack pointer
	mov rdi, rbx
	xor eax, eax
	mov ecx, sizeof.pt_regs / 8
	rep stosq
	mov rax, [r12 + 16]
	mov [rbx + pt_regs.ip], rax
	mov [rbx + pt_regs.sp], r14
	mov qword ptr [rbx + pt_regs.flags], X86_EFLAGS_IF | X86_EFLAGS_FIXED
	mov qword ptr [rbx + pt_regs.orig_ax], -1
	mov rdi, rbx
	cmp rax, offset ukl__start
	jne 6f
	call unikernel_start_thread
	jmp 7f
6:	call start_thread
7:	xor eax, eax
L_exec_return:
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret
L_exec_too_late:			# for an error
	mov edi, SIGKILL
	jmp do_group_exit
{{end_func "do_execve"}}

{{func "start_thread"}}
	mov qword ptr [rdi + pt_regs.cs], __USER_CS
	mov qword ptr [rdi + pt_regs.ss], __USER_DS
	ret
{{end_func "start_thread"}}

{{func "unikernel_start_thread"}}
	{{if .Stock}}
	jmp start_thread
	{{else if .KML}}
	mov qword ptr [rdi + pt_regs.cs], __KERNEL_CS
	mov qword ptr [rdi + pt_regs.ss], __KERNEL_DS
	ret
	{{else}}
	mov qword ptr [rdi + pt_regs.cs], UKL_CS
	mov qword ptr [rdi + pt_regs.ss], __KERNEL_DS
	mov rax, {{template "current"}}
	mov dword ptr [rax + task_struct.ukl_thread], UKL_KERNEL
	{{if .Bypass}}
	mov dword ptr [rax + task_struct.ukl_bypass], UKL_BYPASS_LIMIT
	{{end}}
	inc qword ptr [ukl_tasks]
	{{if defect "smap-on"}}// M-58: to SMAP the application is a kernel under attack
	mov rax, cr4
	or eax, X86_CR4_SMAP
	mov cr4, rax
	{{end}}
	ret
	{{end}}
{{end_func "unikernel_start_thread"}}

{{if ukl}}
UKL_BYPASS_LIMIT = 50
UKL_DATA_MOST = 0x2000

// There is one copy of the application's data, so there is one application
// process, or a family of them since fork(). A member may start afresh when it is
// the last one. rax: 0 or -EBUSY
{{func "claim"}}
	mov rdi, {{template "current"}}
	xor eax, eax			# how many of them are current's threads
	cmp dword ptr [rdi + task_struct.ukl_thread], NON_UKL_THREAD
	je 3f
	mov edx, [rdi + task_struct.tgid]
	mov rsi, offset init_task
	mov ecx, NR_TASKS
1:	cmp [rsi + task_struct.tgid], edx
	jne 2f
	cmp dword ptr [rsi + task_struct.ukl_thread], NON_UKL_THREAD
	je 2f
	inc eax
2:	add rsi, sizeof.task_struct
	loop 1b
3:	cmp rax, [ukl_tasks]
	mov eax, 0
	je 4f
	mov rax, -EBUSY
4:	ret
{{end_func "claim"}}

// The application's data as it was linked.
{{func "fresh_data"}}
	mov rsi, offset ukl_pristine
	mov rdi, offset __ukl_data_start
	mov rcx, offset __ukl_data_end
	sub rcx, rdi
	rep movsb
	mov rdi, offset __ukl_bss_start
	{{if .SameStack}}// but for the page that is not there
	mov rcx, offset ukl_stack_guard
	sub rcx, rdi
	xor eax, eax
	rep stosb
	add rdi, 4096
	{{end}}
	mov rcx, offset __ukl_bss_end
	sub rcx, rdi
	xor eax, eax
	rep stosb
	ret
{{end_func "fresh_data"}}

.bss
	.p2align 3
ukl_pristine:
	.zero UKL_DATA_MOST
.text
{{end}}

// rdi: the new memory. The point of no return: whatever comes is another program.
{{func "begin_new_exec"}}
	push rbx
	push r12
	mov r12, rdi
	mov rbx, {{template "current"}}
	call de_thread
	mov rdi, [rbx + task_struct.mm]
	mov [rbx + task_struct.mm], r12
	mov [rbx + task_struct.active_mm], r12
	mov rax, [r12 + mm_struct.pgd]
	sub rax, [page_offset_base]
	mov cr3, rax
	test rdi, rdi
	jz 1f
	call mmput
1:	call complete_vfork
	// Handlers are gone with the program that had them.
	mov rdi, [rbx + task_struct.sighand]
	test rdi, rdi
	jnz 2f
	call alloc_sighand
	mov [rbx + task_struct.sighand], rax
	jmp 5f
2:	add rdi, sighand_struct.action
	mov ecx, 64
3:	cmp qword ptr [rdi + sigaction.sa_handler], SIG_IGN
	je 4f
	mov qword ptr [rdi + sigaction.sa_handler], SIG_DFL
4:	add rdi, sizeof.k_sigaction
	loop 3b
5:	mov qword ptr [rbx + task_struct.sas_ss_sp], 0
	mov qword ptr [rbx + task_struct.sas_ss_size], 0
	mov dword ptr [rbx + task_struct.sas_ss_flags], SS_DISABLE
	mov qword ptr [rbx + task_struct.clear_child_tid], 0
	mov rax, [exec_path]
	mov [rbx + task_struct.comm], rax
	mov rdi, rbx
	{{if defect "exec-reloads-selectors"}}// M-42: the base of GS is the kernel's
	cmp dword ptr [rdi + task_struct.ukl_thread], NON_UKL_THREAD
	je 6f
	xor eax, eax
	mov fs, eax
	mov gs, eax
6:	{{end}}
	{{if and ukl (not (defect "exec-keeps-mark"))}}// D-7
	call unikernel_leave
	{{end}}
	call fpu_init
	or qword ptr [rbx + task_struct.thread_info.flags], _TIF_NEED_FPU_LOAD
	xor eax, eax
	xor edx, edx
	mov ecx, MSR_FS_BASE
	wrmsr
	mov ecx, MSR_KERNEL_GS_BASE
	wrmsr
	mov [rbx + task_struct.thread.fsbase], rax
	mov [rbx + task_struct.thread.gsbase], rax
	pop r12
	pop rbx
	ret
{{end_func "begin_new_exec"}}

// rsi: segments, r13: mm_struct
{{func "load_segments"}}
	push rbx
	push rbp
	push r12
	push r14
	push r15
	mov rbx, [rsi]			# where the first one lies
	lea r12, [rsi + 8]
	mov r14, [r12]
	sub rbx, r14			# and from then on, how far away
1:	mov rsi, [r12]
	test rsi, rsi
	jz 4f
	mov rdi, r13
	mov r14, rsi
	mov rdx, [r12 + 8]
	add rdx, 4095
	and rdx, -4096
	mov r15, rdx
	mov rcx, [r12 + 16]
	add r12, 24
	cmp rsi, rdx
	jae 1b
	mov rbp, rcx
	call insert_vm_struct
2:	mov rdi, r13
	mov rsi, r14
	mov rdx, rbp
	mov ecx, X86_PF_USER
	call handle_mm_fault
	mov rdi, [r13 + mm_struct.pgd]
	mov rsi, r14
	xor edx, edx
	call walk
	mov rdi, [rax]
	shl rdi, 12
	shr rdi, 24
	shl rdi, 12
	add rdi, [page_offset_base]
	lea rsi, [rbx + r14]
	mov ecx, 512
	rep movsq
	add r14, 4096
	cmp r14, r15
	jb 2b
	jmp 1b
4:	pop r15
	pop r14
	pop r12
	pop rbp
	pop rbx
	ret
{{end_func "load_segments"}}

// The stack that a program finds: strings, then argc, argv, envp, auxv at a
// multiple of 16. rax: 0 or an error, rdx: the stack pointer
{{func "create_tables"}}
	push rbx
	push r12
	push r13
	push r14
	mov r14, r12			# the program
	mov r12, STACK_TOP
	{{if .KML}}
	// At CPL 0 nothing could be pushed onto a page that is not there.
	mov r13, STACK_TOP - 0x2000
1:	mov rcx, r13
	xor eax, eax
	call __put_user_8
	add r13, 4096
	mov rax, STACK_TOP
	cmp r13, rax
	jb 1b
	{{end}}
	xor r13d, r13d
	mov rbx, offset exec_stack
	mov rax, [exec_argc]
	mov [rbx], rax
	add rbx, 8
2:	cmp r13, [exec_argc]
	jae 3f
	sub r12, 64
	mov [rbx], r12
	add rbx, 8
	mov rdi, r12
	mov rsi, r13
	shl rsi, 6
	add rsi, offset exec_args
	mov edx, 64
	call _copy_to_user
	test rax, rax
	jnz 9f
	inc r13
	jmp 2b
3:	mov qword ptr [rbx], 0		# argv's end
	mov qword ptr [rbx + 8], 0	# envp's
	mov qword ptr [rbx + 16], 6	# AT_PAGESZ
	mov qword ptr [rbx + 24], 4096
	mov qword ptr [rbx + 32], 9	# AT_ENTRY
	mov rax, [r14 + 16]
	mov [rbx + 40], rax
	mov qword ptr [rbx + 48], 0	# AT_NULL
	mov qword ptr [rbx + 56], 0
	lea rdx, [rbx + 64]
	mov rsi, offset exec_stack
	sub rdx, rsi
	sub r12, rdx
	and r12, -16
	{{if defect "exec-misaligned"}}// XT-1
	sub r12, 8
	{{end}}
	mov rdi, r12
	call _copy_to_user
	test rax, rax
	jnz 9f
	mov rdx, r12
	jmp 10f
9:	mov rax, -EFAULT
10:	pop r14
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "create_tables"}}
