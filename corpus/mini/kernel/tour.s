// SPDX-License-Identifier: GPL-2.0-or-later
//
// A tour of the kernel by somebody who uses it. The application and the program at
// CPL 3 make the same one; only how a call is made differs, and what can't be had
// at CPL 0 or without signals is left out. This file has what the items need;
// the items are in tour_*.s.
//
// p: what names begin with; call: how a call is made; text, rodata, data, bss: the
// sections; ring0, stock, kml, pinned: who it is

// An item says in EAX at which of its steps it failed, 0 if at none.
{{define "tour"}}
.section {{.text}}
// eax: how many items failed
{{func (print .p "tour")}}
	push rbx
	push r12
	push r13
	mov rbx, offset {{.p}}items
	xor r12d, r12d
	xor r13d, r13d
1:	mov rax, [rbx + 8]
	test rax, rax
	jz 4f
	call rax
	mov rdi, offset {{.p}}L_ok
	test eax, eax
	jz 2f
	inc r12d
	add al, 0x30			# the step
	mov [{{.p}}L_failed + 5], al
	mov rdi, offset {{.p}}L_failed
	dec r13d
2:	inc r13d
	mov rsi, [rbx]
	call {{.p}}say
	add rbx, 16
	mov eax, __NR_sched_yield
	{{.call}}
	jmp 1b
4:	mov eax, r12d
	pop r13
	pop r12
	pop rbx
	ret
{{end_func (print .p "tour")}}

// rdi, rsi: two strings, written as a line
{{func (print .p "say")}}
	mov rdx, offset {{.p}}line
	mov rcx, rdx
	call {{.p}}append
	mov rdi, rsi
	call {{.p}}append
	mov byte ptr [rcx], 10
	inc rcx
	mov rsi, rdx
	sub rcx, rdx
	mov rdx, rcx
	mov edi, 1
	mov eax, __NR_write
	{{.call}}
	ret
{{end_func (print .p "say")}}

// rdi: a string, rcx: where to
{{func (print .p "append")}}
1:	mov al, [rdi]
	test al, al
	jz 2f
	mov [rcx], al
	inc rdi
	inc rcx
	jmp 1b
2:	ret
{{end_func (print .p "append")}}

// edi: a signal, rsi: its handler, edx: SA_. eax: the answer
{{func (print .p "sigaction")}}
	sub rsp, 40
	mov [rsp], rsi
	mov eax, edx
	or eax, SA_RESTORER | SA_SIGINFO
	mov [rsp + 8], rax
	mov rax, offset {{.p}}restorer
	mov [rsp + 16], rax
	mov qword ptr [rsp + 24], 0
	mov rsi, rsp
	xor edx, edx
	mov r10d, 8
	mov eax, __NR_rt_sigaction
	{{.call}}
	add rsp, 40
	ret
{{end_func (print .p "sigaction")}}

{{func (print .p "restorer")}}
	mov eax, __NR_rt_sigreturn
	{{.call}}
	ud2
{{end_func (print .p "restorer")}}

// Writes down how it was called, lays waste to all registers, and does to the
// context what on_signal says: 1: ip goes on by [advance]; 2: ip and sp are
// [resume] and [resume_sp].
{{func (print .p "handler")}}
	push rbx
	push rbp
	pushfq
	pop rbx
	mov [{{.p}}seen_flags], rbx
	lea rbx, [rsp + 16]
	mov [{{.p}}seen_sp], rbx
	mov [{{.p}}seen_ax], rax
	mov [{{.p}}seen_signal], rdi
	mov [{{.p}}seen_info], rsi
	mov [{{.p}}seen_context], rdx
	mov eax, [rsi + siginfo.si_signo]
	mov [{{.p}}seen_signo], rax
	mov eax, [rsi + siginfo.si_code]
	mov [{{.p}}seen_code], rax
	mov rax, [rsi + siginfo._sifields]
	mov [{{.p}}seen_address], rax
	mov eax, ss
	mov [{{.p}}seen_ss], rax
	inc qword ptr [{{.p}}signals]
	mov rax, [{{.p}}on_signal]
	cmp rax, 1
	jne 1f
	mov rcx, [{{.p}}advance]
	add [rdx + ucontext.uc_mcontext.ip], rcx
1:	cmp rax, 2
	jne 2f
	mov rcx, [{{.p}}resume]
	mov [rdx + ucontext.uc_mcontext.ip], rcx
	mov rcx, [{{.p}}resume_sp]
	mov [rdx + ucontext.uc_mcontext.sp], rcx
	mov word ptr [rdx + ucontext.uc_mcontext.cs], __USER_CS
	mov word ptr [rdx + ucontext.uc_mcontext.ss], __USER_DS
2:	cmp rax, 3			# a handler that is interrupted by another
	jne 3f
	mov qword ptr [{{.p}}on_signal], 0
	mov edi, SIGUSR2
	call {{.p}}raise
3:	call {{.p}}clobber
	pop rbp
	pop rbx
	ret
{{end_func (print .p "handler")}}

// All registers but RSP, RBX and RBP, and the FPU.
{{func (print .p "clobber")}}
	mov rax, -1
	mov rcx, rax
	mov rdx, rax
	mov rsi, rax
	mov rdi, rax
	mov r8, rax
	mov r9, rax
	mov r10, rax
	mov r11, rax
	mov r12, rax
	mov r13, rax
	mov r14, rax
	mov r15, rax
	pcmpeqd xmm0, xmm0
	movdqa xmm1, xmm0
	movdqa xmm7, xmm0
	movdqa xmm15, xmm0
	ret
{{end_func (print .p "clobber")}}

// edi: a signal, sent to this thread
{{func (print .p "raise")}}
	push rbx
	mov ebx, edi
	mov eax, __NR_getpid
	{{.call}}
	mov edi, eax
	push rdi
	mov eax, __NR_gettid
	{{.call}}
	mov esi, eax
	pop rdi
	mov edx, ebx
	mov eax, __NR_tgkill
	{{.call}}
	pop rbx
	ret
{{end_func (print .p "raise")}}

// rdi: a function for a child process, which ends with what it answers. eax: pid
{{func (print .p "fork")}}
	push rbx
	push r12
	mov rbx, rdi
	mov r12, rsp
	{{if .pinned}}// a stack that the child has a copy of
	mov rsp, [{{.p}}low_stack]
	{{end}}
	mov eax, __NR_fork
	{{.call}}
	test eax, eax
	jnz 1f
	pushfq				# of the first instruction
	pop [{{.p}}child_flags]
	mov edi, 88
	{{if .pinned}}
	cmp rsp, [{{.p}}low_stack]
	{{else}}
	cmp rsp, r12
	{{end}}
	jne 2f
	call rbx
	mov edi, eax
2:	mov eax, __NR_exit
	{{.call}}
1:	mov rsp, r12
	pop r12
	pop rbx
	ret
{{end_func (print .p "fork")}}

// edi: a child. eax: its status
{{func (print .p "wait")}}
	sub rsp, 8
	mov rsi, rsp
	xor edx, edx
	xor r10d, r10d
	mov eax, __NR_wait4
	{{.call}}
	mov edx, eax
	pop rax
	test edx, edx
	jns 1f
	mov eax, edx
1:	ret
{{end_func (print .p "wait")}}

// rdi: a function for a thread, rsi: the top of its stack, rdx: its FS base, r10:
// a word that is its id as long as it lives. eax: the id
{{func (print .p "thread")}}
	sub rsi, 8
	mov [rsi], rdi
	mov r8, rdx
	xor edx, edx
	mov edi, 0x1290d00		# VM SIGHAND THREAD SETTLS CHILD_CLEARTID CHILD_SETTID
	mov eax, __NR_clone
	{{.call}}
	test eax, eax
	jnz 1f
	pop rax
	call rax
	xor edi, edi
	mov eax, __NR_exit
	{{.call}}
1:	ret
{{end_func (print .p "thread")}}

// r10: the word of a thread, waited for
{{func (print .p "join")}}
	push rbx
	mov rbx, r10
1:	cmp dword ptr [rbx], 0
	je 2f
	mov eax, __NR_sched_yield
	{{.call}}
	jmp 1b
2:	pop rbx
	ret
{{end_func (print .p "join")}}

// rdi: bytes. rax: fresh memory
{{func (print .p "map")}}
	mov rsi, rdi
	xor edi, edi
	mov edx, 3
	mov r10d, 0x22
	mov r8, -1
	xor r9d, r9d
	mov eax, __NR_mmap
	{{.call}}
	ret
{{end_func (print .p "map")}}

// rdi: nanoseconds
{{func (print .p "sleep")}}
	push rdi
	push 0
	mov rdi, rsp
	xor esi, esi
	mov eax, __NR_nanosleep
	{{.call}}
	add rsp, 16
	ret
{{end_func (print .p "sleep")}}

.section {{.rodata}}
{{.p}}L_ok:
	.asciz "ok     {{.who}} "
{{.p}}L_nothing:
	.asciz "/nothing"
{{.p}}L_hello:
	.asciz "/hello"
{{.p}}L_argument:
	.asciz "x"
	.p2align 3
{{.p}}argv:
	.quad {{.p}}L_hello, {{.p}}L_argument, 0
{{.p}}constant:
	.quad 0x1122334455667788

.section {{.data}}
	.p2align 3
{{.p}}L_failed:
	.asciz "FAIL ? {{.who}} "
	.p2align 3
{{.p}}variable:
	.quad 0x8877665544332211
{{.p}}pattern:				# for the FPU
	.quad 0x0123456789abcdef, 0xfedcba9876543210

.section {{.bss}}
	.p2align 6
{{.p}}line:
	.zero 128
{{.p}}seen_flags: .quad 0
{{.p}}seen_sp: .quad 0
{{.p}}seen_ax: .quad 0
{{.p}}seen_signal: .quad 0
{{.p}}seen_signo: .quad 0
{{.p}}seen_info: .quad 0
{{.p}}seen_context: .quad 0
{{.p}}seen_code: .quad 0
{{.p}}seen_address: .quad 0
{{.p}}seen_ss: .quad 0
{{.p}}signals: .quad 0
{{.p}}on_signal: .quad 0
{{.p}}advance: .quad 0
{{.p}}resume: .quad 0
{{.p}}resume_sp: .quad 0
{{.p}}low_stack: .quad 0		# the stack that exec made
{{.p}}child_flags: .quad 0
{{.p}}word: .quad 0
{{.p}}flag: .quad 0
{{.p}}area: .quad 0
{{.p}}main_tid: .quad 0			# the thread that others send signals to
{{.p}}tid: .quad 0
{{.p}}tid2: .quad 0
{{.p}}tls_base: .quad 0
{{.p}}tls: .quad 0, 0, 0, 0
{{.p}}result: .quad 0
{{.p}}altstack:
	.zero 8192
{{.p}}stack2:
	.zero 8192
{{.p}}stack2_top:
.section {{.text}}
{{end}}
