/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tour of what a kernel does for an application, the same for one in ring 0
 * and for an ordinary program.
 */
#ifndef TOUR_H
#define TOUR_H

#include "items.h"

/* Each file of the tour has its list. */
extern const struct item process_items[], memory_items[], stack_items[], fault_items[],
	signal_items[], register_items[], time_items[], thread_items[], file_items[],
	network_items[], trace_items[];

/* The items of pointers.c are a table: one line per argument. */
void pointer_items(void);

#endif
