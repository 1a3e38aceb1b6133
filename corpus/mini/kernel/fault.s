// SPDX-License-Identifier: GPL-2.0-or-later
//
// Page faults (arch/x86/mm/fault.c): pages on demand, copy on write, stacks that
// grow, SIGSEGV, and the end of a kernel that has no excuse.

STACK_LIMIT = 0x20000			# a stack grows to 128 KiB

.text
// rdi: pt_regs, rsi: the error code
{{func "exc_page_fault"}}
	push rbx
	push r12
	push r13
	mov rdx, cr2			# before anything can fault again
	mov rbx, rdi
	mov r12, rsi
	mov r13, rdx
	{{if .ISTPF}}
	{{if not (defect "interrupt-lost")}}
	// Else it takes a #DF for that.
	cmp qword ptr [rbx + pt_regs.cs], UKL_CS
	jne 1f
	mov rsi, rdx
	call application_frame_push
	test eax, eax
	jz 1f
	call lost_interrupt
1:	{{end}}
	{{end}}
	mov rdi, rbx
	mov rsi, r12
	mov rdx, r13
	call handle_page_fault
	mov rdi, rbx
	call irqentry_exit
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "exc_page_fault"}}

// rdi: pt_regs, rsi: error code, rdx: the address
{{func "handle_page_fault"}}
	{{if and ukl (not (defect "fault-oops"))}}// D-8
	// The error code's USER bit is for CPL 3. What is asked of it is whose
	// access it was, and the application is a user wherever it runs.
	cmp qword ptr [rdi + pt_regs.cs], UKL_CS
	jne 1f
	or esi, X86_PF_USER
1:	{{end}}
	mov rax, TASK_SIZE_MAX
	cmp rdx, rax
	jb do_user_addr_fault
	jmp do_kern_addr_fault
{{end_func "handle_page_fault"}}

// rdi: pt_regs, rsi: error code, rdx: the address
{{func "do_kern_addr_fault"}}
	{{if ukl}}
	// Its own part of the image is mapped, but read-only or no code.
	cmp qword ptr [rdi + pt_regs.cs], UKL_CS
	jne 1f
	push rdi
	push rsi
	push rdx
	mov rdi, rdx
	mov esi, 1
	call unikernel_image
	pop rdx
	pop rsi
	pop rdi
	test eax, eax
	mov ecx, SEGV_ACCERR
	jnz bad_area
1:	{{end}}
	mov ecx, SEGV_MAPERR
	jmp bad_area
{{end_func "do_kern_addr_fault"}}

// rdi: pt_regs, rsi: error code, rdx: the address, ecx: SEGV_
{{func "bad_area"}}
	test esi, X86_PF_USER
	jz 1f
	mov rax, {{template "current"}}
	mov [rax + task_struct.thread.cr2], rdx
	mov [rax + task_struct.thread.error_code], rsi
	mov qword ptr [rax + task_struct.thread.trap_nr], X86_TRAP_PF
	mov esi, ecx
	mov edi, SIGSEGV
	jmp force_sig_fault
1:	push rdi
	push rdx
	call fixup_exception
	pop rdx
	pop rdi
	test eax, eax
	jz page_fault_oops
	ret
{{end_func "bad_area"}}

{{func "page_fault_oops"}}
	mov rsi, offset L_pf
	jmp die
{{end_func "page_fault_oops"}}

// rdi: pt_regs, rsi: error code, rdx: the address
{{func "do_user_addr_fault"}}
	push rbx
	push r12
	push r13
	push r14
	mov rbx, rdi
	mov r12, rsi
	mov r13, rdx
	mov r14, {{template "current"}}
	test r12d, X86_PF_RSVD
	jnz 8f
	cmp dword ptr [r14 + task_struct.pagefault_disabled], 0
	jne 8f
	mov rdi, [r14 + task_struct.mm]
	test rdi, rdi
	jz 8f
	// Interrupts are the program's or the application's to take meanwhile.
	test r12d, X86_PF_USER
	jnz 1f
	test qword ptr [rbx + pt_regs.flags], X86_EFLAGS_IF
	jz 2f
1:	sti
2:	mov rsi, r13
	call find_vma
	test rax, rax
	jnz 3f
	call expand_stack
	test rax, rax
	jz 8f
3:	// Does the area allow what was tried?
	mov rdx, [rax + vm_area_struct.vm_flags]
	test r12d, X86_PF_WRITE
	jz 4f
	test edx, VM_WRITE
	jz 9f
4:	test r12d, X86_PF_INSTR
	jz 5f
	test edx, VM_EXEC
	jz 9f
5:	test edx, VM_READ
	jz 9f
	mov rsi, r13
	mov ecx, r12d
	call handle_mm_fault
	cli
	pop r14
	pop r13
	pop r12
	pop rbx
	ret
8:	mov ecx, SEGV_MAPERR
	jmp 7f
9:	mov ecx, SEGV_ACCERR
7:	cli
	mov rdi, rbx
	mov rsi, r12
	mov rdx, r13
	pop r14
	pop r13
	pop r12
	pop rbx
	jmp bad_area
{{end_func "do_user_addr_fault"}}

// rdi: mm_struct, rsi: an address in no area. rax: the stack that has grown to it,
// or 0. One page of guard stays between it and what lies below.
{{func "expand_stack"}}
	mov rax, [rdi + mm_struct.mmap]
1:	test rax, rax
	jz 4f
	test dword ptr [rax + vm_area_struct.vm_flags], VM_GROWSDOWN
	jz 2f
	cmp rsi, [rax + vm_area_struct.vm_start]
	jae 2f
	mov rdx, [rax + vm_area_struct.vm_end]
	sub rdx, STACK_LIMIT
	cmp rsi, rdx
	jae 3f
2:	mov rax, [rax + vm_area_struct.vm_next]
	jmp 1b
3:	mov r8, rsi
	and r8, -4096
	mov rdx, rax
	lea rcx, [r8 - 4096]
	mov rax, [rdi + mm_struct.mmap]
5:	test rax, rax
	jz 6f
	cmp [rax + vm_area_struct.vm_end], rcx
	jbe 7f
	cmp [rax + vm_area_struct.vm_start], r8
	ja 7f
	xor eax, eax
	ret
7:	mov rax, [rax + vm_area_struct.vm_next]
	jmp 5b
6:	mov rax, rdx
	mov [rax + vm_area_struct.vm_start], r8
4:	ret
{{end_func "expand_stack"}}

// rdi: mm_struct, rsi: an address, rdx: VM_ of its area, ecx: the error code. The
// page comes, or becomes the task's own.
{{func "handle_mm_fault"}}
	push rbx
	push r12
	push r13
	push r14
	push r15
	mov r12, rsi
	mov r13, rdx
	mov r15d, ecx
	mov rdi, [rdi + mm_struct.pgd]
	mov edx, 1
	call walk
	mov r14, rax
	mov rbx, [r14]
	test bl, _PAGE_PRESENT
	jnz 1f
	call alloc_page
	sub rax, [page_offset_base]
	or rax, 0x25			# present, user, accessed
	test r13d, VM_WRITE
	jz 2f
	or rax, _PAGE_RW
2:	test r13d, VM_EXEC
	jnz 3f
	bts rax, 63
3:	mov [r14], rax
	jmp 9f
1:	test r15d, X86_PF_WRITE
	jz 9f
	test bl, _PAGE_RW
	jnz 9f
	{{if defect "cow-clears-wp"}}// HW-1
	mov rax, cr0
	and rax, ~X86_CR0_WP
	mov cr0, rax
	{{end}}
	// Copy on write; the last one needs no copy.
	call entry_to_page
	mov rdi, rbx
	call page_count
	cmp byte ptr [rax], 1
	je 4f
	call alloc_page
	mov r15, rax
	mov rsi, rbx
	mov rdi, rax
	mov ecx, 512
	rep movsq
	mov rdi, rbx
	call put_page
	mov rax, r15
	sub rax, [page_offset_base]
	mov rcx, 0x8000000000000fff
	and rcx, [r14]
	or rax, rcx
	mov [r14], rax
4:	or qword ptr [r14], _PAGE_RW
9:	invlpg [r12]
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "handle_mm_fault"}}
