// SPDX-License-Identifier: GPL-2.0-or-later
// What libunicorn calls while it runs: TLB misses, accesses, exceptions, the
// time-stamp counter. Everything here is hot or may be; nothing of it is Go.

#include "engine.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HF_INHIBIT_IRQ (1u << 3)
#define RFLAGS_IF 0x200
#define CR4_SMAP (1u << 21)

void engine_stop(struct engine *e, int reason)
{
    e->exit.reason = reason;
    if (e->stepping) engine_unhook_accesses(e);
    uc_emu_stop(e->uc);
}

void engine_mark_dirty(struct engine *e, uint64_t page)
{
    if (e->dirty[page] == DIRTY_WRITTEN) return;
    if (e->dirty[page] == DIRTY_NOT) e->dirty_list[e->dirty_count++] = page;
    e->dirty[page] = DIRTY_WRITTEN;
}

int engine_cpl(struct engine *e)
{
    uint16_t cs = 0;
    if (!(e->cr0 & 1)) return 0;
    uc_reg_read(e->uc, UC_X86_REG_CS, &cs);
    return cs & 3;
}

uint32_t engine_hidden_flags(struct engine *e)
{
    uint32_t flags;
    uc_context_save(e->uc, e->context);
    memcpy(&flags, e->state + e->offset_hflags, 4);
    e->bits = flags & 1u << 15 ? 64 : flags & 1u << 4 ? 32 : 16;
    e->inhibit = !!(flags & HF_INHIBIT_IRQ);
    return flags;
}

// ---- TLB misses

static bool refuse(struct engine *e, uint64_t va, int kind, const struct translation *t, int reason)
{
    e->refused = *t;
    if (e->stepping) engine_unhook_accesses(e);
    e->refused_page = va;
    e->refused_kind = kind;
    e->refused_valid = reason;
    return false;
}

// While an instruction is assisted: which linear page is at a physical one.
static uint32_t note_page(struct engine *e, uint64_t va, uint64_t physical)
{
    uint32_t slot = 0;
    while (slot < e->aliases && e->alias_linear[slot] != va) slot++;
    if (slot == ALIASES) slot = ALIASES - 1;
    if (slot == e->aliases) e->aliases++;
    e->alias_linear[slot] = va;
    e->alias[slot] = physical & ~0xfffull;
    return slot;
}

// Accesses to what is not RAM go through the window, and are recorded there.
static bool through_window(struct engine *e, uint64_t va, uint64_t physical, uc_tlb_entry *out)
{
    out->paddr = MMIO_WINDOW + note_page(e, va, physical) * 4096ull;
    out->perms = UC_PROT_READ | UC_PROT_WRITE;
    return true;
}

// Accesses of a trial go to memory where they do no harm. Unlike the window,
// it gets each of them whole, aligned or not.
static bool into_scratch(struct engine *e, uint64_t va, uint64_t physical, uc_tlb_entry *out)
{
    out->paddr = SCRATCH + note_page(e, va, physical) * 4096ull;
    out->perms = UC_PROT_READ | UC_PROT_WRITE;
    return true;
}

int engine_map_scratch(struct engine *e)
{
    if (e->scratch) return 0;
    void *memory = aligned_alloc(4096, ALIASES * 4096);
    if (!memory) return -1;
    memset(memory, 0, ALIASES * 4096);
    if (uc_mem_map_ptr(e->uc, SCRATCH, ALIASES * 4096, UC_PROT_READ | UC_PROT_WRITE, memory)) {
        free(memory);
        return -1;
    }
    e->scratch = memory;
    return 0;
}

static void record(struct engine *e, uint64_t physical, uint64_t linear, uint64_t value, uint32_t size, int kind)
{
    if (e->records < RECORDS) e->record[e->records++] = (struct access_record){physical, linear, value, size, kind};
}

// The engine calls this for accesses that miss its TLB's fast path; a step is
// translated without that path, see step_once.
static void on_access(uc_engine *uc, int type, uint64_t physical, int size, int64_t value, void *data)
{
    struct engine *e = data;
    (void)uc;
    if ((e->assist || e->linear_of) && e->stepping) engine_record(e, physical, size < 8 ? value & ((1ull << size * 8) - 1) : (uint64_t)value, size, type == UC_MEM_WRITE ? ACCESS_WRITE : ACCESS_READ);
}

// engine_record keeps an access of a step.
void engine_record(struct engine *e, uint64_t physical, uint64_t value, uint32_t size, int kind)
{
    if (physical >= MMIO_WINDOW) {
        uint64_t slot = (physical - SCRATCH) >> 12;
        if (slot < ALIASES) record(e, e->alias[slot] | (physical & 0xfff), e->alias_linear[slot] | (physical & 0xfff), 0, size, kind);
        return;
    }
    uint64_t linear = physical, page = physical & ~0xfffull;
    for (uint32_t i = 0; i < e->aliases; i++)
        if (e->alias[i] == page) linear = e->alias_linear[i] | (physical & 0xfff);
    record(e, physical, linear, value, size, kind);
}

void engine_hook_accesses(struct engine *e)
{
    if (e->access_hook[0]) return;
    int err = uc_hook_add(e->uc, &e->access_hook[0], UC_HOOK_MEM_READ_AFTER, on_access, e, 1, 0);
    if (!err) err = uc_hook_add(e->uc, &e->access_hook[1], UC_HOOK_MEM_WRITE, on_access, e, 1, 0);
    if (err) engine_fail(e, err);
}

// The library lets go of a hook at the end of a run, and until then translates
// as if it were there: so this belongs into the run that is to be the last.
void engine_unhook_accesses(struct engine *e)
{
    if (!e->access_hook[0]) return;
    uc_hook_del(e->uc, e->access_hook[0]);
    uc_hook_del(e->uc, e->access_hook[1]);
    e->access_hook[0] = e->access_hook[1] = 0;
}

static int watched(const struct engine *e, uint64_t va, uint64_t page)
{
    if (e->watched_pages && e->watch[page]) return 1;
    for (uint32_t i = 0; i < e->watch_virtual_count; i++)
        if ((va ^ e->watch_virtual[i]) < 4096) return 1;
    return 0;
}

static bool on_fill(uc_engine *uc, uint64_t va, int type, uc_tlb_entry *out, void *data)
{
    struct engine *e = data;
    struct translation t;
    (void)uc;
    if (e->identity) {
        out->paddr = va;
        out->perms = UC_PROT_ALL;
        return true;
    }
    e->fills++;
    engine_went_back(e);
    int kind = type == UC_MEM_WRITE ? ACCESS_WRITE : type == UC_MEM_FETCH ? ACCESS_FETCH : ACCESS_READ, user = engine_cpl(e) == 3;
    engine_walk(e, va, kind, user, 0, !e->trial, &t);
    int asks = kind != ACCESS_FETCH && (t.fault ? user : t.user && e->cr4 & CR4_SMAP);
    if (asks && engine_reads_descriptor(e, va)) engine_walk(e, va, kind, user = 0, 1, !e->trial, &t);
    if (e->trial && kind != ACCESS_FETCH && t.fault != 13) {
        if (t.fault) return into_scratch(e, va, TRIAL_REFUSED, out);
        if (kind == ACCESS_WRITE || t.physical >= e->ram_size) return into_scratch(e, va, t.physical, out);
    }
    if (t.fault) return refuse(e, va, kind, &t, EXIT_FAULT);
    if (t.physical >= e->ram_size) {
        if (e->assist && !e->ram_only && kind != ACCESS_FETCH) return through_window(e, va, t.physical, out);
        return refuse(e, va, kind, &t, EXIT_BUS);
    }
    uint64_t page = t.physical >> 12;
    if (e->fill_log) e->fill_log[e->fill_log_count++ & e->fill_log_mask] = (struct fill_record){va, t.physical, e->count, kind};
    // libunicorn drops only what the first write through a TLB entry hits, so
    // a page is either translated from or written to, never both.
    if (kind == ACCESS_WRITE && e->has_code[page] && !(e->stepping && page == e->rewriting)) return refuse(e, va, kind, &t, EXIT_REWRITE);
    int is_watched = (e->watched_pages || e->watch_virtual_count) && watched(e, va, page);
    // With AC the TLB would let the next load of a segment read it as well.
    if (t.user && !user && e->cr4 & CR4_SMAP && engine_holds_descriptors(e, va)) is_watched = 1;
    if (is_watched && kind != ACCESS_FETCH && !e->assist) return refuse(e, va, kind, &t, EXIT_WATCH);
    if ((e->assist || e->linear_of) && e->stepping && kind != ACCESS_FETCH) note_page(e, va, t.physical);
    out->paddr = t.physical;
    if (e->linear_of && kind != ACCESS_FETCH && !e->stepping && !engine_fill_seen(e, va, &out->paddr)) return refuse(e, va, kind, &t, EXIT_REFILL);
    if (kind == ACCESS_FETCH) {
        engine_remember_code(e, va, t.physical);
        out->perms = UC_PROT_EXEC;
        // Reading is allowed as well where neither SMAP nor a key could say no.
        if (!is_watched && !e->linear_of && (!t.user || (user && !(e->cr4 & 1u << 22)))) out->perms |= UC_PROT_READ;
    } else {
        out->perms = UC_PROT_READ;
        if (kind == ACCESS_WRITE) {
            out->perms |= UC_PROT_WRITE;
            engine_mark_dirty(e, page);
            e->writable_since[page] = e->tlb_generation;
        }
    }
    return true;
}

static uint64_t on_window_read(uc_engine *uc, uint64_t offset, unsigned size, void *data)
{
    struct engine *e = data;
    uint32_t slot = offset >> 12 & (ALIASES - 1);
    uint64_t value = e->forced_next < e->forced_count ? e->forced_reads[e->forced_next++] : ~0ull;
    (void)uc;
    record(e, e->alias[slot] | (offset & 0xfff), e->alias_linear[slot] | (offset & 0xfff), value, size, ACCESS_READ);
    return value;
}

static void on_window_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *data)
{
    struct engine *e = data;
    uint32_t slot = offset >> 12 & (ALIASES - 1);
    (void)uc;
    record(e, e->alias[slot] | (offset & 0xfff), e->alias_linear[slot] | (offset & 0xfff), value, size, ACCESS_WRITE);
}

// ---- Single addresses, exceptions, the time-stamp counter

static void on_exception(uc_engine *uc, uint32_t vector, void *data)
{
    struct engine *e = data;
    (void)uc;
    if (vector == 1) { // TF: the instruction is done
        engine_stop(e, e->stepping && !e->guest_tf ? EXIT_STEP : EXIT_EXCEPTION);
    } else {
        e->correct = 1;
        engine_stop(e, EXIT_EXCEPTION);
    }
    e->exit.vector = vector;
}

static bool on_invalid(uc_engine *uc, void *data)
{
    on_exception(uc, 6, data);
    return true;
}

static void read_tsc(struct engine *e)
{
    uint64_t rip = 0, now = e->count;
    engine_went_back(e);
    if (!e->stepping) {
        uc_reg_read(e->uc, UC_X86_REG_RIP, &rip);
        now += engine_count_to(e, rip) - (uint64_t)last_block(e)->count;
    }
    now += e->tsc_offset;
    uint64_t low = now & 0xffffffff, high = now >> 32;
    uc_reg_write(e->uc, UC_X86_REG_RAX, &low);
    uc_reg_write(e->uc, UC_X86_REG_RDX, &high);
}

static int on_rdtsc(uc_engine *uc, void *data)
{
    (void)uc;
    read_tsc(data);
    return 1;
}

static int on_rdtscp(uc_engine *uc, void *data)
{
    struct engine *e = data;
    uint64_t aux = e->tsc_aux & 0xffffffff;
    read_tsc(e);
    uc_reg_write(uc, UC_X86_REG_RCX, &aux);
    return 1;
}

int engine_hooks(struct engine *e)
{
    uc_hook h;
    uc_engine *uc = e->uc;
    int err;
    if ((err = uc_hook_add(uc, &h, UC_HOOK_TLB_FILL, on_fill, e, 1, 0))) return err;
    if ((err = engine_hook_blocks(e))) return err;
    if ((err = engine_hook_code(e))) return err;
    if ((err = uc_hook_add(uc, &h, UC_HOOK_INTR, on_exception, e, 1, 0))) return err;
    if ((err = uc_hook_add(uc, &h, UC_HOOK_INSN_INVALID, on_invalid, e, 1, 0))) return err;
    if ((err = uc_hook_add(uc, &h, UC_HOOK_INSN, on_rdtsc, e, 1, 0, UC_X86_INS_RDTSC))) return err;
    if ((err = uc_hook_add(uc, &h, UC_HOOK_INSN, on_rdtscp, e, 1, 0, UC_X86_INS_RDTSCP))) return err;
    return uc_mmio_map(uc, MMIO_WINDOW, ALIASES * 4096, on_window_read, e, on_window_write, e);
}
