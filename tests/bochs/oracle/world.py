# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine that every case starts from: 64-bit mode, all tables in place.

Physical memory is 2 MiB, mapped for the supervisor at HIGH, page by page. Two
pages of user code and some of user data are mapped low, and a page ends at the
last canonical address of the lower half. Every vector has a gate; both
machines stop where a handler would begin, with the frame just pushed.
"""

import struct

HIGH = 0xFFFF800000000000
RAM = 2 << 20

GDT, IDT, TSS, LDT = 0x2000, 0x3000, 0x4000, 0x5000
HANDLERS = 0x8000  # 16 bytes for each vector
CODE = 0x10000
DATA = 0x40000  # 64 KiB
USER_CODE_AT, USER_DATA_AT, EDGE_AT = 0x80000, 0x90000, 0x9C000
TABLES = 0x100000

KERNEL_CODE = HIGH + CODE
KERNEL_LAND = KERNEL_CODE + 0x800  # where returns to CPL 0 go
KERNEL_DATA = HIGH + DATA
KERNEL_STACK = HIGH + 0x30000  # RSP0, and RSP at the start
IST1, IST2 = HIGH + 0x34000, HIGH + 0x38000
SYSCALL_LAND = HIGH + HANDLERS + 0x1000
SYSENTER_LAND = SYSCALL_LAND + 0x10

USER_CODE = 0x400000  # 2 pages
USER_LAND = USER_CODE + 0x800  # where returns to CPL 3 go
USER_DATA = 0x500000  # 8 pages; the stack is at the end
USER_STACK = USER_DATA + 0x7F00
TEST_PAGE = 0x600000  # mapped as the case likes, to user data
TEST_AT = 0x98000
UNMAPPED = 0x700000
EDGE = 0x00007FFFFFFFF000  # the last page of the lower half
HOLE = 0x0000800000000000  # the first address that is not canonical

# Selectors.
CS0, DS0 = 0x10, 0x18
CS3_32, DS3, CS3 = 0x23, 0x2B, 0x33
TR, LDTR = 0x38, 0x48
ABSENT_DATA, CS0_32, CONFORMING, EXECUTE_ONLY, READ_ONLY = 0x58, 0x60, 0x68, 0x70, 0x78
ABSENT_CODE, CS0_LD, CS3_ABSENT, DS3_ABSENT, DS3_READ_ONLY = 0x80, 0x88, 0x90, 0x98, 0xA0
CS1, DS1, CALL_GATE, TSS_FREE, CALL_GATE3, CS3_LD = 0xA8, 0xB0, 0xB8, 0xC8, 0xD8, 0xE8
SYSTEM_0, EXPAND_DOWN = 0xF0, 0xF8
GDT_SIZE = 0x100

DESCRIPTORS = {
    CS0: 0x00AF9B000000FFFF,
    DS0: 0x00CF93000000FFFF,
    CS3_32: 0x00CFFB000000FFFF,
    DS3: 0x00CFF3000000FFFF,
    CS3: 0x00AFFB000000FFFF,
    ABSENT_DATA: 0x00CF13000000FFFF,
    CS0_32: 0x00CF9B000000FFFF,
    CONFORMING: 0x00AF9F000000FFFF,
    EXECUTE_ONLY: 0x00AF99000000FFFF,
    READ_ONLY: 0x00CF91000000FFFF,
    ABSENT_CODE: 0x00AF1B000000FFFF,
    CS0_LD: 0x00EF9B000000FFFF,
    CS3_ABSENT: 0x00AF7B000000FFFF,
    DS3_ABSENT: 0x00CF73000000FFFF,
    DS3_READ_ONLY: 0x00CFF1000000FFFF,
    CS1: 0x00AFBB000000FFFF,
    DS1: 0x00CFB3000000FFFF,
    CS3_LD: 0x00EFFB000000FFFF,
    SYSTEM_0: 0x0000800000000000,
    EXPAND_DOWN: 0x00CF97000000FFFF,
}

P, W, U, A, D, PS, G, NX = 1, 2, 4, 0x20, 0x40, 0x80, 0x100, 1 << 63
RW_USER = P | W | U | A | D

# Bits of the registers.
CR0, CR4, EFER = 0x80010031, 0x628, 0xD01  # PG WP NE ET PE; OSXMMEXCPT OSFXSR PAE DE; NXE LMA LME SCE
SMEP, SMAP, PKE, OSXSAVE, FSGSBASE = 1 << 20, 1 << 21, 1 << 22, 1 << 18, 1 << 16
WP, AM, AC, TF, IF, NT, RF, DF, IOPL = 1 << 16, 1 << 18, 1 << 18, 0x100, 0x200, 0x4000, 0x10000, 0x400, 0x3000


def quad(v):
    return struct.pack("<Q", v & (1 << 64) - 1)


def system_descriptor(kind, base, limit):
    low = limit | (base & 0xFFFFFF) << 16 | kind << 40 | (base >> 24 & 0xFF) << 56
    return quad(low) + quad(base >> 32)


def gate(vector, offset=None, selector=CS0, ist=0, dpl=0, kind=14, present=1):
    """A patch for the IDT: (physical address, bytes)."""
    if offset is None:
        offset = handler(vector)
    low = offset & 0xFFFF | selector << 16 | ist << 32 | (kind | dpl << 5 | present << 7) << 40 | (offset >> 16 & 0xFFFF) << 48
    return IDT + 16 * vector, quad(low) + quad(offset >> 32)


def call_gate(offset, selector, dpl=0, present=1, kind=12):
    low = offset & 0xFFFF | selector << 16 | (kind | dpl << 5 | present << 7) << 40 | (offset >> 16 & 0xFFFF) << 48
    return quad(low) + quad(offset >> 32)


def descriptor(selector, raw):
    return GDT + (selector & ~7), quad(raw)


def handler(vector):
    return HIGH + HANDLERS + 16 * vector


class Memory:
    """Physical memory while it is laid out."""

    def __init__(self):
        self.bytes = bytearray(RAM)
        self.free = TABLES
        self.root = self.page()

    def page(self):
        self.free += 0x1000
        return self.free - 0x1000

    def put(self, at, data):
        self.bytes[at : at + len(data)] = data

    def entry(self, linear, level=0):
        """The physical address of the entry for a linear address, 0 for the PTE."""
        table = self.root
        for l in (3, 2, 1, 0):
            at = table + (linear >> 12 + 9 * l & 511) * 8
            if l == level:
                return at
            (e,) = struct.unpack_from("<Q", self.bytes, at)
            if not e & P:
                e = self.page() | RW_USER
                self.put(at, quad(e))
            table = e & 0x000FFFFFFFFFF000

    def map(self, linear, physical, bits):
        self.put(self.entry(linear), quad(physical | bits))


def build():
    m = Memory()
    for selector, raw in DESCRIPTORS.items():
        m.put(GDT + (selector & ~7), quad(raw))
    m.put(GDT + TR, system_descriptor(0x89, HIGH + TSS, 0x67))
    m.put(GDT + LDTR, system_descriptor(0x82, HIGH + LDT, 0xFF))
    m.put(GDT + TSS_FREE, system_descriptor(0x89, HIGH + TSS, 0x67))
    m.put(GDT + CALL_GATE, call_gate(KERNEL_LAND, CS0))
    # CALL_GATE3 takes 16 bytes as well.
    m.put(GDT + CALL_GATE3, call_gate(KERNEL_LAND, CS0, dpl=3))
    m.put(TSS + 4, quad(KERNEL_STACK))
    m.put(TSS + 36, quad(IST1))
    m.put(TSS + 44, quad(IST2))
    m.put(TSS + 0x66, struct.pack("<H", 0x68))  # no I/O bitmap
    for v in range(256):
        m.put(*gate(v, ist=2 if v == 8 else 0, dpl=3 if v in (3, 4, 0x80) else 0))
    m.put(HANDLERS, b"\xf4" * 0x1100)
    for at in range(CODE, CODE + 0x2000):
        m.bytes[at] = 0xF4
    for at in range(USER_CODE_AT, USER_CODE_AT + 0x2000):
        m.bytes[at] = 0xF4
    m.entry(0)  # cases map page 0
    for at in range(0, RAM, 0x1000):
        m.map(HIGH + at, at, P | W | A | D)
    for i in range(2):
        m.map(USER_CODE + i * 0x1000, USER_CODE_AT + i * 0x1000, RW_USER)
    for i in range(8):
        m.map(USER_DATA + i * 0x1000, USER_DATA_AT + i * 0x1000, RW_USER | NX)
    m.map(TEST_PAGE, TEST_AT, RW_USER)
    m.map(EDGE, EDGE_AT, RW_USER)
    for at in range(0, 0x8000, 8):  # recognizable values, small positive ones
        m.put(USER_DATA_AT + at, quad(0x1000 + at))
    for at in range(0, 0x1000, 8):
        m.put(TEST_AT + at, quad(0x2000 + at))
        m.put(EDGE_AT + at, quad(0x3000 + at))
    return m


memory = build()


def entry(linear, level=0):
    return memory.entry(linear, level)


def page(linear, bits, physical=TEST_AT, level=0):
    """A patch of a paging-structure entry."""
    return entry(linear, level), quad(physical | bits)


def segment(selector, base=0):
    raw = DESCRIPTORS[selector]
    limit = (raw & 0xFFFF | raw >> 32 & 0xF0000) << 12 | 0xFFF
    return {"selector": selector, "base": base, "limit": limit, "attr": raw >> 40 & 0xF0FF}


def kernel_state():
    s = {name: 0 for name in REGISTERS}
    s.update(
        rip=KERNEL_CODE, rsp=KERNEL_STACK, rflags=2,
        cr0=CR0, cr3=memory.root, cr4=CR4, efer=EFER, dr6=0xFFFF0FF0, dr7=0x400, xcr0=1,
        star=CS0 << 32 | CS3_32 << 48, lstar=SYSCALL_LAND, fmask=0x700,
        sysenter_cs=CS0, sysenter_esp=IST1, sysenter_eip=SYSENTER_LAND,
        gdtr={"base": HIGH + GDT, "limit": GDT_SIZE - 1}, idtr={"base": HIGH + IDT, "limit": 0xFFF},
        tr={"selector": TR, "base": HIGH + TSS, "limit": 0x67, "attr": 0x8B},
        ldtr={"selector": 0, "base": 0, "limit": 0, "attr": 0},
        cs=segment(CS0),
    )
    for name in ("es", "ss", "ds", "fs", "gs"):
        s[name] = segment(DS0)
    return s


def user_state():
    s = kernel_state()
    s.update(rip=USER_CODE, rsp=USER_STACK, cs=segment(CS3))
    for name in ("es", "ss", "ds", "fs", "gs"):
        s[name] = segment(DS3)
    return s


REGISTERS = (
    "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rip rflags cr0 cr2 cr3 cr4 cr8 dr0 dr1 dr2 dr3 dr6 dr7 "
    "xcr0 efer star lstar cstar fmask kernel_gs_base sysenter_cs sysenter_esp sysenter_eip tsc_aux"
).split()
SEGMENTS = "es cs ss ds fs gs ldtr tr".split()
