/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every program of the guests' user space shares: nolibc from the kernel
 * source, system calls by number, lines of text, and the end of the machine.
 */
#ifndef USER_H
#define USER_H

#include "nolibc.h"
#include "../items/line.h"

/* sys(__NR_x, ...) makes the call and returns what the kernel returned, -errno included. */
#define sys(...) sys_padded(__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define sys_padded(number, a, b, c, d, e, f, ...) \
	sys_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/*
 * A function around nolibc's macro, so that a call may be an argument of a call: the
 * macro's arguments live in registers while the next one is computed. Always inline,
 * because the child of a vfork must not return from a function.
 */
static inline __attribute__((always_inline))
long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
	return my_syscall6(number, a, b, c, d, e, f);
}

void say(const char *text);

/* Mounts proc, sysfs, devtmpfs and a tmpfs on /tmp. */
void mount_all(void);

/*
 * Ends the machine: waits until the console has sent everything, writes status
 * to the debug-exit port (QEMU's isa-debug-exit), and powers off if the machine
 * is still there.
 */
void finish(int status) __attribute__((noreturn));

#endif
