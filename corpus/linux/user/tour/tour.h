/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tour: one item per thing that a kernel does for its programs. An item is
 * a function that says what it expects; it runs in a process of its own, so
 * that whatever it does to itself is gone afterwards.
 */
#ifndef TOUR_H
#define TOUR_H

#include "../user.h"

#include <linux/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

struct item {
	const char *name;
	void (*run)(void);
};

/* Each file of the tour has its list, ended by an item without a name. */
extern const struct item process_items[], memory_items[], fault_items[], signal_items[],
	register_items[], time_items[], thread_items[], file_items[], network_items[],
	trace_items[];

/* Prints the failure and ends the item's process when found isn't expected. */
void expect(const char *what, long expected, long found);
void expect_at_least(const char *what, long least, long found);
#define succeeds(what, call) ({ long r_ = (call); if (r_ < 0) expect(what, 0, r_); r_; })

/* A child process: child() returns 0 in it; reap() waits and returns its wait status. */
int child(void);
int reap(int pid);
#define EXITED(status) ((status) << 8)

/* Installs a handler as the C library would, sa_restorer included. */
typedef void handler_function(int signal, siginfo_t *info, struct ucontext *context);
void handle(int signal, handler_function *handler, unsigned long flags);
void block(int signal);
void unblock(int signal);
/* The same, waiting for a signal with nothing blocked. */
void wait_for_signal(void);
void send_self(int signal);

/* What guarded() caught. */
struct caught {
	long signal, code, address;
	long trap, error, cr2;
};
extern struct caught caught;

/*
 * Calls action(argument). A signal of a fault in it is caught and noted in
 * caught, and guarded returns true; without one it returns false.
 */
int guarded(void (*action)(unsigned long), unsigned long argument);

/* A millisecond, in the units of timespec and timeval. */
#define MILLISECOND_NS 1000000L
#define MILLISECOND_US 1000L
long long monotonic(void);

/* What CPUID says. */
struct cpuid {
	unsigned int eax, ebx, ecx, edx;
};
struct cpuid cpuid(unsigned int leaf, unsigned int subleaf);

/* The value of an entry of the auxiliary vector, 0 when it isn't there. */
unsigned long auxiliary(unsigned long type);

#define PAGE 4096UL

#endif
