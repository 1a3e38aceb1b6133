/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about signals: handlers, masks, stacks, jumps, restarted calls. */
#include "tour.h"

#include <setjmp.h>
#include <sys/signalfd.h>
#include <sys/time.h>

/* The handlers write down here what they see, in order. */
static OWN volatile int calls;
static OWN volatile long seen_code, seen_pid, seen_value, seen_stack;
static OWN char order[64];

static void note(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	calls++;
	seen_code = info->si_code;
	seen_pid = info->si_pid;
	seen_value = info->si_value.sival_int;
	seen_stack = (long)&context;
}

static void carries_information(void)
{
	union sigval value = { .sival_int = 4711 };
	long self = sys(SYS_getpid);

	handle(SIGUSR1, note, 0);
	send_self(SIGUSR1);
	expect("calls", 1, calls);
	expect("code", SI_USER, seen_code);
	expect("sender", self, seen_pid);
	expect("sigqueue", 0, sigqueue(self, SIGUSR1, value));
	expect("calls", 2, calls);
	expect("code", SI_QUEUE, seen_code);
	expect("value", 4711, seen_value);
}

static void mark(char c)
{
	order[strlen(order)] = c;
}

static void inner(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	mark('i');
}

static void outer(int signal, siginfo_t *info, void *context)
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

static void masked(void)
{
	sigset_t pending;

	handle(SIGUSR1, note, 0);
	block(SIGUSR1);
	send_self(SIGUSR1);
	send_self(SIGUSR1);
	expect("calls while blocked", 0, calls);
	expect("sigpending", 0, sigpending(&pending));
	expect("pending", 1, sigismember(&pending, SIGUSR1));
	unblock(SIGUSR1);
	expect("calls after unblocking", 1, calls);
}

static int within(const void *stack, unsigned long size)
{
	return seen_stack > (long)stack && seen_stack < (long)stack + (long)size;
}

static void on_alternate_stack(unsigned char *stack, unsigned long size)
{
	stack_t alternate = { .ss_sp = stack, .ss_size = size }, off = { .ss_flags = SS_DISABLE };
	stack_t found;

	expect("sigaltstack", 0, sigaltstack(&alternate, NULL));
	handle(SIGUSR1, note, SA_ONSTACK);
	handle(SIGUSR2, note, 0);
	send_self(SIGUSR1);
	expect("SA_ONSTACK on the alternate stack", 1, within(stack, size));
	send_self(SIGUSR2);
	expect("without it on the alternate stack", 0, within(stack, size));
	expect("sigaltstack", 0, sigaltstack(&off, &found));
	expect("its address", (long)stack, (long)found.ss_sp);
	send_self(SIGUSR1);
	expect("on the alternate stack after it's gone", 0, within(stack, size));
}

static void alternate_stack(void)
{
	on_alternate_stack(fresh(4 * PAGE), 4 * PAGE);
}

static void alternate_stack_in_data(void)
{
	static unsigned char stack[16384];

	on_alternate_stack(stack, sizeof(stack));
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

static OWN int restart_pipe[2];

static void feed(int signal, siginfo_t *info, void *context)
{
	note(signal, info, context);
	if (calls == 3)
		sys(SYS_write, restart_pipe[1], "x", 1);
}

static void restarted(void)
{
	char c = 0;

	expect("pipe", 0, pipe(restart_pipe));
	handle(SIGALRM, feed, SA_RESTART);
	alarm_every(8);
	expect("read with SA_RESTART", 1, sys(SYS_read, restart_pipe[0], &c, 1));
	expect("the byte", 'x', c);
	expect_at_least("calls", 3, calls);
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

static void interrupted(void)
{
	char c;

	expect("pipe", 0, pipe(restart_pipe));
	handle(SIGALRM, note, 0);
	alarm_every(8);
	expect("read without SA_RESTART", -EINTR, sys(SYS_read, restart_pipe[0], &c, 1));
	expect_at_least("calls", 1, calls);
}

static void interrupted_sleep(void)
{
	struct timespec request = { 1000, 0 }, rest = { 0, 0 };

	handle(SIGALRM, note, SA_RESTART);
	alarm_every(8);
	/* A handler interrupts nanosleep whatever its flags are; the rest is what's left. */
	expect("nanosleep", -EINTR, sys(SYS_nanosleep, &request, &rest));
	expect_at_least("what is left, in seconds", 1, rest.tv_sec);
	expect("less is left than was asked for", 1, rest.tv_sec < 1000);
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

static void ignored_and_default(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int pid;

	expect("sigaction", 0, sigaction(SIGUSR1, &ignore, NULL));
	send_self(SIGUSR1);
	pid = child();
	if (pid == 0) {
		send_self(SIGUSR2);
		sys(SYS_exit_group, 0);
	}
	expect("wait status", SIGUSR2, reap(pid));
	expect("SIGKILL can't be handled", -1, sigaction(SIGKILL, &ignore, NULL));
}

static void of_children(void)
{
	int pid;

	handle(SIGCHLD, note, 0);
	block(SIGCHLD);
	pid = child();
	if (pid == 0)
		sys(SYS_exit_group, 5);
	while (!calls)
		wait_for_signal();
	expect("code", CLD_EXITED, seen_code);
	expect("sender", pid, seen_pid);
	expect("wait status", EXITED(5), reap(pid));
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

static void by_descriptor(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	block(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	fd = signalfd(-1, &set, 0);
	send_self(SIGUSR1);
	expect("read", sizeof(info), sys(SYS_read, fd, &info, sizeof(info)));
	expect("signal", SIGUSR1, info.ssi_signo);
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
	{ "signal information", carries_information },
	{ "nested signals", nested },
	{ "signal within its own handler", within_its_own_handler },
	{ "several signals at once", several_at_once },
	{ "blocked signals", masked },
	{ "alternate signal stack", alternate_stack },
	{ "alternate signal stack in data", alternate_stack_in_data },
	{ "alternate signal stack in use", alternate_stack_in_use },
	{ "restarted call", restarted },
	{ "restarted wait", restarted_wait },
	{ "interrupted call", interrupted },
	{ "interrupted sleep", interrupted_sleep },
	{ "sleep across a stop", sleep_across_a_stop },
	{ "ignored and default signals", ignored_and_default },
	{ "signals of children", of_children },
	{ "jump out of a handler", jumped_out_of },
	{ "signals taken synchronously", taken_synchronously },
	{ "signalfd", by_descriptor },
	{ "storm of signals", storm },
	{ NULL, NULL },
};
