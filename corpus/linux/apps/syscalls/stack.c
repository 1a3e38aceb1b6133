/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Items about the application's stack where it isn't there yet. In ring 0 the
 * CPU pushes the frame of an interrupt on it, whatever is behind the page; and
 * the fault that this raises, too.
 */
#include "tour.h"
#include "faults.h"

/* call_on(stack, function, argument): the function with its stack below that address. */
long call_on(unsigned long stack, long (*function)(long), long argument);
__asm__(".text\n"
	".global call_on\n"
	".type call_on, @function\n"
	"call_on:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	mov %rdi, %rsp\n"
	"	mov %rdx, %rdi\n"
	"	call *%rsi\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	ret\n"
	".size call_on, . - call_on\n");

static long add_one(long value)
{
	return value + 1;
}

/* The push of CALL is the first access to the page. */
static void call_on_a_fresh_page(void)
{
	unsigned long pages = (unsigned long)fresh(32 * PAGE), i;

	for (i = 1; i <= 32; i++)
		expect("result", i + 1, call_on(pages + i * PAGE, add_one, i));
}

/* A system call without anything pushed before: getpid with RSP at the end of a page. */
long getpid_on(unsigned long stack);
__asm__(".text\n"
	".global getpid_on\n"
	".type getpid_on, @function\n"
	"getpid_on:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	mov %rdi, %rsp\n"
	"	mov $39, %eax\n"
	"	" SYSTEM_CALL "\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	ret\n"
	".size getpid_on, . - getpid_on\n");

/* Every distance from the page's edge at which something of the entry may cross it. */
static void system_calls_across_pages(void)
{
	long pid = sys(SYS_getpid);
	unsigned long offset;

	for (offset = 0; offset <= 256; offset += 8) {
		unsigned long pages = (unsigned long)fresh(2 * PAGE);

		*(volatile char *)(pages + PAGE) = 1; /* the upper page is there, the lower isn't */
		expect("getpid", pid, getpid_on(pages + PAGE + offset));
		succeeds("munmap", sys(SYS_munmap, pages, 2 * PAGE));
	}
}

static void breakpoint_across_pages_handler(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	caught.signal++;
}

void int3_on(unsigned long stack);
__asm__(".text\n"
	".global int3_on\n"
	".type int3_on, @function\n"
	"int3_on:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	mov %rdi, %rsp\n"
	"	int3\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	ret\n"
	".size int3_on, . - int3_on\n");

/* The frame of an exception that crosses into a page that isn't there. */
static void exceptions_across_pages(void)
{
	unsigned long offset;

	handle(SIGTRAP, breakpoint_across_pages_handler, 0);
	caught.signal = 0;
	for (offset = 0; offset <= 256; offset += 8) {
		unsigned long pages = (unsigned long)fresh(4 * PAGE);

		*(volatile char *)(pages + 3 * PAGE) = 1;
		int3_on(pages + 3 * PAGE + offset);
		succeeds("munmap", sys(SYS_munmap, pages, 4 * PAGE));
	}
	expect("signals", 33, caught.signal);
}

/* Set by a handler, read by spin_on: in memory of the process's own. */
static OWN volatile int ticks;

static void tick(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	ticks++;
}

/* Spins with RSP there until the word changes from value. Touches no stack by itself. */
void spin_on(unsigned long stack, volatile int *word, int value);
__asm__(".text\n"
	".global spin_on\n"
	".type spin_on, @function\n"
	"spin_on:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	mov %rdi, %rsp\n"
	"1:	cmp %edx, (%rsi)\n"
	"	je 1b\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	ret\n"
	".size spin_on, . - spin_on\n");

/* The timer's interrupt finds no page to push its frame on: it must not get lost. */
static void interrupts_on_a_fresh_page(void)
{
	unsigned long pages = (unsigned long)fresh(64 * PAGE), i;

	handle(SIGALRM, tick, SA_RESTART);
	alarm_every(4);
	for (i = 1; i <= 16; i++)
		spin_on(pages + 4 * i * PAGE, &ticks, ticks);
	expect_at_least("ticks", 16, ticks);
}

/* The same on pages that a fork has made read-only, in both processes. */
static void interrupts_on_a_copied_page(void)
{
	unsigned long pages = (unsigned long)fresh(64 * PAGE), i;
	int pid;

	memset((void *)pages, 1, 64 * PAGE);
	handle(SIGALRM, tick, SA_RESTART);
	pid = child();
	alarm_every(4); /* timers are not inherited */
	for (i = 1; i <= 8; i++)
		spin_on(pages + 4 * i * PAGE, &ticks, ticks);
	if (pid == 0)
		sys(SYS_exit_group, ticks < 8);
	expect("wait status", 0, reap(pid));
	expect_at_least("ticks", 8, ticks);
}

/* A child's first calls and returns are on a stack that it shares until it writes. */
static void calls_on_a_copied_stack(void)
{
	int pid, i;

	for (i = 0; i < 5; i++) {
		pid = child();
		if (pid == 0)
			sys(SYS_exit_group, deep(30) == 30 ? 3 : 4);
		expect("frames here", 30, deep(30));
		expect("wait status", EXITED(3), reap(pid));
	}
}

static void overflow_without_another_stack(void)
{
	unsigned long limit[2] = { 64 * PAGE, 64 * PAGE };
	int pid = child();

	if (pid == 0) {
		succeeds("setrlimit", sys(SYS_setrlimit, 3 /* RLIMIT_STACK */, limit));
		guarded(overflow, 0); /* there is nowhere to put the frame of the signal */
		sys(SYS_exit_group, 0);
	}
	expect("wait status", SIGSEGV, reap(pid) & ~0x80);
}

static void push_at(unsigned long stack)
{
	call_on(stack, add_one, 0);
}

static void stack_pointer_nowhere(void)
{
	unsigned long hole = (unsigned long)fresh(3 * PAGE);

	use_alternate_stack();
	succeeds("munmap", sys(SYS_munmap, hole + PAGE, PAGE));
	expect("no memory", 1, guarded(push_at, hole + 2 * PAGE));
	expect("signal", SIGSEGV, caught.signal);
	expect("code", SEGV_MAPERR, caught.code);
	succeeds("mprotect", sys(SYS_mprotect, hole + 2 * PAGE, PAGE, PROT_READ));
	expect("read-only memory", 1, guarded(push_at, hole + 3 * PAGE));
	expect("signal", SIGSEGV, caught.signal);
	expect("code", SEGV_ACCERR, caught.code);
	expect("page 0", 1, guarded(push_at, 64));
	expect("signal", SIGSEGV, caught.signal);
	expect("code", SEGV_MAPERR, caught.code);
}

static void killed_on_no_stack(void)
{
	int pid = child();

	if (pid == 0) {
		push_at(64);
		sys(SYS_exit_group, 0);
	}
	expect("wait status", SIGSEGV, reap(pid) & ~0x80);
}

const struct item stack_items[] = {
	{ "stack growth", stack_grows },
	{ "call on a fresh stack page", call_on_a_fresh_page },
	{ "system calls across stack pages", system_calls_across_pages },
	{ "exceptions across stack pages", exceptions_across_pages },
	{ "interrupts on a fresh stack page", interrupts_on_a_fresh_page },
	{ "interrupts on a copied stack page", interrupts_on_a_copied_page },
	{ "calls on a copied stack", calls_on_a_copied_stack },
	{ "stack overflow", stack_overflow },
	{ "stack overflow without another stack", overflow_without_another_stack },
	{ "stack pointer nowhere", stack_pointer_nowhere },
	{ "killed where there is no stack", killed_on_no_stack },
	{ NULL, NULL },
};
