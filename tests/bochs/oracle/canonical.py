# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses that are not canonical: branches, stacks, data, bases."""

import struct

from case import Group
from world import *

branches = Group("canonical-branch", "A branch to a non-canonical address is #GP(0), with RIP at the branch and nothing changed.")
data = Group("canonical-data", "A non-canonical data address is #GP(0), or #SS(0) where the stack segment is used.")
stacks = Group("canonical-stack", "A stack access through a non-canonical RSP or RBP is #SS(0).")
strings = Group("string", "String instructions at the edge of the canonical addresses, and repeated ones.")
bases = Group("canonical-base", "Bases and addresses that WRMSR, WRFSBASE, LGDT and their kin take or refuse.")

BAD = [HOLE, 0xFFFF7FFFFFFFFFFF, 0x1234567812345678]
LAST = EDGE + 0xFFF


def stack(user, *words):
    """Memory at the top of the stack and the RSP that points to it."""
    at = (USER_DATA_AT + 0x7000, USER_DATA + 0x7000) if user else (0x2F000, HIGH + 0x2F000)
    return {"memory": [(at[0], b"".join(quad(w) for w in words))], "rsp": at[1]}


def pointer(user, data):
    at = (USER_DATA_AT + 0x100, USER_DATA + 0x100) if user else (DATA + 0x100, KERNEL_DATA + 0x100)
    return {"memory": [(at[0], data)], "rbx": at[1]}


for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    code, land = (CS3, USER_LAND) if user else (CS0, KERNEL_LAND)
    for bad in BAD + [land]:
        for text in ("ret", "ret 16", "retw") if bad != HOLE else ("ret", "ret 16", "ret 0xfff8"):
            if text != "retw":
                branches.add(f"{text} to {bad:#x}, {who}", text, user, **stack(user, bad))
        for text in ("jmp rax", "call rax", "jmp qword ptr [rbx]", "call qword ptr [rbx]", "call qword ptr [rsp]"):
            where = stack(user, bad) if "rsp" in text else pointer(user, quad(bad))
            branches.add(f"{text} to {bad:#x}, {who}", text, user, rax=bad, **where)
        branches.add(f"retf to {bad:#x}, {who}", "retfq", user, **stack(user, bad, code))
        branches.add(f"retf 8 to {bad:#x}, {who}", "retfq 8", user, **stack(user, bad, code))
        branches.add(f"iretq to {bad:#x}, {who}", "iretq", user, **stack(user, bad, code, 2, USER_STACK if user else KERNEL_STACK, DS3 if user else DS0))
        for text in ("jmp", "call"):
            branches.add(f"far {text} to {bad:#x}, {who}", f"rex.w {text} fword ptr [rbx]", user, **pointer(user, quad(bad) + struct.pack("<H", code)))
    branches.add(f"call with a full stack, {who}", "call rax", user, rax=land, rsp=HOLE + 8)
    branches.add(f"call to a bad target with a full stack, {who}", "call rax", user, rax=HOLE, rsp=HOLE + 8)
    branches.add(f"call rel32 with a full stack, {who}", "call .+16", user, rsp=HOLE + 8)
    branches.add(f"call to a bad target with a stack that is not mapped, {who}", "call rax", user, rax=HOLE, rsp=UNMAPPED)
    branches.add(f"iretq to a bad RSP, {who}", "iretq", user, **stack(user, land, code, 2, HOLE, DS3 if user else DS0))

for bad in BAD:
    branches.add(f"retf to CPL 3 at {bad:#x}", "retfq", **stack(False, bad, CS3, USER_STACK, DS3))
    branches.add(f"iretq to CPL 3 at {bad:#x}", "iretq", **stack(False, bad, CS3, 2, USER_STACK, DS3))
    branches.add(f"iretq to CPL 3 with RSP {bad:#x}", "iretq", **stack(False, USER_LAND, CS3, 2, bad, DS3))
    branches.add(f"retf to CPL 3 with RSP {bad:#x}", "retfq", **stack(False, USER_LAND, CS3, bad, DS3))
    branches.add(f"iretq to 32-bit code at {bad:#x}", "iretq", **stack(False, bad, CS3_32, 2, USER_STACK, DS3))
    branches.add(f"sysretq to {bad:#x}", "sysretq", rcx=bad, r11=0x202, rsp=USER_STACK)
    branches.add(f"sysretl to {bad:#x}", "sysretd", rcx=bad, r11=0x202, rsp=USER_STACK)
    branches.add(f"sysexitq to {bad:#x}", "sysexitq", rdx=bad, rcx=USER_STACK)
    branches.add(f"sysexitq with RSP {bad:#x}", "sysexitq", rdx=USER_LAND, rcx=bad)
    branches.add(f"sysexit to {bad:#x}", "sysexitd", rdx=bad, rcx=USER_STACK)
branches.add("32-bit retf drops the upper half", "retfd", memory=[(0x2F000, struct.pack("<IIII", USER_LAND, CS3, USER_STACK, DS3))], rsp=HIGH + 0x2F000)

# Code at the last canonical address.
for name, text, length in (("nop", "nop", 1), ("a call", "call .+16", 5), ("mov cut off", "mov eax, 1", 1), ("syscall", "syscall", 2), ("int3", "int3", 1), ("int 0x80", "int 0x80", 2), ("a jump over the edge", "jmp .+64", 2), ("a jump back", "jmp .-64", 2)):
    for user in (False, True):
        branches.add(f"{name} at the last canonical address, CPL {3 if user else 0}", text, user, at=EDGE + 0x1000 - length,
                     physical=EDGE_AT + 0x1000 - length, memory=[] if user else [page(EDGE, P | W | A | D, EDGE_AT)], limit=2)

# Data: which exception, by the segment.
REGS = ("rax", "rsp", "rbp", "rsi", "r12", "r13")
for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    for reg in REGS:
        for override in ("", "ds:", "ss:", "es:", "fs:", "gs:", "cs:"):
            if override not in ("", "ss:") and reg in ("rsi", "r12", "r13", "rax") and override not in ("ds:", "fs:"):
                continue
            data.add(f"mov rcx, {override}[{reg}], {who}", f"mov rcx, {override}[{reg}]", user, **{reg: HOLE})
    for text in ("mov [{}], cl", "add [{}], ecx", "xchg [{}], rcx", "cmp byte ptr [{}], 0", "lock inc dword ptr [{}]", "test dword ptr [{}], 1", "bts dword ptr [{}], 3",
                 "cmpxchg [{}], rdx", "movups xmm0, [{}]", "fld qword ptr [{}]", "setc [{}]", "imul rdx, [{}]", "cmpxchg8b [{}]", "not qword ptr [{}]",
                 "shl dword ptr [{}], 1", "movzx edx, byte ptr [{}]"):
        for reg in ("rbx", "rbp"):
            data.add(text.format(reg) + f", {who}", text.format(reg), user, **{reg: BAD[1]})
    for size, text in ((1, "mov cl, [rbx]"), (2, "mov cx, [rbx]"), (4, "mov ecx, [rbx]"), (8, "mov rcx, [rbx]"), (16, "movups xmm0, [rbx]"), (10, "fld tbyte ptr [rbx]"),
                       (8, "mov [rbx], rcx"), (4, "add [rbx], ecx"), (2, "mov [rbx], cx")):
        for ahead in sorted({0, 1, size - 1, size}):
            # A kernel without SMAP may read the user's page.
            data.add(f"{text}, {ahead} bytes before the hole, {who}", text, user, rbx=HOLE - ahead)
        data.add(f"{text}, over the top of the hole, {who}", text, user, rbx=HIGH - 1)
    data.add(f"index and displacement, {who}", "mov rcx, [rbx+rsi*8+0x10]", user, rbx=EDGE, rsi=0x1F8)
    data.add(f"index and displacement into the hole, {who}", "mov rcx, [rbx+rsi*8+0x10]", user, rbx=EDGE, rsi=0x200)
    data.add(f"rbp and index, {who}", "mov rcx, [rbp+rsi]", user, rbp=HOLE)
    data.add(f"rsi as base, rbp as index, {who}", "mov rcx, [rsi+rbp*1]", user, rbp=HOLE)
    data.add(f"fs base, {who}", "mov rcx, fs:[rbx]", user, rbx=0x1000, fs={"base": EDGE})
    data.add(f"fs base below the edge, {who}", "mov rcx, fs:[rbx]", user, rbx=0xFF8, fs={"base": EDGE})
    data.add(f"offset in the hole, sum canonical, {who}", "mov rcx, gs:[rbx]", user, rbx=HOLE, gs={"base": -HOLE + USER_DATA})
    data.add(f"32-bit address, {who}", "mov rcx, [eax]", user, rax=HOLE | USER_DATA)
    for text in ("lea rcx, [rbx]", "nop dword ptr [rbx]", "prefetcht0 [rbx]", "prefetchw [rbx]", "clflush [rbx]", "clflush [rbp]", "xlatb", "sgdt [rbx]", "sidt [rbp]", "str [rbx]", "smsw [rbx]",
                 "fxsave [rbx]", "fxrstor [rbp]", "stmxcsr [rbx]", "fnstenv [rbx]", "movnti [rbx], rcx", "invlpg [rbx]", "invlpg [rbp]", "mov fs, [rbx]", "mov fs, [rbp]", "lfs ecx, [rbx]", "lss ecx, [rbp]",
                 "verr [rbx]", "lar ecx, [rbp]", "lldt [rbx]", "ltr [rbp]", "lmsw [rbx]", "lgdt [rbx]", "lgdt [rbp]", "lidt [rbx]", "lidt [rbp]", "jmp fword ptr [rbx]", "call fword ptr [rbp]", "jmp [rbx]", "jmp [rbp]", "call [rbx]", "call [rbp]"):
        data.add(f"{text}, {who}", text, user, rbx=HOLE, rbp=HOLE, rdi=HOLE)

# Stacks.
for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    for text in ("push rax", "push 1", "pushw 1", "push qword ptr [rbx]", "pushfq", "pushfw", "push fs", "call .+8", "enter 16, 0", "enter 16, 1", "enter 8, 3"):
        for rsp in (HOLE + 8, BAD[1], HOLE + 4, HOLE + 2, HOLE):
            stacks.add(f"{text} with RSP {rsp:#x}, {who}", text, user, rsp=rsp, rbx=USER_DATA, rbp=USER_DATA + 0x800)
    for text in ("pop rax", "pop ax", "pop qword ptr [rbx]", "popfq", "popfw", "pop fs", "pop gs", "ret", "ret 8", "retfq", "iretq", "leave"):
        for rsp in (HOLE, HOLE - 4, BAD[1] & ~7, HOLE - 8):
            stacks.add(f"{text} with RSP {rsp:#x}, {who}", text, user, rsp=rsp, rbx=USER_DATA, rbp=rsp)
    stacks.add(f"pop to a bad address, {who}", "pop [rax]", user, rax=HOLE)
    stacks.add(f"pop to a bad address by rsp, {who}", "pop [rsp-8]", user, rsp=HOLE)
    stacks.add(f"push from a bad address, {who}", "push [rax]", user, rax=HOLE)
    stacks.add(f"push from a bad stack address, {who}", "push [rbp]", user, rbp=HOLE)
    stacks.add(f"pop rsp, {who}", "pop rsp", user, **stack(user, HOLE))
    stacks.add(f"leave to a bad rbp, {who}", "leave", user, rbp=HOLE)
    stacks.add(f"leave keeps rsp where it faults, {who}", "leave", user, rbp=UNMAPPED)
    stacks.add(f"enter with nesting from a bad rbp, {who}", "enter 0, 2", user, rbp=HOLE + 8)
    stacks.add(f"enter with nesting from a page that is not there, {who}", "enter 0, 2", user, rbp=UNMAPPED)
    stacks.add(f"enter to a page that is not there, {who}", "enter 0x2000, 0", user, rsp=(USER_DATA if user else KERNEL_STACK) + 0x20, memory=[page(USER_DATA - 0x2000, 0)])
    stacks.add(f"enter of 16 bits, {who}", "enterw 16, 2", user, rbp=USER_DATA + 0x800)
    stacks.add(f"leave of 16 bits, {who}", "leavew", user, rbp=USER_DATA + 0x800)
    stacks.add(f"pop over a page that is not there, {who}", "pop rax", user, rsp=USER_DATA + 0x7FFC)
    stacks.add(f"push over a page that is not there, {who}", "push rax", user, rsp=USER_DATA + 4)

# Strings.
for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    for text in ("movsb", "movsq", "cmpsb", "stosb", "lodsq", "scasb", "gs movsb", "fs lodsb"):
        for which in ("rsi", "rdi"):
            if which == "rdi" and text in ("lodsq", "fs lodsb") or which == "rsi" and text in ("stosb", "scasb"):
                continue
            regs = {"rsi": USER_DATA, "rdi": USER_DATA + 0x1000, "rcx": 0, **{which: HOLE}}
            strings.add(f"{text} with {which} in the hole, {who}", text, user, rflags=2 | IOPL, **regs)
            strings.add(f"rep {text} with {which} in the hole and rcx 0, {who}", "rep " + text if "cmps" not in text and "scas" not in text else "repne " + text, user, rflags=2 | IOPL, **regs)
    regs = {"rsi": USER_DATA, "rdi": USER_DATA + 0x1000, "rcx": 5, "rax": 0x11}
    for text in ("rep movsb", "rep movsw", "rep stosb", "rep lodsb", "repe cmpsb", "repne scasb"):
        for which in ("rsi", "rdi"):
            if which == "rdi" and "lods" in text or which == "rsi" and ("stos" in text or "scas" in text):
                continue
            for there, name in ((HOLE - 3, "the hole"), (USER_DATA + 0x7FFD, "a page that is not there")):
                strings.add(f"{text} runs with {which} into {name}, {who}", text, user, limit=8,
                            memory=[(USER_DATA_AT, bytes(16)), (EDGE_AT + 0xFF0, bytes(16)), (USER_DATA_AT + 0x7FF0, bytes(16))], **{**regs, which: there})
    strings.add(f"rep movsb downwards, {who}", "rep movsb", user, limit=8, **{**regs, "rsi": USER_DATA + 2, "rflags": 2 | DF})

# Bases.
MSRS = {"FS base": 0xC0000100, "GS base": 0xC0000101, "kernel GS base": 0xC0000102, "LSTAR": 0xC0000082, "CSTAR": 0xC0000083,
        "SYSENTER_ESP": 0x175, "SYSENTER_EIP": 0x176}
VALUES = BAD + [0, LAST, HIGH, 0x1000]
for name, msr in MSRS.items():
    for v in VALUES:
        bases.add(f"wrmsr {name}, {v:#x}", "wrmsr", rcx=msr, rax=v & 0xFFFFFFFF, rdx=v >> 32)
    bases.add(f"wrmsr ignores the upper halves, {name}", "wrmsr", rcx=msr | 7 << 32, rax=5 << 32 | 0x1000, rdx=9 << 32)
    bases.add(f"rdmsr {name}", "rdmsr", rcx=msr | 7 << 32, rax=-1, rdx=-1, fs={"base": 0x1234567}, gs={"base": HIGH}, kernel_gs_base=0x77)
    bases.add(f"wrmsr {name} at CPL 3", "wrmsr", True, rcx=msr)
    bases.add(f"rdmsr {name} at CPL 3", "rdmsr", True, rcx=msr)
for text in ("wrfsbase rax", "wrgsbase rax", "wrfsbase eax", "wrgsbase r9d", "rdfsbase rax", "rdgsbase rcx", "rdfsbase eax", "rdgsbase r9d"):
    for user in (False, True):
        for v in (HOLE, LAST, 0xFFFF7FFF00000000):
            bases.add(f"{text} {v:#x}, CPL {3 if user else 0}", text, user, cr4=CR4 | FSGSBASE, rax=v, r9=v, rcx=-1, fs={"base": 0x123456789A}, gs={"base": HIGH + 1})
        bases.add(f"{text} without CR4.FSGSBASE, CPL {3 if user else 0}", text, user)
for user in (False, True):
    bases.add(f"swapgs, CPL {3 if user else 0}", "swapgs", user, kernel_gs_base=HIGH + 0x123, gs={"base": 0x456})
    for text in ("lgdt [rbx]", "lidt [rbx]"):
        for v in VALUES:
            bases.add(f"{text} of base {v:#x}, CPL {3 if user else 0}", text, user, **pointer(user, struct.pack("<HQ", 0x7F, v)))
        bases.add(f"{text} with operand size 16, CPL {3 if user else 0}", "data16 " + text, user, **pointer(user, struct.pack("<HQ", 0x7F, HIGH + 5)))
    for text in ("sgdt [rbx]", "sidt [rbx]", "sldt eax", "sldt rax", "str eax", "str rax", "str ax", "smsw eax", "smsw rax", "smsw ax", "smsw [rbx]", "str [rbx]", "sldt [rbx]"):
        bases.add(f"{text}, CPL {3 if user else 0}", text, user, rax=-1, **pointer(user, bytes(16)))
    for v in (HOLE, HIGH, UNMAPPED, 0):
        bases.add(f"invlpg {v:#x}, CPL {3 if user else 0}", "invlpg [rbx]", user, rbx=v)
for base in (HOLE, BAD[1]):
    for selector, kind in ((TSS_FREE, 0x89), (LDTR, 0x82)):
        for text in ("ltr ax", "lldt ax"):
            bases.add(f"{text} of a descriptor with base {base:#x} and type {kind & 15:#x}", text, rax=selector, memory=[(GDT + selector, system_descriptor(kind, base, 0x67))])

GROUPS = [branches, data, stacks, strings, bases]
