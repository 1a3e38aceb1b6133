/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about memory: mappings, copies, moves, and what the kernel says of them. */
#include "tour.h"

#define PAGES 64

static volatile unsigned char *map(unsigned long pages, int flags, int fd)
{
	return (unsigned char *)succeeds("mmap", sys(SYS_mmap, 0, pages * PAGE,
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
	succeeds("munmap", sys(SYS_munmap, memory, PAGES * PAGE));
	expect("a system call with memory that is gone", -EFAULT, sys(SYS_uname, memory));
}

static int temporary_file(const char *path, unsigned long pages)
{
	int fd = succeeds("open", sys(SYS_open, path, O_CREAT | O_TRUNC | O_RDWR, 0600));

	succeeds("ftruncate", sys(SYS_ftruncate, fd, pages * PAGE));
	succeeds("unlink", sys(SYS_unlink, path));
	return fd;
}

static void of_a_file(void)
{
	int fd = temporary_file("/tmp/mapped", 4);
	volatile unsigned char *shared = map(4, MAP_SHARED, fd);
	volatile unsigned char *private = map(4, MAP_PRIVATE, fd);
	unsigned char byte = 9;

	succeeds("pwrite", sys(SYS_pwrite64, fd, &byte, 1, 2 * PAGE + 7));
	expect("written by pwrite, seen shared", 9, shared[2 * PAGE + 7]);
	expect("written by pwrite, seen private", 9, private[2 * PAGE + 7]);
	shared[PAGE] = 21;
	succeeds("pread", sys(SYS_pread64, fd, &byte, 1, PAGE));
	expect("written shared, seen by pread", 21, byte);
	private[PAGE] = 22;
	succeeds("pread", sys(SYS_pread64, fd, &byte, 1, PAGE));
	expect("written private, not seen by pread", 21, byte);
	expect("written private, not seen shared", 21, shared[PAGE]);
}

static void of_an_ordinary_program(void)
{
	int fd = succeeds("open", sys(SYS_open, "/bin/witness", O_RDONLY));
	unsigned char *memory = (unsigned char *)succeeds("mmap", sys(SYS_mmap, 0, PAGE,
		PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));

	expect("its magic", 0, memcmp(memory, "\177ELF", 4));
}

static void shared_with_a_child(void)
{
	volatile unsigned char *memory = map(2, MAP_SHARED | MAP_ANONYMOUS, -1);
	int pid = child();

	if (pid == 0) {
		memory[0] = 1;
		memory[PAGE] = 2;
		sys(SYS_exit_group, 0);
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
				sys(SYS_exit_group, 2);
		sys(SYS_exit_group, 0);
	}
	for (i = 1; i < PAGES; i += 2)
		memory[i * PAGE] = 100;
	expect("what the child sees", 0, reap(pid));
	for (i = 0; i < PAGES; i++)
		expect("what the parent sees", i % 2 ? 100 : i, memory[i * PAGE]);
}

/* The kernel writes where the application would have had to copy first. */
static void copy_on_write_by_the_kernel(void)
{
	volatile unsigned char *memory = map(2, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int zero = succeeds("open", sys(SYS_open, "/dev/zero", O_RDONLY)), pid;

	memory[0] = memory[PAGE] = 5;
	pid = child();
	if (pid == 0) {
		expect("read", 2 * PAGE, sys(SYS_read, zero, memory, 2 * PAGE));
		sys(SYS_exit_group, memory[0] + memory[PAGE]);
	}
	expect("wait status", 0, reap(pid));
	expect("first page", 5, memory[0]);
	expect("second page", 5, memory[PAGE]);
}

static void remapped(void)
{
	volatile unsigned char *memory = map(4, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	volatile unsigned char *target = map(8, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned long i;

	for (i = 0; i < 4; i++)
		memory[i * PAGE] = i + 1;
	expect("mremap", (long)target, sys(SYS_mremap, memory, 4 * PAGE, 8 * PAGE,
		MREMAP_MAYMOVE | MREMAP_FIXED, target));
	for (i = 0; i < 8; i++)
		expect("a page that moved", i < 4 ? i + 1 : 0, target[i * PAGE]);
	expect("the old place", -EFAULT, sys(SYS_uname, memory));
}

static void discarded(void)
{
	volatile unsigned char *memory = map(2, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memory[0] = 1;
	memory[PAGE] = 2;
	succeeds("madvise", sys(SYS_madvise, memory, PAGE, MADV_DONTNEED));
	expect("the discarded page", 0, memory[0]);
	expect("its neighbour", 2, memory[PAGE]);
}

static void runs_code_it_wrote(void)
{
	/* mov eax, imm32; ret */
	static const unsigned char code[] = { 0xb8, 1, 0, 0, 0, 0xc3 };
	unsigned char *memory = (unsigned char *)map(1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int (*function)(void) = (int (*)(void))memory;
	int i;

	memcpy(memory, code, sizeof(code));
	succeeds("mprotect", sys(SYS_mprotect, memory, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
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
	int fd = succeeds("open", sys(SYS_open, "/proc/self/maps", O_RDONLY));
	char *text = fresh(8 * PAGE);
	long length = 0, n;

	while ((n = succeeds("read", sys(SYS_read, fd, text + length, 8 * PAGE - length))) > 0)
		length += n;
	expect("names the stack", 1, contains(text, length, "[stack]"));
	expect("has writable and executable memory", 0, contains(text, length, " rwxp "));
}

/*
 * Heap of the C library: small and large, grown, given back. Its books are data, which a
 * next item would find without the heap that they are about: this is the only one.
 */
static void allocated(void)
{
	unsigned char *blocks[50];
	unsigned long size, i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 50; i++) {
			size = (i + 1) * (i + 1) * 97;
			blocks[i] = malloc(size);
			expect("malloc", 1, blocks[i] != NULL);
			memset(blocks[i], i, size);
		}
		for (i = 0; i < 50; i++) {
			size = (i + 1) * (i + 1) * 97;
			blocks[i] = realloc(blocks[i], 2 * size);
			expect("its first byte", i, blocks[i][0]);
			expect("its last byte", i, blocks[i][size - 1]);
		}
		for (i = 0; i < 50; i++)
			free(blocks[i]);
	}
}

const struct item memory_items[] = {
	{ "anonymous memory", anonymous },
	{ "file mapping", of_a_file },
	{ "mapping of a program", of_an_ordinary_program },
	{ "shared memory", shared_with_a_child },
	{ "copy on write", copy_on_write },
	{ "copy on write by the kernel", copy_on_write_by_the_kernel },
	{ "mremap", remapped },
	{ "madvise", discarded },
	{ "self-modifying code", runs_code_it_wrote },
	{ "maps", maps_are_listed },
	{ "malloc", allocated },
	{ NULL, NULL },
};
