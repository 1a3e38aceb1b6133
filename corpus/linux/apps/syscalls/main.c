/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs every item, or the one that is named, and ends with 0 if all went well. */
#include "tour.h"

#include <pthread.h>

static const struct item *const lists[] = {
	process_items, memory_items, stack_items, fault_items, signal_items, register_items,
	time_items, thread_items, file_items, network_items, trace_items,
};

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

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc > 1)
		only = argv[1];
	make_threaded();
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		run_list(lists[i]);
	pointer_items();
	return summary();
}
