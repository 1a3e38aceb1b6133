# SPDX-License-Identifier: GPL-2.0-or-later
"""IRET and far RET: selectors, stacks, flags."""

import struct

from case import Group
from world import *

selectors = Group("iret-selectors", "The CS and SS that IRETQ returns to (SDM vol. 2A, IRET).")
flags = Group("iret-flags", "Which flags IRET, POPF and their kin change, by CPL and IOPL.")
far = Group("far-transfers", "Far RET, CALL and JMP, call gates (SDM vol. 2B, RET; vol. 2A, CALL, JMP).")

AT, WHERE = 0x2F000, HIGH + 0x2F000
UAT, UWHERE = USER_DATA_AT + 0x7000, USER_DATA + 0x7000


def frame(user, *words, size=8):
    form = {8: "<Q", 4: "<I", 2: "<H"}[size]
    data = b"".join(struct.pack(form, w & (1 << 8 * size) - 1) for w in words)
    return {"memory": [(UAT if user else AT, data)], "rsp": UWHERE if user else WHERE}


CODES = {"0": 0, "3": 3, "0x1f0 (beyond the limit)": 0x1F0, "data": DS0, "code of CPL 0": CS0, "code of CPL 0 with RPL 3": CS0 | 3, "code of CPL 0 with RPL 1": CS0 | 1, "code of CPL 3": CS3, "code of CPL 3 with RPL 0": CS3 & ~3,
         "code of CPL 3 with RPL 1": CS3 & ~3 | 1, "32-bit code of CPL 3": CS3_32, "32-bit code of CPL 0": CS0_32, "conforming code": CONFORMING, "conforming code with RPL 3": CONFORMING | 3, "absent code": ABSENT_CODE, "absent code of CPL 3": CS3_ABSENT | 3,
         "code with L and D": CS0_LD, "code of CPL 3 with L and D": CS3_LD | 3, "execute-only code": EXECUTE_ONLY, "code of CPL 1": CS1 | 1, "a TSS": TR, "a call gate": CALL_GATE, "code in an LDT that is null": CS0 | 4, "reserved system type": SYSTEM_0}
STACKS = {"0": 0, "3": 3, "1": 1, "beyond the limit": 0x1F3, "data of CPL 0": DS0, "data of CPL 0 with RPL 3": DS0 | 3, "data of CPL 3": DS3, "data of CPL 3 with RPL 0": DS3 & ~3, "absent data of CPL 0": ABSENT_DATA, "absent data of CPL 3": DS3_ABSENT | 3, "read-only data": READ_ONLY,
          "read-only data of CPL 3": DS3_READ_ONLY | 3, "code": CS0, "code of CPL 3": CS3, "a TSS": TR | 3, "data of CPL 1": DS1 | 1, "expand-down data": EXPAND_DOWN, "data in an LDT that is null": DS3 | 4}

for name, selector in CODES.items():
    rpl = selector & 3
    for user in (False, True):
        land = USER_LAND if rpl or user else KERNEL_LAND
        good = {0: DS0, 1: DS1 | 1, 3: DS3}[rpl]
        selectors.add(f"iretq to {name} from CPL {3 if user else 0}", "iretq", user, **frame(user, land, selector, 2, USER_STACK, good))
        far.add(f"retfq to {name} from CPL {3 if user else 0}", "retfq", user, **frame(user, land, selector, USER_STACK, good))
        far.add(f"retfq 16 to {name} from CPL {3 if user else 0}", "retfq 16", user, **frame(user, land, selector, 0x11, 0x22, USER_STACK, good))
        for text in ("jmp", "call"):
            far.add(f"far {text} to {name} from CPL {3 if user else 0}", f"rex.w {text} fword ptr [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<QH", land, selector))])
for name, selector in STACKS.items():
    for code, land, who in ((CS0, KERNEL_LAND, "64-bit code of CPL 0"), (CS3, USER_LAND, "64-bit code of CPL 3"), (CS3_32, USER_LAND, "32-bit code of CPL 3"), (CS1 | 1, USER_LAND, "64-bit code of CPL 1")):
        selectors.add(f"iretq to {who} with SS {name}", "iretq", **frame(False, land, code, 2, USER_STACK, selector))
        if code != CS0:
            far.add(f"retfq to {who} with SS {name}", "retfq", **frame(False, land, code, USER_STACK, selector))
    selectors.add(f"iretq at CPL 3 with SS {name}", "iretq", True, **frame(True, USER_LAND, CS3, 2, USER_STACK, selector))
selectors.add("iretq with NT", "iretq", rflags=2 | NT, **frame(False, KERNEL_LAND, CS0, 2, KERNEL_STACK, DS0))
selectors.add("iretq with NT at CPL 3", "iretq", True, rflags=2 | NT, **frame(True, USER_LAND, CS3, 2, USER_STACK, DS3))
selectors.add("iretq from CPL 3 to CPL 0", "iretq", True, **frame(True, KERNEL_LAND, CS0, 2, KERNEL_STACK, DS0))
selectors.add("iretq beyond a 32-bit limit", "iretq", memory=[(AT, b"".join(map(quad, (0x500000, CS3_32, 2, USER_STACK, DS3)))), descriptor(CS3_32, 0x0040FB000000FFFF)], rsp=WHERE)
selectors.add("iretq from a page that is absent", "iretq", rsp=UNMAPPED)
selectors.add("iretq over the end of a page", "iretq", rsp=USER_DATA + 0x8000 - 16)
selectors.add("iretq with the null SS of an interrupt at CPL 0", "iretq", ss={"selector": 0, "base": 0, "limit": 0, "attr": 0}, **frame(False, KERNEL_LAND, CS0, 2, KERNEL_STACK, 0))
selectors.add("iretq to data segments that CPL 3 may keep", "iretq", ds=segment(DS3), es=segment(DS3), fs=segment(DS3, 0x1000), gs=segment(DS0, 0x2000), **frame(False, USER_LAND, CS3, 2, USER_STACK, DS3))
selectors.add("iretq clears DS that is conforming code? no", "iretq", ds=segment(CONFORMING), es=segment(CS0), **frame(False, USER_LAND, CS3, 2, USER_STACK, DS3))
selectors.add("iretq with null FS and GS with bases", "iretq", fs={"selector": 0, "base": 0x1234, "limit": 0, "attr": 0}, gs={"selector": 3, "base": HIGH, "limit": 0, "attr": 0}, **frame(False, USER_LAND, CS3, 2, USER_STACK, DS3))
selectors.add("iretq sets the accessed bits", "iretq", memory=[(AT, b"".join(map(quad, (USER_LAND, CS3, 2, USER_STACK, DS3)))), descriptor(CS3, DESCRIPTORS[CS3] & ~(1 << 40)), descriptor(DS3, DESCRIPTORS[DS3] & ~(1 << 40))], rsp=WHERE)
for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    code, ss, land, sp = (CS3, DS3, USER_LAND, USER_STACK) if user else (CS0, DS0, KERNEL_LAND, KERNEL_STACK)
    selectors.add(f"iretd of five words, {who}", "iretd", user, **frame(user, USER_LAND, CS3, 2, USER_STACK, DS3, size=4))
    if user:
        selectors.add(f"iretw of five words, {who}", "iretw", user, memory=[(UAT, struct.pack("<5H", 0x800, CS3, 2, 0x7000, DS3)), page(0, RW_USER, USER_CODE_AT)], rsp=UWHERE)
    ALL = 0x3F7FD7
    for iopl in (0, 3):
        for new, name in ((ALL & ~TF & ~NT, "all"), (2, "none"), (2 | IF, "IF"), (2 | IOPL, "IOPL"), (2 | RF, "RF"), (2 | 1 << 17, "VM"), (2 | 3 << 19, "VIF and VIP"), (2 | 1 << 21, "ID"), (2 | AC, "AC"), (2 | NT, "NT"), (2 | TF, "TF"), (0xFFFFFFFFFFC0802A, "reserved")):
            for old_flags in (2 | iopl << 12, 2 | iopl << 12 | IF | AC | DF | 1 << 21):
                tag = f"{name} over {old_flags:#x}, {who}"
                flags.add(f"iretq, {tag}", "iretq", user, rflags=old_flags, **frame(user, land, code, new, sp, ss))
                flags.add(f"popfq, {tag}", "popfq; nop; nop", user, rflags=old_flags, **frame(user, new))
                if old_flags & IF:
                    flags.add(f"popfw, {tag}", "popfw; nop; nop", user, rflags=old_flags, **frame(user, new, size=2))
                if not user:
                    flags.add(f"iretq to CPL 3, {tag}", "iretq", user, rflags=old_flags, **frame(False, USER_LAND, CS3, new, USER_STACK, DS3))
        for text in ("cli", "sti", "pushfq"):
            for old_flags in (2 | iopl << 12, 2 | iopl << 12 | IF, 2 | iopl << 12 | RF | AC):
                flags.add(f"{text} with {old_flags:#x}, {who}", text, user, rflags=old_flags)
        flags.add(f"stac with IOPL {iopl}, {who}", "stac", user, cr4=CR4 | SMAP, rflags=2 | iopl << 12)
        flags.add(f"clac with IOPL {iopl}, {who}", "clac", user, cr4=CR4 | SMAP, rflags=2 | iopl << 12 | AC)

# Far transfers of other sizes, and gates.
for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    code, ss, land, sp = (CS3, DS3, USER_LAND, USER_STACK) if user else (CS0, DS0, KERNEL_LAND, KERNEL_STACK)
    far.add(f"retfd to a low address, {who}", "retfd", user, **frame(user, USER_LAND, CS3, USER_STACK, DS3, size=4))
    far.add(f"retfq, {who}", "retfq", user, **frame(user, land, code))
    far.add(f"retfq with NT, {who}", "retfq", user, rflags=2 | NT, **frame(user, land, code))
    far.add(f"retfq 0x8000, {who}", "retfq 0x8000", user, **frame(user, land, code))
    far.add(f"ret 0x8000, {who}", "ret 0x8000", user, **frame(user, land))
    far.add(f"ret 0x7ff8, {who}", "ret 0x7ff8", user, **frame(user, land))
    far.add(f"retfq from a page that is absent, {who}", "retfq", user, rsp=UNMAPPED)
    far.add(f"far call with a stack that is absent, {who}", "rex.w call fword ptr [rbx]", user, rbx=USER_DATA, rsp=UNMAPPED, memory=[(USER_DATA_AT, struct.pack("<QH", land, code))])
    far.add(f"far call with a stack in the hole, {who}", "rex.w call fword ptr [rbx]", user, rbx=USER_DATA, rsp=HOLE + 8, memory=[(USER_DATA_AT, struct.pack("<QH", land, code))])
    far.add(f"far jmp of 32 bits, {who}", "jmp fword ptr [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<IH", USER_LAND, code))])
    far.add(f"far call of 32 bits, {who}", "call fword ptr [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<IH", USER_LAND, code))])
    far.add(f"far jmp of 16 bits, {who}", "data16 jmp fword ptr [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<HH", 0x800, code)), page(0, RW_USER if user else P | W | A | D, USER_CODE_AT)], limit=3)
    far.add(f"far jmp to a register, {who}", ".byte 0xff, 0xe8", user)
    for text in ("jmp", "call"):
        far.add(f"far {text} through memory that is absent, {who}", f"rex.w {text} fword ptr [rbx]", user, rbx=UNMAPPED)
        for name, dpl, what in (("good", 3, {}), ("DPL 0", 0, {}), ("not present", 3, {"present": 0}), ("16-bit", 3, {"kind": 4}), ("a task gate", 3, {"kind": 5})):
            for target_name, target in (("CPL 0", CS0), ("CPL 3", CS3), ("null", 0), ("data", DS0), ("32-bit", CS0_32), ("absent", ABSENT_CODE), ("conforming", CONFORMING), ("beyond", 0x1F8)):
                if name != "good" and target != CS0:
                    continue
                g = call_gate(land if target == CS3 else KERNEL_LAND, target, dpl=dpl, **what)
                far.add(f"far {text} through a gate that is {name} to {target_name}, {who}", f"{text} fword ptr [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<IH", 0, CALL_GATE3 | (3 if user else 0))), (GDT + CALL_GATE3, g)])
        for offset in (HOLE, UNMAPPED):
            far.add(f"far {text} through a gate to {offset:#x}, {who}", f"{text} fword ptr [rbx]", user, rbx=USER_DATA, limit=3, memory=[(USER_DATA_AT, struct.pack("<IH", 0, CALL_GATE3)), (GDT + CALL_GATE3, call_gate(offset, CS0, dpl=3))])
        far.add(f"far {text} through a gate whose upper half has a type, {who}", f"{text} fword ptr [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<IH", 0, CALL_GATE3)), (GDT + CALL_GATE3, call_gate(KERNEL_LAND, CS0, dpl=3)[:12] + b"\0\x0c\0\0")])
    far.add(f"far call through a gate, RSP0 in the hole, {who}", "call fword ptr [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<IH", 0, CALL_GATE3)), (TSS + 4, quad(HOLE))])
    far.add(f"far call through a gate, RSP0 absent, {who}", "call fword ptr [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<IH", 0, CALL_GATE3)), (TSS + 4, quad(UNMAPPED))])
    far.add(f"far jmp to a TSS, {who}", "jmp fword ptr [rbx]", user, rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<IH", 0, TSS_FREE))])

GROUPS = [selectors, flags, far]
