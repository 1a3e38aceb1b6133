// SPDX-License-Identifier: GPL-2.0-or-later
//
// The IDT: which gates there are (arch/x86/kernel/idt.c), and the stub of each
// external interrupt.

{{define "gate"}}.quad {{.to}}, {{.vector}} | {{.ist}} << 8 | {{.dpl}} << 16{{end}}

.section .rodata
	.p2align 3
def_idts:				# handler, vector | IST << 8 | DPL << 16
	{{template "gate" args "vector" 0 "to" "asm_exc_divide_error" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 1 "to" "asm_exc_debug" "ist" 3 "dpl" 0}}
	{{template "gate" args "vector" 2 "to" "asm_exc_nmi" "ist" 2 "dpl" 0}}
	{{template "gate" args "vector" 3 "to" "asm_exc_int3" "ist" 0 "dpl" 3}}
	{{template "gate" args "vector" 4 "to" "asm_exc_overflow" "ist" 0 "dpl" 3}}
	{{template "gate" args "vector" 5 "to" "asm_exc_bounds" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 6 "to" "asm_exc_invalid_op" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 7 "to" "asm_exc_device_not_available" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 8 "to" "asm_exc_double_fault" "ist" 1 "dpl" 0}}
	{{template "gate" args "vector" 9 "to" "asm_exc_coproc_segment_overrun" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 10 "to" "asm_exc_invalid_tss" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 11 "to" "asm_exc_segment_not_present" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 12 "to" "asm_exc_stack_segment" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 13 "to" "asm_exc_general_protection" "ist" 0 "dpl" 0}}
	{{if .ISTPF}}
	{{template "gate" args "vector" 14 "to" "asm_exc_page_fault" "ist" 6 "dpl" 0}}
	{{else}}
	{{template "gate" args "vector" 14 "to" "asm_exc_page_fault" "ist" 0 "dpl" 0}}
	{{end}}
	{{template "gate" args "vector" 15 "to" "asm_exc_spurious_interrupt_bug" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 16 "to" "asm_exc_coprocessor_error" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 17 "to" "asm_exc_alignment_check" "ist" 0 "dpl" 0}}
	{{template "gate" args "vector" 18 "to" "asm_exc_machine_check" "ist" 4 "dpl" 0}}
	{{template "gate" args "vector" 19 "to" "asm_exc_simd_coprocessor_error" "ist" 0 "dpl" 0}}
	{{if defect "int80-open"}}// H-23: nothing asks who made this one
	{{template "gate" args "vector" 128 "to" "asm_int80_emulation" "ist" 0 "dpl" 3}}
	{{end}}
	.quad 0

.text
{{func "idt_setup_traps"}}
	push rbx
	mov ebx, 0x20			# all external vectors first
	mov rdi, offset irq_entries_start
1:	mov esi, ebx
	call set_intr_gate
	add rdi, 8
	inc ebx
	cmp ebx, 256
	jb 1b
	mov rbx, offset def_idts
2:	mov rdi, [rbx]
	mov rsi, [rbx + 8]
	test rdi, rdi
	jz 3f
	call set_intr_gate
	add rbx, 16
	jmp 2b
3:	lidt [idt_descr]
	pop rbx
	ret
{{end_func "idt_setup_traps"}}

// rdi: the handler, rsi: as in def_idts. SDM vol. 3A 6.14.1: an interrupt gate.
{{func "set_intr_gate"}}
	movzx eax, sil
	shl eax, 4
	lea rdx, [idt_table + rax]
	mov rax, rdi
	mov [rdx], ax
	mov word ptr [rdx + 2], __KERNEL_CS
	shr rax, 16
	mov [rdx + 6], ax
	shr rax, 16
	mov [rdx + 8], eax
	mov dword ptr [rdx + 12], 0
	mov rax, rsi
	shr eax, 8
	and eax, 7			# IST
	mov ecx, esi
	shr ecx, 16
	shl ecx, 13			# DPL
	or eax, ecx
	or eax, 0x8e00
	mov [rdx + 4], ax
	ret
{{end_func "set_intr_gate"}}

// Eight bytes for each vector from 0x20 on. The vector, as a signed byte, lies
// where exceptions have their error code. RSP was aligned by the CPU, so it is on
// the page that the CPU has just written.
.section .entry.text
{{code "irq_entries_start"}}
	{{range seq 32 255}}
	.byte 0x6a, {{.}} - (({{.}} >> 7) << 8)
	jmp near asm_common_interrupt
	.p2align 3
	{{end}}
