// SPDX-License-Identifier: GPL-2.0-or-later
//
// External interrupts: two 8259s, remapped to 0x30, and the PIT, which runs only
// for somebody who sleeps.

ISA_IRQ_VECTOR_0 = 0x30

.text
// Intel 8259A data sheet: the initialisation command words.
{{func "init_8259A"}}
	mov al, 0x11			# ICW1: edge, cascade, ICW4
	out 0x20, al
	out 0xa0, al
	mov al, ISA_IRQ_VECTOR_0
	out 0x21, al
	mov al, ISA_IRQ_VECTOR_0 + 8
	out 0xa1, al
	mov al, 4
	out 0x21, al
	mov al, 2
	out 0xa1, al
	mov al, 1			# ICW4: 8086
	out 0x21, al
	out 0xa1, al
	mov al, 0xfa			# the timer and the cascade
	out 0x21, al
	mov al, 0xff
	out 0xa1, al
	ret
{{end_func "init_8259A"}}

// eax: the vector in service, or -1
{{func "pic_in_service"}}
	mov al, 0x0b			# OCW3: the in-service register
	out 0x20, al
	in al, 0x20
	movzx ecx, al
	mov al, 0x0a
	out 0x20, al
	bsf eax, ecx
	jz 1f
	add eax, ISA_IRQ_VECTOR_0
	ret
1:	mov eax, -1
	ret
{{end_func "pic_in_service"}}

// rdi: pt_regs, rsi: the vector, sign-extended from a byte
{{func "common_interrupt"}}
	push rbx
	push r12
	mov rbx, rdi
	movzx r12d, sil
	inc qword ptr gs:[irq_count - fixed_percpu_data]
	add dword ptr gs:[__preempt_count - fixed_percpu_data], 0x10000	# HARDIRQ_OFFSET
	{{if defect "irq-clobbers-fpu"}}// CS-4
	pcmpeqd xmm0, xmm0
	{{end}}
	cmp r12d, ISA_IRQ_VECTOR_0
	jb 2f
	cmp r12d, ISA_IRQ_VECTOR_0 + 15
	ja 2f
	// EOI, but only for one that is in service: an interrupt may have been made
	// by somebody else than the 8259.
	mov al, 0x0b
	out 0x20, al
	in al, 0x20
	movzx edx, al
	mov al, 0x0a
	out 0x20, al
	mov ecx, r12d
	sub ecx, ISA_IRQ_VECTOR_0
	cmp ecx, 8
	jb 1f
	mov al, 0x20
	out 0xa0, al
	mov ecx, 2
1:	bt edx, ecx
	jnc 2f
	mov al, 0x20
	out 0x20, al
2:	cmp r12d, ISA_IRQ_VECTOR_0
	jne 3f
	call timer_interrupt
3:	{{if not (defect "preempt-count-leaks")}}// EX-11
	sub dword ptr gs:[__preempt_count - fixed_percpu_data], 0x10000
	{{end}}
	mov rdi, rbx
	call irqentry_exit
	pop r12
	pop rbx
	ret
{{end_func "common_interrupt"}}

// A tick: who has slept long enough wakes up, and the CPU is shared anew. There
// is another one only if somebody still sleeps, or if there is more than one to
// share it. (The first one is for somebody who sleeps: until then all take turns
// of their own accord.)
TICK = 12				# 10 microseconds

{{func "timer_interrupt"}}
	mov rax, {{template "current"}}
	or qword ptr [rax + task_struct.thread_info.flags], _TIF_NEED_RESCHED
	inc qword ptr [jiffies]
	mov byte ptr [timer_runs], 0
	mov rdx, [jiffies]
	mov rdi, offset init_task + sizeof.task_struct
	mov ecx, NR_TASKS - 1
	xor esi, esi
1:	cmp dword ptr [rdi + task_struct.__state], TASK_RUNNING
	jne 4f
	inc esi
4:	mov rax, [rdi + task_struct.alarm_at]
	test rax, rax
	jz 5f
	mov esi, 2
	cmp rax, rdx
	ja 5f
	call alarm
5:	mov rax, [rdi + task_struct.wake_at]
	test rax, rax
	jz 3f
	cmp rax, rdx
	ja 2f
	mov qword ptr [rdi + task_struct.wake_at], 0
	cmp dword ptr [rdi + task_struct.__state], TASK_INTERRUPTIBLE
	jne 3f
	mov dword ptr [rdi + task_struct.__state], TASK_RUNNING
	inc esi
	jmp 3f
2:	mov esi, 2
3:	add rdi, sizeof.task_struct
	loop 1b
	cmp esi, 2
	jae start_timer
	ret
{{end_func "timer_interrupt"}}

// rdi: a task whose alarm is due. Keeps rdi, rsi, rcx, rdx.
{{func "alarm"}}
	push rcx
	push rdx
	push rsi
	mov rax, [rdi + task_struct.alarm_interval]
	test rax, rax
	jz 1f
	add rax, rdx
1:	mov [rdi + task_struct.alarm_at], rax
	mov esi, SIGALRM
	mov edx, SI_KERNEL
	call send_signal
	pop rsi
	pop rdx
	pop rcx
	ret
{{end_func "alarm"}}

// Intel 8254 data sheet: channel 0, both bytes, mode 0: one interrupt.
{{func "start_timer"}}
	mov byte ptr [timer_runs], 1
	mov al, 0x30
	out 0x43, al
	mov al, TICK
	out 0x40, al
	xor eax, eax
	out 0x40, al
	ret
{{end_func "start_timer"}}

.data
	.p2align 3
	.globl jiffies
jiffies:
	.quad 0
timer_runs:
	.quad 0
.text
