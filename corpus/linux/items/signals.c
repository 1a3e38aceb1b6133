/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals: handlers, masks, stacks, restarted calls. */
#include "signals.h"

OWN volatile int calls;
OWN volatile long seen_code, seen_pid, seen_value, seen_stack;
OWN char order[64];

void note(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	calls++;
	seen_code = info->si_code;
	seen_pid = info->si_pid;
	seen_value = info->si_int;
	seen_stack = (long)&context;
}

void signal_information(void)
{
	siginfo_t queued = { .si_code = SI_QUEUE };
	long self = sys(__NR_getpid);

	queued.si_int = 4711;
	handle(SIGUSR1, note, 0);
	send_self(SIGUSR1);
	expect("calls", 1, calls);
	expect("code", SI_USER, seen_code);
	expect("sender", self, seen_pid);
	succeeds("rt_sigqueueinfo", sys(__NR_rt_sigqueueinfo, self, SIGUSR1, &queued));
	expect("calls", 2, calls);
	expect("code", SI_QUEUE, seen_code);
	expect("value", 4711, seen_value);
}

void mark(char c)
{
	order[strlen(order)] = c;
}

void inner(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	mark('i');
}

void outer(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	mark('o');
	send_self(SIGUSR2);
	mark('O');
	if (strlen(order) < 4)
		send_self(signal); /* blocked while its handler runs */
	mark('e');
}

void nested_signals(void)
{
	handle(SIGUSR1, outer, 0);
	handle(SIGUSR2, inner, 0);
	send_self(SIGUSR1);
	expect("order", 0, strcmp(order, "oiOeoiOe"));
}

void blocked_signals(void)
{
	unsigned long pending = 0;

	handle(SIGUSR1, note, 0);
	block(SIGUSR1);
	send_self(SIGUSR1);
	send_self(SIGUSR1);
	expect("calls while blocked", 0, calls);
	succeeds("rt_sigpending", sys(__NR_rt_sigpending, &pending, sizeof(pending)));
	expect("pending", 1UL << (SIGUSR1 - 1), pending);
	unblock(SIGUSR1);
	expect("calls after unblocking", 1, calls);
}

static int within(const void *stack, unsigned long size)
{
	return seen_stack > (long)stack && seen_stack < (long)stack + (long)size;
}

void on_alternate_stack(unsigned char *stack, unsigned long size)
{
	stack_t alternate = { .ss_sp = stack, .ss_size = size }, off = { .ss_flags = SS_DISABLE };
	stack_t found;

	succeeds("sigaltstack", sys(__NR_sigaltstack, &alternate, 0));
	handle(SIGUSR1, note, SA_ONSTACK);
	handle(SIGUSR2, note, 0);
	send_self(SIGUSR1);
	expect("SA_ONSTACK on the alternate stack", 1, within(stack, size));
	send_self(SIGUSR2);
	expect("without it on the alternate stack", 0, within(stack, size));
	succeeds("sigaltstack", sys(__NR_sigaltstack, &off, &found));
	expect("its address", (long)stack, (long)found.ss_sp);
	send_self(SIGUSR1);
	expect("on the alternate stack after it's gone", 0, within(stack, size));
}

void alternate_stack_in_data(void)
{
	static unsigned char stack[16384];

	on_alternate_stack(stack, sizeof(stack));
}

static OWN int restart_pipe[2];

static void feed(int signal, siginfo_t *info, void *context)
{
	note(signal, info, context);
	if (calls == 3)
		sys(__NR_write, restart_pipe[1], "x", 1);
}

void restarted_call(void)
{
	char c = 0;

	succeeds("pipe", sys(__NR_pipe, restart_pipe));
	handle(SIGALRM, feed, SA_RESTART);
	alarm_every(8);
	expect("read with SA_RESTART", 1, sys(__NR_read, restart_pipe[0], &c, 1));
	expect("the byte", 'x', c);
	expect_at_least("calls", 3, calls);
}

void interrupted_call(void)
{
	char c;

	succeeds("pipe", sys(__NR_pipe, restart_pipe));
	handle(SIGALRM, note, 0);
	alarm_every(8);
	expect("read without SA_RESTART", -EINTR, sys(__NR_read, restart_pipe[0], &c, 1));
	expect_at_least("calls", 1, calls);
}

void interrupted_sleep(void)
{
	struct timespec request = { 1000, 0 }, rest = { 0, 0 };

	handle(SIGALRM, note, SA_RESTART);
	alarm_every(8);
	/* A handler interrupts nanosleep whatever its flags are; the rest is what's left. */
	expect("nanosleep", -EINTR, sys(__NR_nanosleep, &request, &rest));
	expect_at_least("what is left, in seconds", 1, rest.tv_sec);
	expect("less is left than was asked for", 1, rest.tv_sec < 1000);
}

void ignored_and_default_signals(void)
{
	int pid;

	succeeds("rt_sigaction", ignore(SIGUSR1));
	send_self(SIGUSR1);
	pid = child();
	if (pid == 0) {
		send_self(SIGUSR2);
		sys(__NR_exit_group, 0);
	}
	expect("wait status", SIGUSR2, reap(pid));
	expect("SIGKILL can't be handled", -EINVAL, ignore(SIGKILL));
}

void signals_of_children(void)
{
	int pid;

	handle(SIGCHLD, note, 0);
	block(SIGCHLD);
	pid = child();
	if (pid == 0)
		sys(__NR_exit_group, 5);
	while (!calls)
		wait_for_signal();
	expect("code", CLD_EXITED, seen_code);
	expect("sender", pid, seen_pid);
	expect("wait status", EXITED(5), reap(pid));
}

void signal_descriptor(void)
{
	struct signalfd_siginfo info;
	unsigned long set = 1UL << (SIGUSR1 - 1);
	int fd;

	block(SIGUSR1);
	fd = succeeds("signalfd", sys(__NR_signalfd4, -1, &set, sizeof(set), 0));
	send_self(SIGUSR1);
	expect("read", sizeof(info), sys(__NR_read, fd, &info, sizeof(info)));
	expect("signal", SIGUSR1, info.ssi_signo);
}
