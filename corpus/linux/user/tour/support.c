/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes, signals, the clock and CPUID, as the items of the tour use them. */
#include "tour.h"

int child(void)
{
	return succeeds("fork", sys(__NR_fork));
}

int reap(int pid)
{
	int status = -1;

	expect("wait4", pid, sys(__NR_wait4, pid, &status, 0, 0));
	return status;
}

/* The kernel jumps here when a handler returns (SA_RESTORER). */
void signal_return(void);
__asm__(".text\n"
	".global signal_return\n"
	".type signal_return, @function\n"
	"signal_return:\n"
	"	mov $15, %eax\n" /* __NR_rt_sigreturn */
	"	syscall\n"
	".size signal_return, . - signal_return\n");

void handle(int signal, handler_function *handler, unsigned long flags)
{
	struct sigaction action = {
		.sa_handler = (__sighandler_t)(void *)handler,
		.sa_flags = flags | SA_SIGINFO | SA_RESTORER,
		.sa_restorer = signal_return,
	};

	succeeds("rt_sigaction", sys(__NR_rt_sigaction, signal, &action, 0, sizeof(sigset_t)));
}

static void change_mask(int how, int signal)
{
	sigset_t set = 1UL << (signal - 1);

	succeeds("rt_sigprocmask", sys(__NR_rt_sigprocmask, how, &set, 0, sizeof(set)));
}

void block(int signal)
{
	change_mask(SIG_BLOCK, signal);
}

void unblock(int signal)
{
	change_mask(SIG_UNBLOCK, signal);
}

void wait_for_signal(void)
{
	sigset_t none = 0;

	sys(__NR_rt_sigsuspend, &none, sizeof(none));
}

void send_self(int signal)
{
	succeeds("kill", sys(__NR_kill, sys(__NR_getpid), signal));
}

long long monotonic(void)
{
	struct timespec now;

	succeeds("clock_gettime", sys(__NR_clock_gettime, CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

struct cpuid cpuid(unsigned int leaf, unsigned int subleaf)
{
	struct cpuid result;

	__asm__ volatile("cpuid"
		: "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
		: "a"(leaf), "c"(subleaf));
	return result;
}
