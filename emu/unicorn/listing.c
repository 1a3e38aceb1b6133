// SPDX-License-Identifier: GPL-2.0-or-later
// The lengths of a block's instructions, kept: whoever wants to know of an
// instruction in a block where it is among them asks here.

#include "engine.h"
#include <stdlib.h>

#define LISTINGS 4096
#define LENGTHS (1 << 18)

struct listing { uint64_t pc; const uint8_t *host; uint32_t generation, first, bits; uint16_t size, count; };

// engine_list_blocks makes room for listings. 0, or -1.
int engine_list_blocks(struct engine *e)
{
    if (e->listing) return 0;
    e->listing = calloc(LISTINGS, sizeof *e->listing);
    e->lengths = calloc(LENGTHS, 1);
    e->length_next = 0;
    if (e->listing && e->lengths) return 0;
    engine_free_listings(e);
    return -1;
}

void engine_free_listings(struct engine *e)
{
    free(e->listing);
    free(e->lengths);
    e->listing = NULL;
    e->lengths = NULL;
}

static struct listing *listing_at(const struct engine *e, uint64_t pc) { return &e->listing[(pc * 0x9e3779b97f4a7c15ull >> 32) & (LISTINGS - 1)]; }

// engine_listing_changed: the block there was translated anew.
void engine_listing_changed(struct engine *e, uint64_t pc)
{
    if (e->listing) listing_at(e, pc)->size = 0;
}

static void forget_all(struct engine *e)
{
    for (int i = 0; i < LISTINGS; i++) e->listing[i].size = 0;
    e->length_next = 0;
}

// engine_list gives the lengths of a block's instructions, as far as they can
// be read. A block within a page is the same for as long as the page is at the
// same place; one across two, while the TLB is.
const uint8_t *engine_list(struct engine *e, uint64_t pc, uint32_t size, uint32_t *count)
{
    struct listing *l = listing_at(e, pc);
    const uint8_t *host = engine_code_host(e, pc);
    int crosses = (pc ^ (pc + size - 1)) >> 12 != 0;
    if (l->pc == pc && l->size == size && l->host == host && l->bits == e->bits && (!crosses || l->generation == e->tlb_generation)) {
        *count = l->count;
        return e->lengths + l->first;
    }
    uint8_t bytes[16];
    struct insn i;
    if (e->length_next + size > LENGTHS) forget_all(e);
    *l = (struct listing){pc, host, e->tlb_generation, e->length_next, e->bits, size, 0};
    for (uint64_t at = pc; at < pc + size; at += i.length, l->count++) {
        decode(&i, bytes, engine_code_at(e, at, bytes), e->bits);
        if (!i.length) break;
        e->lengths[e->length_next++] = i.length;
    }
    *count = l->count;
    return e->lengths + l->first;
}

// engine_index is how many instructions of the last block are before pc. Who
// asks goes through a block in order.
uint32_t engine_index(struct engine *e, uint64_t pc)
{
    struct listing_cursor *c = &e->cursor;
    const struct visited *b = last_block(e);
    if (c->visited != e->visited_count || pc < c->pc) {
        c->lengths = engine_list(e, b->pc, b->size, &c->count);
        c->visited = e->visited_count;
        c->pc = b->pc;
        c->index = 0;
    }
    while (c->pc < pc && c->index < c->count) c->pc += c->lengths[c->index++];
    return c->index;
}
