// SPDX-License-Identifier: GPL-2.0-or-later
// Which instructions there are at all, and what a CPU must have for them. The
// engine goes by a CPU model of its own and is lax about prefixes and operands
// in the MMX and SSE part of the map; a guest that asks CPUID, or tries, has
// to find the same.

#include "decode.h"

// The 0F map where a prefix chooses the instruction (SDM vol. 2D, tables A-3
// and A-6): for each opcode what it is without one, with 66, F3 and F2.
// . any operand, m memory only, r register only; a and A are . and m where a
// memory operand must be aligned on 16 bytes; u undefined.
static const char chosen[256][5] = {
    [0x10] = "....", "....", ".ma.", "mmuu", "aauu", "aauu", ".mau", "mmuu",
    [0x28] = "aauu", "aauu", "....", "AAuu", ".a..", ".a..", "..uu", "..uu",
    [0x50] = "rruu", "aa..", "au.u", "au.u", "aauu", "aauu", "aauu", "aauu",
    [0x58] = "aa..", "aa..", ".a..", "aaau", "aa..", "aa..", "aa..", "aa..",
    [0x60] = ".auu", ".auu", ".auu", ".auu", ".auu", ".auu", ".auu", ".auu",
    [0x68] = ".auu", ".auu", ".auu", ".auu", "uauu", "uauu", "..uu", ".a.u",
    [0x70] = ".aaa", "rruu", "rruu", "rruu", ".auu", ".auu", ".auu", ".uuu",
    [0x78] = "uuuu", "uuuu", "uuuu", "uuuu", "uaua", "uaua", "...u", ".a.u",
    [0xc2] = "aa..", "muuu", "..uu", "rruu", "aauu",
    [0xd0] = "uaua", ".auu", ".auu", ".auu", ".auu", ".auu", "u.rr", "rruu",
    [0xd8] = ".auu", ".auu", ".auu", ".auu", ".auu", ".auu", ".auu", ".auu",
    [0xe0] = ".auu", ".auu", ".auu", ".auu", ".auu", ".auu", "ua.a", "mAuu",
    [0xe8] = ".auu", ".auu", ".auu", ".auu", ".auu", ".auu", ".auu", ".auu",
    [0xf0] = "uuum", ".auu", ".auu", ".auu", ".auu", ".auu", ".auu", "rruu",
    [0xf8] = ".auu", ".auu", ".auu", ".auu", ".auu", ".auu", ".auu",
};

static int prefix_of(const struct insn *i)
{
    return i->prefixes & PREFIX_REPNE ? 3 : i->prefixes & PREFIX_REP ? 2 : i->prefixes & PREFIX_OPERAND ? 1 : 0;
}

static void undefined(struct insn *i) { i->kind = CLASS_UNDEFINED; }

static void form(struct insn *i, char is)
{
    int memory = i->modrm < 0xc0;
    if (is == 'u' || (memory ? is == 'r' : is == 'm' || is == 'A')) undefined(i);
    else if (memory && (is == 'a' || is == 'A')) i->kind = CLASS_ALIGNED;
}

static void needs(struct insn *i, int what) { i->needs = what; }

// 0F 71 to 0F 73: shifts by an immediate.
static int shift_exists(int opcode, int reg, int prefix)
{
    if (opcode != 0x73) return reg == 2 || reg == 4 || reg == 6;
    return reg == 2 || reg == 6 || (prefix && (reg == 3 || reg == 7));
}

// 0F AE, group 15.
static void group15(struct insn *i, int prefix)
{
    int reg = i->modrm >> 3 & 7;
    if (i->modrm >= 0xc0) {
        if (prefix == 2 && reg < 4) needs(i, NEEDS_FSGSBASE);
        else if (prefix || reg < 5) undefined(i); // among them INCSSP, TPAUSE, UMONITOR, UMWAIT
        return;
    }
    if (prefix < 2 && reg == 7) i->kind = CLASS_CLFLUSH;
    if (prefix == 1 && reg == 7) needs(i, NEEDS_CLFLUSHOPT);
    else if (prefix) undefined(i); // among them CLWB
    else if (reg == 4 || reg == 5) needs(i, NEEDS_XSAVE);
    else if (reg == 6) needs(i, NEEDS_XSAVEOPT);
}

// 0F 01, group 7: a prefix makes others of these, such as CLUI and ERETU.
static void group7(struct insn *i, int prefix)
{
    int what = NEEDS_NOTHING;
    switch (i->modrm) {
    case 0xca: case 0xcb: what = NEEDS_SMAP; break;
    case 0xd0: case 0xd1: what = NEEDS_XSAVE; break;
    case 0xee: case 0xef: what = NEEDS_PKU; break;
    case 0xf9: needs(i, NEEDS_RDTSCP); return;
    default: return;
    }
    if (prefix) undefined(i);
    else needs(i, what);
}

static void group9(struct insn *i, int prefix)
{
    int reg = i->modrm >> 3 & 7;
    if (i->modrm < 0xc0) {
        if (reg == 1 && i->rex & 8) needs(i, NEEDS_CX16);
        else if (reg != 1) undefined(i); // XSAVEC, XSAVES, XRSTORS, VMPTRLD and others
    } else if (prefix < 2 && reg >= 6) {
        needs(i, reg == 6 ? NEEDS_RDRAND : NEEDS_RDSEED);
    } else {
        undefined(i); // RDPID, SENDUIPI
    }
}

static void two_byte_needs(struct insn *i, int prefix)
{
    int op = i->opcode, reg = i->modrm >> 3 & 7;
    if (chosen[op][0]) form(i, chosen[op][prefix]);
    switch (op) {
    case 0x01: group7(i, prefix); return;
    case 0x12: case 0x16: if (prefix >= 2) needs(i, NEEDS_SSE3); return; // MOVSLDUP, MOVSHDUP, MOVDDUP
    case 0x18: if (i->modrm >= 0xc0) i->kind = CLASS_NOP; return;
    case 0x34: case 0x35: needs(i, NEEDS_SEP); return;
    case 0x71: case 0x72: case 0x73: if (!shift_exists(op, reg, prefix)) undefined(i); return;
    case 0x7c: case 0x7d: case 0xd0: case 0xf0: needs(i, NEEDS_SSE3); return; // HADD, HSUB, ADDSUB, LDDQU
    case 0xae: group15(i, prefix); return;
    case 0xb8: if (prefix == 2) needs(i, NEEDS_POPCNT); return;
    case 0xbc: if (prefix == 2) needs(i, NEEDS_BMI1); return; // TZCNT
    case 0xbd: if (prefix == 2) needs(i, NEEDS_LZCNT); return;
    case 0xc7: group9(i, prefix); return;
    }
}

// 0F 38.
static void map2_needs(struct insn *i, int prefix)
{
    int op = i->opcode, aligned = 1;
    if (op <= 0x0b || (op >= 0x1c && op <= 0x1e)) {
        needs(i, NEEDS_SSSE3);
        if (prefix > 1) undefined(i);
        else if (prefix) form(i, 'a');
        return;
    }
    switch (op) {
    case 0x82: // INVPCID
        if (prefix != 1 || i->modrm >= 0xc0) undefined(i);
        needs(i, NEEDS_INVPCID);
        return;
    case 0xf0: case 0xf1:
        if (prefix == 3) needs(i, NEEDS_SSE42); // CRC32
        else if (prefix == 2 || i->modrm >= 0xc0) undefined(i);
        else needs(i, NEEDS_MOVBE);
        return;
    case 0xf6:
        if (prefix == 1 || prefix == 2) needs(i, NEEDS_ADX);
        else undefined(i);
        return;
    case 0xdb: case 0xdc: case 0xdd: case 0xde: case 0xdf: needs(i, NEEDS_AES); break;
    case 0x37: needs(i, NEEDS_SSE42); break;
    case 0x20: case 0x21: case 0x22: case 0x23: case 0x24: case 0x25:
    case 0x30: case 0x31: case 0x32: case 0x33: case 0x34: case 0x35: // PMOVSX, PMOVZX
        aligned = 0;
        needs(i, NEEDS_SSE41);
        break;
    case 0x10: case 0x14: case 0x15: case 0x17: case 0x28: case 0x29: case 0x2a: case 0x2b: case 0x38: case 0x39: case 0x3a:
    case 0x3b: case 0x3c: case 0x3d: case 0x3e: case 0x3f: case 0x40: case 0x41:
        needs(i, NEEDS_SSE41);
        break;
    default:
        undefined(i);
        return;
    }
    form(i, prefix != 1 ? 'u' : op == 0x2a ? 'A' : aligned ? 'a' : '.');
}

// 0F 3A.
static void map3_needs(struct insn *i, int prefix)
{
    int op = i->opcode, aligned = 1;
    switch (op) {
    case 0x0f: // PALIGNR, of MMX registers too
        needs(i, NEEDS_SSSE3);
        form(i, prefix > 1 ? 'u' : prefix ? 'a' : '.');
        return;
    case 0x0a: case 0x0b: case 0x14: case 0x15: case 0x16: case 0x17: case 0x20: case 0x21: case 0x22:
        aligned = 0;
        needs(i, NEEDS_SSE41);
        break;
    case 0x08: case 0x09: case 0x0c: case 0x0d: case 0x0e: case 0x40: case 0x41: case 0x42: needs(i, NEEDS_SSE41); break;
    case 0x44: needs(i, NEEDS_PCLMUL); break;
    case 0x60: case 0x61: case 0x62: case 0x63: // the string comparisons, of any alignment
        aligned = 0;
        needs(i, NEEDS_SSE42);
        break;
    case 0xdf: needs(i, NEEDS_AES); break;
    default:
        undefined(i);
        return;
    }
    form(i, prefix != 1 ? 'u' : aligned ? 'a' : '.');
}

void decode_needs(struct insn *i, int bits)
{
    int prefix = prefix_of(i), reg = i->modrm >> 3 & 7;
    switch (i->opmap) {
    case 0:
        switch (i->opcode) {
        case 0x9e: case 0x9f: if (bits == 64) needs(i, NEEDS_LAHF); return;
        case 0xc6: case 0xc7: if (reg) undefined(i); return; // XABORT, XBEGIN
        case 0xdb: case 0xdd: case 0xdf: if (reg == 1 && i->modrm < 0xc0) needs(i, NEEDS_SSE3); return; // FISTTP
        }
        return;
    case 1: two_byte_needs(i, prefix); return;
    case 2: map2_needs(i, prefix); return;
    case 3: map3_needs(i, prefix); return;
    }
}

// VEX: without AVX there are only those of BMI1 and BMI2, which work on general
// registers (SDM vol. 2A 2.3 and table 2-29). mm, pp and l are VEX's fields.
void decode_vex(struct insn *i, int mm, int pp, int l, int vvvv)
{
    int op = i->opcode, reg = i->modrm >> 3 & 7;
    undefined(i);
    if (l || i->prefixes & (PREFIX_OPERAND | PREFIX_REP | PREFIX_REPNE | PREFIX_LOCK)) return;
    if (mm == 2 && pp == 0 && (op == 0xf2 || op == 0xf7 || (op == 0xf3 && reg >= 1 && reg <= 3))) {
        needs(i, NEEDS_BMI1); // ANDN, BEXTR, BLSR, BLSMSK, BLSI
    } else if (mm == 2 && (op == 0xf5 ? pp != 1 : op == 0xf6 ? pp == 3 : op == 0xf7)) {
        needs(i, NEEDS_BMI2); // BZHI, PEXT, PDEP, MULX, SHLX, SARX, SHRX
    } else if (mm == 3 && op == 0xf0 && pp == 3 && vvvv == 15) {
        needs(i, NEEDS_BMI2); // RORX
    } else {
        return;
    }
    i->kind = CLASS_PLAIN;
}
