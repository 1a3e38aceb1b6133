// SPDX-License-Identifier: GPL-2.0-or-later
// libunicorn's public interface, opened at run time: no header of it is needed to build.

#ifndef UKLEMU_LIBRARY_H
#define UKLEMU_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

typedef struct uc_struct uc_engine;
typedef struct uc_context uc_context;
typedef size_t uc_hook;
typedef struct { uint64_t paddr; uint32_t perms; } uc_tlb_entry;
typedef struct { uint64_t pc; uint16_t icount; uint16_t size; } uc_tb;
typedef struct { uint32_t rid; uint64_t value; } uc_x86_msr;
typedef struct { uint16_t selector; uint64_t base; uint32_t limit; uint32_t flags; } uc_x86_mmr;

// Their layout is libunicorn's too: uc_tlb_entry, uc_tb, uc_x86_msr and uc_x86_mmr of its headers.
_Static_assert(sizeof(uc_tlb_entry) == 16 && offsetof(uc_tlb_entry, perms) == 8, "uc_tlb_entry");
_Static_assert(sizeof(uc_tb) == 16 && offsetof(uc_tb, icount) == 8 && offsetof(uc_tb, size) == 10, "uc_tb");
_Static_assert(sizeof(uc_x86_msr) == 16 && offsetof(uc_x86_msr, value) == 8, "uc_x86_msr");
_Static_assert(sizeof(uc_x86_mmr) == 24 && offsetof(uc_x86_mmr, base) == 8 && offsetof(uc_x86_mmr, limit) == 16 && offsetof(uc_x86_mmr, flags) == 20, "uc_x86_mmr");

// Numbers of the public interface; they have not changed since 2.0.
enum {
    UC_ERR_NOMEM = 1, UC_ARCH_X86 = 4, UC_MODE_64 = 8, UC_PROT_ALL = 7, UC_PROT_READ = 1, UC_PROT_WRITE = 2, UC_PROT_EXEC = 4,
    UC_MEM_READ = 16, UC_MEM_WRITE = 17, UC_MEM_FETCH = 18, UC_MEM_READ_AFTER = 25,
    UC_HOOK_INTR = 1 << 0, UC_HOOK_INSN = 1 << 1, UC_HOOK_CODE = 1 << 2, UC_HOOK_BLOCK = 1 << 3,
    UC_HOOK_MEM_WRITE = 1 << 11, UC_HOOK_MEM_READ_AFTER = 1 << 13, UC_HOOK_INSN_INVALID = 1 << 14, UC_HOOK_EDGE_GENERATED = 1 << 15, UC_HOOK_TLB_FILL = 1 << 17,
    UC_X86_INS_RDTSC = 608, UC_X86_INS_RDTSCP = 609,
    UC_CPU_X86_ICELAKE_SERVER = 26,
};
#define UC_CTL_USE_EXITS 0x44000004u
#define UC_CTL_CPU_MODEL 0x44000007u
#define UC_CTL_TB_REMOVE 0x48000009u
#define UC_CTL_TB_FLUSH  0x4000000au
#define UC_CTL_TLB_FLUSH 0x4000000bu
#define UC_CTL_TLB_TYPE  0x4400000cu

enum {
    UC_X86_REG_CS = 11, UC_X86_REG_DS = 17, UC_X86_REG_ES = 28, UC_X86_REG_FS = 32, UC_X86_REG_GS = 33, UC_X86_REG_SS = 49,
    UC_X86_REG_FPSW = 31, UC_X86_REG_RAX = 35, UC_X86_REG_RCX = 38, UC_X86_REG_RDX = 40, UC_X86_REG_RIP = 41,
    UC_X86_REG_RBP = 36, UC_X86_REG_RBX = 37, UC_X86_REG_RDI = 39, UC_X86_REG_RSI = 43, UC_X86_REG_RSP = 44, UC_X86_REG_R8 = 106,
    UC_X86_REG_CR0 = 50, UC_X86_REG_CR2 = 52, UC_X86_REG_CR3 = 53, UC_X86_REG_CR4 = 54, UC_X86_REG_CR8 = 58,
    UC_X86_REG_ST0 = 114, UC_X86_REG_XMM0 = 122, UC_X86_REG_IDTR = 242, UC_X86_REG_GDTR = 243, UC_X86_REG_LDTR = 244,
    UC_X86_REG_TR = 245, UC_X86_REG_FPCW = 246, UC_X86_REG_FPTAG = 247, UC_X86_REG_MSR = 248, UC_X86_REG_MXCSR = 249,
    UC_X86_REG_FS_BASE = 250, UC_X86_REG_GS_BASE = 251, UC_X86_REG_RFLAGS = 253,
};

// What is looked up in the library: result, name, parameters.
#define UNICORN_FUNCTIONS(F) \
    F(unsigned, uc_version, (unsigned *major, unsigned *minor)) \
    F(int, uc_open, (int arch, int mode, uc_engine **uc)) \
    F(int, uc_close, (uc_engine *uc)) \
    F(const char *, uc_strerror, (int code)) \
    F(int, uc_ctl, (uc_engine *uc, unsigned control, ...)) \
    F(int, uc_reg_read, (uc_engine *uc, int id, void *value)) \
    F(int, uc_reg_write, (uc_engine *uc, int id, const void *value)) \
    F(int, uc_mem_map_ptr, (uc_engine *uc, uint64_t address, size_t size, uint32_t perms, void *ptr)) \
    F(int, uc_mem_unmap, (uc_engine *uc, uint64_t address, size_t size)) \
    F(int, uc_mmio_map, (uc_engine *uc, uint64_t address, size_t size, void *read, void *read_data, void *write, void *write_data)) \
    F(int, uc_emu_start, (uc_engine *uc, uint64_t begin, uint64_t until, uint64_t timeout, size_t count)) \
    F(int, uc_emu_stop, (uc_engine *uc)) \
    F(int, uc_hook_add, (uc_engine *uc, uc_hook *hook, int type, void *callback, void *data, uint64_t begin, uint64_t end, ...)) \
    F(int, uc_hook_del, (uc_engine *uc, uc_hook hook)) \
    F(int, uc_context_alloc, (uc_engine *uc, uc_context **context)) \
    F(size_t, uc_context_size, (uc_engine *uc)) \
    F(int, uc_context_save, (uc_engine *uc, uc_context *context)) \
    F(int, uc_context_restore, (uc_engine *uc, uc_context *context)) \
    F(int, uc_context_free, (uc_context *context))

#define DECLARE(result, name, parameters) extern result (*name) parameters;
UNICORN_FUNCTIONS(DECLARE)
#undef DECLARE

// 2.0 can't page in guests. In 2.1.0 and 2.1.1 the registers are not those of
// the instruction where the TLB-fill hook is called, so that neither RIP nor
// the flags that SMAP asks for can be had there; block hooks leave RIP behind;
// RDTSC can't be hooked; and the first write to a page looks its memory up by
// its linear address. 2.1.2 mends all four.
#define OLDEST_VERSION 0x02010200

// library_lead_time makes the library ask its engine for the time of day; it
// returns in how many places it does.
int library_lead_time(void *handle);

// library_open opens the shared object at path and looks every function up.
// It returns 0, or -1 with a sentence in why.
int library_open(const char *path, char *why, size_t room, unsigned *version);

#endif
