// SPDX-License-Identifier: GPL-2.0-or-later
// Reading linear memory as a debugger does, many times a microsecond. What a
// walk came by is kept; it is good for as long as the entries that it read are
// what they were, which four loads tell: nothing has to be told of a flush or
// of a write to a page table.

#include "engine.h"
#include <string.h>

#define CR0_PG (1u << 31)
#define CR4_LA57 (1u << 12)
#define EFER_LMA (1u << 10)
#define EFER_NXE (1u << 11)
#define PTE_A_D 0x60ull

static uint64_t mode(const struct engine *e) { return (e->cr4 & CR4_LA57) | (e->efer & (EFER_LMA | EFER_NXE)); }

static int still(const struct engine *e, const struct peeked *p)
{
    uint64_t differ = 0;
    for (uint32_t i = 0; i < p->levels; i++) {
        uint64_t entry;
        memcpy(&entry, e->ram + p->at[i], 8);
        differ |= entry ^ p->entry[i];
    }
    return !(differ & ~PTE_A_D);
}

// page is where a linear page is in RAM, or NULL.
static const uint8_t *page(struct engine *e, uint64_t va)
{
    struct peeked *p = &e->peeked[(va >> 12 ^ va >> 18) & (PEEKED - 1)];
    struct translation t;
    if (p->levels && p->page == va && p->cr3 == e->cr3 && p->mode == mode(e) && e->cr0 & CR0_PG && still(e, p)) return e->ram + p->physical;
    e->walked.levels = 0;
    engine_walk(e, va, ACCESS_PEEK, 0, 0, 0, &t);
    if (t.fault || t.physical + 4096 > e->ram_size) return NULL;
    if (e->walked.levels && e->efer & EFER_LMA) {
        *p = e->walked;
        p->page = va;
        p->cr3 = e->cr3;
        p->mode = mode(e);
        p->physical = t.physical;
    }
    return e->ram + t.physical;
}

// engine_peek reads, or returns -1 where not all of it is RAM that is mapped.
int engine_peek(struct engine *e, uint64_t va, void *to, uint32_t size)
{
    uint8_t *p = to;
    while (size) {
        uint32_t offset = va & 4095, n = 4096 - offset < size ? 4096 - offset : size;
        const uint8_t *from = page(e, va & ~4095ull);
        if (!from) return -1;
        if (n == 8) memcpy(p, from + offset, 8);
        else memcpy(p, from + offset, n);
        p += n;
        va += n;
        size -= n;
    }
    return 0;
}
