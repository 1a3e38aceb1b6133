// SPDX-License-Identifier: GPL-2.0-or-later
// The instructions at which translated code comes back: probes, what the
// machine carries out itself, what needs its flags brought up to date.
//
// libunicorn would ask every code hook about every instruction that it
// translates, and call each in turn where one is due. So there is one hook
// only, whose range, in libunicorn's own memory, is nowhere but while a block
// with such instructions is translated: then it is called directly and nothing
// else is. A block is translated first as it comes; on_edge finds out what it
// holds, and asks for it once more.

#include "engine.h"
#include <stdlib.h>
#include <string.h>

#define CR0_AM (1u << 18)
#define NOWHERE 0x8000000000000000ull // never canonical

// engine_sensitive: may the machine have to carry it out itself?
int engine_sensitive(const struct engine *e, const struct insn *i)
{
    if (e->denied >> i->needs & 1) return 1;
    switch (i->kind) {
    case CLASS_STAC_CLAC: case CLASS_SWAPGS: return 0;
    }
    return i->kind != CLASS_PLAIN && i->kind < CLASS_SENSITIVE_END;
}

// engine_may_go_on: may it be the engine's, though it is sensitive?
int engine_may_go_on(const struct engine *e, const struct insn *i)
{
    return (i->kind == CLASS_POPF || i->kind == CLASS_ALIGNED) && !(e->denied >> i->needs & 1);
}

// engine_stops: is it for the machine, here and now?
int engine_stops(struct engine *e, const struct insn *i, uint64_t pc)
{
    if (!engine_may_go_on(e, i)) return engine_sensitive(e, i);
    return i->kind == CLASS_ALIGNED ? engine_misaligned(e, i, pc) : e->cr0 & CR0_AM && engine_cpl(e) == 3;
}

int engine_point(const struct engine *e, uint64_t pc)
{
    if (!e->points_size) return -1;
    for (uint32_t h = (pc ^ pc >> 12) * 0x9e3779b1u;; h++) {
        uint32_t at = h & (e->points_size - 1);
        if (!e->point_kind[at]) return -1;
        if (e->points[at] == pc) return at;
    }
}

static void put_point(struct engine *e, uint64_t pc, int kind)
{
    uint32_t h = (pc ^ pc >> 12) * 0x9e3779b1u;
    while (e->point_kind[h & (e->points_size - 1)]) h++;
    e->points[h & (e->points_size - 1)] = pc;
    e->point_kind[h & (e->points_size - 1)] = kind;
    e->points_used++;
}

// Addresses that stopped being points are left behind.
static int grow_points(struct engine *e)
{
    uint32_t old = e->points_size, size = old ? old * 2 : 256;
    uint64_t *points = e->points, *more = calloc(size, sizeof *more);
    uint8_t *kind = e->point_kind, *kinds = calloc(size, 1);
    if (!more || !kinds) {
        free(more);
        free(kinds);
        return -1;
    }
    e->points = more;
    e->point_kind = kinds;
    e->points_size = size;
    e->points_used = 0;
    for (uint32_t i = 0; i < old; i++)
        if (kind[i] & ~POINT_NONE) put_point(e, points[i], kind[i]);
    free(points);
    free(kind);
    return 0;
}

int engine_add_point(struct engine *e, uint64_t pc, int kind)
{
    int at = engine_point(e, pc);
    if (at >= 0) {
        e->point_kind[at] |= kind;
        return 0;
    }
    if (e->points_used * 2 >= e->points_size && grow_points(e)) return -1;
    put_point(e, pc, kind);
    return 0;
}

// engine_add_stop makes an address one to come back at, for good.
int engine_add_stop(struct engine *e, uint64_t address, int kind)
{
    int at = engine_point(e, address);
    if (at >= 0 && e->point_kind[at] & kind) return 0;
    if (engine_add_point(e, address, kind)) return -1;
    e->stops++;
    if (at >= 0 && e->point_kind[at] & (POINT_PROBE | POINT_HIT) & ~kind) return 0;
    // Blocks that were translated without it must go, under whichever page tables they were.
    const uint8_t *all = e->has_code, *p = all, *end = all + (e->ram_size >> 12);
    for (; (p = memchr(p, 1, end - p)); p++) {
        uint64_t linear = e->code_linear[p - all];
        if (linear == address >> 12 || linear == NO_PAGE) engine_forget_code(e, (uint64_t)(p - all) << 12, 1);
    }
    return 0;
}

// Blocks that were translated with it stay: there an instruction without a
// probe calls the hook and goes on.
void engine_drop_stop(struct engine *e, uint64_t address, int kind)
{
    int at = engine_point(e, address);
    if (at < 0 || !(e->point_kind[at] & kind)) return;
    e->point_kind[at] = (e->point_kind[at] & ~kind) | POINT_NONE;
    e->stops--;
}

int engine_add_probe(struct engine *e, uint64_t address) { return engine_add_stop(e, address, POINT_PROBE); }
void engine_remove_probe(struct engine *e, uint64_t address) { engine_drop_stop(e, address, POINT_PROBE); }

// engine_probe_range makes runs stop at every instruction of a range.
int engine_probe_range(struct engine *e, uint64_t begin, uint64_t size)
{
    if (e->probe_ranges == RANGES) return -1;
    e->probe_range[e->probe_ranges++] = (struct range){begin, size};
    uc_ctl(e->uc, UC_CTL_TB_FLUSH);
    return 0;
}

void engine_remove_range(struct engine *e, uint64_t begin, uint64_t size)
{
    for (uint32_t i = 0; i < e->probe_ranges; i++) {
        if (e->probe_range[i].begin != begin || e->probe_range[i].size != size) continue;
        e->probe_range[i] = e->probe_range[--e->probe_ranges];
        break;
    }
    uc_ctl(e->uc, UC_CTL_TB_FLUSH);
}

static int has(const struct engine *e, int at, uint64_t pc, int kind)
{
    if (at >= 0 && e->point_kind[at] & kind) return 1;
    for (uint32_t i = 0; i < e->probe_ranges; i++)
        if (pc - e->probe_range[i].begin < e->probe_range[i].size) return 1;
    return 0;
}

// engine_comes_back: do those who asked want to know of an arrival there?
int engine_comes_back(const struct engine *e, uint64_t pc)
{
    return has(e, e->stops ? engine_point(e, pc) : -1, pc, POINT_PROBE | POINT_HIT) || engine_is_fine(e, pc) || e->hooks_all;
}

// The instruction that the run began with has been reported to those who asked.
static int resumed(const struct engine *e, uint64_t pc) { return e->resume && pc == e->resume_pc; }

// Nor is the tail of a REP an arrival at it.
static int in_rep_tail(struct engine *e, uint64_t pc) { return !last_block(e)->count && last_block(e)->pc == pc; }

// engine_probed: what a step asks before it runs an instruction.
int engine_probed(const struct engine *e, uint64_t pc)
{
    return !resumed(e, pc) && has(e, e->stops ? engine_point(e, pc) : -1, pc, POINT_PROBE);
}

// ---- The hook

static void note_flags(struct engine *e, uint64_t pc)
{
    uc_reg_read(e->uc, UC_X86_REG_RFLAGS, &e->passed_flags);
    e->passed = pc;
    e->passed_unread = 0;
}

// note_unread is note_flags for many instructions in a row, by who has no use
// for the flags. Behind the hook the engine computes the arithmetic ones into
// one word, and goes by that from then on.
static void note_unread(struct engine *e, uint64_t pc)
{
    e->passed = pc;
    e->passed_unread = 1;
}

// pass lets an instruction with a hook go on. The engine has evaluated the
// flags before the hook, but goes by how it would have done so later if the
// instruction faults, or is one that asks for them.
static void pass(struct engine *e, uint64_t pc)
{
    note_flags(e, pc);
    uc_reg_write(e->uc, UC_X86_REG_RFLAGS, &e->passed_flags);
}

// engine_went_back: libunicorn has put RIP back to an instruction that goes on,
// and with it where its flags are to be computed from, as if the hook had not
// been there. That only matters if this is asked for before it is set again:
// see hands_over.
void engine_went_back(struct engine *e)
{
    uint64_t rip = 0;
    if (e->handed_over == NO_PAGE) return;
    uc_reg_read(e->uc, UC_X86_REG_RIP, &rip);
    if (rip == e->handed_over) uc_reg_write(e->uc, UC_X86_REG_RFLAGS, &e->passed_flags);
}

static void on_code(uc_engine *uc, uint64_t pc, uint32_t size, void *data)
{
    struct engine *e = data;
    (void)uc, (void)size;
    if (e->stepping || e->exit.reason) return;
    int at = engine_point(e, pc);
    if (has(e, at, pc, POINT_PROBE) && !resumed(e, pc) && !in_rep_tail(e, pc)) {
        e->correct = 1;
        engine_stop(e, EXIT_PROBE);
        return;
    }
    if (at >= 0 && e->point_kind[at] & POINT_OVER) e->handed_over = pc;
    if (e->every) {
        if (engine_is_fine(e, pc) && !in_rep_tail(e, pc)) engine_look(e, pc, e->count - last_block(e)->count + engine_index(e, pc), NULL);
        if (at < 0 && e->live) {
            note_unread(e, pc);
            return;
        }
    }
    if (at >= 0 && e->point_kind[at] & POINT_HIT && !in_rep_tail(e, pc)) {
        note_flags(e, pc);
        if (!engine_hit(e, pc, e->count - last_block(e)->count + engine_index(e, pc), e->passed_flags)) {
            e->correct = 1;
            engine_stop(e, EXIT_LOG);
            return;
        }
    }
    if (at >= 0 && e->point_kind[at] & POINT_INSN) {
        if (engine_is_aligned(e, pc)) {
            note_flags(e, pc);
            return;
        }
        engine_hidden_flags(e);
        decode(&e->exit.insn, e->exit.bytes, engine_code_at(e, pc, e->exit.bytes), e->bits);
        if (engine_stops(e, &e->exit.insn, pc)) {
            e->correct = 1;
            engine_stop(e, EXIT_INSTRUCTION);
            return;
        }
        engine_keep_aligned(e, pc, &e->exit.insn);
    } else if (at < 0 || !(e->point_kind[at] & ~(POINT_NONE | POINT_KEEP | POINT_HIT | POINT_OVER))) { // between two points of its block, or one that only has them noted
        note_flags(e, pc);
        return;
    }
    // The engine takes the flags for known where an earlier hook of the block
    // was called after the same kind of operation, and goes by what pass gave
    // it then: so that is done once in a block at most.
    if (engine_has_several_points(e, last_block(e)->pc)) {
        e->correct = e->one_step = 1;
        uc_emu_stop(e->uc);
        return;
    }
    pass(e, pc);
}

static void hook_where(struct engine *e, uint64_t first, uint64_t last)
{
    uint8_t *hook = (uint8_t *)e->code_hook;
    memcpy(hook + e->offset_hook_begin, &first, 8);
    memcpy(hook + e->offset_hook_end, &last, 8);
}

int engine_hook_code(struct engine *e) { return uc_hook_add(e->uc, &e->code_hook, UC_HOOK_CODE, on_code, e, NOWHERE, NOWHERE); }

// engine_arm: the next block that is translated calls the hook where that was asked for.
void engine_arm(struct engine *e)
{
    e->armed = e->wanted;
    e->wanted = 0;
    if (e->armed) hook_where(e, e->wanted_first, e->wanted_last);
}

void engine_disarm(struct engine *e)
{
    if (!e->armed) return;
    e->armed = 0;
    hook_where(e, NOWHERE, NOWHERE);
}

// engine_want asks for a block to be translated again, with the hook from its
// first point to its last.
void engine_want(struct engine *e, uint64_t pc, uint64_t first, uint64_t last)
{
    e->wanted = 1;
    e->wanted_pc = pc;
    e->wanted_first = first;
    e->wanted_last = last;
    uc_emu_stop(e->uc);
}
