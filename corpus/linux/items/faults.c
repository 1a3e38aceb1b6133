/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults: each ends in the signal, code, address and error code it should. */
#include "faults.h"

void read_byte(unsigned long address)
{
	__asm__ volatile("movb (%0), %%al" : : "r"(address) : "rax", "memory");
}

void write_byte(unsigned long address)
{
	__asm__ volatile("movb $1, (%0)" : : "r"(address) : "memory");
}

void execute(unsigned long address)
{
	((void (*)(void))address)();
}

void divide_by_zero(unsigned long zero)
{
	__asm__ volatile("divq %0" : : "r"(zero), "a"(1UL), "d"(0UL) : "cc");
}

void run_ud2(unsigned long unused) { (void)unused; __asm__ volatile("ud2"); }
void run_int3(unsigned long unused) { (void)unused; __asm__ volatile("int3"); }

void must_catch(const char *what, void (*action)(unsigned long), unsigned long argument, struct caught expected)
{
	expect(what, 1, guarded(action, argument));
	expect(what, expected.signal, caught.signal);
	expect(what, expected.code, caught.code);
	expect(what, expected.trap, caught.trap);
	expect(what, expected.error & KNOWN_ERROR_BITS, caught.error & KNOWN_ERROR_BITS);
	expect(what, expected.address, caught.address);
	if (expected.trap == PF)
		expect(what, expected.cr2, caught.cr2);
}

void page_fault(const char *what, void (*action)(unsigned long), unsigned long address, int signal, int code, int error)
{
	must_catch(what, action, address, (struct caught){
		.signal = signal, .code = code, .address = address,
		.trap = PF, .error = error, .cr2 = address,
	});
}

void faults_on_unmapped_memory(void)
{
	unsigned long hole = (unsigned long)fresh(PAGE);

	sys(__NR_munmap, hole, PAGE);
	page_fault("read", read_byte, hole + 5, SIGSEGV, SEGV_MAPERR, U);
	page_fault("write", write_byte, hole + 6, SIGSEGV, SEGV_MAPERR, U | W);
	page_fault("execute", execute, hole + 7, SIGSEGV, SEGV_MAPERR, U | I);
	page_fault("read of address 8", read_byte, 8, SIGSEGV, SEGV_MAPERR, U);
	page_fault("write to address 8", write_byte, 8, SIGSEGV, SEGV_MAPERR, U | W);
	page_fault("execute address 8", execute, 8, SIGSEGV, SEGV_MAPERR, U | I);
}

void faults_on_protected_memory(void)
{
	unsigned long page = (unsigned long)fresh(PAGE);

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

void faults_on_no_address(void)
{
	struct caught expected = { .signal = SIGSEGV, .code = SI_KERNEL, .trap = GP };

	must_catch("read", read_byte, 1UL << 62, expected);
	must_catch("write", write_byte, 1UL << 62, expected);
	must_catch("execute", execute, 1UL << 62, expected);
}

void faults_behind_the_end_of_a_file(void)
{
	int fd = succeeds("open", sys(__NR_open, "/tmp/short", O_CREAT | O_RDWR, 0600));
	unsigned long memory;

	succeeds("ftruncate", sys(__NR_ftruncate, fd, PAGE));
	memory = succeeds("mmap", sys(__NR_mmap, 0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	expect("read inside", 0, guarded(read_byte, memory));
	page_fault("read behind", read_byte, memory + PAGE, SIGBUS, BUS_ADRERR, U);
	page_fault("write behind", write_byte, memory + PAGE, SIGBUS, BUS_ADRERR, U | W);
	succeeds("unlink", sys(__NR_unlink, "/tmp/short"));
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

void division_by_zero(void)
{
	arithmetic("divq", divide_by_zero, FPE_INTDIV, DE);
	arithmetic("x87", x87_divide_by_zero, FPE_FLTDIV, MF);
}

void undefined_instruction(void)
{
	expect("ud2", 1, guarded(run_ud2, 0));
	expect("signal", SIGILL, caught.signal);
	expect("code", ILL_ILLOPN, caught.code);
	expect("vector", UD, caught.trap);
	expect("address in the function", 1, caught.address - (long)run_ud2 >= 0 && caught.address - (long)run_ud2 < 16);
}

void breakpoint_instruction(void)
{
	expect("int3", 1, guarded(run_int3, 0));
	expect("signal", SIGTRAP, caught.signal);
	expect("code", SI_KERNEL, caught.code);
	expect("vector", BP, caught.trap);
}
