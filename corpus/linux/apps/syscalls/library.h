/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The items in an application with a C library, in ring 0 or as an ordinary program. */
#ifndef LIBRARY_H
#define LIBRARY_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "system_call.h"

#define TOUR "syscalls"

/*
 * Data and bss of an application in the kernel are shared after fork. What an item
 * changes and the next one must not find is OWN, in thread-local storage, which
 * each process has a copy of; what threads share, an item sets before it uses it.
 */
#define OWN _Thread_local
#define OWN_AT(place) "%fs:" place "@tpoff"
/* All but whose fault it was: in ring 0 the CPU says the supervisor's. */
#define KNOWN_ERROR_BITS ~4L

#define KERNEL_STAT struct stat
#define EVENT_DATA(event) (event).data.u64

#define sys(...) sys_padded(__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define sys_padded(number, a, b, c, d, e, f, ...) \
	system_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* A mcontext_t is a struct sigcontext, as the kernel writes it. */
static inline struct sigcontext *context_registers(void *context)
{
	return (void *)&((ucontext_t *)context)->uc_mcontext;
}

static inline long fork_process(void)
{
	int pid = fork();

	return pid < 0 ? -errno : pid;
}

#endif
