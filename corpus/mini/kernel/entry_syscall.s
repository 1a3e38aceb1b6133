// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ways into a system call. SYSCALL is for programs at CPL 3
// (arch/x86/entry/entry_64.S), CALL for the application at CPL 0 (the series'
// arch/x86/entry/ukl_64.S).

.section .entry.text

// rax: the number; rdi rsi rdx r10 r8 r9: arguments; rcx, r11: RIP and RFLAGS.
{{code "entry_SYSCALL_64"}}
	{{if and ukl (not (defect "app-syscall"))}}// no program of CPL 3 is up there
	test rcx, rcx
	js executed_ukl_SYSCALL
	{{end}}
	swapgs
	mov {{template "sp2"}}, rsp
	mov rsp, {{template "top_of_stack"}}
entry_SYSCALL_64_safe_stack:
	push __USER_DS
	push qword ptr {{template "sp2"}}
	push r11
	push __USER_CS
	push rcx
	push rax
entry_SYSCALL_64_after_hwframe:
	{{template "push_and_clear_regs" args "rax" "-ENOSYS" "rdx" "rdx" "call" false}}
	mov rdi, rsp
	movsxd rsi, eax
	{{template "ibrs" 1}}
	call do_syscall_64		# returns with interrupts off

	// SYSRET, if it restores what there is to restore. RIP must be canonical:
	// Intel's CPUs find out at CPL 0, on the program's stack (CVE-2012-0217).
	mov rcx, [rsp + pt_regs.cx]
	mov r11, [rsp + pt_regs.ip]
	cmp rcx, r11
	jne swapgs_restore_regs_and_return_to_usermode
	{{if not (defect "ret-noncanonical")}}// H-1
	shl rcx, 16
	sar rcx, 16
	cmp rcx, r11
	jne swapgs_restore_regs_and_return_to_usermode
	{{end}}
	cmp qword ptr [rsp + pt_regs.cs], __USER_CS
	jne swapgs_restore_regs_and_return_to_usermode
	mov r11, [rsp + pt_regs.r11]
	cmp [rsp + pt_regs.flags], r11
	jne swapgs_restore_regs_and_return_to_usermode
	test r11, X86_EFLAGS_RF | X86_EFLAGS_TF
	jnz swapgs_restore_regs_and_return_to_usermode
	cmp qword ptr [rsp + pt_regs.ss], __USER_DS
	jne swapgs_restore_regs_and_return_to_usermode
syscall_return_via_sysret:
	{{template "ibrs" 0}}
	{{template "pop_regs_but_rdi"}}
	mov rdi, rsp
	mov rsp, {{template "sp0"}}
	push [rdi + pt_regs.sp - pt_regs.di]
	push [rdi]
	pop rdi
	pop rsp
	swapgs
	sysretq

{{if ukl}}
// System calls of the application: a CALL. Registers as for SYSCALL, except that
// RCX and R11 are the application's. What SYSCALL does to RFLAGS is done here.
// pt_regs says what the application would be if the CALL had returned: ip is
// the return address and sp is above it. That makes it valid for whoever reads
// or changes it, and the return uses nothing else. Nothing is written to the
// application's stack.
{{code "ukl_entry_SYSCALL_64"}}
	{{if not (defect "entry-irqs-on")}}// M-1
	cli				# up to here an interrupt is the application's
	{{end}}
	{{if defect "entry-swapgs"}}// M-16
	swapgs
	{{end}}
	{{if defect "entry-clobbers"}}// M-13: a helper that is instrumented
	xor edx, edx
	{{end}}
	{{if defect "entry-writes-stack"}}// EN-8: as if there were a red zone below
	push rax
	pop rax
	{{end}}
	{{if defect "entry-flags-late"}}// M-8
	add rsp, 0
	{{end}}
	mov {{template "sp2"}}, rsp
	mov rsp, {{template "top_of_stack"}}
	{{if defect "entry-wrong-stack"}}// EN-4: that of interrupts
	mov rsp, {{template "sp0"}}
	{{end}}
	{{if defect "entry-leaks-word"}}// EN-10
	push 0
	{{end}}
	{{if defect "entry-stack-creeps"}}// ST-7
	sub qword ptr {{template "top_of_stack"}}, 16
	{{end}}
	{{if .SameStack}}// back to the stack that it was, if that is pinned
	pushfq
	pop qword ptr {{template "sp1"}}
	cmp qword ptr {{template "sp2"}}, offset __ukl_bss_start
	jb 1f
	cmp qword ptr {{template "sp2"}}, offset __ukl_bss_end
	ja 1f
	mov rsp, {{template "sp2"}}
1:	{{end}}
	{{if defect "entry-user-ss"}}// M-14
	push __USER_DS
	{{else}}
	push __KERNEL_DS
	{{end}}
	push qword ptr {{template "sp2"}}	# below
	{{if .SameStack}}
	push qword ptr {{template "sp1"}}
	{{else}}
	pushfq
	{{end}}
	{{if defect "entry-user-cs"}}// M-15
	push __USER_CS
	{{else if defect "entry-kernel-cs"}}// 4.4
	push __KERNEL_CS
	{{else}}
	push UKL_CS
	{{end}}
	push rcx			# ip, below
	push rax
	{{template "push_and_clear_regs" args "rax" "-ENOSYS" "rdx" "rdx" "call" false}}

	// TF, DF, NT, AC and IOPL are the application's.
	{{if defect "nt-kept"}}// H-15
	pushfq
	and qword ptr [rsp], X86_EFLAGS_NT
	or qword ptr [rsp], X86_EFLAGS_FIXED
	{{else if defect "ac-kept"}}// H-16
	pushfq
	and qword ptr [rsp], X86_EFLAGS_AC
	or qword ptr [rsp], X86_EFLAGS_FIXED
	{{else if defect "tf-kept"}}// H-17
	pushfq
	and qword ptr [rsp], X86_EFLAGS_TF
	or qword ptr [rsp], X86_EFLAGS_FIXED
	{{else if defect "df-kept"}}// D-16
	pushfq
	and qword ptr [rsp], X86_EFLAGS_DF
	or qword ptr [rsp], X86_EFLAGS_FIXED
	{{else}}
	push X86_EFLAGS_FIXED
	{{end}}
	popfq
	.globl entry_ukl_clean_flags
entry_ukl_clean_flags:
	or qword ptr [rsp + pt_regs.flags], X86_EFLAGS_IF
	{{if defect "entry-flags-slot"}}// M-9
	mov rdx, [rsp + pt_regs.sp]
	mov rdx, [rdx - 16]
	mov [rsp + pt_regs.flags], rdx
	{{end}}
	{{if not (defect "entry-mode-kept")}}// M-4
	push rax
	call enter_ukl_kernel		# on the kernel's stack, which can take a call
	pop rax
	{{end}}

	// The CALL has just written it, but another thread may have unmapped it.
	mov rdx, [rsp + pt_regs.sp]
L_read_return_address:
	mov rcx, [rdx]
	{{if defect "entry-sp-off"}}// M-10: 8 too high
	add rdx, 16
	{{else}}
	add rdx, 8
	{{end}}
	mov [rsp + pt_regs.sp], rdx
	{{if not (defect "entry-ip-garbage")}}// M-11
	mov [rsp + pt_regs.ip], rcx
	{{end}}
	xor edx, edx
	xor ecx, ecx
	{{if defect "entry-registers-live"}}// EN-7
	mov r10, [rsp + pt_regs.r10]
	mov r11, [rsp + pt_regs.r11]
	{{end}}
L_ukl_do_syscall:
	mov rdi, rsp
	{{if defect "entry-number-64"}}// EN-6
	mov rsi, rax
	{{else}}
	movsxd rsi, eax
	{{end}}
	{{if not (defect "ibrs-not-entered")}}// M-60
	{{template "ibrs" 1}}
	{{end}}
	{{if defect "sigreturn-pops"}}// M-33: the return of other calls, for this one too
	mov [popped_number], rsi
	{{end}}
	call do_syscall_64		# returns with interrupts off
	{{if defect "sigreturn-pops"}}
	cmp dword ptr [popped_number], __NR_rt_sigreturn
	je L_pop_return
	{{end}}
	{{if defect "signal-pops"}}// M-34: the handler's frame is not what this return looks for
	cmp byte ptr [signal_pops], 0
	mov byte ptr [signal_pops], 0
	jne L_pop_return
	{{end}}
	jmp swapgs_restore_regs_and_return_to_usermode
	{{if or (defect "sigreturn-pops") (defect "signal-pops")}}
L_pop_return:				# flags and address from the application's stack
	call enter_ukl_user
	{{template "pop_regs_but_rdi"}}
	pop rdi
	mov rsp, [rsp + pt_regs.sp - pt_regs.orig_ax]
	popfq
	sti
	ret
	{{end}}
	{{if defect "sigreturn-pops"}}
	.pushsection .data
	.p2align 3
popped_number:
	.quad 0
	.popsection
	{{end}}

L_no_return_address:
	mov qword ptr [rsp + pt_regs.ip], 0
	mov qword ptr [rsp + pt_regs.orig_ax], -1
	mov rdi, rsp
	call exc_bad_ukl_call
	jmp swapgs_restore_regs_and_return_to_usermode
	{{template "extable" args "insn" "L_read_return_address" "fixup" "L_no_return_address"}}

// A SYSCALL that the application executed itself: a leftover of some library.
{{code "executed_ukl_SYSCALL"}}
	mov {{template "sp2"}}, rsp
	mov rsp, {{template "top_of_stack"}}
	push __KERNEL_DS
	push qword ptr {{template "sp2"}}
	push r11
	push UKL_CS
	push rcx
	push rax
	{{template "push_and_clear_regs" args "rax" "-ENOSYS" "rdx" "rdx" "call" false}}
	or qword ptr [rsp + pt_regs.flags], X86_EFLAGS_IF
	push rax
	call enter_ukl_kernel
	pop rax
	jmp L_ukl_do_syscall
{{end}}

{{if .Bypass}}
// The short way, for calls that neither sleep nor look at who called: in and out
// as ever, for there is a stack to leave and a mode to keep, but without the
// work on the way out, as long as there is none and the task has some left
// (ukl_bypass). After that it is an ordinary call.
{{code "ukl_bp_SYSCALL_64"}}
	cli
	mov {{template "sp2"}}, rsp
	{{if not (defect "bypass-sleeps")}}// M-49
	mov rsp, {{template "top_of_stack"}}
	{{end}}
	push __KERNEL_DS
	push qword ptr {{template "sp2"}}
	pushfq
	push UKL_CS
	push rcx
	push rax
	{{template "push_and_clear_regs" args "rax" "-ENOSYS" "rdx" "rdx" "call" false}}
	push X86_EFLAGS_FIXED
	popfq
	or qword ptr [rsp + pt_regs.flags], X86_EFLAGS_IF
	push rax
	call enter_ukl_kernel
	pop rax
	mov rdx, [rsp + pt_regs.sp]
L_bp_read_return_address:
	mov rcx, [rdx]
	add rdx, 8
	mov [rsp + pt_regs.sp], rdx
	mov [rsp + pt_regs.ip], rcx
	xor edx, edx
	xor ecx, ecx
	mov rdi, rsp
	movsxd rsi, eax
	call do_syscall_bypass
	jmp swapgs_restore_regs_and_return_to_usermode
	{{template "extable" args "insn" "L_bp_read_return_address" "fixup" "L_no_return_address"}}
{{end}}

{{if .KML}}
// System calls of the application where it is not more than code at CPL 0:
// pt_regs is the kernel's, there is no mode and no mark, and what it returns to
// is what the kernel returns to.
{{code "ukl_entry_SYSCALL_64"}}
	cli
	mov {{template "sp2"}}, rsp
	mov rsp, {{template "top_of_stack"}}
	push __KERNEL_DS
	push qword ptr {{template "sp2"}}
	pushfq
	push __KERNEL_CS
	push rcx
	push rax
	{{template "push_and_clear_regs" args "rax" "-ENOSYS" "rdx" "rdx" "call" false}}
	{{if defect "nt-kept"}}// H-15
	pushfq
	and qword ptr [rsp], X86_EFLAGS_NT
	or qword ptr [rsp], X86_EFLAGS_FIXED
	{{else if defect "ac-kept"}}// H-16
	pushfq
	and qword ptr [rsp], X86_EFLAGS_AC
	or qword ptr [rsp], X86_EFLAGS_FIXED
	{{else if defect "tf-kept"}}// H-17
	pushfq
	and qword ptr [rsp], X86_EFLAGS_TF
	or qword ptr [rsp], X86_EFLAGS_FIXED
	{{else}}
	push X86_EFLAGS_FIXED
	{{end}}
	popfq
	or qword ptr [rsp + pt_regs.flags], X86_EFLAGS_IF
	mov rdx, [rsp + pt_regs.sp]
L_read_return_address:
	mov rcx, [rdx]
	add rdx, 8
	mov [rsp + pt_regs.sp], rdx
	mov [rsp + pt_regs.ip], rcx
	xor edx, edx
	xor ecx, ecx
	mov rdi, rsp
	movsxd rsi, eax
	call do_syscall_64
	jmp swapgs_restore_regs_and_return_to_usermode	# execve may have made it a program
L_no_return_address:
	mov edi, SIGSEGV
	call do_group_exit
	{{template "extable" args "insn" "L_read_return_address" "fixup" "L_no_return_address"}}
{{end}}

// What a task does (arch/x86/include/asm/ukl.h). They are entry text: an
// exception in them is the kernel's, whatever the task says. Only RAX changes.
{{code "is_ukl_thread"}}
	mov rax, {{template "current"}}
	mov eax, [rax + task_struct.ukl_thread]
	ret
{{end_func "is_ukl_thread"}}

{{if ukl}}
{{code "enter_ukl_kernel"}}
	mov rax, {{template "current"}}
	mov dword ptr [rax + task_struct.ukl_thread], UKL_KERNEL
	ret
{{end_func "enter_ukl_kernel"}}

{{code "enter_ukl_user"}}
	mov rax, {{template "current"}}
	mov dword ptr [rax + task_struct.ukl_thread], UKL_APPLICATION
	ret
{{end_func "enter_ukl_user"}}
{{end}}
