# SPDX-License-Identifier: GPL-2.0-or-later
"""Loads of segment registers, and instructions that read descriptors."""

import struct

from case import Group
from iret import CODES, STACKS
from world import *

# LAR leaves bits 19:16 open: they are masked.

loads = Group("segment-loads", "MOV to, POP of and LFS of segment registers (SDM vol. 2B, MOV; vol. 3A 6.6).")
tests = Group("descriptor-tests", "LAR, LSL, VERR, VERW; LTR, LLDT.")

ALL = {**CODES, **{f"stack: {n}": s for n, s in STACKS.items()}}
SEEN = {}
for name, selector in ALL.items():
    if selector in SEEN:
        continue
    SEEN[selector] = name
    for user in (False, True):
        who = "CPL 3" if user else "CPL 0"
        for register in ("ds", "fs", "ss"):
            loads.add(f"mov {register}, {name}, {who}", f"mov {register}, eax", user, rax=selector, fs={"base": 0x1234})
        loads.add(f"pop gs, {name}, {who}", "pop gs", user, rsp=USER_DATA, memory=[(USER_DATA_AT, quad(selector))], gs={"base": 0x1234})
        loads.add(f"lfs, {name}, {who}", "lfs ecx, [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<IH", 5, selector))])
        loads.add(f"lss, {name}, {who}", "lss esp, [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<IH", USER_DATA + 0x100, selector))])
        for text in ("lar", "lsl"):
            tests.add(f"{text}, {name}, {who}", f"{text} ecx, eax; setz dl; " + ("and ecx, 0xfff0ffff" if text == "lar" else ""), user, rax=selector, rcx=-1)
        for text in ("verr", "verw"):
            tests.add(f"{text}, {name}, {who}", f"{text} ax; setz dl", user, rax=selector)
    for text in ("ltr", "lldt"):
        tests.add(f"{text}, {name}", f"{text} ax", rax=selector)
for kind in range(16):
    system = [(GDT + LDTR, system_descriptor(0x80 | kind, HIGH + LDT, 0xFF))]
    for text in ("lar ecx, eax; setz dl; and ecx, 0xfff0ffff", "lsl ecx, eax; setz dl"):
        tests.add(f"{text[:3]} of system type {kind}", text, rax=LDTR, memory=system, rcx=-1)
    for text in ("ltr ax", "lldt ax"):
        tests.add(f"{text[:-3]} of system type {kind}", text, rax=LDTR, memory=system)
        tests.add(f"{text[:-3]} of system type {kind}, not present", text, rax=LDTR, memory=[(GDT + LDTR, system_descriptor(kind, HIGH + LDT, 0xFF))])
for text in ("ltr ax", "lldt ax"):
    tests.add(f"{text} with the upper half's type set", text, rax=LDTR if "lldt" in text else TSS_FREE, memory=[(GDT + (LDTR if "lldt" in text else TSS_FREE) + 12, b"\x00\x01\0\0")])
    tests.add(f"{text} with the upper half beyond the limit", text, rax=LDTR if "lldt" in text else TSS_FREE, gdtr={"limit": (LDTR if "lldt" in text else TSS_FREE) + 14})
    tests.add(f"{text} from memory that is absent", text.replace("ax", "[rbx]"), rbx=UNMAPPED)
    tests.add(f"{text} good", text, rax=LDTR if "lldt" in text else TSS_FREE)
    tests.add(f"{text} with RPL 3", text, rax=(LDTR if "lldt" in text else TSS_FREE) | 3)
for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    ldt = {"ldtr": {"selector": LDTR, "base": HIGH + LDT, "limit": 0xF, "attr": 0x82}}
    entries = [(LDT + 8, quad(DESCRIPTORS[DS3 & ~3 | 3]))]
    for selector, name in ((12 | 3, "in the LDT"), (4 | 3, "the LDT's first entry"), (20 | 3, "beyond the LDT")):
        loads.add(f"mov fs, a selector {name}, {who}", "mov fs, eax", user, rax=selector, memory=entries, **ldt)
        tests.add(f"verr of a selector {name}, {who}", "verr ax; setz dl", user, rax=selector, memory=entries, **ldt)
    loads.add(f"mov fs sets the accessed bit, {who}", "mov fs, eax", user, rax=DS3, memory=[descriptor(DS3, DESCRIPTORS[DS3] & ~(1 << 40))])
    loads.add(f"mov fs, GDT absent, {who}", "mov fs, eax", user, rax=DS3, gdtr={"base": UNMAPPED})
    loads.add(f"mov fs, GDT in the hole, {who}", "mov fs, eax", user, rax=DS3, gdtr={"base": HOLE})
    loads.add(f"mov fs from memory that is absent, {who}", "mov fs, [rbx]", user, rbx=UNMAPPED)
    loads.add(f"mov fs drops the upper bits, {who}", "mov fs, rax", user, rax=DS3 | 0xFFFF0000)
    loads.add(f"mov to memory, {who}", "mov [rbx], fs", user, rbx=USER_DATA, memory=[(USER_DATA_AT, b"\xff" * 8)])
    loads.add(f"mov rax, fs, {who}", "mov rax, fs", user, rax=-1)
    loads.add(f"mov eax, fs, {who}", "mov eax, fs", user, rax=-1)
    loads.add(f"mov ax, fs, {who}", "mov ax, fs", user, rax=-1)
    loads.add(f"push fs, {who}", "push fs", user, memory=[(USER_DATA_AT + 0x7EF8, b"\xff" * 8), (0x2FFF8, b"\xff" * 8)])
    loads.add(f"lfs with a bad selector keeps the register, {who}", "lfs ecx, [rbx]", user, rbx=USER_DATA, rcx=7, memory=[(USER_DATA_AT, struct.pack("<IH", 5, 0x1F8))])
    loads.add(f"lfs of 64 bits, {who}", ".byte 0x48; lfs ecx, [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<QH", 5, DS3))])
    tests.add(f"lar of 64 bits, {who}", ".byte 0x48; lar ecx, eax; setz dl; and ecx, 0xfff0ffff", user, rax=DS3, rcx=-1)
    tests.add(f"lar of 16 bits, {who}", "lar cx, ax; setz dl", user, rax=DS3, rcx=-1)
    tests.add(f"lsl of 16 bits, {who}", "lsl cx, ax; setz dl", user, rax=DS3, rcx=-1)
    tests.add(f"lar with the GDT absent, {who}", "lar ecx, eax", user, rax=DS3, gdtr={"base": UNMAPPED})

GROUPS = [loads, tests]
