/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about memory that is there when it should be. */
#include "tour.h"

#include <linux/mman.h>

#define PAGES 128

static volatile unsigned char *map(unsigned long pages, int flags, int fd)
{
	return (unsigned char *)succeeds("mmap", sys(__NR_mmap, 0, pages * PAGE,
		PROT_READ | PROT_WRITE, flags, fd, 0));
}

static void anonymous(void)
{
	volatile unsigned char *memory = map(PAGES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned long i;

	for (i = 0; i < PAGES; i++) {
		expect("a new page", 0, memory[i * PAGE + i]);
		memory[i * PAGE + i] = i ^ 0x5a;
	}
	for (i = 0; i < PAGES; i++)
		expect("a written page", i ^ 0x5a, memory[i * PAGE + i]);
	succeeds("munmap", sys(__NR_munmap, memory, PAGES * PAGE));
	expect("a system call with memory that is gone", -EFAULT,
	       sys(__NR_uname, memory));
}

static int temporary_file(const char *path, unsigned long pages)
{
	int fd = succeeds("open", sys(__NR_open, path, O_CREAT | O_TRUNC | O_RDWR, 0600));

	succeeds("ftruncate", sys(__NR_ftruncate, fd, pages * PAGE));
	succeeds("unlink", sys(__NR_unlink, path));
	return fd;
}

static void of_a_file(void)
{
	int fd = temporary_file("/tmp/mapped", 4);
	volatile unsigned char *shared = map(4, MAP_SHARED, fd);
	volatile unsigned char *private = map(4, MAP_PRIVATE, fd);
	unsigned char byte = 9;

	succeeds("pwrite", sys(__NR_pwrite64, fd, &byte, 1, 2 * PAGE + 7));
	expect("written by pwrite, seen shared", 9, shared[2 * PAGE + 7]);
	expect("written by pwrite, seen private", 9, private[2 * PAGE + 7]);
	shared[PAGE] = 21;
	succeeds("pread", sys(__NR_pread64, fd, &byte, 1, PAGE));
	expect("written shared, seen by pread", 21, byte);
	private[PAGE] = 22;
	succeeds("pread", sys(__NR_pread64, fd, &byte, 1, PAGE));
	expect("written private, not seen by pread", 21, byte);
	expect("written private, not seen shared", 21, shared[PAGE]);
}

static void shared_with_a_child(void)
{
	volatile unsigned char *memory = map(2, MAP_SHARED | MAP_ANONYMOUS, -1);
	int pid = child();

	if (pid == 0) {
		memory[0] = 1;
		memory[PAGE] = 2;
		sys(__NR_exit_group, 0);
	}
	expect("wait status", 0, reap(pid));
	expect("first page", 1, memory[0]);
	expect("second page", 2, memory[PAGE]);
}

static void copy_on_write(void)
{
	volatile unsigned char *memory = map(PAGES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned long i;
	int pid;

	for (i = 0; i < PAGES; i++)
		memory[i * PAGE] = i;
	pid = child();
	if (pid == 0) {
		for (i = 0; i < PAGES; i += 2)
			memory[i * PAGE] = 200;
		for (i = 0; i < PAGES; i++)
			if (memory[i * PAGE] != (i % 2 ? i : 200))
				sys(__NR_exit_group, 2);
		sys(__NR_exit_group, 0);
	}
	for (i = 1; i < PAGES; i += 2)
		memory[i * PAGE] = 100;
	expect("what the child sees", 0, reap(pid));
	for (i = 0; i < PAGES; i++)
		expect("what the parent sees", i % 2 ? 100 : i, memory[i * PAGE]);
}

static void remapped(void)
{
	volatile unsigned char *memory = map(4, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	volatile unsigned char *target = map(8, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned long i;

	for (i = 0; i < 4; i++)
		memory[i * PAGE] = i + 1;
	expect("mremap", (long)target, sys(__NR_mremap, memory, 4 * PAGE, 8 * PAGE,
		MREMAP_MAYMOVE | MREMAP_FIXED, target));
	for (i = 0; i < 8; i++)
		expect("a page that moved", i < 4 ? i + 1 : 0, target[i * PAGE]);
	expect("the old place", -EFAULT, sys(__NR_uname, memory));
}

static void discarded(void)
{
	volatile unsigned char *memory = map(2, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memory[0] = 1;
	memory[PAGE] = 2;
	succeeds("madvise", sys(__NR_madvise, memory, PAGE, MADV_DONTNEED));
	expect("the discarded page", 0, memory[0]);
	expect("its neighbour", 2, memory[PAGE]);
}

/* Uses a good kilobyte of stack per call. */
static __attribute__((noinline)) long deep(long depth)
{
	volatile unsigned char frame[1024];

	frame[0] = depth;
	frame[1023] = depth;
	if (depth == 0)
		return 0;
	return deep(depth - 1) + (frame[0] == frame[1023]);
}

static void stack_grows(void)
{
	expect("frames found intact", 2000, deep(2000));
}

static void runs_code_it_wrote(void)
{
	/* mov eax, imm32; ret */
	static const unsigned char code[] = { 0xb8, 1, 0, 0, 0, 0xc3 };
	unsigned char *memory = (unsigned char *)map(1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int (*function)(void) = (int (*)(void))memory;
	int i;

	memcpy(memory, code, sizeof(code));
	succeeds("mprotect", sys(__NR_mprotect, memory, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	for (i = 0; i < 32; i++) {
		memory[1] = i;
		expect("what the code returns", i, function());
	}
}

static int contains(const char *text, long length, const char *word)
{
	long n = strlen(word), i;

	for (i = 0; i + n <= length; i++)
		if (memcmp(text + i, word, n) == 0)
			return 1;
	return 0;
}

static void maps_are_listed(void)
{
	static char text[8192];
	int fd = succeeds("open", sys(__NR_open, "/proc/self/maps", O_RDONLY));
	long length = 0, n;

	while ((n = succeeds("read", sys(__NR_read, fd, text + length, sizeof(text) - length))) > 0)
		length += n;
	expect("names the program", 1, contains(text, length, "/init"));
	expect("names the stack", 1, contains(text, length, "[stack]"));
	expect("names the vdso", 1, contains(text, length, "[vdso]"));
	expect("has executable memory", 1, contains(text, length, " r-xp "));
	expect("has writable and executable memory", 0, contains(text, length, " rwxp "));
}

const struct item memory_items[] = {
	{ "anonymous memory", anonymous },
	{ "file mapping", of_a_file },
	{ "shared memory", shared_with_a_child },
	{ "copy on write", copy_on_write },
	{ "mremap", remapped },
	{ "madvise", discarded },
	{ "stack growth", stack_grows },
	{ "self-modifying code", runs_code_it_wrote },
	{ "maps", maps_are_listed },
	{ NULL, NULL },
};
