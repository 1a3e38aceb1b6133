/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about faults: each ends in the signal, code, address and error code it should. */
#include "tour.h"

#include <linux/mman.h>

/* Vectors and bits of the page-fault error code, SDM vol. 3A 6.15. */
enum { DE = 0, DB = 1, BP = 3, UD = 6, GP = 13, PF = 14, MF = 16 };
enum { P = 1, W = 2, U = 4, I = 16, PK = 32 };

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

static void must_catch(const char *what, void (*action)(unsigned long), unsigned long argument,
		       struct caught expected)
{
	expect(what, 1, guarded(action, argument));
	expect(what, expected.signal, caught.signal);
	expect(what, expected.code, caught.code);
	expect(what, expected.trap, caught.trap);
	expect(what, expected.error, caught.error);
	expect(what, expected.address, caught.address);
	if (expected.trap == PF)
		expect(what, expected.cr2, caught.cr2);
}

static void page_fault(const char *what, void (*action)(unsigned long), unsigned long address,
		       int signal, int code, int error)
{
	must_catch(what, action, address, (struct caught){
		.signal = signal, .code = code, .address = address,
		.trap = PF, .error = error, .cr2 = address,
	});
}

static unsigned long map(int protection)
{
	return succeeds("mmap", sys(__NR_mmap, 0, PAGE, protection,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void unmapped(void)
{
	unsigned long hole = map(PROT_READ);

	sys(__NR_munmap, hole, PAGE);
	page_fault("read", read_byte, hole + 5, SIGSEGV, SEGV_MAPERR, U);
	page_fault("write", write_byte, hole + 6, SIGSEGV, SEGV_MAPERR, U | W);
	page_fault("execute", execute, hole + 7, SIGSEGV, SEGV_MAPERR, U | I);
	page_fault("read of address 8", read_byte, 8, SIGSEGV, SEGV_MAPERR, U);
}

static void protected(void)
{
	unsigned long page = map(PROT_READ | PROT_WRITE);

	write_byte(page);
	sys(__NR_mprotect, page, PAGE, PROT_READ);
	expect("read of read-only memory", 0, guarded(read_byte, page));
	page_fault("write to read-only memory", write_byte, page, SIGSEGV, SEGV_ACCERR, U | W | P);
	page_fault("execute what is not executable", execute, page, SIGSEGV, SEGV_ACCERR, U | I | P);
	sys(__NR_mprotect, page, PAGE, PROT_NONE);
	/* The kernel clears the present bit of such a page. */
	expect("read of PROT_NONE", 1, guarded(read_byte, page));
	expect("signal code", SEGV_ACCERR, caught.code);
	expect("address", page, caught.address);
	sys(__NR_mprotect, page, PAGE, PROT_READ | PROT_WRITE);
	expect("write after mprotect", 0, guarded(write_byte, page));
}

static void kernel_memory(void)
{
	/* The kernel reports all of its half as mapped, lest its layout leak. */
	page_fault("read", read_byte, 0xffffffff81000000UL, SIGSEGV, SEGV_MAPERR, U | P);
	page_fault("write", write_byte, 0xffffffff81000000UL, SIGSEGV, SEGV_MAPERR, U | W | P);
	page_fault("execute", execute, 0xffffffff81000000UL, SIGSEGV, SEGV_MAPERR, U | I | P);
}

static void not_canonical(void)
{
	struct caught expected = { .signal = SIGSEGV, .code = SI_KERNEL, .trap = GP };

	must_catch("read", read_byte, 1UL << 62, expected);
	must_catch("write", write_byte, 1UL << 62, expected);
	must_catch("execute", execute, 1UL << 62, expected);
}

static void behind_the_end_of_a_file(void)
{
	int fd = succeeds("open", sys(__NR_open, "/tmp/short", O_CREAT | O_RDWR, 0600));
	unsigned long memory;

	succeeds("ftruncate", sys(__NR_ftruncate, fd, PAGE));
	memory = succeeds("mmap", sys(__NR_mmap, 0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0));
	expect("read inside", 0, guarded(read_byte, memory));
	page_fault("read behind", read_byte, memory + PAGE, SIGBUS, BUS_ADRERR, U);
}

static volatile int endless = 1;

static void overflow(unsigned long depth)
{
	volatile unsigned char frame[512];

	frame[0] = depth;
	if (endless)
		overflow(depth + frame[0]);
	frame[1] = depth;
}

static void stack_overflow(void)
{
	static unsigned char stack[16384];
	struct sigaltstack alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	unsigned long limit[2] = { 64 * PAGE, 64 * PAGE }; /* struct rlimit: now, at most */

	succeeds("setrlimit", sys(__NR_setrlimit, 3 /* RLIMIT_STACK */, limit));
	succeeds("sigaltstack", sys(__NR_sigaltstack, &alternate, 0));
	expect("caught", 1, guarded(overflow, 0));
	expect("signal", SIGSEGV, caught.signal);
	expect("vector", PF, caught.trap);
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

static void division(void)
{
	expect("divq", 1, guarded(divide_by_zero, 0));
	expect("signal", SIGFPE, caught.signal);
	expect("code", FPE_INTDIV, caught.code);
	expect("vector", DE, caught.trap);
	expect("x87", 1, guarded(x87_divide_by_zero, 0));
	expect("signal", SIGFPE, caught.signal);
	expect("code", FPE_FLTDIV, caught.code);
	expect("vector", MF, caught.trap);
}

static void run_ud2(unsigned long unused) { (void)unused; __asm__ volatile("ud2"); }
static void run_int3(unsigned long unused) { (void)unused; __asm__ volatile("int3"); }
static void run_hlt(unsigned long unused) { (void)unused; __asm__ volatile("hlt"); }
static void run_cli(unsigned long unused) { (void)unused; __asm__ volatile("cli"); }
static void run_in(unsigned long port) { __asm__ volatile("inb %w0, %%al" : : "d"(port) : "rax"); }
static void run_cr3(unsigned long unused) { (void)unused; __asm__ volatile("mov %%cr3, %%rax" : : : "rax"); }
static void run_rdmsr(unsigned long unused) { (void)unused; __asm__ volatile("rdmsr" : : "c"(0x10) : "rax", "rdx"); }
static void run_swapgs(unsigned long unused) { (void)unused; __asm__ volatile("swapgs"); }
static void run_int80(unsigned long unused) { (void)unused; __asm__ volatile("int $0x80"); }
static void run_int_de(unsigned long unused) { (void)unused; __asm__ volatile("int $0"); }
static void load_fs(unsigned long selector) { __asm__ volatile("mov %0, %%fs" : : "r"(selector)); }

static void undefined(void)
{
	expect("ud2", 1, guarded(run_ud2, 0));
	expect("signal", SIGILL, caught.signal);
	expect("code", ILL_ILLOPN, caught.code);
	expect("vector", UD, caught.trap);
}

static void breakpoint(void)
{
	expect("int3", 1, guarded(run_int3, 0));
	expect("signal", SIGTRAP, caught.signal);
	expect("code", SI_KERNEL, caught.code);
	expect("vector", BP, caught.trap);
}

static void privileged(void)
{
	/*
	 * The error code of INT n is its IDT entry: n * 8 + 2, SDM vol. 3A 6.13. QEMU's TCG
	 * says n * 16 + 2 in long mode; INT 0 is what both agree on, INT 0x80 (no gate in a
	 * kernel without 32-bit programs) is looked at apart.
	 */
	static const struct {
		const char *what;
		void (*action)(unsigned long);
		unsigned long argument;
		long error;
	} cases[] = {
		{ "hlt", run_hlt, 0, 0 },
		{ "cli", run_cli, 0, 0 },
		{ "in", run_in, 0x80, 0 },
		{ "mov from cr3", run_cr3, 0, 0 },
		{ "rdmsr", run_rdmsr, 0, 0 },
		{ "swapgs", run_swapgs, 0, 0 },
		{ "int 0", run_int_de, 0, 2 },
		{ "a selector behind the GDT", load_fs, 0xfff3, 0xfff0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		must_catch(cases[i].what, cases[i].action, cases[i].argument, (struct caught){
			.signal = SIGSEGV, .code = SI_KERNEL, .trap = GP, .error = cases[i].error,
		});
	expect("int 0x80", 1, guarded(run_int80, 0));
	expect("int 0x80", SIGSEGV, caught.signal);
	expect("int 0x80", GP, caught.trap);
	expect("int 0x80, the IDT bit", 2, caught.error & 7);
}

static void protection_keys(void)
{
	int there = (cpuid(7, 0).ecx >> 4) & 1; /* OSPKE */
	unsigned long page = map(PROT_READ | PROT_WRITE);
	long key = sys(__NR_pkey_alloc, 0, 1 /* PKEY_DISABLE_ACCESS */);

	if (!there) {
		if (key == -EINVAL) /* 6.1.176; by 6.1.192 it is what pkey_alloc(2) says */
			key = -ENOSPC;
		expect("pkey_alloc on a CPU without PKU", -ENOSPC, key);
		return;
	}
	succeeds("pkey_alloc", key);
	write_byte(page);
	succeeds("pkey_mprotect", sys(__NR_pkey_mprotect, page, PAGE, PROT_READ | PROT_WRITE, key));
	page_fault("read", read_byte, page, SIGSEGV, SEGV_PKUERR, U | P | PK);
	page_fault("write", write_byte, page, SIGSEGV, SEGV_PKUERR, U | W | P | PK);
	__asm__ volatile("wrpkru" : : "a"(0), "c"(0), "d"(0));
	expect("read with the key opened", 0, guarded(read_byte, page));
}

const struct item fault_items[] = {
	{ "faults on unmapped memory", unmapped },
	{ "faults on protected memory", protected },
	{ "faults on kernel memory", kernel_memory },
	{ "faults on non-canonical addresses", not_canonical },
	{ "faults behind the end of a file", behind_the_end_of_a_file },
	{ "stack overflow", stack_overflow },
	{ "division by zero", division },
	{ "undefined instruction", undefined },
	{ "breakpoint instruction", breakpoint },
	{ "privileged instructions", privileged },
	{ "protection keys", protection_keys },
	{ NULL, NULL },
};
