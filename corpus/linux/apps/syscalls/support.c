/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls, processes, signals and the clock, as the items use them. */
#include "tour.h"

#include <sys/time.h>

long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile(SYSTEM_CALL
		: "=a"(result)
		: "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory");
	return result;
}

int child(void)
{
	int pid = fork();

	return succeeds("fork", pid < 0 ? -errno : pid);
}

int reap(int pid)
{
	int status = -1;

	expect("wait4", pid, sys(SYS_wait4, pid, &status, 0, 0));
	return status;
}

void handle(int signal, handler_function *handler, int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO };

	expect("sigaction", 0, sigaction(signal, &action, NULL));
}

static void change_mask(int how, int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	expect("sigprocmask", 0, sigprocmask(how, &set, NULL));
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
	sigset_t none;

	sigemptyset(&none);
	sigsuspend(&none);
}

void send_self(int signal)
{
	succeeds("kill", sys(SYS_kill, sys(SYS_getpid), signal));
}

void *fresh(unsigned long size)
{
	return (void *)succeeds("mmap", sys(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

void use_alternate_stack(void)
{
	stack_t alternate = { .ss_sp = fresh(16 * PAGE), .ss_size = 16 * PAGE };

	expect("sigaltstack", 0, sigaltstack(&alternate, NULL));
}

long long monotonic(void)
{
	struct timespec now;

	succeeds("clock_gettime", sys(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void alarm_every(long milliseconds)
{
	struct itimerval timer = {
		.it_interval = { 0, milliseconds * MILLISECOND_US },
		.it_value = { 0, milliseconds * MILLISECOND_US },
	};

	expect("setitimer", 0, setitimer(ITIMER_REAL, &timer, NULL));
}
