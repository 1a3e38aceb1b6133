# SPDX-License-Identifier: GPL-2.0-or-later
"""Delivery through the IDT: gates, code segments, stacks, double faults."""

from case import Group
from world import *

gates = Group("gates", "What is checked of a gate and of the handler's code segment, by INT n and by exceptions (SDM vol. 3A 7.12, 7.14).")
stack = Group("delivery-stack", "The stack of a handler: RSP0, IST, alignment, and what is wrong with them.")
doubles = Group("double-fault", "Exceptions during delivery (SDM vol. 3A, tables 7-4 and 7-5), up to shutdown.")

SOURCES = {"int 0x80": ("int 0x80", 0x80), "int3": ("int3", 3), "ud2": ("ud2", 6), "int1": (".byte 0xf1", 1), "#GP": ("mov rax, [rbx]", 13)}

for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    for source, (text, vector) in SOURCES.items():
        def add(what, *patches, **regs):
            gates.add(f"{source}: {what}, {who}", text, user, memory=list(patches), rbx=HOLE, **regs)

        add("as it should be", gate(vector, dpl=3))
        for kind in range(16):
            if source in ("int 0x80", "ud2") and kind not in (14,):
                add(f"gate of type {kind}", gate(vector, dpl=3, kind=kind))
        add("gate with S set", (gate(vector, dpl=3)[0] + 5, b"\xfe"))
        add("gate with DPL 0", gate(vector, dpl=0))
        add("gate not present", gate(vector, dpl=3, present=0))
        add("gate not present, DPL 0", gate(vector, present=0))
        add("gate not present, bad type", gate(vector, present=0, dpl=3, kind=9))
        add("bad type, DPL 0", gate(vector, kind=9))
        add("trap gate", gate(vector, dpl=3, kind=15), rflags=2 | IF | NT | AC | DF)
        add("interrupt gate clears IF", gate(vector, dpl=3), rflags=2 | IF | NT | AC | DF | IOPL)
        add("saved RF", gate(vector, dpl=3), rflags=2 | RF)
        add("upper half with a type", gate(vector, dpl=3), (IDT + 16 * vector + 12, b"\x00\x0e\x00\x00"))
        for name, selector in (("null", 0), ("null with RPL 3", 3), ("beyond the limit", 0x1F0), ("data", DS0), ("32-bit", CS0_32), ("L and D", CS0_LD), ("not present", ABSENT_CODE), ("conforming", CONFORMING), ("of CPL 3", CS3),
                               ("with RPL 3", CS0 | 3), ("execute-only", EXECUTE_ONLY), ("a TSS", TR), ("in an LDT that is null", CS0 | 4), ("of CPL 1", CS1)):
            add(f"CS that is {name}", gate(vector, dpl=3, selector=selector))
        for offset in (HOLE, 0xFFFF7FFFFFFFFFFF):
            add(f"handler at {offset:#x}", gate(vector, offset=offset, dpl=3))
        add("IDT too short", idtr={"limit": 16 * vector + 14})
        add("IDT just long enough", gate(vector, dpl=3), idtr={"limit": 16 * vector + 15})
    for text, name in (("int 0x80", "int 0x80"), ("int 3", "int 3"), ("into", "into"), ("int 0x20", "int 0x20"), ("int 13", "int 13"), ("int 8", "int 8"), ("int 14", "int 14"), ("int 2", "int 2")):
        if text != "into":
            gates.add(f"{name}, {who}", text, user)
            gates.add(f"{name} with a gate of DPL 3, {who}", text, user, memory=[gate(int(text[4:], 0), dpl=3)], rflags=2 | TF | RF)
    gates.add(f"into, {who}", ".byte 0xce", user, rflags=0x802)
    gates.add(f"div by zero, {who}", "div ecx", user)
    gates.add(f"#DE with TF, {who}", "div ecx", user, rflags=2 | TF)
    if not user:  # Bochs looks at TS when it is loaded
        gates.add("#NM by TS", "mov cr0, rax; fld1", rax=CR0 | 8)
    gates.add(f"#AC, {who}", "mov eax, [rbx]", user, cr0=CR0 | AM, rflags=2 | AC, rbx=USER_DATA + 1)
    for size, text in (("word", "mov ax, [rbx]"), ("dword", "mov eax, [rbx]"), ("qword", "mov rax, [rbx]"), ("byte", "mov al, [rbx]"), ("movups", "movups xmm0, [rbx]"), ("push", "push [rbx]"), ("fld", "fld qword ptr [rbx]"), ("movsd", "movsd")):
        for off in (1, 2, 4):
            gates.add(f"alignment of {size} at {off}, {who}", text, user, cr0=CR0 | AM, rflags=2 | AC, rbx=USER_DATA + off, rsi=USER_DATA + off, rdi=USER_DATA + 8)
    gates.add(f"push on a stack that is not aligned, {who}", "push rax", user, cr0=CR0 | AM, rflags=2 | AC, rsp=USER_DATA + 0x704)
    gates.add(f"#AC by call, {who}", "call .+8", user, cr0=CR0 | AM, rflags=2 | AC, rsp=USER_DATA + 0x702)
    gates.add(f"iretq from a stack that is not aligned, {who}", "iretq", user, cr0=CR0 | AM, rflags=2 | AC, rsp=USER_DATA + 0x702)
    gates.add(f"#PF before #AC, {who}", "mov eax, [rbx]", user, cr0=CR0 | AM, rflags=2 | AC, rbx=UNMAPPED + 1)
    gates.add(f"ud2 at an odd prefix, {who}", ".byte 0x66, 0x0f, 0x0b", user)
    gates.add(f"lock on a register, {who}", ".byte 0xf0, 0x01, 0xc0", user)
    gates.add(f"15 bytes, {who}", ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90", user)
    gates.add(f"16 bytes, {who}", ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90", user)
    for name, code in (("push es", "06"), ("aaa", "37"), ("far call", "9a"), ("pusha", "60"), ("bound", "62 00"), ("lds", "c5 00"), ("salc", "d6"), ("0f 0a", "0f 0a"), ("0f ff", "0f ff c0"), ("ud1", "0f b9 c0"), ("mov cs", "8e c8"), ("lea of a register", "8d c0"),
                       ("pop cs", "0f"), ("82", "82 c0 01"), ("lock nop", "f0 90"), ("lock mov", "f0 89 03"), ("lock cmp", "f0 39 03"), ("fe /7", "fe f8"), ("ff /7", "ff f8"), ("c6 /1", "c6 c8 00"), ("8f /1", "8f c8"), ("mov sreg 6", "8e f0"), ("mov sreg 7", "8c f8"), ("cmpxchg8b of a register", "0f c7 c8"), ("sysenter with lock", "f0 0f 34"),
                       ("0f 00 /6", "0f 00 f0"), ("lgdt of a register 1", "0f 01 d7"), ("invlpg of a register", "0f 01 ff"), ("mov cr1", "0f 20 c8"), ("mov cr5", "0f 22 e8"), ("mov cr15", "44 0f 22 f8"), ("lss of a register", "0f b2 c0"), ("sgdt of a register", "0f 01 c7")):
        if name in ("pop cs", "far call", "bound", "lds"):
            continue
        data = ", ".join("0x" + b for b in code.split())
        gates.add(f"{name} is not there in 64-bit mode, {who}", ".byte " + data, user, rbx=USER_DATA)

for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    for ist in range(8):
        stack.add(f"IST {ist}, {who}", "int 0x80", user, memory=[gate(0x80, ist=ist, dpl=3)])
    for misaligned in range(1, 16, 3):
        stack.add(f"RSP ends in {misaligned}, {who}", "int 0x80", user, rsp=(USER_STACK if user else KERNEL_STACK - 0x100) + misaligned)
        stack.add(f"RSP0 ends in {misaligned}, {who}", "int 0x80", user, memory=[(TSS + 4, quad(KERNEL_STACK - 0x100 + misaligned))])
    for value, name in ((HOLE, "the hole"), (HOLE + 16, "the hole's second"), (HIGH, "its edge"), (UNMAPPED, "a page that is absent"), (0xFFFF7FFFFFFFFFFF, "the end of the hole"), (0, "0"), (HOLE - 8, "before the hole")):
        for text in ("int 0x80", "ud2", "mov rax, [rdx]"):
            vector = {"int 0x80": 0x80, "ud2": 6}.get(text, 13)
            stack.add(f"RSP0 in {name}, {text}, {who}", text, user, rdx=HOLE, memory=[(TSS + 4, quad(value))])
            stack.add(f"IST1 in {name}, {text}, {who}", text, user, rdx=HOLE, memory=[(TSS + 36, quad(value)), gate(vector, ist=1, dpl=3)])
        if not user:
            stack.add(f"RSP in {name}, int 0x80", "int 0x80", rsp=value)
            stack.add(f"RSP in {name}, ud2", "ud2", rsp=value)
    for limit in (3, 4, 10, 11, 42, 43, 0x67):
        stack.add(f"TSS limit {limit}, {who}", "int 0x80", user, tr={"limit": limit})
        stack.add(f"TSS limit {limit}, IST, {who}", "int 0x80", user, tr={"limit": limit}, memory=[gate(0x80, ist=1, dpl=3)])
    stack.add(f"frame over two pages, second read-only, {who}", "int 0x80", user, memory=[(TSS + 36, quad(HIGH + 0x33010)), gate(0x80, ist=1, dpl=3), page(HIGH + 0x32000, P | A | D, 0x32000)])
    stack.add(f"frame over two pages, first read-only, {who}", "int 0x80", user, memory=[(TSS + 36, quad(HIGH + 0x33010)), gate(0x80, ist=1, dpl=3), page(HIGH + 0x33000, P | A | D, 0x33000)])

# First and second exception. The second comes from the first one's gate.
FIRST = {"#UD": ("ud2", 6), "#DE": ("div ecx", 0), "#GP": ("mov rax, [rbx]", 13), "#SS": ("push [rsp+rbx]", 12), "#NP": ("mov fs, edx", 11), "#PF": ("mov rax, [rsi]", 14), "#BP": ("int3", 3), "int 0x80": ("int 0x80", 0x80),
         "#NM": ("mov cr0, rax; fld1", 7), "#DB": (".byte 0xf1", 1), "#AC": ("mov eax, [rdi]", 17)}
SECOND = {
    "#NP": lambda v: [gate(v, present=0, dpl=3)],
    "#GP": lambda v: [gate(v, kind=9, dpl=3)],
    "#GP of the CS": lambda v: [gate(v, selector=DS0, dpl=3)],
    "#PF": lambda v: [gate(v, ist=3, dpl=3), (TSS + 52, quad(UNMAPPED))],
    "#SS": lambda v: [gate(v, ist=3, dpl=3), (TSS + 52, quad(HOLE + 0x100))],
    "#TS": lambda v: [gate(v, ist=7, dpl=3)],
}
for user in (False, True):
    for first, (text, vector) in FIRST.items():
        for second, patches in SECOND.items():
            regs = {"rbx": HOLE, "rdx": ABSENT_DATA, "rsi": UNMAPPED, "rdi": USER_DATA + 1}
            if first == "#NM":
                if user:
                    continue
                regs["rax"] = CR0 | 8
            if first == "#AC":
                regs["cr0"], regs["rflags"] = CR0 | AM, 2 | AC
                if not user:
                    continue
            if second == "#TS":
                regs["tr"] = {"limit": 0x5A}
            if first == "#NP" and user:
                regs["rdx"] = DS3_ABSENT | 3
            doubles.add(f"{first}, then {second}, CPL {3 if user else 0}", text, user, memory=patches(vector), **regs)
for name, patches in (("#DF has no gate", [gate(8, present=0)]), ("#DF's stack is absent", [(TSS + 44, quad(UNMAPPED))]), ("#DF's CS is data", [gate(8, selector=DS0)])):
    for first, (text, vector) in (("#GP", FIRST["#GP"]), ("#PF", FIRST["#PF"])):
        doubles.add(f"{first}, then #GP, and {name}", text, memory=[gate(vector, kind=9)] + patches, rbx=HOLE, rsi=UNMAPPED)
        doubles.add(f"{first}, then #PF, and {name}", text, memory=SECOND["#PF"](vector) + patches, rbx=HOLE, rsi=UNMAPPED)
doubles.add("no IDT", "ud2", idtr={"limit": 0})
doubles.add("IDT in a page that is absent", "ud2", idtr={"base": UNMAPPED})
doubles.add("#GP, #PF, then #GP", "mov rax, [rbx]", rbx=HOLE, memory=SECOND["#PF"](13) + [gate(14, kind=9)])
doubles.add("#UD, #PF, #NP", "ud2", memory=SECOND["#PF"](6) + [gate(14, present=0)])
doubles.add("#PF, benign by nothing", "mov rax, [rsi]", rsi=UNMAPPED)
doubles.add("#DF by INT 8 is no #DF", "int 8", memory=[gate(8, kind=9)])
doubles.add("INT 13 is benign", "int 13", memory=[gate(13, kind=9)])
doubles.add("INT 14 is benign", "int 14", memory=SECOND["#PF"](14)[:1] + [(TSS + 52, quad(UNMAPPED))])

GROUPS = [gates, stack, doubles]
