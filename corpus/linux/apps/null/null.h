/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NULL_H
#define NULL_H

/* At the most in one batch. */
#define MESSAGES 2000
#define PAGES 2000

/* A call, how so many of it are made, and how many are enough for a watch. */
struct call {
	const char *name;
	void (*make)(int calls);
	int enough;
};

void watched(const struct call *calls, int kinds, const char *how, int rounds);

/* Memory of PAGES pages, none of which is there yet. */
void no_pages(void);

#endif
