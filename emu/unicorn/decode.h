// SPDX-License-Identifier: GPL-2.0-or-later
// Where an instruction ends and what kind it is: as much decoding as the
// machine needs to count, and to stop before what the engine gets wrong.

#ifndef UKLEMU_DECODE_H
#define UKLEMU_DECODE_H

#include <stdint.h>

// What the machine does itself. Everything else is the engine's.
enum insn_class {
    CLASS_PLAIN,
    CLASS_IN, CLASS_OUT, CLASS_INS, CLASS_OUTS,
    CLASS_HLT, CLASS_CPUID, CLASS_RDMSR, CLASS_WRMSR,
    CLASS_MOV_FROM_CR, CLASS_MOV_TO_CR, CLASS_MOV_FROM_DR, CLASS_MOV_TO_DR,
    CLASS_LMSW, CLASS_CLTS, CLASS_INVLPG, CLASS_INVPCID, CLASS_LGDT, CLASS_LIDT, CLASS_XSETBV,
    CLASS_SYSCALL, CLASS_SYSRET, CLASS_SYSENTER, CLASS_SYSEXIT, CLASS_IRET,
    CLASS_INT, CLASS_INT3, CLASS_INTO, CLASS_INT1,
    CLASS_STAC_CLAC, CLASS_WRFSGSBASE, CLASS_RDRAND, CLASS_MONITOR, CLASS_SWAPGS, CLASS_RDPMC,
    CLASS_LTR, CLASS_LLDT, CLASS_LOAD_SS, CLASS_LOAD_FAR, CLASS_LAR, CLASS_ENTER, CLASS_CLFLUSH,
    CLASS_FAR, CLASS_NEAR, CLASS_NOP, CLASS_UNDEFINED,
    CLASS_POPF,    // sensitive only where it may turn alignment checks on
    CLASS_ALIGNED, // SSE with a memory operand that has to be aligned; sensitive where it is not
    CLASS_SENSITIVE_END, // below: the engine's own, known for other reasons
    CLASS_PUSHF, CLASS_STI, CLASS_MOV_SS, CLASS_RDTSC,
    CLASS_RET, CLASS_JMP_INDIRECT, CLASS_CALL_INDIRECT, CLASS_REP_STRING, CLASS_SEGMENT,
    CLASS_CMPXCHG_WIDE, // CMPXCHG8B and CMPXCHG16B
};

enum {
    PREFIX_REP = 1, PREFIX_REPNE = 2, PREFIX_OPERAND = 4, PREFIX_ADDRESS = 8, PREFIX_LOCK = 16,
    PREFIX_SEGMENT = 32, // some override; `segment` says which
};

// What a CPU must have for an instruction to be there; see features.go.
enum insn_needs {
    NEEDS_NOTHING,
    NEEDS_ADX, NEEDS_AES, NEEDS_BMI1, NEEDS_BMI2, NEEDS_CLFLUSHOPT, NEEDS_CX16, NEEDS_FSGSBASE, NEEDS_INVPCID,
    NEEDS_LAHF, NEEDS_LZCNT, NEEDS_MOVBE, NEEDS_PCLMUL, NEEDS_PKU, NEEDS_POPCNT, NEEDS_RDRAND, NEEDS_RDSEED,
    NEEDS_RDTSCP, NEEDS_SEP, NEEDS_SMAP, NEEDS_SSE3, NEEDS_SSE41, NEEDS_SSE42, NEEDS_SSSE3, NEEDS_XSAVE, NEEDS_XSAVEOPT,
    NEEDS_END
};

struct insn {
    uint8_t length; // 0 if the bytes end before the instruction does
    uint8_t kind, needs;
    uint8_t prefixes, rex, segment; // segment: 0 to 5 for ES to GS, 0xff none
    uint8_t opmap;                  // 0 one byte, 1 0F, 2 0F38, 3 0F3A
    uint8_t opcode, modrm, sib;
    uint8_t has_modrm, has_sib, read_modify_write, stack; // stack: addresses memory through RSP or RBP
    uint8_t immediate;                             // its low byte
    int32_t displacement;                          // of the memory operand
};

// bits: 16, 32 or 64, the size of the code segment.
void decode(struct insn *i, const uint8_t *p, int room, int bits);
void decode_needs(struct insn *i, int bits);
void decode_vex(struct insn *i, int mm, int pp, int l, int vvvv);

#endif
