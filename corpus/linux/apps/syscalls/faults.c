/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about faults: each ends in the signal, the code and the address it should. */
#include "tour.h"
#include "faults.h"

static const char constant[64] = "in read-only data";
static char variable[64];

static void image(void)
{
	expect("read of constants", 0, guarded(read_byte, (unsigned long)constant));
	page_fault("write to constants", write_byte, (unsigned long)constant, SIGSEGV, SEGV_ACCERR, U | W | P);
	expect("read of instructions", 0, guarded(read_byte, (unsigned long)image));
	page_fault("write to instructions", write_byte, (unsigned long)image, SIGSEGV, SEGV_ACCERR, U | W | P);
	expect("write to data", 0, guarded(write_byte, (unsigned long)variable));
	page_fault("execute data", execute, (unsigned long)variable, SIGSEGV, SEGV_ACCERR, U | I | P);
}

/* Between what the kernel maps: no memory in either ring. */
#define KERNEL_HOLE 0xffffff9000000000UL

static void kernel_half(void)
{
	/* The kernel reports all of its half as mapped, lest its layout leak. */
	page_fault("read", read_byte, KERNEL_HOLE, SIGSEGV, SEGV_MAPERR, U | P);
	page_fault("write", write_byte, KERNEL_HOLE, SIGSEGV, SEGV_MAPERR, U | W | P);
	page_fault("execute", execute, KERNEL_HOLE, SIGSEGV, SEGV_MAPERR, U | I | P);
}

/* What no handler is there for ends the process, and its parent hears by which signal. */
static void kills(void)
{
	static const struct {
		void (*action)(unsigned long);
		unsigned long argument;
		int signal;
	} cases[] = {
		{ read_byte, 8, SIGSEGV },
		{ write_byte, KERNEL_HOLE, SIGSEGV },
		{ execute, 8, SIGSEGV },
		{ execute, KERNEL_HOLE, SIGSEGV },
		{ write_byte, (unsigned long)constant, SIGSEGV },
		{ read_byte, 1UL << 62, SIGSEGV },
		{ divide_by_zero, 0, SIGFPE },
		{ run_ud2, 0, SIGILL },
		{ run_int3, 0, SIGTRAP },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int pid = child();

		if (pid == 0) {
			cases[i].action(cases[i].argument);
			sys(SYS_exit_group, 0);
		}
		expect("wait status", cases[i].signal, reap(pid) & ~0x80 /* core dumped */);
	}
}

static void end(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	_exit(1);
}

/* A fault with its signal blocked is not put off. */
static void kills_where_blocked(void)
{
	int pid = child();

	if (pid == 0) {
		block(SIGSEGV);
		handle(SIGSEGV, end, 0);
		read_byte(8);
		sys(SYS_exit_group, 0);
	}
	expect("wait status", SIGSEGV, reap(pid) & ~0x80);
}

const struct item fault_items[] = {
	{ "faults on unmapped memory", faults_on_unmapped_memory },
	{ "faults on protected memory", faults_on_protected_memory },
	{ "faults on the application's image", image },
	{ "faults on the kernel's half", kernel_half },
	{ "faults on non-canonical addresses", faults_on_no_address },
	{ "faults behind the end of a file", faults_behind_the_end_of_a_file },
	{ "division by zero", division_by_zero },
	{ "undefined instruction", undefined_instruction },
	{ "breakpoint instruction", breakpoint_instruction },
	{ "killed by a fault", kills },
	{ "killed by a fault that is blocked", kills_where_blocked },
	{ NULL, NULL },
};
