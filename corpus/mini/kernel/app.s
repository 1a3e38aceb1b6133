// SPDX-License-Identifier: GPL-2.0-or-later
.section .ukl.text
{{define "ukl_call"}}{{if .Stock}}syscall{{else}}call ukl_entry_SYSCALL_64{{end}}{{end}}
{{code "ukl__start"}}
	lea rsi, [rip + ukl_hello]
	mov edx, 6
	mov edi, 1
	mov eax, __NR_write
	{{template "ukl_call" .}}
	call ukl_main
	mov edi, eax
	mov eax, __NR_exit_group
	{{template "ukl_call" .}}
	ud2
{{func "ukl_main"}}
	mov eax, __NR_getpid
	{{template "ukl_call" .}}
	xor eax, eax
	ret
{{end_func "ukl_main"}}
.section .ukl.rodata
ukl_hello: .ascii "hello\n"
