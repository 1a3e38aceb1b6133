/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Items about what an application finds in its registers after the kernel had
 * the CPU: behind a system call, a signal, a timer's interrupt, other processes.
 */
#include "tour.h"

#include <asm/prctl.h>

/* In the order that load_and_wait uses. */
struct registers {
	unsigned long general[15]; /* rax rbx rcx rdx rsi rdi rbp r8 to r15 */
	unsigned long flags;
	unsigned char xmm[16 * 16];
	unsigned int mxcsr;
	unsigned short x87_control, pad;
};

/* Own to the process: a word that a child changes must not end its parent's wait. */
OWN struct registers registers_before, registers_after;
OWN volatile unsigned char registers_waiting;

/*
 * Loads every register from registers_before, executes one instruction, spins
 * while registers_waiting is set, and stores what it has in registers_after.
 */
#define LOAD_AND_WAIT(name, instruction) \
	void name(void); \
	__asm__(".text\n" \
	".global " #name "\n" \
	".type " #name ", @function\n" \
	#name ":\n" \
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n" \
	"	ldmxcsr %fs:384+registers_before@tpoff\n" \
	"	fldcw %fs:388+registers_before@tpoff\n" \
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n" \
	"	movups %fs:128+16*\\n+registers_before@tpoff, %xmm\\n\n" \
	"	.endr\n" \
	"	push %fs:120+registers_before@tpoff\n" \
	"	popfq\n" \
	"	mov %fs:0+registers_before@tpoff, %rax\n" \
	"	mov %fs:8+registers_before@tpoff, %rbx\n" \
	"	mov %fs:16+registers_before@tpoff, %rcx\n" \
	"	mov %fs:24+registers_before@tpoff, %rdx\n" \
	"	mov %fs:32+registers_before@tpoff, %rsi\n" \
	"	mov %fs:40+registers_before@tpoff, %rdi\n" \
	"	mov %fs:48+registers_before@tpoff, %rbp\n" \
	"	mov %fs:56+registers_before@tpoff, %r8\n" \
	"	mov %fs:64+registers_before@tpoff, %r9\n" \
	"	mov %fs:72+registers_before@tpoff, %r10\n" \
	"	mov %fs:80+registers_before@tpoff, %r11\n" \
	"	mov %fs:88+registers_before@tpoff, %r12\n" \
	"	mov %fs:96+registers_before@tpoff, %r13\n" \
	"	mov %fs:104+registers_before@tpoff, %r14\n" \
	"	mov %fs:112+registers_before@tpoff, %r15\n" \
	"	" instruction "\n" \
	"	pushfq\n" \
	"1:	cmpb $0, %fs:registers_waiting@tpoff\n" \
	"	jne 1b\n" \
	"	pop %fs:120+registers_after@tpoff\n" \
	"	mov %rax, %fs:0+registers_after@tpoff\n" \
	"	mov %rbx, %fs:8+registers_after@tpoff\n" \
	"	mov %rcx, %fs:16+registers_after@tpoff\n" \
	"	mov %rdx, %fs:24+registers_after@tpoff\n" \
	"	mov %rsi, %fs:32+registers_after@tpoff\n" \
	"	mov %rdi, %fs:40+registers_after@tpoff\n" \
	"	mov %rbp, %fs:48+registers_after@tpoff\n" \
	"	mov %r8, %fs:56+registers_after@tpoff\n" \
	"	mov %r9, %fs:64+registers_after@tpoff\n" \
	"	mov %r10, %fs:72+registers_after@tpoff\n" \
	"	mov %r11, %fs:80+registers_after@tpoff\n" \
	"	mov %r12, %fs:88+registers_after@tpoff\n" \
	"	mov %r13, %fs:96+registers_after@tpoff\n" \
	"	mov %r14, %fs:104+registers_after@tpoff\n" \
	"	mov %r15, %fs:112+registers_after@tpoff\n" \
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n" \
	"	movups %xmm\\n, %fs:128+16*\\n+registers_after@tpoff\n" \
	"	.endr\n" \
	"	stmxcsr %fs:384+registers_after@tpoff\n" \
	"	fnstcw %fs:388+registers_after@tpoff\n" \
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

static void fill(unsigned long seed)
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

static void compare(void)
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

/* All but the result: a call leaves even RCX and R11, which SYSCALL uses up. */
static void survive_a_call(void)
{
	int i;

	for (i = 1; i < 20; i++) {
		fill(i);
		registers_before.general[0] = SYS_getpid;
		load_call_wait();
		expect("result", getpid(), registers_after.general[0]);
		registers_before.general[0] = registers_after.general[0];
		if (!IN_RING_0) {
			registers_before.general[2] = registers_after.general[2];
			registers_before.general[10] = registers_after.general[10];
		}
		compare();
	}
}

/* The number counts as the low half says, and what doesn't exist is -ENOSYS. */
static void numbers(void)
{
	static const struct {
		unsigned long number;
		long result;
	} cases[] = {
		{ 5000, -ENOSYS }, { 0xffffffff, -ENOSYS }, { -1UL, -ENOSYS },
		{ 0x40000000 | SYS_getpid, -ENOSYS }, { 0x7fffffff, -ENOSYS },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fill(3);
		registers_before.general[0] = cases[i].number;
		load_call_wait();
		expect("result", cases[i].result, registers_after.general[0]);
	}
	fill(3);
	registers_before.general[0] = 0xdead00000000UL | SYS_getpid;
	load_call_wait();
	expect("with a dirty upper half", getpid(), registers_after.general[0]);
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

static void survive_a_handler(void)
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

static void survive_an_interrupt(void)
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
	mcontext_t *registers = &((ucontext_t *)context)->uc_mcontext;

	(void)signal;
	(void)info;
	registers->gregs[REG_R12] = 0x1234;
	registers->gregs[REG_RCX] = 0x5678;
	registers->gregs[REG_R11] = 0x9abc;
	memset((unsigned char *)registers->fpregs->_xmm + 5 * 16, 0xee, 16);
	registers->fpregs->mxcsr = 0x1fa0; /* a sticky flag: PE */
}

static void changed_by_a_handler(void)
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

/* What sigreturn must not take from a frame: IF, IOPL, NT, VM, and another ring. */
static void forge(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	registers[REG_EFL] = (registers[REG_EFL] & ~0x200L) | 0x3000 | 0x4000 | 0x20000;
}

static void forged_flags(void)
{
	handle(SIGTRAP, forge, 0);
	fill(5);
	load_int3_wait();
	compare();
}

static void survive_other_processes(void)
{
	int pids[3], i, round;

	for (i = 0; i < 3; i++) {
		pids[i] = child();
		if (pids[i] != 0)
			continue;
		for (round = 0; round < 50; round++) {
			fill(100 * i + round);
			registers_before.general[0] = SYS_sched_yield;
			load_call_wait();
			expect("SSE registers", 0, memcmp(registers_before.xmm, registers_after.xmm, 256));
			expect("r15", registers_before.general[14], registers_after.general[14]);
		}
		sys(SYS_exit_group, 0);
	}
	for (i = 0; i < 3; i++)
		expect("wait status", 0, reap(pids[i]));
}

/* FS is the C library's: it comes back before anything uses it. */
static void segment_base(void)
{
	unsigned long *page = fresh(PAGE), ours = 0, there = 0, in_data_there;
	static unsigned long in_data[2] = { 0, 11 };
	int i;

	succeeds("arch_prctl", sys(SYS_arch_prctl, ARCH_GET_FS, &ours));
	page[1] = 10;
	for (i = 0; i < 2; i++) {
		sys(SYS_arch_prctl, ARCH_SET_FS, i ? in_data : page);
		sys(SYS_sched_yield);
		__asm__ volatile("mov %%fs:8, %0" : "=r"(*(i ? &in_data_there : &there)));
		sys(SYS_arch_prctl, ARCH_SET_FS, ours);
	}
	expect("through FS", 10, there);
	expect("through FS to data", 11, in_data_there);
	expect("a base that is no address", -EPERM, sys(SYS_arch_prctl, ARCH_SET_FS, 1UL << 62));
}

static OWN volatile int steps;
static OWN volatile unsigned long last_step;

static void step(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	if (info->si_code != TRAP_TRACE)
		return;
	steps++;
	last_step = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

static void single_step(void)
{
	unsigned long end;

	handle(SIGTRAP, step, 0);
	/* TF acts behind the instruction after the one that sets it (SDM vol. 3B 17.3.2). */
	__asm__ volatile("pushfq\n"
			 "orl $0x100, (%%rsp)\n"
			 "popfq\n"
			 "nop\n"
			 "nop\n"
			 "pushfq\n"
			 "andl $~0x100, (%%rsp)\n"
			 "popfq\n"
			 "1: lea 1b(%%rip), %0\n"
			 : "=&r"(end) : : "memory", "cc");
	expect("steps", 5, steps); /* nop nop pushfq andl popfq */
	expect("where the last one ended", end, last_step);
}

const struct item register_items[] = {
	{ "registers behind a call", survive_a_call },
	{ "numbers of calls", numbers },
	{ "registers behind a handler", survive_a_handler },
	{ "registers behind an interrupt", survive_an_interrupt },
	{ "registers changed by a handler", changed_by_a_handler },
	{ "flags forged by a handler", forged_flags },
	{ "registers behind other processes", survive_other_processes },
	{ "base of FS", segment_base },
	{ "single step by TF", single_step },
	{ NULL, NULL },
};
