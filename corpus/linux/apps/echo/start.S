/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An application needs no C library: the entry, and the system call as a
 * function. long system_call(number, a, b, c, d, e)
 */
#ifdef UKL
#define SYSTEM_CALL call entry_SYSCALL_64
#else
#define SYSTEM_CALL syscall
#endif

	.text
	.globl _start
	.type _start, @function
_start:
	xor	%ebp, %ebp
	mov	(%rsp), %rdi	/* argc */
	lea	8(%rsp), %rsi	/* argv */
	and	$-16, %rsp
	call	main
	mov	%eax, %edi
	mov	$231, %eax	/* exit_group */
	SYSTEM_CALL
	ud2
	.size _start, . - _start

	.globl system_call
	.type system_call, @function
system_call:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	xor	%r9d, %r9d
	SYSTEM_CALL
	ret
	.size system_call, . - system_call

	.section .note.GNU-stack, "", @progbits
