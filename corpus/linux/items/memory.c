/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is there when it should be: mappings, copies, moves. */
#include "items.h"

#define PAGES 128

static volatile unsigned char *map(unsigned long pages, int flags, int fd)
{
	return (unsigned char *)succeeds("mmap", sys(__NR_mmap, 0, pages * PAGE,
		PROT_READ | PROT_WRITE, flags, fd, 0));
}

void anonymous_memory(void)
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

void mapped_file(void)
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

void memory_shared_with_a_child(void)
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

void copy_on_write(void)
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

void remapped_memory(void)
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

void discarded_memory(void)
{
	volatile unsigned char *memory = map(2, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memory[0] = 1;
	memory[PAGE] = 2;
	succeeds("madvise", sys(__NR_madvise, memory, PAGE, MADV_DONTNEED));
	expect("the discarded page", 0, memory[0]);
	expect("its neighbour", 2, memory[PAGE]);
}

void runs_code_it_wrote(void)
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

int maps_contain(const char *word)
{
	int fd = succeeds("open", sys(__NR_open, "/proc/self/maps", O_RDONLY));
	char *text = fresh(8 * PAGE);
	long length = 0, n;

	while ((n = succeeds("read", sys(__NR_read, fd, text + length, 8 * PAGE - length))) > 0)
		length += n;
	sys(__NR_close, fd);
	return contains(text, length, word);
}
