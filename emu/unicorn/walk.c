// SPDX-License-Identifier: GPL-2.0-or-later
// Paging, SDM vol. 3A chapter 4: 4-level, 5-level, PAE and 32-bit.

#include "engine.h"
#include <string.h>

#define CR0_WP (1u << 16)
#define CR0_PG (1u << 31)
#define CR4_PSE (1u << 4)
#define CR4_PAE (1u << 5)
#define CR4_LA57 (1u << 12)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)
#define CR4_PKE (1u << 22)
#define EFER_LMA (1u << 10)
#define EFER_NXE (1u << 11)
#define RFLAGS_AC (1u << 18)
#define PTE_P 1ull
#define PTE_W 2ull
#define PTE_U 4ull
#define PTE_A 0x20ull
#define PTE_D 0x40ull
#define PTE_PS 0x80ull
#define PTE_G 0x100ull
#define PTE_NX (1ull << 63)
#define NOWHERE (~0ull)

static uint64_t entry_at(const struct engine *e, uint64_t physical, int wide)
{
    uint64_t entry = 0;
    if (physical >= e->ram_size) return ~0ull; // nothing there: the bus floats
    memcpy(&entry, e->ram + physical, wide ? 8 : 4);
    return entry;
}

static void set_bits(struct engine *e, uint64_t physical, uint64_t entry, uint64_t bits)
{
    if ((entry & bits) == bits || physical >= e->ram_size) return;
    e->ram[physical] = entry | bits; // A and D are bits 5 and 6
    engine_mark_dirty(e, physical >> 12);
}

static uint32_t protection_key_rights(struct engine *e, uint64_t leaf)
{
    uint32_t pkru;
    if (e->running) uc_context_save(e->uc, e->context);
    memcpy(&pkru, e->state + e->offset_pkru, 4);
    return pkru >> (leaf >> 59 & 15) * 2 & 3; // bit 0: no access, bit 1: no write
}

static int ac_set(struct engine *e)
{
    uint64_t flags = e->rflags;
    if (e->running) uc_reg_read(e->uc, UC_X86_REG_RFLAGS, &flags);
    return !!(flags & RFLAGS_AC);
}

// remember keeps the entries that a walk came by, for peek.c; all must be RAM.
static void remember(struct engine *e, const uint64_t *at, const uint64_t *entries, int n)
{
    for (int i = 0; i < n; i++) {
        if (at[i] > e->ram_size - 8) return;
        e->walked.at[i] = at[i];
        e->walked.entry[i] = entries[i];
    }
    e->walked.levels = n;
}

// set: update accessed and dirty bits, as a real access does.
void engine_walk(struct engine *e, uint64_t va, int kind, int user, int implicit, int set, struct translation *t)
{
    int write = kind == ACCESS_WRITE, fetch = kind == ACCESS_FETCH;
    memset(t, 0, sizeof *t);
    if (!(e->cr0 & CR0_PG)) {
        t->physical = va & 0xffffffff;
        t->executable = t->user = t->writable = 1;
        t->page_shift = 12;
        return;
    }
    int long_mode = !!(e->efer & EFER_LMA), pae = long_mode || e->cr4 & CR4_PAE;
    int nxe = !!(e->efer & EFER_NXE);
    int levels = long_mode ? (e->cr4 & CR4_LA57 ? 5 : 4) : pae ? 3 : 2;
    if (long_mode) {
        int shift = levels == 5 ? 7 : 16;
        if ((uint64_t)((int64_t)(va << shift) >> shift) != va) {
            t->fault = 13;
            return;
        }
    } else {
        va &= 0xffffffff;
    }
    uint32_t error = (write ? PF_W : 0) | (user ? PF_U : 0) | (fetch && ((pae && nxe) || e->cr4 & CR4_SMEP) ? PF_I : 0);
    uint64_t table = e->cr3 & (pae ? (long_mode ? e->physical_mask & ~0xfffull : 0xffffffe0) : 0xfffff000);
    uint64_t at[5], entries[5], all = ~0ull, leaf = 0, nx = 0;
    uint64_t reserved = pae ? (~e->physical_mask & 0x000fffffffffffffull) | (nxe ? 0 : PTE_NX) : 0;
    int n = 0, index_bits = pae ? 9 : 10, shift = 0;
    for (int level = levels - 1;; level--) {
        shift = 12 + index_bits * level;
        at[n] = table + ((va >> shift & ((1u << index_bits) - 1)) * (pae ? 8 : 4));
        int pdpte = !long_mode && pae && level == 2; // a register, without rights or A: SDM vol. 3A 5.4.1
        if (pdpte) at[n] = NOWHERE;
        uint64_t entry = entries[n] = pdpte ? e->pdpte[va >> 30 & 3] : entry_at(e, at[n], pae);
        if (!(entry & PTE_P)) goto refuse;
        error |= PF_P;
        if (entry & (pdpte ? reserved | 0x1e6 : reserved)) goto reserved_bit;
        if (!pdpte) {
            all &= entry;
            nx |= pae && nxe ? entry & PTE_NX : 0;
        }
        n++;
        int large = level && entry & PTE_PS && !pdpte;
        if (large && (level > 2 || (level == 2 && !e->gigabyte_pages))) goto reserved_bit;
        if (large && !pae && !(e->cr4 & CR4_PSE)) large = 0;
        if (!level || large) {
            uint64_t in_page = (1ull << shift) - 1;
            leaf = entry;
            if (large && !pae) { // 4 MiB page with PSE-36, SDM vol. 3A table 4-4
                if (entry & 1ull << 21) goto reserved_bit;
                t->physical = (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32 | (va & in_page);
            } else {
                if (large && entry & in_page & ~0x1fffull) goto reserved_bit;
                t->physical = (entry & (pae ? e->physical_mask : 0xffffffff) & ~0xfffull & ~in_page) | (va & in_page);
            }
            break;
        }
        error &= ~PF_P;
        table = entry & (pae ? e->physical_mask & ~0xfffull : 0xfffff000);
    }
    t->page_shift = shift;
    t->user = !!(all & PTE_U);
    t->writable = !!(all & PTE_W);
    t->executable = !nx;
    t->global = !!(leaf & PTE_G);
    if (kind == ACCESS_PEEK) {
        remember(e, at, entries, n);
        return;
    }
    int key = 0; // a key that refuses is reported, whatever else does (SDM vol. 3A 4.7, bit 5)
    if (t->user && !fetch && long_mode && e->cr4 & CR4_PKE) { // SDM vol. 3A 4.6.2
        uint32_t rights = protection_key_rights(e, leaf);
        key = rights & 1 || (write && rights & 2 && (user || e->cr0 & CR0_WP));
        if (key) error |= PF_PK;
    }
    if (user) { // SDM vol. 3A 4.6.1
        if (!t->user || (write && !t->writable) || (fetch && nx)) goto refuse;
    } else {
        if (fetch && (nx || (t->user && e->cr4 & CR4_SMEP))) goto refuse;
        if (!fetch && t->user && e->cr4 & CR4_SMAP && (implicit || !ac_set(e))) goto refuse;
        if (write && !t->writable && e->cr0 & CR0_WP) goto refuse;
    }
    if (key) goto refuse;
    if (set) {
        for (int i = 0; i < n; i++)
            if (at[i] < e->ram_size) e->table_since[at[i] >> 12] = e->tlb_generation;
        int first = !long_mode && pae; // PDPTEs have no A
        for (int i = first; i < n - 1; i++) set_bits(e, at[i], entries[i], PTE_A);
        set_bits(e, at[n - 1], leaf, write ? PTE_A | PTE_D : PTE_A);
    }
    return;
reserved_bit:
    error |= PF_P | PF_RSVD;
refuse:
    t->fault = 14;
    t->error_code = error;
}

static int each_page(struct engine *e, uint64_t va, uint8_t *p, uint32_t size, int kind, int user, int implicit, struct translation *bad)
{
    struct translation t[2];
    uint32_t first = 4096 - (va & 4095);
    if (first > size) first = size;
    if (size > 4096) return -1;
    for (int i = 0; i < (first < size ? 2 : 1); i++) { // no byte moves unless all may
        uint64_t at = va + (i ? first : 0);
        engine_walk(e, at, kind, user, implicit, 1, &t[i]);
        if (!t[i].fault) continue;
        *bad = t[i];
        bad->physical = at;
        return -1;
    }
    for (int i = 0; i < (first < size ? 2 : 1); i++) {
        uint32_t n = i ? size - first : first;
        uint8_t *q = p + (i ? first : 0);
        int there = t[i].physical + n <= e->ram_size;
        if (kind == ACCESS_READ) {
            if (there) memcpy(q, e->ram + t[i].physical, n);
            else memset(q, 0xff, n);
        } else if (there) {
            memcpy(e->ram + t[i].physical, q, n);
            engine_mark_dirty(e, t[i].physical >> 12);
            engine_forget_code(e, t[i].physical, n);
        }
    }
    engine_saw_machine(e, va, p, size, kind == ACCESS_WRITE);
    return 0;
}

// At most a page. 0, or -1 with the fault and, in `physical`, the address of
// the first byte that could not be reached; then nothing was written.
int engine_read_virtual(struct engine *e, uint64_t va, void *to, uint32_t size, int user, int implicit, struct translation *bad)
{
    return each_page(e, va, to, size, ACCESS_READ, user, implicit, bad);
}

int engine_write_virtual(struct engine *e, uint64_t va, const void *from, uint32_t size, int user, int implicit, struct translation *bad)
{
    return each_page(e, va, (uint8_t *)from, size, ACCESS_WRITE, user, implicit, bad);
}
