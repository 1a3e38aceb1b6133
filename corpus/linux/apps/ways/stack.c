/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls on the application's own stack: threads whose stacks are in bss,
 * which for an application in the kernel image is memory that is there in every
 * address space.
 */
#include "ways.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>

#define STACK (256 << 10)

static _Alignas(4096) char stacks[2][STACK];

/* Kernels without the option refuse. */
static int use_stack(char *stack)
{
	stack_t area = { .ss_sp = stack, .ss_size = STACK };
	long result = sys(SYS_arch_prctl, ARCH_UKL_SET_STACK, &area);

	if (result != -EINVAL)
		expect("arch_prctl", 0, result);
	return result == 0;
}

static pthread_t thread_on(int number, void *(*run)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	expect("a stack", 0, pthread_attr_setstack(&attributes, stacks[number], STACK));
	expect("pthread_create", 0, pthread_create(&thread, &attributes, run, argument));
	return thread;
}

static void join(pthread_t thread)
{
	void *result = NULL;

	expect("pthread_join", 0, pthread_join(thread, &result));
	expect("its result", 1, (long)result);
}

#define DONE ((void *)1)

static int there[2], back[2];

static void make_pipes(void)
{
	expect("pipe", 0, pipe(there));
	expect("pipe", 0, pipe(back));
}

/* Adds 1 to each byte that comes, and sends it back. */
static int echo_process(int rounds)
{
	int pid = child();
	char byte;

	if (pid != 0)
		return pid;
	while (rounds--) {
		sys(SYS_read, there[0], &byte, 1);
		byte++;
		sys(SYS_write, back[1], &byte, 1);
	}
	sys(SYS_exit_group, 0);
	return 0;
}

/*
 * While the thread waits, its entry in the queue of the pipe is on its stack. The
 * other process walks that queue, in another address space.
 */
static void *exchange(void *rounds)
{
	long i;

	use_stack(stacks[0]);
	for (i = 0; i < (long)rounds; i++) {
		struct pollfd poll = { .fd = back[0], .events = POLLIN };
		char byte = i;

		expect("write", 1, sys(SYS_write, there[1], &byte, 1));
		if (i % 2)
			expect("poll", 1, sys(SYS_poll, &poll, 1, 5000));
		expect("read", 1, sys(SYS_read, back[0], &byte, 1));
		expect("the byte", (char)(i + 1), byte);
	}
	return DONE;
}

static void another_process(void)
{
	int pid;

	make_pipes();
	pid = echo_process(300);
	join(thread_on(0, exchange, (void *)300));
	reap("the other process", 0, pid);
}

static pthread_mutex_t mutex;
static pthread_cond_t condition;
static int turn;

static void *take_turns(void *number)
{
	int me = (long)number, i;

	use_stack(stacks[me]);
	for (i = 0; i < 200; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % 2 != me)
			pthread_cond_wait(&condition, &mutex);
		turn++;
		pthread_cond_signal(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return DONE;
}

static void two_threads(void)
{
	pthread_t first, second;

	turn = 0;
	pthread_mutex_init(&mutex, NULL);
	pthread_cond_init(&condition, NULL);
	first = thread_on(0, take_turns, (void *)0);
	second = thread_on(1, take_turns, (void *)1);
	join(first);
	join(second);
	expect("turns", 400, turn);
}

/* One thread after another: its stack is the next one's as soon as it has ended. */
static void *end_at_once(void *unused)
{
	(void)unused;
	use_stack(stacks[0]);
	return DONE;
}

static void ends(void)
{
	int i;

	for (i = 0; i < 50; i++)
		join(thread_on(0, end_at_once, NULL));
}

static volatile int caught;

static void count(int signal)
{
	(void)signal;
	/* A call of its own, below the one that the signal came in. */
	if (sys(SYS_getpid) > 0)
		caught++;
}

static void *be_interrupted(void *unused)
{
	char byte = 0;
	int i;

	(void)unused;
	use_stack(stacks[0]);
	handle(SIGALRM, count, 0);
	alarm_in(20);
	expect("a read that a signal ends", -EINTR, sys(SYS_read, back[0], &byte, 1));
	handle(SIGALRM, count, SA_RESTART);
	expect("to the other process", 1, sys(SYS_write, there[1], &byte, 1));
	expect("from there", 1, sys(SYS_read, back[0], &byte, 1));
	for (i = 0; i < 3; i++) {
		alarm_in(10);
		nap(30);
	}
	sys(SYS_kill, sys(SYS_getpid), SIGALRM);
	return DONE;
}

static void signals(void)
{
	sigset_t set;
	int pid;

	caught = 0;
	make_pipes();
	pid = echo_process(1);
	/* For the thread only. */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_t thread = thread_on(0, be_interrupted, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	join(thread);
	expect("caught", 5, caught);
	reap("the other process", 0, pid);
}

/* The child is on its parent's stack: what the kernel does for the parent is elsewhere. */
static void *vfork_there(void *unused)
{
	int i, pid;

	(void)unused;
	use_stack(stacks[0]);
	for (i = 0; i < 50; i++) {
		pid = vfork();
		if (pid == 0) {
			execve("/nowhere", NULL, NULL);
			_exit(i);
		}
		reap("a child of vfork", EXITED(i), pid);
	}
	return DONE;
}

static void vforks(void)
{
	join(thread_on(0, vfork_there, NULL));
}

/* What reaches below RSP there would reach what the kernel is working with. */
static void *point_below(void *unused)
{
	int own = use_stack(stacks[0]), zero = open("/proc/self/status", O_RDONLY);
	struct iovec vector = { .iov_len = 64 };
	char here[64], *below;

	(void)unused;
	__asm__ volatile("lea -2048(%%rsp), %0" : "=r"(below));
	vector.iov_base = below;
	succeeds("open", zero);
	expect("read below RSP", own ? -EFAULT : 64, sys(SYS_read, zero, below, 64));
	expect("readv below RSP", own ? -EFAULT : 64, sys(SYS_readv, zero, &vector, 1));
	expect("a small result below RSP", own ? -EFAULT : 0, sys(SYS_getresuid, below, below + 8, below + 16));
	expect("a path below RSP", own ? -EFAULT : -ENOENT, (memset(below, 'x', 8), sys(SYS_access, below, 0)));
	expect("read above RSP", 64, sys(SYS_read, zero, here, 64));
	expect("a small result above RSP", 0, sys(SYS_getresuid, here, here + 8, here + 16));
	close(zero);
	return DONE;
}

static void below(void)
{
	join(thread_on(0, point_below, NULL));
}

/* Not in the image, not all of it, not to be written: refused with and without the option. */
static void bad_areas(void)
{
	char here[STACK / 8];
	stack_t bad[] = {
		{ .ss_sp = here, .ss_size = sizeof(here) },
		{ .ss_sp = (void *)bad_areas, .ss_size = 64 },
		{ .ss_sp = stacks, .ss_size = 1UL << 40 },
		{ .ss_sp = (void *)-4096UL, .ss_size = 8192 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect("a bad area", -EINVAL, sys(SYS_arch_prctl, ARCH_UKL_SET_STACK, &bad[i]));
}

/* exit_group while the other thread waits on its stack: it ends there, too. */
static void *wait_for_ever(void *unused)
{
	char byte;

	use_stack(stacks[1]);
	sys(SYS_write, back[1], "x", 1);
	sys(SYS_read, there[0], &byte, 1);
	return unused;
}

static void killed(void)
{
	int i, pid;
	char byte;

	make_pipes();
	for (i = 0; i < 10; i++) {
		pid = child();
		if (pid == 0) {
			thread_on(1, wait_for_ever, NULL);
			sys(SYS_read, back[0], &byte, 1);
			nap(2);
			sys(SYS_exit_group, i);
		}
		reap("the process", EXITED(i), pid);
	}
}

const struct item stack_items[] = {
	{ "own stack: woken by another process", another_process },
	{ "own stack: two threads", two_threads },
	{ "own stack: ends of threads", ends },
	{ "own stack: signals", signals },
	{ "own stack: vfork", vforks },
	{ "own stack: pointers below RSP", below },
	{ "own stack: bad areas", bad_areas },
	{ "own stack: killed while it waits", killed },
	{ NULL, NULL },
};
