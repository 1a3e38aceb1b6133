// SPDX-License-Identifier: GPL-2.0-or-later
//
// Pages and address spaces. Pages are named by their address in the direct map. A
// page that several page tables name is counted, and written to by nobody (copy on
// write).

POOL_PAGES = 2048
VM_READ = 1
VM_WRITE = 2
VM_EXEC = 4
VM_GROWSDOWN = 0x100

.data
	.p2align 3
next_free:				# never used so far
	.quad 0
last_free:
	.quad 0
free_list:				# used and free again
	.quad 0
.bss
	.p2align 3
page_counts:
	.zero POOL_PAGES

.text
{{func "mm_init"}}
	mov rax, offset __free_start
	mov rdx, offset __START_KERNEL_map
	sub rax, rdx
	add rax, [page_offset_base]
	mov [next_free], rax
	mov [pool_start], rax
	add rax, POOL_PAGES * 4096
	mov [last_free], rax
	{{if .SameStack}}// the page below the application's pinned stack
	mov rax, offset ukl_stack_guard
	mov rcx, rax
	sub rcx, offset _text
	shr rcx, 12
	mov qword ptr [level1_kernel_pgt + 8*rcx], 0
	invlpg [rax]
	{{end}}
	ret
{{end_func "mm_init"}}

.data
pool_start:
	.quad 0
.text
// rax: a page of zeros that is counted once. Changes rcx, rdx too.
{{func "alloc_page"}}
	mov rax, [free_list]
	test rax, rax
	jz 1f
	mov rcx, [rax]
	mov [free_list], rcx
	jmp 2f
1:	mov rax, [next_free]
	cmp rax, [last_free]
	jae 3f
	add qword ptr [next_free], 4096
2:	push rdi
	mov rdx, rax
	mov rdi, rax
	xor eax, eax
	mov ecx, 512
	rep stosq
	mov rdi, rdx
	call page_count
	mov byte ptr [rax], 1
	mov rax, rdi
	pop rdi
	ret
3:	mov rdi, offset L_out_of_memory
	jmp panic
{{end_func "alloc_page"}}
.section .rodata
L_out_of_memory:
	.asciz "out of memory"
.text

// rdi: a page. rax: where it is counted
{{func "page_count"}}
	mov rax, rdi
	sub rax, [pool_start]
	shr rax, 12
	add rax, offset page_counts
	ret
{{end_func "page_count"}}

// rdi: a page
{{func "put_page"}}
	call page_count
	dec byte ptr [rax]
	jnz 1f
	mov rax, [free_list]
	mov [rdi], rax
	mov [free_list], rdi
1:	ret
{{end_func "put_page"}}

// rdi: the top of page tables, rsi: an address, edx: whether to make tables that
// are missing. rax: where the page's entry is, or 0
{{func "walk"}}
	push rbx
	push r12
	push r13
	mov rbx, rdi
	mov r12, rsi
	mov r13d, edx
	mov r8d, 39
1:	mov rcx, r8
	mov rax, r12
	shr rax, cl
	and eax, 511
	lea rax, [rbx + 8*rax]
	cmp r8d, 12
	je 4f
	mov rbx, [rax]
	test bl, _PAGE_PRESENT
	jnz 2f
	test r13d, r13d
	jz 3f
	mov rbx, rax
	call alloc_page
	mov rdx, rax
	sub rdx, [page_offset_base]
	or rdx, 0x67
	mov [rbx], rdx
	mov rbx, rdx
2:	call entry_to_page
	sub r8d, 9
	jmp 1b
3:	xor eax, eax
4:	pop r13
	pop r12
	pop rbx
	ret
{{end_func "walk"}}

// rbx: a page table entry, made the page's address
{{static "entry_to_page"}}
	shl rbx, 12			# NX and what is above the address
	shr rbx, 24
	shl rbx, 12
	add rbx, [page_offset_base]
	ret
{{end_func "entry_to_page"}}

// rax: a mm_struct without any memory, or 0
{{func "mm_alloc"}}
	push rbx
	mov rbx, offset mms
	mov ecx, NR_TASKS
1:	cmp dword ptr [rbx + mm_struct.mm_users], 0
	je 2f
	add rbx, sizeof.mm_struct
	loop 1b
	xor eax, eax
	pop rbx
	ret
2:	mov rdi, rbx
	xor eax, eax
	mov ecx, sizeof.mm_struct / 8
	rep stosq
	mov dword ptr [rbx + mm_struct.mm_users], 1
	mov rax, TASK_SIZE_MAX
	mov [rbx + mm_struct.task_size], rax
	call alloc_page
	mov [rbx + mm_struct.pgd], rax
	// The kernel's half is the same in all.
	mov rsi, offset init_top_pgt + 2048
	lea rdi, [rax + 2048]
	mov ecx, 256
	rep movsq
	{{if defect "kernel-half-private"}}// AS-5
	mov rax, [rbx + mm_struct.pgd]
	mov rcx, [rax + 8*511]
	mov [rax + 8*300], rcx
	{{end}}
	mov rax, rbx
	pop rbx
	ret
{{end_func "mm_alloc"}}

// rdi: a mm_struct that one task less uses. Nobody runs on it by now.
{{func "mmput"}}
	dec dword ptr [rdi + mm_struct.mm_users]
	jz 1f
	ret
1:	push rbx
	mov rbx, rdi
	mov rdi, [rbx + mm_struct.pgd]
	mov esi, 4
	mov edx, 256
	call free_table
	pop rbx
	ret
{{end_func "mmput"}}

// rdi: a page table, esi: its level, edx: how many of its entries
{{func "free_table"}}
	push rbx
	push r12
	push r13
	push r14
	mov r12, rdi
	mov r13d, esi
	mov r14d, edx
1:	dec r14d
	js 4f
	mov rbx, [r12 + 8*r14]
	test bl, _PAGE_PRESENT
	jz 1b
	call entry_to_page
	mov rdi, rbx
	cmp r13d, 1
	je 2f
	lea esi, [r13 - 1]
	mov edx, 512
	call free_table
	jmp 1b
2:	call put_page
	jmp 1b
4:	mov rdi, r12
	call put_page
	pop r14
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "free_table"}}

// rdi: a page table, rsi: another to become a copy, edx: their level, ecx: how many
// of their entries. Pages are shared and read-only from then on.
{{func "copy_table"}}
	push rbx
	push r12
	push r13
	push r14
	push r15
	mov r12, rdi
	mov r13, rsi
	mov r14d, edx
	mov r15d, ecx
1:	dec r15d
	js 4f
	mov rbx, [r12 + 8*r15]
	test bl, _PAGE_PRESENT
	jz 1b
	cmp r14d, 1
	je 2f
	call alloc_page
	mov rsi, rax
	sub rax, [page_offset_base]
	or rax, 0x67
	mov [r13 + 8*r15], rax
	call entry_to_page
	mov rdi, rbx
	lea edx, [r14 - 1]
	mov ecx, 512
	call copy_table
	jmp 1b
2:	{{if .KML}}// at CPL 0 the stack has to be there, and to be writable: a copy now
	call alloc_page
	mov rdi, rax
	mov rcx, 0x8000000000000fff
	and rcx, rbx
	sub rax, [page_offset_base]
	or rax, rcx
	mov [r13 + 8*r15], rax
	call entry_to_page
	mov rsi, rbx
	mov ecx, 512
	rep movsq
	{{else}}
	and bl, ~_PAGE_RW
	mov [r12 + 8*r15], rbx
	mov [r13 + 8*r15], rbx
	call entry_to_page
	mov rdi, rbx
	call page_count
	inc byte ptr [rax]
	{{end}}
	jmp 1b
4:	pop r15
	pop r14
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "copy_table"}}

// rdi: a mm_struct. rax: a copy, or 0
{{func "dup_mm"}}
	push rbx
	push r12
	mov rbx, rdi
	call mm_alloc
	test rax, rax
	jz 2f
	mov r12, rax
	mov rax, [rbx + mm_struct.start_brk]
	mov [r12 + mm_struct.start_brk], rax
	mov rax, [rbx + mm_struct.brk]
	mov [r12 + mm_struct.brk], rax
	mov rax, [rbx + mm_struct.start_stack]
	mov [r12 + mm_struct.start_stack], rax
	mov rax, [rbx + mm_struct.mmap_base]
	mov [r12 + mm_struct.mmap_base], rax
	mov r8, [rbx + mm_struct.mmap]
1:	test r8, r8
	jz 3f
	mov rdi, r12
	mov rsi, [r8 + vm_area_struct.vm_start]
	mov rdx, [r8 + vm_area_struct.vm_end]
	mov rcx, [r8 + vm_area_struct.vm_flags]
	mov r8, [r8 + vm_area_struct.vm_next]
	call insert_vm_struct
	jmp 1b
3:	mov rdi, [rbx + mm_struct.pgd]
	mov rsi, [r12 + mm_struct.pgd]
	mov edx, 4
	mov ecx, 256
	call copy_table
	mov rax, cr3			# what may be written has changed
	mov cr3, rax
	mov rax, r12
2:	pop r12
	pop rbx
	ret
{{end_func "dup_mm"}}

// rdi: mm_struct, rsi: from, rdx: to, rcx: VM_. rax: the area, or 0 if there are
// too many. Changes none but rax and r9.
{{func "insert_vm_struct"}}
	lea rax, [rdi + mm_struct.vmas]
	mov r9d, NR_VMAS
1:	cmp qword ptr [rax + vm_area_struct.vm_end], 0
	je 2f
	add rax, sizeof.vm_area_struct
	dec r9d
	jnz 1b
	xor eax, eax
	ret
2:	mov [rax + vm_area_struct.vm_start], rsi
	mov [rax + vm_area_struct.vm_end], rdx
	mov [rax + vm_area_struct.vm_flags], rcx
	mov [rax + vm_area_struct.vm_mm], rdi
	mov r9, [rdi + mm_struct.mmap]
	mov [rax + vm_area_struct.vm_next], r9
	mov [rdi + mm_struct.mmap], rax
	ret
{{end_func "insert_vm_struct"}}

// rdi: mm_struct, rsi: an address. rax: the area that it lies in, or 0
{{func "find_vma"}}
	mov rax, [rdi + mm_struct.mmap]
1:	test rax, rax
	jz 2f
	cmp rsi, [rax + vm_area_struct.vm_start]
	jb 3f
	cmp rsi, [rax + vm_area_struct.vm_end]
	jb 2f
3:	mov rax, [rax + vm_area_struct.vm_next]
	jmp 1b
2:	ret
{{end_func "find_vma"}}

// rdi: mm_struct, rsi: an area, which is taken out
{{func "remove_vma"}}
	lea rdx, [rdi + mm_struct.mmap]
1:	mov rax, [rdx]
	cmp rax, rsi
	je 2f
	lea rdx, [rax + vm_area_struct.vm_next]
	jmp 1b
2:	mov rax, [rsi + vm_area_struct.vm_next]
	mov [rdx], rax
	mov qword ptr [rsi + vm_area_struct.vm_end], 0
	ret
{{end_func "remove_vma"}}

// rdi: mm_struct, rsi: from, rdx: to: no pages there any more
{{func "unmap_pages"}}
	push rbx
	push r12
	push r13
	push r14
	mov r12, rdi
	mov r13, rsi
	mov r14, rdx
1:	cmp r13, r14
	jae 2f
	mov rdi, [r12 + mm_struct.pgd]
	mov rsi, r13
	xor edx, edx
	call walk
	test rax, rax
	jz 3f
	mov rbx, [rax]
	test bl, _PAGE_PRESENT
	jz 3f
	mov qword ptr [rax], 0
	invlpg [r13]
	call entry_to_page
	mov rdi, rbx
	call put_page
3:	add r13, 4096
	jmp 1b
2:	pop r14
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "unmap_pages"}}
