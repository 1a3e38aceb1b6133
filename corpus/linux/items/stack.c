/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stack that grows as far as it may. */
#include "faults.h"

__attribute__((noinline)) long deep(long depth)
{
	volatile unsigned char frame[1024];

	frame[0] = depth;
	frame[1023] = depth;
	if (depth == 0)
		return 0;
	return deep(depth - 1) + (frame[0] == frame[1023]);
}

void stack_grows(void)
{
	expect("frames found intact", 2000, deep(2000));
}

static volatile int endless = 1;

void overflow(unsigned long depth)
{
	volatile unsigned char frame[512];

	frame[0] = depth;
	if (endless)
		overflow(depth + frame[0]);
	frame[1] = depth;
}

void stack_overflow(void)
{
	unsigned long limit[2] = { 64 * PAGE, 64 * PAGE }; /* struct rlimit: now, at most */

	succeeds("setrlimit", sys(__NR_setrlimit, 3 /* RLIMIT_STACK */, limit));
	use_alternate_stack();
	expect("caught", 1, guarded(overflow, 0));
	expect("signal", SIGSEGV, caught.signal);
	expect("vector", PF, caught.trap);
}
