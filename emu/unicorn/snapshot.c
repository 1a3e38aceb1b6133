// SPDX-License-Identifier: GPL-2.0-or-later
// Going back: pages that were written since, and nothing else.

#include "engine.h"
#include <string.h>

// More pages than this cost more to copy than the TLB costs to fill.
#define KEPT 64

static const uint8_t zeros[4096];

void engine_put_page(struct engine *e, uint64_t page, const uint8_t *from)
{
    uint8_t *to = e->ram + (page << 12);
    if (!from) from = zeros;
    if (e->has_code[page]) {
        if (!memcmp(to, from, 4096)) return;
        engine_forget_code(e, page << 12, 1);
    }
    memcpy(to, from, 4096);
}

// engine_restore gives every dirty page the bytes that the table has for it;
// a null pointer stands for zeros.
//
// The TLB is good for what it goes back to unless a table that it was filled
// from is among those pages, be it for an accessed bit. Then it is kept, and
// with it what is in it as writable: those pages stay dirty, to be copied the
// next time whether they were written or not.
void engine_restore(struct engine *e, const uint8_t *const *table)
{
    int keep = e->dirty_count <= KEPT && !e->fill_log;
    for (uint32_t i = 0; i < e->dirty_count; i++) {
        uint32_t page = e->dirty_list[i];
        keep &= e->table_since[page] != e->tlb_generation;
        if (e->dirty[page] == DIRTY_KEPT && e->restored == e->runs) continue;
        engine_put_page(e, page, table[page]);
        e->dirty[page] = DIRTY_KEPT;
    }
    e->restored = e->runs;
    e->kept = keep;
    if (!keep) engine_clean(e);
}

// engine_clean forgets what is dirty. Writable translations must go with it:
// the next write through one would not be noticed.
void engine_clean(struct engine *e)
{
    for (uint32_t i = 0; i < e->dirty_count; i++) e->dirty[e->dirty_list[i]] = 0;
    e->dirty_count = e->kept = 0;
    e->flush = 1;
}
