# SPDX-License-Identifier: GPL-2.0-or-later
"""SYSCALL, SYSRET, SYSENTER and SYSEXIT."""

from case import Group
from world import *

fast = Group("fast-calls", "SYSCALL, SYSRET, SYSENTER, SYSEXIT: selectors, flags, what they refuse (SDM vol. 2B).")

ALL = 0x247FD7 & ~TF  # no single step
STAR = CS0 << 32 | CS3_32 << 48
for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    for mask in (0, 0x700, 0x47700, 0xFFFFFFFF, 2):
        for old in (2, ALL, 2 | IF | RF, 2 | AC | NT | DF | IF):
            fast.add(f"syscall with FMASK {mask:#x} and flags {old:#x}, {who}", "syscall", user, fmask=mask, rflags=old)
    for text in ("syscall", "sysretq", "sysretd", "sysenter", "sysexitq", "sysexitd"):
        fast.add(f"{text} with EFER.SCE clear, {who}", text, user, efer=EFER & ~1, rcx=USER_LAND, rdx=USER_LAND)
        fast.add(f"{text}, {who}", text, user, rcx=USER_LAND, rdx=USER_LAND, r11=2)
        fast.add(f"lock {text}, {who}", ".byte 0xf0; " + text, user, rcx=USER_LAND, rdx=USER_LAND, r11=2)
        fast.add(f"{text} with SYSENTER_CS 0, {who}", text, user, sysenter_cs=0, rcx=USER_LAND, rdx=USER_LAND, r11=2)
    for selector in (0, 3, 0x13, 0xFFFB, 0x1230):
        fast.add(f"syscall with STAR's selector {selector:#x}, {who}", "syscall", user, star=selector << 32)
        fast.add(f"sysenter with selector {selector:#x}, {who}", "sysenter", user, sysenter_cs=selector, rflags=ALL)
    fast.add(f"syscall to a page that is absent, {who}", "syscall", user, lstar=UNMAPPED, limit=3)
    fast.add(f"syscall to a user page with SMEP, {who}", "syscall", user, lstar=USER_LAND + 8, cr4=CR4 | SMEP, limit=3)
    fast.add(f"sysenter to a page that is absent, {who}", "sysenter", user, sysenter_eip=UNMAPPED, limit=3)
    fast.add(f"sysenter flags, {who}", "sysenter", user, rflags=2 | IF | AC | NT | DF | RF | IOPL)
for r11 in (0, 2, ALL, 0xFFFFFFFFFFFFFEFF, RF | 2, 1 << 17, IOPL, NT, 3 << 19):
    fast.add(f"sysretq with R11 {r11:#x}", "sysretq", rcx=USER_LAND, r11=r11)
    fast.add(f"sysretd with R11 {r11:#x}", "sysretd", rcx=USER_LAND, r11=r11)
for selector in (0, 3, 0x1B, 0xFFEB, 0x1230):
    fast.add(f"sysretq with STAR's selector {selector:#x}", "sysretq", star=selector << 48, rcx=USER_LAND, r11=2)
    fast.add(f"sysretd with STAR's selector {selector:#x}", "sysretd", star=selector << 48, rcx=USER_LAND, r11=2)
    fast.add(f"sysexitq with selector {selector:#x}", "sysexitq", sysenter_cs=selector, rdx=USER_LAND, rcx=USER_STACK)
    fast.add(f"sysexitd with selector {selector:#x}", "sysexitd", sysenter_cs=selector, rdx=USER_LAND, rcx=USER_STACK)
for target in (UNMAPPED, KERNEL_LAND + 8, 0x00007FFFFFFFFFFF, HIGH, 0xFFFFFFFFFFFFFFFF):
    fast.add(f"sysretq to {target:#x}", "sysretq", rcx=target, r11=2, limit=2)
    fast.add(f"sysexitq to {target:#x}", "sysexitq", rdx=target, rcx=USER_STACK, limit=2)
fast.add("sysretd drops the upper half", "sysretd", rcx=USER_LAND | 1 << 40, r11=2)
fast.add("sysexitd drops the upper halves", "sysexitd", rdx=USER_LAND | 1 << 40, rcx=USER_STACK | 1 << 40)
fast.add("sysretq keeps RSP", "sysretq", rcx=USER_LAND, r11=2, rsp=HOLE)
fast.add("sysexitq with flags", "sysexitq", rdx=USER_LAND, rcx=USER_STACK, rflags=2 | AC | NT | DF | IF | IOPL)
fast.add("sysretq with data segments of the kernel", "sysretq", rcx=USER_LAND, r11=2, ds=segment(DS0), fs=segment(DS0, 0x1000))
fast.add("syscall from 32-bit code", ".byte 0x0f, 0x05", True, cs=segment(CS3_32))
fast.add("sysenter from 32-bit code", ".byte 0x0f, 0x34", True, cs=segment(CS3_32))

GROUPS = [fast]
