/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about what a program finds in its registers after the kernel had the CPU. */
#include "tour.h"
#include "registers.h"

#include <asm/prctl.h>

static void single_step(void)
{
	unsigned long end;

	handle(SIGTRAP, step, 0);
	/*
	 * TF acts behind the instruction after the one that sets it (SDM vol. 3B 17.3.2). The
	 * kernel returns from the call with IRET then, so the trap comes behind the NOP.
	 */
	__asm__ volatile("lea -128(%%rsp), %%rsp\n" /* leave the red zone alone */
			 "pushfq\n"
			 "orl $0x100, (%%rsp)\n"
			 "popfq\n"
			 "nop\n"
			 "mov $39, %%eax\n" /* __NR_getpid */
			 "syscall\n"
			 "nop\n"
			 "pushfq\n"
			 "andl $~0x100, (%%rsp)\n"
			 "popfq\n"
			 "1: lea 128(%%rsp), %%rsp\n"
			 "lea 1b(%%rip), %0\n"
			 : "=&r"(end) : : "rax", "rcx", "r11", "memory", "cc");
	expect("steps", 6, steps); /* nop mov, syscall and nop, pushfq andl popfq */
	expect("where the last one ended", end, last_step);
}

static void segment_bases(void)
{
	static unsigned long first = 1, second = 2;
	unsigned long base = 0, value;
	int pid, i;

	succeeds("arch_prctl", sys(__NR_arch_prctl, ARCH_SET_FS, &first));
	succeeds("arch_prctl", sys(__NR_arch_prctl, ARCH_SET_GS, &second));
	pid = child();
	if (pid == 0) {
		sys(__NR_arch_prctl, ARCH_SET_FS, &second);
		sys(__NR_arch_prctl, ARCH_SET_GS, 0);
		for (i = 0; i < 20; i++)
			sys(__NR_sched_yield);
		sys(__NR_exit_group, 0);
	}
	for (i = 0; i < 20; i++) {
		__asm__ volatile("mov %%fs:0, %0" : "=r"(value));
		expect("through FS", 1, value);
		__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
		expect("through GS", 2, value);
		sys(__NR_sched_yield);
	}
	succeeds("arch_prctl", sys(__NR_arch_prctl, ARCH_GET_FS, &base));
	expect("FS base", (long)&first, base);
	if (auxiliary(26 /* AT_HWCAP2 */) & 2) { /* the kernel has enabled FSGSBASE */
		__asm__ volatile("rdgsbase %0" : "=r"(base));
		expect("RDGSBASE", (long)&second, base);
		__asm__ volatile("wrfsbase %0" : : "r"(&second));
		sys(__NR_sched_yield);
		__asm__ volatile("mov %%fs:0, %0" : "=r"(value));
		expect("through FS after WRFSBASE", 2, value);
	}
	expect("wait status", 0, reap(pid));
}

const struct item register_items[] = {
	{ "registers behind a handler", registers_behind_a_handler },
	{ "registers behind an interrupt", registers_behind_an_interrupt },
	{ "registers changed by a handler", registers_changed_by_a_handler },
	{ "registers behind other programs", registers_behind_other_processes },
	{ "single step by TF", single_step },
	{ "segment bases", segment_bases },
	{ NULL, NULL },
};
