/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes, signals, memory and the clock, as the items use them. */
#include "items.h"

int child(void)
{
	return succeeds("fork", fork_process());
}

int reap(int pid)
{
	int status = -1;

	expect("wait4", pid, sys(__NR_wait4, pid, &status, 0, 0));
	return status;
}

static void change_mask(int how, int signal)
{
	unsigned long set = 1UL << (signal - 1);

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
	unsigned long none = 0;

	sys(__NR_rt_sigsuspend, &none, sizeof(none));
}

void send_self(int signal)
{
	succeeds("kill", sys(__NR_kill, sys(__NR_getpid), signal));
}

void *fresh(unsigned long size)
{
	return (void *)succeeds("mmap", sys(__NR_mmap, 0, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

void use_alternate_stack(void)
{
	stack_t alternate = { .ss_sp = fresh(16 * PAGE), .ss_size = 16 * PAGE };

	succeeds("sigaltstack", sys(__NR_sigaltstack, &alternate, 0));
}

long long monotonic(void)
{
	struct timespec now;

	succeeds("clock_gettime", sys(__NR_clock_gettime, CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void alarm_every(long milliseconds)
{
	struct itimerval timer = {
		.it_interval = { 0, milliseconds * MILLISECOND_US },
		.it_value = { 0, milliseconds * MILLISECOND_US },
	};

	succeeds("setitimer", sys(__NR_setitimer, ITIMER_REAL, &timer, 0));
}

unsigned char pattern(long position)
{
	return position * 31 + (position >> 8);
}
