// SPDX-License-Identifier: GPL-2.0-or-later
// Implicit accesses of instructions that the engine executes: descriptors are
// read as a supervisor does, whatever the CPL and AC (SDM vol. 3A 5.6.1). The
// engine does not say which accesses those are.

#include "engine.h"
#include <string.h>

// engine_holds_descriptors says whether the GDT or the LDT touches a page.
int engine_holds_descriptors(const struct engine *e, uint64_t page)
{
    page &= ~0xfffull;
    for (int i = 0; i < 2; i++) {
        uint64_t begin = e->tables[i].begin, size = e->tables[i].size;
        if (size && page + 4095 >= begin && page <= begin + size - 1) return 1;
    }
    return 0;
}

static uint64_t reg(struct engine *e, int n)
{
    static const int ids[16] = {UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP, UC_X86_REG_RBP, UC_X86_REG_RSI, UC_X86_REG_RDI,
        UC_X86_REG_R8, UC_X86_REG_R8 + 1, UC_X86_REG_R8 + 2, UC_X86_REG_R8 + 3, UC_X86_REG_R8 + 4, UC_X86_REG_R8 + 5, UC_X86_REG_R8 + 6, UC_X86_REG_R8 + 7};
    uint64_t value = 0;
    uc_reg_read(e->uc, ids[n], &value);
    return value;
}

static int64_t displacement(const uint8_t *p, int size)
{
    int32_t wide;
    if (size == 1) return (int8_t)*p;
    memcpy(&wide, p, 4);
    return wide;
}

// The effective address in ModRM (SDM vol. 2A 2.1.5), with the base of FS or GS.
// 16-bit addressing and other bases than zero are not looked at: what has
// them is taken for implicit.
static int address(struct engine *e, const struct insn *i, const uint8_t *bytes, uint64_t rip, uint64_t *out)
{
    int mod = i->modrm >> 6, rm = i->modrm & 7, base = rm;
    int narrow = (e->bits == 64) == !!(i->prefixes & PREFIX_ADDRESS);
    uint64_t at = 0, segment = 0;
    if (e->bits == 16 || (e->bits == 32 && i->prefixes & PREFIX_ADDRESS)) return 0;
    if (rm == 4) {
        int index = (i->sib >> 3 & 7) | (i->rex << 2 & 8);
        base = i->sib & 7;
        if (index != 4) at += reg(e, index) << (i->sib >> 6);
    }
    const uint8_t *end = bytes + i->length; // none of these has an immediate
    if (mod == 0 && rm == 5 && e->bits == 64) at += rip + i->length + displacement(end - 4, 4);
    else if (mod == 0 && base == 5) at += displacement(end - 4, 4);
    else at += reg(e, base | (i->rex << 3 & 8)) + (mod == 1 ? displacement(end - 1, 1) : mod == 2 ? displacement(end - 4, 4) : 0);
    if (narrow) at &= 0xffffffff;
    if (i->segment == 4) uc_reg_read(e->uc, UC_X86_REG_FS_BASE, &segment);
    if (i->segment == 5) uc_reg_read(e->uc, UC_X86_REG_GS_BASE, &segment);
    *out = at + segment;
    return 1;
}

// Whether the operand in memory, which is the program's own access, may be on a
// page; none is longer than a far pointer of 10 bytes.
static int own_operand(struct engine *e, const struct insn *i, const uint8_t *bytes, uint64_t rip, uint64_t page)
{
    uint64_t at;
    if (i->has_modrm && i->modrm < 0xc0 && address(e, i, bytes, rip, &at) && (at >> 12 == page >> 12 || (at + 9) >> 12 == page >> 12)) return 1;
    if (!i->stack || (i->has_modrm && i->opmap)) return 0;
    at = reg(e, 4);
    return at >> 12 == page >> 12 || (at + 9) >> 12 == page >> 12 || (at - 10) >> 12 == page >> 12;
}

// engine_reads_descriptor says whether the read that is under way is one of a
// descriptor.
int engine_reads_descriptor(struct engine *e, uint64_t va)
{
    struct insn i;
    uint8_t bytes[16];
    uint64_t rip = 0;
    if (!engine_holds_descriptors(e, va)) return 0;
    uc_reg_read(e->uc, UC_X86_REG_RIP, &rip);
    engine_hidden_flags(e);
    decode(&i, bytes, engine_code_at(e, rip, bytes), e->bits);
    return (i.kind == CLASS_SEGMENT || i.kind == CLASS_MOV_SS) && !own_operand(e, &i, bytes, rip, va);
}
