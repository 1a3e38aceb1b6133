/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about signals: handlers, masks, stacks, jumps, restarted calls. */
#include "tour.h"
#include "signals.h"

#include <setjmp.h>

static void deeper(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	mark('<');
	if (++calls < 10)
		send_self(signal);
	mark('>');
}

static void within_its_own_handler(void)
{
	handle(SIGUSR1, deeper, SA_NODEFER);
	send_self(SIGUSR1);
	expect("order", 0, strcmp(order, "<<<<<<<<<<>>>>>>>>>>"));
}

/* Several that wait at once are delivered one on top of the other. */
static void several_at_once(void)
{
	handle(SIGUSR1, inner, 0);
	handle(SIGUSR2, outer, 0);
	handle(SIGTERM, note, 0);
	block(SIGUSR1);
	block(SIGTERM);
	send_self(SIGUSR1);
	send_self(SIGTERM);
	expect("calls while blocked", 0, calls);
	wait_for_signal();
	expect("calls", 1, calls);
	expect("order", 0, strcmp(order, "i"));
}

static void alternate_stack(void)
{
	on_alternate_stack(fresh(4 * PAGE), 4 * PAGE);
}

static void try_to_change(int signal, siginfo_t *info, void *context)
{
	stack_t other = { .ss_sp = fresh(4 * PAGE), .ss_size = 4 * PAGE }, current;

	note(signal, info, context);
	expect("sigaltstack", 0, sigaltstack(NULL, &current));
	expect("flags", SS_ONSTACK, current.ss_flags);
	expect("sigaltstack on it", -1, sigaltstack(&other, NULL));
	expect("errno", EPERM, errno);
	if (calls < 3)
		send_self(SIGUSR1); /* nested, on the same stack */
}

static void alternate_stack_in_use(void)
{
	use_alternate_stack();
	handle(SIGUSR1, try_to_change, SA_ONSTACK | SA_NODEFER);
	send_self(SIGUSR1);
	expect("calls", 3, calls);
}

static void restarted_wait(void)
{
	int pid = child(), status = -1;

	if (pid == 0) {
		sys(SYS_nanosleep, (&(struct timespec){ 0, 40 * MILLISECOND_NS }), 0);
		sys(SYS_exit_group, 9);
	}
	handle(SIGALRM, note, SA_RESTART);
	alarm_every(8);
	expect("wait4", pid, sys(SYS_wait4, pid, &status, 0, 0));
	expect("wait status", EXITED(9), status);
	expect_at_least("calls", 1, calls);
}

/* A signal without a handler restarts the sleep by restart_syscall, with what is left. */
static void sleep_across_a_stop(void)
{
	int pid = child(), status;

	if (pid == 0) {
		long long start = monotonic();

		expect("nanosleep", 0, sys(SYS_nanosleep, (&(struct timespec){ 0, 60 * MILLISECOND_NS }), 0));
		expect_at_least("slept", 60 * MILLISECOND_NS, monotonic() - start);
		sys(SYS_exit_group, 6);
	}
	sys(SYS_nanosleep, (&(struct timespec){ 0, 10 * MILLISECOND_NS }), 0);
	succeeds("kill", sys(SYS_kill, pid, SIGSTOP));
	expect("wait4", pid, sys(SYS_wait4, pid, &status, WUNTRACED, 0));
	expect("stopped", (SIGSTOP << 8) | 0x7f, status);
	succeeds("kill", sys(SYS_kill, pid, SIGCONT));
	expect("wait status", EXITED(6), reap(pid));
}

static OWN sigjmp_buf back;

static void jump(int signal, siginfo_t *info, void *context)
{
	note(signal, info, context);
	siglongjmp(back, 3);
}

static void jumped_out_of(void)
{
	volatile int *volatile nowhere = (int *)8;
	volatile int round;

	handle(SIGUSR1, jump, 0);
	handle(SIGSEGV, jump, 0);
	for (round = 0; round < 4; round++) {
		if (sigsetjmp(back, 1) == 0) {
			if (round % 2)
				*nowhere = 1;
			send_self(SIGUSR1);
			expect("came back", 0, 1);
		}
	}
	expect("calls", 4, calls);
}

static void taken_synchronously(void)
{
	struct timespec soon = { 0, 5 * MILLISECOND_NS };
	siginfo_t info;
	sigset_t set;

	block(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	send_self(SIGUSR1);
	expect("sigwaitinfo", SIGUSR1, sigwaitinfo(&set, &info));
	expect("sender", sys(SYS_getpid), info.si_pid);
	expect("sigtimedwait", -1, sigtimedwait(&set, &info, &soon));
	expect("errno", EAGAIN, errno);
}

static unsigned long long step(unsigned long long value, long *rounds)
{
	if (++*rounds % 64 == 0)
		sys(SYS_getpid);
	return (value ^ value >> 29) * 6364136223846793005ULL + *rounds;
}

/* Signals at whatever instruction they come: what is computed meanwhile is as without them. */
static void storm(void)
{
	unsigned long long disturbed = 1, alone = 1;
	long rounds = 0, again = 0;

	handle(SIGALRM, note, SA_RESTART);
	alarm_every(4);
	while (calls < 50)
		disturbed = step(disturbed, &rounds);
	alarm_every(0);
	while (again < rounds)
		alone = step(alone, &again);
	expect("what was computed", alone, disturbed);
}

const struct item signal_items[] = {
	{ "signal information", signal_information },
	{ "nested signals", nested_signals },
	{ "signal within its own handler", within_its_own_handler },
	{ "several signals at once", several_at_once },
	{ "blocked signals", blocked_signals },
	{ "alternate signal stack", alternate_stack },
	{ "alternate signal stack in data", alternate_stack_in_data },
	{ "alternate signal stack in use", alternate_stack_in_use },
	{ "restarted call", restarted_call },
	{ "restarted wait", restarted_wait },
	{ "interrupted call", interrupted_call },
	{ "interrupted sleep", interrupted_sleep },
	{ "sleep across a stop", sleep_across_a_stop },
	{ "ignored and default signals", ignored_and_default_signals },
	{ "signals of children", signals_of_children },
	{ "jump out of a handler", jumped_out_of },
	{ "signals taken synchronously", taken_synchronously },
	{ "signalfd", signal_descriptor },
	{ "storm of signals", storm },
	{ NULL, NULL },
};
