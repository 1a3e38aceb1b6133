# SPDX-License-Identifier: GPL-2.0-or-later
#
# What every vector does: write down the frame and all registers, then go on
# after a trap or an interrupt, or end the case after a fault.
.include "layout.inc"

# A record is 32 quadwords:
#  0 case << 16 | vector     1 error code         2-6 the frame: RIP to SS
#  7 RSP before the frame was read                8 CR2       9 DR6
# 10 RAX RCX RDX RBX RBP RSI RDI R8 ... R15 (24)
# 25 RFLAGS in the handler  26 CS SS DS ES        27 FS GS
# 28 FS base, GS base, kernel GS base             31 MXCSR and the x87 status

.section .handlers, "ax"
.code64
.globl stubs, syscall_entry
handlers_start:
.balign 32
stubs:
.set n, 0
.rept 256
	movq %rax, saved_rax(%rip)
	movl $n, %eax
	jmp event
	.balign 32
	.set n, n + 1
.endr

# No stack is used until the frame is known: it may be a bad one.
.globl event
event:
	movq %rcx, saved_rcx(%rip)
	movq %rsp, saved_rsp(%rip)
	movq log_next(%rip), %rcx
	movq %rsp, 56(%rcx)
	movq $event_stack_top, %rsp
	pushfq
	popq 200(%rcx)
	cld
	call write_registers

	movq saved_rsp(%rip), %rsi
	movq $0, 8(%rcx)
	# These push an error code (SDM vol. 3A, table 7-1).
	movl $0x60227d00, %edx
	cmpl $31, %eax
	ja 1f
	btl %eax, %edx
	jnc 1f
	movq (%rsi), %rdx
	movq %rdx, 8(%rcx)
	# It is in the record, where what QEMU has wrong in it can be told apart; on
	# a stack within the memory that is digested it could not.
	movq $0, (%rsi)
	addq $8, %rsi
1:	movq %rsi, frame(%rip)
	leaq 16(%rcx), %rdi
	movl $5, %edx
2:	movq (%rsi), %rbx
	movq %rbx, (%rdi)
	addq $8, %rsi
	addq $8, %rdi
	decl %edx
	jnz 2b

	addq $256, log_next(%rip)
	decb events_left(%rip)
	jz leave

	# Out of a handler there is no way back, nor at the end of a case.
	movq 16(%rcx), %rdx
	cmpq $handlers_start, %rdx
	jb 3f
	cmpq $handlers_end, %rdx
	jb leave
3:	cmpl $vec_done, %eax
	je leave
	cmpl $0x20, %eax
	jae interrupt
	cmpl $1, %eax
	je debug
	cmpl $2, %eax
	je resume
	cmpl $3, %eax
	je resume
	cmpl $4, %eax
	je resume

# The case is over. RF in the frame is a matter on which QEMU and the manual
# differ; without this it would be in the digest of every case that has its
# stack in the memory that is digested.
leave:
	xorl %edx, %edx
	movq %rdx, %dr7
	movq frame(%rip), %rdx
	andl $~0x10000, 16(%rdx)
	jmp next_case

interrupt:
	# 0x50 to 0x5f are the local APIC's.
	movl %eax, %edx
	shrl $4, %edx
	cmpl $5, %edx
	jne resume
	movl $apic, %edx
	movl $0, 0xb0(%rdx)
	jmp resume

# With RF in the frame an instruction breakpoint does not fire again (SDM vol.
# 3B 18.3.1.1).
debug:
	testb $0xf, 72(%rcx)
	jz 4f
	movq frame(%rip), %rdx
	orl $0x10000, 16(%rdx)
4:	movl $0xffff0ff0, %edx
	movq %rdx, %dr6

.globl resume
resume:
	movq frame(%rip), %rsp
	movq 80(%rcx), %rax
	movq 96(%rcx), %rdx
	movq 104(%rcx), %rbx
	movq 112(%rcx), %rbp
	movq 120(%rcx), %rsi
	movq 128(%rcx), %rdi
	movq 88(%rcx), %rcx
	iretq

# RCX: the record, EAX: the vector. All but RAX, RCX and RSP are the case's.
write_registers:
	movq %rdx, 96(%rcx)
	movq %rbx, 104(%rcx)
	movq %rbp, 112(%rcx)
	movq %rsi, 120(%rcx)
	movq %rdi, 128(%rcx)
	movq %r8, 136(%rcx)
	movq %r9, 144(%rcx)
	movq %r10, 152(%rcx)
	movq %r11, 160(%rcx)
	movq %r12, 168(%rcx)
	movq %r13, 176(%rcx)
	movq %r14, 184(%rcx)
	movq %r15, 192(%rcx)
	movq saved_rax(%rip), %rdx
	movq %rdx, 80(%rcx)
	movq saved_rcx(%rip), %rdx
	movq %rdx, 88(%rcx)
	movl case_number(%rip), %edx
	shlq $16, %rdx
	orq %rax, %rdx
	movq %rdx, (%rcx)
	movq %cr2, %rdx
	movq %rdx, 64(%rcx)
	movq %dr6, %rdx
	movq %rdx, 72(%rcx)
	movw %cs, 208(%rcx)
	movw %ss, 210(%rcx)
	movw %ds, 212(%rcx)
	movw %es, 214(%rcx)
	movq $0, 216(%rcx)
	movw %fs, 216(%rcx)
	movw %gs, 218(%rcx)
	movq %rcx, %rbx
	movq %rax, %rsi
	movl $0xc0000100, %ecx
	rdmsr
	movl %eax, 224(%rbx)
	movl %edx, 228(%rbx)
	movl $0xc0000101, %ecx
	rdmsr
	movl %eax, 232(%rbx)
	movl %edx, 236(%rbx)
	movl $0xc0000102, %ecx
	rdmsr
	movl %eax, 240(%rbx)
	movl %edx, 244(%rbx)
	movq $0, 248(%rbx)
	movq %rsi, %rax
	movq %rbx, %rcx
	# Neither may be looked at with CR0.TS or EM set, or without OSFXSR.
	movq %cr0, %rdx
	testb $0xc, %dl
	jnz 1f
	movq %cr4, %rdx
	testl $0x200, %edx
	jz 1f
	stmxcsr 248(%rcx)
	fnstsw 252(%rcx)
1:	ret

# SYSCALL and SYSENTER come here, on the caller's stack or none.
syscall_entry:
	movq %rax, saved_rax(%rip)
	movl $vec_syscall, %eax
.globl syscall_event
syscall_event:
	movq %rcx, saved_rcx(%rip)
	movq %rsp, saved_rsp(%rip)
	movq log_next(%rip), %rcx
	movq %rsp, 56(%rcx)
	movq $event_stack_top, %rsp
	pushfq
	popq 200(%rcx)
	cld
	call write_registers
	movq $0, 8(%rcx)
	movq saved_rcx(%rip), %rdx
	movq %rdx, 16(%rcx)
	movq $0, 24(%rcx)
	movq %r11, 32(%rcx)
	movq saved_rsp(%rip), %rdx
	movq %rdx, 40(%rcx)
	movq $0, 48(%rcx)
	addq $256, log_next(%rip)
	decb events_left(%rip)
	jz next_case
	# SYSRET goes back to CPL 3 whence it came; CPL 0 has no way back.
	movq case_now(%rip), %rdx
	testb $1, case_flags(%rdx)
	jz next_case
.globl resume_syscall
resume_syscall:
	movq 80(%rcx), %rax
	movq 104(%rcx), %rbx
	movq 120(%rcx), %rsi
	movq 40(%rcx), %rsp
	movq 96(%rcx), %rdx
	movq 88(%rcx), %rcx
	sysretq
handlers_end:

.section .data
.balign 8
saved_rax:
	.quad 0
saved_rcx:
	.quad 0
saved_rsp:
	.quad 0
frame:
	.quad 0

.section .bss
.balign 64
.skip 4096
event_stack_top:
