/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about time: clocks, sleeps and timers. None depends on how fast the machine is. */
#include "tour.h"

#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/time.h>

static volatile int ticks;
static volatile long tick_value;

static void tick(int signal, siginfo_t *info, struct ucontext *context)
{
	(void)signal;
	(void)context;
	ticks++;
	tick_value = info->si_int;
}

static void clocks_go_forward(void)
{
	long long last = monotonic();
	struct timespec first, second;
	int i;

	for (i = 0; i < 2000; i++) {
		long long now = monotonic();

		expect_at_least("the monotonic clock", last, now);
		last = now;
	}
	succeeds("clock_gettime", sys(__NR_clock_gettime, CLOCK_REALTIME, &first));
	succeeds("clock_gettime", sys(__NR_clock_gettime, CLOCK_REALTIME, &second));
	expect_at_least("the date", first.tv_sec * 1000000000 + first.tv_nsec,
			second.tv_sec * 1000000000 + second.tv_nsec);
}

static void sleeps(void)
{
	struct timespec request = { 0, 15 * MILLISECOND_NS };
	long long start = monotonic();

	expect("nanosleep", 0, sys(__NR_nanosleep, &request, 0));
	expect_at_least("slept", 15 * MILLISECOND_NS, monotonic() - start);
}

static void sleeps_until(void)
{
	struct timespec when;
	long long target = monotonic() + 5 * MILLISECOND_NS;

	when.tv_sec = target / 1000000000;
	when.tv_nsec = target % 1000000000;
	expect("clock_nanosleep", 0, sys(__NR_clock_nanosleep, CLOCK_MONOTONIC,
		1 /* TIMER_ABSTIME */, &when, 0));
	expect_at_least("woke at", target, monotonic());
}

static void interval_timer(void)
{
	struct itimerval timer = {
		.it_interval = { 0, 4 * MILLISECOND_US }, .it_value = { 0, 4 * MILLISECOND_US },
	};
	long long start = monotonic();

	handle(SIGALRM, tick, 0);
	block(SIGALRM);
	succeeds("setitimer", sys(__NR_setitimer, ITIMER_REAL, &timer, 0));
	while (ticks < 5)
		wait_for_signal();
	expect_at_least("five intervals", 5 * 4 * MILLISECOND_NS, monotonic() - start);
}

static void cpu_timer(void)
{
	struct itimerval timer = { .it_value = { 0, 6 * MILLISECOND_US } };

	handle(SIGVTALRM, tick, 0);
	succeeds("setitimer", sys(__NR_setitimer, ITIMER_VIRTUAL, &timer, 0));
	while (!ticks)
		;
	expect("ticks", 1, ticks);
}

static void posix_timer(void)
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

static void timer_descriptor(void)
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

typedef long clock_function(int clock, struct timespec *now);

/* Finds __vdso_clock_gettime by the image's dynamic symbols. */
static clock_function *vdso_clock(void)
{
	unsigned long image = auxiliary(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
	const Elf64_Shdr *section = (const Elf64_Shdr *)(image + header->e_shoff);
	int i;

	for (i = 0; i < header->e_shnum; i++) {
		const Elf64_Sym *symbol, *end;
		const char *names;

		if (section[i].sh_type != SHT_DYNSYM)
			continue;
		symbol = (const Elf64_Sym *)(image + section[i].sh_offset);
		end = symbol + section[i].sh_size / sizeof(*symbol);
		names = (const char *)(image + section[section[i].sh_link].sh_offset);
		for (; symbol < end; symbol++)
			if (strcmp(names + symbol->st_name, "__vdso_clock_gettime") == 0)
				return (clock_function *)(image + symbol->st_value);
	}
	return NULL;
}

static void vdso(void)
{
	clock_function *clock;
	int i;

	expect("there is a vdso", 1, auxiliary(AT_SYSINFO_EHDR) != 0);
	clock = vdso_clock();
	expect("it has a clock", 1, clock != NULL);
	for (i = 0; i < 200; i++) {
		long long before = monotonic(), between;
		struct timespec now;

		expect("clock_gettime", 0, clock(CLOCK_MONOTONIC, &now));
		between = now.tv_sec * 1000000000LL + now.tv_nsec;
		expect_at_least("behind the system call before", before, between);
		expect_at_least("not behind the system call after", between, monotonic());
	}
}

const struct item time_items[] = {
	{ "clocks", clocks_go_forward },
	{ "sleep", sleeps },
	{ "sleep until", sleeps_until },
	{ "interval timer", interval_timer },
	{ "cpu timer", cpu_timer },
	{ "posix timer", posix_timer },
	{ "timerfd", timer_descriptor },
	{ "vdso clock", vdso },
	{ NULL, NULL },
};
