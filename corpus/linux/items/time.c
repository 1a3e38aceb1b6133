/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time: clocks, sleeps and timers. Nothing depends on how fast the machine is. */
#include "items.h"

static OWN volatile int ticks;
static OWN volatile long tick_value;

static void tick(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	ticks++;
	tick_value = info->si_int;
}

void clocks_go_forward(void)
{
	static const int clocks[] = {
		CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW,
		CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_COARSE,
	};
	unsigned int i, j;

	for (i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		long long last = 0;

		for (j = 0; j < 200; j++) {
			struct timespec now;

			succeeds("clock_gettime", sys(__NR_clock_gettime, clocks[i], &now));
			expect_at_least("a clock", last, now.tv_sec * 1000000000LL + now.tv_nsec);
			last = now.tv_sec * 1000000000LL + now.tv_nsec;
		}
	}
}

void sleeps(void)
{
	struct timespec request = { 0, 15 * MILLISECOND_NS };
	long long start = monotonic();

	expect("nanosleep", 0, sys(__NR_nanosleep, &request, 0));
	expect_at_least("slept", 15 * MILLISECOND_NS, monotonic() - start);
}

void sleeps_until(void)
{
	struct timespec when;
	long long target = monotonic() + 5 * MILLISECOND_NS;

	when.tv_sec = target / 1000000000;
	when.tv_nsec = target % 1000000000;
	expect("clock_nanosleep", 0, sys(__NR_clock_nanosleep, CLOCK_MONOTONIC,
		1 /* TIMER_ABSTIME */, &when, 0));
	expect_at_least("woke at", target, monotonic());
}

void interval_timer(void)
{
	long long start = monotonic();

	handle(SIGALRM, tick, 0);
	block(SIGALRM);
	alarm_every(4);
	while (ticks < 5)
		wait_for_signal();
	expect_at_least("five intervals", 5 * 4 * MILLISECOND_NS, monotonic() - start);
}

/* ITIMER_VIRTUAL runs in user mode only: the kernel has to know whose instructions these are. */
static void cpu_timer(int which, int signal)
{
	struct itimerval timer = { .it_value = { 0, 6 * MILLISECOND_US } };

	ticks = 0;
	handle(signal, tick, 0);
	succeeds("setitimer", sys(__NR_setitimer, which, &timer, 0));
	while (!ticks)
		;
	expect("ticks", 1, ticks);
}

void cpu_timers(void)
{
	cpu_timer(ITIMER_VIRTUAL, SIGVTALRM);
	cpu_timer(ITIMER_PROF, SIGPROF);
}

void posix_timer(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 99,
	};
	struct itimerspec when = { .it_value = { 0, 5 * MILLISECOND_NS } };
	int id = -1;

	handle(SIGUSR1, tick, 0);
	block(SIGUSR1);
	succeeds("timer_create", sys(__NR_timer_create, CLOCK_MONOTONIC, &event, &id));
	succeeds("timer_settime", sys(__NR_timer_settime, id, 0, &when, 0));
	while (!ticks)
		wait_for_signal();
	expect("value", 99, tick_value);
	expect("overruns", 0, sys(__NR_timer_getoverrun, id));
	succeeds("timer_delete", sys(__NR_timer_delete, id));
}

void timer_descriptor(void)
{
	struct itimerspec when = {
		.it_interval = { 0, 3 * MILLISECOND_NS }, .it_value = { 0, 3 * MILLISECOND_NS },
	};
	unsigned long expirations, total = 0;
	int fd = succeeds("timerfd_create", sys(__NR_timerfd_create, CLOCK_MONOTONIC, 0));

	succeeds("timerfd_settime", sys(__NR_timerfd_settime, fd, 0, &when, 0));
	while (total < 4) {
		expect("read", 8, sys(__NR_read, fd, &expirations, 8));
		expect_at_least("expirations", 1, expirations);
		total += expirations;
	}
}
