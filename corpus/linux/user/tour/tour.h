/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tour of a stock kernel: one item per thing that a kernel does for its programs. */
#ifndef TOUR_H
#define TOUR_H

#include "items.h"

/* Each file of the tour has its list. */
extern const struct item process_items[], memory_items[], fault_items[], signal_items[],
	register_items[], time_items[], thread_items[], file_items[], network_items[],
	trace_items[];

/* What CPUID says. */
struct cpuid {
	unsigned int eax, ebx, ecx, edx;
};
struct cpuid cpuid(unsigned int leaf, unsigned int subleaf);

/* The value of an entry of the auxiliary vector, 0 when it isn't there. */
unsigned long auxiliary(unsigned long type);

#endif
