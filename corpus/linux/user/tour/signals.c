/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about signals: handlers, masks, stacks, restarted calls. */
#include "tour.h"

#include <linux/signalfd.h>
#include <linux/time.h>

/* The handlers write down here what they see, in order. */
static volatile int calls;
static volatile long seen_code, seen_pid, seen_value, seen_stack;
static char order[16];

static void note(int signal, siginfo_t *info, struct ucontext *context)
{
	(void)signal;
	(void)context;
	calls++;
	seen_code = info->si_code;
	seen_pid = info->si_pid;
	seen_value = info->si_int;
	seen_stack = (long)&context;
}

static void carries_information(void)
{
	siginfo_t queued = { .si_code = SI_QUEUE, .si_int = 4711 };
	long self = sys(__NR_getpid);

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

static void mark(char c)
{
	order[strlen(order)] = c;
}

static void inner(int signal, siginfo_t *info, struct ucontext *context)
{
	(void)signal;
	(void)info;
	(void)context;
	mark('i');
}

static void outer(int signal, siginfo_t *info, struct ucontext *context)
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

static void nested(void)
{
	handle(SIGUSR1, outer, 0);
	handle(SIGUSR2, inner, 0);
	send_self(SIGUSR1);
	expect("order", 0, strcmp(order, "oiOeoiOe"));
}

static void masked(void)
{
	sigset_t pending = 0;

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

static void alternate_stack(void)
{
	static unsigned char stack[16384];
	struct sigaltstack alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };

	succeeds("sigaltstack", sys(__NR_sigaltstack, &alternate, 0));
	handle(SIGUSR1, note, SA_ONSTACK);
	handle(SIGUSR2, note, 0);
	send_self(SIGUSR1);
	expect("SA_ONSTACK on the alternate stack", 1,
	       seen_stack > (long)stack && seen_stack < (long)stack + (long)sizeof(stack));
	send_self(SIGUSR2);
	expect("without it on the alternate stack", 0,
	       seen_stack > (long)stack && seen_stack < (long)stack + (long)sizeof(stack));
}

static int restart_pipe[2];

static void feed(int signal, siginfo_t *info, struct ucontext *context)
{
	note(signal, info, context);
	sys(__NR_write, restart_pipe[1], "x", 1);
}

/* Again and again: the first may come before the call that it should interrupt. */
static void alarm_every(long milliseconds)
{
	struct itimerval timer = {
		.it_interval = { 0, milliseconds * MILLISECOND_US },
		.it_value = { 0, milliseconds * MILLISECOND_US },
	};

	succeeds("setitimer", sys(__NR_setitimer, ITIMER_REAL, &timer, 0));
}

static void restarted(void)
{
	char c = 0;

	succeeds("pipe", sys(__NR_pipe, restart_pipe));
	handle(SIGALRM, feed, SA_RESTART);
	alarm_every(10);
	expect("read with SA_RESTART", 1, sys(__NR_read, restart_pipe[0], &c, 1));
	expect("the byte", 'x', c);
	expect_at_least("calls", 1, calls);
}

static void interrupted(void)
{
	char c;

	succeeds("pipe", sys(__NR_pipe, restart_pipe));
	handle(SIGALRM, note, 0);
	alarm_every(10);
	expect("read without SA_RESTART", -EINTR, sys(__NR_read, restart_pipe[0], &c, 1));
	expect_at_least("calls", 1, calls);
}

static void interrupted_sleep(void)
{
	struct timespec request = { 1000, 0 }, rest = { 0, 0 };

	handle(SIGALRM, note, SA_RESTART);
	alarm_every(10);
	/* A handler interrupts nanosleep whatever its flags are; the rest is what's left. */
	expect("nanosleep", -EINTR, sys(__NR_nanosleep, &request, &rest));
	expect_at_least("what is left, in seconds", 1, rest.tv_sec);
	expect("less is left than was asked for", 1, rest.tv_sec < 1000);
}

static void ignored_and_default(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int pid;

	succeeds("rt_sigaction", sys(__NR_rt_sigaction, SIGUSR1, &ignore, 0, sizeof(sigset_t)));
	send_self(SIGUSR1);
	pid = child();
	if (pid == 0) {
		send_self(SIGUSR2);
		sys(__NR_exit_group, 0);
	}
	expect("wait status", SIGUSR2, reap(pid));
	expect("SIGKILL can't be handled", -EINVAL,
	       sys(__NR_rt_sigaction, SIGKILL, &ignore, 0, sizeof(sigset_t)));
}

static void of_children(void)
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

static void stop_and_continue(void)
{
	int pid = child(), status = 0;

	if (pid == 0) {
		send_self(SIGSTOP);
		sys(__NR_exit_group, 6);
	}
	expect("wait4", pid, sys(__NR_wait4, pid, &status, 2 /* WUNTRACED */, 0));
	expect("stopped", (SIGSTOP << 8) | 0x7f, status);
	succeeds("kill", sys(__NR_kill, pid, SIGCONT));
	expect("wait status", EXITED(6), reap(pid));
}

static void by_descriptor(void)
{
	struct signalfd_siginfo info;
	sigset_t set = 1UL << (SIGUSR1 - 1);
	int fd;

	block(SIGUSR1);
	fd = succeeds("signalfd", sys(__NR_signalfd4, -1, &set, sizeof(set), 0));
	send_self(SIGUSR1);
	expect("read", sizeof(info), sys(__NR_read, fd, &info, sizeof(info)));
	expect("signal", SIGUSR1, info.ssi_signo);
}

const struct item signal_items[] = {
	{ "signal information", carries_information },
	{ "nested signals", nested },
	{ "blocked signals", masked },
	{ "alternate signal stack", alternate_stack },
	{ "restarted call", restarted },
	{ "interrupted call", interrupted },
	{ "interrupted sleep", interrupted_sleep },
	{ "ignored and default signals", ignored_and_default },
	{ "signals of children", of_children },
	{ "stop and continue", stop_and_continue },
	{ "signalfd", by_descriptor },
	{ NULL, NULL },
};
