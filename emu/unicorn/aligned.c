// SPDX-License-Identifier: GPL-2.0-or-later
// SSE operands that have to be aligned, in 64-bit code: programs are full of
// them, so that asking must cost little. Within a block one check of a base
// register is good for those that follow, until something may have written to
// it; and what has been decoded once is kept.

#include "engine.h"
#include <string.h>

#define EVERY 0xffffffffu

// written is a bit for each general register that an instruction may write to;
// all of them where that is not looked into.
static uint32_t written(const struct insn *i)
{
    int op = i->opcode, digit = i->modrm >> 3 & 7;
    uint32_t reg = 1u << (digit | (i->rex << 1 & 8));
    uint32_t rm = i->modrm >= 0xc0 ? 1u << ((i->modrm & 7) | (i->rex << 3 & 8)) : 0;
    uint32_t low = 1u << ((op & 7) | (i->rex << 3 & 8));
    if (i->kind == CLASS_ALIGNED) return 0;
    if (i->kind != CLASS_PLAIN) return EVERY;
    if (i->opmap == 2) return op < 0xf0 ? 0 : EVERY;
    if (i->opmap == 3) return op < 0x14 || op == 0x44 || op == 0xdf ? 0 : EVERY;
    if (i->opmap == 1) {
        if ((op >= 0x10 && op <= 0x1f) || (op >= 0x80 && op <= 0x8f)) return 0;
        if (op == 0x2c || op == 0x2d || op == 0x50 || op == 0xc5 || op == 0xd7) return reg;
        if (op == 0x7e) return rm;
        if ((op >= 0x28 && op <= 0x2f) || (op >= 0x50 && op <= 0x7f)) return op == 0x77 ? 0 : op == 0x78 || op == 0x79 ? EVERY : 0;
        if (op == 0xc2 || op == 0xc4 || op == 0xc6 || op >= 0xd0) return 0;
        if ((op >= 0x40 && op <= 0x4f) || op == 0xaf || op == 0xb6 || op == 0xb7 || op == 0xbe || op == 0xbf) return reg;
        return EVERY;
    }
    if (op < 0x40 && op & 1) { // words of ADD, OR and the like; the others are bytes, whose numbers mean other registers
        switch (op & 7) {
        case 1: return op == 0x39 ? 0 : rm;
        case 3: return op == 0x3b ? 0 : reg;
        case 5: return op == 0x3d ? 0 : 1;
        }
        return EVERY;
    }
    if (op >= 0x70 && op <= 0x7f) return 0;
    if (op >= 0xb8 && op <= 0xbf) return low;
    switch (op) {
    case 0x81: case 0x83: return digit == 7 ? 0 : rm;
    case 0x84: case 0x85: case 0xa8: case 0xa9: return 0;
    case 0x89: case 0xc7: case 0xc1: case 0xd1: case 0xd3: return rm;
    case 0x8b: case 0x8d: case 0x63: return reg;
    }
    return EVERY;
}

// simple_base is the register whose alignment is all that counts, or -1.
static int simple_base(const struct insn *i)
{
    int base = i->modrm & 7;
    if (i->kind != CLASS_ALIGNED || i->prefixes & PREFIX_ADDRESS || i->segment != 0xff) return -1;
    if (base == 4) {
        if ((i->sib >> 3 & 7) != 4 || i->rex & 2) return -1;
        base = i->sib & 7;
    }
    if (base == 5 && i->modrm < 0x40) return -1;
    return base | (i->rex << 3 & 8);
}

// engine_needs_check: is the instruction one whose operand the block has not
// vouched for yet? k starts a block as zeros.
int engine_needs_check(struct known_aligned *k, const struct insn *i)
{
    int base = simple_base(i), check = i->kind == CLASS_ALIGNED;
    if (base >= 0) {
        if (k->bases >> base & 1 && !((k->residue[base] + (uint32_t)i->displacement) & 15)) check = 0;
        k->bases |= 1u << base;
        k->residue[base] = -(uint32_t)i->displacement & 15;
    }
    k->bases &= ~written(i);
    return check;
}

static struct aligned_insn *kept_at(struct engine *e, uint64_t pc) { return &e->aligned[(pc ^ pc >> 8) & (ALIGNED - 1)]; }

static const uint8_t *bytes_at(struct engine *e, uint64_t pc)
{
    struct code_page *c = &e->code[pc >> 12 & (CODE_PAGES - 1)];
    return c->page == pc >> 12 && (pc & 0xfff) <= 4096 - 16 ? c->host + (pc & 0xfff) : NULL;
}

// engine_keep_aligned keeps an instruction for engine_is_aligned.
void engine_keep_aligned(struct engine *e, uint64_t pc, const struct insn *i)
{
    const uint8_t *bytes = bytes_at(e, pc);
    struct aligned_insn *k = kept_at(e, pc);
    if (!bytes || e->bits != 64 || i->kind != CLASS_ALIGNED) return;
    k->pc = pc;
    k->insn = *i;
    memcpy(k->bytes, bytes, sizeof k->bytes);
}

// engine_is_aligned: is this one that has been kept, and its operand aligned?
// Only the machine leaves 64-bit mode, so that `bits` is true if it is 64.
int engine_is_aligned(struct engine *e, uint64_t pc)
{
    struct aligned_insn *k = kept_at(e, pc);
    if (k->pc != pc || e->bits != 64) return 0;
    const uint8_t *bytes = bytes_at(e, pc);
    return bytes && !memcmp(bytes, k->bytes, sizeof k->bytes) && !engine_misaligned(e, &k->insn, pc);
}
