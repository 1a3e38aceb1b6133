/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about memory: mappings, copies, moves, and what the kernel says of them. */
#include "tour.h"

static void of_an_ordinary_program(void)
{
	int fd = succeeds("open", sys(SYS_open, "/bin/witness", O_RDONLY));
	unsigned char *memory = (unsigned char *)succeeds("mmap", sys(SYS_mmap, 0, PAGE,
		PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));

	expect("its magic", 0, memcmp(memory, "\177ELF", 4));
}

/* The kernel writes where the application would have had to copy first. */
static void copy_on_write_by_the_kernel(void)
{
	volatile unsigned char *memory = fresh(2 * PAGE);
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

static void maps_are_listed(void)
{
	expect("names the stack", 1, maps_contain("[stack]"));
	expect("has writable and executable memory", 0, maps_contain(" rwxp "));
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
	{ "anonymous memory", anonymous_memory },
	{ "file mapping", mapped_file },
	{ "mapping of a program", of_an_ordinary_program },
	{ "shared memory", memory_shared_with_a_child },
	{ "copy on write", copy_on_write },
	{ "copy on write by the kernel", copy_on_write_by_the_kernel },
	{ "mremap", remapped_memory },
	{ "madvise", discarded_memory },
	{ "self-modifying code", runs_code_it_wrote },
	{ "maps", maps_are_listed },
	{ "malloc", allocated },
	{ NULL, NULL },
};
