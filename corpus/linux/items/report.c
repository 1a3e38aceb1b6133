/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running items, and saying how each went. */
#include "items.h"

const char *only;
static const char *running;
static int total, passed;

static void failed(const char *what, const char *relation, long expected, long found)
{
	struct line line = { .length = 0 };

	line_text(&line, TOUR ": ");
	line_text(&line, running);
	line_text(&line, " FAILED (");
	line_text(&line, what);
	line_text(&line, ": expected ");
	line_text(&line, relation);
	line_number(&line, expected);
	line_text(&line, ", found ");
	line_number(&line, found);
	line_text(&line, ")");
	line_end(&line);
}

void expect(const char *what, long expected, long found)
{
	if (expected == found)
		return;
	failed(what, "", expected, found);
	sys(__NR_exit_group, 1);
}

void expect_at_least(const char *what, long least, long found)
{
	if (found >= least)
		return;
	failed(what, "at least ", least, found);
	sys(__NR_exit_group, 1);
}

void run(const char *name, void (*action)(long), long argument)
{
	struct line line = { .length = 0 };
	int pid, status;

	if (only && strcmp(only, name) != 0)
		return;
	total++;
	running = name;
	pid = child();
	if (pid == 0) {
		action(argument);
		sys(__NR_exit_group, 0);
	}
	status = reap(pid);
	if (status == EXITED(1))
		return; /* it has said why */
	if (status != 0) {
		failed("wait status of the item", "", 0, status);
		return;
	}
	passed++;
	line_text(&line, TOUR ": ");
	line_text(&line, name);
	line_text(&line, " ok");
	line_end(&line);
}

static void call(long item)
{
	((const struct item *)item)->run();
}

void run_list(const struct item *list)
{
	for (; list->name; list++)
		run(list->name, call, (long)list);
}

int summary(void)
{
	struct line line = { .length = 0 };

	line_text(&line, TOUR ": passed ");
	line_number(&line, passed);
	line_text(&line, " of ");
	line_number(&line, total);
	line_end(&line);
	return passed == total ? 0 : 1;
}
