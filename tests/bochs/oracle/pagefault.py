# SPDX-License-Identifier: GPL-2.0-or-later
"""Page faults: error codes by access, rights and control bits; accessed and dirty bits."""

import struct

from case import Group
from world import *

rights = Group("page-rights", "Who may do what to a page (SDM vol. 3A 5.6), and the error code where he may not.")
structures = Group("page-structures", "Rights, presence and reserved bits at each level; accessed and dirty bits.")
implicit = Group("page-implicit", "Accesses that are the supervisor's whatever the CPL; SMEP and SMAP on the way to a handler.")
keys = Group("page-keys", "Protection keys. This Bochs has none: what is expected is the manual's table (SDM vol. 3A 5.6.2).")

ACCESSES = {
    "read": "mov rcx, [rbx]", "write": "mov [rbx], rcx", "read-modify-write": "add dword ptr [rbx], 1", "fetch": "jmp rbx",
}
PAGES = {"absent": 0, "supervisor, read-only": P, "supervisor": P | W, "user, read-only": P | U, "user": P | W | U}


def controls(access, user):
    """The settings of CR0, CR4 and RFLAGS that matter to an access."""
    yield "", {}
    if not user and access == "fetch":
        yield "SMEP", {"cr4": CR4 | SMEP}
    if not user and access != "fetch":
        yield "SMAP", {"cr4": CR4 | SMAP}
        yield "SMAP, AC", {"cr4": CR4 | SMAP, "rflags": 2 | AC}
    if not user and "write" in access:
        yield "WP clear", {"cr0": CR0 & ~WP}
        yield "WP clear, SMAP", {"cr0": CR0 & ~WP, "cr4": CR4 | SMAP}
        yield "WP clear, SMAP, AC", {"cr0": CR0 & ~WP, "cr4": CR4 | SMAP, "rflags": 2 | AC}
    if user:
        yield "SMEP, SMAP", {"cr4": CR4 | SMEP | SMAP}
    if access == "fetch":
        yield "NXE clear", {"efer": EFER & ~0x800}


for access, text in ACCESSES.items():
    for user in (False, True):
        for name, bits in PAGES.items():
            for nx in (0, NX):
                for about, regs in controls(access, user):
                    if nx and access != "fetch" and about:
                        continue
                    if "NXE" in about and user:  # the user's data is NX
                        continue
                    rights.add(", ".join(filter(None, [f"{access} at CPL {3 if user else 0} of a page that is {name}", "NX" if nx else "", about])),
                               text, user, memory=[page(TEST_PAGE, bits | nx), (TEST_AT, b"\xf4" * 8)], rbx=TEST_PAGE, limit=3, **regs)

# Instructions that read in order to write ask for the right to write at once.
RMW = ["xchg [rbx], rcx", "cmpxchg [rbx], rcx", "lock cmpxchg [rbx], rcx", "xadd [rbx], ecx", "lock xadd [rbx], rcx", "inc qword ptr [rbx]", "neg byte ptr [rbx]",
       "bts dword ptr [rbx], 1", "lock btr qword ptr [rbx], rcx", "btc [rbx], ecx", "shl dword ptr [rbx], cl", "shld [rbx], ecx, 4", "cmpxchg8b [rbx]", "cmpxchg16b [rbx]", "lock cmpxchg16b [rbx]",
       "or byte ptr [rbx], 0", "adc [rbx], ecx", "rol word ptr [rbx], 1", "setz [rbx]", "pop [rbx]", "not dword ptr [rbx]", "sbb dword ptr [rbx], 0"]
READS = ["cmp [rbx], ecx", "test [rbx], ecx", "bt dword ptr [rbx], 1", "mul qword ptr [rbx]", "push [rbx]", "jmp [rbx]", "call [rbx]", "movups xmm0, [rbx]", "popcnt rcx, [rbx]"]
for user in (False, True):
    for text in RMW + READS:
        structures.add(f"{text} on a read-only page, CPL {3 if user else 0}", text, user, rbx=TEST_PAGE, memory=[page(TEST_PAGE, P | U)], rax=0x12345678)
    for text in ("cmpxchg [rbx], rcx", "cmpxchg16b [rbx]"):
        structures.add(f"{text} that is not equal, CPL {3 if user else 0}", text, user, rbx=TEST_PAGE, rax=1, rdx=1, memory=[page(TEST_PAGE, P | W | U)])
        structures.add(f"{text} that is equal, CPL {3 if user else 0}", text, user, rbx=TEST_PAGE, rax=0x2000, rdx=0x2008, memory=[page(TEST_PAGE, P | W | U)])
structures.add("cmpxchg16b that is not aligned", "cmpxchg16b [rbx]", rbx=TEST_PAGE + 8)
structures.add("movaps that is not aligned", "movaps xmm0, [rbx]", rbx=TEST_PAGE + 8)
structures.add("movaps that is not aligned, page absent", "movaps xmm0, [rbx]", rbx=UNMAPPED + 8)
structures.add("fxsave that is not aligned", "fxsave [rbx]", rbx=TEST_PAGE + 8)

LEVELS = ["PTE", "PDE", "PDPTE", "PML4E"]


def old(level):
    return struct.unpack_from("<Q", memory.bytes, entry(TEST_PAGE, level))[0]


for level, name in enumerate(LEVELS):
    base = old(level)
    # The user's code hangs on the same upper entries, so the kernel tries them.
    for what, bits in (("not present", base & ~P), ("not writable", base & ~W), ("supervisor's", base & ~U), ("NX", base | NX),
                       ("with reserved bit 40", base | 1 << 40), ("with reserved bit 51", base | 1 << 51), ("with bits 52 to 58", base | 0x7F << 52), ("with reserved bit 45, not present", base & ~P | 1 << 45),
                       ("not accessed", base & ~A)):
        for access, text in ACCESSES.items():
            structures.add(f"{access}, {name} {what}", text, rbx=TEST_PAGE, memory=[(entry(TEST_PAGE, level), quad(bits)), (TEST_AT, b"\xf4" * 8)], limit=3)
            if level == 0:
                structures.add(f"{access} at CPL 3, {name} {what}", text, True, rbx=TEST_PAGE, memory=[(entry(TEST_PAGE, level), quad(bits)), (TEST_AT, b"\xf4" * 8)], limit=3)
        structures.add(f"read, {name} {what}, SMAP", ACCESSES["read"], rbx=TEST_PAGE, memory=[(entry(TEST_PAGE, level), quad(bits))], cr4=CR4 | SMAP)
    structures.add(f"read, {name} NX with EFER.NXE clear", ACCESSES["read"], rbx=TEST_PAGE, memory=[(entry(TEST_PAGE, level), quad(base | NX))], efer=EFER & ~0x800)
    structures.add(f"write, {name} not writable, WP clear", ACCESSES["write"], rbx=TEST_PAGE, memory=[(entry(TEST_PAGE, level), quad(base & ~W))], cr0=CR0 & ~WP)
structures.add("PS in a PML4E is reserved", ACCESSES["read"], rbx=TEST_PAGE, memory=[(entry(TEST_PAGE, 3), quad(old(3) | PS))])
for bit in (12, 13, 20, 40):
    structures.add(f"2 MiB page with bit {bit} of its address", ACCESSES["write"], rbx=TEST_PAGE, memory=[(entry(TEST_PAGE, 1), quad(RW_USER | PS | 1 << bit))])
structures.add("2 MiB page: what is written", ACCESSES["write"], rbx=TEST_PAGE + TEST_AT, rcx=0x77, memory=[(entry(TEST_PAGE, 1), quad(P | W | U | PS))])
structures.add("2 MiB page: what is read", ACCESSES["read"], rbx=TEST_PAGE + TEST_AT, memory=[(entry(TEST_PAGE, 1), quad(P | W | U | PS))])
for bit in (13, 29, 30, 51):
    structures.add(f"1 GiB page with bit {bit} of its address", ACCESSES["read"], rbx=TEST_PAGE, memory=[(entry(TEST_PAGE, 2), quad(RW_USER | PS | 1 << bit))] if bit != 30 else [(entry(TEST_PAGE, 2), quad(RW_USER | PS | 1 << 29 | 1 << 14))])
for access, text in ACCESSES.items():
    structures.add(f"{access} sets accessed and dirty", text, rbx=TEST_PAGE, memory=[page(TEST_PAGE, P | W | U), (TEST_AT, b"\xf4" * 8)], limit=3)
    structures.add(f"{access} of a page that is refused sets neither", text, True, rbx=TEST_PAGE, memory=[page(TEST_PAGE, P | NX)], limit=3)

# Over the end of a page.
SECOND = TEST_PAGE + 0x1000
for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    for what, first, second in (("second absent", RW_USER, 0), ("first absent", 0, RW_USER), ("both absent", 0, 0), ("second read-only", RW_USER, P | U), ("second the supervisor's", RW_USER, P | W | A | D)):
        for text in ("mov rcx, [rbx]", "mov [rbx], rcx", "add [rbx], rcx", "movups [rbx], xmm0", "fld1; fstp tbyte ptr [rbx]", "push [rbx]", "xchg [rbx], rcx"):
            structures.add(f"{text} over two pages, {what}, {who}", text, user, rbx=SECOND - 4, rcx=-1, memory=[page(TEST_PAGE, first), page(SECOND, second, TEST_AT + 0x1000)])
    for what, second in (("absent", 0), ("NX", RW_USER | NX)):
        structures.add(f"an instruction over two pages, second {what}, {who}", "mov rax, 0x1122334455667788", user, at=SECOND - 4, physical=TEST_AT + 0xFFC,
                       memory=[page(TEST_PAGE, RW_USER if user else P | W | A | D), page(SECOND, second if user else second & ~U, TEST_AT + 0x1000)])
    structures.add(f"falls into a page that is absent, {who}", "nop; nop", user, at=SECOND - 1, physical=TEST_AT + 0xFFF, limit=4,
                   memory=[page(TEST_PAGE, RW_USER if user else P | W | A | D), page(SECOND, 0, TEST_AT + 0x1000)])

# Implicit accesses.
USER_PAGE = P | W | U | A | D


def system_page(physical, bits=USER_PAGE):
    return page(HIGH + physical, bits, physical)


for regs_name, regs in (("no SMAP", {}), ("SMAP", {"cr4": CR4 | SMAP}), ("SMAP, AC", {"cr4": CR4 | SMAP, "rflags": 2 | AC})):
    for user in (False, True):
        who = "CPL 3" if user else "CPL 0"
        implicit.add(f"GDT in a user page, {regs_name}, {who}", "mov fs, eax", user, rax=DS3, memory=[system_page(GDT)], **regs)
        implicit.add(f"IDT in a user page, {regs_name}, {who}", "int3", user, memory=[system_page(IDT)], **regs)
        implicit.add(f"TSS in a user page, {regs_name}, {who}", "int3", user, memory=[system_page(TSS)], **regs)
        implicit.add(f"TSS in a user page, IST, {regs_name}, {who}", "int3", user, memory=[system_page(TSS), gate(3, ist=1, dpl=3)], **regs)
        implicit.add(f"handler's stack in a user page, {regs_name}, {who}", "int3", user, memory=[system_page(0x2F000)], **regs)
        implicit.add(f"IST stack in a user page, {regs_name}, {who}", "int3", user, memory=[system_page(0x33000), gate(3, ist=1, dpl=3)], **regs)
        implicit.add(f"verr, GDT in a user page, {regs_name}, {who}", "verr ax", user, rax=DS3, memory=[system_page(GDT)], **regs)
    implicit.add(f"iretq from a user page, {regs_name}", "iretq", rsp=USER_DATA + 0x7000, memory=[(USER_DATA_AT + 0x7000, b"".join(map(quad, (USER_LAND, CS3, 2, USER_STACK, DS3))))], **regs)
    implicit.add(f"push to a user page, {regs_name}", "push rax", rsp=USER_STACK, **regs)
    implicit.add(f"lgdt from a user page, {regs_name}", "lgdt [rbx]", rbx=USER_DATA, memory=[(USER_DATA_AT, struct.pack("<HQ", 0x7F, HIGH))], **regs)
    implicit.add(f"movsb from a user page, {regs_name}", "movsb", rsi=USER_DATA, rdi=KERNEL_DATA, **regs)
    implicit.add(f"clflush of a user page, {regs_name}", "clflush [rbx]", rbx=USER_DATA, **regs)
    implicit.add(f"prefetch of a user page, {regs_name}", "prefetcht0 [rbx]", rbx=USER_DATA, **regs)
for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    for what, bits in (("absent", 0), ("a user page", RW_USER), ("NX", P | W | A | D | NX)):
        for name, regs in (("", {}), (", SMEP", {"cr4": CR4 | SMEP})):
            implicit.add(f"handler in a page that is {what}{name}, {who}", "int3", user, limit=3, memory=[gate(3, offset=KERNEL_DATA + 8, dpl=3), system_page(DATA, bits), (DATA, b"\xf4" * 64)], **regs)
    for what, at in (("IDT", IDT), ("GDT", GDT), ("TSS", TSS), ("stack", 0x2F000)):
        implicit.add(f"int3 with the {what} in a page that is absent, {who}", "int3", user, memory=[system_page(at, 0)] + ([gate(3, ist=1, dpl=3)] if what == "TSS" else []))
        implicit.add(f"int3 with the {what} in a page that is read-only, {who}", "int3", user, memory=[system_page(at, P | A | D)] + ([gate(3, ist=1, dpl=3)] if what == "TSS" else []))
implicit.add("the accessed bit of a descriptor in a read-only page", "mov fs, eax", rax=DS0, memory=[descriptor(DS0, DESCRIPTORS[DS0] & ~(1 << 40)), system_page(GDT, P | A | D)])
implicit.add("the accessed bit of a descriptor in a read-only page, WP clear", "mov fs, eax", rax=DS0, cr0=CR0 & ~WP, memory=[descriptor(DS0, DESCRIPTORS[DS0] & ~(1 << 40)), system_page(GDT, P | A | D)])
implicit.add("the accessed bit of the handler's CS in a read-only page", "int3", memory=[descriptor(CS0, DESCRIPTORS[CS0] & ~(1 << 40)), system_page(GDT, P | A | D)])
implicit.add("the accessed bit of the handler's CS", "int3", memory=[descriptor(CS0, DESCRIPTORS[CS0] & ~(1 << 40))])

# Protection keys: WRPKRU, then the access. Key 5 has AD or WD.
for user in (False, True):
    for name, pkru in (("neither", 0), ("AD", 1 << 10), ("WD", 2 << 10), ("AD of another key", 1 << 8)):
        for access, text in ACCESSES.items():
            for page_name, bits in (("a user page", RW_USER), ("a supervisor's page", P | W | A | D), ("a read-only user page", P | U | A | D), ("an absent page", 0)):
                for wp in (True, False):
                    if not wp and (user or "write" not in access):
                        continue
                    keys.add(f"{access} of {page_name} at CPL {3 if user else 0}, {name}" + ("" if wp else ", WP clear"), f"mov eax, {pkru}; xor ecx, ecx; xor edx, edx; wrpkru; {text}", user, oracle="manual",
                             memory=[page(TEST_PAGE, bits | 5 << 59), (TEST_AT, b"\xf4" * 8)], rbx=TEST_PAGE, cr4=CR4 | PKE | OSXSAVE, cr0=CR0 if wp else CR0 & ~WP, xcr0=0x201, limit=8)
                    keys.cases[-1]["manual"] = {"pkru": pkru >> 10 & 3, "access": access, "bits": bits, "wp": wp}

GROUPS = [rights, structures, implicit, keys]
