/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The init of the tour: runs every item, says how each went, ends the machine. */
#include "tour.h"

static const struct item *const lists[] = {
	process_items, memory_items, fault_items, signal_items, register_items,
	time_items, thread_items, file_items, network_items, trace_items,
};

static const char *running;
static unsigned long *auxiliary_vector;

static void failed(const char *what, const char *relation, long expected, long found)
{
	struct line line = { .length = 0 };

	line_text(&line, "tour: ");
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

unsigned long auxiliary(unsigned long type)
{
	const unsigned long *entry;

	for (entry = auxiliary_vector; entry[0] != 0; entry += 2)
		if (entry[0] == type)
			return entry[1];
	return 0;
}

static int run(const struct item *item)
{
	struct line line = { .length = 0 };
	int pid, status;

	running = item->name;
	pid = child();
	if (pid == 0) {
		item->run();
		sys(__NR_exit_group, 0);
	}
	status = reap(pid);
	if (status == EXITED(1))
		return 0; /* it has said why */
	if (status != 0) {
		failed("wait status of the item", "", 0, status);
		return 0;
	}
	line_text(&line, "tour: ");
	line_text(&line, item->name);
	line_text(&line, " ok");
	line_end(&line);
	return 1;
}

int main(int argc, char **argv, char **environment)
{
	struct line line = { .length = 0 };
	int total = 0, passed = 0;
	const struct item *item;
	unsigned int i;

	(void)argc;
	(void)argv;
	while (*environment)
		environment++;
	auxiliary_vector = (unsigned long *)(environment + 1);

	/* Only the kernel's errors and worse from here on: its lines would land inside ours. */
	sys(__NR_syslog, 8 /* SYSLOG_ACTION_CONSOLE_LEVEL */, 0, 4);
	mount_all();
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (item = lists[i]; item->name; item++) {
			total++;
			passed += run(item);
		}

	line_text(&line, "tour: passed ");
	line_number(&line, passed);
	line_text(&line, " of ");
	line_number(&line, total);
	line_end(&line);
	finish(passed == total ? 0 : 1);
}
