# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions by form: SSE operands that have to be aligned, near branches with
an operand-size prefix, and encodings that are not defined."""

from case import Group
from world import *

sse = Group("sse-alignment", "Memory operands of SSE instructions that are aligned on 8 bytes, not on 16 (SDM vol. 2A, tables 2-18 to 2-24).")
near = Group("near-prefix", "Near branches with an operand-size prefix in 64-bit mode (SDM vol. 2, CALL, JMP, Jcc, LOOP, RET).")
undefined = Group("undefined-forms", "Prefixes and operands that an MMX or SSE opcode does not have.")

ONE_SOURCE = """
addps addpd addss addsd addsubps addsubpd andnps andnpd andps andpd comiss comisd cvtdq2pd cvtdq2ps cvtpd2dq cvtpd2ps cvtps2dq cvtps2pd
cvtsd2ss cvtss2sd cvttpd2dq cvttps2dq divps divpd divss divsd haddps haddpd hsubps hsubpd lddqu maxps maxpd maxss maxsd minps minpd minss
minsd movapd movaps movddup movdqa movdqu movntdqa movq movsd movshdup movsldup movss movupd movups mulps mulpd mulss mulsd orps orpd
packssdw packsswb packusdw packuswb paddb paddd paddq paddsb paddsw paddusb paddusw paddw pand pandn pavgb pavgw pcmpeqb pcmpeqd pcmpeqq
pcmpeqw pcmpgtb pcmpgtd pcmpgtq pcmpgtw phminposuw pmaddwd pmaxsb pmaxsd pmaxsw pmaxub pmaxud pmaxuw pminsb pminsd pminsw pminub pminud
pminuw pmovsxbd pmovsxbq pmovsxbw pmovsxdq pmovsxwd pmovsxwq pmovzxbd pmovzxbq pmovzxbw pmovzxdq pmovzxwd pmovzxwq pmuldq pmulhuw pmulhw
pmulld pmullw pmuludq por psadbw pslld psllq psllw psrad psraw psrld psrlq psrlw psubb psubd psubq psubsb psubsw psubusb psubusw psubw
punpckhbw punpckhdq punpckhqdq punpckhwd punpcklbw punpckldq punpcklqdq punpcklwd pxor rcpps rcpss rsqrtps rsqrtss sqrtps sqrtpd sqrtss
sqrtsd subps subpd subss subsd ucomisd ucomiss unpckhps unpckhpd unpcklps unpcklpd xorps xorpd pabsb pabsd pabsw phaddd phaddsw phaddw
phsubd phsubsw phsubw pmaddubsw pmulhrsw pshufb psignb psignd psignw ptest aesdec aesdeclast aesenc aesenclast aesimc movhps movhpd movlps
movlpd""".split()
WITH_IMMEDIATE = """
shufps shufpd cmpps cmppd cmpss cmpsd pshufd pshufhw pshuflw palignr blendps blendpd pblendw dpps dppd mpsadbw roundps roundpd roundss
roundsd insertps pcmpestri pcmpestrm pcmpistri pcmpistrm pclmulqdq aeskeygenassist pinsrb pinsrw pinsrd""".split()
STORES = "movapd movaps movdqa movdqu movntdq movntpd movntps movq movsd movss movupd movups movhps movhpd movlps movlpd".split()
OF_MMX = "paddb paddq pmuludq psadbw pshufb phaddw pabsb psllw punpckhbw packsswb cvtpi2ps cvtps2pi cvttps2pi".split()

for off in (0, 8):
    for user in (False, True):
        who = "CPL 3" if user else "CPL 0"
        data = (USER_DATA if user else KERNEL_DATA) + 0x100 + off

        def add(name, text):
            sse.add(f"{name} at {off}, {who}", text, user, rbx=data, limit=3)

        for name in ONE_SOURCE:
            add(name, f"{name} xmm0, [rbx]")
        for name in WITH_IMMEDIATE:
            add(name, f"{name} xmm0, [rbx], 0")
        for name in STORES:
            add(f"{name} to memory", f"{name} [rbx], xmm0")
        for name in OF_MMX:
            add(f"{name} of 64 bits", f"{name} {'xmm0' if name == 'cvtpi2ps' else 'mm0'}, [rbx]; emms")
        add("blendvps", "blendvps xmm0, [rbx], xmm0")
        add("blendvpd", "blendvpd xmm0, [rbx], xmm0")
        add("pblendvb", "pblendvb xmm0, [rbx], xmm0")
        add("cvtpd2pi", "cvtpd2pi mm0, [rbx]; emms")
        add("cvttpd2pi", "cvttpd2pi mm0, [rbx]; emms")
        add("cvtpi2pd", "cvtpi2pd xmm0, [rbx]; emms")
        add("movntq", "movntq [rbx], mm0; emms")
for name, text, registers in (
    ("RIP-relative", "movaps xmm0, [rip+1]", {}),
    ("with an index", "movaps xmm0, [rbx+rcx*8+5]", dict(rbx=USER_DATA, rcx=3)),
    ("with a 32-bit address", "movaps xmm0, [ebx+4]", dict(rbx=USER_DATA | 1 << 32)),
    ("through the stack", "movaps xmm0, [rsp+8]", {}),
    ("with FS", "movaps xmm0, fs:[rbx]", dict(rbx=0x10, fs={"base": USER_DATA + 8})),
    ("with TS", "movaps xmm0, [rbx]", dict(rbx=USER_DATA + 8, cr0=CR0 | 8)),
    ("with EM", "movaps xmm0, [rbx]", dict(rbx=USER_DATA + 8, cr0=CR0 | 4)),
    ("without OSFXSR", "movaps xmm0, [rbx]", dict(rbx=USER_DATA + 8, cr4=CR4 & ~0x200)),
    ("not mapped", "movaps xmm0, [rbx]", dict(rbx=UNMAPPED + 8)),
    ("not canonical", "movaps xmm0, [rbx]", dict(rbx=HOLE + 8)),
    ("not canonical, through the stack", "movaps xmm0, [rbp]", dict(rbp=HOLE + 8)),
    ("a supervisor's page", "movaps xmm0, [rbx]", dict(rbx=KERNEL_DATA + 8)),
):
    if name in ("with TS", "with EM", "without OSFXSR"):  # Bochs looks at them when they are loaded
        continue
    sse.add(f"movaps that is not aligned, {name}", text, True, limit=3, **registers)

for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    land, sp = (USER_LAND, USER_STACK) if user else (KERNEL_LAND, KERNEL_STACK)
    where = (USER_DATA_AT + 0x100, quad(land) + quad(HOLE) + quad(UNMAPPED))
    on_stack = ((USER_DATA_AT + USER_STACK - USER_DATA) if user else (KERNEL_STACK - HIGH)) - 0x100
    below = sp - 0x100
    here = USER_CODE if user else KERNEL_CODE
    far = land - here
    for name, text, registers in (
        ("call rel32", ".byte 0x66, 0xe8; .long %d" % (far - 6), {}),
        ("jmp rel32", ".byte 0x66, 0xe9; .long %d" % (far - 6), {}),
        ("jmp rel8", ".byte 0x66, 0xeb, 2; nop; nop; nop", {}),
        ("call r64", ".byte 0x66; call rax", dict(rax=land)),
        ("jmp r64", ".byte 0x66; jmp rax", dict(rax=land)),
        ("call m64", ".byte 0x66; call qword ptr [rbx]", {}),
        ("jmp m64", ".byte 0x66; jmp qword ptr [rbx]", {}),
        ("ret", ".byte 0x66, 0xc3", dict(rsp=below)),
        ("ret 8", ".byte 0x66, 0xc2, 8, 0", dict(rsp=below)),
        ("jz rel8, taken", ".byte 0x66, 0x74, 2; nop; nop; nop", dict(rflags=0x42)),
        ("jz rel8, not taken", ".byte 0x66, 0x74, 2; nop; nop; nop", dict(rflags=2)),
        ("jl rel32, taken", ".byte 0x66, 0x0f, 0x8c; .long %d" % (far - 7), dict(rflags=0x82)),
        ("jl rel32, not taken", ".byte 0x66, 0x0f, 0x8c; .long %d" % (far - 7), dict(rflags=0x882)),
        ("loop", ".byte 0x66, 0xe2, 0; nop", dict(rcx=2)),
        ("loope", ".byte 0x66, 0xe1, 1; nop; nop", dict(rcx=2, rflags=0x42)),
        ("jrcxz", ".byte 0x66, 0xe3, 1; nop; nop", dict(rcx=0)),
        ("jmp to what is not canonical", ".byte 0x66; jmp rax", dict(rax=HOLE)),
        ("call to what is not canonical", ".byte 0x66; call rax", dict(rax=HOLE)),
        ("call through memory to what is not canonical", ".byte 0x66; call qword ptr [rbx+8]", {}),
        ("call to what is not mapped", ".byte 0x66; call qword ptr [rbx+16]", {}),
        ("call on a stack that is not canonical", ".byte 0x66; call rax", dict(rax=land, rsp=HOLE + 8)),
        ("call on a stack that is not mapped", ".byte 0x66; call rax", dict(rax=land, rsp=UNMAPPED + 8)),
        ("ret from a stack that is not mapped", ".byte 0x66, 0xc3", dict(rsp=UNMAPPED)),
        ("ret across two pages", ".byte 0x66, 0xc3", dict(rsp=(USER_DATA if user else KERNEL_DATA) + 0xFFC)),
        ("call under TF", ".byte 0x66; call rax", dict(rax=land, rflags=2 | TF)),
    ):
        near.add(f"{name}, {who}", text, user, memory=[where, (on_stack, quad(land))], **{"rbx": USER_DATA + 0x100, **registers})

for text in """
66 0f 12 c1; 66 0f 16 c1; 0f 13 c1; 0f 17 c1; 0f 2b c1; 0f c3 c1; 0f e7 c1; f2 0f f0 c1; 0f 50 03; 0f d7 03; 0f f7 03; 0f 72 13 01; 0f c5 03 00;
f2 0f d6 03; f3 0f d6 03; f3 0f 28 c1; f2 0f 28 c1; f3 0f 60 c1; f2 0f 60 c1; f3 0f 14 c1; f3 0f 54 c1; f2 0f 5b c1; f3 0f 2e c1; 0f 6c c1;
0f 7c c1; f3 0f 7c c1; 0f d0 c1; 0f d6 c1; 0f e6 c1; 0f f0 03; f3 0f 77; 66 0f 77; f3 0f c3 03; 66 0f c3 03; f3 0f c6 c1 00; 0f 38 10 c1;
0f 38 db c1; f3 0f 38 db c1; f3 0f 38 00 c1; 0f 3a 08 c1 00; f3 0f 3a 0f c1 00; 0f 71 c0 01; 0f 73 d8 01; 0f 73 f8 01; 66 0f 72 c8 01;
66 0f ae 03; f3 0f ae 1b; f2 0f ae e8; 66 0f ae f8; f3 0f ae 3b; f2 0f ae 3b; f3 0f 01 d0; f2 0f 01 ee; 0f b8 c1; f2 0f b8 c1; 0f a6 c0;
0f 0a; 0f 04; 0f 24 c0; 0f 36; 0f 39 c0; 0f 7a c1; 0f 7b c1; c7 c8 00 00 00 00; c6 c8 00; 66 0f 38 f6 03; 0f 38 f6 c1; f3 0f b8 c1
""".replace("\n", " ").split(";"):
    text = text.strip()
    if text in ("66 0f 38 f6 03", "0f 38 f6 c1"):
        continue
    undefined.add(text, ".byte " + ",".join("0x" + b for b in text.split()), rbx=KERNEL_DATA + 0x100, limit=3)

GROUPS = [sse, near, undefined]
