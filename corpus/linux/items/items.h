/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two tours have in common: user/tour, the ordinary programs of a stock
 * kernel without a C library, and apps/syscalls, an application with one that runs in ring 0
 * or as an ordinary program. An item is a function that says what it expects. It runs
 * in a process of its own, so that whatever it does to itself is gone afterwards.
 *
 * Each tour has a library.h, by which these sources see its C library, and lists of items: these
 * and its own. The library.h says:
 *
 *	TOUR			how its lines begin
 *	SYSTEM_CALL		the instruction
 *	OWN, OWN_AT		memory that a process has a copy of, and its address in assembly
 *	KNOWN_ERROR_BITS	of a fault's error code
 *	context_registers	a handler's struct sigcontext
 *	KERNEL_STAT, EVENT_DATA	of fstat and epoll
 *	sys(__NR_x, ...)	makes the call and returns what the kernel returned, -errno included
 *	fork_process()		so does this
 */
#ifndef ITEMS_H
#define ITEMS_H

#include "library.h"
#include "line.h"

typedef void item_function(void);

struct item {
	const char *name;
	item_function *run;
};

/* Runs action(argument) in a process of its own, and says how it went. */
void run(const char *name, void (*action)(long), long argument);
/* Runs all items of a list, which ends with one without a name. */
void run_list(const struct item *list);
/* If set, the others aren't run. */
extern const char *only;
/* Says how many passed; the status of the tour. */
int summary(void);

/* Prints the failure and ends the item's process when found isn't expected. */
void expect(const char *what, long expected, long found);
void expect_at_least(const char *what, long least, long found);
#define succeeds(what, call) ({ long r_ = (long)(call); if (r_ < 0 && r_ > -4096) expect(what, 0, r_); r_; })

/* A child process: child() returns 0 in it; reap() waits and returns its wait status. */
int child(void);
int reap(int pid);
#define EXITED(status) ((status) << 8)

/* Installs a handler; ignores a signal, and returns what the kernel said. The tour's own. */
typedef void handler_function(int signal, siginfo_t *info, void *context);
void handle(int signal, handler_function *handler, unsigned long flags);
long ignore(int signal);

void block(int signal);
void unblock(int signal);
/* Waits for a signal with nothing blocked. */
void wait_for_signal(void);
void send_self(int signal);

#define PAGE 4096UL
/* New memory that no page is behind yet. */
void *fresh(unsigned long size);
/* An alternate stack of its own for the process. */
void use_alternate_stack(void);

/* A millisecond, in the units of timespec and timeval. */
#define MILLISECOND_NS 1000000L
#define MILLISECOND_US 1000L
long long monotonic(void);
/* SIGALRM again and again, so that one that comes early does no harm; 0 ends it. */
void alarm_every(long milliseconds);

/* Whether a word is in /proc/self/maps. */
int maps_contain(const char *word);

/* Written and read whole, position by position. */
unsigned char pattern(long position);

/* What processes execute, and the status that says that it got all of this. */
extern char *const witness_arguments[], *const witness_environment[];
enum { WITNESSED = EXITED(77), WITNESSED_SCRIPT = EXITED(78) };

/* Where the tours have the same to expect. */
item_function fork_and_wait, killed_child, exec_of_a_program, exec_of_a_script, brk_grows_and_shrinks;
item_function anonymous_memory, mapped_file, memory_shared_with_a_child, copy_on_write, remapped_memory,
	discarded_memory, runs_code_it_wrote;
item_function stack_grows, stack_overflow;
item_function faults_on_unmapped_memory, faults_on_protected_memory, faults_on_no_address,
	faults_behind_the_end_of_a_file, division_by_zero, undefined_instruction, breakpoint_instruction;
item_function signal_information, nested_signals, blocked_signals, alternate_stack_in_data, interrupted_call,
	interrupted_sleep, restarted_call, ignored_and_default_signals, signals_of_children, signal_descriptor;
item_function registers_behind_a_handler, registers_behind_an_interrupt, registers_changed_by_a_handler,
	registers_behind_other_processes;
item_function clocks_go_forward, sleeps, sleeps_until, interval_timer, cpu_timers, posix_timer, timer_descriptor;
item_function pipe_between_processes, pipe_without_reader, pipe_that_does_not_wait, temporary_files, devices,
	event_counter, event_poll, filtered_calls;
item_function unix_pair, tcp, tcp_refused, udp;

#endif
