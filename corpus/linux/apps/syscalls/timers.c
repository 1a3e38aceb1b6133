/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about time: clocks, sleeps and timers. None depends on how fast the machine is. */
#include "tour.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>

static OWN volatile int ticks;
static OWN volatile long tick_value;

static void tick(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	ticks++;
	tick_value = info->si_value.sival_int;
}

static void clocks_go_forward(void)
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

			expect("clock_gettime", 0, clock_gettime(clocks[i], &now));
			expect_at_least("a clock", last, now.tv_sec * 1000000000LL + now.tv_nsec);
			last = now.tv_sec * 1000000000LL + now.tv_nsec;
		}
	}
}

static void sleeps(void)
{
	struct timespec request = { 0, 15 * MILLISECOND_NS };
	long long start = monotonic();

	expect("nanosleep", 0, nanosleep(&request, NULL));
	expect_at_least("slept", 15 * MILLISECOND_NS, monotonic() - start);
}

static void sleeps_until(void)
{
	struct timespec when;
	long long target = monotonic() + 5 * MILLISECOND_NS;

	when.tv_sec = target / 1000000000;
	when.tv_nsec = target % 1000000000;
	expect("clock_nanosleep", 0, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL));
	expect_at_least("woke at", target, monotonic());
}

static void interval_timer(void)
{
	long long start = monotonic();

	handle(SIGALRM, tick, 0);
	block(SIGALRM);
	alarm_every(4);
	while (ticks < 5)
		wait_for_signal();
	expect_at_least("five intervals", 5 * 4 * MILLISECOND_NS, monotonic() - start);
}

/* ITIMER_VIRTUAL runs in user mode only: the kernel has to know that this is the application. */
static void cpu_timer(int which, int signal)
{
	struct itimerval timer = { .it_value = { 0, 6 * MILLISECOND_US } };

	ticks = 0;
	handle(signal, tick, 0);
	expect("setitimer", 0, setitimer(which, &timer, NULL));
	while (!ticks)
		;
	expect("ticks", 1, ticks);
}

static void cpu_timers(void)
{
	cpu_timer(ITIMER_VIRTUAL, SIGVTALRM);
	cpu_timer(ITIMER_PROF, SIGPROF);
}

static long long user_time(void)
{
	struct rusage usage;

	expect("getrusage", 0, getrusage(RUSAGE_SELF, &usage));
	return usage.ru_utime.tv_sec * 1000000LL + usage.ru_utime.tv_usec;
}

/* Time spent in our instructions is user time. */
static void time_is_accounted(void)
{
	long long before = user_time(), start = monotonic();
	int i;

	while (user_time() == before) {
		expect("no user time in ten seconds", 0, monotonic() - start > 10000 * MILLISECOND_NS);
		for (i = 0; i < 1000000; i++)
			__asm__ volatile("");
	}
}

static void posix_timer(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 99,
	};
	struct itimerspec when = { .it_value = { 0, 5 * MILLISECOND_NS } };
	timer_t id;

	handle(SIGUSR1, tick, 0);
	block(SIGUSR1);
	expect("timer_create", 0, timer_create(CLOCK_MONOTONIC, &event, &id));
	expect("timer_settime", 0, timer_settime(id, 0, &when, NULL));
	while (!ticks)
		wait_for_signal();
	expect("value", 99, tick_value);
	expect("overruns", 0, timer_getoverrun(id));
	expect("timer_delete", 0, timer_delete(id));
}

static void timer_descriptor(void)
{
	struct itimerspec when = {
		.it_interval = { 0, 3 * MILLISECOND_NS }, .it_value = { 0, 3 * MILLISECOND_NS },
	};
	unsigned long expirations, total = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	expect("timerfd_settime", 0, timerfd_settime(fd, 0, &when, NULL));
	while (total < 4) {
		expect("read", 8, sys(SYS_read, fd, &expirations, 8));
		expect_at_least("expirations", 1, expirations);
		total += expirations;
	}
}

/* Nobody gives way here: the kernel has to take the CPU away from the application. */
static void preempted(void)
{
	volatile int *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int pid = child(), i;

	if (pid == 0) {
		for (i = 0; i < 5; i++) {
			while (*word != 2 * i)
				;
			*word = 2 * i + 1;
		}
		sys(SYS_exit_group, 0);
	}
	for (i = 0; i < 5; i++) {
		while (*word != 2 * i + 1)
			;
		*word = 2 * i + 2;
	}
	expect("wait status", 0, reap(pid));
}

const struct item time_items[] = {
	{ "clocks", clocks_go_forward },
	{ "sleep", sleeps },
	{ "sleep until", sleeps_until },
	{ "interval timer", interval_timer },
	{ "cpu timers", cpu_timers },
	{ "user time", time_is_accounted },
	{ "posix timer", posix_timer },
	{ "timerfd", timer_descriptor },
	{ "preemption", preempted },
	{ NULL, NULL },
};
