/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Items about what an application finds in its registers after the kernel had
 * the CPU: behind a system call, a signal, a timer's interrupt, other processes.
 */
#include "tour.h"
#include "registers.h"

#include <asm/prctl.h>

/* All but the result: a call leaves even RCX and R11, which SYSCALL uses up. */
static void survive_a_call(void)
{
	int i;

	for (i = 1; i < 20; i++) {
		fill(i);
		registers_before.general[0] = SYS_getpid;
		load_call_wait();
		expect("result", getpid(), registers_after.general[0]);
		registers_before.general[0] = registers_after.general[0];
		if (!IN_RING_0) {
			registers_before.general[2] = registers_after.general[2];
			registers_before.general[10] = registers_after.general[10];
		}
		compare();
	}
}

/* The number counts as the low half says, and what doesn't exist is -ENOSYS. */
static void numbers(void)
{
	static const struct {
		unsigned long number;
		long result;
	} cases[] = {
		{ 5000, -ENOSYS }, { 0xffffffff, -ENOSYS }, { -1UL, -ENOSYS },
		{ 0x40000000 | SYS_getpid, -ENOSYS }, { 0x7fffffff, -ENOSYS },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fill(3);
		registers_before.general[0] = cases[i].number;
		load_call_wait();
		expect("result", cases[i].result, registers_after.general[0]);
	}
	fill(3);
	registers_before.general[0] = 0xdead00000000UL | SYS_getpid;
	load_call_wait();
	expect("with a dirty upper half", getpid(), registers_after.general[0]);
}

/* What sigreturn must not take from a frame: IF, IOPL, NT, VM, and another ring. */
static void forge(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	registers[REG_EFL] = (registers[REG_EFL] & ~0x200L) | 0x3000 | 0x4000 | 0x20000;
}

static void forged_flags(void)
{
	handle(SIGTRAP, forge, 0);
	fill(5);
	load_int3_wait();
	compare();
}

/* FS is the C library's: it comes back before anything uses it. */
static void segment_base(void)
{
	unsigned long *page = fresh(PAGE), ours = 0, there = 0, in_data_there;
	static unsigned long in_data[2] = { 0, 11 };
	int i;

	succeeds("arch_prctl", sys(SYS_arch_prctl, ARCH_GET_FS, &ours));
	page[1] = 10;
	for (i = 0; i < 2; i++) {
		sys(SYS_arch_prctl, ARCH_SET_FS, i ? in_data : page);
		sys(SYS_sched_yield);
		__asm__ volatile("mov %%fs:8, %0" : "=r"(*(i ? &in_data_there : &there)));
		sys(SYS_arch_prctl, ARCH_SET_FS, ours);
	}
	expect("through FS", 10, there);
	expect("through FS to data", 11, in_data_there);
	expect("a base that is no address", -EPERM, sys(SYS_arch_prctl, ARCH_SET_FS, 1UL << 62));
}

static void single_step(void)
{
	unsigned long end;

	handle(SIGTRAP, step, 0);
	/* TF acts behind the instruction after the one that sets it (SDM vol. 3B 17.3.2). */
	__asm__ volatile("pushfq\n"
			 "orl $0x100, (%%rsp)\n"
			 "popfq\n"
			 "nop\n"
			 "nop\n"
			 "pushfq\n"
			 "andl $~0x100, (%%rsp)\n"
			 "popfq\n"
			 "1: lea 1b(%%rip), %0\n"
			 : "=&r"(end) : : "memory", "cc");
	expect("steps", 5, steps); /* nop nop pushfq andl popfq */
	expect("where the last one ended", end, last_step);
}

const struct item register_items[] = {
	{ "registers behind a call", survive_a_call },
	{ "numbers of calls", numbers },
	{ "registers behind a handler", registers_behind_a_handler },
	{ "registers behind an interrupt", registers_behind_an_interrupt },
	{ "registers changed by a handler", registers_changed_by_a_handler },
	{ "flags forged by a handler", forged_flags },
	{ "registers behind other processes", registers_behind_other_processes },
	{ "base of FS", segment_base },
	{ "single step by TF", single_step },
	{ NULL, NULL },
};
