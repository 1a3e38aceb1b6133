// SPDX-License-Identifier: GPL-2.0-or-later
//
// Programs of CPL 3: /init, which starts the application, makes the tour beside it,
// and ends the machine with how both went; and /hello.

{{template "tour" args "p" "user_" "who" "user" "call" "syscall" "text" ".user.text" "rodata" ".user.data" "data" ".user.data" "bss" ".user.data" "ring0" false "stock" true "kml" false "pinned" false}}
{{template "tour_calls" args "p" "user_" "call" "syscall" "text" ".user.text" "ring0" false}}
{{template "tour_signals" args "p" "user_" "call" "syscall" "text" ".user.text" "ring0" false "stock" true}}
{{template "tour_tasks" args "p" "user_" "call" "syscall" "text" ".user.text" "kml" false}}

.section .user.text
{{code "user_init"}}
	mov eax, __NR_getpid
	syscall
	cmp eax, 1
	je 1f
	mov edi, 1			# one that is not the first process gives up
	mov eax, __NR_exit_group
	syscall
1:
	mov rdi, offset user_application
	call user_fork
	mov r15d, eax
	mov rax, offset user_tls
	mov [user_tls_base], rax
	mov [rax], rax
	mov rsi, rax
	mov edi, ARCH_SET_FS
	mov eax, __NR_arch_prctl
	syscall
	call user_tour
	mov ebx, eax
	mov edi, r15d
	call user_wait
	or ebx, eax
	mov edi, ebx
	shr edi, 8
	or edi, ebx
	mov eax, __NR_exit_group
	syscall
	ud2
{{end_func "user_init"}}

{{func "user_application"}}
	mov rdi, offset user_UKL
	mov rsi, offset user_UKL_argv
	xor edx, edx
	mov eax, __NR_execve
	syscall
	mov eax, 99
	ret
{{end_func "user_application"}}

// While the application runs there can't be another; what does not begin leaves
// everything as it was. (A child tries, in case that the application has ended
// by now.)
{{func "user_item_busy"}}
	mov rdi, offset user_L_nothing
	mov rsi, offset user_UKL_argv
	xor edx, edx
	mov eax, __NR_execve
	syscall
	cmp rax, -ENOENT
	mov ecx, 1
	jne 1f
	{{if ukl}}
	mov rdi, offset user_rival
	call user_fork
	mov edi, eax
	call user_wait
	test eax, eax
	jz 2f
	cmp eax, EBUSY << 8
	mov ecx, 2
	jne 1f
2:	{{end}}
	xor ecx, ecx
1:	mov eax, ecx
	ret
{{end_func "user_item_busy"}}

{{if ukl}}
{{func "user_rival"}}
	mov rdi, offset user_UKL
	mov rsi, offset user_UKL_argv
	xor edx, edx
	mov eax, __NR_execve
	syscall
	neg eax
	ret
{{end_func "user_rival"}}
{{end}}

// A while in 32-bit code, with interrupts and a signal there.
{{func "user_item_compat"}}
	push rbx
	push r12
	push r13
	push r14
	mov r12d, SIGTRAP
	call user_handle
	mov qword ptr [user_signals], 0
	mov qword ptr [user_on_signal], 0
	mov rbx, rsp
	mov esp, offset user_stack2_top	# 32 bits of RSP are left there
	push __USER32_CS
	mov rax, offset user_compat
	push rax
	lretq
	.code32
user_compat:
	mov ecx, 20000
1:	dec ecx
	jnz 1b
	int3
	mov ecx, 100
2:	dec ecx
	jnz 2b
	push __USER_CS
	push offset user_compat_end
	retf
	.code64
user_compat_end:
	mov rsp, rbx
	mov eax, 1
	cmp qword ptr [user_signals], 1
	jne 9f
	mov edx, cs
	mov eax, 2
	cmp edx, __USER_CS
	jne 9f
	xor eax, eax
9:	pop r14
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "user_item_compat"}}

// Looks at how it was started, and says 5.
{{code "user_hello"}}
	mov ecx, cs
	cmp ecx, __USER_CS
	jne 1f
	cmp qword ptr [rsp], 2
	jne 1f
	mov rdi, [rsp + 16]
	cmp word ptr [rdi], 0x78	# "x"
	jne 1f
	test esp, 15
	jnz 1f
	mov edi, 5
	jmp 2f
1:	mov edi, 6
2:	mov eax, __NR_exit_group
	syscall
	ud2

.section .user.data
	.p2align 3
user_items:
	{{template "item" args "p" "user_" "name" "registers"}}
	{{template "item" args "p" "user_" "name" "flags"}}
	{{template "item" args "p" "user_" "name" "numbers"}}
	{{template "item" args "p" "user_" "name" "pointers"}}
	{{template "item" args "p" "user_" "name" "memory"}}
	{{template "item" args "p" "user_" "name" "bases"}}
	{{template "item" args "p" "user_" "name" "signal"}}
	{{template "item" args "p" "user_" "name" "masks"}}
	{{template "item" args "p" "user_" "name" "faults"}}
	{{template "item" args "p" "user_" "name" "stack"}}
	{{template "item" args "p" "user_" "name" "growth"}}
	{{template "item" args "p" "user_" "name" "forged"}}
	{{template "item" args "p" "user_" "name" "bad_return"}}
	{{template "item" args "p" "user_" "name" "busy"}}
	{{template "item" args "p" "user_" "name" "threads"}}
	{{template "item" args "p" "user_" "name" "preemption"}}
	{{template "item" args "p" "user_" "name" "interrupt"}}
	{{template "item" args "p" "user_" "name" "asynchronous"}}
	{{template "item" args "p" "user_" "name" "compat"}}
	{{template "item" args "p" "user_" "name" "fork"}}
	{{template "item" args "p" "user_" "name" "exec"}}
	.quad 0, 0
user_UKL_argv:
	.quad user_UKL, 0
{{template "item_names" args "p" "user_"}}
user_L_compat:
	.asciz "compat"
user_L_busy:
	.asciz "busy"
user_UKL:
	.asciz "/UKL"
.text
