/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data and bss of an application in the kernel are the same in a process and
 * its children. So are these, once they are a shared mapping.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

extern char sim_data_start[], sim_data_end[];

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
		: "=a"(result)
		: "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory");
	return result;
}

void sim_share(void)
{
	long size = sim_data_end - sim_data_start, i;
	long *copy = (long *)call(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (i = 0; i < size / 8; i++)
		copy[i] = ((long *)sim_data_start)[i];
	call(SYS_mremap, (long)copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (long)sim_data_start, 0);
}
