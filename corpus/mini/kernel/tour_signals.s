// SPDX-License-Identifier: GPL-2.0-or-later
//
// Items of the tour: signals and faults.

{{define "tour_signals"}}
.section {{.text}}
// A handler is called as the ABI says, and nothing of the caller is lost.
{{func (print .p "item_signal")}}
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov edi, SIGUSR1
	mov rsi, offset {{.p}}handler
	xor edx, edx
	call {{.p}}sigaction
	mov qword ptr [{{.p}}on_signal], 0
	mov qword ptr [{{.p}}signals], 0
	mov eax, __NR_getpid
	{{.call}}
	mov edi, eax
	mov esi, SIGUSR1
	movups xmm1, [{{.p}}pattern]
	movups xmm15, [{{.p}}pattern]
	mov rbx, 0x1111111111111101
	mov rbp, 0x1111111111111102
	mov r12, 0x1111111111111103
	mov r13, 0x1111111111111104
	mov r14, 0x1111111111111105
	mov r15, 0x1111111111111106
	mov rdx, 0x1111111111111107
	mov r8, 0x1111111111111108
	mov r9, 0x1111111111111109
	mov r10, 0x111111111111110a
	mov [{{.p}}result], rsp
	std				# not in the handler, but behind it
	mov eax, __NR_kill
	{{.call}}
	pushfq
	cld
	pop rcx
	mov esi, 1
	test rax, rax
	jnz 9f
	mov esi, 2
	test ecx, X86_EFLAGS_DF
	jz 9f
	mov esi, 3
	cmp [{{.p}}result], rsp
	jne 9f
	mov esi, 4
	mov rax, 0x1111111111111101
	cmp rax, rbx
	jne 9f
	inc rax
	cmp rax, rbp
	jne 9f
	inc rax
	cmp rax, r12
	jne 9f
	inc rax
	cmp rax, r13
	jne 9f
	inc rax
	cmp rax, r14
	jne 9f
	inc rax
	cmp rax, r15
	jne 9f
	inc rax
	cmp rax, rdx
	jne 9f
	inc rax
	cmp rax, r8
	jne 9f
	inc rax
	cmp rax, r9
	jne 9f
	inc rax
	cmp rax, r10
	jne 9f
	mov esi, 5
	call {{.p}}fpu_is_pattern
	jne 9f
	mov esi, 6			# and the handler: once, its arguments, stack, flags
	cmp qword ptr [{{.p}}signals], 1
	jne 9f
	cmp qword ptr [{{.p}}seen_signal], SIGUSR1
	jne 9f
	cmp qword ptr [{{.p}}seen_signo], SIGUSR1
	jne 9f
	mov rax, [{{.p}}seen_sp]
	and eax, 15
	cmp eax, 8
	jne 9f
	mov esi, 7
	mov rax, [{{.p}}seen_sp]
	lea rcx, [rax + rt_sigframe.info]
	cmp rcx, [{{.p}}seen_info]
	jne 9f
	lea rcx, [rax + rt_sigframe.uc]
	cmp rcx, [{{.p}}seen_context]
	jne 9f
	add rax, sizeof.rt_sigframe + 128
	cmp rax, rsp
	ja 9f
	cmp qword ptr [{{.p}}seen_ax], 0
	jne 9f
	mov esi, 8
	mov rax, [{{.p}}seen_flags]
	and eax, X86_EFLAGS_DF | X86_EFLAGS_IF | X86_EFLAGS_TF
	cmp eax, X86_EFLAGS_IF
	jne 9f
	xor esi, esi
9:	mov eax, esi
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret
{{end_func (print .p "item_signal")}}

// ZF is set if XMM1 and XMM15 are the pattern. Changes RAX.
{{func (print .p "fpu_is_pattern")}}
	movq rax, xmm1
	cmp rax, [{{.p}}pattern]
	jne 1f
	movhlps xmm1, xmm1
	movq rax, xmm1
	cmp rax, [{{.p}}pattern + 8]
	jne 1f
	movhlps xmm15, xmm15
	movq rax, xmm15
	cmp rax, [{{.p}}pattern + 8]
1:	ret
{{end_func (print .p "fpu_is_pattern")}}

// What is blocked waits; a handler can be interrupted by another signal.
{{func (print .p "item_masks")}}
	push rbx
	mov ebx, 1
	mov edi, SIGUSR2
	mov rsi, offset {{.p}}handler
	xor edx, edx
	call {{.p}}sigaction
	mov qword ptr [{{.p}}signals], 0
	mov qword ptr [{{.p}}on_signal], 3
	mov edi, SIGUSR1
	call {{.p}}raise
	cmp qword ptr [{{.p}}signals], 2
	jne 9f
	cmp qword ptr [{{.p}}seen_signal], SIGUSR2
	jne 9f
	mov ebx, 2
	mov qword ptr [{{.p}}word], 1 << (SIGUSR1 - 1)
	xor edi, edi
	mov rsi, offset {{.p}}word
	xor edx, edx
	mov r10d, 8
	mov eax, __NR_rt_sigprocmask
	{{.call}}
	mov edi, SIGUSR1
	call {{.p}}raise
	cmp qword ptr [{{.p}}signals], 2
	jne 9f
	mov ebx, 3
	mov edi, SIG_UNBLOCK
	mov rsi, offset {{.p}}word
	xor edx, edx
	mov r10d, 8
	mov eax, __NR_rt_sigprocmask
	{{.call}}
	cmp qword ptr [{{.p}}signals], 3
	jne 9f
	mov ebx, 4			# what is ignored does not come
	mov edi, SIGUSR2
	mov esi, SIG_IGN
	xor edx, edx
	call {{.p}}sigaction
	mov edi, SIGUSR2
	call {{.p}}raise
	cmp qword ptr [{{.p}}signals], 3
	jne 9f
	xor ebx, ebx
9:	mov eax, ebx
	pop rbx
	ret
{{end_func (print .p "item_masks")}}

// Faults are signals, with the reason and the address; who handles them may go on
// elsewhere.
{{func (print .p "item_faults")}}
	push rbx
	push r12
	push r13
	mov r12d, SIGSEGV
	call {{.p}}handle
	mov r12d, SIGILL
	call {{.p}}handle
	mov r12d, SIGFPE
	call {{.p}}handle
	mov r12d, SIGTRAP
	call {{.p}}handle
	mov r12d, SIGBUS
	call {{.p}}handle
	mov qword ptr [{{.p}}signals], 0
	mov qword ptr [{{.p}}on_signal], 1

	mov ebx, 1			# nothing there
	mov qword ptr [{{.p}}advance], 3
	mov eax, 0x1230
	mov rcx, [rax]
	cmp qword ptr [{{.p}}seen_signal], SIGSEGV
	jne 9f
	cmp qword ptr [{{.p}}seen_code], SEGV_MAPERR
	jne 9f
	cmp qword ptr [{{.p}}seen_address], 0x1230
	jne 9f
	mov ebx, 2			# the caller's, but not to be written
	{{if eq .p "user_"}}
	mov rax, offset user_init
	{{else}}
	mov rax, offset {{.p}}constant
	{{end}}
	mov r13, rax
	mov [rax], rcx
	cmp qword ptr [{{.p}}seen_code], SEGV_ACCERR
	jne 9f
	cmp [{{.p}}seen_address], r13
	jne 9f
	mov ebx, 3			# not canonical
	mov rax, 0x8000000000000000
	mov rcx, [rax]
	cmp qword ptr [{{.p}}seen_signal], SIGSEGV
	jne 9f
	cmp qword ptr [{{.p}}seen_code], SI_KERNEL
	jne 9f
	mov ebx, 4
	mov qword ptr [{{.p}}advance], 2
	ud2
	cmp qword ptr [{{.p}}seen_signal], SIGILL
	jne 9f
	mov ebx, 5
	xor ecx, ecx
	mov eax, 1
	xor edx, edx
	div ecx
	cmp qword ptr [{{.p}}seen_signal], SIGFPE
	jne 9f
	mov ebx, 6
	mov qword ptr [{{.p}}on_signal], 0
	int3
	cmp qword ptr [{{.p}}seen_signal], SIGTRAP
	jne 9f
	cmp qword ptr [{{.p}}signals], 6
	jne 9f
	mov ebx, 7			# single steps: one for each, also over a call
	mov eax, __NR_getpid
	push X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_FIXED
	popfq
	nop
	{{.call}}
	nop
	push X86_EFLAGS_IF | X86_EFLAGS_FIXED
	popfq
	cmp qword ptr [{{.p}}seen_signal], SIGTRAP
	jne 9f
	mov rax, [{{.p}}signals]
	cmp rax, 9
	jb 9f
	cmp rax, 12
	ja 9f
	mov ebx, 8			# code that is none
	mov qword ptr [{{.p}}on_signal], 2
	mov rax, offset {{.p}}L_after_jump
	mov [{{.p}}resume], rax
	mov [{{.p}}resume_sp], rsp
	mov eax, 0x3210
	jmp rax
{{.p}}L_after_jump:
	cmp qword ptr [{{.p}}seen_address], 0x3210
	jne 9f
	xor ebx, ebx
9:	mov qword ptr [{{.p}}on_signal], 0
	mov eax, ebx
	pop r13
	pop r12
	pop rbx
	ret
{{end_func (print .p "item_faults")}}

// r12d: a signal for the handler, on the alternate stack
{{func (print .p "handle")}}
	mov edi, r12d
	mov rsi, offset {{.p}}handler
	mov edx, SA_ONSTACK
	call {{.p}}sigaction
	sub rsp, 24
	mov rax, offset {{.p}}altstack
	mov [rsp], rax
	mov qword ptr [rsp + 8], 0
	mov qword ptr [rsp + 16], 8192
	mov rdi, rsp
	xor esi, esi
	mov eax, __NR_sigaltstack
	{{.call}}
	add rsp, 24
	ret
{{end_func (print .p "handle")}}

// A stack of fresh pages: each push may be the first to a page. Where it ends is
// SIGSEGV, on the alternate stack.
{{func (print .p "item_stack")}}
	push rbx
	push r12
	mov edi, 0x8000
	call {{.p}}map
	mov [{{.p}}area], rax
	mov rbx, rsp
	lea rsp, [rax + 0x8000]
	mov ecx, 0x1000 - 1
1:	push rcx
	dec ecx
	jnz 1b
	mov r12, [rsp + 8]
	mov rsp, rbx
	mov eax, 1
	cmp r12, 2
	jne 9f
	mov rax, [{{.p}}area]
	mov rcx, [rax + 0x8000 - 8]
	cmp rcx, 0x1000 - 1
	mov eax, 2
	jne 9f
	mov qword ptr [{{.p}}signals], 0
	mov qword ptr [{{.p}}on_signal], 2
	mov rax, offset {{.p}}L_after_overflow
	mov [{{.p}}resume], rax
	mov [{{.p}}resume_sp], rsp
	mov r12d, SIGSEGV
	call {{.p}}handle
	mov rax, [{{.p}}area]
	lea rsp, [rax + 0x100]
2:	push rax
	jmp 2b
{{.p}}L_after_overflow:
	mov eax, 3
	cmp qword ptr [{{.p}}signals], 1
	jne 9f
	mov eax, 4			# (an event's frame may have been the one that failed)
	mov rcx, [{{.p}}area]
	sub rcx, [{{.p}}seen_address]
	dec rcx
	cmp rcx, 64
	jae 9f
	mov eax, 5			# the handler was on its own stack
	mov rcx, [{{.p}}seen_sp]
	sub rcx, offset {{.p}}altstack
	cmp rcx, 8192
	jae 9f
	{{if and .ring0 (not .stock)}}
	// No stack at all: what could be pushed there?
	mov rax, offset {{.p}}L_after_no_stack
	mov [{{.p}}resume], rax
	mov [{{.p}}resume_sp], rsp
	mov esp, 16
	push rax
{{.p}}L_after_no_stack:
	mov eax, 6
	cmp qword ptr [{{.p}}signals], 2
	jne 9f
	cmp qword ptr [{{.p}}seen_signal], SIGSEGV
	jne 9f
	mov rax, offset {{.p}}L_after_bad_stack
	mov [{{.p}}resume], rax
	mov rax, 0x8000000000000000
	mov rsp, rax
	push rax
{{.p}}L_after_bad_stack:
	mov eax, 7
	cmp qword ptr [{{.p}}signals], 3
	jne 9f
	cmp qword ptr [{{.p}}seen_signal], SIGSEGV
	jne 9f
	{{end}}
	xor eax, eax
9:	mov qword ptr [{{.p}}on_signal], 0
	pop r12
	pop rbx
	ret
{{end_func (print .p "item_stack")}}

// The stack that exec made grows when it is used, up to its limit.
{{func (print .p "item_growth")}}
	push rbx
	push r12
	mov rbx, rsp
	mov ecx, 20
1:	sub rsp, 4096 - 8
	push rcx
	dec ecx
	jnz 1b
	mov r12, [rsp]
	mov rsp, rbx
	mov eax, 1
	cmp r12, 1
	jne 9f
	mov qword ptr [{{.p}}signals], 0
	mov qword ptr [{{.p}}on_signal], 2
	mov rax, offset {{.p}}L_after_growth
	mov [{{.p}}resume], rax
	mov [{{.p}}resume_sp], rsp
2:	sub rsp, 4096 - 8
	push rcx
	jmp 2b
{{.p}}L_after_growth:
	mov eax, 2
	cmp qword ptr [{{.p}}signals], 1
	jne 9f
	mov eax, 3
	mov rcx, [{{.p}}seen_address]
	mov rdx, STACK_TOP - STACK_LIMIT
	cmp rcx, rdx
	jae 9f
	xor eax, eax
9:	mov qword ptr [{{.p}}on_signal], 0
	pop r12
	pop rbx
	ret
{{end_func (print .p "item_growth")}}

// What sigreturn does not take from a frame: privilege, interrupts.
{{func (print .p "item_forged")}}
	push rbx
	mov qword ptr [{{.p}}signals], 0
	mov qword ptr [{{.p}}on_signal], 0
	mov edi, SIGUSR1
	mov rsi, offset {{.p}}forger
	xor edx, edx
	call {{.p}}sigaction
	mov edi, SIGUSR1
	call {{.p}}raise
	pushfq
	pop rbx
	push X86_EFLAGS_IF | X86_EFLAGS_FIXED
	popfq
	mov eax, 1
	and ebx, X86_EFLAGS_IF | X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_CF
	cmp ebx, X86_EFLAGS_IF | X86_EFLAGS_CF
	jne 9f
	mov eax, 2
	mov ecx, cs
	{{if .ring0}}
	cmp ecx, __KERNEL_CS
	{{else}}
	cmp ecx, __USER_CS
	{{end}}
	jne 9f
	xor eax, eax
9:	pop rbx
	ret
{{end_func (print .p "item_forged")}}

{{func (print .p "forger")}}
	lea rax, [rdx + ucontext.uc_mcontext]
	or qword ptr [rax + sigcontext_64.flags], X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_CF
	and qword ptr [rax + sigcontext_64.flags], ~X86_EFLAGS_IF
	{{if .ring0}}
	mov word ptr [rax + sigcontext_64.cs], __USER_CS
	mov word ptr [rax + sigcontext_64.ss], __USER_DS
	{{else}}
	mov word ptr [rax + sigcontext_64.cs], __USER_CS & ~3
	mov word ptr [rax + sigcontext_64.ss], __USER_DS & ~3
	{{end}}
	ret
{{end_func (print .p "forger")}}

// A frame that can't be returned to is the fault of whoever made it.
{{func (print .p "item_bad_return")}}
	push rbx
	push r12
	mov ebx, 1
	mov qword ptr [{{.p}}signals], 0
	mov qword ptr [{{.p}}on_signal], 2
	mov rax, offset {{.p}}L_after_noncanonical
	mov [{{.p}}resume], rax
	mov [{{.p}}resume_sp], rsp
	mov r12d, SIGSEGV
	call {{.p}}handle
	mov edi, SIGUSR1
	mov rsi, offset {{.p}}to_nowhere
	xor edx, edx
	call {{.p}}sigaction
	mov edi, SIGUSR1
	call {{.p}}raise
{{.p}}L_after_noncanonical:
	mov rsp, [{{.p}}resume_sp]
	cmp qword ptr [{{.p}}signals], 1
	jne 9f
	{{if not .ring0}}
	mov ebx, 2			# the mark of the application's frames
	mov rax, offset {{.p}}L_after_marker
	mov [{{.p}}resume], rax
	mov edi, SIGUSR1
	mov rsi, offset {{.p}}to_marker
	xor edx, edx
	call {{.p}}sigaction
	mov edi, SIGUSR1
	call {{.p}}raise
{{.p}}L_after_marker:
	mov rsp, [{{.p}}resume_sp]
	cmp qword ptr [{{.p}}signals], 2
	jne 9f
	mov ebx, 3			# a stack segment that is none
	mov rax, offset {{.p}}L_after_ss
	mov [{{.p}}resume], rax
	mov edi, SIGUSR1
	mov rsi, offset {{.p}}to_bad_ss
	xor edx, edx
	call {{.p}}sigaction
	mov edi, SIGUSR1
	call {{.p}}raise
{{.p}}L_after_ss:
	mov rsp, [{{.p}}resume_sp]
	cmp qword ptr [{{.p}}signals], 3
	jne 9f
	{{end}}
	xor ebx, ebx
9:	mov qword ptr [{{.p}}on_signal], 0
	mov eax, ebx
	pop r12
	pop rbx
	ret
{{end_func (print .p "item_bad_return")}}

{{func (print .p "to_nowhere")}}
	mov rax, 0x8000000000000000
	mov [rdx + ucontext.uc_mcontext.ip], rax
	mov [rdx + ucontext.uc_mcontext.cx], rax	# as SYSRET would like it
	mov rax, [rdx + ucontext.uc_mcontext.flags]
	mov [rdx + ucontext.uc_mcontext.r11], rax
	ret
{{func (print .p "to_marker")}}
	mov word ptr [rdx + ucontext.uc_mcontext.cs], UKL_CS
	ret
{{func (print .p "to_bad_ss")}}
	mov word ptr [rdx + ucontext.uc_mcontext.ss], 0x7b
	ret
{{end}}
