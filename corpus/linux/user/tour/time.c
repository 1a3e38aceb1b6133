/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about time: clocks, sleeps and timers. None depends on how fast the machine is. */
#include "tour.h"

#include <linux/auxvec.h>
#include <linux/elf.h>

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
	{ "cpu timer", cpu_timers },
	{ "posix timer", posix_timer },
	{ "timerfd", timer_descriptor },
	{ "vdso clock", vdso },
	{ NULL, NULL },
};
