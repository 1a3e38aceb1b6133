// SPDX-License-Identifier: GPL-2.0-or-later
// Blocks: what is in them, and the clock, which counts their instructions.

#include "engine.h"
#include <stdlib.h>
#include <string.h>

#define RFLAGS_IF 0x200

// engine_fail is for what can't be made good: this run ends and no other begins.
void engine_fail(struct engine *e, int err)
{
    e->failed = err;
    uc_emu_stop(e->uc);
}

void engine_remember_code(struct engine *e, uint64_t va, uint64_t physical)
{
    uint64_t page = physical >> 12;
    struct code_page *c = &e->code[va >> 12 & (CODE_PAGES - 1)];
    if (!e->blocks[page] && !(e->blocks[page] = calloc(1, sizeof(struct page_blocks)))) {
        engine_fail(e, UC_ERR_NOMEM);
        return;
    }
    c->page = va >> 12;
    c->blocks = e->blocks[page];
    c->host = e->ram + (page << 12);
}

const uint8_t *engine_code_host(struct engine *e, uint64_t pc)
{
    struct code_page *c = &e->code[pc >> 12 & (CODE_PAGES - 1)];
    if (c->page != pc >> 12) {
        struct translation t;
        engine_walk(e, pc, ACCESS_FETCH, engine_cpl(e) == 3, 0, 0, &t);
        if (t.fault || t.physical >= e->ram_size) return NULL;
        engine_remember_code(e, pc, t.physical);
        if (e->failed) return NULL;
    }
    return c->host + (pc & 0xfff);
}

int engine_code_at(struct engine *e, uint64_t pc, uint8_t *to)
{
    int first = 4096 - (pc & 0xfff);
    const uint8_t *p = engine_code_host(e, pc);
    if (!p) return 0;
    if (first >= 15) {
        memcpy(to, p, 15);
        return 15;
    }
    memcpy(to, p, first);
    p = engine_code_host(e, pc + first);
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

int engine_counts_in_cx(const struct engine *e, const struct insn *i)
{
    return e->bits != 64 && (e->bits == 16) != !!(i->prefixes & PREFIX_ADDRESS);
}

static int counts_in_ecx(const struct engine *e, const struct insn *i)
{
    return e->bits == 64 ? !!(i->prefixes & PREFIX_ADDRESS) : !engine_counts_in_cx(e, i);
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

// loses_flags: SETcc, RCL and RCR to memory. The engine puts the flags into
// another form before the write, and where that faults goes by the old one:
// the handler's frame would have the wrong flags, and the instruction, executed
// again, another result.
static int loses_flags(const struct insn *i)
{
    int rotate = i->opcode == 0xc0 || i->opcode == 0xc1 || (i->opcode >= 0xd0 && i->opcode <= 0xd3);
    if (i->modrm >= 0xc0) return 0;
    if (i->opmap == 1) return (i->opcode & 0xf0) == 0x90;
    return i->opmap == 0 && rotate && ((i->modrm >> 3 & 7) == 2 || (i->modrm >> 3 & 7) == 3);
}

// hands_over: has the engine put its flags where a helper or the next block
// finds them before it accesses memory, or asks for the time?
static int hands_over(const struct insn *i)
{
    switch (i->kind) {
    case CLASS_REP_STRING: case CLASS_PUSHF: case CLASS_RDTSC: case CLASS_SEGMENT: case CLASS_CMPXCHG_WIDE: return 1;
    }
    return 0;
}

// look_at decodes a block: how many instructions, whether it is a REP's, and
// the first and the last that the translated code should come back at. Behind
// one that the machine carries out nothing else of the block is ever run.
struct look { uint64_t first, last; int count, flags, points; };

static void look_at(struct engine *e, uint64_t pc, uint32_t size, struct look *l)
{
    uint8_t bytes[16];
    struct insn i;
    int past = 0;
    struct known_aligned known = {0};
    *l = (struct look){0};
    for (uint64_t at = pc; at < pc + size; at += i.length, l->count++) {
        decode(&i, bytes, engine_code_at(e, at, bytes), e->bits);
        if (!i.length) break;
        if (!l->count && i.kind == CLASS_REP_STRING) l->flags = BLOCK_REP | (engine_counts_in_cx(e, &i) ? BLOCK_CX : counts_in_ecx(e, &i) ? BLOCK_ECX : 0);
        int kind = 0;
        int fixed = i.kind == CLASS_ALIGNED && engine_is_relative(e, &i); // it stops always or never
        int vouched = e->bits == 64 && !engine_needs_check(&known, &i) && i.kind == CLASS_ALIGNED && engine_may_go_on(e, &i);
        if (vouched) kind = 0;
        else if (fixed ? engine_stops(e, &i, at) : engine_sensitive(e, &i)) kind = POINT_INSN;
        // The engine computes its flags from an older instruction's. Before an
        // instruction with a hook it brings them up to date.
        else if (i.kind == CLASS_CMPXCHG_WIDE) kind = POINT_FLAGS;
        else if (loses_flags(&i)) kind = POINT_KEEP;
        if (kind && engine_add_point(e, at, kind)) engine_fail(e, UC_ERR_NOMEM);
        int hooked = !past && (kind || engine_comes_back(e, at));
        if ((hooked || l->points) && hands_over(&i) && engine_add_point(e, at, POINT_OVER)) engine_fail(e, UC_ERR_NOMEM);
        if (!hooked) continue;
        if (!l->points++) l->first = at;
        l->last = at;
        past = kind == POINT_INSN && (fixed || !engine_may_go_on(e, &i));
    }
    if (l->points > 1) l->flags |= BLOCK_SEVERAL;
    if (!l->count) l->count = 1;
}

static struct block *block_at(struct engine *e, uint64_t pc)
{
    struct code_page *c = &e->code[pc >> 12 & (CODE_PAGES - 1)];
    if (c->page != pc >> 12 && !engine_code_host(e, pc)) return NULL;
    return &c->blocks->at[pc & 0xfff];
}

int engine_has_several_points(struct engine *e, uint64_t pc)
{
    const struct block *b = block_at(e, pc);
    return !b || b->flags & BLOCK_SEVERAL;
}

// A page that holds code now must not be in the TLB as writable.
static void mark_code(struct engine *e, uint64_t pc)
{
    const uint8_t *host = engine_code_host(e, pc);
    if (!host) return;
    uint64_t page = (host - e->ram) >> 12;
    if (!e->has_code[page]) e->code_linear[page] = pc >> 12;
    else if (e->code_linear[page] != pc >> 12) e->code_linear[page] = NO_PAGE;
    e->has_code[page] = 1;
    if (e->stepping && page == e->rewriting) return; // an instruction that writes over itself is translated again while it writes
    if (e->writable_since[page] != e->tlb_generation) return;
    e->flush = 1;
    uc_emu_stop(e->uc);
}

static void learn_block(struct engine *e, uint64_t pc, uint32_t size, struct look *l)
{
    struct block *b = block_at(e, pc);
    engine_hidden_flags(e);
    look_at(e, pc, size, l);
    if (b) *b = (struct block){.size = size, .count = l->count, .flags = l->flags};
}

static inline struct recent *recent_at(struct engine *e, uint64_t pc)
{
    return &e->recent[(pc ^ pc >> 10) & (RECENT - 1)];
}

// The engine has translated a block, for the first time or because its bytes changed.
static void on_edge(uc_engine *uc, uc_tb *now, uc_tb *before, void *data)
{
    struct engine *e = data;
    struct look l;
    (void)uc, (void)before;
    mark_code(e, now->pc);
    if ((now->pc ^ (now->pc + now->size - 1)) >> 12) mark_code(e, now->pc + now->size - 1);
    recent_at(e, now->pc)->generation = 0;
    engine_listing_changed(e, now->pc);
    int done = e->armed && now->pc == e->wanted_pc;
    engine_disarm(e);
    if (e->stepping) { // the block stays, and later runs may enter it under the same flags
        engine_hidden_flags(e);
        look_at(e, now->pc, now->size, &l);
    } else {
        learn_block(e, now->pc, now->size, &l);
    }
    if (l.points && !done) engine_want(e, now->pc, l.first, l.last);
}

// ---- Blocks: the clock

static void cover(struct engine *e, uint64_t pc)
{
    uint32_t i = 0;
    while (i < e->edge_ranges && pc - e->edge_range[i].begin >= e->edge_range[i].size) i++;
    if (i == e->edge_ranges) return;
    uint64_t here = (pc ^ pc >> 17) * 0x9e3779b97f4a7c15ull >> 20;
    uint8_t *hits = &e->edges[(here ^ e->edge_previous) & e->edge_mask];
    if (*hits < 255) ++*hits;
    e->edge_previous = here >> 1;
}

static __attribute__((noinline)) void observe(struct engine *e, uint64_t pc, uint32_t size, uint32_t count)
{
    if (e->edges) cover(e, pc);
    if (e->trace) engine_trace_block(e, pc, size, count);
    if (e->every) engine_look_at_block(e, pc, count);
}

void engine_observe(struct engine *e) { e->observing = e->edges || e->trace || e->every; }

// accept counts a block that is about to run.
static inline void accept(struct engine *e, uint64_t pc, uint32_t size, uint32_t count)
{
    e->count += count;
    e->passed = e->handed_over = NO_PAGE;
    e->visited[e->visited_count++ & (VISITED - 1)] = (struct visited){pc, size, count};
    if (__builtin_expect(e->observing, 0)) observe(e, pc, size, count);
}

// iteration is whether a block with a REP counts: all do but the last, which
// only finds the counter at zero. Iterations that follow each other know how
// many there are to come.
static uint32_t iteration(struct engine *e, uint64_t pc, uint32_t size, int flags)
{
    int in_cx = flags & BLOCK_CX, in_ecx = flags & BLOCK_ECX;
    uint32_t counts;
    if (e->rep_visited == e->visited_count && e->broken_at != e->visited_count && last_block(e)->pc == pc) {
        counts = e->rep_left != 0;
        e->rep_left -= counts;
    } else {
        counts = !engine_rep_is_over(e, pc, size, in_cx);
        e->rep_left = 0;
        uc_reg_read(e->uc, UC_X86_REG_RCX, &e->rep_left);
        if (in_cx) e->rep_left &= 0xffff;
        else if (in_ecx) e->rep_left &= 0xffffffff;
        if (e->rep_left) e->rep_left--;
    }
    e->rep_visited = e->visited_count + 1;
    return counts;
}

static inline int leaves_zone(const struct engine *e, uint64_t pc, uint32_t size)
{
    return pc - e->zone_begin > e->zone_length || pc - e->zone_begin + size - 1 > e->zone_length;
}

static __attribute__((noinline)) void slow_block(struct engine *e, uint64_t pc, uint32_t size)
{
    struct block *b = block_at(e, pc);
    uint32_t n = 1;
    if (e->unhooked) {
        uc_emu_stop(e->uc);
        return;
    }
    if (e->armed) { // it was not translated again
        engine_disarm(e);
        e->stale = 1;
        uc_emu_stop(e->uc);
        return;
    }
    if (leaves_zone(e, pc, size) && engine_enters_zone(e, pc, size)) {
        e->flush = 1;
        uc_emu_stop(e->uc);
        return;
    }
    if (!b || b->size != size) {
        struct look l;
        learn_block(e, pc, size, &l);
        mark_code(e, pc);
        if (e->flush) return;
        b = block_at(e, pc);
    }
    if (b) {
        n = b->count;
        if (b->flags & BLOCK_REP && !iteration(e, pc, size, b->flags)) n = 0;
    }
    if (e->count != e->resume_count) e->resume = 0; // past the first block: the next arrival counts again
    if (n && *e->attention) { // not inside the tail of a REP: that is no boundary
        engine_stop(e, EXIT_STOP);
        return;
    }
    if (n && e->log_full) {
        engine_stop(e, EXIT_LOG);
        return;
    }
    if (n && e->want_window) {
        uint64_t flags = 0;
        uc_reg_read(e->uc, UC_X86_REG_RFLAGS, &flags);
        if (flags & RFLAGS_IF) {
            engine_hidden_flags(e);
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
    if (b && !(b->flags & BLOCK_REP)) *recent_at(e, pc) = (struct recent){pc, size, n, e->tlb_generation};
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
    if (__builtin_expect(e->stepping | e->want_window | *e->attention | e->resume | e->armed | e->log_full | e->unhooked | leaves_zone(e, pc, size), 0)) {
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
        if (b.size == size && e->count + b.count <= e->limit) {
            if (!(b.flags & BLOCK_REP)) *r = (struct recent){pc, size, b.count, e->tlb_generation};
            else if (!iteration(e, pc, size, b.flags)) b.count = 0;
            accept(e, pc, size, b.count);
            return;
        }
    }
    slow_block(e, pc, size);
}

int engine_hook_blocks(struct engine *e)
{
    uc_hook h;
    int err = uc_hook_add(e->uc, &h, UC_HOOK_BLOCK, on_block, e, 1, 0);
    return err ? err : uc_hook_add(e->uc, &h, UC_HOOK_EDGE_GENERATED, on_edge, e, 1, 0);
}
