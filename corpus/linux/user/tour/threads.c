/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about threads: clone with TLS, and locks by futex. */
#include "tour.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/sched.h>

#define STACK 16384

/* FS points here; the first word points to itself, as the ABI has it. */
struct thread {
	struct thread *self;
	void (*run)(struct thread *);
	int id, joined;
	long result;
	unsigned char *stack;
};

static struct thread threads[4];

/* clone() on a new stack whose top holds the thread: rdi flags, rsi stack, rdx and r10 &joined, r8 TLS. */
long clone_thread(unsigned long flags, void *stack, int *set, int *clear, void *tls);
__asm__(".text\n"
	".global clone_thread\n"
	".type clone_thread, @function\n"
	"clone_thread:\n"
	"	mov $56, %eax\n" /* __NR_clone */
	"	mov %rcx, %r10\n"
	"	syscall\n"
	"	test %rax, %rax\n"
	"	jnz 1f\n"
	"	xor %ebp, %ebp\n"
	"	mov %fs:0, %rdi\n"
	"	call *8(%rdi)\n"
	"	mov $60, %eax\n" /* __NR_exit, of this thread alone */
	"	xor %edi, %edi\n"
	"	syscall\n"
	"1:	ret\n"
	".size clone_thread, . - clone_thread\n");

static void futex_wait(volatile int *word, int value)
{
	sys(__NR_futex, word, FUTEX_WAIT, value, 0);
}

static void futex_wake(volatile int *word, int number)
{
	sys(__NR_futex, word, FUTEX_WAKE, number);
}

static void start(struct thread *thread, int id, void (*run)(struct thread *))
{
	thread->self = thread;
	thread->run = run;
	thread->id = id;
	thread->joined = 1;
	thread->stack = (unsigned char *)succeeds("mmap", sys(__NR_mmap, 0, STACK,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	succeeds("clone", clone_thread(
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
		CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
		thread->stack + STACK, &thread->joined, &thread->joined, thread));
}

/* The kernel clears joined and wakes the futex there when the thread ends. */
static void join(struct thread *thread)
{
	int id;

	while ((id = *(volatile int *)&thread->joined) != 0)
		futex_wait(&thread->joined, id);
	succeeds("munmap", sys(__NR_munmap, thread->stack, STACK));
}

static struct thread *self(void)
{
	struct thread *thread;

	__asm__ volatile("mov %%fs:0, %0" : "=r"(thread));
	return thread;
}

static void store_identity(struct thread *thread)
{
	int i;

	for (i = 0; i < 20; i++) {
		if (self() != thread)
			return;
		sys(__NR_sched_yield);
	}
	thread->result = 100 + self()->id;
}

static void local_storage(void)
{
	int i;

	for (i = 0; i < 4; i++)
		start(&threads[i], i, store_identity);
	for (i = 0; i < 4; i++) {
		join(&threads[i]);
		expect("what the thread found", 100 + i, threads[i].result);
	}
}

/* The mutex of Drepper's "Futexes are tricky": 0 free, 1 held, 2 held and waited for. */
static volatile int mutex;
static volatile long counter;

static void lock(void)
{
	int c = __sync_val_compare_and_swap(&mutex, 0, 1);

	if (c == 0)
		return;
	if (c != 2)
		c = __atomic_exchange_n(&mutex, 2, __ATOMIC_SEQ_CST);
	while (c != 0) {
		futex_wait(&mutex, 2);
		c = __atomic_exchange_n(&mutex, 2, __ATOMIC_SEQ_CST);
	}
}

static void unlock(void)
{
	if (__sync_fetch_and_sub(&mutex, 1) != 1) {
		mutex = 0;
		futex_wake(&mutex, 1);
	}
}

static void count(struct thread *thread)
{
	int i;

	(void)thread;
	for (i = 0; i < 500; i++) {
		long value;

		lock();
		value = counter;
		if (i % 16 == 0)
			sys(__NR_sched_yield); /* with the lock held: the others must wait */
		counter = value + 1;
		unlock();
	}
}

static void mutual_exclusion(void)
{
	int i;

	for (i = 0; i < 4; i++)
		start(&threads[i], i, count);
	for (i = 0; i < 4; i++)
		join(&threads[i]);
	expect("counted", 2000, counter);
}

static volatile int turn;
static volatile long exchanged;

static void pong(struct thread *thread)
{
	(void)thread;
	while (exchanged < 200) {
		while (turn == 0)
			futex_wait(&turn, 0);
		exchanged++;
		turn = 0;
		futex_wake(&turn, 1);
	}
}

static void condition(void)
{
	start(&threads[0], 0, pong);
	while (exchanged < 200) {
		turn = 1;
		futex_wake(&turn, 1);
		while (turn == 1)
			futex_wait(&turn, 1);
	}
	join(&threads[0]);
	expect("rounds", 200, exchanged);
}

static void wait_times_out(void)
{
	struct timespec timeout = { 0, 5 * MILLISECOND_NS };
	int word = 1;

	expect("another value", -EAGAIN, sys(__NR_futex, &word, FUTEX_WAIT, 2, 0));
	expect("no one wakes", -ETIMEDOUT, sys(__NR_futex, &word, FUTEX_WAIT, 1, &timeout));
}

static volatile int handled_by;
static volatile int ready;

static void note_thread(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	handled_by = sys(__NR_gettid);
}

static void wait_to_be_signalled(struct thread *thread)
{
	thread->result = sys(__NR_gettid);
	ready = 1;
	futex_wake(&ready, 1);
	while (!handled_by)
		sys(__NR_sched_yield);
}

static void signal_to_a_thread(void)
{
	handle(SIGUSR1, note_thread, 0);
	start(&threads[0], 0, wait_to_be_signalled);
	while (!ready)
		futex_wait(&ready, 0);
	succeeds("tgkill", sys(__NR_tgkill, sys(__NR_getpid), threads[0].result, SIGUSR1));
	join(&threads[0]);
	expect("the thread that handled it", threads[0].result, handled_by);
}

static void barrier(void)
{
	long commands = succeeds("membarrier", sys(__NR_membarrier, MEMBARRIER_CMD_QUERY, 0, 0));

	expect_at_least("commands", MEMBARRIER_CMD_GLOBAL, commands);
	expect("register", 0, sys(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
	expect("barrier", 0, sys(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
}

const struct item thread_items[] = {
	{ "thread-local storage", local_storage },
	{ "mutex by futex", mutual_exclusion },
	{ "condition by futex", condition },
	{ "futex timeout", wait_times_out },
	{ "signal to a thread", signal_to_a_thread },
	{ "membarrier", barrier },
	{ NULL, NULL },
};
