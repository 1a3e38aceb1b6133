/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For a host with a watch: what the guest's own clock says is no time where it
 * counts instructions. The first line of each pair is out before the first call is made;
 * the time until the second begins to come is that of the calls.
 */
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include "null.h"

/* Waits until all is sent, as tcdrain does. */
static void sent(void)
{
	fflush(stdout);
	ioctl(1, TCSBRK, 1);
}

static void watch(const struct call *call, const char *how)
{
	no_pages();
	printf("watch: %d of %s by %s\n", call->enough, call->name, how);
	sent();
	call->make(call->enough);
	printf("watch: done\n");
	sent();
}

void watched(const struct call *calls, int kinds, const char *how, int rounds)
{
	int kind, i;

	for (i = 0; i < rounds; i++)
		for (kind = 0; kind < kinds; kind++)
			watch(&calls[kind], how);
}
