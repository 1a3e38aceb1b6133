/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The items as ordinary programs of a stock kernel: nolibc and the kernel's own headers. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include "../user.h"

#include <asm/sigcontext.h>
#include <asm/socket.h>
#include <asm/ucontext.h>
#include <linux/eventpoll.h>
#include <linux/filter.h>
#include <linux/in.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include <linux/signalfd.h>
#include <linux/time.h>

#define TOUR "tour"
#define SYSTEM_CALL "syscall"
/* Each process has a copy of its data. */
#define OWN
#define OWN_AT(place) place "(%rip)"
#define KNOWN_ERROR_BITS ~0L

#define context_registers(context) (&((struct ucontext *)(context))->uc_mcontext)
#define KERNEL_STAT struct sys_stat_struct
#define EVENT_DATA(event) (event).data

/* What the headers for a C library have. */
#define AF_UNIX 1
#define AF_INET 2
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SHUT_WR 1

static inline long fork_process(void)
{
	return sys(__NR_fork);
}

#endif
