/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about faults: each ends in the signal, the code and the address it should. */
#include "tour.h"

/* Vectors, SDM vol. 3A 6.3, and bits of the page-fault error code, 6.15. */
enum { DE = 0, DB = 1, BP = 3, UD = 6, GP = 13, PF = 14, MF = 16 };
enum { P = 1, W = 2, U = 4, I = 16 };

static void read_byte(unsigned long address)
{
	__asm__ volatile("movb (%0), %%al" : : "r"(address) : "rax", "memory");
}

static void write_byte(unsigned long address)
{
	__asm__ volatile("movb $1, (%0)" : : "r"(address) : "memory");
}

static void execute(unsigned long address)
{
	((void (*)(void))address)();
}

static void page_fault(const char *what, void (*action)(unsigned long), unsigned long address,
		       int signal, int code)
{
	expect(what, 1, guarded(action, address));
	expect(what, signal, caught.signal);
	expect(what, code, caught.code);
	expect(what, PF, caught.trap);
	expect(what, address, caught.address);
}

static void unmapped(void)
{
	unsigned long hole = (unsigned long)fresh(PAGE);

	sys(SYS_munmap, hole, PAGE);
	page_fault("read", read_byte, hole + 5, SIGSEGV, SEGV_MAPERR);
	expect("its error code, but for the ring", 0, caught.error & ~U);
	page_fault("write", write_byte, hole + 6, SIGSEGV, SEGV_MAPERR);
	expect("its error code, but for the ring", W, caught.error & ~U);
	page_fault("execute", execute, hole + 7, SIGSEGV, SEGV_MAPERR);
	expect("its error code, but for the ring", I, caught.error & ~U);
	page_fault("read of address 8", read_byte, 8, SIGSEGV, SEGV_MAPERR);
	page_fault("write to address 8", write_byte, 8, SIGSEGV, SEGV_MAPERR);
	page_fault("execute address 8", execute, 8, SIGSEGV, SEGV_MAPERR);
}

static void protected(void)
{
	unsigned long page = (unsigned long)fresh(PAGE);

	write_byte(page);
	sys(SYS_mprotect, page, PAGE, PROT_READ);
	expect("read of read-only memory", 0, guarded(read_byte, page));
	page_fault("write to read-only memory", write_byte, page, SIGSEGV, SEGV_ACCERR);
	expect("its error code, but for the ring", W | P, caught.error & ~U);
	page_fault("execute what is not executable", execute, page, SIGSEGV, SEGV_ACCERR);
	expect("its error code, but for the ring", I | P, caught.error & ~U);
	sys(SYS_mprotect, page, PAGE, PROT_NONE);
	/* The kernel clears the present bit of such a page. */
	expect("read of PROT_NONE", 1, guarded(read_byte, page));
	expect("signal code", SEGV_ACCERR, caught.code);
	expect("address", page, caught.address);
	sys(SYS_mprotect, page, PAGE, PROT_READ | PROT_WRITE);
	expect("write after mprotect", 0, guarded(write_byte, page));
}

static const char constant[64] = "in read-only data";
static char variable[64];

static void image(void)
{
	expect("read of constants", 0, guarded(read_byte, (unsigned long)constant));
	page_fault("write to constants", write_byte, (unsigned long)constant, SIGSEGV, SEGV_ACCERR);
	expect("read of instructions", 0, guarded(read_byte, (unsigned long)image));
	page_fault("write to instructions", write_byte, (unsigned long)image, SIGSEGV, SEGV_ACCERR);
	expect("write to data", 0, guarded(write_byte, (unsigned long)variable));
	page_fault("execute data", execute, (unsigned long)variable, SIGSEGV, SEGV_ACCERR);
}

/* Between what the kernel maps: no memory in either ring. */
#define KERNEL_HOLE 0xffffff9000000000UL

static void kernel_half(void)
{
	/* An ordinary kernel reports all of its half as mapped to ring 3, lest its layout leak. */
	page_fault("read", read_byte, KERNEL_HOLE, SIGSEGV, SEGV_MAPERR);
	page_fault("write", write_byte, KERNEL_HOLE, SIGSEGV, SEGV_MAPERR);
	page_fault("execute", execute, KERNEL_HOLE, SIGSEGV, SEGV_MAPERR);
}

static void not_canonical(void)
{
	static void (*const actions[])(unsigned long) = { read_byte, write_byte, execute };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		expect("caught", 1, guarded(actions[i], 1UL << 62));
		expect("signal", SIGSEGV, caught.signal);
		expect("code", SI_KERNEL, caught.code);
		expect("vector", GP, caught.trap);
		expect("address", 0, caught.address);
	}
}

static void behind_the_end_of_a_file(void)
{
	int fd = succeeds("open", sys(SYS_open, "/tmp/short", O_CREAT | O_RDWR, 0600));
	unsigned long memory;

	succeeds("ftruncate", sys(SYS_ftruncate, fd, PAGE));
	memory = succeeds("mmap", sys(SYS_mmap, 0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	expect("read inside", 0, guarded(read_byte, memory));
	page_fault("read behind", read_byte, memory + PAGE, SIGBUS, BUS_ADRERR);
	page_fault("write behind", write_byte, memory + PAGE, SIGBUS, BUS_ADRERR);
	succeeds("unlink", sys(SYS_unlink, "/tmp/short"));
}

static void divide_by_zero(unsigned long zero)
{
	__asm__ volatile("divq %0" : : "r"(zero), "a"(1UL), "d"(0UL) : "cc");
}

static void x87_divide_by_zero(unsigned long unused)
{
	unsigned short control = 0x37b; /* ZM clear */

	(void)unused;
	__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(control));
}

static void arithmetic(const char *what, void (*action)(unsigned long), int code, int vector)
{
	expect(what, 1, guarded(action, 0));
	expect(what, SIGFPE, caught.signal);
	expect(what, code, caught.code);
	expect(what, vector, caught.trap);
}

static void division(void)
{
	arithmetic("divq", divide_by_zero, FPE_INTDIV, DE);
	arithmetic("x87", x87_divide_by_zero, FPE_FLTDIV, MF);
}

static void run_ud2(unsigned long unused) { (void)unused; __asm__ volatile("ud2"); }
static void run_int3(unsigned long unused) { (void)unused; __asm__ volatile("int3"); }

static void undefined(void)
{
	expect("ud2", 1, guarded(run_ud2, 0));
	expect("signal", SIGILL, caught.signal);
	expect("code", ILL_ILLOPN, caught.code);
	expect("vector", UD, caught.trap);
	expect("address", (long)run_ud2, caught.address & -16L);
}

static void breakpoint(void)
{
	expect("int3", 1, guarded(run_int3, 0));
	expect("signal", SIGTRAP, caught.signal);
	expect("code", SI_KERNEL, caught.code);
	expect("vector", BP, caught.trap);
}

/* What no handler is there for ends the process, and its parent hears by which signal. */
static void kills(void)
{
	static const struct {
		void (*action)(unsigned long);
		unsigned long argument;
		int signal;
	} cases[] = {
		{ read_byte, 8, SIGSEGV },
		{ write_byte, KERNEL_HOLE, SIGSEGV },
		{ execute, 8, SIGSEGV },
		{ execute, KERNEL_HOLE, SIGSEGV },
		{ write_byte, (unsigned long)constant, SIGSEGV },
		{ read_byte, 1UL << 62, SIGSEGV },
		{ divide_by_zero, 0, SIGFPE },
		{ run_ud2, 0, SIGILL },
		{ run_int3, 0, SIGTRAP },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int pid = child();

		if (pid == 0) {
			cases[i].action(cases[i].argument);
			sys(SYS_exit_group, 0);
		}
		expect("wait status", cases[i].signal, reap(pid) & ~0x80 /* core dumped */);
	}
}

static void end(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	_exit(1);
}

/* A fault with its signal blocked is not put off. */
static void kills_where_blocked(void)
{
	int pid = child();

	if (pid == 0) {
		block(SIGSEGV);
		handle(SIGSEGV, end, 0);
		read_byte(8);
		sys(SYS_exit_group, 0);
	}
	expect("wait status", SIGSEGV, reap(pid) & ~0x80);
}

const struct item fault_items[] = {
	{ "faults on unmapped memory", unmapped },
	{ "faults on protected memory", protected },
	{ "faults on the application's image", image },
	{ "faults on the kernel's half", kernel_half },
	{ "faults on non-canonical addresses", not_canonical },
	{ "faults behind the end of a file", behind_the_end_of_a_file },
	{ "division by zero", division },
	{ "undefined instruction", undefined },
	{ "breakpoint instruction", breakpoint },
	{ "killed by a fault", kills },
	{ "killed by a fault that is blocked", kills_where_blocked },
	{ NULL, NULL },
};
