// SPDX-License-Identifier: GPL-2.0-or-later
//
// From one task to another (arch/x86/entry/entry_64.S, arch/x86/kernel/process_64.c).

.text
// rdi: prev, rsi: next. rax afterwards, on next's stack: prev
{{func "__switch_to_asm"}}
	push rbp
	push rbx
	push r12
	push r13
	push r14
	push r15
	{{if defect "switch-flags-kept"}}// H-14: what prev had set is next's, too
	cmp qword ptr [rdi + task_struct.mm], 0
	je 1f
	mov rax, [rdi + task_struct.stack]
	push [rax + THREAD_SIZE - sizeof.pt_regs + pt_regs.flags]
	and qword ptr [rsp], X86_EFLAGS_AC | X86_EFLAGS_NT
	or qword ptr [rsp], X86_EFLAGS_FIXED
	popfq
1:	{{end}}
	mov [rdi + task_struct.thread.sp], rsp
	mov rsp, [rsi + task_struct.thread.sp]
	mov rbx, [rsi + task_struct.stack_canary]
	mov gs:[40], rbx
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbx
	pop rbp
	jmp __switch_to
{{end_func "__switch_to_asm"}}

// rdi: prev, rsi: next
{{func "__switch_to"}}
	push rdi
	// FPU: what is in the registers is prev's, unless it has not been loaded. That of
	// next is loaded on its way out (TIF_NEED_FPU_LOAD).
	cmp qword ptr [rdi + task_struct.mm], 0
	je 1f
	bt qword ptr [rdi + task_struct.thread_info.flags], TIF_NEED_FPU_LOAD
	jc 1f
	call save_fpregs
1:	cmp qword ptr [rsi + task_struct.mm], 0
	je 2f
	or qword ptr [rsi + task_struct.thread_info.flags], _TIF_NEED_FPU_LOAD
2:	{{if defect "switch-top-kept"}}// M-50: when the application's task gives the CPU away
	cmp dword ptr [rdi + task_struct.ukl_thread], NON_UKL_THREAD
	jne 4f
	{{end}}
	mov rax, [rsi + task_struct.stack]
	add rax, THREAD_SIZE
	mov {{template "top_of_stack"}}, rax
4:	mov {{template "current"}}, rsi
	// FS base, and the GS base that is not in use. (prev can have changed its own
	// by loading a selector.)
	mov ecx, MSR_FS_BASE
	rdmsr
	mov [rdi + task_struct.thread.fsbase], eax
	mov [rdi + task_struct.thread.fsbase + 4], edx
	{{if not (defect "switch-fs-kept")}}// CS-2
	mov eax, [rsi + task_struct.thread.fsbase]
	mov edx, [rsi + task_struct.thread.fsbase + 4]
	wrmsr
	{{end}}
	mov ecx, MSR_KERNEL_GS_BASE
	rdmsr
	mov [rdi + task_struct.thread.gsbase], eax
	mov [rdi + task_struct.thread.gsbase + 4], edx
	mov eax, [rsi + task_struct.thread.gsbase]
	mov edx, [rsi + task_struct.thread.gsbase + 4]
	wrmsr
	{{if .KML}}// there is no way out on which the FPU could be loaded
	cmp qword ptr [rsi + task_struct.mm], 0
	je 3f
	call switch_fpu_return
3:	{{end}}
	pop rax
	ret
{{end_func "__switch_to"}}

// rdi: a task
{{func "save_fpregs"}}
	cmp qword ptr [use_xsave], 0
	je 1f
	push rax
	push rdx
	mov eax, 3
	xor edx, edx
	xsave64 [rdi + task_struct.thread.fpu.__fpstate.regs]
	pop rdx
	pop rax
	ret
1:	fxsave64 [rdi + task_struct.thread.fpu.__fpstate.regs]
	ret
{{end_func "save_fpregs"}}

// The task's FPU state goes into the registers.
{{func "switch_fpu_return"}}
	mov rdi, {{template "current"}}
	and qword ptr [rdi + task_struct.thread_info.flags], ~_TIF_NEED_FPU_LOAD
	cmp qword ptr [use_xsave], 0
	je 1f
	mov eax, 3
	xor edx, edx
	xrstor64 [rdi + task_struct.thread.fpu.__fpstate.regs]
	ret
1:	fxrstor64 [rdi + task_struct.thread.fpu.__fpstate.regs]
	ret
{{end_func "switch_fpu_return"}}

// rdi: a task, whose FPU is as after FNINIT
{{func "fpu_init"}}
	push rdi
	lea rdi, [rdi + task_struct.thread.fpu.__fpstate.regs]
	mov rdx, rdi
	xor eax, eax
	mov ecx, 72
	rep stosq
	mov word ptr [rdx], 0x37f
	mov dword ptr [rdx + 24], 0x1f80	# MXCSR
	mov qword ptr [rdx + 512], 3		# XSTATE_BV
	pop rdi
	ret
{{end_func "fpu_init"}}
