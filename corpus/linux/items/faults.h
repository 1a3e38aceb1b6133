/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults on purpose, and what was caught of them. */
#ifndef FAULTS_H
#define FAULTS_H

#include "items.h"

/* What guarded() caught. */
struct caught {
	long signal, code, address;
	long trap, error, cr2;
	unsigned long stack; /* where the handler ran */
};
extern OWN struct caught caught;

/*
 * Calls action(argument). A signal of a fault in it is caught and noted in
 * `caught`, and the call ends there. Returns whether that happened.
 */
int guarded(void (*action)(unsigned long), unsigned long argument);

/* Vectors, SDM vol. 3A 6.3, and bits of the page-fault error code, 6.15. */
enum { DE = 0, DB = 1, BP = 3, UD = 6, GP = 13, PF = 14, MF = 16 };
enum { P = 1, W = 2, U = 4, I = 16, PK = 32 };

void read_byte(unsigned long address);
void write_byte(unsigned long address);
void execute(unsigned long address);
void divide_by_zero(unsigned long zero);
void run_ud2(unsigned long unused);
void run_int3(unsigned long unused);

/* Runs into the end of its stack. */
void overflow(unsigned long depth);
/* Uses a good kilobyte of stack per call; the depth, if it found all of it again. */
long deep(long depth);

void must_catch(const char *what, void (*action)(unsigned long), unsigned long argument, struct caught expected);
void page_fault(const char *what, void (*action)(unsigned long), unsigned long address, int signal, int code, int error);

#endif
