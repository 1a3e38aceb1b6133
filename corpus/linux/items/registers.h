/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All registers at once: loaded, and looked at behind one instruction. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include "items.h"

/* In the order that the functions below use. */
struct registers {
	unsigned long general[15]; /* rax rbx rcx rdx rsi rdi rbp r8 to r15 */
	unsigned long flags;
	unsigned char xmm[16 * 16];
	unsigned int mxcsr;
	unsigned short x87_control, pad;
};

/* Own to the process: a word that a child changes must not end its parent's wait. */
extern OWN struct registers registers_before, registers_after;
extern OWN volatile unsigned char registers_waiting;

/*
 * Load every register from registers_before, execute one instruction, spin
 * while registers_waiting is set, and store what they have in registers_after.
 */
void load_int3_wait(void);
void load_call_wait(void);

/* Fills registers_before; compares with registers_after. */
void fill(unsigned long seed);
void compare(void);

/* Counts single steps, of TF, and notes where the last ended. */
handler_function step;
extern OWN volatile int steps;
extern OWN volatile unsigned long last_step;

#endif
