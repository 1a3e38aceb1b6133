// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the stubs of all vectors begin with.
//
// The application runs at CPL 0 as the kernel does, so neither CS nor the stack
// that the CPU pushed onto tells them apart. Two questions do, in this order:
//
// 1. Is RIP where the application can't be? The entry text is the only code that
//    runs with a program's GS base at CPL 0, or while the task says
//    UKL_APPLICATION on a kernel stack. An exception there is the kernel's, and
//    nothing may touch GS before error_entry or paranoid_entry has seen to
//    it. The exception to this is the first instruction of the application's
//    entry: until its CLI has been executed an interrupt is the application's.
//
// 2. Does the task say UKL_APPLICATION? GS is the kernel's here.
//
// If so the frame moves to the thread stack, which is empty while the
// application runs, and says UKL_CS. From there on it is a frame of user mode for
// which there is nothing to swap. All that is written to the application's stack
// is what the CPU itself has pushed.
//
// On the vectors that can hit anywhere (ist) what puts the mode away is left out as
// well: it is noinstr, as in Linux.
//
// error: 8 where the CPU or the stub has pushed an error code, else 0
// ist: the vector can hit anywhere
// bp: #BP
{{define "from_application"}}
	{{if ukl}}
	test byte ptr [rsp + {{.error}} + 8], 3
	jnz 9f
	{{if not (defect "stub-asks-task-first")}}// D-1, D-13: by whatever GS there is, and on whatever stack
	cmp qword ptr [rsp + {{.error}}], offset __entry_text_start
	jb 1f
	cmp qword ptr [rsp + {{.error}}], offset __entry_text_end
	jae 1f
	cmp qword ptr [rsp + {{.error}}], offset ukl_entry_SYSCALL_64
	jne 9f
	{{if .ist}}
1:	cmp qword ptr [rsp + {{.error}}], offset __noinstr_text_start
	jb 1f
	cmp qword ptr [rsp + {{.error}}], offset __noinstr_text_end
	jb 9f
	{{end}}
	{{end}}
1:	{{if defect "stub-uses-stack"}}// ST-3
	push rdx
	pop rdx
	{{end}}
	// Interrupts are off, and nothing that can nest here uses sp2.
	mov {{template "sp2"}}, rdx
	mov rdx, {{template "current"}}
	{{if defect "class-compares-1"}}// M-19
	cmp dword ptr [rdx + task_struct.ukl_thread], UKL_KERNEL
	jne 8f
	{{else if defect "class-compares-above"}}// M-20
	cmp dword ptr [rdx + task_struct.ukl_thread], UKL_APPLICATION
	jbe 8f
	{{else}}
	cmp dword ptr [rdx + task_struct.ukl_thread], UKL_APPLICATION
	jne 8f
	{{end}}
	mov dword ptr [rdx + task_struct.ukl_thread], UKL_KERNEL
	{{if defect "no-sync-regs"}}// M-21: the mark, but not the stack
	mov qword ptr [rsp + {{.error}} + 8], UKL_CS
	{{else}}
	mov rdx, rsp
	mov rsp, {{template "top_of_stack"}}
	{{if not (defect "exception-flags-kept")}}
	push X86_EFLAGS_FIXED		# a gate leaves AC, DF, IOPL as they were
	popfq
	{{end}}
	{{if and .bp (defect "bp-gap-short")}}// M-59
	{{else}}
	push __KERNEL_DS
	{{end}}
	{{if defect "stub-writes-above"}}// ST-2
	push rax
	mov rax, [rdx + {{.error}} + 24]
	mov [rax], rdx
	pop rax
	{{end}}
	push [rdx + {{.error}} + 24]	# sp
	push [rdx + {{.error}} + 16]	# flags
	or qword ptr [rsp], X86_EFLAGS_IF	# a CLI does not last
	push UKL_CS
	{{if defect "sync-regs-short"}}// M-22: the last word is what was there
	sub rsp, 8
	{{else}}
	push [rdx + {{.error}}]		# ip
	{{end}}
	{{if .error}}
	push [rdx]
	{{end}}
	{{end}}
8:	mov rdx, {{template "sp2"}}
9:
	{{end}}
{{end}}

// For vectors that can hit any instruction of the kernel, and the application, which
// an NMI does not stop: what the handler does is the kernel's. Exceptions in it must
// find the task saying so. R12 has what it said.
{{define "mode_away"}}
	{{if ukl}}
	call is_ukl_thread
	mov r12d, eax
	{{if not (defect "nmi-keeps-mode")}}// D-14
	cmp eax, UKL_APPLICATION
	jne 1f
	call enter_ukl_kernel
1:	{{end}}
	{{end}}
{{end}}
{{define "mode_back"}}
	{{if ukl}}
	cmp r12d, UKL_APPLICATION
	jne 1f
	call enter_ukl_user
1:	{{end}}
{{end}}

// IBRS, for CPUs that have it.
{{define "ibrs"}}
	cmp qword ptr [has_spec_ctrl], 0
	je 1f
	push rax
	push rcx
	push rdx
	mov ecx, MSR_IA32_SPEC_CTRL
	mov eax, {{.}}
	xor edx, edx
	wrmsr
	pop rdx
	pop rcx
	pop rax
1:
{{end}}
