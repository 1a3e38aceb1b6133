// SPDX-License-Identifier: GPL-2.0-or-later
//
// mmap, munmap, brk; read, write and the one pipe that there is.

.text
// An address that is not looked at, length, protection. The address, or an error.
{{func "__x64_sys_mmap"}}
	mov rsi, [rdi + pt_regs.si]
	mov rcx, [rdi + pt_regs.dx]
	and ecx, VM_READ | VM_WRITE | VM_EXEC
	mov rax, -EINVAL
	add rsi, 4095
	and rsi, -4096
	jz 9f
	mov rdx, 0x10000000
	cmp rsi, rdx
	mov rax, -ENOMEM
	ja 9f
	mov rdi, {{template "current"}}
	mov rdi, [rdi + task_struct.mm]
	mov rdx, [rdi + mm_struct.mmap_base]
	neg rsi
	lea rsi, [rdx + rsi]
	call insert_vm_struct
	test rax, rax
	mov rax, -ENOMEM
	jz 9f
	lea rax, [rsi - 4096]		# a page between this one and the next
	mov [rdi + mm_struct.mmap_base], rax
	mov rax, rsi
9:	ret
{{end_func "__x64_sys_mmap"}}

// An area, or the beginning or end of one.
{{func "__x64_sys_munmap"}}
	push rbx
	push r12
	push r13
	push r14
	mov r12, [rdi + pt_regs.di]
	mov r13, [rdi + pt_regs.si]
	add r13, 4095
	and r13, -4096
	add r13, r12
	mov rdi, {{template "current"}}
	mov rbx, [rdi + task_struct.mm]
	mov rax, -EINVAL
	test r12d, 4095
	jnz 9f
	cmp r13, r12
	jbe 9f
	mov rdi, rbx
	mov rsi, r12
	call find_vma
	mov r14, rax
	test rax, rax
	jz 8f				# nothing there is no error
	mov rax, -EINVAL
	cmp r13, [r14 + vm_area_struct.vm_end]
	ja 9f
	mov rdi, rbx
	mov rsi, r12
	mov rdx, r13
	call unmap_pages
	cmp r12, [r14 + vm_area_struct.vm_start]
	jne 1f
	cmp r13, [r14 + vm_area_struct.vm_end]
	jne 2f
	mov rdi, rbx
	mov rsi, r14
	call remove_vma
	jmp 8f
2:	mov [r14 + vm_area_struct.vm_start], r13
	jmp 8f
1:	cmp r13, [r14 + vm_area_struct.vm_end]
	jne 3f
	mov [r14 + vm_area_struct.vm_end], r12
	jmp 8f
	// Out of the middle: two are left.
3:	mov rdi, rbx
	mov rsi, r13
	mov rdx, [r14 + vm_area_struct.vm_end]
	mov rcx, [r14 + vm_area_struct.vm_flags]
	call insert_vm_struct
	mov [r14 + vm_area_struct.vm_end], r12
8:	xor eax, eax
9:	pop r14
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_munmap"}}

// Where the heap is to end. Where it does.
{{func "__x64_sys_brk"}}
	push rbx
	push r12
	push r13
	mov r12, [rdi + pt_regs.di]
	mov rax, {{template "current"}}
	mov rbx, [rax + task_struct.mm]
	cmp r12, [rbx + mm_struct.start_brk]
	jb 9f
	mov rax, [rbx + mm_struct.start_brk]
	add rax, 0x1000000		# 16 MiB
	cmp r12, rax
	ja 9f
	lea r13, [r12 + 4095]
	and r13, -4096
	mov rdi, rbx
	mov rsi, [rbx + mm_struct.start_brk]
	call find_vma
	test rax, rax
	jnz 1f
	mov rdi, rbx
	mov rsi, [rbx + mm_struct.start_brk]
	mov rdx, r13
	mov ecx, VM_READ | VM_WRITE
	cmp rsi, rdx
	je 3f
	call insert_vm_struct
	test rax, rax
	jz 9f
	jmp 3f
1:	mov rdx, [rax + vm_area_struct.vm_end]
	cmp r13, rdx
	jae 2f
	push rax
	mov rdi, rbx
	mov rsi, r13
	call unmap_pages
	pop rax
	cmp r13, [rax + vm_area_struct.vm_start]
	jne 2f
	mov rdi, rbx
	mov rsi, rax
	call remove_vma
	jmp 3f
2:	mov [rax + vm_area_struct.vm_end], r13
3:	mov [rbx + mm_struct.brk], r12
9:	mov rax, [rbx + mm_struct.brk]
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_brk"}}

.bss
	.p2align 3
pipe_buffer:
	.zero 256
pipe_head:				# how much was written, and read
	.zero 8
pipe_tail:
	.zero 8
console_buffer:
	.zero 64
.text

// Two descriptors: always 3 and 4, the ends of the one pipe.
{{func "__x64_sys_pipe"}}
	push rbx
	mov rcx, [rdi + pt_regs.di]
	mov rax, 0x0000000400000003
	{{if defect "writes-directly"}}// AS-4
	mov [rcx], rax
	xor ecx, ecx
	{{else}}
	call __put_user_8
	{{end}}
	movsxd rax, ecx
	pop rbx
	ret
{{end_func "__x64_sys_pipe"}}

// Descriptor, address, length. What was written, or an error.
{{func "__x64_sys_write"}}
	push rbx
	push r12
	push r13
	push r14
	mov r12, [rdi + pt_regs.si]
	mov r13, [rdi + pt_regs.dx]
	xor r14d, r14d
	mov eax, [rdi + pt_regs.di]
	cmp eax, 4
	je L_write_pipe
	dec eax
	cmp eax, 1
	mov rax, -EBADF
	ja 9f
1:	cmp r14, r13
	jae 8f
	mov rbx, r13
	sub rbx, r14
	cmp rbx, 64
	jbe 2f
	mov ebx, 64
2:	mov rdi, offset console_buffer
	lea rsi, [r12 + r14]
	mov rdx, rbx
	call _copy_from_user
	test rax, rax
	jnz 7f
	add r14, rbx
	mov rsi, offset console_buffer
3:	mov al, [rsi]
	inc rsi
	call serial_putc
	dec rbx
	jnz 3b
	jmp 1b
7:	mov rax, -EFAULT
	test r14, r14
	jz 9f
8:	mov rax, r14
9:	pop r14
	pop r13
	pop r12
	pop rbx
	ret
L_write_pipe:
	mov rax, -EAGAIN
	cmp r13, 128
	ja 9b
	mov rdi, offset pipe_input
	mov rsi, r12
	mov rdx, r13
	call _copy_from_user
	test rax, rax
	mov rax, -EFAULT
	jnz 9b
	mov rdx, [pipe_head]
	sub rdx, [pipe_tail]
	add rdx, r13
	cmp rdx, 256
	mov rax, -EAGAIN
	ja 9b
4:	cmp r14, r13
	jae 5f
	mov al, [pipe_input + r14]
	movzx edx, byte ptr [pipe_head]
	mov [pipe_buffer + rdx], al
	inc qword ptr [pipe_head]
	inc r14
	jmp 4b
5:	mov rdi, offset init_task	# who reads looks again
	mov ecx, NR_TASKS
6:	mov rdx, offset pipe_buffer
	cmp [rdi + task_struct.restart_block.fn], rdx
	jne 10f
	call wake_up
10:	add rdi, sizeof.task_struct
	loop 6b
	jmp 8b
{{end_func "__x64_sys_write"}}

.bss
pipe_input:
	.zero 128
.text

// Descriptor, address, length. An empty pipe is waited for.
{{func "__x64_sys_read"}}
	push rbx
	push r12
	push r13
	push r14
	mov r12, [rdi + pt_regs.si]
	mov r13, [rdi + pt_regs.dx]
	mov ecx, [rdi + pt_regs.di]
	xor eax, eax
	test ecx, ecx
	jz 9f				# nobody types
	mov rax, -EBADF
	cmp ecx, 3
	jne 9f
	mov rbx, {{template "current"}}
1:	cli
	mov rax, [pipe_head]
	sub rax, [pipe_tail]
	jnz 3f
	test qword ptr [rbx + task_struct.thread_info.flags], _TIF_SIGPENDING
	jnz 2f
	mov rax, offset pipe_buffer
	mov [rbx + task_struct.restart_block.fn], rax
	mov dword ptr [rbx + task_struct.__state], TASK_INTERRUPTIBLE
	call schedule
	mov qword ptr [rbx + task_struct.restart_block.fn], 0
	sti
	jmp 1b
2:	sti
	mov rax, -ERESTARTSYS
	jmp 9f
3:	sti
	cmp rax, r13
	jbe 4f
	mov rax, r13
4:	mov r13, rax
	xor r14d, r14d
5:	cmp r14, r13
	jae 8f
	lea rcx, [r12 + r14]
	movzx edx, byte ptr [pipe_tail]
	mov al, [pipe_buffer + rdx]
	call __put_user_1
	test ecx, ecx
	jnz 7f
	inc qword ptr [pipe_tail]
	inc r14
	jmp 5b
7:	mov rax, -EFAULT
	test r14, r14
	jz 9f
8:	mov rax, r14
9:	pop r14
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "__x64_sys_read"}}
