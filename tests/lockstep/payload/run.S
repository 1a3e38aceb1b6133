# SPDX-License-Identifier: GPL-2.0-or-later
#
# From case to case: put everything back, enter the case, and write down what
# it left.
.include "layout.inc"

.section .text
.code64
.globl run_cases, next_case, enter_case, finished, drain
run_cases:
	movq $case_table - case_size, %rax
	movq %rax, case_now(%rip)
	jmp begin_case

# Handlers jump here when a case is over.
next_case:
	cld
	movq $boot_stack_top, %rsp
	call usual_registers
	# What is still pending comes now, and is written down as an event.
	movb $24, events_left(%rip)
	# Nothing in a record may depend on where the log has got to.
	xorl %eax, %eax
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %ebx, %ebx
	xorl %ebp, %ebp
	xorl %esi, %esi
	xorl %edi, %edi
drain:
	sti
	nop
	nop
	cli
drained:
	call write_state
begin_case:
	movq $boot_stack_top, %rsp
	call put_back
	addq $case_size, case_now(%rip)
	incl case_number(%rip)
	movq case_now(%rip), %rbp
	cmpq $case_table_end, %rbp
	jae finished
	movq log_next(%rip), %rax
	cmpq $log_end - 0x10000, %rax
	jae finished
	movb $24, events_left(%rip)

	movq case_rsp0(%rbp), %rax
	movq %rax, tss+4(%rip)
	testb $2, case_flags(%rbp)
	jz 1f
	lidt idtr_b(%rip)
1:	movl $sel_udata, %eax
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl $0xc0000100, %ecx
	movq case_fs_base(%rbp), %rax
	call write_msr
	movl $0xc0000101, %ecx
	movq case_gs_base(%rbp), %rax
	call write_msr
	movl $0xc0000102, %ecx
	movq case_kgs_base(%rbp), %rax
	call write_msr
	movl $0xc0000080, %ecx
	movl $0xd01, %eax
	xorq case_efer(%rbp), %rax
	call write_msr
	movq case_dr+0(%rbp), %rax
	movq %rax, %dr0
	movq case_dr+8(%rbp), %rax
	movq %rax, %dr1
	movq case_dr+16(%rbp), %rax
	movq %rax, %dr2
	movq case_dr+24(%rbp), %rax
	movq %rax, %dr3
	movq case_dr+32(%rbp), %rax
	movq %rax, %dr7

	# The frame that enters the case.
	movl $sel_kcode, %ecx
	movl $sel_kdata, %edx
	testb $1, case_flags(%rbp)
	jz 1f
	movl $sel_ucode, %ecx
	movl $sel_udata, %edx
1:	pushq %rdx
	pushq case_gpr+32(%rbp)
	pushq case_rflags(%rbp)
	pushq %rcx
	pushq case_rip(%rbp)

	# CR4 before CR0: the cases may set reserved combinations of neither.
	movq %cr4, %rax
	xorq case_cr4(%rbp), %rax
	movq %rax, %cr4
	movq %cr0, %rax
	xorq case_cr0(%rbp), %rax
	movq %rax, %cr0

	movq case_gpr+0(%rbp), %rax
	movq case_gpr+8(%rbp), %rcx
	movq case_gpr+16(%rbp), %rdx
	movq case_gpr+24(%rbp), %rbx
	movq case_gpr+48(%rbp), %rsi
	movq case_gpr+56(%rbp), %rdi
	movq case_gpr+64(%rbp), %r8
	movq case_gpr+72(%rbp), %r9
	movq case_gpr+80(%rbp), %r10
	movq case_gpr+88(%rbp), %r11
	movq case_gpr+96(%rbp), %r12
	movq case_gpr+104(%rbp), %r13
	movq case_gpr+112(%rbp), %r14
	movq case_gpr+120(%rbp), %r15
	movq case_gpr+40(%rbp), %rbp
enter_case:
	iretq

finished:
	cli
	hlt
	jmp finished

# RAX to the MSR ECX.
write_msr:
	movq %rax, %rdx
	shrq $32, %rdx
	wrmsr
	ret

# What the handlers and this file need: no breakpoints, no traps on SSE, SMAP
# or WP, an IDT.
usual_registers:
	xorl %eax, %eax
	movq %rax, %dr7
	movq %rax, %cr8
	movl $0x80010033, %eax
	movq %rax, %cr0
	movl $0x620, %eax
	movq %rax, %cr4
	lidt idtr_a(%rip)
	ret

# Memory, tables and registers as every case finds them.
put_back:
	call usual_registers
	movl $0xffff0ff0, %eax
	movq %rax, %dr6
	xorl %eax, %eax
	movq %rax, %dr0
	movq %rax, %dr1
	movq %rax, %dr2
	movq %rax, %dr3
	movq %rax, %cr2

	# Interrupts whose handlers were left without an EOI.
	movl $16, %ecx
1:	movl %eax, apic + 0xb0
	loop 1b

	movq $pristine_tables, %rsi
	movq $tables, %rdi
	movl $(0x1000 * 11 / 8), %ecx
	rep movsq
	movq $tables, %rax
	movq %rax, %cr3
	movq $work_pristine, %rsi
	movq $work, %rdi
	movl $(work_pages * 512), %ecx
	rep movsq
	movq $work_last, %rdi
	movl $512, %ecx
	rep movsq

	# What a case pops that it did not push, or reads at address 0, is not an
	# earlier case's.
	xorl %eax, %eax
	xorl %edi, %edi
	movl $512, %ecx
	rep stosq
	movq $boot_stack_top, %rdi
	movq $case_stack_top + 0x1000, %rcx
	subq %rdi, %rcx
	shrq $3, %rcx
	rep stosq

	movq $pristine_gdt, %rsi
	movq $gdt, %rdi
	movl $(0xe0 / 8), %ecx
	rep movsq
	# SDM vol. 3A, figure 8-4: the TSS descriptor, available.
	movq $tss, %rax
	movw $0x67, gdt+sel_tss(%rip)
	movw %ax, gdt+sel_tss+2(%rip)
	shrq $16, %rax
	movb %al, gdt+sel_tss+4(%rip)
	movb $0x89, gdt+sel_tss+5(%rip)
	movb %ah, gdt+sel_tss+7(%rip)
	lgdt gdtr(%rip)
	movl $sel_tss, %eax
	ltr %ax
	xorl %eax, %eax
	lldt %ax
	movl $sel_kdata, %eax
	movl %eax, %ss
	pushq $sel_kcode
	pushq $1f
	lretq
1:
	movl $0xc0000081, %ecx        # STAR
	movabsq $0x0018000800000000, %rax
	call write_msr
	movl $0xc0000082, %ecx        # LSTAR
	movq $syscall_entry, %rax
	call write_msr
	movl $0xc0000083, %ecx        # CSTAR
	call write_msr
	movl $0xc0000084, %ecx        # FMASK
	movl $0x47700, %eax
	call write_msr
	movl $0x174, %ecx             # SYSENTER_CS, ESP, EIP
	movl $sel_kcode, %eax
	call write_msr
	movl $0x175, %ecx
	movq $rsp0_top, %rax
	call write_msr
	movl $0x176, %ecx
	movq $syscall_entry, %rax
	call write_msr
	fninit
	ldmxcsr usual_mxcsr(%rip)
	pxor %xmm0, %xmm0
	pxor %xmm1, %xmm1
	pxor %xmm2, %xmm2
	pxor %xmm3, %xmm3
	ret

# A record of what no frame shows: a digest of the memory that a case may have
# touched, and the system registers.
write_state:
	movq log_next(%rip), %rdi
	movl case_number(%rip), %eax
	shlq $16, %rax
	orq $vec_state, %rax
	movq %rax, (%rdi)
	xorl %edx, %edx
	movq $work, %rsi
	movl $(work_pages * 512), %ecx
	call digest
	movq $work_last, %rsi
	movl $512, %ecx
	call digest
	movq %rdx, 8(%rdi)
	xorl %edx, %edx
	movq $tables, %rsi
	movl $(11 * 512), %ecx
	call digest
	movq %rdx, 16(%rdi)
	xorl %edx, %edx
	movq $gdt, %rsi
	movl $(0xe0 / 8), %ecx
	call digest
	movq %rdx, 24(%rdi)

	leaq 32(%rdi), %rdi
	movq $saved_msrs, %rsi
1:	movl (%rsi), %ecx
	rdmsr
	shlq $32, %rdx
	orq %rdx, %rax
	stosq
	addq $4, %rsi
	cmpq $saved_msrs_end, %rsi
	jne 1b
	movq %dr0, %rax
	stosq
	movq %dr1, %rax
	stosq
	stmxcsr (%rdi)
	strw 4(%rdi)
	sldtw 6(%rdi)
	xorl %edx, %edx
	movq $tables, %rsi
	movl $(11 * 512), %ecx
1:	movq (%rsi), %rax
	andq $~0x20, %rax
	addq %rax, %rdx
	rolq $7, %rdx
	addq $8, %rsi
	loop 1b
	movq %rdx, 8(%rdi)
	xorl %edx, %edx
	movq $work, %rsi
	movl $(work_pages * 512), %ecx
	call digest_without_rf
	movq $work_last, %rsi
	movl $512, %ecx
	call digest_without_rf
	movq %rdx, 16(%rdi)
	addq $256, log_next(%rip)
	ret

# RCX quadwords at RSI into RDX.
digest:
	addq (%rsi), %rdx
	rolq $7, %rdx
	addq $8, %rsi
	loop digest
	ret

# The same without bit 16 of any, which is RF where it is an image of RFLAGS.
digest_without_rf:
	movq (%rsi), %rax
	andq $~0x10000, %rax
	addq %rax, %rdx
	rolq $7, %rdx
	addq $8, %rsi
	loop digest_without_rf
	ret

.section .rodata
.balign 4
saved_msrs:
	.long 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084
	.long 0xc0000100, 0xc0000101, 0xc0000102, 0x174, 0x175, 0x176, 0x277
saved_msrs_end:
usual_mxcsr:
	.long 0x1f80
.balign 8
.globl gdtr, idtr_a
gdtr:
	.word 0xdf
	.quad gdt
idtr_a:
	.word 0xfff
	.quad idt_a
idtr_b:
	.word 0xfff
	.quad idt_b

.section .data
.balign 8
.globl case_now
case_now:
	.quad 0
.globl case_number, log_next, events_left
log_next:
	.quad 0
case_number:
	.long -1
events_left:
	.byte 0
