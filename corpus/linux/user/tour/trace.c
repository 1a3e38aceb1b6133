/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about ptrace: a parent that steps, stops and changes its child. */
#include "tour.h"

#include <asm/ptrace.h>
#include <linux/ptrace.h>

#define TRAPPED ((SIGTRAP << 8) | 0x7f)

/* struct user of sys/user.h: registers of 27 words, then i387 and others, then u_debugreg. */
#define USER_REGISTER(n) ((n) * 8)
#define USER_DEBUGREG(n) (848 + (n) * 8)
enum { R_RAX = 10, R_RDI = 14, R_ORIG_RAX = 15, R_RIP = 16 };

/* A few instructions whose addresses are known. */
extern const char traced_start[], traced_middle[], traced_end[];
long traced(volatile long *word);
__asm__(".text\n"
	".global traced, traced_start, traced_middle, traced_end\n"
	".type traced, @function\n"
	"traced:\n"
	"traced_start:\n"
	"	mov $39, %eax\n" /* __NR_getpid */
	"	syscall\n"
	"	mov $3, %ecx\n"
	"1:	dec %ecx\n"
	"	jnz 1b\n"
	"traced_middle:\n"
	"	movq $5, (%rdi)\n"
	"	nop\n"
	"traced_end:\n"
	"	ret\n"
	".size traced, . - traced\n");

static volatile long watched;

static long peek_user(int pid, long offset)
{
	long value = 0;

	succeeds("PTRACE_PEEKUSER", sys(__NR_ptrace, PTRACE_PEEKUSR, pid, offset, &value));
	return value;
}

static void resume(int request, int pid, int expected)
{
	int status = 0;

	succeeds("resume", sys(__NR_ptrace, request, pid, 0, 0));
	expect("wait4", pid, sys(__NR_wait4, pid, &status, 0, 0));
	expect("wait status", expected, status);
}

/* A child stopped before it calls traced(). */
static int start(void)
{
	int pid = child(), status = 0;

	if (pid == 0) {
		sys(__NR_ptrace, PTRACE_TRACEME, 0, 0, 0);
		send_self(SIGSTOP);
		traced(&watched);
		sys(__NR_exit_group, watched);
	}
	expect("wait4", pid, sys(__NR_wait4, pid, &status, 0, 0));
	expect("stopped", (SIGSTOP << 8) | 0x7f, status);
	return pid;
}

static void break_at(int pid, const char *address)
{
	long word = 0;

	succeeds("PTRACE_PEEKTEXT", sys(__NR_ptrace, PTRACE_PEEKTEXT, pid, address, &word));
	succeeds("PTRACE_POKETEXT", sys(__NR_ptrace, PTRACE_POKETEXT, pid, address,
		(word & ~0xffL) | 0xcc));
	resume(PTRACE_CONT, pid, TRAPPED);
	expect("where", (long)address + 1, peek_user(pid, USER_REGISTER(R_RIP)));
	succeeds("PTRACE_POKETEXT", sys(__NR_ptrace, PTRACE_POKETEXT, pid, address, word));
	succeeds("PTRACE_POKEUSER", sys(__NR_ptrace, PTRACE_POKEUSR, pid, USER_REGISTER(R_RIP), address));
}

static void breakpoint(void)
{
	int pid = start();

	break_at(pid, traced_middle);
	resume(PTRACE_CONT, pid, EXITED(5));
}

static void single_step(void)
{
	int pid = start(), steps = 0;

	break_at(pid, traced_start);
	while (peek_user(pid, USER_REGISTER(R_RIP)) != (long)traced_end) {
		resume(PTRACE_SINGLESTEP, pid, TRAPPED);
		expect("endless", 0, ++steps > 100);
		if (steps == 2)
			expect("result of getpid", pid, peek_user(pid, USER_REGISTER(R_RAX)));
	}
	expect("steps", 11, steps); /* mov syscall mov, 3 rounds of 2, mov nop */
	resume(PTRACE_CONT, pid, EXITED(5));
}

static void system_calls(void)
{
	int pid = start(), i;

	for (i = 0; i < 2; i++) { /* entry, exit */
		resume(PTRACE_SYSCALL, pid, TRAPPED);
		expect("number", __NR_getpid, peek_user(pid, USER_REGISTER(R_ORIG_RAX)));
		expect("result", i ? pid : -ENOSYS, peek_user(pid, USER_REGISTER(R_RAX)));
	}
	resume(PTRACE_SYSCALL, pid, TRAPPED);
	expect("number", __NR_exit_group, peek_user(pid, USER_REGISTER(R_ORIG_RAX)));
	expect("first argument", 5, peek_user(pid, USER_REGISTER(R_RDI)));
	succeeds("PTRACE_POKEUSER", sys(__NR_ptrace, PTRACE_POKEUSR, pid, USER_REGISTER(R_RDI), 23));
	resume(PTRACE_CONT, pid, EXITED(23));
}

static void debug_register(int pid, int number, long value)
{
	succeeds("PTRACE_POKEUSER", sys(__NR_ptrace, PTRACE_POKEUSR, pid, USER_DEBUGREG(number), value));
}

/* DR7, SDM vol. 3B 17.2.4: L0 is bit 0; R/W0 bits 16-17; LEN0 bits 18-19. */
static void hardware_breakpoint(void)
{
	int pid = start();

	debug_register(pid, 0, (long)traced_middle);
	debug_register(pid, 7, 1);
	resume(PTRACE_CONT, pid, TRAPPED);
	expect("where", (long)traced_middle, peek_user(pid, USER_REGISTER(R_RIP)));
	expect("DR6, which one", 1, peek_user(pid, USER_DEBUGREG(6)) & 0xf);
	resume(PTRACE_CONT, pid, EXITED(5));
}

static void hardware_watchpoint(void)
{
	int pid = start();

	debug_register(pid, 1, (long)&watched);
	debug_register(pid, 7, 4 | 1L << 20 | 2L << 22); /* L1, writes, 8 bytes */
	resume(PTRACE_CONT, pid, TRAPPED);
	/* A trap: it comes behind the instruction that writes. */
	expect("where", (long)traced_end - 1, peek_user(pid, USER_REGISTER(R_RIP)));
	expect("DR6, which one", 2, peek_user(pid, USER_DEBUGREG(6)) & 0xf);
	resume(PTRACE_CONT, pid, EXITED(5));
}

const struct item trace_items[] = {
	{ "ptrace breakpoint", breakpoint },
	{ "ptrace single step", single_step },
	{ "ptrace system calls", system_calls },
	{ "hardware breakpoint", hardware_breakpoint },
	{ "hardware watchpoint", hardware_watchpoint },
	{ NULL, NULL },
};
