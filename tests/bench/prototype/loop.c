/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The yardstick: what plain C gets out of libunicorn on a stretch of kernel
 * code, with nothing of this project around it. It loads RAM and registers as
 * the machine had them at the start of the stretch and then, as often as it is
 * told: takes the CPU back, takes the pages back that the stretch writes,
 * flushes the TLB, runs to the end. TLB misses are answered by a walk of the
 * guest's page tables; the only other hooks are that on the last instruction and
 * the one that RDTSC asks for the time.
 *
 *	loop LIBUNICORN DUMP ITERATIONS [observe]
 *
 * prints the seconds of CPU time that the iterations took. With a fourth word,
 * every instruction on the way calls a hook that writes its address down.
 */
#include "../../../emu/unicorn/library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define DEFINE(result, name, parameters) result (*name) parameters;
UNICORN_FUNCTIONS(DEFINE)
#undef DEFINE

/* The start of a dump, as dump.go writes it; then pages, each behind its number. */
static struct dump {
	uint64_t magic, ram_size, pages, end;
	uint64_t gpr[16], rip, rflags, cr0, cr3, cr4, efer, fs_base, gs_base, kernel_gs_base;
	uint64_t last_gpr[16]; /* at the end of the stretch */
	uint64_t tsc[16];      /* what its RDTSCs give, one after the other */
} dump;

#define MAGIC 0x31706d7564656c75ull
#define ADDRESS 0x000ffffffffff000ull
#define MOST 4096

static uc_engine *uc;
static uc_context *start;
static uint8_t *ram;
static uint8_t *is_dirty;
static uint32_t dirty[MOST], dirty_count;
static uint8_t *saved; /* what dirty pages held at the start */
static int identity = 1;
static uint64_t seen[2048], seen_count;
static unsigned tsc_next;

static const int gpr_id[16] = { 35, 38, 40, 37, 44, 36, 43, 39, 106, 107, 108, 109, 110, 111, 112, 113 };

static void fail(const char *what)
{
	fprintf(stderr, "loop: %s\n", what);
	exit(1);
}

static void must(int code, const char *what)
{
	if (!code)
		return;
	fprintf(stderr, "loop: %s: %s\n", what, uc_strerror(code));
	exit(1);
}

static uint64_t entry_at(uint64_t table, uint64_t va, int level)
{
	uint64_t at = table + ((va >> (12 + 9 * level) & 511) << 3);
	return at < dump.ram_size ? *(uint64_t *)(ram + at) : 0;
}

static bool on_fill(uc_engine *engine, uint64_t va, int type, uc_tlb_entry *out, void *data)
{
	uint64_t table = dump.cr3 & ADDRESS, page, nx = 0;
	(void)engine, (void)data;
	if (identity) {
		out->paddr = va;
		out->perms = UC_PROT_ALL;
		return true;
	}
	for (int level = 3;; level--) {
		uint64_t entry = entry_at(table, va, level);
		if (!(entry & 1))
			return false;
		nx |= entry >> 63;
		if (!level || entry & 0x80) {
			uint64_t inside = (1ull << (12 + 9 * level)) - 1;
			page = ((entry & ADDRESS & ~inside) | (va & inside)) & ~0xfffull;
			break;
		}
		table = entry & ADDRESS;
	}
	out->paddr = page;
	out->perms = UC_PROT_READ | (nx ? 0 : UC_PROT_EXEC);
	if (type != UC_MEM_WRITE)
		return true;
	out->perms |= UC_PROT_WRITE;
	if (page < dump.ram_size && !is_dirty[page >> 12] && dirty_count < MOST) {
		is_dirty[page >> 12] = 1;
		dirty[dirty_count++] = page >> 12;
	}
	return true;
}

static void on_end(uc_engine *engine, uint64_t pc, uint32_t size, void *data)
{
	(void)pc, (void)size, (void)data;
	uc_emu_stop(engine);
}

static int on_rdtsc(uc_engine *engine, void *data)
{
	uint64_t now = dump.tsc[tsc_next++ & 15], low = now & 0xffffffff, high = now >> 32;
	(void)data;
	uc_reg_write(engine, UC_X86_REG_RAX, &low);
	uc_reg_write(engine, UC_X86_REG_RDX, &high);
	return 1;
}

static void on_instruction(uc_engine *engine, uint64_t pc, uint32_t size, void *data)
{
	(void)engine, (void)size, (void)data;
	seen[seen_count++ & 2047] = pc;
}

static void load(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f || fread(&dump, sizeof dump, 1, f) != 1 || dump.magic != MAGIC)
		fail("the dump can't be read");
	ram = mmap(0, dump.ram_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	is_dirty = calloc(dump.ram_size >> 12, 1);
	saved = malloc(MOST * 4096ul);
	if (ram == MAP_FAILED || !is_dirty || !saved)
		fail("out of memory");
	for (uint64_t i = 0, number; i < dump.pages; i++)
		if (fread(&number, 8, 1, f) != 1 || number >= dump.ram_size >> 12 || fread(ram + (number << 12), 4096, 1, f) != 1)
			fail("the dump is torn");
	fclose(f);
}

static void write_msr(uint32_t number, uint64_t value)
{
	uc_x86_msr msr = { number, value };
	must(uc_reg_write(uc, UC_X86_REG_MSR, &msr), "MSR");
}

static void write_register(int id, uint64_t value)
{
	must(uc_reg_write(uc, id, &value), "register");
}

/* Flat segments come from a GDT that stands in page 1 while they are loaded. */
static void set_cpu(void)
{
	uint8_t kept[4096];
	uc_x86_mmr gdtr = { 0, 0x1000, 31, 0 };
	uint64_t gdt[4] = { 0, 0, 0x00af9b000000ffffull, 0x00cf93000000ffffull };

	memcpy(kept, ram + 0x1000, 4096);
	memcpy(ram + 0x1000, gdt, sizeof gdt);
	must(uc_reg_write(uc, UC_X86_REG_GDTR, &gdtr), "GDTR");
	write_register(UC_X86_REG_CR3, dump.cr3);
	write_register(UC_X86_REG_CR4, dump.cr4);
	write_msr(0xc0000080, dump.efer);
	write_register(UC_X86_REG_CR0, dump.cr0);
	write_register(UC_X86_REG_CS, 0x10);
	write_register(UC_X86_REG_SS, 0x18);
	memcpy(ram + 0x1000, kept, 4096);
	write_register(UC_X86_REG_FS_BASE, dump.fs_base);
	write_register(UC_X86_REG_GS_BASE, dump.gs_base);
	write_msr(0xc0000102, dump.kernel_gs_base);
	for (int i = 0; i < 16; i++)
		write_register(gpr_id[i], dump.gpr[i]);
	write_register(UC_X86_REG_RFLAGS, dump.rflags);
	write_register(UC_X86_REG_RIP, dump.rip);
	identity = 0;
	uc_ctl(uc, UC_CTL_TLB_FLUSH);
	must(uc_context_save(uc, start), "saving the CPU");
}

static void run(void)
{
	must(uc_emu_start(uc, dump.rip, 0, 0, 0), "running");
}

/* The run must be the one that the machine made. */
static void check(void)
{
	uint64_t value = 0;
	uc_reg_read(uc, UC_X86_REG_RIP, &value);
	if (value != dump.end)
		fail("the stretch ended elsewhere");
	for (int i = 0; i < 16; i++) {
		uc_reg_read(uc, gpr_id[i], &value);
		if (value != dump.last_gpr[i])
			fail("the stretch ended with other registers");
	}
}

static void go_back(void)
{
	uc_context_restore(uc, start);
	tsc_next = 0;
	for (uint32_t i = 0; i < dirty_count; i++)
		memcpy(ram + ((uint64_t)dirty[i] << 12), saved + i * 4096ul, 4096);
	uc_ctl(uc, UC_CTL_TLB_FLUSH);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void open_library(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		fail(dlerror());
#define LOOK_UP(result, name, parameters) \
	if (!(name = (result (*) parameters)dlsym(handle, #name))) \
		fail("libunicorn lacks " #name);
	UNICORN_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
}

int main(int argc, char **argv)
{
	uc_hook hook;
	if (argc < 4)
		fail("usage: loop LIBUNICORN DUMP ITERATIONS [observe]");
	open_library(argv[1]);
	load(argv[2]);
	must(uc_open(UC_ARCH_X86, UC_MODE_64, &uc), "uc_open");
	must(uc_ctl(uc, UC_CTL_CPU_MODEL, UC_CPU_X86_ICELAKE_SERVER), "CPU model");
	must(uc_ctl(uc, UC_CTL_TLB_TYPE, 1), "virtual TLB");
	must(uc_ctl(uc, UC_CTL_USE_EXITS, 1), "exits");
	must(uc_mem_map_ptr(uc, 0, dump.ram_size, UC_PROT_ALL, ram), "memory");
	must(uc_context_alloc(uc, &start), "context");
	must(uc_hook_add(uc, &hook, UC_HOOK_TLB_FILL, on_fill, NULL, 1, 0), "hook");
	must(uc_hook_add(uc, &hook, UC_HOOK_CODE, on_end, NULL, dump.end, dump.end), "hook");
	must(uc_hook_add(uc, &hook, UC_HOOK_INSN, on_rdtsc, NULL, 1, 0, UC_X86_INS_RDTSC), "hook");
	if (argc > 4)
		must(uc_hook_add(uc, &hook, UC_HOOK_CODE, on_instruction, NULL, 1, 0), "hook");
	set_cpu();

	/* The first run finds out which pages the stretch writes. */
	uint8_t *before = malloc(dump.ram_size);
	if (!before)
		fail("out of memory");
	memcpy(before, ram, dump.ram_size);
	run();
	check();
	for (uint32_t i = 0; i < dirty_count; i++)
		memcpy(saved + i * 4096ul, before + ((uint64_t)dirty[i] << 12), 4096);
	free(before);

	double began = cpu_seconds();
	long n = atol(argv[3]);
	for (long i = 0; i < n; i++) {
		go_back();
		run();
	}
	double took = cpu_seconds() - began;
	check();
	printf("%.9f %u\n", took, dirty_count);
	return 0;
}
