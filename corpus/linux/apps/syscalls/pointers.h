/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pointer argument of a call, for the table of pointers.c. */
#ifndef POINTERS_H
#define POINTERS_H

#include "tour.h"

struct argument {
	const char *name;
	unsigned int size;		/* bytes that the call reads or writes there */
	long (*call)(void *pointer);
	void (*prepare)(void *pointer);	/* what the call reads there */
	long result;			/* with a good pointer */
	int positive;			/* any positive result */
	int written;			/* the kernel writes there */
	int aligned;			/* what isn't is another error */
	int partial;			/* half of it is a result as well */
	void (*start)(void);		/* before the first call */
};

extern const struct argument arguments[];

#endif
