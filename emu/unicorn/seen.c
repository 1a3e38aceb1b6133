// SPDX-License-Identifier: GPL-2.0-or-later
// Accesses to memory, in the full tier of observation. libunicorn's hook for
// them calls for the slow path of every access, finds out where the instruction
// is, which takes longest, and is told a physical address only. So it is made
// for a range in which RAM is a second time: pages that are looked at, and no
// others, are put into the TLB as there, each as one linear page at a time.

#include "engine.h"
#include <stdlib.h>
#include <string.h>

static uint64_t rip_now(struct engine *e)
{
    uint64_t rip = 0;
    if (e->live) memcpy(&rip, e->live + e->offset_rip, 8);
    else uc_reg_read(e->uc, UC_X86_REG_RIP, &rip);
    return rip;
}

static inline uint32_t zone(struct zones *z, uint64_t address)
{
    return address - z->begin <= z->length ? z->number : engine_zone(z, address);
}

static inline void write_access(struct engine *e, uint64_t pc, uint64_t count, uint64_t address, uint64_t value, uint32_t size, int flags)
{
    struct every *v = e->every;
    uint32_t code = zone(&v->code, pc), data = zone(&v->data, address);
    uint64_t zones = flags & SEEN_WRITE ? v->writes[code] : v->reads[code];
    // Of an access that begins in one zone and ends in another, both count.
    if (!(zones >> data & 1) && !(address - v->data.begin + size - 1 > v->data.length && zones >> zone(&v->data, address + size - 1) & 1)) return;
    uint64_t *to = engine_seen(e, SEEN_WORDS);
    if (!to) return;
    to[SEEN_WHAT] = SEEN_ACCESS | (uint64_t)size << 32 | (uint64_t)flags << 40 | (uint64_t)code << 48 | (uint64_t)data << 56;
    to[SEEN_SEQUENCE] = e->written++;
    to[SEEN_COUNT] = count;
    to[SEEN_RIP] = pc;
    to[SEEN_ADDRESS] = address;
    to[SEEN_VALUE] = value;
    if (flags & SEEN_MACHINE) e->seen_mark = e->seen.used;
}

static void on_seen(uc_engine *uc, int type, uint64_t physical, int size, int64_t value, void *data)
{
    struct engine *e = data;
    int write = type == UC_MEM_WRITE;
    (void)uc;
    if (e->handed_over != NO_PAGE) engine_went_back(e);
    if (e->stepping || physical - SEEN_RAM >= e->ram_size) return;
    uint64_t pc = rip_now(e), address = e->linear_of[(physical - SEEN_RAM) >> 12] << 12 | (physical & 0xfff);
    uint64_t count = e->count - last_block(e)->count + engine_index(e, pc), v = value;
    write_access(e, pc, count, address, size < 8 ? v & ((1ull << size * 8) - 1) : v, size, write ? SEEN_WRITE : 0);
}

// ---- Which pages

// zones_of is a bit for each zone that a stretch of addresses touches.
static uint64_t zones_of(struct zones *z, uint64_t first, uint64_t last)
{
    uint64_t zones = 0;
    for (uint64_t at = first;; at = z->begin + z->length + 1) {
        zones |= 1ull << engine_zone(z, at);
        if (last - z->begin <= z->length) return zones;
    }
}

// engine_fill_seen puts a page that is looked at where the hook sees it, and
// notes which linear page it is. 0 if it is in the TLB as another one.
int engine_fill_seen(struct engine *e, uint64_t va, uint64_t *physical)
{
    uint64_t page = *physical >> 12, last = va + 4095 + 8; // an access may begin in the page before
    if (!(e->every->asked & zones_of(&e->every->data, va, last < va ? ~0ull : last))) return 1;
    if (e->linear_since[page] == e->tlb_generation && e->linear_of[page] != va >> 12) return 0;
    e->linear_since[page] = e->tlb_generation;
    e->linear_of[page] = va >> 12;
    *physical += SEEN_RAM;
    return 1;
}

// engine_enters_zone finds out which zones of data are asked for by a block
// that is not in the zones of the one before: 1 if those are others, and the
// TLB no longer good.
int engine_enters_zone(struct engine *e, uint64_t pc, uint32_t size)
{
    struct every *v = e->every;
    uint64_t asked = 0, zones = zones_of(&v->code, pc, pc + size - 1 < pc ? ~0ull : pc + size - 1);
    for (int i = 0; i < ZONES; i++)
        if (zones >> i & 1) asked |= v->reads[i] | v->writes[i];
    e->zone_begin = v->code.begin;
    e->zone_length = v->code.length;
    if (pc - e->zone_begin > e->zone_length) { // it lies in more than one
        e->zone_begin = pc;
        e->zone_length = size - 1;
    }
    if (asked == v->asked) return 0;
    v->asked = asked;
    return 1;
}

// engine_saw_step writes down the accesses of an instruction that was stepped
// and has been carried out.
void engine_saw_step(struct engine *e)
{
    if (!e->linear_of) return;
    for (uint32_t i = 0; i < e->records; i++) {
        const struct access_record *r = &e->record[i];
        write_access(e, e->step_pc, e->step_count, r->linear, r->value, r->size, r->kind == ACCESS_WRITE ? SEEN_WRITE : 0);
    }
}

// engine_saw_machine writes down what the machine itself has read or written,
// to deliver an event or for an instruction that it carries out.
void engine_saw_machine(struct engine *e, uint64_t address, const void *bytes, uint32_t size, int write)
{
    uint64_t rip;
    if (!e->linear_of || e->running) return;
    memcpy(&rip, e->state + e->offset_rip, 8);
    for (uint32_t at = 0; at < size; at += 8) {
        uint64_t value = 0;
        uint32_t n = size - at < 8 ? size - at : 8;
        memcpy(&value, (const uint8_t *)bytes + at, n);
        write_access(e, rip, e->count, address + at, value, n, SEEN_MACHINE | (write ? SEEN_WRITE : 0));
    }
}

// engine_unsee takes back what an instruction has accessed that did not end,
// and will be executed again or has made an exception.
void engine_unsee(struct engine *e)
{
    if (!e->every) return;
    while (e->seen.used >= e->seen_mark + SEEN_WORDS && e->seen.words[e->seen.used - SEEN_WORDS + SEEN_COUNT] >= e->count) e->seen.used -= SEEN_WORDS;
}

// Before, RIP is where it was last put to, when these hooks are called: so it is
// put to each instruction.
#define ACCESSES_KNOW_RIP 0x02010400

int engine_hook_seen(struct engine *e)
{
    uint64_t pages = e->ram_size >> 12;
    e->linear_of = malloc(pages * sizeof *e->linear_of);
    e->linear_since = calloc(pages, sizeof *e->linear_since);
    if (!e->linear_of || !e->linear_since) return -1;
    if (!e->aliased && uc_mem_map_ptr(e->uc, SEEN_RAM, e->ram_size, UC_PROT_READ | UC_PROT_WRITE, e->ram)) return -1;
    e->aliased = 1;
    e->hooks_all = uc_version(0, 0) < ACCESSES_KNOW_RIP;
    e->zone_begin = 1; // so that the first block is outside
    e->zone_length = 0;
    if (uc_hook_add(e->uc, &e->seen_hook[0], UC_HOOK_MEM_READ_AFTER, on_seen, e, SEEN_RAM, SEEN_RAM + e->ram_size - 1)) return -1;
    return uc_hook_add(e->uc, &e->seen_hook[1], UC_HOOK_MEM_WRITE, on_seen, e, SEEN_RAM, SEEN_RAM + e->ram_size - 1);
}

void engine_unhook_seen(struct engine *e)
{
    for (int i = 0; i < 2; i++) {
        if (e->seen_hook[i]) uc_hook_del(e->uc, e->seen_hook[i]);
        e->seen_hook[i] = 0;
    }
    free(e->linear_of);
    free(e->linear_since);
    e->linear_of = NULL;
    e->linear_since = NULL;
    e->zone_begin = e->hooks_all = 0;
    e->zone_length = ~0ull;
}
