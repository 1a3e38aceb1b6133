// SPDX-License-Identifier: GPL-2.0-or-later
// The address of an operand in memory, and whether SSE lets it be there.

#include "engine.h"

#define CR4_LA57 (1u << 12)

static uint64_t reg(struct engine *e, int n)
{
    static const int ids[16] = {UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP, UC_X86_REG_RBP, UC_X86_REG_RSI, UC_X86_REG_RDI,
        UC_X86_REG_R8, UC_X86_REG_R8 + 1, UC_X86_REG_R8 + 2, UC_X86_REG_R8 + 3, UC_X86_REG_R8 + 4, UC_X86_REG_R8 + 5, UC_X86_REG_R8 + 6, UC_X86_REG_R8 + 7};
    uint64_t value = 0;
    uc_reg_read(e->uc, ids[n], &value);
    return value;
}

// engine_operand computes the linear address that ModRM names (SDM vol. 2A
// 2.1.5). 16-bit addressing and other bases than zero, but for those of FS and
// GS, are not looked at: it returns 0 for what has the former.
int engine_operand(struct engine *e, const struct insn *i, uint64_t rip, uint64_t *out)
{
    int mod = i->modrm >> 6, base = i->modrm & 7;
    int narrow = (e->bits == 64) == !!(i->prefixes & PREFIX_ADDRESS);
    uint64_t at = (uint64_t)(int64_t)i->displacement, segment = 0;
    if (e->bits == 16 || (e->bits == 32 && i->prefixes & PREFIX_ADDRESS)) return 0;
    if (engine_is_relative(e, i)) {
        at += rip + i->length;
    } else {
        if (base == 4) {
            int index = (i->sib >> 3 & 7) | (i->rex << 2 & 8);
            base = i->sib & 7;
            if (index != 4) at += reg(e, index) << (i->sib >> 6);
        }
        if (mod || base != 5) at += reg(e, base | (i->rex << 3 & 8));
    }
    if (narrow) at &= 0xffffffff;
    if (i->segment == 4) uc_reg_read(e->uc, UC_X86_REG_FS_BASE, &segment);
    if (i->segment == 5) uc_reg_read(e->uc, UC_X86_REG_GS_BASE, &segment);
    *out = at + segment;
    return 1;
}

// engine_is_relative: the operand's address is known from RIP alone.
int engine_is_relative(const struct engine *e, const struct insn *i)
{
    return e->bits == 64 && (i->modrm & 0xc7) == 5 && i->segment == 0xff;
}

// engine_misaligned: is an operand that has to be aligned on 16 bytes not so?
// What is not canonical is refused before that, by the page walk.
int engine_misaligned(struct engine *e, const struct insn *i, uint64_t rip)
{
    uint64_t at;
    int unused = e->cr4 & CR4_LA57 ? 7 : 16;
    if (!engine_operand(e, i, rip, &at) || !(at & 15)) return 0;
    return e->bits != 64 || (uint64_t)((int64_t)(at << unused) >> unused) == at;
}
