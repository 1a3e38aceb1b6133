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

// Whether the operand in memory, which is the program's own access, may be on a
// page; none is longer than a far pointer of 10 bytes.
static int own_operand(struct engine *e, const struct insn *i, uint64_t rip, uint64_t page)
{
    uint64_t at;
    if (i->has_modrm && i->modrm < 0xc0 && engine_operand(e, i, rip, &at) && (at >> 12 == page >> 12 || (at + 9) >> 12 == page >> 12)) return 1;
    if (!i->stack || (i->has_modrm && i->opmap)) return 0;
    uc_reg_read(e->uc, UC_X86_REG_RSP, &at);
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
    return (i.kind == CLASS_SEGMENT || i.kind == CLASS_MOV_SS) && !own_operand(e, &i, rip, va);
}
