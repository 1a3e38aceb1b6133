/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handlers that write down what they see. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "items.h"

extern OWN volatile int calls;
extern OWN volatile long seen_code, seen_pid, seen_value, seen_stack;
handler_function note;

/* What was marked, in order. */
extern OWN char order[64];
void mark(char c);
/* Marks i. Marks o, sends SIGUSR2, marks O, once again for itself, marks e. */
handler_function inner, outer;

void on_alternate_stack(unsigned char *stack, unsigned long size);

#endif
