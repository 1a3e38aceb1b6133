/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs every item, says how each went, and ends with 0 if all went well. */
#include "tour.h"

#include <pthread.h>

static const struct item *const lists[] = {
	process_items, memory_items, stack_items, fault_items, signal_items, register_items,
	time_items, thread_items, file_items, network_items, trace_items,
};

static const char *running, *only;
static int total, passed;

struct line {
	char text[256];
	unsigned int length;
};

static void add(struct line *line, const char *text)
{
	while (*text && line->length < sizeof(line->text) - 1)
		line->text[line->length++] = *text++;
}

static void add_number(struct line *line, long number)
{
	unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;
	char digits[24], *p = digits + sizeof(digits) - 1;

	*p = 0;
	do
		*--p = '0' + rest % 10;
	while (rest /= 10);
	if (number < 0)
		*--p = '-';
	add(line, p);
}

/* In one write, so that nothing gets between. */
static void put(struct line *line)
{
	line->text[line->length++] = '\n';
	sys(SYS_write, 1, line->text, line->length);
}

static void failed(const char *what, const char *relation, long expected, long found)
{
	struct line line = { .length = 0 };

	add(&line, "syscalls: ");
	add(&line, running);
	add(&line, " FAILED (");
	add(&line, what);
	add(&line, ": expected ");
	add(&line, relation);
	add_number(&line, expected);
	add(&line, ", found ");
	add_number(&line, found);
	add(&line, ")");
	put(&line);
}

void expect(const char *what, long expected, long found)
{
	if (expected == found)
		return;
	failed(what, "", expected, found);
	sys(SYS_exit_group, 1);
}

void expect_at_least(const char *what, long least, long found)
{
	if (found >= least)
		return;
	failed(what, "at least ", least, found);
	sys(SYS_exit_group, 1);
}

static int run(const char *name, void (*action)(int), int argument)
{
	struct line line = { .length = 0 };
	int pid, status;

	if (only && strcmp(only, name) != 0)
		return 0;
	total++;
	running = name;
	pid = child();
	if (pid == 0) {
		action(argument);
		sys(SYS_exit_group, 0);
	}
	status = reap(pid);
	if (status == EXITED(1))
		return 0; /* it has said why */
	if (status != 0) {
		failed("wait status of the item", "", 0, status);
		return 0;
	}
	add(&line, "syscalls: ");
	add(&line, name);
	add(&line, " ok");
	put(&line);
	return 1;
}

static void *nothing(void *argument)
{
	return argument;
}

/*
 * The C library notes for good, in its data, that there are threads. Done once here,
 * the items find it so whether or not they share that data.
 */
static void make_threaded(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
}

static void run_item(int packed)
{
	lists[packed >> 16][packed & 0xffff].run();
}

int main(int argc, char **argv)
{
	struct line line = { .length = 0 };
	unsigned int i, j;

	if (argc > 1)
		only = argv[1];
	make_threaded();
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (j = 0; lists[i][j].name; j++)
			passed += run(lists[i][j].name, run_item, i << 16 | j);
	passed += pointer_items(run);

	add(&line, "syscalls: passed ");
	add_number(&line, passed);
	add(&line, " of ");
	add_number(&line, total);
	put(&line);
	return passed == total ? 0 : 1;
}
