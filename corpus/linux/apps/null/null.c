/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a system call costs: the same program by UKL's entry in ring 0 and by
 * SYSCALL in CPL 3, in cycles of the time stamp counter. Under QEMU's
 * -icount shift=0 that counter counts instructions. The calls are those of
 * figure 1 of the UKL paper, and a page fault.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef UKL
#define SYSTEM_CALL "call entry_SYSCALL_64"
#define HOW "call"
#else
#define SYSTEM_CALL "syscall"
#define HOW "SYSCALL"
#endif

#define BATCHES 101
#define CALLS 200

static int zero, null, sockets[2];
static char byte;

static inline __attribute__((always_inline))
long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile(SYSTEM_CALL
		: "=a"(result)
		: "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory");
	return result;
}

static inline unsigned long cycles(void)
{
	unsigned int low, high;

	__asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
	return low | (unsigned long)high << 32;
}

/* So many calls in a row, nothing between them. */
#define BATCH(name, ...) \
	static unsigned long name(void) \
	{ \
		unsigned long start = cycles(); \
		int i; \
		for (i = 0; i < CALLS; i++) \
			system_call(__VA_ARGS__); \
		return cycles() - start; \
	}

BATCH(by_getpid, SYS_getpid, 0, 0, 0, 0, 0, 0)
BATCH(by_getppid, SYS_getppid, 0, 0, 0, 0, 0, 0)
BATCH(by_read, SYS_read, zero, (long)&byte, 1, 0, 0, 0)
BATCH(by_write, SYS_write, null, (long)&byte, 1, 0, 0, 0)
BATCH(by_sendto, SYS_sendto, sockets[0], (long)&byte, 1, 0, 0, 0)
BATCH(by_recvfrom, SYS_recvfrom, sockets[1], (long)&byte, 1, 0, 0, 0)

static unsigned long by_page_fault(void)
{
	volatile char *memory = mmap(NULL, CALLS * 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long start = cycles();
	int i;

	for (i = 0; i < CALLS; i++)
		memory[i * 4096] = 1;
	start = cycles() - start;
	munmap((void *)memory, CALLS * 4096);
	return start;
}

static unsigned long by_nothing(void)
{
	unsigned long start = cycles();
	int i;

	for (i = 0; i < CALLS; i++)
		__asm__ volatile("" : : "a"(SYS_getpid), "D"(0), "S"(0) : "memory");
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

static void measure(const char *what, unsigned long (*batch)(void))
{
	unsigned long all[BATCHES];
	int i;

	batch();
	for (i = 0; i < BATCHES; i++)
		all[i] = batch();
	show(what, all);
}

/* A send for each receive, so that neither waits: both are measured. */
static void measure_messages(void)
{
	unsigned long sent[BATCHES], received[BATCHES];
	int i;

	by_sendto();
	by_recvfrom();
	for (i = 0; i < BATCHES; i++) {
		sent[i] = by_sendto();
		received[i] = by_recvfrom();
	}
	show("sendto", sent);
	show("recvfrom", received);
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

int main(void)
{
	zero = open("/dev/zero", O_RDONLY);
	null = open("/dev/null", O_WRONLY);
	if (zero < 0 || null < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) < 0) {
		printf("null: no files\n");
		return 1;
	}
	measure("nothing", by_nothing);
	measure("getpid", by_getpid);
	measure("getppid", by_getppid);
	measure("read", by_read);
	measure("write", by_write);
	measure_messages();
	measure("page fault", by_page_fault);
	measure_clock();
	printf("null: measured\n");
	return 0;
}
