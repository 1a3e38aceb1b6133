/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ordinary program that the tour executes. It looks at what execve gave it
 * and exits with 77 (called directly) or 78 (as the interpreter of a script)
 * when all is as it should be, with the number of the first check that fails
 * otherwise.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

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

int main(int argc, char **argv)
{
	if (!in_ring_3())
		return 9;
	if (strcmp(argv[0], "signals") == 0) {
		raise(SIGUSR1);
		raise(SIGUSR2);
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
	if (!environ[0] || strcmp(environ[0], "TOUR=yes") != 0)
		return 13;
	if (!environ[1] || strcmp(environ[1], "EMPTY=") != 0 || environ[2])
		return 14;
	if (getauxval(AT_PAGESZ) != 4096)
		return 15;
	if (!getauxval(AT_RANDOM) || !getauxval(AT_SYSINFO_EHDR))
		return 16;
	if (strcmp((char *)getauxval(AT_EXECFN), "/bin/witness") != 0)
		return 17;
	/* argc lies where the kernel put the stack pointer, 16 bytes aligned. */
	if ((unsigned long)(argv - 1) & 15)
		return 18;
	return 77;
}
