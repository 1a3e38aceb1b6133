// SPDX-License-Identifier: GPL-2.0-or-later
// The record of every instruction that was come to. A hook on each would cost
// more than the instruction, and libunicorn's flags do not survive it where
// the instruction then faults. A block is told of before it runs, and what is
// in it is known: so its instructions are written down then, and those that
// did not run taken back where it was left early.

#include "engine.h"
#include <stdlib.h>

#define LISTINGS 1024
#define LENGTHS (1 << 16)

// The lengths of a block's instructions, in `trace_lengths` from `first` on.
struct listing { uint64_t pc; uint32_t generation, first; uint16_t size, count; };

static struct listing *listing_at(const struct engine *e, uint64_t pc) { return &e->listing[(pc ^ pc >> 10) & (LISTINGS - 1)]; }

static void forget_all(struct engine *e)
{
    for (int i = 0; i < LISTINGS; i++) e->listing[i].generation = 0;
    e->trace_length_next = 0;
}

void engine_trace_changed(struct engine *e, uint64_t pc)
{
    if (e->trace) listing_at(e, pc)->generation = 0;
}

static const struct listing *list(struct engine *e, uint64_t pc, uint32_t size)
{
    struct listing *l = listing_at(e, pc);
    uint8_t bytes[16];
    struct insn i;
    if (l->pc == pc && l->size == size && l->generation == e->tlb_generation) return l;
    if (e->trace_length_next + size > LENGTHS) forget_all(e);
    *l = (struct listing){pc, e->tlb_generation, e->trace_length_next, size, 0};
    for (uint64_t at = pc; at < pc + size; at += i.length, l->count++) {
        decode(&i, bytes, engine_code_at(e, at, bytes), e->bits);
        if (!i.length) break;
        e->trace_lengths[e->trace_length_next++] = i.length;
    }
    return l;
}

static void write_down(struct engine *e, const struct listing *l, uint32_t n)
{
    uint64_t at = l->pc;
    for (uint32_t i = 0; i < n; at += e->trace_lengths[l->first + i++]) {
        if (at - e->trace_begin <= e->trace_length) e->trace[e->trace_count++ & e->trace_mask] = at;
        if (i >= l->count) break; // one more that could not be read
    }
}

void engine_trace_block(struct engine *e, uint64_t pc, uint32_t size, uint32_t n)
{
    const struct listing *l = list(e, pc, size);
    e->trace_mark = e->trace_count;
    write_down(e, l, n < l->count ? n : l->count);
}

// engine_trace_cut: of the last block only so many were come to.
void engine_trace_cut(struct engine *e, uint32_t n)
{
    const struct visited *b = last_block(e);
    if (n >= b->count) return;
    e->trace_count = e->trace_mark;
    write_down(e, list(e, b->pc, b->size), n);
}

void engine_trace_one(struct engine *e, uint64_t pc)
{
    if (pc - e->trace_begin <= e->trace_length) e->trace[e->trace_count++ & e->trace_mask] = pc;
}

// engine_trace writes the address of every instruction in [begin, end] into a
// ring of mask+1 addresses, which must have room for a block more than is
// asked of it; size 0 ends it.
int engine_trace(struct engine *e, uint64_t begin, uint64_t end, uint64_t size)
{
    free(e->trace);
    free(e->listing);
    free(e->trace_lengths);
    e->trace = NULL;
    e->listing = NULL;
    e->trace_lengths = NULL;
    e->trace_count = 0;
    engine_observe(e);
    if (!size) return 0;
    e->trace = calloc(size, sizeof *e->trace);
    e->listing = calloc(LISTINGS, sizeof *e->listing);
    e->trace_lengths = calloc(LENGTHS, 1);
    if (!e->trace || !e->listing || !e->trace_lengths) {
        engine_trace(e, 0, 0, 0);
        return -1;
    }
    e->trace_begin = begin;
    e->trace_length = end - begin;
    e->trace_mask = size - 1;
    e->trace_length_next = 0;
    engine_observe(e);
    return 0;
}
