// SPDX-License-Identifier: GPL-2.0-or-later
//
// NMI. An IRET ends the CPU's blocking of NMIs, and any exception within the
// handler ends by one. So the frame leaves the IST stack before anything else can
// happen, and nmi_state tells a nested NMI to leave a message and go.

NMI_NOT_RUNNING = 0
NMI_EXECUTING = 1
NMI_LATCHED = 2

.data
	.p2align 3
nmi_state:
	.quad 0

.section .entry.text
{{code "asm_exc_nmi"}}
	cld
	test byte ptr [rsp + 8], 3
	jz 1f

	// A program: as for any exception, on the thread stack.
	swapgs
	mov [nmi_scratch], rdx
	mov rdx, rsp
	mov rsp, {{template "top_of_stack"}}
	push [rdx + 4*8]
	push [rdx + 3*8]
	push [rdx + 2*8]
	push [rdx + 1*8]
	push [rdx]
	push -1
	mov rdx, [nmi_scratch]
	{{template "push_and_clear_regs" args "rax" "rax" "rdx" "rdx" "call" false}}
	mov rdi, rsp
	call exc_nmi
	jmp swapgs_restore_regs_and_return_to_usermode

	// The kernel or the application. GS may be anybody's.
1:	push rdx
	{{if defect "sp2-shared"}}// M-51: where the entries of system calls keep RSP
	mov {{template "sp2"}}, rdx
	{{end}}
	{{if not (defect "nmi-nests")}}// H-7
	mov rdx, offset nmi_main_stack_top
	sub rdx, [rsp + 4*8]		# the RSP that was interrupted
	cmp rdx, 4096
	jae 2f
	// On its way out, no longer looking: its frame is intact, so it goes round
	// again.
	mov rdx, offset L_nmi_window
	cmp [rsp + 8], rdx
	jb 2f
	mov rdx, offset L_nmi_iret
	cmp [rsp + 8], rdx
	ja 2f
	mov rdx, offset L_nmi_again
	mov [rsp + 8], rdx
	mov rdx, offset nmi_main_stack_top - sizeof.pt_regs
	mov [rsp + 4*8], rdx
	pop rdx
	iretq
2:	cmp qword ptr [nmi_state], NMI_NOT_RUNNING
	je 3f
	mov qword ptr [nmi_state], NMI_LATCHED
	pop rdx
	iretq
	{{end}}

	// The first one moves off the IST stack.
3:	mov rdx, rsp
	mov rsp, offset nmi_main_stack_top
	push [rdx + 5*8]
	push [rdx + 4*8]
	push [rdx + 3*8]
	push [rdx + 2*8]
	push [rdx + 1*8]
	mov rdx, [rdx]
	mov qword ptr [nmi_state], NMI_EXECUTING
	push -1
	call paranoid_entry
	jmp 4f
L_nmi_again:				# RSP is at pt_regs
	mov qword ptr [nmi_state], NMI_EXECUTING
	call paranoid_gs
4:	mov rdi, rsp
	call exc_nmi
	// Only if none has come in the meantime.
	mov eax, NMI_EXECUTING
	mov ecx, NMI_NOT_RUNNING
	cmpxchg [nmi_state], rcx
L_nmi_window:				# from here on nobody would look again
	je 5f
	mov qword ptr [nmi_state], NMI_EXECUTING
	jmp 4b
5:	test ebx, ebx
	jnz 6f
	swapgs
6:	{{template "pop_regs_but_rdi"}}
	pop rdi
	add rsp, 8
L_nmi_iret:
	iretq

.data
nmi_scratch:
	.quad 0

// What an NMI is good for here: it is counted, and it looks at the stack of a program
// or of the application, as a profiler does. That page may not be there.
.section .noinstr.text
// rdi: pt_regs
{{func "exc_nmi"}}
	push rbx
	push r12
	mov rbx, cr2
	{{template "mode_away" .}}
	{{if .ISTPF}}
	// A page fault in here must not find the stack of the one that was hit.
	push qword ptr gs:[cpu_tss_rw - fixed_percpu_data + tss_struct.x86_tss.ist + 40]
	mov rax, [rsp]
	mov rdx, [rdi + pt_regs.sp]
	mov rcx, rax
	sub rcx, rdx
	cmp rcx, 4096
	jae 2f
	and rdx, -16
	mov gs:[cpu_tss_rw - fixed_percpu_data + tss_struct.x86_tss.ist + 40], rdx
2:	{{end}}
	inc qword ptr gs:[nmi_count - fixed_percpu_data]
	{{if ukl}}
	cmp r12d, UKL_APPLICATION
	jne 5f
	// t is 2 also on the way in and out, on the kernel's stack
	mov rax, [rdi + pt_regs.ip]
	mov rcx, offset __entry_text_start
	cmp rax, rcx
	jb 4f
	mov rcx, offset __entry_text_end
	cmp rax, rcx
	jb 3f
	jmp 4f
5:	{{end}}
	{{template "user_mode" args "regs" "rdi"}}
	jz 3f
4:	push rdi
	sub rsp, 8
	mov rsi, [rdi + pt_regs.sp]
	mov rdi, rsp
	mov edx, 8
	call copy_from_user_nofault
	add rsp, 8
	pop rdi
3:	{{if .ISTPF}}
	pop qword ptr gs:[cpu_tss_rw - fixed_percpu_data + tss_struct.x86_tss.ist + 40]
	{{end}}
	{{if defect "nmi-schedules"}}// IR-14
	call schedule
	{{end}}
	{{if not (defect "nmi-enters-kernel-mode")}}// M-52
	{{template "mode_back" .}}
	{{end}}
	mov cr2, rbx
	pop r12
	pop rbx
	ret
{{end_func "exc_nmi"}}
.text

