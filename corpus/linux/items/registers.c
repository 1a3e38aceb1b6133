/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program finds in its registers after the kernel had the CPU: behind a
 * signal, behind a timer's interrupt, behind other processes.
 */
#include "registers.h"

OWN struct registers registers_before, registers_after;
OWN volatile unsigned char registers_waiting;

#define LOAD_AND_WAIT(name, instruction) \
	__asm__(".text\n" \
	".global " #name "\n" \
	".type " #name ", @function\n" \
	#name ":\n" \
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n" \
	"	ldmxcsr " OWN_AT("384+registers_before") "\n" \
	"	fldcw " OWN_AT("388+registers_before") "\n" \
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n" \
	"	movups " OWN_AT("128+16*\\n+registers_before") ", %xmm\\n\n" \
	"	.endr\n" \
	"	push " OWN_AT("120+registers_before") "\n" \
	"	popfq\n" \
	"	mov " OWN_AT("0+registers_before") ", %rax\n" \
	"	mov " OWN_AT("8+registers_before") ", %rbx\n" \
	"	mov " OWN_AT("16+registers_before") ", %rcx\n" \
	"	mov " OWN_AT("24+registers_before") ", %rdx\n" \
	"	mov " OWN_AT("32+registers_before") ", %rsi\n" \
	"	mov " OWN_AT("40+registers_before") ", %rdi\n" \
	"	mov " OWN_AT("48+registers_before") ", %rbp\n" \
	"	mov " OWN_AT("56+registers_before") ", %r8\n" \
	"	mov " OWN_AT("64+registers_before") ", %r9\n" \
	"	mov " OWN_AT("72+registers_before") ", %r10\n" \
	"	mov " OWN_AT("80+registers_before") ", %r11\n" \
	"	mov " OWN_AT("88+registers_before") ", %r12\n" \
	"	mov " OWN_AT("96+registers_before") ", %r13\n" \
	"	mov " OWN_AT("104+registers_before") ", %r14\n" \
	"	mov " OWN_AT("112+registers_before") ", %r15\n" \
	"	" instruction "\n" \
	"	pushfq\n" \
	"1:	cmpb $0, " OWN_AT("registers_waiting") "\n" \
	"	jne 1b\n" \
	"	pop " OWN_AT("120+registers_after") "\n" \
	"	mov %rax, " OWN_AT("0+registers_after") "\n" \
	"	mov %rbx, " OWN_AT("8+registers_after") "\n" \
	"	mov %rcx, " OWN_AT("16+registers_after") "\n" \
	"	mov %rdx, " OWN_AT("24+registers_after") "\n" \
	"	mov %rsi, " OWN_AT("32+registers_after") "\n" \
	"	mov %rdi, " OWN_AT("40+registers_after") "\n" \
	"	mov %rbp, " OWN_AT("48+registers_after") "\n" \
	"	mov %r8, " OWN_AT("56+registers_after") "\n" \
	"	mov %r9, " OWN_AT("64+registers_after") "\n" \
	"	mov %r10, " OWN_AT("72+registers_after") "\n" \
	"	mov %r11, " OWN_AT("80+registers_after") "\n" \
	"	mov %r12, " OWN_AT("88+registers_after") "\n" \
	"	mov %r13, " OWN_AT("96+registers_after") "\n" \
	"	mov %r14, " OWN_AT("104+registers_after") "\n" \
	"	mov %r15, " OWN_AT("112+registers_after") "\n" \
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n" \
	"	movups %xmm\\n, " OWN_AT("128+16*\\n+registers_after") "\n" \
	"	.endr\n" \
	"	stmxcsr " OWN_AT("384+registers_after") "\n" \
	"	fnstcw " OWN_AT("388+registers_after") "\n" \
	"	fninit\n" \
	"	pushq $0x1f80\n" /* MXCSR as it is after reset */ \
	"	ldmxcsr (%rsp)\n" \
	"	pop %rax\n" \
	"	cld\n" \
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n" \
	"	ret\n" \
	".size " #name ", . - " #name "\n")

LOAD_AND_WAIT(load_int3_wait, "int3");
LOAD_AND_WAIT(load_call_wait, SYSTEM_CALL);

#define FLAGS_IN_USE 0xcd5UL /* CF PF AF ZF SF DF OF */

void fill(unsigned long seed)
{
	unsigned int i;

	for (i = 0; i < 15; i++)
		registers_before.general[i] = seed * (i + 3) * 0x9e3779b97f4a7c15UL;
	registers_before.flags = 0x202 | 0x1 | 0x80 | 0x400 | 0x800; /* IF CF SF DF OF */
	for (i = 0; i < 256; i++)
		registers_before.xmm[i] = seed + 7 * i;
	registers_before.mxcsr = 0x7f80;	/* rounds towards zero */
	registers_before.x87_control = 0x27f;	/* double precision */
}

void compare(void)
{
	unsigned int i;

	for (i = 0; i < 15; i++)
		expect("a general register", registers_before.general[i], registers_after.general[i]);
	expect("flags", registers_before.flags & FLAGS_IN_USE, registers_after.flags & FLAGS_IN_USE);
	expect("interrupts and privileges", 0x200, registers_after.flags & 0x7200); /* IF IOPL NT */
	for (i = 0; i < 256; i++)
		expect("a byte of an SSE register", registers_before.xmm[i], registers_after.xmm[i]);
	expect("MXCSR", registers_before.mxcsr, registers_after.mxcsr);
	expect("x87 control word", registers_before.x87_control, registers_after.x87_control);
}

static void scramble(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	__asm__ volatile("fninit\n"
			 "pcmpeqb %%xmm0, %%xmm0\n"
			 "pcmpeqb %%xmm7, %%xmm7\n"
			 "pxor %%xmm15, %%xmm15\n" : : : "xmm0", "xmm7", "xmm15");
	registers_waiting = 0;
}

void registers_behind_a_handler(void)
{
	int i;

	handle(SIGTRAP, scramble, 0);
	for (i = 1; i < 20; i++) {
		fill(i);
		load_int3_wait();
		compare();
	}
}

static void nothing(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
}

void registers_behind_an_interrupt(void)
{
	int i;

	handle(SIGTRAP, nothing, 0);
	handle(SIGALRM, scramble, 0);
	alarm_every(4);
	for (i = 1; i < 6; i++) {
		fill(i);
		registers_waiting = 1;
		load_int3_wait();
		registers_after.flags = registers_before.flags; /* the loop compares */
		compare();
	}
}

static void change(int signal, siginfo_t *info, void *context)
{
	struct sigcontext *registers = context_registers(context);
	unsigned char *fxsave = (unsigned char *)registers->fpstate;
	static const unsigned int mxcsr = 0x1fa0; /* a sticky flag: PE */

	(void)signal;
	(void)info;
	registers->r12 = 0x1234;
	registers->rcx = 0x5678;
	registers->r11 = 0x9abc;
	/* SDM vol. 1 table 10-2: MXCSR at 24, XMM0 at 160. */
	memcpy(fxsave + 24, &mxcsr, 4);
	memset(fxsave + 160 + 5 * 16, 0xee, 16);
}

void registers_changed_by_a_handler(void)
{
	handle(SIGTRAP, change, 0);
	fill(77);
	load_int3_wait();
	registers_before.general[2] = 0x5678;
	registers_before.general[10] = 0x9abc;
	registers_before.general[11] = 0x1234;
	memset(registers_before.xmm + 5 * 16, 0xee, 16);
	registers_before.mxcsr = 0x1fa0;
	compare();
}

void registers_behind_other_processes(void)
{
	int pids[3], i, round;

	for (i = 0; i < 3; i++) {
		pids[i] = child();
		if (pids[i] != 0)
			continue;
		for (round = 0; round < 50; round++) {
			fill(100 * i + round);
			registers_before.general[0] = __NR_sched_yield;
			load_call_wait();
			expect("SSE registers", 0, memcmp(registers_before.xmm, registers_after.xmm, 256));
			expect("r15", registers_before.general[14], registers_after.general[14]);
		}
		sys(__NR_exit_group, 0);
	}
	for (i = 0; i < 3; i++)
		expect("wait status", 0, reap(pids[i]));
}

OWN volatile int steps;
OWN volatile unsigned long last_step;

void step(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	if (info->si_code != TRAP_TRACE)
		return;
	steps++;
	last_step = context_registers(context)->rip;
}
