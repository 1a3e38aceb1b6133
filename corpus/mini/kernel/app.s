// SPDX-License-Identifier: GPL-2.0-or-later
//
// The application: linked into the kernel, or with stock and kml a program of the
// lower half. It is entered at ukl__start as an ELF program is; its main gives
// itself thread-local data, calls its init functions, and makes the tour.

{{define "ukl_call"}}{{if .Stock}}syscall{{else}}call ukl_entry_SYSCALL_64{{end}}{{end}}

{{if .Stock}}
{{template "tour" args "p" "ukl_" "who" "ukl" "call" "syscall" "text" ".ukl.text" "rodata" ".ukl.rodata" "data" ".ukl.data" "bss" ".ukl.bss" "ring0" false "stock" true "kml" false "pinned" false}}
{{template "tour_calls" args "p" "ukl_" "call" "syscall" "text" ".ukl.text" "ring0" false}}
{{template "tour_signals" args "p" "ukl_" "call" "syscall" "text" ".ukl.text" "ring0" false "stock" true}}
{{template "tour_tasks" args "p" "ukl_" "call" "syscall" "text" ".ukl.text" "kml" false}}
{{else}}
{{template "tour" args "p" "ukl_" "who" "ukl" "call" "call ukl_entry_SYSCALL_64" "text" ".ukl.text" "rodata" ".ukl.rodata" "data" ".ukl.data" "bss" ".ukl.bss" "ring0" true "stock" false "kml" .KML "pinned" .SameStack}}
{{template "tour_calls" args "p" "ukl_" "call" "call ukl_entry_SYSCALL_64" "text" ".ukl.text" "ring0" true}}
{{template "tour_signals" args "p" "ukl_" "call" "call ukl_entry_SYSCALL_64" "text" ".ukl.text" "ring0" true "stock" false}}
{{template "tour_tasks" args "p" "ukl_" "call" "call ukl_entry_SYSCALL_64" "text" ".ukl.text" "kml" .KML}}
{{end}}

.section .ukl.text
{{code "ukl__start"}}
	mov rdi, rsp
	jmp ukl_main

// rdi: where argc lies. Ends with how many items failed.
{{func "ukl_main"}}
	mov [ukl_first_sp], rdi
	mov [ukl_low_stack], rdi
	pushfq
	pop [ukl_first_flags]
	{{if defect "wrong-entry"}}// M-56: a symbol without its prefix
	mov eax, __NR_getpid
	call entry_SYSCALL_64
	{{end}}
	{{if defect "app-syscall"}}// M-57: a leftover of some library
	mov eax, __NR_getpid
	syscall
	{{end}}
	{{if defect "app-reads-kernel"}}// AS-3
	mov rax, [jiffies]
	{{end}}
	{{if defect "red-zone"}}// M-47
	mov edi, 0x77
	call ukl_leaf
	{{end}}
	{{if .SameStack}}// pinned: in the image, with a page below that is not there
	mov rsp, offset ukl_stack_top
	{{end}}
	// The thread block: TLS data, its bss, and behind it the block's own address,
	// which FS points to (the psABI's variant II).
	mov edi, 0x1000
	call ukl_map
	mov rdi, rax
	mov rsi, offset __tls_data_start
	mov rcx, offset __tls_data_end
	sub rcx, rsi
	rep movsb
	{{if defect "tls-data-only"}}// M-44
	mov rdi, offset __tls_data_end
	sub rdi, offset __tls_data_start
	{{else}}
	mov rdi, offset __tls_bss_end
	sub rdi, offset __tls_data_start
	{{end}}
	add rdi, 7
	and rdi, -8
	add rax, rdi
	mov [rax], rax
	mov [ukl_tls_base], rax
	mov rsi, rax
	mov edi, ARCH_SET_FS
	mov eax, __NR_arch_prctl
	{{template "ukl_call" .}}

	{{if defect "init-array-twice"}}// XT-9
	call ukl_init_1
	call ukl_init_2
	{{end}}
	mov rbx, offset __init_array_start
1:	cmp rbx, offset __init_array_end
	jae 2f
	call [rbx]
	add rbx, 8
	jmp 1b
2:	call ukl_tour
	mov edi, eax
	mov eax, __NR_exit_group
	{{template "ukl_call" .}}
	ud2
{{end_func "ukl_main"}}

// The state in which exec starts it.
{{func "ukl_item_start"}}
	mov rax, [ukl_first_sp]
	mov ecx, 1
	test eax, 15
	jnz 9f
	inc ecx				# argc, argv, envp
	cmp qword ptr [rax], 1
	jne 9f
	cmp qword ptr [rax + 16], 0
	jne 9f
	cmp qword ptr [rax + 24], 0
	jne 9f
	inc ecx
	cmp qword ptr [ukl_first_flags], X86_EFLAGS_IF | X86_EFLAGS_FIXED
	jne 9f
	inc ecx
	cmp qword ptr [ukl_initialised], 3	# in this order, once each
	jne 9f
	inc ecx				# thread-local: data, then zeros
	mov rax, [ukl_tls_base]
	mov rdx, offset __tls_bss_end
	sub rdx, offset __tls_data_start
	add rdx, 7
	and rdx, -8
	sub rax, rdx
	cmp qword ptr [rax], 0x715
	jne 9f
	cmp qword ptr [rax + 8], 0
	jne 9f
	inc ecx				# data as it was linked
	cmp qword ptr [ukl_starts], 0
	jne 9f
	inc qword ptr [ukl_starts]
	inc ecx
	mov edx, cs
	{{if .Stock}}
	cmp edx, __USER_CS
	{{else}}
	cmp edx, __KERNEL_CS
	{{end}}
	jne 9f
	xor ecx, ecx
9:	mov eax, ecx
	ret
{{end_func "ukl_item_start"}}

{{func "ukl_init_1"}}
	cmp qword ptr [ukl_initialised], 0
	jne 1f
	mov qword ptr [ukl_initialised], 1
1:	ret
{{end_func "ukl_init_1"}}
{{func "ukl_init_2"}}
	add qword ptr [ukl_initialised], 2
	ret
{{end_func "ukl_init_2"}}

{{if .Bypass}}
// More calls by the short way than a task has.
{{func "ukl_item_bypass"}}
	push rbx
	push r12
	mov eax, __NR_getpid
	call ukl_entry_SYSCALL_64
	mov ebx, eax
	mov r12d, 120
1:	mov eax, __NR_getpid
	mov ecx, 0x77
	stc
	call ukl_bp_SYSCALL_64
	mov edx, 1
	jnc 9f
	cmp eax, ebx
	jne 9f
	cmp ecx, 0x77
	jne 9f
	dec r12d
	jnz 1b
	// A signal is work that it does not leave.
	mov edx, 2
	mov qword ptr [ukl_signals], 0
	mov edi, SIGUSR1
	mov rsi, offset ukl_handler
	xor edx, edx
	call ukl_sigaction
	mov edi, ebx
	mov esi, SIGUSR1
	mov eax, __NR_kill
	call ukl_bp_SYSCALL_64
	mov edx, 3
	cmp qword ptr [ukl_signals], 1
	jne 9f
	xor edx, edx
9:	mov eax, edx
	pop r12
	pop rbx
	ret
{{end_func "ukl_item_bypass"}}
{{end}}

{{if defect "red-zone"}}// M-47: a leaf that keeps its locals where an interrupt puts its frame
{{func "ukl_leaf"}}
	mov [rsp - 8], rdi
	mov rax, [rsp - 8]
	ret
{{end_func "ukl_leaf"}}
{{end}}

{{define "item"}}.quad {{.p}}L_{{.name}}, {{.p}}item_{{.name}}{{end}}

.section .ukl.init_array
	.quad ukl_init_1, ukl_init_2
.section .tdata
ukl_thread_data:
	.quad 0x715
.section .tbss
ukl_thread_bss:
	.zero 24

.section .ukl.rodata
	.p2align 3
ukl_items:
	{{template "item" args "p" "ukl_" "name" "start"}}
	{{template "item" args "p" "ukl_" "name" "registers"}}
	{{template "item" args "p" "ukl_" "name" "flags"}}
	{{template "item" args "p" "ukl_" "name" "numbers"}}
	{{template "item" args "p" "ukl_" "name" "pointers"}}
	{{template "item" args "p" "ukl_" "name" "memory"}}
	{{template "item" args "p" "ukl_" "name" "bases"}}
	{{template "item" args "p" "ukl_" "name" "pipe"}}
	{{if .Bypass}}
	{{template "item" args "p" "ukl_" "name" "bypass"}}
	{{end}}
	{{if not .KML}}
	{{template "item" args "p" "ukl_" "name" "signal"}}
	{{template "item" args "p" "ukl_" "name" "masks"}}
	{{template "item" args "p" "ukl_" "name" "faults"}}
	{{template "item" args "p" "ukl_" "name" "stack"}}
	{{if not .SameStack}}
	{{template "item" args "p" "ukl_" "name" "growth"}}
	{{end}}
	{{template "item" args "p" "ukl_" "name" "forged"}}
	{{template "item" args "p" "ukl_" "name" "bad_return"}}
	{{end}}
	{{template "item" args "p" "ukl_" "name" "threads"}}
	{{if not .KML}}
	{{template "item" args "p" "ukl_" "name" "preemption"}}
	{{template "item" args "p" "ukl_" "name" "interrupt"}}
	{{template "item" args "p" "ukl_" "name" "asynchronous"}}
	{{template "item" args "p" "ukl_" "name" "restart"}}
	{{end}}
	{{template "item" args "p" "ukl_" "name" "fork"}}
	{{template "item" args "p" "ukl_" "name" "exec"}}
	.quad 0, 0
{{template "item_names" args "p" "ukl_"}}
ukl_L_start:
	.asciz "start"
ukl_L_bypass:
	.asciz "bypass"

.section .ukl.data
	.p2align 3
ukl_starts:
	.quad 0
.section .ukl.bss
	.p2align 3
ukl_initialised:
	.quad 0
ukl_first_sp:
	.quad 0
ukl_first_flags:
	.quad 0
	{{if .SameStack}}
	.p2align 12
	.globl ukl_stack_guard
ukl_stack_guard:			# not mapped, see mm_init
	.zero 4096
ukl_stack:
	.zero 16384
ukl_stack_top:
	{{end}}
.text

{{define "item_names"}}
{{.p}}L_registers: .asciz "registers"
{{.p}}L_flags: .asciz "flags"
{{.p}}L_numbers: .asciz "numbers"
{{.p}}L_pointers: .asciz "pointers"
{{.p}}L_memory: .asciz "memory"
{{.p}}L_bases: .asciz "bases"
{{.p}}L_pipe: .asciz "pipe"
{{.p}}L_signal: .asciz "signal"
{{.p}}L_masks: .asciz "masks"
{{.p}}L_faults: .asciz "faults"
{{.p}}L_stack: .asciz "stack"
{{.p}}L_growth: .asciz "growth"
{{.p}}L_forged: .asciz "forged"
{{.p}}L_bad_return: .asciz "bad return"
{{.p}}L_threads: .asciz "threads"
{{.p}}L_preemption: .asciz "preemption"
{{.p}}L_interrupt: .asciz "interrupt"
{{.p}}L_asynchronous: .asciz "asynchronous"
{{.p}}L_restart: .asciz "restart"
{{.p}}L_fork: .asciz "fork"
{{.p}}L_exec: .asciz "exec"
{{end}}
