// SPDX-License-Identifier: GPL-2.0-or-later
//
// Words on the first serial port, and the end.

CONSOLE = 0x3f8
DEBUG_EXIT = 0xf4

.text
// al: a byte
{{func "serial_putc"}}
	push rax
	mov edx, CONSOLE + 5		# line status: transmitter empty
1:	in al, dx
	test al, 0x20
	jz 1b
	pop rax
	mov edx, CONSOLE
	out dx, al
	ret
{{end_func "serial_putc"}}

// rdi: a string
{{func "printk"}}
	push rbx
	mov rbx, rdi
1:	mov al, [rbx]
	test al, al
	jz 2f
	inc rbx
	call serial_putc
	jmp 1b
2:	pop rbx
	ret
{{end_func "printk"}}

// rdi: a number, written in hexadecimal
{{func "print_hex"}}
	push rbx
	push r12
	mov rbx, rdi
	mov r12d, 16
1:	rol rbx, 4
	mov eax, ebx
	and eax, 15
	mov al, [hex_digits + rax]
	call serial_putc
	dec r12d
	jnz 1b
	pop r12
	pop rbx
	ret
{{end_func "print_hex"}}

// rdi: pt_regs, rsi: what, rdx: an address
{{func "die"}}
	cli
	push rbx
	push r12
	push r13
	mov rbx, rdi
	mov r12, rsi
	mov r13, rdx
	mov rdi, offset L_oops
	call printk
	mov rdi, r12
	call printk
	mov rdi, offset L_at
	call printk
	mov rdi, r13
	call print_hex
	mov rdi, offset L_rip
	call printk
	mov rdi, [rbx + pt_regs.cs]
	call print_hex
	mov al, 0x3a
	call serial_putc
	mov rdi, [rbx + pt_regs.ip]
	call print_hex
	mov rdi, offset L_rsp
	call printk
	mov rdi, [rbx + pt_regs.sp]
	call print_hex
	mov rdi, offset L_rax
	call printk
	mov rdi, [rbx + pt_regs.ax]
	call print_hex
	mov rdi, offset L_newline
	call printk
	mov rdi, offset L_fatal
	jmp panic
{{end_func "die"}}

// rdi: why
{{func "panic"}}
	cli
	push rdi
	mov rdi, offset L_panic
	call printk
	pop rdi
	call printk
	mov rdi, offset L_newline
	call printk
	mov edi, 1
	jmp machine_exit
{{end_func "panic"}}

// edi: what the machine ends with: the debug-exit port, as QEMU's isa-debug-exit
// has it
{{func "machine_exit"}}
	mov eax, edi
	mov edx, DEBUG_EXIT
	out dx, al
1:	cli
	hlt
	jmp 1b
{{end_func "machine_exit"}}

.section .rodata
hex_digits:
	.ascii "0123456789abcdef"
L_oops:	.asciz "Oops: "
L_at:	.asciz " at "
L_rip:	.asciz "\nRIP: "
L_rsp:	.asciz " RSP: "
L_rax:	.asciz " RAX: "
L_panic: .asciz "Kernel panic: "
L_fatal: .asciz "fatal exception"
L_newline: .asciz "\n"
.text
