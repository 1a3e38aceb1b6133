/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a system call costs: the same program by UKL's entry in ring 0 and by
 * SYSCALL in CPL 3. The calls are those of figure 1 of the UKL paper, and a page
 * fault. In cycles of the time stamp counter, which under QEMU's -icount shift=0
 * and in the emulator counts instructions; or, with rounds=N in the environment,
 * in the time of whoever watches the console: by_watch.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "null.h"
#include "system_call.h"

#define HOW (IN_RING_0 ? "call" : "SYSCALL")

#define BATCHES 101
#define CALLS 200

static int zero, null, sockets[2];
static char byte;
static volatile char *memory;

/* So many calls in a row, nothing between them. */
#define BATCH(name, ...) \
	static void name(int calls) \
	{ \
		int i; \
		for (i = 0; i < calls; i++) \
			system_call(__VA_ARGS__); \
	}

BATCH(by_getpid, SYS_getpid, 0, 0, 0, 0, 0, 0)
BATCH(by_getppid, SYS_getppid, 0, 0, 0, 0, 0, 0)
BATCH(by_read, SYS_read, zero, (long)&byte, 1, 0, 0, 0)
BATCH(by_write, SYS_write, null, (long)&byte, 1, 0, 0, 0)
BATCH(by_sendto, SYS_sendto, sockets[0], (long)&byte, 1, 0, 0, 0)
BATCH(by_recvfrom, SYS_recvfrom, sockets[1], (long)&byte, 1, 0, 0, 0)

static void by_nothing(int calls)
{
	int i;

	for (i = 0; i < calls; i++)
		__asm__ volatile("" : : "a"(SYS_getpid), "D"(0), "S"(0) : "memory");
}

static void by_page_fault(int calls)
{
	int i;

	for (i = 0; i < calls; i++)
		memory[i * 4096] = 1;
}

/* A send for each receive, and before it, so that neither waits. */
static const struct call calls[] = {
	{ "nothing", by_nothing, 20000 },
	{ "getpid", by_getpid, 20000 },
	{ "getppid", by_getppid, 20000 },
	{ "read", by_read, 20000 },
	{ "write", by_write, 20000 },
	{ "sendto", by_sendto, MESSAGES },
	{ "recvfrom", by_recvfrom, MESSAGES },
	{ "page fault", by_page_fault, PAGES },
};
#define KINDS (int)(sizeof(calls) / sizeof(calls[0]))

static inline unsigned long cycles(void)
{
	unsigned int low, high;

	__asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
	return low | (unsigned long)high << 32;
}

void no_pages(void)
{
	madvise((void *)memory, PAGES * 4096, MADV_DONTNEED);
}

static unsigned long batch(const struct call *call)
{
	unsigned long start;

	no_pages();
	start = cycles();
	call->make(CALLS);
	return cycles() - start;
}

static int smaller(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return (x > y) - (x < y);
}

static void show(const char *what, unsigned long *all)
{
	qsort(all, BATCHES, sizeof(all[0]), smaller);
	printf("measure: %s by %s: %lu.%02lu at least, %lu.%02lu in the middle\n", what, HOW,
	       all[0] / CALLS, all[0] % CALLS * 100 / CALLS,
	       all[BATCHES / 2] / CALLS, all[BATCHES / 2] % CALLS * 100 / CALLS);
}

/* The first of each is not counted: it finds nothing in any cache. */
static void measure(void)
{
	static unsigned long all[KINDS][BATCHES];
	int kind, i;

	for (i = -1; i < BATCHES; i++)
		for (kind = 0; kind < KINDS; kind++)
			all[kind][i < 0 ? 0 : i] = batch(&calls[kind]);
	for (kind = 0; kind < KINDS; kind++)
		show(calls[kind].name, all[kind]);
}

/* How long a cycle is, for who wants time. */
static void measure_clock(void)
{
	struct timespec start, end;
	unsigned long first, last;
	long long nanoseconds;

	clock_gettime(CLOCK_MONOTONIC, &start);
	first = cycles();
	do
		clock_gettime(CLOCK_MONOTONIC, &end);
	while (end.tv_sec == start.tv_sec && end.tv_nsec - start.tv_nsec < 100000000);
	last = cycles();
	nanoseconds = (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec;
	printf("measure: %lld cycles in a microsecond\n", (long long)(last - first) * 1000 / nanoseconds);
}

/* So many messages that nobody has received yet are more than the default takes. */
static int prepare(void)
{
	int room = 64 << 20;

	zero = open("/dev/zero", O_RDONLY);
	null = open("/dev/null", O_WRONLY);
	memory = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return zero >= 0 && null >= 0 && memory != MAP_FAILED &&
	       socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 &&
	       setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) == 0;
}

int main(void)
{
	const char *rounds = getenv("rounds");

	if (!prepare()) {
		printf("null: no files\n");
		return 1;
	}
	if (rounds) {
		watched(calls, KINDS, HOW, atoi(rounds));
	} else {
		measure();
		measure_clock();
	}
	printf("null: measured\n");
	return 0;
}
