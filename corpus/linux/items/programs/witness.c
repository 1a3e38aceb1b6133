/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ordinary program that the tours execute. It looks at what execve gave it
 * and exits with 77 (called directly) or 78 (as the interpreter of a script)
 * when all is as it should be, with the number of the first check that fails
 * otherwise.
 */
#include "library.h"

#include <linux/auxvec.h>

static unsigned long auxiliary(char **environment, unsigned long type)
{
	unsigned long *entry;

	while (*environment)
		environment++;
	for (entry = (unsigned long *)(environment + 1); entry[0]; entry += 2)
		if (entry[0] == type)
			return entry[1];
	return 0;
}

static int as_interpreter(int argc, char **argv)
{
	if (argc != 4)
		return 30;
	if (strcmp(argv[1], "script") != 0)
		return 31;
	if (strcmp(argv[2], "/tmp/script") != 0)
		return 32;
	if (strcmp(argv[3], "last") != 0)
		return 33;
	return 78;
}

static int in_ring_3(void)
{
	unsigned short cs;

	__asm__("mov %%cs, %0" : "=r"(cs));
	return (cs & 3) == 3;
}

int main(int argc, char **argv, char **environment)
{
	if (!in_ring_3())
		return 9;
	if (strcmp(argv[0], "signals") == 0) {
		sys(__NR_kill, sys(__NR_getpid), SIGUSR1);
		sys(__NR_kill, sys(__NR_getpid), SIGUSR2);
		return 20;
	}
	if (strcmp(argv[0], "/bin/witness") == 0)
		return as_interpreter(argc, argv);
	if (argc != 4 || argv[4])
		return 10;
	if (strcmp(argv[0], "witness") != 0)
		return 11;
	if (strcmp(argv[1], "one") != 0 || strcmp(argv[2], "two words") != 0 || *argv[3])
		return 12;
	if (!environment[0] || strcmp(environment[0], "TOUR=yes") != 0)
		return 13;
	if (!environment[1] || strcmp(environment[1], "EMPTY=") != 0 || environment[2])
		return 14;
	if (auxiliary(environment, AT_PAGESZ) != 4096)
		return 15;
	if (!auxiliary(environment, AT_RANDOM) || !auxiliary(environment, AT_SYSINFO_EHDR))
		return 16;
	if (strcmp((char *)auxiliary(environment, AT_EXECFN), "/bin/witness") != 0)
		return 17;
	/* argc lies where the kernel put the stack pointer, 16 bytes aligned. */
	if ((unsigned long)(argv - 1) & 15)
		return 18;
	return 77;
}
