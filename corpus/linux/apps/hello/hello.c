/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest application that shows it is one: the C library's start, what
 * runs before main and after it, thread-local storage, the arguments, output,
 * and a status for whoever started it.
 */
#include <stdio.h>
#include <stdlib.h>

static int constructed;
static _Thread_local volatile int initialised = 42, zero;

__attribute__((constructor)) static void construct(void)
{
	constructed++;
}

__attribute__((destructor)) static void destruct(void)
{
	puts("hello: destructors ran");
}

static void at_exit(void)
{
	puts("hello: left main");
}

int main(int argc, char **argv)
{
	int i;

	printf("hello: constructors ran %d times\n", constructed);
	printf("hello: thread-local storage holds %d and %d\n", initialised, zero);
	for (i = 1; i < argc; i++)
		printf("hello: argument %d is %s\n", i, argv[i]);
	printf("hello: GREETING is %s\n", getenv("GREETING") ? getenv("GREETING") : "not set");
	atexit(at_exit);
	return 7;
}
