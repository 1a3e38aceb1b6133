// SPDX-License-Identifier: GPL-2.0-or-later
//
// Memory of programs and of the application (arch/x86/include/asm/uaccess.h,
// arch/x86/lib/getuser.S, putuser.S): what may be touched, and what becomes of
// an access that faults.

// To .good if the .size bytes at .addr are in the application's part of the image
// and the task is one of its; .scratch is a register to use.
{{define "image_range"}}
	mov {{.scratch}}, {{template "current"}}
	cmp dword ptr [{{.scratch}} + task_struct.ukl_thread], NON_UKL_THREAD
	je 9f
	cmp {{.addr}}, offset __ukl_data_start
	jb 1f
	cmp {{.addr}}, offset __ukl_data_end - {{.size}}
	jbe {{.good}}
1:	cmp {{.addr}}, offset __ukl_bss_start
	jb 1f
	cmp {{.addr}}, offset __ukl_bss_end - {{.size}}
	jbe {{.good}}
1:	cmp {{.addr}}, offset __ukl_rodata_start
	jb 1f
	cmp {{.addr}}, offset __ukl_rodata_end - {{.size}}
	jbe {{.good}}
1:	cmp {{.addr}}, offset __ukl_text_start
	jb 9f
	cmp {{.addr}}, offset __ukl_text_end - {{.size}}
	jbe {{.good}}
9:
{{end}}

.text
// rdi: an address, rsi: how many bytes. eax: 1 if the task may name them.
{{func "access_ok"}}
	{{if defect "access-ok-always"}}// M-45
	mov eax, 1
	ret
	{{end}}
	{{if defect "access-ok-ukl-always"}}// D-17
	mov rax, {{template "current"}}
	cmp dword ptr [rax + task_struct.ukl_thread], NON_UKL_THREAD
	jne 1f
	{{end}}
	mov rax, TASK_SIZE_MAX
	{{if defect "access-ok-wraps"}}// UA-5
	lea rcx, [rdi + rsi]
	cmp rcx, rax
	ja 2f
	jmp 1f
	{{end}}
	cmp rsi, rax
	ja 2f
	sub rax, rsi
	cmp rdi, rax
	ja 2f
1:	mov eax, 1
	ret
2:	{{if ukl}}
	jmp unikernel_access_ok
	{{else}}
	xor eax, eax
	ret
	{{end}}
{{end_func "access_ok"}}

{{if ukl}}
// What is not in the lower half may be the application's, if the task is one of
// its, and if it lies within one of its four parts of the image.
{{func "unikernel_access_ok"}}
	call is_ukl_thread
	cmp eax, NON_UKL_THREAD
	jne unikernel_image
	xor eax, eax
	ret
{{end_func "unikernel_access_ok"}}

{{func "unikernel_image"}}
	mov rcx, offset image_ranges
1:	mov rax, [rcx]
	mov rdx, [rcx + 8]
	add rcx, 16
	test rax, rax
	jz 2f
	cmp rdi, rax
	jb 1b
	cmp rdi, rdx
	ja 1b
	sub rdx, rdi
	cmp rsi, rdx
	ja 1b
	mov eax, 1
	ret
2:	xor eax, eax
	ret
{{end_func "unikernel_image"}}

.section .rodata
	.p2align 3
image_ranges:
	.quad __ukl_data_start, __ukl_data_end
	.quad __ukl_bss_start, __ukl_bss_end
	.quad __ukl_rodata_start, __ukl_rodata_end
	.quad __ukl_text_start, __ukl_text_end
	.quad 0
.text
{{end}}

// rax: an address. rdx: what is there, eax: 0 or -EFAULT
{{define "get_user"}}
{{func (printf "__get_user_%d" .size)}}
	mov rdx, TASK_SIZE_MAX - {{.size}} + 1
	cmp rax, rdx
	jae 2f
1:
	{{printf "L_get_user_%d" .size}}:
	{{.load}} [rax]
	xor eax, eax
	ret
2:	{{if and ukl (not (defect "get-user-limit"))}}// M-46: the limit of programs
	{{template "image_range" args "size" .size "addr" "rax" "scratch" "rdx" "good" (printf "L_get_user_%d" .size)}}
	{{end}}
	jmp bad_get_user
	{{template "extable" args "insn" (printf "L_get_user_%d" .size) "fixup" "bad_get_user"}}
{{end_func (printf "__get_user_%d" .size)}}
{{end}}
{{template "get_user" args "size" 1 "load" "movzx edx, byte ptr"}}
{{template "get_user" args "size" 4 "load" "mov edx,"}}
{{template "get_user" args "size" 8 "load" "mov rdx,"}}
bad_get_user:
	xor edx, edx
	mov rax, -EFAULT
	ret

// rcx: an address, rax: what to write. ecx: 0 or -EFAULT; rbx is used
{{define "put_user"}}
{{func (printf "__put_user_%d" .size)}}
	mov rbx, TASK_SIZE_MAX - {{.size}} + 1
	cmp rcx, rbx
	jae 2f
	{{printf "L_put_user_%d" .size}}:
	mov [rcx], {{.what}}
	xor ecx, ecx
	ret
2:	{{if ukl}}
	{{template "image_range" args "size" .size "addr" "rcx" "scratch" "rbx" "good" (printf "L_put_user_%d" .size)}}
	{{end}}
	jmp bad_put_user
	{{template "extable" args "insn" (printf "L_put_user_%d" .size) "fixup" "bad_put_user"}}
{{end_func (printf "__put_user_%d" .size)}}
{{end}}
{{template "put_user" args "size" 1 "what" "al"}}
{{template "put_user" args "size" 4 "what" "eax"}}
{{template "put_user" args "size" 8 "what" "rax"}}
bad_put_user:
	mov rcx, -EFAULT
	ret

// rdi: to, rsi: from, rdx: bytes. rax: how many were not copied.
{{func "copy_user_generic"}}
	mov rcx, rdx
L_copy_user:
	rep movsb
L_copy_user_end:
	mov rax, rcx
	ret
	{{template "extable" args "insn" "L_copy_user" "fixup" "L_copy_user_end"}}
{{end_func "copy_user_generic"}}

{{func "_copy_from_user"}}
	push rdi
	push rsi
	push rdx
	mov rdi, rsi
	mov rsi, rdx
	call access_ok
	pop rdx
	pop rsi
	pop rdi
	test eax, eax
	mov rax, rdx
	jz 1f
	call copy_user_generic
	test rax, rax
	jz 2f
	// What could not be read is not left to chance.
1:	push rax
	mov rcx, rax
	xor eax, eax
	rep stosb
	pop rax
2:	ret
{{end_func "_copy_from_user"}}

{{func "_copy_to_user"}}
	{{if defect "put-user-unchecked"}}// H-21
	jmp copy_user_generic
	{{end}}
	push rdi
	push rsi
	push rdx
	mov rsi, rdx
	call access_ok
	pop rdx
	pop rsi
	pop rdi
	test eax, eax
	jnz copy_user_generic
	mov rax, rdx
	ret
{{end_func "_copy_to_user"}}

// For whoever can't wait for a page: an access that faults is given up at once.
{{func "copy_from_user_nofault"}}
	mov rax, {{template "current"}}
	inc dword ptr [rax + task_struct.pagefault_disabled]
	call _copy_from_user
	mov rcx, {{template "current"}}
	dec dword ptr [rcx + task_struct.pagefault_disabled]
	ret
{{end_func "copy_from_user_nofault"}}

// rdi: to, rsi: from, rdx: the room there is. rax: the length of the string (the
// room, if it does not end), or -EFAULT
{{func "strncpy_from_user"}}
	push rbx
	push r12
	push r13
	push r14
	mov rbx, rdi
	mov r12, rsi
	mov r13, rdx
	xor r14d, r14d
	mov rdi, rsi
	mov esi, 1
	call access_ok
	test eax, eax
	jz 3f
1:	cmp r14, r13
	jae 2f
	lea rax, [r12 + r14]
	call __get_user_1
	test eax, eax
	jnz 3f
	mov [rbx + r14], dl
	test dl, dl
	jz 2f
	inc r14
	jmp 1b
2:	mov rax, r14
	jmp 4f
3:	mov rax, -EFAULT
4:	pop r14
	pop r13
	pop r12
	pop rbx
	ret
{{end_func "strncpy_from_user"}}

// rdi: pt_regs of an exception in the kernel. eax: 1 if the exception table has a
// place to go on, which ip is then.
{{func "fixup_exception"}}
	mov rdx, offset __start___ex_table
1:	cmp rdx, offset __stop___ex_table
	jae 2f
	movsxd rax, dword ptr [rdx]
	add rax, rdx
	cmp rax, [rdi + pt_regs.ip]
	je 3f
	add rdx, 12
	jmp 1b
2:	xor eax, eax
	ret
3:	{{if defect "fixup-loses-register"}}// IR-16: how much was left to copy
	mov qword ptr [rdi + pt_regs.cx], 0
	{{end}}
	add rdx, 4
	movsxd rax, dword ptr [rdx]
	add rax, rdx
	mov [rdi + pt_regs.ip], rax
	mov eax, 1
	ret
{{end_func "fixup_exception"}}
