// SPDX-License-Identifier: GPL-2.0-or-later
//
// Exceptions and interrupts (arch/x86/entry/entry_64.S): the stub of each vector,
// error_entry and paranoid_entry, and the ways back.

// The part of a stub behind from_application: pt_regs, and the stack that
// error_entry says.
{{define "idtentry_body"}}
	call error_entry
	mov rsp, rax
	mov rdi, rsp
	{{if .error}}
	mov rsi, [rsp + pt_regs.orig_ax]
	mov qword ptr [rsp + pt_regs.orig_ax], -1
	{{end}}
	call {{.handler}}
	jmp error_return
{{end}}

{{define "idtentry"}}
{{code (printf "asm_%s" .handler)}}
	{{if not (defect "no-cld")}}// H-26
	cld
	{{end}}
	{{template "from_application" args "error" 0 "bp" false "ist" false}}
	push -1				# orig_ax: no call to restart
	{{template "idtentry_body" args "error" false "handler" .handler}}
{{end}}

{{define "idtentry_error"}}
{{code (printf "asm_%s" .handler)}}
	{{if not (defect "no-cld")}}// H-26
	cld
	{{end}}
	{{template "from_application" args "error" 8 "bp" false "ist" false}}
	{{template "idtentry_body" args "error" true "handler" .handler}}
{{end}}

// #DB and #MC: they can hit the kernel anywhere, also where GS is a program's.
{{define "idtentry_ist"}}
{{code (printf "asm_%s" .handler)}}
	cld
	{{template "from_application" args "error" 0 "bp" false "ist" true}}
	push -1
	test byte ptr [rsp + 16], 3
	jnz 7f
	{{if and (eq .handler "exc_debug") (defect "mov-ss-db")}}// H-8: the kernel's GS is taken for granted
	{{template "push_and_clear_regs" args "rax" "rax" "rdx" "rdx" "call" false}}
	mov ebx, 1
	{{else}}
	call paranoid_entry
	{{end}}
	{{if defect "ist-reentry"}}// H-29
	{{else}}
	sub qword ptr gs:[cpu_tss_rw - fixed_percpu_data + {{.slot}}], 2048
	{{end}}
	mov rdi, rsp
	call {{.handler}}
	{{if defect "ist-reentry"}}
	{{else}}
	add qword ptr gs:[cpu_tss_rw - fixed_percpu_data + {{.slot}}], 2048
	{{end}}
	jmp paranoid_exit
7:	{{template "idtentry_body" args "error" false "handler" (printf "noist_%s" .handler)}}
{{end}}

.section .entry.text
{{template "idtentry" args "handler" "exc_divide_error"}}
{{template "idtentry" args "handler" "exc_overflow"}}
{{template "idtentry" args "handler" "exc_bounds"}}
{{template "idtentry" args "handler" "exc_invalid_op"}}
{{template "idtentry" args "handler" "exc_device_not_available"}}
{{template "idtentry" args "handler" "exc_coproc_segment_overrun"}}
{{template "idtentry" args "handler" "exc_spurious_interrupt_bug"}}
{{template "idtentry" args "handler" "exc_coprocessor_error"}}
{{template "idtentry" args "handler" "exc_simd_coprocessor_error"}}
{{template "idtentry_error" args "handler" "exc_invalid_tss"}}
{{template "idtentry_error" args "handler" "exc_segment_not_present"}}
{{template "idtentry_error" args "handler" "exc_stack_segment"}}
{{template "idtentry_error" args "handler" "exc_general_protection"}}
{{template "idtentry_error" args "handler" "exc_alignment_check"}}
{{if not .ISTPF}}
{{template "idtentry_error" args "handler" "exc_page_fault"}}
{{end}}
{{template "idtentry_ist" args "handler" "exc_debug" "slot" "tss_struct.x86_tss.ist + 16"}}
{{template "idtentry_ist" args "handler" "exc_machine_check" "slot" "tss_struct.x86_tss.ist + 24"}}

// #BP in the kernel leaves room for what a handler may emulate: a call.
{{code "asm_exc_int3"}}
	cld
	{{template "from_application" args "error" 0 "bp" true "ist" false}}
	push -1
	test byte ptr [rsp + 16], 3
	jnz 7f
	push [rsp + 5*8]
	push [rsp + 5*8]
	push [rsp + 5*8]
	push [rsp + 5*8]
	push [rsp + 5*8]
	push [rsp + 5*8]
7:	{{template "idtentry_body" args "error" false "handler" "exc_int3"}}

// The vector lies where exceptions have their error code.
{{code "asm_common_interrupt"}}
	{{if not (defect "no-cld")}}
	cld
	{{end}}
	{{template "from_application" args "error" 8 "bp" false "ist" false}}
	{{template "idtentry_body" args "error" true "handler" "common_interrupt"}}

{{if defect "int80-open"}}// H-23
{{code "asm_int80_emulation"}}
	cld
	{{template "from_application" args "error" 0 "bp" false "ist" false}}
	push rax
	call error_entry
	mov rsp, rax
	mov rdi, rsp
	movsxd rsi, dword ptr [rsp + pt_regs.orig_ax]
	mov qword ptr [rsp + pt_regs.ax], -ENOSYS
	call do_syscall_64
	jmp error_return
{{end}}

// Saves the registers, and says in RAX where pt_regs are.
{{static "error_entry"}}
	{{template "push_and_clear_regs" args "rax" "rax" "rdx" "rdx" "call" true}}
	test byte ptr [rsp + pt_regs.cs + 8], 3
	jz L_error_kernelspace
	{{if ukl}}
	cmp qword ptr [rsp + pt_regs.cs + 8], UKL_CS
	je L_error_ukl_application
	{{end}}
	swapgs
L_error_entry_from_usermode_after_swapgs:
	{{template "ibrs" 1}}
	lea rdi, [rsp + 8]
	jmp sync_regs

{{if ukl}}
L_error_ukl_application:		# on the thread stack already, GS is the kernel's
	{{if defect "irq-rax-leaks"}}// M-53
	mov dword ptr [rsp + pt_regs.ax + 8], UKL_APPLICATION
	{{end}}
	{{template "ibrs" 1}}
	lea rax, [rsp + 8]
	ret
{{end}}

// The kernel's, with one exception: the two IRETs can fault when what they
// return to is not to be had. That is the program's fault.
L_error_kernelspace:
	{{if and ukl (not (defect "ptrace-ip-unchecked"))}}// H-3
	mov rcx, offset return_to_ukl_iret
	cmp [rsp + pt_regs.ip + 8], rcx
	je L_error_bad_ukl_iret
	{{end}}
	mov rcx, offset native_irq_return_iret
	cmp [rsp + pt_regs.ip + 8], rcx
	je L_error_bad_iret
	lea rax, [rsp + 8]
	ret
L_error_bad_iret:
	{{if not (defect "iret-fault-gs")}}// H-4
	swapgs
	{{end}}
	lea rdi, [rsp + 8]
	call fixup_bad_iret
	mov rdi, rax
	jmp sync_regs
{{if ukl}}
L_error_bad_ukl_iret:			# the same, but its frame says kernel by now
	call enter_ukl_kernel
	mov rax, [rsp + pt_regs.sp + 8]
	mov qword ptr [rax + 8], UKL_CS
	lea rdi, [rsp + 8]
	call fixup_bad_iret
	mov rdi, rax
	jmp sync_regs
{{end}}
{{end_func "error_entry"}}

// rdi: pt_regs on the entry stack. Moves them to the thread stack.
{{func "sync_regs"}}
	mov rax, {{template "top_of_stack"}}
	sub rax, sizeof.pt_regs
	cmp rax, rdi
	je 1f
	mov rsi, rdi
	mov rdi, rax
	mov ecx, sizeof.pt_regs / 8
	rep movsq
1:	ret
{{end_func "sync_regs"}}

// rdi: pt_regs of the fault, whose sp points to the frame that IRET did not like.
// Answers with pt_regs as if the fault had hit behind the IRET.
{{func "fixup_bad_iret"}}
	mov rax, {{template "top_of_stack"}}
	sub rax, sizeof.pt_regs
	mov r8, [rdi + pt_regs.sp]
	mov rsi, [r8]			# its five words go where they can't overlap
	mov rdx, [r8 + 8]
	mov rcx, [r8 + 16]
	mov r9, [r8 + 24]
	mov r10, [r8 + 32]
	mov r11, [rdi + pt_regs.orig_ax]
	push rsi
	mov rsi, rdi
	mov rdi, rax
	push rcx
	mov ecx, pt_regs.orig_ax / 8
	cmp rsi, rdi
	jae 1f
	std				# they may overlap
	add rsi, pt_regs.orig_ax - 8
	add rdi, pt_regs.orig_ax - 8
1:	rep movsq
	cld
	pop rcx
	pop rsi
	mov [rax + pt_regs.orig_ax], r11
	mov [rax + pt_regs.ip], rsi
	mov [rax + pt_regs.cs], rdx
	mov [rax + pt_regs.flags], rcx
	mov [rax + pt_regs.sp], r9
	mov [rax + pt_regs.ss], r10
	ret
{{end_func "fixup_bad_iret"}}

{{static "error_return"}}
	{{template "user_mode" args "regs" "rsp"}}
	jz restore_regs_and_return_to_kernel
	jmp swapgs_restore_regs_and_return_to_usermode
{{end_func "error_return"}}

// For vectors that can hit anywhere: asks the CPU whose GS it is. No program has
// a base in the kernel's half. RBX is 0 if there was a SWAPGS, else 1.
{{static "paranoid_entry"}}
	{{template "push_and_clear_regs" args "rax" "rax" "rdx" "rdx" "call" true}}
paranoid_gs:
	mov ebx, 1
	mov ecx, MSR_GS_BASE
	rdmsr
	test edx, edx
	js 1f
	swapgs
	xor ebx, ebx
1:	ret
{{end_func "paranoid_entry"}}

{{static "paranoid_exit"}}
	test ebx, ebx
	jnz restore_regs_and_return_to_kernel
	swapgs
	jmp restore_regs_and_return_to_kernel
{{end_func "paranoid_exit"}}

// Back to a program, or to the application; the stack holds pt_regs.
{{code "swapgs_restore_regs_and_return_to_usermode"}}
	{{if ukl}}
	{{if defect "ret-compat"}}// M-30
	cmp qword ptr [rsp + pt_regs.cs], __USER32_CS
	je return_to_ukl_application
	{{end}}
	{{if defect "return-any-cs"}}// M-27
	cmp qword ptr [rsp + pt_regs.cs], __USER_CS
	je 2f
	{{else if defect "iret-rewrites-all"}}// M-18: once there is an application
	cmp qword ptr [ukl_tasks], 0
	je 2f
	jmp return_to_ukl_application
	{{else}}
	cmp qword ptr [rsp + pt_regs.cs], UKL_CS
	jne 2f
	{{end}}
	{{if defect "marker-decides-alone"}}// a forged frame is enough
	{{else if not (defect "return-any-cs")}}
	mov rax, {{template "current"}}
	cmp dword ptr [rax + task_struct.ukl_thread], NON_UKL_THREAD
	je 2f
	{{end}}
	jmp return_to_ukl_application
	{{end}}
	{{if .KML}}// execve of the application, by a program
	{{template "user_mode" args "regs" "rsp"}}
	jz restore_regs_and_return_to_kernel
	{{end}}
2:	{{template "ibrs" 0}}
	{{template "pop_regs_but_rdi"}}
	// The frame and RDI go to the entry stack, where IRET may fault.
	mov rdi, rsp
	mov rsp, {{template "sp0"}}
	push [rdi + 6*8]
	push [rdi + 5*8]
	push [rdi + 4*8]
	push [rdi + 3*8]
	push [rdi + 2*8]
	push [rdi]
	pop rdi
	swapgs
	jmp native_irq_return_iret

{{code "restore_regs_and_return_to_kernel"}}
	{{if defect "mode-on-kernel-return"}}// M-7
	mov rax, {{template "current"}}
	cmp dword ptr [rax + task_struct.ukl_thread], NON_UKL_THREAD
	je 1f
	call enter_ukl_user
1:	{{end}}
	{{template "pop_regs_but_rdi"}}
	pop rdi
	{{if defect "iret-frame-size"}}// H-30
	cmp qword ptr [ukl_tasks], 0
	je 9f
	add rsp, 8
9:	{{end}}
	add rsp, 8			# orig_ax
	.globl native_irq_return_iret
native_irq_return_iret:
	iretq

{{if ukl}}
// Back to the application, from whatever stopped it; the stack holds pt_regs.
// There is no way back from UKL_APPLICATION but the IRET: up to it this is entry
// text, where an exception is the kernel's.
{{code "return_to_ukl_application"}}
	{{template "ibrs" 0}}
	mov rax, {{template "current"}}
	{{if .UseRet}}
	// POPFQ can't restore RF, and TF would trap before the RET.
	test dword ptr [rsp + pt_regs.flags], X86_EFLAGS_RF | X86_EFLAGS_TF
	jnz L_ukl_iret
	mov rcx, [rsp + pt_regs.sp]
	test rcx, rcx
	{{if .SameStack}}// up there a stack may be anything, but for the pinned ones
	jns 1f
	cmp rcx, offset __ukl_bss_start + 16
	jb L_ukl_iret
	cmp rcx, offset __ukl_bss_end
	ja L_ukl_iret
1:	{{else}}// up there a stack may be anything
	js L_ukl_iret
	{{end}}
	// No page fault that could sleep: such a stack gets IRET.
	inc dword ptr [rax + task_struct.pagefault_disabled]
	mov rdx, [rsp + pt_regs.ip]
	mov rsi, [rsp + pt_regs.flags]
	and rsi, ~X86_EFLAGS_IF
	{{if defect "ret-words-swapped"}}// M-28
	{{template "spare_first"}}
	xchg rdx, rsi
9:	{{end}}
	{{if defect "ret-no-write"}}// M-29
	cmp qword ptr [rsp + pt_regs.ip], offset ukl__start
	jne L_ukl_written
	{{end}}
L_ukl_write_ip:
	mov [rcx - 8], rdx
L_ukl_write_flags:
	mov [rcx - 16], rsi
L_ukl_written:
	dec dword ptr [rax + task_struct.pagefault_disabled]
	sub rcx, 16
	mov [rsp + pt_regs.sp], rcx
	{{if not (defect "return-mode-kept")}}// M-5
	call enter_ukl_user
	{{end}}
	{{if defect "popfq-early"}}// M-3
	sti
	{{end}}
	{{template "pop_regs_but_rdi"}}
	pop rdi
	mov rsp, [rsp + pt_regs.sp - pt_regs.orig_ax]
	jmp return_to_ukl_ret
L_ukl_no_ret:
	dec dword ptr [rax + task_struct.pagefault_disabled]
	{{template "extable" args "insn" "L_ukl_write_ip" "fixup" "L_ukl_no_ret"}}
	{{template "extable" args "insn" "L_ukl_write_flags" "fixup" "L_ukl_no_ret"}}
L_ukl_iret:
	{{end}}
	{{if not (or (defect "return-mode-kept") (defect "mode-after-stack"))}}// M-5
	call enter_ukl_user
	{{end}}
	{{if defect "return-irqs-off"}}// M-2
	and qword ptr [rsp + pt_regs.flags], ~X86_EFLAGS_IF
	{{end}}
	{{if defect "iret-raw-marker"}}// M-17
	cmp qword ptr [rsp + pt_regs.ip], offset ukl__start
	jne 3f
	{{end}}
	{{if defect "return-any-cs"}}
	cmp qword ptr [rsp + pt_regs.cs], UKL_CS
	jne 3f
	{{end}}
	mov qword ptr [rsp + pt_regs.cs], __KERNEL_CS
	mov qword ptr [rsp + pt_regs.ss], __KERNEL_DS
3:
	{{if defect "iret-frame-wrong"}}// M-54
	{{template "spare_first"}}
	push [rsp + pt_regs.sp]
	pop [rsp + pt_regs.ss]
9:	{{end}}
	{{if defect "return-loses-sp"}}// AS-2: a system call returns on the stack that it ran on
	cmp qword ptr [rsp + pt_regs.orig_ax], 0
	jl 9f
	mov [rsp + pt_regs.sp], rsp
9:	{{end}}
	{{if defect "return-keeps-word"}}// M-12
	cmp qword ptr [rsp + pt_regs.orig_ax], 0
	jl 9f
	sub qword ptr [rsp + pt_regs.sp], 8
9:	{{end}}
	{{if defect "return-swapgs"}}// M-16
	{{template "spare_first"}}
	swapgs
9:	{{end}}
	{{if defect "return-reloads-selectors"}}// XT-8
	mov ecx, __USER_DS
	mov ds, ecx
	mov es, ecx
	{{end}}
	{{if defect "popfq-early"}}// M-3
	sti
	{{end}}
	{{if defect "pop-skips-r11"}}// M-55
	mov [rsp + pt_regs.r11], rax
	mov [rsp + pt_regs.cx], rax
	{{end}}
	{{if defect "leaks-r8-r11"}}// H-19
	mov [rsp + pt_regs.r8], rsp
	mov [rsp + pt_regs.r9], rsp
	mov [rsp + pt_regs.r10], rsp
	{{end}}
	{{if defect "mode-after-stack"}}// M-6: IRET from the application's stack, and the mode there
	mov rcx, [rsp + pt_regs.sp]
	mov rdx, [rsp + pt_regs.ip]
	mov [rcx - 40], rdx
	mov rdx, [rsp + pt_regs.cs]
	mov [rcx - 32], rdx
	mov rdx, [rsp + pt_regs.flags]
	mov [rcx - 24], rdx
	mov [rcx - 16], rcx
	mov rdx, [rsp + pt_regs.ss]
	mov [rcx - 8], rdx
	sub rcx, 40
	mov [rsp + pt_regs.sp], rcx
	{{end}}
	{{template "pop_regs_but_rdi"}}
	pop rdi
	{{if defect "mode-after-stack"}}
	mov rsp, [rsp + pt_regs.sp - pt_regs.orig_ax]
	push rax
	sti
	call enter_ukl_user
	pop rax
	{{else}}
	add rsp, 8
	{{end}}
	.globl return_to_ukl_iret
return_to_ukl_iret:
	iretq				# faults when RIP is not canonical, see error_entry

{{if .UseRet}}
// On the application's stack, as the application: not entry text, so that a fault
// here is the application's and is resumed here. Interrupts are off up to STI,
// and STI holds them back for one more instruction: none comes with less of
// the stack free than the application itself leaves.
.section .noinstr.text
{{code "return_to_ukl_ret"}}
	popfq
	{{if not (defect "return-irqs-off")}}// M-2
	sti
	{{end}}
	{{if defect "sti-shadow-wasted"}}// H-28
	nop
	{{end}}
	ret
	int3
.text
{{end}}
{{end}}
