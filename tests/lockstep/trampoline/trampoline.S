# SPDX-License-Identifier: GPL-2.0-or-later
#
# Into the middle of a kernel: long mode above the guest's memory, and from
# there the registers that the debugger's stub cannot set. The rest it sets
# itself.

.section .multiboot, "a"
.balign 4
.long 0x1badb002, 0, -0x1badb002

.section .text
.code32
.globl start
start:
	cli
	movl $0xff, %eax              # the 8259s have nothing to say
	outb %al, $0x21
	outb %al, $0xa1
	movl $pml4, %eax
	movl %eax, %cr3
	movl $0x620, %eax
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	movl $0x901, %eax
	xorl %edx, %edx
	wrmsr
	movl $0x80010033, %eax
	movl %eax, %cr0
	lgdt gdtr
	ljmp $0x10, $start64

.code64
.globl ready, load, loaded
start64:
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
ready:
	jmp ready

# The block has been filled in.
load:
	movl block_ss(%rip), %eax
	movl %eax, %ss
	movl $0x40, %eax
	ltr %ax
	xorl %eax, %eax
	lldt %ax
	movq block_cr4(%rip), %rax
	movq %rax, %cr4
	btl $18, %eax                 # OSXSAVE
	jnc 1f
	xorl %ecx, %ecx
	xorl %edx, %edx
	movl block_xcr0(%rip), %eax
	xsetbv
1:	movq $block_msrs, %rsi
2:	movl (%rsi), %ecx
	jrcxz 3f
	movl 8(%rsi), %eax
	movl 12(%rsi), %edx
	wrmsr
	addq $16, %rsi
	jmp 2b
3:	lgdt block_gdtr(%rip)
	lidt block_idtr(%rip)
loaded:
	jmp loaded

.section .data
.balign 8
.globl gdt_tss, block_gdtr, block_idtr, block_ss, block_cr4, block_xcr0, block_msrs
gdtr:
	.word 0x4f
	.quad gdt
.balign 8
gdt:
	.quad 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0, 0, 0
gdt_tss:
	.quad 0, 0
block_gdtr:
	.skip 16
block_idtr:
	.skip 16
block_ss:
	.quad 0
block_cr4:
	.quad 0
block_xcr0:
	.quad 0
block_msrs:                       # number and value, up to a number of 0
	.skip 16 * 16
.balign 4096
pml4:
	.quad pdpt + 3
.balign 4096
pdpt:
	.quad pd + 3
.balign 4096
pd:
.set at, 0
.rept 512
	.quad at + 0x83
.set at, at + 0x200000
.endr
