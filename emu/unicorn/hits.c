// SPDX-License-Identifier: GPL-2.0-or-later
// Places at which the CPU and some memory are written down each time it
// arrives, without leaving the engine. What is written down piles up in a log
// that Go empties when it is full and whenever a run has come back.

#include "engine.h"
#include <stdlib.h>
#include <string.h>

#define LOG_ROOM (1 << 16) // words, at least
#define RFLAGS_RF 0x10000ull

// ---- The CPU's state itself

// engine_find_live asks whether the place that calibration found is this
// engine's CPU: the registers written here must be there.
void engine_find_live(struct engine *e)
{
    static const int ids[2] = {UC_X86_REG_RAX, UC_X86_REG_GS_BASE};
    uint64_t kept[2], odd[2], there[2];
    uint8_t *p;
    e->live = NULL;
    if (!e->offset_cpu) return;
    memcpy(&p, (uint8_t *)e->uc + e->offset_cpu, sizeof p);
    p += e->offset_live;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2; i++) {
            if (!round) uc_reg_read(e->uc, ids[i], &kept[i]);
            odd[i] = (0x5a17c0de00ull + i * 0x1234567) << round;
            uc_reg_write(e->uc, ids[i], &odd[i]);
        }
        memcpy(&there[0], p + e->offset_gpr, 8);
        memcpy(&there[1], p + e->offset_base[1], 8);
        if (memcmp(there, odd, sizeof there)) p = NULL;
        if (!p) break;
    }
    for (int i = 0; i < 2; i++) uc_reg_write(e->uc, ids[i], &kept[i]);
    e->live = p;
}

// engine_cpu_bytes is the CPU's state as of now, laid out as in a context; of
// RIP and the flags it knows nothing while the engine runs.
const uint8_t *engine_cpu_bytes(struct engine *e)
{
    if (!e->running) return e->state;
    if (e->live) return e->live;
    uc_context_save(e->uc, e->context);
    return e->state;
}

// ---- Where

static uint32_t hash(uint64_t address) { return (uint32_t)((address ^ address >> 12) * 0x9e3779b1u); }

// place_at is the first place at an address, or NO_PLACE.
static uint32_t place_at(const struct engine *e, uint64_t pc)
{
    if (!e->place_count) return NO_PLACE;
    for (uint32_t h = hash(pc);; h++) {
        uint32_t p = e->place_index[h & e->place_mask];
        if (p == NO_PLACE || e->places[p].address == pc) return p;
    }
}

static void index_place(struct engine *e, uint32_t number)
{
    struct place *p = &e->places[number];
    uint32_t first = place_at(e, p->address), h = hash(p->address);
    p->next = NO_PLACE;
    if (first != NO_PLACE) { // behind those that are there
        while (e->places[first].next != NO_PLACE) first = e->places[first].next;
        e->places[first].next = number;
        return;
    }
    while (e->place_index[h & e->place_mask] != NO_PLACE) h++;
    e->place_index[h & e->place_mask] = number;
}

static void forget_places(struct engine *e)
{
    for (uint32_t i = 0; i < e->place_count; i++) engine_drop_stop(e, e->places[i].address, POINT_HIT);
    free(e->places);
    free(e->captures);
    free(e->place_index);
    free(e->hits.words);
    e->places = NULL;
    e->captures = NULL;
    e->place_index = NULL;
    e->hits = (struct log){0};
    e->place_count = 0;
}

// engine_set_places takes the place of all that there were. The captures have
// been looked at: a word that one counts from is an earlier one's.
int engine_set_places(struct engine *e, const struct place *places, uint32_t n, const struct capture *captures, uint32_t captures_n)
{
    uint64_t words = 0;
    uint32_t room = 16;
    forget_places(e);
    if (!n) return 0;
    while (room < 2 * n) room *= 2;
    for (uint32_t i = 0; i < n; i++) words += HIT_WORDS + places[i].words;
    if (words < LOG_ROOM) words = LOG_ROOM; // all places may be at one address
    e->places = malloc(n * sizeof *places);
    e->captures = malloc((captures_n + 1) * sizeof *captures);
    e->place_index = malloc(room * sizeof *e->place_index);
    e->hits.words = malloc(words * sizeof *e->hits.words);
    if (!e->places || !e->captures || !e->place_index || !e->hits.words || engine_list_blocks(e)) {
        forget_places(e);
        return -1;
    }
    memcpy(e->places, places, n * sizeof *places);
    if (captures_n) memcpy(e->captures, captures, captures_n * sizeof *captures);
    memset(e->place_index, 0xff, room * sizeof *e->place_index);
    e->place_mask = room - 1;
    e->hits.room = words;
    for (uint32_t i = 0; i < n; i++) {
        e->place_count = i + 1;
        index_place(e, i);
        if (engine_add_stop(e, places[i].address, POINT_HIT)) {
            forget_places(e);
            return -1;
        }
    }
    return 0;
}

// ---- What

static uint64_t word(const uint8_t *cpu, uint32_t at)
{
    uint64_t v;
    memcpy(&v, cpu + at, 8);
    return v;
}

static uint16_t half(const uint8_t *cpu, uint32_t at)
{
    uint16_t v;
    memcpy(&v, cpu + at, 2);
    return v;
}

// engine_captured writes captures and returns a bit for each that is missing.
uint32_t engine_captured(struct engine *e, const uint8_t *cpu, uint64_t *words, const struct capture *c, uint32_t n)
{
    uint64_t *to = words;
    uint32_t missing = 0, first[MAX_CAPTURES];
    for (uint32_t i = 0; i < n; i++, c++) {
        uint32_t size = (c->size + 7) / 8, absent = 0;
        uint64_t from = c->offset;
        first[i] = to - words;
        if (c->base >= BASE_WORD) {
            uint32_t w = c->base - BASE_WORD, k = i;
            while (k && first[k] > w) k--;
            absent = missing >> k & 1;
            from += words[w];
        } else if (c->base >= BASE_REGISTER) {
            from += word(cpu, e->offset_gpr + 8 * (c->base - BASE_REGISTER));
        } else if (c->base == BASE_KERNEL_GS) {
            from += word(cpu, e->offset_kernel_gs_base);
        } else if (c->base) {
            from += word(cpu, e->offset_base[c->base - BASE_FS]);
        }
        to[size - 1] = 0;
        if (absent || engine_peek(e, from, to, c->size)) {
            missing |= 1u << i;
            memset(to, 0, size * 8);
        }
        to += size;
    }
    return missing;
}

// engine_registers are those of a hit before the instruction at pc.
void engine_registers(struct engine *e, uint64_t *hit, const uint8_t *cpu, uint64_t pc, uint64_t count, uint64_t flags)
{
    hit[HIT_COUNT] = count;
    memcpy(hit + HIT_GPR, cpu + e->offset_gpr, 16 * 8);
    hit[HIT_RIP] = e->bits == 64 ? pc : pc - word(cpu, e->offset_cs_base);
    // The engine keeps RF to the end of a block; every instruction clears it.
    hit[HIT_RFLAGS] = e->running && count != e->resume_count ? flags & ~RFLAGS_RF : flags;
    hit[HIT_FS] = word(cpu, e->offset_base[0]);
    hit[HIT_GS] = word(cpu, e->offset_base[1]);
    hit[HIT_KERNEL_GS] = word(cpu, e->offset_kernel_gs_base);
    hit[HIT_CR3] = e->cr3;
    hit[HIT_SEGMENTS] = half(cpu, e->offset_selector[0]) | (uint64_t)half(cpu, e->offset_selector[1]) << 16;
}

static void write_hit(struct engine *e, uint32_t number, uint64_t pc, uint64_t count, uint64_t flags)
{
    const struct place *p = &e->places[number];
    const uint8_t *cpu = engine_cpu_bytes(e);
    uint64_t *hit = e->hits.words + e->hits.used;
    engine_registers(e, hit, cpu, pc, count, flags);
    hit[HIT_PLACE] = number | (uint64_t)p->words << 32;
    hit[HIT_SEQUENCE] = e->written++;
    if (p->captures) hit[HIT_SEGMENTS] |= (uint64_t)engine_captured(e, cpu, hit + HIT_WORDS, e->captures + p->first, p->captures) << 32;
    e->hits.used += HIT_WORDS + p->words;
}

// engine_hit writes an arrival down, unless it has been: the instruction may
// have been put off, to be stepped or done by the machine. It returns 0 if
// there is no room.
int engine_hit(struct engine *e, uint64_t pc, uint64_t count, uint64_t flags)
{
    uint32_t first = place_at(e, pc);
    uint64_t words = 0;
    if (first == NO_PLACE || (e->hit_pc == pc && e->hit_count == count)) return 1;
    for (uint32_t p = first; p != NO_PLACE; p = e->places[p].next) words += HIT_WORDS + e->places[p].words;
    if (e->hits.used + words > e->hits.room) return 0;
    e->hit_pc = pc;
    e->hit_count = count;
    for (uint32_t p = first; p != NO_PLACE; p = e->places[p].next) write_hit(e, p, pc, count, flags);
    return 1;
}

// engine_arrive is engine_hit between two runs.
int engine_arrive(struct engine *e, uint64_t pc) { return engine_hit(e, pc, e->count, e->rflags); }

