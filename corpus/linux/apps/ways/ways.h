/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the options change that give system calls another way: short ones
 * (CONFIG_UKL_BYPASS), on the application's stack (CONFIG_UKL_SAME_STACK), functions
 * of the kernel (CONFIG_UKL_SHORTCUT). Nothing that an application could see: without
 * the options, and as an ordinary program, the same is expected and said.
 */
#ifndef WAYS_H
#define WAYS_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef UKL
#define SYSTEM_CALL "call entry_SYSCALL_64"
#else
#define SYSTEM_CALL "syscall"
#endif

/* arch/x86/include/uapi/asm/prctl.h of a UKL kernel */
#define ARCH_UKL_SET_BYPASS 0x7001
#define ARCH_UKL_SET_STACK 0x7002

struct item {
	const char *name;
	void (*run)(void);
};

/* Each ended by an item without a name. */
extern const struct item bypass_items[], stack_items[], shortcut_items[];

/* Says so and ends the item's process when found isn't expected. */
void expect(const char *what, long expected, long found);
#define succeeds(what, call) ({ long r_ = (long)(call); if (r_ < 0 && r_ > -4096) expect(what, 0, r_); r_; })

#define sys(...) sys_padded(__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define sys_padded(number, a, b, c, d, e, f, ...) \
	sys_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
long sys_call(long number, long a, long b, long c, long d, long e, long f);

int child(void);
void reap(const char *what, int expected, int pid);
#define EXITED(status) ((status) << 8)

void handle(int signal, void (*handler)(int), int flags);
void nap(long milliseconds);
/* One SIGALRM, after a while. */
void alarm_in(long milliseconds);
long long milliseconds(void);

/* From now on the call with this number is -EPERM, and no other. */
void forbid(int number);

#endif
