/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Items about what a program finds in its registers after the kernel had the
 * CPU: behind a signal, behind a timer's interrupt, behind other programs.
 */
#include "tour.h"

#include <asm/prctl.h>
#include <asm/sigcontext.h>
#include <linux/time.h>

/* In the order that load_and_wait uses. */
struct registers {
	unsigned long general[15]; /* rax rbx rcx rdx rsi rdi rbp r8 to r15 */
	unsigned long flags;
	unsigned char xmm[16 * 16];
	unsigned int mxcsr;
	unsigned short x87_control, pad;
};

struct registers registers_before, registers_after;
volatile unsigned char registers_waiting;

/*
 * Loads every register from registers_before, takes an int3, spins while
 * registers_waiting is set, and stores what it has in registers_after.
 */
void load_and_wait(void);
__asm__(".text\n"
	".global load_and_wait\n"
	".type load_and_wait, @function\n"
	"load_and_wait:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	ldmxcsr 384+registers_before(%rip)\n"
	"	fldcw 388+registers_before(%rip)\n"
	"	lea 128+registers_before(%rip), %rax\n"
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"	movups 16*\\n(%rax), %xmm\\n\n"
	"	.endr\n"
	"	push 120+registers_before(%rip)\n"
	"	popfq\n"
	"	mov 0+registers_before(%rip), %rax\n"
	"	mov 8+registers_before(%rip), %rbx\n"
	"	mov 16+registers_before(%rip), %rcx\n"
	"	mov 24+registers_before(%rip), %rdx\n"
	"	mov 32+registers_before(%rip), %rsi\n"
	"	mov 40+registers_before(%rip), %rdi\n"
	"	mov 48+registers_before(%rip), %rbp\n"
	"	mov 56+registers_before(%rip), %r8\n"
	"	mov 64+registers_before(%rip), %r9\n"
	"	mov 72+registers_before(%rip), %r10\n"
	"	mov 80+registers_before(%rip), %r11\n"
	"	mov 88+registers_before(%rip), %r12\n"
	"	mov 96+registers_before(%rip), %r13\n"
	"	mov 104+registers_before(%rip), %r14\n"
	"	mov 112+registers_before(%rip), %r15\n"
	"	int3\n"
	"	pushfq\n"
	"1:	cmpb $0, registers_waiting(%rip)\n"
	"	jne 1b\n"
	"	pop 120+registers_after(%rip)\n"
	"	mov %rax, 0+registers_after(%rip)\n"
	"	mov %rbx, 8+registers_after(%rip)\n"
	"	mov %rcx, 16+registers_after(%rip)\n"
	"	mov %rdx, 24+registers_after(%rip)\n"
	"	mov %rsi, 32+registers_after(%rip)\n"
	"	mov %rdi, 40+registers_after(%rip)\n"
	"	mov %rbp, 48+registers_after(%rip)\n"
	"	mov %r8, 56+registers_after(%rip)\n"
	"	mov %r9, 64+registers_after(%rip)\n"
	"	mov %r10, 72+registers_after(%rip)\n"
	"	mov %r11, 80+registers_after(%rip)\n"
	"	mov %r12, 88+registers_after(%rip)\n"
	"	mov %r13, 96+registers_after(%rip)\n"
	"	mov %r14, 104+registers_after(%rip)\n"
	"	mov %r15, 112+registers_after(%rip)\n"
	"	lea 128+registers_after(%rip), %rax\n"
	"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"	movups %xmm\\n, 16*\\n(%rax)\n"
	"	.endr\n"
	"	stmxcsr 384+registers_after(%rip)\n"
	"	fnstcw 388+registers_after(%rip)\n"
	"	fninit\n"
	"	pushq $0x1f80\n" /* MXCSR as it is after reset */
	"	ldmxcsr (%rsp)\n"
	"	pop %rax\n"
	"	cld\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".size load_and_wait, . - load_and_wait\n");

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
	for (i = 0; i < 256; i++)
		expect("a byte of an SSE register", registers_before.xmm[i], registers_after.xmm[i]);
	expect("MXCSR", registers_before.mxcsr, registers_after.mxcsr);
	expect("x87 control word", registers_before.x87_control, registers_after.x87_control);
}

static void scramble(int signal, siginfo_t *info, struct ucontext *context)
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
		load_and_wait();
		compare();
	}
}

static void nothing(int signal, siginfo_t *info, struct ucontext *context)
{
	(void)signal;
	(void)info;
	(void)context;
}

static void survive_an_interrupt(void)
{
	struct itimerval timer = { .it_value = { 0, 3 * MILLISECOND_US } };
	int i;

	handle(SIGTRAP, nothing, 0);
	handle(SIGALRM, scramble, 0);
	for (i = 1; i < 4; i++) {
		fill(i);
		registers_waiting = 1;
		succeeds("setitimer", sys(__NR_setitimer, ITIMER_REAL, &timer, 0));
		load_and_wait();
		registers_after.flags = registers_before.flags; /* the loop compares */
		compare();
	}
}

static void change(int signal, siginfo_t *info, struct ucontext *context)
{
	struct sigcontext *registers = &context->uc_mcontext;
	struct _fpstate_64 *fp = (struct _fpstate_64 *)registers->fpstate;

	(void)signal;
	(void)info;
	registers->r12 = 0x1234;
	registers->rcx = 0x5678;
	registers->r11 = 0x9abc;
	memset((unsigned char *)fp->xmm_space + 5 * 16, 0xee, 16);
	fp->mxcsr = 0x1fa0; /* a sticky flag: PE */
}

static void changed_by_a_handler(void)
{
	handle(SIGTRAP, change, 0);
	fill(77);
	load_and_wait();
	registers_before.general[2] = 0x5678;
	registers_before.general[10] = 0x9abc;
	registers_before.general[11] = 0x1234;
	memset(registers_before.xmm + 5 * 16, 0xee, 16);
	registers_before.mxcsr = 0x1fa0;
	compare();
}

static void survive_other_programs(void)
{
	int pids[3], i, round;

	for (i = 0; i < 3; i++) {
		pids[i] = child();
		if (pids[i] != 0)
			continue;
		for (round = 0; round < 50; round++) {
			fill(100 * i + round);
			__asm__ volatile("movups (%0), %%xmm9" : : "r"(registers_before.xmm) : "xmm9", "memory");
			sys(__NR_sched_yield);
			__asm__ volatile("movups %%xmm9, (%0)" : : "r"(registers_after.xmm) : "memory");
			expect("an SSE register", 0, memcmp(registers_before.xmm, registers_after.xmm, 16));
		}
		sys(__NR_exit_group, 0);
	}
	for (i = 0; i < 3; i++)
		expect("wait status", 0, reap(pids[i]));
}

static volatile int steps;
static volatile unsigned long last_step;

static void step(int signal, siginfo_t *info, struct ucontext *context)
{
	struct sigcontext *registers = &context->uc_mcontext;

	(void)signal;
	if (info->si_code != TRAP_TRACE)
		return;
	steps++;
	last_step = registers->rip;
}

static void single_step(void)
{
	unsigned long end;

	handle(SIGTRAP, step, 0);
	/*
	 * TF acts behind the instruction after the one that sets it (SDM vol. 3B 17.3.2). The
	 * kernel returns from the call with IRET then, so the trap comes behind the NOP.
	 */
	__asm__ volatile("lea -128(%%rsp), %%rsp\n" /* leave the red zone alone */
			 "pushfq\n"
			 "orl $0x100, (%%rsp)\n"
			 "popfq\n"
			 "nop\n"
			 "mov $39, %%eax\n" /* __NR_getpid */
			 "syscall\n"
			 "nop\n"
			 "pushfq\n"
			 "andl $~0x100, (%%rsp)\n"
			 "popfq\n"
			 "1: lea 128(%%rsp), %%rsp\n"
			 "lea 1b(%%rip), %0\n"
			 : "=&r"(end) : : "rax", "rcx", "r11", "memory", "cc");
	expect("steps", 6, steps); /* nop mov, syscall and nop, pushfq andl popfq */
	expect("where the last one ended", end, last_step);
}

static void segment_bases(void)
{
	static unsigned long first = 1, second = 2;
	unsigned long base = 0, value;
	int pid, i;

	succeeds("arch_prctl", sys(__NR_arch_prctl, ARCH_SET_FS, &first));
	succeeds("arch_prctl", sys(__NR_arch_prctl, ARCH_SET_GS, &second));
	pid = child();
	if (pid == 0) {
		sys(__NR_arch_prctl, ARCH_SET_FS, &second);
		sys(__NR_arch_prctl, ARCH_SET_GS, 0);
		for (i = 0; i < 20; i++)
			sys(__NR_sched_yield);
		sys(__NR_exit_group, 0);
	}
	for (i = 0; i < 20; i++) {
		__asm__ volatile("mov %%fs:0, %0" : "=r"(value));
		expect("through FS", 1, value);
		__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
		expect("through GS", 2, value);
		sys(__NR_sched_yield);
	}
	succeeds("arch_prctl", sys(__NR_arch_prctl, ARCH_GET_FS, &base));
	expect("FS base", (long)&first, base);
	if (auxiliary(26 /* AT_HWCAP2 */) & 2) { /* the kernel has enabled FSGSBASE */
		__asm__ volatile("rdgsbase %0" : "=r"(base));
		expect("RDGSBASE", (long)&second, base);
		__asm__ volatile("wrfsbase %0" : : "r"(&second));
		sys(__NR_sched_yield);
		__asm__ volatile("mov %%fs:0, %0" : "=r"(value));
		expect("through FS after WRFSBASE", 2, value);
	}
	expect("wait status", 0, reap(pid));
}

const struct item register_items[] = {
	{ "registers behind a handler", survive_a_handler },
	{ "registers behind an interrupt", survive_an_interrupt },
	{ "registers changed by a handler", changed_by_a_handler },
	{ "registers behind other programs", survive_other_programs },
	{ "single step by TF", single_step },
	{ "segment bases", segment_bases },
	{ NULL, NULL },
};
