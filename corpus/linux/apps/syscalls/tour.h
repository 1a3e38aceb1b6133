/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tour of what a kernel does for an application, the same for one in ring 0
 * and for an ordinary program. An item is a function that says what it expects;
 * it runs in a process of its own.
 *
 * Data and bss of an application in the kernel are shared after fork. What an item
 * changes and the next one must not find is OWN, in thread-local storage, which
 * each process has a copy of; what threads share, an item sets before it uses it.
 */
#ifndef TOUR_H
#define TOUR_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef UKL
#define SYSTEM_CALL "call entry_SYSCALL_64"
#define IN_RING_0 1
#else
#define SYSTEM_CALL "syscall"
#define IN_RING_0 0
#endif

#define OWN _Thread_local

struct item {
	const char *name;
	void (*run)(void);
};

/* Each file of the tour has its list, ended by an item without a name. */
extern const struct item process_items[], memory_items[], stack_items[], fault_items[],
	signal_items[], register_items[], time_items[], thread_items[], file_items[],
	network_items[], trace_items[];

/* The items of pointers.c are a table: one line per argument. */
int pointer_items(int (*run)(const char *name, void (*action)(int), int argument));

/* Prints the failure and ends the item's process when found isn't expected. */
void expect(const char *what, long expected, long found);
void expect_at_least(const char *what, long least, long found);
#define succeeds(what, call) ({ long r_ = (long)(call); if (r_ < 0 && r_ > -4096) expect(what, 0, r_); r_; })

/* sys(SYS_x, ...) makes the call and returns what the kernel returned, -errno included. */
#define sys(...) sys_padded(__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define sys_padded(number, a, b, c, d, e, f, ...) \
	sys_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
long sys_call(long number, long a, long b, long c, long d, long e, long f);

/* A child process: child() returns 0 in it; reap() waits and returns its wait status. */
int child(void);
int reap(int pid);
#define EXITED(status) ((status) << 8)

typedef void handler_function(int signal, siginfo_t *info, void *context);
void handle(int signal, handler_function *handler, int flags);
void block(int signal);
void unblock(int signal);
/* Waits for a signal with nothing blocked. */
void wait_for_signal(void);
void send_self(int signal);

/* An alternate stack of its own for the process. */
void use_alternate_stack(void);

/* What guarded() caught. */
struct caught {
	long signal, code, address;
	long trap, error;
	unsigned long stack;	/* where the handler ran */
};
extern OWN struct caught caught;

/*
 * Calls action(argument). A signal of a fault in it is caught and noted in
 * caught, and guarded returns true; without one it returns false.
 */
int guarded(void (*action)(unsigned long), unsigned long argument);

#define PAGE 4096UL
/* New memory that no page is behind yet. */
void *fresh(unsigned long size);

#define MILLISECOND_NS 1000000L
#define MILLISECOND_US 1000L
long long monotonic(void);
/* SIGALRM again and again, so that one that comes early does no harm. */
void alarm_every(long milliseconds);

#endif
