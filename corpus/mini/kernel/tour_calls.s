// SPDX-License-Identifier: GPL-2.0-or-later
//
// Items of the tour: registers, flags, pointers, memory.

{{define "tour_calls"}}
.section {{.text}}
// A call changes RAX and nothing else. (SYSCALL changes RCX and R11.)
{{func (print .p "item_registers")}}
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov [{{.p}}result], rsp
	mov rbx, 0x1111111111111101
	mov rbp, 0x1111111111111102
	mov r12, 0x1111111111111103
	mov r13, 0x1111111111111104
	mov r14, 0x1111111111111105
	mov r15, 0x1111111111111106
	mov rcx, 0x1111111111111107
	mov rdx, 0x1111111111111108
	mov rsi, 0x1111111111111109
	mov rdi, 0x111111111111110a
	mov r8, 0x111111111111110b
	mov r9, 0x111111111111110c
	mov r10, 0x111111111111110d
	mov r11, 0x111111111111110e
	mov eax, __NR_getpid
	{{.call}}
	test eax, eax
	jle 8f
	mov rax, 0x1111111111111101
	cmp rax, rbx
	jne 8f
	inc rax
	cmp rax, rbp
	jne 8f
	inc rax
	cmp rax, r12
	jne 8f
	inc rax
	cmp rax, r13
	jne 8f
	inc rax
	cmp rax, r14
	jne 8f
	inc rax
	cmp rax, r15
	jne 8f
	inc rax
	{{if .ring0}}
	cmp rax, rcx
	jne 8f
	{{end}}
	inc rax
	cmp rax, rdx
	jne 8f
	inc rax
	cmp rax, rsi
	jne 8f
	inc rax
	cmp rax, rdi
	jne 8f
	inc rax
	cmp rax, r8
	jne 8f
	inc rax
	cmp rax, r9
	jne 8f
	inc rax
	cmp rax, r10
	jne 8f
	{{if .ring0}}
	inc rax
	cmp rax, r11
	jne 8f
	{{end}}
	mov eax, 2
	cmp [{{.p}}result], rsp
	jne 9f
	xor eax, eax
	jmp 9f
8:	mov eax, 3
9:	mov rsp, [{{.p}}result]
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret
{{end_func (print .p "item_registers")}}

// Nor does it change a flag, whatever the caller has set: DF, NT and AC are
// nothing that the kernel would run with.
{{func (print .p "item_flags")}}
	push rbx
	push r12
	mov rbx, X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_CF | X86_EFLAGS_OF | X86_EFLAGS_ZF | X86_EFLAGS_AC | X86_EFLAGS_NT{{if .ring0}} | X86_EFLAGS_IOPL{{end}}
	mov eax, __NR_getpid
	push rbx
	popfq
	{{.call}}
	pushfq
	pop r12
	cld
	push X86_EFLAGS_IF | X86_EFLAGS_FIXED
	popfq
	mov eax, 1
	cmp rbx, r12
	jne 1f
	mov rbx, X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_SF | X86_EFLAGS_PF
	mov eax, __NR_getpid
	push rbx
	popfq
	{{.call}}
	pushfq
	pop r12
	mov eax, 2
	cmp rbx, r12
	jne 1f
	xor eax, eax
1:	pop r12
	pop rbx
	ret
{{end_func (print .p "item_flags")}}

{{func (print .p "item_numbers")}}
	mov eax, 334			# nobody's
	{{.call}}
	cmp rax, -ENOSYS
	mov ecx, 1
	jne 1f
	mov eax, 100000
	{{.call}}
	cmp rax, -ENOSYS
	mov ecx, 2
	jne 1f
	mov eax, -1
	{{.call}}
	cmp rax, -ENOSYS
	mov ecx, 3
	jne 1f
	mov rax, 0x7f00000000000000 + __NR_getpid	# 32 bits count
	{{.call}}
	test rax, rax
	mov ecx, 4
	jle 1f
	xor ecx, ecx
1:	mov eax, ecx
	ret
{{end_func (print .p "item_numbers")}}

// Pointers to stack, heap, data, constants; and to what is none of the caller's.
{{func (print .p "item_pointers")}}
	push rbx
	mov ebx, 1
	mov rsi, offset {{.p}}L_hello	# constants may be read
	mov edx, 0
	mov edi, 4
	mov eax, __NR_write
	{{.call}}
	test rax, rax
	jnz 9f
	mov ebx, 2			# variables may be written
	xor edi, edi
	xor esi, esi
	mov rdx, offset {{.p}}word
	mov qword ptr [rdx], -1
	mov r10d, 8
	mov eax, __NR_rt_sigprocmask
	{{.call}}
	test rax, rax
	jnz 9f
	cmp qword ptr [{{.p}}word], 0
	jne 9f
	mov ebx, 3			# constants may not
	xor edi, edi
	xor esi, esi
	{{if eq .p "user_"}}
	mov rdx, offset user_init
	{{else}}
	mov rdx, offset {{.p}}constant
	{{end}}
	mov eax, __NR_rt_sigprocmask
	{{.call}}
	cmp rax, -EFAULT
	jne 9f
	mov ebx, 4			# nor may what is the kernel's, in any way
	mov rsi, offset sys_call_table
	mov edx, 8
	mov edi, 1
	mov eax, __NR_write
	{{.call}}
	cmp rax, -EFAULT
	jne 9f
	mov ebx, 5
	xor edi, edi
	mov rsi, offset sys_call_table
	xor edx, edx
	mov eax, __NR_rt_sigprocmask
	{{.call}}
	cmp rax, -EFAULT
	jne 9f
	mov ebx, 6
	xor edi, edi
	xor esi, esi
	mov rdx, offset init_task
	mov eax, __NR_rt_sigprocmask
	{{.call}}
	cmp rax, -EFAULT
	jne 9f
	mov ebx, 7
	mov rdi, offset linux_banner
	xor esi, esi
	mov eax, __NR_execve
	{{.call}}
	cmp rax, -EFAULT
	jne 9f
	mov ebx, 8			# nor what is nobody's: not canonical, past the end
	mov rsi, 0x8000000000000000
	mov edx, 8
	mov edi, 1
	mov eax, __NR_write
	{{.call}}
	cmp rax, -EFAULT
	jne 9f
	mov ebx, 9
	mov rsi, 0x7fffffffeff8
	mov rdx, -16
	mov edi, 1
	mov eax, __NR_write
	{{.call}}
	cmp rax, -EFAULT
	jne 9f
	mov ebx, 10
	xor edi, edi
	mov esi, 8
	xor edx, edx
	mov eax, __NR_rt_sigprocmask
	{{.call}}
	cmp rax, -EFAULT
	jne 9f
	mov ebx, 11
	mov rdi, offset {{.p}}L_nothing
	xor esi, esi
	mov eax, __NR_execve
	{{.call}}
	cmp rax, -ENOENT
	jne 9f
	mov ebx, 12
	mov edi, SIGUSR1
	xor esi, esi
	mov rdx, offset init_task
	mov r10d, 8
	mov eax, __NR_rt_sigaction
	{{.call}}
	cmp rax, -EFAULT
	jne 9f
	xor ebx, ebx
9:	mov eax, ebx
	pop rbx
	ret
{{end_func (print .p "item_pointers")}}

// Memory comes when it is touched, as zeros, and goes.
{{func (print .p "item_memory")}}
	push rbx
	push r12
	mov ebx, 1
	mov edi, 0x5000
	call {{.p}}map
	mov r12, rax
	test rax, rax
	js 9f
	mov ebx, 2
	cmp qword ptr [r12 + 0x1000], 0
	jne 9f
	mov qword ptr [r12 + 0x1ffc], -1	# over two pages
	cmp dword ptr [r12 + 0x2000], -1
	jne 9f
	mov ebx, 3			# the kernel brings pages, too
	lea rdx, [r12 + 0x3ffc]
	xor edi, edi
	xor esi, esi
	mov r10d, 8
	mov eax, __NR_rt_sigprocmask
	{{.call}}
	test rax, rax
	jnz 9f
	mov ebx, 4
	lea rdi, [r12 + 0x2000]		# a hole in the middle
	mov esi, 0x1000
	mov eax, __NR_munmap
	{{.call}}
	test rax, rax
	jnz 9f
	mov ebx, 5
	lea rsi, [r12 + 0x2000]
	mov edx, 8
	mov edi, 1
	mov eax, __NR_write
	{{.call}}
	cmp rax, -EFAULT
	jne 9f
	mov ebx, 6
	mov rdi, r12
	mov esi, 0x2000
	mov eax, __NR_munmap
	{{.call}}
	test rax, rax
	jnz 9f
	lea rdi, [r12 + 0x3000]
	mov esi, 0x2000
	mov eax, __NR_munmap
	{{.call}}
	test rax, rax
	jnz 9f
	mov ebx, 7			# the heap
	xor edi, edi
	mov eax, __NR_brk
	{{.call}}
	mov r12, rax
	lea rdi, [rax + 0x3000]
	mov eax, __NR_brk
	{{.call}}
	lea rdi, [r12 + 0x3000]
	cmp rax, rdi
	jne 9f
	mov [r12 + 0x2ff8], rax
	mov rdi, r12
	mov eax, __NR_brk
	{{.call}}
	mov ebx, 8
	cmp rax, r12
	jne 9f
	lea rdi, [r12 + 0x3000]		# fresh again
	mov eax, __NR_brk
	{{.call}}
	cmp qword ptr [r12 + 0x2ff8], 0
	jne 9f
	xor ebx, ebx
9:	mov eax, ebx
	pop r12
	pop rbx
	ret
{{end_func (print .p "item_memory")}}

// The bases of FS and GS. At CPL 0 the GS base in use is the kernel's and stays.
{{func (print .p "item_bases")}}
	push rbx
	push r12
	mov ebx, 1
	mov edi, ARCH_GET_FS
	mov rsi, offset {{.p}}word
	mov eax, __NR_arch_prctl
	{{.call}}
	test rax, rax
	jnz 9f
	mov r12, [{{.p}}word]
	mov ebx, 2
	cmp r12, [{{.p}}tls_base]
	jne 9f
	mov ebx, 3
	cmp fs:[0], r12			# the thread's own address
	jne 9f
	mov ebx, 4
	mov edi, ARCH_SET_GS
	mov rsi, 0x10000
	mov eax, __NR_arch_prctl
	{{.call}}
	test rax, rax
	jnz 9f
	mov ebx, 5
	mov edi, ARCH_GET_GS
	mov rsi, offset {{.p}}word
	mov eax, __NR_arch_prctl
	{{.call}}
	cmp qword ptr [{{.p}}word], 0x10000
	jne 9f
	mov ebx, 6
	mov edi, ARCH_SET_FS		# the kernel's memory is nobody's
	mov rsi, offset init_task
	mov eax, __NR_arch_prctl
	{{.call}}
	cmp rax, -EPERM
	jne 9f
	mov eax, __NR_sched_yield
	{{.call}}
	mov ebx, 7
	cmp fs:[0], r12
	jne 9f
	xor ebx, ebx
9:	mov eax, ebx
	pop r12
	pop rbx
	ret
{{end_func (print .p "item_bases")}}

// A pipe: what goes in comes out.
{{func (print .p "item_pipe")}}
	push rbx
	mov ebx, 1
	mov rdi, offset {{.p}}word
	mov eax, __NR_pipe
	{{.call}}
	test rax, rax
	jnz 9f
	mov ebx, 2
	mov edi, [{{.p}}word + 4]
	mov rsi, offset {{.p}}constant
	mov edx, 8
	mov eax, __NR_write
	{{.call}}
	cmp rax, 8
	jne 9f
	mov ebx, 3
	mov edi, [{{.p}}word]
	mov rsi, offset {{.p}}result
	mov edx, 100
	mov eax, __NR_read
	{{.call}}
	cmp rax, 8
	jne 9f
	mov rax, [{{.p}}constant]
	mov ebx, 4
	cmp rax, [{{.p}}result]
	jne 9f
	xor ebx, ebx
9:	mov eax, ebx
	pop rbx
	ret
{{end_func (print .p "item_pipe")}}
{{end}}
