// SPDX-License-Identifier: GPL-2.0-or-later
//
// Per-CPU variables and the tables that the CPU reads. There is one CPU, so
// they are ordinary variables behind fixed_percpu_data, which is where GS points.

.data
	.p2align 12
	.globl fixed_percpu_data
fixed_percpu_data:			# gs:40 is the stack protector's canary
	.zero 48
	.globl current_task
current_task:
	.quad init_task
	.globl cpu_current_top_of_stack
cpu_current_top_of_stack:
	.quad 0
	.globl cea_exception_stacks
cea_exception_stacks:
	.quad 0xfffffe0000004000
	.globl __preempt_count
__preempt_count:			# in an interrupt or not
	.quad 0
	.globl nmi_count
nmi_count:
	.quad 0
	.globl irq_count
irq_count:
	.quad 0
	.p2align 6
	.globl cpu_tss_rw
cpu_tss_rw:
	.zero sizeof.tss_struct
	.size cpu_tss_rw, sizeof.tss_struct

	.p2align 6
	.globl gdt_page
gdt_page:				# arch/x86/include/asm/segment.h
	.quad 0
	.quad 0x00cf9b000000ffff	# 08 32-bit code
	.quad 0x00af9b000000ffff	# 10 __KERNEL_CS
	.quad 0x00cf93000000ffff	# 18 __KERNEL_DS
	.quad 0x00cffb000000ffff	# 20 __USER32_CS
	.quad 0x00cff3000000ffff	# 28 __USER_DS
	.quad 0x00affb000000ffff	# 30 __USER_CS
	.quad 0
	.quad 0, 0			# 40 the TSS
	.zero 6 * 8
	.size gdt_page, 128

	.globl gdt_descr
gdt_descr:
	.word 127
	.quad gdt_page
	.p2align 3
	.globl idt_descr
idt_descr:
	.word 4095
	.quad idt_table

	.p2align 3
	.globl use_xsave
use_xsave:				# 0 where FXSAVE has to do
	.quad 0
	.globl xstate_size
xstate_size:
	.quad 512
	.globl has_spec_ctrl
has_spec_ctrl:				# IBRS, where the CPU has IA32_SPEC_CTRL
	.quad 0
	.globl page_offset_base
page_offset_base:
	.quad __PAGE_OFFSET

.bss
	.p2align 12
	.globl idt_table
idt_table:
	.zero 4096
	.size idt_table, 4096
	.globl init_top_pgt
init_top_pgt:
	.zero 4096
level3_direct_pgt:
	.zero 4096
level2_direct_pgt:
	.zero 4096
level3_kernel_pgt:
	.zero 4096
level2_kernel_pgt:
	.zero 4096
level1_kernel_pgt:			# 4 MiB of image
	.zero 8192
level3_vmalloc_pgt:
	.zero 4096
level2_vmalloc_pgt:
	.zero 4096
level1_vmalloc_pgt:
	.zero 4096
level3_cea_pgt:
	.zero 4096
level2_cea_pgt:
	.zero 4096
level1_cea_pgt:
	.zero 4096
	.globl init_task
init_task:				# of all tasks the first
	.zero sizeof.task_struct
	.size init_task, sizeof.task_struct
tasks:
	.zero (NR_TASKS - 1) * sizeof.task_struct
thread_stacks:				# what is mapped at VMALLOC_START
	.zero NR_TASKS * THREAD_SIZE
exception_stacks:			# entry stack, #DF, NMI, #DB, #MC, #PF
	.zero 6 * 4096
nmi_main_stack:
	.zero 4096
nmi_main_stack_top:
	.globl mms
mms:
	.zero NR_TASKS * sizeof.mm_struct
sighands:
	.zero NR_TASKS * sizeof.sighand_struct
