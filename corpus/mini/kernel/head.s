// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the boot loader to the idle task. The 64-bit entry of the Linux boot
// protocol (Documentation/x86/boot.rst): RSI points to boot_params, which nobody
// here needs; the first 4 GiB are mapped one to one.

PML4_DIRECT = 273		# 0xffff888000000000
PML4_VMALLOC = 402		# 0xffffc90000000000: the thread stacks
PML4_CEA = 508			# 0xfffffe0000000000: the stacks of the CPU's own
TABLE = 0x63			# present, writable, accessed, dirty
LARGE = 0x1e3			# the same for a global 2 MiB page
PAGE_RO = 0x121
PAGE_RW = 0x163

.section .head.text
{{code "startup_64"}}
	cli
	cld
	lea rsp, [rip + nmi_main_stack_top]	# any memory will do for now
	call make_page_tables
	mov ecx, MSR_EFER
	rdmsr
	or eax, 0x901				# SCE, LME, NXE
	wrmsr
	lea rax, [rip + init_top_pgt]
	mov cr3, rax
	mov rax, offset x86_64_start_kernel
	jmp rax

// The tables of the kernel's half, and for a moment the identity map. This runs
// at physical addresses: all references are relative to RIP.
{{static "make_page_tables"}}
	// The direct map: 1 GiB in 2 MiB pages, not executable.
	lea rdi, [rip + level2_direct_pgt]
	mov eax, LARGE
	mov ecx, 512
1:	mov [rdi], rax
	add rax, 0x200000
	add rdi, 8
	loop 1b
	lea rbx, [rip + init_top_pgt]
	lea rax, [rip + level2_direct_pgt + TABLE]
	mov [rip + level3_direct_pgt], rax
	lea rax, [rip + level3_direct_pgt + TABLE]
	mov [rbx], rax
	bts rax, 63
	mov [rbx + 8*PML4_DIRECT], rax

	// The image at __START_KERNEL_map + 16 MiB, page by page.
	lea rax, [rip + level3_kernel_pgt + TABLE]
	mov [rbx + 8*511], rax
	lea rax, [rip + level2_kernel_pgt + TABLE]
	mov [rip + level3_kernel_pgt + 8*510], rax
	lea rax, [rip + level1_kernel_pgt + TABLE]
	mov [rip + level2_kernel_pgt + 8*8], rax
	add rax, 4096
	mov [rip + level2_kernel_pgt + 8*9], rax
	lea rsi, [rip + image_parts]
	lea rdi, [rip + level1_kernel_pgt]
2:	mov rax, [rsi]
	mov rdx, [rsi + 8]
	mov r8, [rsi + 16]
	add rsi, 24
	test rax, rax
	jz 4f
3:	mov rcx, rax
	sub rcx, offset _text
	shr rcx, 12
	mov r9, rax
	sub r9, offset __START_KERNEL_map
	or r9, r8
	mov [rdi + 8*rcx], r9
	add rax, 4096
	cmp rax, rdx
	jb 3b
	jmp 2b

	// Empty tables for the other two areas.
4:	lea rax, [rip + level3_vmalloc_pgt + TABLE]
	mov [rbx + 8*PML4_VMALLOC], rax
	lea rax, [rip + level2_vmalloc_pgt + TABLE]
	mov [rip + level3_vmalloc_pgt], rax
	lea rax, [rip + level1_vmalloc_pgt + TABLE]
	mov [rip + level2_vmalloc_pgt], rax
	lea rax, [rip + level3_cea_pgt + TABLE]
	mov [rbx + 8*PML4_CEA], rax
	lea rax, [rip + level2_cea_pgt + TABLE]
	mov [rip + level3_cea_pgt], rax
	lea rax, [rip + level1_cea_pgt + TABLE]
	mov [rip + level2_cea_pgt], rax

	// Thread stacks with a guard of the same size below each.
	lea rsi, [rip + thread_stacks]
	mov rdx, 0x8000000000000163
	or rsi, rdx
	lea rdi, [rip + level1_vmalloc_pgt]
	mov ecx, NR_TASKS
5:	add rdi, 4 * 8
	mov edx, 4
6:	mov [rdi], rsi
	add rsi, 4096
	add rdi, 8
	dec edx
	jnz 6b
	loop 5b

	// The CPU's own stacks, a page each with a page of guard below.
	lea rsi, [rip + exception_stacks]
	mov rdx, 0x8000000000000163
	or rsi, rdx
	lea rdi, [rip + level1_cea_pgt + 8*3]
	mov ecx, 6
7:	mov [rdi], rsi
	add rsi, 4096
	add rdi, 16
	loop 7b
	ret
{{end_func "make_page_tables"}}

.section .rodata
	.p2align 3
image_parts:			# from, to, attributes
	{{if defect "image-writable"}}// AS-6
	.quad _text, _etext, PAGE_RW
	{{else}}
	.quad _text, _etext, PAGE_RO
	{{end}}
	.quad __start_rodata, __end_rodata, 0x8000000000000121
	.quad _sdata, __free_start, 0x8000000000000163
	.quad 0

.text
{{code "x86_64_start_kernel"}}
	mov rsp, VMALLOC_START + 2 * THREAD_SIZE	# init_task's
	mov qword ptr [init_top_pgt], 0			# the identity map
	mov rax, cr3
	mov cr3, rax
	xor ebp, ebp
	call cpu_init
	call idt_setup_traps
	call init_8259A
	call mm_init
	call sched_init
	lea rdi, [rip + linux_banner]
	call printk
	lea rdi, [rip + kernel_init]
	xor esi, esi
	call kernel_thread
	jmp cpu_startup_entry

CR4_BITS = 0x6a0		# PAE, PGE, OSFXSR, OSXMMEXCPT

// GDT, TSS, GS base, control registers, SYSCALL, FPU.
{{func "cpu_init"}}
	lgdt [gdt_descr]
	push __KERNEL_CS
	mov rax, offset 1f
	push rax
	lretq
1:	mov eax, __KERNEL_DS
	mov ss, eax
	xor eax, eax
	mov ds, eax
	mov es, eax
	mov fs, eax
	mov gs, eax
	mov ecx, MSR_GS_BASE
	mov rax, offset fixed_percpu_data
	mov rdx, rax
	shr rdx, 32
	wrmsr
	mov ecx, MSR_KERNEL_GS_BASE
	xor eax, eax
	xor edx, edx
	wrmsr

	// The TSS: stacks, and no I/O permissions. Its stacks lie behind the three
	// first pages of the area, see make_page_tables.
	mov rdi, offset cpu_tss_rw
	mov rax, 0xfffffe0000004000
	mov [rdi + tss_struct.x86_tss.sp0], rax		# the entry stack
	add rax, 0x2000
	mov [rdi + tss_struct.x86_tss.ist], rax		# #DF
	add rax, 0x2000
	mov [rdi + tss_struct.x86_tss.ist + 8], rax	# NMI
	add rax, 0x2000
	mov [rdi + tss_struct.x86_tss.ist + 16], rax	# #DB
	add rax, 0x2000
	mov [rdi + tss_struct.x86_tss.ist + 24], rax	# #MC
	add rax, 0x2000
	mov [rdi + tss_struct.x86_tss.ist + 40], rax	# #PF
	mov word ptr [rdi + tss_struct.x86_tss.io_bitmap_base], 0x8000
	mov rax, rdi
	shl rax, 16
	mov rcx, 0xffffff0000
	and rax, rcx
	mov rcx, rdi
	shl rcx, 32
	mov rdx, 0xff00000000000000
	and rcx, rdx
	or rax, rcx
	mov rdx, 0x0000890000000067
	or rax, rdx
	mov [gdt_page + 0x40], rax
	shr rdi, 32
	mov [gdt_page + 0x48], rdi
	mov eax, 0x40
	ltr ax
	xor eax, eax			# no LDT: what RESET leaves is not a null one
	lldt ax

	mov rax, cr0
	or eax, 0x50022			# AM, WP, NE, MP
	and eax, ~0x4000000c
	mov cr0, rax
	mov eax, CR4_BITS
	mov cr4, rax
	fninit
	push 0x1f80
	ldmxcsr [rsp]
	pop rax

	// XSAVE for x87 and SSE, where there is one.
	mov eax, 1
	cpuid
	bt ecx, 26
	jnc 2f
	mov rax, cr4
	or eax, 0x40000			# OSXSAVE
	mov cr4, rax
	xor ecx, ecx
	mov eax, 3
	xor edx, edx
	xsetbv
	mov qword ptr [use_xsave], 1
	mov qword ptr [xstate_size], 576
2:	xor eax, eax
	cpuid
	cmp eax, 7
	jb 3f
	mov eax, 7
	xor ecx, ecx
	cpuid
	shr edx, 26			# IBRS
	and edx, 1
	mov [has_spec_ctrl], rdx

3:	mov ecx, MSR_STAR
	xor eax, eax
	mov edx, 0x00230010
	wrmsr
	mov ecx, MSR_LSTAR
	mov rax, offset entry_SYSCALL_64
	mov rdx, rax
	shr rdx, 32
	wrmsr
	mov ecx, MSR_SYSCALL_MASK
	mov eax, 0x257fd5
	{{if .Stock}}
	{{if defect "nt-kept"}}// H-15
	and eax, ~X86_EFLAGS_NT
	{{end}}
	{{if defect "ac-kept"}}// H-16
	and eax, ~X86_EFLAGS_AC
	{{end}}
	{{if defect "tf-kept"}}// H-17
	and eax, ~X86_EFLAGS_TF
	{{end}}
	{{end}}
	xor edx, edx
	wrmsr
	ret
{{end_func "cpu_init"}}
