// SPDX-License-Identifier: GPL-2.0-or-later
// The record of every instruction that was come to. A hook on each would cost
// more than the instruction, and libunicorn's flags do not survive it where
// the instruction then faults. A block is told of before it runs, and what is
// in it is known: so its instructions are written down then, and those that
// did not run taken back where it was left early.

#include "engine.h"
#include <stdlib.h>

static void write_down(struct engine *e, uint64_t at, uint32_t size, uint32_t n, int all)
{
    uint32_t count;
    const uint8_t *lengths = engine_list(e, at, size, &count);
    if (!all && n > count) n = count;
    for (uint32_t i = 0; i < n; at += lengths[i++]) {
        if (at - e->trace_begin <= e->trace_length) e->trace[e->trace_count++ & e->trace_mask] = at;
        if (i >= count) break; // one more that could not be read
    }
}

void engine_trace_block(struct engine *e, uint64_t pc, uint32_t size, uint32_t n)
{
    e->trace_mark = e->trace_count;
    write_down(e, pc, size, n, 0);
}

// engine_trace_cut: of the last block only so many were come to.
void engine_trace_cut(struct engine *e, uint32_t n)
{
    const struct visited *b = last_block(e);
    if (n >= b->count) return;
    e->trace_count = e->trace_mark;
    write_down(e, b->pc, b->size, n, 1);
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
    e->trace = NULL;
    e->trace_count = 0;
    engine_observe(e);
    if (!size) return 0;
    e->trace = calloc(size, sizeof *e->trace);
    if (!e->trace || engine_list_blocks(e)) {
        engine_trace(e, 0, 0, 0);
        return -1;
    }
    e->trace_begin = begin;
    e->trace_length = end - begin;
    e->trace_mask = size - 1;
    engine_observe(e);
    return 0;
}
