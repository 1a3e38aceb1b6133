// SPDX-License-Identifier: GPL-2.0-or-later
// The full tier of observation: what the CPU stands in is looked at at the
// start of each block, and before each instruction in ranges that ask for it;
// where it differs from the last time, the CPU is written down. Accesses to
// memory are in seen.c.

#include "engine.h"
#include <stdlib.h>
#include <string.h>

#define SEEN_ROOM (1 << 18) // words
#define RFLAGS_DF 0x400u
#define RFLAGS_RF 0x10000ull

// ---- Zones

// engine_zone is the number of the zone that an address is in, and 0 between
// them. The last answer is kept with how far it goes.
uint32_t engine_zone(struct zones *z, uint64_t address)
{
    if (address - z->begin <= z->length) return z->number;
    uint32_t low = 0, high = z->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (z->zone[middle].last < address) low = middle + 1;
        else high = middle;
    }
    uint64_t end = low < z->count ? z->zone[low].begin - 1 : ~0ull;
    z->number = 0;
    z->begin = low ? z->zone[low - 1].last + 1 : 0;
    if (low < z->count && address >= z->zone[low].begin) {
        z->number = z->zone[low].number;
        z->begin = z->zone[low].begin;
        end = z->zone[low].last;
    }
    z->length = end - z->begin;
    return z->number;
}

// ---- The log

// engine_seen is room for so many more words; NULL ends all runs.
uint64_t *engine_seen(struct engine *e, uint32_t words)
{
    struct log *l = &e->seen;
    if (l->used + words > l->room) {
        uint64_t *more = realloc(l->words, 2 * l->room * sizeof *more);
        if (!more) {
            engine_fail(e, UC_ERR_NOMEM);
            return NULL;
        }
        l->words = more;
        l->room *= 2;
    }
    l->used += words;
    if (l->used > SEEN_ROOM / 2) e->log_full = 1;
    return l->words + l->used - words;
}

// ---- States

static uint64_t word(const uint8_t *cpu, uint32_t at)
{
    uint64_t v;
    memcpy(&v, cpu + at, 8);
    return v;
}

static void write_state(struct engine *e, const uint8_t *cpu, uint64_t pc, uint64_t count, const uint64_t *flags)
{
    struct every *v = e->every;
    uint64_t *to = engine_seen(e, HIT_WORDS + v->words), now = e->rflags;
    if (!to) return;
    if (flags) now = *flags;
    else if (e->running) uc_reg_read(e->uc, UC_X86_REG_RFLAGS, &now);
    engine_registers(e, to, cpu, pc, count, now);
    to[HIT_PLACE] = SEEN_STATE | (uint64_t)v->words << 32 | (v->key & 0xff) << 48 | (v->key >> 8 & 0xff) << 56;
    to[HIT_SEQUENCE] = e->written++;
    to[HIT_SEGMENTS] |= v->key & ~0xffffffffull;
    memcpy(to + HIT_WORDS, v->last, v->words * 8);
    e->seen_mark = e->seen.used;
}

// flags_asked are those of RFLAGS that are part of the state. All but the
// arithmetic ones and DF are in one word of the CPU's state.
static uint64_t flags_asked(struct engine *e, const uint8_t *cpu, uint64_t count, const uint64_t *known)
{
    const uint64_t arithmetic = 0x8d5;
    uint64_t mask = e->every->flags_mask, flags = 0;
    uint32_t word, direction;
    if (!mask) return 0;
    if (known) {
        flags = *known;
    } else if (!e->running) {
        flags = e->rflags;
    } else if (mask & arithmetic) {
        uc_reg_read(e->uc, UC_X86_REG_RFLAGS, &flags);
    } else {
        memcpy(&word, cpu + e->offset_eflags, 4);
        memcpy(&direction, cpu + e->offset_df, 4);
        flags = (word & ~RFLAGS_DF) | (direction >> 31 ? RFLAGS_DF : 0);
    }
    if (e->running && count != e->resume_count) flags &= ~RFLAGS_RF; // as engine_registers
    return flags & mask;
}

static int same(const uint64_t *a, const uint64_t *b, uint32_t words)
{
    uint64_t differ = 0;
    for (uint32_t i = 0; i < words; i++) differ |= a[i] ^ b[i];
    return !differ;
}

// engine_look compares what the CPU stands in with the last time. flags may be
// NULL: they take long to compute.
void engine_look(struct engine *e, uint64_t pc, uint64_t count, const uint64_t *flags)
{
    struct every *v = e->every;
    uint64_t now[EVERY_WORDS];
    const uint8_t *cpu = engine_cpu_bytes(e);
    uint64_t code = engine_zone(&v->code, pc), stack = engine_zone(&v->stack, word(cpu, e->offset_gpr + 8 * 4));
    uint64_t cpl = e->cr0 & 1 ? cpu[e->offset_selector[0]] & 3 : 0;
    uint64_t gs = v->asks_gs && word(cpu, e->offset_base[1]) == v->gs;
    uint64_t key = code | stack << 8 | cpl << 16 | gs << 18 | 1ull << 19;
    uint64_t asked = flags_asked(e, cpu, count, flags);
    if (v->captures) key |= (uint64_t)engine_captured(e, cpu, now, v->capture, v->captures) << 32;
    if (key == v->key && asked == v->flags && same(now, v->last, v->words)) return;
    v->key = key;
    v->flags = asked;
    memcpy(v->last, now, v->words * 8);
    write_state(e, cpu, pc, count, flags);
}

// engine_look_at_block is engine_look before a block that is about to run.
void engine_look_at_block(struct engine *e, uint64_t pc, uint32_t n)
{
    if (!n || engine_is_fine(e, pc)) return; // the tail of a REP is no boundary
    engine_look(e, pc, e->count - n, NULL);
}

int engine_is_fine(const struct engine *e, uint64_t pc)
{
    if (!e->every) return 0;
    for (uint32_t i = 0; i < e->every->fine_count; i++)
        if (pc - e->every->fine[i].begin < e->every->fine[i].size) return 1;
    return 0;
}

// engine_forget_look: what the CPU stands in is written down next time, whatever it is.
void engine_forget_look(struct engine *e)
{
    e->seen.used = e->seen_mark = e->log_full = 0;
    if (e->every) e->every->key = 0;
}

// ---- On and off

static int copy_zones(struct zones *z, const struct zone *from, uint32_t n)
{
    *z = (struct zones){.begin = 1, .length = 0, .count = n};
    if (!n) return 0;
    if (!(z->zone = malloc(n * sizeof *from))) return -1;
    memcpy(z->zone, from, n * sizeof *from);
    return 0;
}

void engine_see_nothing(struct engine *e)
{
    struct every *v = e->every;
    if (!v) return;
    engine_unhook_seen(e);
    free(v->code.zone);
    free(v->stack.zone);
    free(v->data.zone);
    free(v);
    free(e->seen.words);
    e->every = NULL;
    e->seen = (struct log){0};
    e->log_full = 0;
    e->unhooked = e->flush = 1;
    engine_observe(e);
}

// engine_see begins. The zones are in order and apart; `accesses` says whether
// any access is wanted.
int engine_see(struct engine *e, const struct every *what, const struct zone *zones, int accesses)
{
    engine_see_nothing(e);
    struct every *v = malloc(sizeof *v);
    if (!v) return -1;
    *v = *what;
    v->code.zone = v->stack.zone = v->data.zone = NULL;
    e->every = v;
    uint32_t n = what->code.count, m = what->stack.count;
    e->seen.words = malloc(SEEN_ROOM * sizeof *e->seen.words);
    e->seen.room = SEEN_ROOM;
    if (copy_zones(&v->code, zones, n) || copy_zones(&v->stack, zones + n, m) || copy_zones(&v->data, zones + n + m, what->data.count) ||
        !e->seen.words || engine_list_blocks(e) || (accesses && engine_hook_seen(e))) {
        engine_see_nothing(e);
        return -1;
    }
    engine_forget_look(e);
    engine_observe(e);
    uc_ctl(e->uc, UC_CTL_TB_FLUSH);
    e->flush = 1;
    return 0;
}
