/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about time. None depends on how fast the machine is. */
#include "tour.h"

#include <sys/resource.h>

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
