/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about ptrace: one process of the application looks at another. */
#include "tour.h"

#include <sys/ptrace.h>
#include <sys/user.h>

#define TRAPPED ((SIGTRAP << 8) | 0x7f)

static void resume(int request, int pid, int expected)
{
	int status = 0;

	succeeds("resume", sys(SYS_ptrace, request, pid, 0, 0));
	expect("wait4", pid, sys(SYS_wait4, pid, &status, 0, 0));
	expect("wait status", expected, status);
}

/* A child stopped before it makes a call and ends with 5. */
static int start(void)
{
	int pid = child(), status = 0;

	if (pid == 0) {
		sys(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		send_self(SIGSTOP);
		sys(SYS_getppid);
		sys(SYS_exit_group, 5);
	}
	expect("wait4", pid, sys(SYS_wait4, pid, &status, 0, 0));
	expect("stopped", (SIGSTOP << 8) | 0x7f, status);
	return pid;
}

static struct user_regs_struct registers(int pid)
{
	struct user_regs_struct registers;

	succeeds("PTRACE_GETREGS", sys(SYS_ptrace, PTRACE_GETREGS, pid, 0, &registers));
	return registers;
}

static void system_calls(void)
{
	struct user_regs_struct found;
	int pid = start(), i;

	for (i = 0; i < 2; i++) { /* entry, exit */
		resume(PTRACE_SYSCALL, pid, TRAPPED);
		found = registers(pid);
		expect("number", SYS_getppid, found.orig_rax);
		expect("result", i ? getpid() : -ENOSYS, found.rax);
		expect("code segment, as any program's", 0x33, found.cs);
	}
	resume(PTRACE_SYSCALL, pid, TRAPPED);
	found = registers(pid);
	expect("number", SYS_exit_group, found.orig_rax);
	expect("first argument", 5, found.rdi);
	found.rdi = 23;
	succeeds("PTRACE_SETREGS", sys(SYS_ptrace, PTRACE_SETREGS, pid, 0, &found));
	resume(PTRACE_CONT, pid, EXITED(23));
}

static void changed_result(void)
{
	struct user_regs_struct found;
	int pid = child(), status = 0;

	if (pid == 0) {
		sys(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		send_self(SIGSTOP);
		sys(SYS_exit_group, sys(SYS_getppid));
	}
	expect("wait4", pid, sys(SYS_wait4, pid, &status, 0, 0));
	resume(PTRACE_SYSCALL, pid, TRAPPED);
	found = registers(pid);
	found.orig_rax = -1; /* no call at all */
	succeeds("PTRACE_SETREGS", sys(SYS_ptrace, PTRACE_SETREGS, pid, 0, &found));
	resume(PTRACE_SYSCALL, pid, TRAPPED);
	found = registers(pid);
	expect("result of no call", -ENOSYS, found.rax);
	found.rax = 44;
	succeeds("PTRACE_SETREGS", sys(SYS_ptrace, PTRACE_SETREGS, pid, 0, &found));
	resume(PTRACE_CONT, pid, EXITED(44));
}

const struct item trace_items[] = {
	{ "ptrace system calls", system_calls },
	{ "ptrace changes a result", changed_result },
	{ NULL, NULL },
};
