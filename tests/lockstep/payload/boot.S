# SPDX-License-Identifier: GPL-2.0-or-later
#
# From the multiboot entry (32 bits, paging off) to long mode, and what is set
# up once.
.include "layout.inc"

.section .multiboot, "a"
.balign 4
.long 0x1badb002, 0, -0x1badb002

.section .text
.code32
.globl start
start:
	cli
	cld
	movl $boot_stack_top, %esp

	# Page tables.
	movl $pristine_tables, %esi
	movl $tables, %edi
	movl $(0x1000 * 11 / 4), %ecx
	rep movsl
	movl $tables, %eax
	movl %eax, %cr3

	# PAE, OSFXSR, OSXMMEXCPT; then LME, SCE and NXE; then paging.
	movl $0x620, %eax
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	movl $0x901, %eax
	xorl %edx, %edx
	wrmsr
	movl $0x80010033, %eax
	movl %eax, %cr0

	lgdt boot_gdtr
	ljmp $sel_kcode, $start64
boot_gdtr:
	.word 0xdf
	.long pristine_gdt

.code64
start64:
	movl $sel_kdata, %eax
	movl %eax, %ss
	movq $boot_stack_top, %rsp
	call fill_work
	call fill_idts
	call fill_tss
	call start_apic

	# The 8259s have nothing to say.
	movb $0xff, %al
	outb %al, $0x21
	outb %al, $0xa1

	movq $log_start, %rax
	movq %rax, log_next(%rip)
	jmp run_cases

# The pattern that every case finds: numbers, with code at both ends of the
# executable page.
#
# The first page of memory is whatever the firmware left there.
fill_work:
	xorl %edi, %edi
	xorl %eax, %eax
	movl $512, %ecx
	rep stosq
	movq $work_pristine, %rdi
	movabsq $0x9e3779b97f4a7c15, %rdx
	xorl %eax, %eax
	movl $((work_pages + 1) * 512), %ecx
1:	stosq
	addq %rdx, %rax
	loop 1b
	movq $work_pristine + 0x7000, %rdi
	movabsq $0x0b0fccc0ff489090, %rax # nop; nop; inc %rax; int3; ud2
	movq %rax, (%rdi)
	movq %rax, 0x800(%rdi)
	# The last bytes begin a MOVABS that goes on in the next page.
	movabsq $0xb848909090909090, %rax
	movq %rax, 0xff8(%rdi)
	# The same at the last bytes below the hole.
	movq $work_pristine + 0x8000 + 0xff8, %rdi
	movq %rax, (%rdi)
	ret

# A gate is 16 bytes (SDM vol. 3A, figure 7-8). RSI: target, EAX: selector,
# type and IST as bits 16 to 47 of the gate; RDI: where.
put_gate:
	movw %si, (%rdi)
	movl %eax, 2(%rdi)
	movq %rsi, %rdx
	shrq $16, %rdx
	movw %dx, 6(%rdi)
	shrq $16, %rdx
	movl %edx, 8(%rdi)
	movl $0, 12(%rdi)
	ret

fill_idts:
	xorl %ebx, %ebx
1:	movq %rbx, %rsi
	shlq $5, %rsi
	addq $stubs, %rsi
	movl %ebx, %edi
	shll $4, %edi
	movl gates(,%rbx,4), %eax
	shll $16, %eax
	movw $sel_kcode, %ax
	addq $idt_a, %rdi
	call put_gate
	# The second IDT has all that use no other on the first IST.
	testl $0x70000, %eax
	jnz 2f
	orl $0x10000, %eax
2:	addq $0x1000, %rdi           # idt_b is the next page
	call put_gate
	incl %ebx
	cmpl $256, %ebx
	jne 1b

	# Gates that cannot be gone through.
	movq $idt_a, %rdi
	call spoil_gates
	movq $idt_b, %rdi
spoil_gates:
	movw $sel_kdata, 0x42*16+2(%rdi)
	movw $0, 0x43*16+2(%rdi)
	movl $0x8000, 0x45*16+8(%rdi) # the hole
	movw $0x7f8, 0x46*16+2(%rdi)
	movw $0x78, 0x47*16+2(%rdi)   # conforming
	movw $0x48, 0x4b*16+2(%rdi)   # not present
	movw $sel_ucode, 0x4c*16+2(%rdi)
	movw $0x80, 0x4d*16+2(%rdi)   # both L and D
	movw $sel_kcode+4, 0x4e*16+2(%rdi) # in the LDT
	ret

fill_tss:
	movq $tss, %rdi
	movq $ist1_top, %rax
	movq %rax, 0x24(%rdi)
	movq $ist2_top, %rax
	movq %rax, 0x2c(%rdi)
	movq $ist3_top, %rax
	movq %rax, 0x34(%rdi)
	movq $ist4_top + 5, %rax      # is aligned down
	movq %rax, 0x3c(%rdi)
	movabsq $hole, %rax
	movq %rax, 0x44(%rdi)
	movq $absent + 0x800, %rax
	movq %rax, 0x4c(%rdi)
	movq $super_ro + 0x800, %rax
	movq %rax, 0x54(%rdi)
	movw $0x68, 0x66(%rdi)        # no I/O bitmap
	ret

start_apic:
	movl $apic, %edi
	movl $0x1ff, 0xf0(%rdi)       # software enable, spurious vector 0xff
	movl $0x10000, 0x350(%rdi)    # LINT0 and LINT1 masked
	movl $0x10000, 0x360(%rdi)
	movl $0, 0x80(%rdi)           # TPR
	ret

.section .rodata
# The upper half of a gate's second word: P, DPL and type in bits 8 to 15, IST
# in bits 0 to 2. By vector.
.balign 4
gates:
.set n, 0
.rept 256
	.if n == 2
	.long 0x8e02
	.elseif n == 8
	.long 0x8e03
	.elseif n == 3 || n == 4 || n == vec_done
	.long 0xee00
	.elseif n == 0x40
	.long 0x6e00                  # not present
	.elseif n == 0x41
	.long 0xe500                  # a task gate
	.elseif n == 0x44
	.long 0xef00                  # a trap gate
	.elseif n == 0x48
	.long 0xee04
	.elseif n == 0x49
	.long 0xee05                  # an IST in the hole
	.elseif n == 0x4a
	.long 0xee06                  # an IST that is not present
	.elseif n == 0x4f
	.long 0xee07                  # an IST that is read-only
	.elseif n >= 0x20 && n < 0x30 || n >= 0x42 && n < 0x50
	.long 0xee00
	.else
	.long 0x8e00
	.endif
	.set n, n + 1
.endr

.section .bss
.balign 4096
.globl work_pristine
work_pristine:
.skip 0x1000 * (work_pages + 1)
.skip 4096
.globl boot_stack_top, rsp0_top, case_stack_top
boot_stack_top:
.macro stack name
.skip 4096
.globl \name
\name:
.endm
stack ist1_top
stack ist2_top
stack ist3_top
stack ist4_top
.skip 64
stack rsp0_top
stack case_stack_top
.skip 4096
