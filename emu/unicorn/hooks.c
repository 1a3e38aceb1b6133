// SPDX-License-Identifier: GPL-2.0-or-later
// What libunicorn calls while it runs: TLB misses, blocks, single addresses,
// exceptions. Everything here is hot or may be; nothing of it is Go.

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
    if (e->dirty[page]) return;
    e->dirty[page] = 1;
    e->dirty_list[e->dirty_count++] = page;
}

static int cpl(struct engine *e)
{
    uint16_t cs = 0;
    if (!(e->cr0 & 1)) return 0;
    uc_reg_read(e->uc, UC_X86_REG_CS, &cs);
    return cs & 3;
}

static uint32_t hidden_flags(struct engine *e)
{
    uint32_t flags;
    uc_context_save(e->uc, e->context);
    memcpy(&flags, e->state + e->offset_hflags, 4);
    e->bits = flags & 1u << 15 ? 64 : flags & 1u << 4 ? 32 : 16;
    e->inhibit = !!(flags & HF_INHIBIT_IRQ);
    return flags;
}

// ---- TLB misses

// A segment load reads its descriptor as a supervisor, whatever the CPL (SDM
// vol. 3A 4.6); the engine does not say so.
static int reads_descriptor(struct engine *e, uint64_t va)
{
    uc_x86_mmr gdt, ldt;
    struct insn i;
    uint8_t bytes[16];
    uint64_t rip = 0;
    uc_reg_read(e->uc, UC_X86_REG_RIP, &rip);
    hidden_flags(e);
    int n = engine_code_at(e, rip, bytes);
    decode(&i, bytes, n, e->bits);
    if (i.kind != CLASS_SEGMENT && i.kind != CLASS_MOV_SS) return 0;
    uc_reg_read(e->uc, UC_X86_REG_GDTR, &gdt);
    uc_reg_read(e->uc, UC_X86_REG_LDTR, &ldt);
    uint64_t page = va & ~0xfffull;
    return (page + 4095 >= gdt.base && page <= gdt.base + gdt.limit) ||
           (ldt.selector & ~3 && page + 4095 >= ldt.base && page <= ldt.base + ldt.limit);
}

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
    if (!e->assist || !e->stepping || physical >= MMIO_WINDOW) return;
    uint64_t linear = physical, page = physical & ~0xfffull;
    for (uint32_t i = 0; i < e->aliases; i++)
        if (e->alias[i] == page) linear = e->alias_linear[i] | (physical & 0xfff);
    record(e, physical, linear, size < 8 ? value & ((1ull << size * 8) - 1) : (uint64_t)value, size, type == UC_MEM_WRITE ? ACCESS_WRITE : ACCESS_READ);
}

void engine_hook_accesses(struct engine *e)
{
    if (e->access_hook[0]) return;
    uc_hook_add(e->uc, &e->access_hook[0], UC_HOOK_MEM_READ_AFTER, on_access, e, 1, 0);
    uc_hook_add(e->uc, &e->access_hook[1], UC_HOOK_MEM_WRITE, on_access, e, 1, 0);
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

static void remember_code(struct engine *e, uint64_t va, uint64_t physical)
{
    uint64_t page = physical >> 12;
    struct code_page *c = &e->code[va >> 12 & (CODE_PAGES - 1)];
    if (!e->blocks[page]) e->blocks[page] = calloc(1, sizeof(struct page_blocks));
    c->page = va >> 12;
    c->blocks = e->blocks[page];
    c->host = e->ram + (page << 12);
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
    int kind = type == UC_MEM_WRITE ? ACCESS_WRITE : type == UC_MEM_FETCH ? ACCESS_FETCH : ACCESS_READ, user = cpl(e) == 3;
    engine_walk(e, va, kind, user, 0, 1, &t);
    int asks = kind != ACCESS_FETCH && (t.fault ? user : t.user && e->cr4 & CR4_SMAP);
    if (asks && reads_descriptor(e, va)) engine_walk(e, va, kind, user = 0, 1, 1, &t);
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
    if (is_watched && kind != ACCESS_FETCH && !e->assist) return refuse(e, va, kind, &t, EXIT_WATCH);
    if (e->assist && kind != ACCESS_FETCH) note_page(e, va, t.physical);
    out->paddr = t.physical;
    if (kind == ACCESS_FETCH) {
        remember_code(e, va, t.physical);
        out->perms = UC_PROT_EXEC;
        // Reading is allowed as well where neither SMAP nor a key could say no.
        if (!is_watched && (!t.user || (user && !(e->cr4 & 1u << 22)))) out->perms |= UC_PROT_READ;
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

// ---- Code: what is in a block, how many instructions, which to stop at

static const uint8_t *code_host(struct engine *e, uint64_t pc)
{
    struct code_page *c = &e->code[pc >> 12 & (CODE_PAGES - 1)];
    if (c->page != pc >> 12) {
        struct translation t;
        engine_walk(e, pc, ACCESS_FETCH, cpl(e) == 3, 0, 0, &t);
        if (t.fault || t.physical >= e->ram_size) return NULL;
        remember_code(e, pc, t.physical);
    }
    return c->host + (pc & 0xfff);
}

int engine_code_at(struct engine *e, uint64_t pc, uint8_t *to)
{
    int first = 4096 - (pc & 0xfff);
    const uint8_t *p = code_host(e, pc);
    if (!p) return 0;
    if (first >= 15) {
        memcpy(to, p, 15);
        return 15;
    }
    memcpy(to, p, first);
    p = code_host(e, pc + first);
    if (!p) return first;
    memcpy(to + first, p, 15 - first);
    return 15;
}

int engine_count_to(struct engine *e, uint64_t pc)
{
    uint8_t bytes[16];
    struct insn i;
    int n = 0;
    struct visited *b = last_block(e);
    for (uint64_t at = b->pc; at < pc && at < b->pc + b->size; at += i.length, n++) {
        decode(&i, bytes, engine_code_at(e, at, bytes), e->bits);
        if (!i.length) break;
    }
    return n;
}

int engine_sensitive(const struct engine *e, const struct insn *i)
{
    switch (i->kind) {
    case CLASS_STAC_CLAC: return e->smap_off;
    case CLASS_SWAPGS: case CLASS_CLTS: return 0;
    }
    return i->kind != CLASS_PLAIN && i->kind < CLASS_SENSITIVE_END;
}

int engine_point(struct engine *e, uint64_t pc)
{
    if (!e->points_size) return -1;
    for (uint32_t h = (pc ^ pc >> 12) * 0x9e3779b1u;; h++) {
        uint32_t at = h & (e->points_size - 1);
        if (!e->point_kind[at]) return -1;
        if (e->points[at] == pc) return at;
    }
}

static void on_code(uc_engine *uc, uint64_t pc, uint32_t size, void *data);

static void grow_points(struct engine *e)
{
    uint32_t old = e->points_size, size = old ? old * 2 : 256;
    uint64_t *points = e->points;
    uint8_t *kind = e->point_kind;
    uc_hook *hook = e->point_hook;
    e->points = calloc(size, sizeof *points);
    e->point_kind = calloc(size, 1);
    e->point_hook = calloc(size, sizeof *hook);
    e->points_size = size;
    for (uint32_t i = 0; i < old; i++) {
        if (!kind[i]) continue;
        uint32_t h = (points[i] ^ points[i] >> 12) * 0x9e3779b1u;
        while (e->point_kind[h & (size - 1)]) h++;
        e->points[h & (size - 1)] = points[i];
        e->point_kind[h & (size - 1)] = kind[i];
        e->point_hook[h & (size - 1)] = hook[i];
    }
    free(points);
    free(kind);
    free(hook);
}

// 1 if the address had no hook before.
int engine_add_point(struct engine *e, uint64_t pc, int kind)
{
    int at = engine_point(e, pc);
    if (at >= 0) {
        e->point_kind[at] |= kind;
        return 0;
    }
    if (e->points_used * 2 >= e->points_size) grow_points(e);
    uint32_t h = (pc ^ pc >> 12) * 0x9e3779b1u;
    while (e->point_kind[h & (e->points_size - 1)]) h++;
    at = h & (e->points_size - 1);
    e->points[at] = pc;
    e->point_kind[at] = kind;
    e->points_used++;
    if (e->trace) return 0; // its hook sees every instruction
    uc_hook_add(e->uc, &e->point_hook[at], UC_HOOK_CODE, on_code, e, pc, pc);
    return 1;
}

int engine_counts_in_cx(const struct engine *e, const struct insn *i)
{
    return e->bits != 64 && (e->bits == 16) != !!(i->prefixes & PREFIX_ADDRESS);
}

// REP in a loop of blocks: the last one only finds RCX at zero and goes on. It
// follows the iteration before it with nothing in between.
int engine_rep_is_over(struct engine *e, uint64_t pc, uint32_t size, int in_cx)
{
    uint64_t rcx = 0;
    if (e->broken_at == e->visited_count || last_block(e)->pc + last_block(e)->size != pc + size) return 0;
    uc_reg_read(e->uc, UC_X86_REG_RCX, &rcx);
    return !(in_cx ? rcx & 0xffff : rcx);
}

// look_at decodes a block; true if it holds an instruction that the machine
// does itself and that the translated code would not stop at.
static int look_at(struct engine *e, uint64_t pc, uint32_t size, int *count, int *rep)
{
    uint8_t bytes[16];
    struct insn i;
    int added = 0, n = 0;
    *rep = 0;
    for (uint64_t at = pc; at < pc + size; at += i.length, n++) {
        decode(&i, bytes, engine_code_at(e, at, bytes), e->bits);
        if (!i.length) break;
        if (!n && i.kind == CLASS_REP_STRING) *rep = BLOCK_REP | (engine_counts_in_cx(e, &i) ? BLOCK_CX : 0);
        if (engine_sensitive(e, &i)) added |= engine_add_point(e, at, POINT_INSN);
        // The engine computes its flags from an older instruction's. Before an
        // instruction with a hook it brings them up to date.
        if (i.kind == CLASS_CMPXCHG_WIDE) added |= engine_add_point(e, at, POINT_FLAGS);
    }
    *count = n ? n : 1;
    return added;
}

static struct block *block_at(struct engine *e, uint64_t pc)
{
    struct code_page *c = &e->code[pc >> 12 & (CODE_PAGES - 1)];
    if (c->page != pc >> 12 && !code_host(e, pc)) return NULL;
    return &c->blocks->at[pc & 0xfff];
}

// A page that holds code now must not be in the TLB as writable.
static void mark_code(struct engine *e, uint64_t pc)
{
    const uint8_t *host = code_host(e, pc);
    if (!host) return;
    uint64_t page = (host - e->ram) >> 12;
    e->has_code[page] = 1;
    if (e->stepping && page == e->rewriting) return; // an instruction that writes over itself is translated again while it writes
    if (e->writable_since[page] != e->tlb_generation) return;
    e->flush = 1;
    uc_emu_stop(e->uc);
}

static void learn_block(struct engine *e, uint64_t pc, uint32_t size)
{
    int count, rep;
    struct block *b = block_at(e, pc);
    hidden_flags(e);
    int added = look_at(e, pc, size, &count, &rep);
    if (b) *b = (struct block){.size = size, .count = count, .flags = rep};
    if (!added) return;
    e->retranslate = size;
    e->retranslate_pc = pc;
    uc_emu_stop(e->uc);
}

static inline struct recent *recent_at(struct engine *e, uint64_t pc)
{
    return &e->recent[(pc ^ pc >> 10) & (RECENT - 1)];
}

// The engine has translated a block, for the first time or because its bytes changed.
static void on_edge(uc_engine *uc, uc_tb *now, uc_tb *before, void *data)
{
    struct engine *e = data;
    (void)uc, (void)before;
    mark_code(e, now->pc);
    if ((now->pc ^ (now->pc + now->size - 1)) >> 12) mark_code(e, now->pc + now->size - 1);
    recent_at(e, now->pc)->generation = 0;
    if (!e->stepping) learn_block(e, now->pc, now->size);
}

// ---- Blocks: the clock

static __attribute__((noinline)) void cover(struct engine *e, uint64_t pc)
{
    uint32_t i = 0;
    while (i < e->edge_ranges && pc - e->edge_range[i].begin >= e->edge_range[i].size) i++;
    if (i == e->edge_ranges) return;
    uint64_t here = (pc ^ pc >> 17) * 0x9e3779b97f4a7c15ull >> 20;
    uint8_t *hits = &e->edges[(here ^ e->edge_previous) & e->edge_mask];
    if (*hits < 255) ++*hits;
    e->edge_previous = here >> 1;
}

// accept counts a block that is about to run.
static inline void accept(struct engine *e, uint64_t pc, uint32_t size, uint32_t count)
{
    e->count += count;
    e->visited[e->visited_count++ & (VISITED - 1)] = (struct visited){pc, size, count};
    if (e->edges) cover(e, pc);
}

static __attribute__((noinline)) void slow_block(struct engine *e, uint64_t pc, uint32_t size)
{
    struct block *b = block_at(e, pc);
    uint32_t n = 1;
    if (!b || b->size != size) {
        learn_block(e, pc, size);
        mark_code(e, pc);
        if (e->retranslate || e->flush) return;
        b = block_at(e, pc);
    }
    if (b) {
        n = b->count;
        if (b->flags & BLOCK_REP && engine_rep_is_over(e, pc, size, b->flags & BLOCK_CX)) n = 0;
    }
    if (e->count != e->resume_count) e->resume = 0; // past the first block: the next arrival counts again
    if (n && *e->attention) { // not inside the tail of a REP: that is no boundary
        engine_stop(e, EXIT_STOP);
        return;
    }
    if (n && e->want_window) {
        uint64_t flags = 0;
        uc_reg_read(e->uc, UC_X86_REG_RFLAGS, &flags);
        if (flags & RFLAGS_IF) {
            hidden_flags(e);
            if (!e->inhibit) {
                engine_stop(e, EXIT_WINDOW);
                return;
            }
        }
    }
    if (n && e->count + n > e->limit) {
        engine_stop(e, EXIT_LIMIT);
        return;
    }
    if (b && !b->flags) *recent_at(e, pc) = (struct recent){pc, size, n, e->tlb_generation};
    accept(e, pc, size, n);
}

static __attribute__((noinline)) void step_block(struct engine *e, uint64_t pc, uint32_t size)
{
    if (e->stepping++ == 1) accept(e, pc, size, 0);
    else if (e->rewriting != ~0ull && last_block(e)->pc == pc) return; // it has written over itself, and starts again
    else engine_stop(e, EXIT_STEP); // an instruction after which TF traps nothing, such as MOV SS
}

static void on_block(uc_engine *uc, uint64_t pc, uint32_t size, void *data)
{
    struct engine *e = data;
    (void)uc;
    if (__builtin_expect(e->stepping | e->want_window | *e->attention | e->resume, 0)) {
        if (e->stepping) step_block(e, pc, size);
        else slow_block(e, pc, size);
        return;
    }
    struct recent *r = recent_at(e, pc);
    if (__builtin_expect(r->pc == pc && r->size == size && r->generation == e->tlb_generation && e->count + r->count <= e->limit, 1)) {
        accept(e, pc, size, r->count);
        return;
    }
    // The TLB was flushed since, by a restore say: the block is known all the same.
    struct code_page *c = &e->code[pc >> 12 & (CODE_PAGES - 1)];
    if (c->page == pc >> 12) {
        struct block b = c->blocks->at[pc & 0xfff];
        if (b.size == size && !b.flags && e->count + b.count <= e->limit) {
            *r = (struct recent){pc, size, b.count, e->tlb_generation};
            accept(e, pc, size, b.count);
            return;
        }
    }
    slow_block(e, pc, size);
}

// ---- Single addresses, exceptions, the time-stamp counter

// The instruction that the run began with has been reported to those who asked.
static int resumed(struct engine *e, uint64_t pc) { return e->resume && pc == e->resume_pc; }

// Nor is the tail of a REP an arrival at it.
static int in_rep_tail(struct engine *e, uint64_t pc) { return !last_block(e)->count && last_block(e)->pc == pc; }

// pass lets an instruction with a hook go on. The engine has evaluated the
// flags before the hook, but goes by how it would have done so later if the
// instruction faults, or is one that asks for them.
static void pass(struct engine *e, uint64_t pc)
{
    uc_reg_read(e->uc, UC_X86_REG_RFLAGS, &e->passed_flags);
    uc_reg_write(e->uc, UC_X86_REG_RFLAGS, &e->passed_flags);
    e->passed = pc;
}

static void on_code(uc_engine *uc, uint64_t pc, uint32_t size, void *data)
{
    struct engine *e = data;
    (void)uc, (void)size;
    if (e->stepping || e->exit.reason) return;
    int at = engine_point(e, pc);
    if (at < 0) return;
    if (e->point_kind[at] & POINT_PROBE && !resumed(e, pc) && !in_rep_tail(e, pc)) {
        e->correct = 1;
        engine_stop(e, EXIT_PROBE);
        return;
    }
    if (e->point_kind[at] & POINT_INSN) {
        hidden_flags(e);
        decode(&e->exit.insn, e->exit.bytes, engine_code_at(e, pc, e->exit.bytes), e->bits);
        if (engine_sensitive(e, &e->exit.insn)) {
            e->correct = 1;
            engine_stop(e, EXIT_INSTRUCTION);
            return;
        }
    }
    pass(e, pc);
}

static void on_range(uc_engine *uc, uint64_t pc, uint32_t size, void *data)
{
    struct engine *e = data;
    (void)uc, (void)size;
    if (e->stepping || e->exit.reason) return;
    if (resumed(e, pc) || in_rep_tail(e, pc)) {
        pass(e, pc);
        return;
    }
    e->correct = 1;
    engine_stop(e, EXIT_PROBE);
}

// engine_probe_range makes runs stop at every instruction of a range.
int engine_probe_range(struct engine *e, uint64_t begin, uint64_t size, uc_hook *hook)
{
    if (e->probe_ranges == RANGES) return -1;
    int err = uc_hook_add(e->uc, hook, UC_HOOK_CODE, on_range, e, begin, begin + size - 1);
    if (err) return err;
    e->probe_range[e->probe_ranges++] = (struct range){begin, size};
    uc_ctl(e->uc, UC_CTL_TB_FLUSH);
    return 0;
}

void engine_remove_range(struct engine *e, uint64_t begin, uint64_t size, uc_hook hook)
{
    uc_hook_del(e->uc, hook);
    for (uint32_t i = 0; i < e->probe_ranges; i++) {
        if (e->probe_range[i].begin != begin || e->probe_range[i].size != size) continue;
        e->probe_range[i] = e->probe_range[--e->probe_ranges];
        break;
    }
    uc_ctl(e->uc, UC_CTL_TB_FLUSH);
}

// engine_probed: what a step asks before it runs an instruction.
int engine_probed(struct engine *e, uint64_t pc)
{
    if (resumed(e, pc)) return 0;
    int at = engine_point(e, pc);
    if (at >= 0 && e->point_kind[at] & POINT_PROBE) return 1;
    for (uint32_t i = 0; i < e->probe_ranges; i++)
        if (pc - e->probe_range[i].begin < e->probe_range[i].size) return 1;
    return 0;
}

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

static void on_trace(uc_engine *uc, uint64_t pc, uint32_t size, void *data)
{
    struct engine *e = data;
    if (pc - e->trace_begin <= e->trace_length) e->trace[e->trace_count++ & e->trace_mask] = pc;
    on_code(uc, pc, size, e);
}

// The engine asks each code hook in turn whether it wants an instruction that
// has one. With a hook on every instruction, hundreds of others on single
// addresses are too many: meanwhile it stands for them.
static void hook_points(struct engine *e, int on)
{
    for (uint32_t i = 0; i < e->points_size; i++) {
        if (!e->point_kind[i]) continue;
        if (on) uc_hook_add(e->uc, &e->point_hook[i], UC_HOOK_CODE, on_code, e, e->points[i], e->points[i]);
        else uc_hook_del(e->uc, e->point_hook[i]);
    }
}

// engine_trace writes the address of every instruction in [begin, end] into a
// ring of mask+1 addresses; a null ring ends it.
int engine_trace(struct engine *e, uint64_t begin, uint64_t end, uint64_t *ring, uint64_t mask)
{
    int err = 0;
    if (e->trace_hook) uc_hook_del(e->uc, e->trace_hook);
    if (!e->trace != !ring) hook_points(e, !ring);
    e->trace_hook = 0;
    e->trace = ring;
    e->trace_begin = begin;
    e->trace_length = end - begin;
    e->trace_mask = mask;
    e->trace_count = 0;
    if (ring) err = uc_hook_add(e->uc, &e->trace_hook, UC_HOOK_CODE, on_trace, e, 1, 0);
    uc_ctl(e->uc, UC_CTL_TB_FLUSH);
    return err;
}

void engine_hooks(struct engine *e)
{
    uc_hook h;
    uc_engine *uc = e->uc;
    uc_hook_add(uc, &h, UC_HOOK_TLB_FILL, on_fill, e, 1, 0);
    uc_hook_add(uc, &h, UC_HOOK_BLOCK, on_block, e, 1, 0);
    uc_hook_add(uc, &h, UC_HOOK_EDGE_GENERATED, on_edge, e, 1, 0);
    uc_hook_add(uc, &h, UC_HOOK_INTR, on_exception, e, 1, 0);
    uc_hook_add(uc, &h, UC_HOOK_INSN_INVALID, on_invalid, e, 1, 0);
    uc_hook_add(uc, &h, UC_HOOK_INSN, on_rdtsc, e, 1, 0, UC_X86_INS_RDTSC);
    uc_hook_add(uc, &h, UC_HOOK_INSN, on_rdtscp, e, 1, 0, UC_X86_INS_RDTSCP);
    uc_mmio_map(uc, MMIO_WINDOW, ALIASES * 4096, on_window_read, e, on_window_write, e);
}
