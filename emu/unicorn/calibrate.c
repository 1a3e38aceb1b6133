// SPDX-License-Identifier: GPL-2.0-or-later

#include "calibrate.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <malloc/malloc.h>
#define allocated_size malloc_size
#else
#include <malloc.h>
#define allocated_size malloc_usable_size
#endif

static bool refuse_data_accesses(uc_engine *uc, uint64_t va, int type, uc_tlb_entry *out, void *data)
{
    (void)uc, (void)data;
    out->paddr = va;
    out->perms = UC_PROT_ALL;
    return type == UC_MEM_FETCH;
}

int scratch_open(struct scratch *s, int refuse_data)
{
    uc_hook hook;
    int err;
    memset(s, 0, sizeof *s);
    if (!(s->memory = aligned_alloc(4096, SCRATCH_SIZE))) return -1;
    memset(s->memory, 0, SCRATCH_SIZE);
    if ((err = uc_open(UC_ARCH_X86, UC_MODE_64, &s->uc))) return err;
    if ((err = uc_ctl(s->uc, UC_CTL_CPU_MODEL, UC_CPU_X86_ICELAKE_SERVER))) return err;
    if (refuse_data) {
        if ((err = uc_ctl(s->uc, UC_CTL_TLB_TYPE, 1))) return err;
        if ((err = uc_hook_add(s->uc, &hook, UC_HOOK_TLB_FILL, refuse_data_accesses, NULL, 1, 0))) return err;
    }
    if ((err = uc_mem_map_ptr(s->uc, 0, SCRATCH_SIZE, UC_PROT_ALL, s->memory))) return err;
    if ((err = uc_context_alloc(s->uc, &s->context))) return err;
    if ((err = uc_context_alloc(s->uc, &s->clean))) return err;
    return uc_context_save(s->uc, s->clean);
}

void scratch_close(struct scratch *s)
{
    if (s->context) uc_context_free(s->context);
    if (s->clean) uc_context_free(s->clean);
    if (s->uc) uc_close(s->uc);
    free(s->memory);
}

void scratch_reset(struct scratch *s) { uc_context_restore(s->uc, s->clean); }

int scratch_write(struct scratch *s, int id, uint64_t value) { return uc_reg_write(s->uc, id, &value); }

int scratch_write_msr(struct scratch *s, uint32_t msr, uint64_t value)
{
    uc_x86_msr m = {msr, value};
    return uc_reg_write(s->uc, UC_X86_REG_MSR, &m);
}

int scratch_write_table(struct scratch *s, int id, uint16_t selector, uint64_t base, uint32_t limit, uint32_t flags)
{
    uc_x86_mmr m = {selector, base, limit, flags};
    return uc_reg_write(s->uc, id, &m);
}

int scratch_execute(struct scratch *s, const uint8_t *code, size_t size)
{
    memcpy(s->memory + SCRATCH_CODE, code, size);
    uc_ctl(s->uc, UC_CTL_TB_FLUSH);
    return uc_emu_start(s->uc, SCRATCH_CODE, SCRATCH_CODE + size, 0, 0);
}

static size_t copy(uint8_t *to, size_t room, const void *from, size_t n)
{
    if (n > room) n = room;
    memcpy(to, from, n);
    return n;
}

size_t scratch_context(struct scratch *s, uint8_t *to, size_t room)
{
    if (uc_context_save(s->uc, s->context)) return 0;
    size_t size = uc_context_size(s->uc), allocated = allocated_size(s->context);
    return copy(to, room, s->context, size < allocated ? size : allocated);
}

size_t scratch_struct(struct scratch *s, uint8_t *to, size_t room)
{
    return copy(to, room, s->uc, allocated_size(s->uc));
}

static void ignore(uc_engine *uc, uint64_t pc, uint32_t size, void *data) { (void)uc, (void)pc, (void)size, (void)data; }

// A handle that is no address can't be read; the system says so.
static size_t copy_if_readable(uint8_t *to, size_t room, uc_hook handle)
{
    int ends[2];
    size_t done = 0;
    if (pipe(ends)) return 0;
    while (done < room) {
        size_t part = room - done < 4096 ? room - done : 4096;
        ssize_t n = write(ends[1], (const uint8_t *)handle + done, part);
        if (n <= 0 || read(ends[0], to + done, n) != n) break;
        done += n;
    }
    close(ends[0]);
    close(ends[1]);
    return done;
}

size_t scratch_hook(struct scratch *s, uint64_t begin, uint64_t end, uint8_t *to, size_t room)
{
    uc_hook hook = 0;
    if (uc_hook_add(s->uc, &hook, UC_HOOK_CODE, ignore, NULL, begin, end)) return 0;
    size_t n = copy_if_readable(to, room < SCRATCH_HOOK_SIZE ? room : SCRATCH_HOOK_SIZE, hook);
    uc_hook_del(s->uc, hook);
    return n;
}

size_t scratch_behind(struct scratch *s, size_t offset, uint8_t *to, size_t room)
{
    uint8_t *at;
    if (offset + sizeof at > allocated_size(s->uc)) return 0;
    memcpy(&at, (uint8_t *)s->uc + offset, sizeof at);
    return (uintptr_t)at < 4096 || (uintptr_t)at & 7 ? 0 : copy_if_readable(to, room, (uc_hook)at);
}
