// SPDX-License-Identifier: GPL-2.0-or-later
.section .user.text
{{code "user_init"}}
	mov eax, __NR_fork
	syscall
	test eax, eax
	jnz 1f
	lea rdi, [rip + user_UKL]
	lea rsi, [rsp]
	push 0
	push rdi
	mov rsi, rsp
	mov eax, __NR_execve
	syscall
	ud2
1:	mov edi, -1
	lea rsi, [rip + user_status]
	xor edx, edx
	mov eax, __NR_wait4
	syscall
	movzx edi, byte ptr [rip + user_status + 1]
	mov eax, __NR_exit_group
	syscall
user_hello:
	ud2
user_UKL:
	.asciz "/UKL"
.section .user.data
user_status:
	.quad 0
