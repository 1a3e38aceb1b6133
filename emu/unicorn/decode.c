// SPDX-License-Identifier: GPL-2.0-or-later
// The opcode maps are SDM vol. 2D, appendix A.

#include "decode.h"
#include <string.h>

// Operands of the one-byte map after the opcode: m ModRM, b imm8, w imm16,
// z imm16/32 by operand size, v the same and imm64 with REX.W, o moffs,
// f far pointer, e ENTER's imm16 and imm8. M and Z are ModRM with imm8, immz.
static const char one_byte[256 + 1] =
    "mmmmbz..mmmmbz.." "mmmmbz..mmmmbz.." "mmmmbz..mmmmbz.." "mmmmbz..mmmmbz.."
    "................" "................" "..mm....zZbM...." "bbbbbbbbbbbbbbbb"
    "MZMMmmmmmmmmmmmm" "..........f....." "oooo....bz......" "bbbbbbbbvvvvvvvv"
    "MMw.mmMZe.w..b.." "mmmmbb..mmmmmmmm" "bbbbbbbbzzfb...." "......mm......mm";

static const char two_byte[256 + 1] =
    "mmmm.........m.M" "mmmmmmmmmmmmmmmm" "ccccmmmmmmmmmmmm" "........mmmmmmmm"
    "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "MMMMmmm.mmmmmmmm"
    "zzzzzzzzzzzzzzzz" "mmmmmmmmmmmmmmmm" "...mMmmm...mMmmm" "mmmmmmmmmmMmmmmm"
    "mmMmMMMm........" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm";

static int one_byte_class(const struct insn *i, int bits)
{
    int reg = i->modrm >> 3 & 7;
    switch (i->opcode) {
    case 0x6c: case 0x6d: return CLASS_INS;
    case 0x6e: case 0x6f: return CLASS_OUTS;
    case 0xe4: case 0xe5: case 0xec: case 0xed: return CLASS_IN;
    case 0xe6: case 0xe7: case 0xee: case 0xef: return CLASS_OUT;
    case 0x07: case 0x1f: return bits == 64 ? CLASS_PLAIN : CLASS_SEGMENT;
    case 0x17: return bits == 64 ? CLASS_PLAIN : CLASS_MOV_SS; // POP SS
    case 0x8e: return reg != 2 ? CLASS_SEGMENT : bits == 64 ? CLASS_LOAD_SS : CLASS_MOV_SS;
    case 0xc8: return bits == 64 ? CLASS_ENTER : CLASS_PLAIN;
    case 0xca: case 0xcb: return bits == 64 ? CLASS_FAR : CLASS_SEGMENT;
    case 0x9a: case 0xea: return CLASS_SEGMENT;
    case 0x9c: return CLASS_PUSHF;
    case 0x9d: return CLASS_POPF;
    case 0xa4: case 0xa5: case 0xa6: case 0xa7: case 0xaa: case 0xab: case 0xac: case 0xad: case 0xae: case 0xaf:
        return i->prefixes & (PREFIX_REP | PREFIX_REPNE) ? CLASS_REP_STRING : CLASS_PLAIN;
    case 0xc2: case 0xc3: return CLASS_RET;
    case 0xcc: return CLASS_INT3;
    case 0xcd: return CLASS_INT;
    case 0xce: return bits == 64 ? CLASS_PLAIN : CLASS_INTO;
    case 0xcf: return CLASS_IRET;
    case 0xf1: return CLASS_INT1;
    case 0xf4: return CLASS_HLT;
    case 0xfb: return CLASS_STI;
    case 0xff:
        if (reg == 2) return CLASS_CALL_INDIRECT;
        if (reg == 4) return CLASS_JMP_INDIRECT;
        if (reg == 3 || reg == 5) return bits == 64 ? CLASS_FAR : CLASS_SEGMENT;
    }
    return CLASS_PLAIN;
}

static int two_byte_class(const struct insn *i, int bits)
{
    int reg = i->modrm >> 3 & 7, is_register = i->modrm >= 0xc0;
    switch (i->opcode) {
    case 0x00:
        if (reg == 3) return bits == 64 ? CLASS_LTR : CLASS_SEGMENT;
        if (reg == 2 && bits == 64) return CLASS_LLDT;
        return reg == 2 || reg >= 4 ? CLASS_SEGMENT : CLASS_PLAIN;
    case 0x01:
        if (is_register) {
            switch (i->modrm) {
            case 0xc8: case 0xc9: case 0xfa: case 0xfb: return CLASS_MONITOR; // and MWAIT, MONITORX, MWAITX
            case 0xca: case 0xcb: return CLASS_STAC_CLAC;
            case 0xd1: return CLASS_XSETBV;
            case 0xf8: return CLASS_SWAPGS;
            case 0xf9: return CLASS_RDTSC; // RDTSCP
            }
            return reg == 6 ? CLASS_LMSW : CLASS_PLAIN;
        }
        if (reg == 2) return CLASS_LGDT;
        if (reg == 3) return CLASS_LIDT;
        if (reg == 6) return CLASS_LMSW;
        if (reg == 7) return CLASS_INVLPG;
        return CLASS_PLAIN;
    case 0x02: case 0x03: return CLASS_LAR; // and LSL
    case 0x05: return CLASS_SYSCALL;
    case 0x06: return CLASS_CLTS;
    case 0x07: return CLASS_SYSRET;
    case 0x20: return CLASS_MOV_FROM_CR;
    case 0x21: return CLASS_MOV_FROM_DR;
    case 0x22: return CLASS_MOV_TO_CR;
    case 0x23: return CLASS_MOV_TO_DR;
    case 0x30: return CLASS_WRMSR;
    case 0x31: return CLASS_RDTSC;
    case 0x32: return CLASS_RDMSR;
    case 0x33: return CLASS_RDPMC;
    case 0x34: return CLASS_SYSENTER;
    case 0x35: return CLASS_SYSEXIT;
    case 0xb2: if (bits == 64) return CLASS_LOAD_FAR; // LSS
        // fall through
    case 0xb4: case 0xb5: if (bits == 64 && i->rex & 8) return CLASS_LOAD_FAR; // LFS, LGS
        // fall through
    case 0xa1: case 0xa9: return CLASS_SEGMENT;
    case 0xa2: return CLASS_CPUID;
    case 0xae:
        if (is_register && i->prefixes & PREFIX_REP && (reg == 2 || reg == 3)) return CLASS_WRFSGSBASE;
        return CLASS_PLAIN;
    case 0xc7:
        if (is_register && (reg == 6 || reg == 7)) return CLASS_RDRAND; // and RDSEED, RDPID
        return !is_register && reg == 1 ? CLASS_CMPXCHG_WIDE : CLASS_PLAIN;
    }
    return CLASS_PLAIN;
}

// Near branches with an operand-size prefix in 64-bit mode: the engine does
// with them as AMD's CPUs do, and Intel's ignore the prefix (SDM vol. 2A, Jcc).
// It also takes RET's immediate for signed.
static int special_branch(const struct insn *i, uint8_t last)
{
    int op = i->opcode, reg = i->modrm >> 3 & 7;
    if (!(i->prefixes & PREFIX_OPERAND) || i->rex & 8) return i->opmap == 0 && op == 0xc2 && last & 0x80;
    if (i->opmap == 1) return op >= 0x80 && op <= 0x8f;
    if (i->opmap) return 0;
    return (op >= 0x70 && op <= 0x7f) || op == 0xc2 || op == 0xc3 || (op >= 0xe0 && op <= 0xe3) || op == 0xe8 || op == 0xe9 ||
           op == 0xeb || (op == 0xff && (reg == 2 || reg == 4));
}

// Instructions that read their memory operand to write it: hardware asks for
// write permission first, so a #PF of theirs says W (SDM vol. 3A 4.7).
static int read_modify_write(const struct insn *i)
{
    int op = i->opcode, reg = i->modrm >> 3 & 7;
    if (!i->has_modrm || i->modrm >= 0xc0) return 0;
    if (i->opmap == 0) {
        if (op < 0x38) return (op & 7) < 2;
        if (op >= 0x80 && op <= 0x83) return reg != 7;
        if (op == 0x86 || op == 0x87 || op == 0xc0 || op == 0xc1 || (op >= 0xd0 && op <= 0xd3)) return 1;
        if (op == 0xf6 || op == 0xf7) return reg == 2 || reg == 3;
        return (op == 0xfe || op == 0xff) && reg < 2;
    }
    if (i->opmap != 1) return 0;
    switch (op) {
    case 0xa4: case 0xa5: case 0xac: case 0xad: case 0xab: case 0xb3: case 0xbb:
    case 0xb0: case 0xb1: case 0xc0: case 0xc1: return 1;
    case 0xba: return reg > 4;
    case 0xc7: return reg == 1;
    }
    return 0;
}

// SDM vol. 2A, LOCK: what may have it, and only with a destination in memory.
static int may_be_locked(const struct insn *i)
{
    int op = i->opcode, reg = i->modrm >> 3 & 7;
    if (!i->read_modify_write) return 0;
    if (i->opmap == 1) return op != 0xa4 && op != 0xa5 && op != 0xac && op != 0xad;
    return op < 0xc0 || (op > 0xd3 && (op < 0xf8 ? reg < 4 : 1));
}

// Memory through the stack segment: a bad address is #SS there, #GP elsewhere.
static int through_stack(const struct insn *i)
{
    int op = i->opcode;
    if (i->has_modrm && i->modrm < 0xc0 && i->segment == 0xff) {
        int mod = i->modrm >> 6, rm = i->modrm & 7;
        if (rm == 4 && i->has_sib) {
            int base = i->sib & 7;
            if (!(i->rex & 1) && (base == 4 || (base == 5 && mod))) return 1;
        } else if (rm == 5 && mod && !(i->rex & 1)) {
            return 1;
        }
        if (i->opmap || (op != 0xff && op != 0x8f)) return 0;
    } else if (i->has_modrm && i->modrm < 0xc0) {
        return 0;
    }
    if (i->opmap == 0) {
        if ((op >= 0x50 && op <= 0x61) || op == 0x68 || op == 0x6a || op == 0x9c || op == 0x9d) return 1;
        if (op == 0xc2 || op == 0xc3 || op == 0xc8 || op == 0xc9 || op == 0xca || op == 0xcb || op == 0xe8) return 1;
        if (op < 0x20 && (op & 7) >= 6) return 1;
        return op == 0xff && i->modrm >= 0xc0; // CALL or PUSH of a register
    }
    return i->opmap == 1 && (op == 0xa0 || op == 0xa1 || op == 0xa8 || op == 0xa9);
}

static int32_t signed_at(const uint8_t *p, int size)
{
    int32_t v = 0;
    if (size == 1) return (int8_t)p[0];
    for (int i = 0; i < size; i++) v |= (int32_t)((uint32_t)p[i] << i * 8);
    return size == 2 ? (int16_t)v : v;
}

void decode(struct insn *i, const uint8_t *p, int room, int bits)
{
    int n = 0, vex = 0, mm = 0, third = 0;
    char kind;
    if (room > 15) room = 15;
    memset(i, 0, sizeof *i);
    i->segment = 0xff;
    for (;; n++) {
        if (n >= room) return;
        switch (p[n]) {
        case 0x26: i->segment = 0; continue;
        case 0x2e: i->segment = 1; continue;
        case 0x36: i->segment = 2; continue;
        case 0x3e: i->segment = 3; continue;
        case 0x64: i->segment = 4; continue;
        case 0x65: i->segment = 5; continue;
        case 0x66: i->prefixes |= PREFIX_OPERAND; continue;
        case 0x67: i->prefixes |= PREFIX_ADDRESS; continue;
        case 0xf0: i->prefixes |= PREFIX_LOCK; continue;
        case 0xf2: i->prefixes = (i->prefixes & ~PREFIX_REP) | PREFIX_REPNE; continue;
        case 0xf3: i->prefixes = (i->prefixes & ~PREFIX_REPNE) | PREFIX_REP; continue;
        }
        break;
    }
    if (bits == 64) {
        if (i->segment < 4) i->segment = 0xff; // no effect in 64-bit mode
        if ((p[n] & 0xf0) == 0x40) {
            i->rex = p[n++];
            if (n >= room) return;
        }
    }
    if ((p[n] == 0xc4 || p[n] == 0xc5) && (bits == 64 || (n + 1 < room && p[n + 1] >= 0xc0))) {
        int three = p[n] == 0xc4;
        if (n + 2 + three >= room) return;
        i->opmap = mm = three ? p[n + 1] & 31 : 1;
        vex = i->rex ? 2 : 1;
        if (three) i->rex = ~p[n + 1] >> 5 & 7;
        n += 2 + three;
        third = p[n - 1];
    } else if (p[n] == 0x0f) {
        if (++n >= room) return;
        i->opmap = 1;
        if (p[n] == 0x38 || p[n] == 0x3a) {
            i->opmap = p[n] == 0x38 ? 2 : 3;
            if (++n >= room) return;
        }
    }
    i->opcode = p[n++];
    switch (i->opmap) {
    case 0: kind = one_byte[i->opcode]; break;
    case 1: kind = two_byte[i->opcode]; break;
    case 3: kind = 'M'; break;
    default: kind = 'm';
    }
    if (i->opmap == 0) {
        if (i->opcode >= 0xf6 && i->opcode <= 0xf7 && n < room && !(p[n] & 0x30)) kind = i->opcode == 0xf6 ? 'M' : 'Z';
        if (bits != 64 && i->opcode == 0x62) kind = 'm';
    }
    int operand = i->prefixes & PREFIX_OPERAND ? (bits == 16 ? 4 : 2) : bits == 16 ? 2 : 4;
    if (i->rex & 8) operand = 4;
    int address = bits == 64 ? (i->prefixes & PREFIX_ADDRESS ? 4 : 8)
                             : (i->prefixes & PREFIX_ADDRESS) ^ (bits == 16 ? PREFIX_ADDRESS : 0) ? 2 : 4;
    if (kind == 'm' || kind == 'M' || kind == 'Z' || kind == 'c') {
        if (n >= room) return;
        i->has_modrm = 1;
        i->modrm = p[n++];
        int mod = i->modrm >> 6, rm = i->modrm & 7, wide = 0;
        if (mod != 3 && kind != 'c') { // MOV CR and MOV DR ignore mod
            if (address == 2) {
                wide = mod == 0 ? (rm == 6 ? 2 : 0) : mod;
            } else {
                if (rm == 4) {
                    if (n >= room) return;
                    i->has_sib = 1;
                    i->sib = p[n++];
                    if (mod == 0 && (i->sib & 7) == 5) wide = 4;
                } else if (mod == 0 && rm == 5) {
                    wide = 4;
                }
                wide += mod == 1 ? 1 : mod == 2 ? 4 : 0;
            }
            if (n + wide > room) return;
            i->displacement = signed_at(p + n, wide);
            n += wide;
        }
    }
    int immediate_at = n;
    switch (kind) {
    case 'b': case 'M': n += 1; break;
    case 'w': n += 2; break;
    case 'e': n += 3; break;
    case 'Z': n += operand; break;
    case 'z': // near branches have 32-bit displacements in 64-bit mode, 66h or not
        n += bits == 64 && (i->opmap == 1 || i->opcode == 0xe8 || i->opcode == 0xe9) ? 4 : operand;
        break;
    case 'v': n += i->rex & 8 ? 8 : operand; break;
    case 'o': n += address; break;
    case 'f': n += bits == 64 ? 0 : operand + 2; break;
    }
    if (n > room) return;
    i->immediate = immediate_at < n ? p[immediate_at] : 0;
    i->length = n;
    i->stack = through_stack(i);
    if (vex) {
        decode_vex(i, mm, third & 3, third >> 2 & 1, third >> 3 & 15);
        if (vex == 2) i->kind = CLASS_UNDEFINED; // REX before it
        return;
    }
    i->read_modify_write = read_modify_write(i);
    if (i->opmap == 0) i->kind = one_byte_class(i, bits);
    else if (i->opmap == 1) i->kind = two_byte_class(i, bits);
    else if (i->opmap == 2 && i->opcode == 0x82 && i->prefixes & PREFIX_OPERAND) i->kind = CLASS_INVPCID;
    if (bits == 64 && special_branch(i, p[n - 1])) i->kind = CLASS_NEAR;
    decode_needs(i, bits);
    if (i->prefixes & PREFIX_LOCK && !may_be_locked(i)) i->kind = CLASS_UNDEFINED;
    if (i->opmap == 0 && i->opcode == 0x8f && i->modrm & 0x38) i->kind = CLASS_UNDEFINED;
}
