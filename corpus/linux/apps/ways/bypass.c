/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short system calls: what the work of entry and exit is for happens all the same. */
#include "ways.h"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>

/* Kernels without the option refuse. */
static void bypass(unsigned long limit)
{
	long result = sys(SYS_arch_prctl, ARCH_UKL_SET_BYPASS, limit);

	if (result != -EINVAL)
		expect("arch_prctl", 0, result);
}

#define ENDLESS 1000000000

static void limits(void)
{
	static const unsigned long limits[] = { 0, 1, 2, 50, ENDLESS };
	unsigned int i, j;
	long pid = getpid();

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		bypass(limits[i]);
		for (j = 0; j < 200; j++) {
			expect("getpid", pid, sys(SYS_getpid));
			expect("a bad descriptor", -EBADF, sys(SYS_close, -1));
			expect("no such call", -ENOSYS, sys(5000));
		}
	}
	expect("a limit beyond all", -EINVAL, sys(SYS_arch_prctl, ARCH_UKL_SET_BYPASS, 1UL << 32));
}

static volatile int caught;

static void count(int signal)
{
	(void)signal;
	caught++;
}

static void signals(void)
{
	int i;

	bypass(ENDLESS);
	caught = 0;
	handle(SIGUSR1, count, 0);
	for (i = 1; i <= 300; i++) {
		sys(SYS_kill, sys(SYS_getpid), SIGUSR1);
		expect("caught when kill returns", i, caught);
	}
}

static void restarts(void)
{
	int pipe_[2], pid;
	char byte = 0;

	bypass(ENDLESS);
	caught = 0;
	expect("pipe", 0, pipe(pipe_));
	handle(SIGALRM, count, 0);
	alarm_in(20);
	expect("a read that a signal ends", -EINTR, sys(SYS_read, pipe_[0], &byte, 1));
	expect("caught", 1, caught);
	handle(SIGALRM, count, SA_RESTART);
	pid = child();
	if (pid == 0) {
		nap(60);
		sys(SYS_write, pipe_[1], "x", 1);
		sys(SYS_exit_group, 0);
	}
	alarm_in(20);
	expect("a read that goes on", 1, sys(SYS_read, pipe_[0], &byte, 1));
	expect("what came", 'x', byte);
	expect("caught", 2, caught);
	reap("the writer", 0, pid);
}

/* Another has the CPU in the middle of the call, and uses the same registers. */
static void yield_with(unsigned char value)
{
	static const char *const what[] = { "the first byte of XMM0", "the last byte of XMM15" };
	unsigned char before[16], after[2][16];
	long number = SYS_sched_yield;
	int i;

	memset(before, value, sizeof(before));
	__asm__ volatile("movdqu %3, %%xmm0\n\tmovdqu %3, %%xmm15\n\t"
		SYSTEM_CALL "\n\t"
		"movdqu %%xmm0, %1\n\tmovdqu %%xmm15, %2"
		: "+a"(number), "=m"(after[0]), "=m"(after[1])
		: "m"(before)
		: "rcx", "r11", "memory", "xmm0", "xmm15");
	for (i = 0; i < 2; i++)
		expect(what[i], value, after[i][i * 15]);
}

static void vectors(void)
{
	int pid, i;

	bypass(ENDLESS);
	pid = child();
	for (i = 0; i < 2000; i++)
		yield_with(pid == 0 ? i * 2 + 1 : i * 2);
	if (pid == 0)
		sys(SYS_exit_group, 0);
	reap("the other process", 0, pid);
}

/* Calls in a row, none of which sleeps: the time comes when another is to run. */
static void other_processes(void)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long long start;
	int pid;

	bypass(ENDLESS);
	pid = child();
	if (pid == 0) {
		*(volatile int *)shared = 1;
		sys(SYS_exit_group, 0);
	}
	start = milliseconds();
	while (!*(volatile int *)shared && milliseconds() - start < 3000)
		;
	expect("the other process has run", 1, *shared);
	reap("the other process", 0, pid);
}

static void tracers(void)
{
	int pid = child(), status, stops = 0, calls = 0;
	struct user_regs_struct registers;

	if (pid == 0) {
		int i;

		bypass(ENDLESS);
		sys(SYS_ptrace, PTRACE_TRACEME);
		sys(SYS_kill, sys(SYS_getpid), SIGSTOP);
		for (i = 0; i < 20; i++)
			sys(SYS_getppid);
		sys(SYS_exit_group, 0);
	}
	for (;;) {
		expect("wait4", pid, sys(SYS_wait4, pid, &status, 0, 0));
		if (!WIFSTOPPED(status))
			break;
		succeeds("registers", sys(SYS_ptrace, PTRACE_GETREGS, pid, 0, &registers));
		stops++;
		calls += registers.orig_rax == SYS_getppid;
		succeeds("go on", sys(SYS_ptrace, PTRACE_SYSCALL, pid, 0, 0));
	}
	expect("its end", 0, status);
	expect("stops at the calls", 40, calls);
	expect("with SIGSTOP and the beginning of exit", 42, stops);
}

static void filters(void)
{
	int i;

	bypass(ENDLESS);
	forbid(SYS_getppid);
	for (i = 0; i < 100; i++) {
		expect("what is forbidden", -EPERM, sys(SYS_getppid));
		expect("what isn't", 3, (sys(SYS_getpid) > 0) + 2);
	}
}

static void *in_thread(void *unused)
{
	int i;

	for (i = 0; i < 200; i++)
		if (sys(SYS_gettid) <= 0)
			return NULL;
	return unused;
}

static void children(void)
{
	pthread_t thread;
	void *result;
	int i, pid;

	bypass(ENDLESS);
	for (i = 0; i < 20; i++) {
		pid = child();
		if (pid == 0)
			sys(SYS_exit_group, sys(SYS_getpid) > 0 ? i : 99);
		reap("a child", EXITED(i), pid);
		pid = vfork();
		if (pid == 0) {
			execve("/nowhere", NULL, NULL);
			_exit(i);
		}
		reap("a child of vfork", EXITED(i), pid);
		expect("pthread_create", 0, pthread_create(&thread, NULL, in_thread, &i));
		expect("pthread_join", 0, pthread_join(thread, &result));
		expect("a thread", (long)&i, (long)result);
	}
}

const struct item bypass_items[] = {
	{ "short calls: none, some, all", limits },
	{ "short calls: signals", signals },
	{ "short calls: restarts", restarts },
	{ "short calls: vector registers", vectors },
	{ "short calls: other processes run", other_processes },
	{ "short calls: tracers", tracers },
	{ "short calls: filters", filters },
	{ "short calls: children and threads", children },
	{ NULL, NULL },
};
