/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about threads: storage, locks, signals, cancellation, ends. */
#include "tour.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#define THREADS 4

static _Thread_local long own_zero;
static _Thread_local long own_value = 1000;
static _Thread_local struct {
	_Alignas(64) char bytes[64];
} own_aligned = { "aligned" };

static pthread_t start(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	expect("pthread_create", 0, pthread_create(&thread, NULL, run, argument));
	return thread;
}

static long join(pthread_t thread)
{
	void *result = NULL;

	expect("pthread_join", 0, pthread_join(thread, &result));
	return (long)result;
}

static void *use_storage(void *number)
{
	int i;

	if (own_zero != 0 || own_value != 1000 || strcmp(own_aligned.bytes, "aligned") != 0)
		return (void *)-1;
	if ((unsigned long)&own_aligned & 63)
		return (void *)-2;
	for (i = 0; i < 20; i++) {
		own_zero += (long)number;
		own_value++;
		sched_yield();
	}
	return (void *)(own_value + own_zero);
}

static void local_storage(void)
{
	pthread_t threads[THREADS];
	long i;

	for (i = 0; i < THREADS; i++)
		threads[i] = start(use_storage, (void *)i);
	for (i = 0; i < THREADS; i++)
		expect("what the thread found", 1020 + 20 * i, join(threads[i]));
	expect("the first thread's", 1000, own_value + own_zero);
}

static pthread_mutex_t mutex;
static pthread_cond_t condition;
static long counter;

static void *count(void *unused)
{
	int i;

	for (i = 0; i < 500; i++) {
		long value;

		pthread_mutex_lock(&mutex);
		value = counter;
		if (i % 16 == 0)
			sched_yield(); /* with the lock held: the others must wait */
		counter = value + 1;
		pthread_mutex_unlock(&mutex);
	}
	return unused;
}

static void mutual_exclusion(void)
{
	pthread_t threads[THREADS];
	int i;

	counter = 0;
	pthread_mutex_init(&mutex, NULL);
	for (i = 0; i < THREADS; i++)
		threads[i] = start(count, NULL);
	for (i = 0; i < THREADS; i++)
		join(threads[i]);
	expect("counted", 500 * THREADS, counter);
}

static void *pong(void *rounds)
{
	long i;

	pthread_mutex_lock(&mutex);
	for (i = 0; i < (long)rounds; i++) {
		while (counter % 2 == 0)
			pthread_cond_wait(&condition, &mutex);
		counter++;
		pthread_cond_signal(&condition);
	}
	pthread_mutex_unlock(&mutex);
	return rounds;
}

static void conditions(void)
{
	pthread_t thread;
	long i;

	counter = 0;
	pthread_mutex_init(&mutex, NULL);
	pthread_cond_init(&condition, NULL);
	thread = start(pong, (void *)200);
	pthread_mutex_lock(&mutex);
	for (i = 0; i < 200; i++) {
		counter++;
		pthread_cond_signal(&condition);
		while (counter % 2 == 1)
			pthread_cond_wait(&condition, &mutex);
	}
	pthread_mutex_unlock(&mutex);
	join(thread);
	expect("rounds", 400, counter);
}

static void wait_times_out(void)
{
	int word = 1;
	static int word_in_data = 1;
	struct timespec timeout = { 0, 5 * MILLISECOND_NS };

	expect("another value", -EAGAIN, sys(SYS_futex, &word, 0, 2, 0));
	expect("no one wakes", -ETIMEDOUT, sys(SYS_futex, &word, 0, 1, &timeout));
	expect("no one wakes, in data", -ETIMEDOUT, sys(SYS_futex, &word_in_data, 0, 1, &timeout));
	expect("no one wakes, private", -ETIMEDOUT, sys(SYS_futex, &word_in_data, 128, 1, &timeout));
	expect("no one waits", 0, sys(SYS_futex, &word_in_data, 1, 1));
}

static sem_t *between;

/* A futex between processes, in memory that they share. */
static void semaphores(void)
{
	int pid, i;

	between = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	expect("sem_init", 0, sem_init(&between[0], 1, 0));
	expect("sem_init", 0, sem_init(&between[1], 1, 0));
	pid = child();
	for (i = 0; i < 50; i++) {
		sem_post(&between[pid == 0]);
		sem_wait(&between[pid != 0]);
	}
	if (pid == 0)
		sys(SYS_exit_group, 0);
	expect("wait status", 0, reap(pid));
}

static volatile int handled_by, ready;

static void note_thread(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	handled_by = sys(SYS_gettid);
}

static void *wait_to_be_signalled(void *unused)
{
	(void)unused;
	ready = 1;
	while (!handled_by)
		sched_yield();
	return (void *)sys(SYS_gettid);
}

static void signal_to_a_thread(void)
{
	pthread_t thread;
	long id;

	ready = handled_by = 0;
	handle(SIGUSR1, note_thread, 0);
	thread = start(wait_to_be_signalled, NULL);
	while (!ready)
		sched_yield();
	expect("pthread_kill", 0, pthread_kill(thread, SIGUSR1));
	id = join(thread);
	expect("the thread that handled it", id, handled_by);
}

static void cleanup(void *flag)
{
	*(int *)flag = 1;
}

static void *wait_for_ever(void *flag)
{
	struct timespec long_time = { 1000, 0 };

	pthread_cleanup_push(cleanup, flag);
	ready = 1;
	nanosleep(&long_time, NULL);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *spin_for_ever(void *flag)
{
	pthread_cleanup_push(cleanup, flag);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	ready = 1;
	for (;;)
		__asm__ volatile("");
	pthread_cleanup_pop(0);
	return NULL;
}

/* In a call (the C library looks where it was), and anywhere. */
static void cancellation(void)
{
	void *(*const bodies[])(void *) = { wait_for_ever, spin_for_ever };
	int cleaned, i;

	for (i = 0; i < 2; i++) {
		pthread_t thread;

		ready = cleaned = 0;
		thread = start(bodies[i], &cleaned);
		while (!ready)
			sched_yield();
		expect("pthread_cancel", 0, pthread_cancel(thread));
		expect("result", (long)PTHREAD_CANCELED, join(thread));
		expect("cleaned up", 1, cleaned);
	}
}

static void *leave_a_mark(void *number)
{
	__sync_fetch_and_add(&counter, (long)number);
	return NULL;
}

/* A detached thread unmaps the stack that it runs on. */
static void detached(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int i;

	counter = 0;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (i = 0; i < 10; i++)
		expect("pthread_create", 0, pthread_create(&thread, &attributes, leave_a_mark, (void *)1));
	while (*(volatile long *)&counter != 10)
		sched_yield();
	sys(SYS_nanosleep, (&(struct timespec){ 0, 10 * MILLISECOND_NS }), 0);
}

/*
 * The first thread is out of pthread_create by then: it would leave a lock of the C
 * library held, which the processes of an application in the kernel have in common.
 */
static volatile int all_are_there;

static void *end_the_process(void *status)
{
	while (!all_are_there)
		sched_yield();
	_exit((long)status);
}

static void *exec_from_a_thread(void *unused)
{
	static char *const arguments[] = { "witness", "one", "two words", "", NULL };
	static char *const environment[] = { "TOUR=yes", "EMPTY=", NULL };

	(void)unused;
	while (!all_are_there)
		sched_yield();
	_exit(-sys(SYS_execve, "/bin/witness", arguments, environment));
}

/* Whichever thread ends the process or executes another program: the others are gone. */
static void ends_of_the_process(void)
{
	void *(*const bodies[])(void *) = { end_the_process, exec_from_a_thread };
	static const int statuses[] = { EXITED(21), EXITED(77) };
	int pid, i;

	for (i = 0; i < 2; i++) {
		all_are_there = 0;
		pid = child();
		if (pid == 0) {
			start(wait_for_ever, &(int){ 0 });
			start(bodies[i], (void *)21);
			all_are_there = 1;
			for (;;)
				pause();
		}
		expect("wait status", statuses[i], reap(pid));
	}
}

static pthread_once_t once;
static pthread_key_t key;
static int onces, destroyed;

static void once_only(void)
{
	onces++;
}

static void destroy(void *value)
{
	destroyed += (long)value;
}

static void *use_key(void *value)
{
	pthread_once(&once, once_only);
	pthread_setspecific(key, value);
	sched_yield();
	return (void *)(pthread_getspecific(key) == value ? 1L : 0L);
}

static void keys_and_once(void)
{
	pthread_t threads[THREADS];
	long i;

	once = PTHREAD_ONCE_INIT;
	onces = destroyed = 0;
	expect("pthread_key_create", 0, pthread_key_create(&key, destroy));
	for (i = 0; i < THREADS; i++)
		threads[i] = start(use_key, (void *)(i + 1));
	for (i = 0; i < THREADS; i++)
		expect("its own value", 1, join(threads[i]));
	expect("once", 1, onces);
	expect("destructors", 1 + 2 + 3 + 4, destroyed);
	pthread_key_delete(key);
}

static void barrier(void)
{
	expect_at_least("commands", 1, succeeds("membarrier", sys(SYS_membarrier, 0, 0, 0)));
	expect("register", 0, sys(SYS_membarrier, 16 /* REGISTER_PRIVATE_EXPEDITED */, 0, 0));
	expect("barrier", 0, sys(SYS_membarrier, 8 /* PRIVATE_EXPEDITED */, 0, 0));
}

const struct item thread_items[] = {
	{ "thread-local storage", local_storage },
	{ "mutex", mutual_exclusion },
	{ "condition", conditions },
	{ "futex timeout", wait_times_out },
	{ "semaphores between processes", semaphores },
	{ "signal to a thread", signal_to_a_thread },
	{ "cancellation", cancellation },
	{ "detached threads", detached },
	{ "end of a process of threads", ends_of_the_process },
	{ "keys and once", keys_and_once },
	{ "membarrier", barrier },
	{ NULL, NULL },
};
