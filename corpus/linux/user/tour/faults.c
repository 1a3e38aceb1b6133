/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about faults: each ends in the signal, code, address and error code it should. */
#include "tour.h"
#include "faults.h"

static void kernel_memory(void)
{
	/* The kernel reports all of its half as mapped, lest its layout leak. */
	page_fault("read", read_byte, 0xffffffff81000000UL, SIGSEGV, SEGV_MAPERR, U | P);
	page_fault("write", write_byte, 0xffffffff81000000UL, SIGSEGV, SEGV_MAPERR, U | W | P);
	page_fault("execute", execute, 0xffffffff81000000UL, SIGSEGV, SEGV_MAPERR, U | I | P);
}

static void run_hlt(unsigned long unused) { (void)unused; __asm__ volatile("hlt"); }
static void run_cli(unsigned long unused) { (void)unused; __asm__ volatile("cli"); }
static void run_in(unsigned long port) { __asm__ volatile("inb %w0, %%al" : : "d"(port) : "rax"); }
static void run_cr3(unsigned long unused) { (void)unused; __asm__ volatile("mov %%cr3, %%rax" : : : "rax"); }
static void run_rdmsr(unsigned long unused) { (void)unused; __asm__ volatile("rdmsr" : : "c"(0x10) : "rax", "rdx"); }
static void run_swapgs(unsigned long unused) { (void)unused; __asm__ volatile("swapgs"); }
static void run_int80(unsigned long unused) { (void)unused; __asm__ volatile("int $0x80"); }
static void run_int_de(unsigned long unused) { (void)unused; __asm__ volatile("int $0"); }
static void load_fs(unsigned long selector) { __asm__ volatile("mov %0, %%fs" : : "r"(selector)); }

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
	unsigned long page = (unsigned long)fresh(PAGE);
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
	{ "faults on unmapped memory", faults_on_unmapped_memory },
	{ "faults on protected memory", faults_on_protected_memory },
	{ "faults on kernel memory", kernel_memory },
	{ "faults on non-canonical addresses", faults_on_no_address },
	{ "faults behind the end of a file", faults_behind_the_end_of_a_file },
	{ "stack overflow", stack_overflow },
	{ "division by zero", division_by_zero },
	{ "undefined instruction", undefined_instruction },
	{ "breakpoint instruction", breakpoint_instruction },
	{ "privileged instructions", privileged },
	{ "protection keys", protection_keys },
	{ NULL, NULL },
};
