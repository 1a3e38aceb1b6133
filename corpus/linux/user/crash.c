/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An init that exits, which the kernel answers with a panic. */
#include "user.h"

int main(void)
{
	say("crash: init exits");
	sys(__NR_ioctl, 1, 0x5409 /* TCSBRK */, 1);
	return 42;
}
