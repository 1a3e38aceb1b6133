/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side of the contract for an application that is tried out as an
 * ordinary program, before there is a kernel for it: the entry as a call that
 * makes the system call. What an ordinary program does without a stack must be
 * undone for it.
 */
#define __NR_rt_sigreturn 15
#define __NR_clone 56
#define __NR_vfork 58

	.text
	.globl sim_start
sim_start:
	call	sim_share	/* RSP is 8 off in there, which nothing minds */
	jmp	ukl__start

	.globl ukl_entry_SYSCALL_64
	.type ukl_entry_SYSCALL_64, @function
ukl_entry_SYSCALL_64:
	cmp	$__NR_rt_sigreturn, %rax
	je	.Lsigreturn
	cmp	$__NR_vfork, %rax
	je	.Lvfork
	cmp	$__NR_clone, %rax
	jne	.Lplain
	test	%rsi, %rsi
	jz	.Lplain
	/* The child returns on a stack of its own: the address goes there, too. */
	mov	(%rsp), %rcx
	sub	$8, %rsi
	mov	%rcx, (%rsi)
.Lplain:
	syscall
	ret
.Lsigreturn:
	/* The kernel finds the frame by RSP as the handler's RET left it. */
	add	$8, %rsp
	syscall
.Lvfork:
	/* The child will have overwritten the return address when its parent returns. */
	pop	%r8
	syscall
	jmp	*%r8
	.size ukl_entry_SYSCALL_64, . - ukl_entry_SYSCALL_64

	.section .note.GNU-stack, "", @progbits
