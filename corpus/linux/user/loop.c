/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An init that never ends and never makes a call: what limits and time-outs are for. */
#include "user.h"

int main(void)
{
	say("loop: looping");
	for (;;)
		__asm__ volatile("");
}
