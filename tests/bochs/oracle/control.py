# SPDX-License-Identifier: GPL-2.0-or-later
"""Control and debug registers, MSRs, privileged instructions."""

from case import Group
from world import *

control = Group("control-registers", "What MOV CR, LMSW, CLTS and XSETBV take (SDM vol. 2B, MOV CR; vol. 3A 2.5).")
debug = Group("debug-registers", "MOV DR: reserved bits, DR4 and DR5, general detect (SDM vol. 3B, Debug Registers).")
msrs = Group("msrs", "RDMSR and WRMSR.")
privileged = Group("privileged", "Instructions of CPL 0, at CPL 3 (SDM vol. 3A 6.9). Ports are left out: this Bochs has no bus.")

for bit in list(range(0, 20)) + [28, 29, 30, 31, 32, 63]:
    control.add(f"mov cr0, its value with bit {bit} changed", "mov cr0, rax", rax=CR0 ^ 1 << bit)
for value in (CR0 & ~(1 << 31), CR0 & ~1, CR0 | 1 << 29, CR0 | 3 << 29, 0, CR0 | 0x1FFC0):
    control.add(f"mov cr0, {value:#x}", "mov cr0, rax", rax=value)
# The features of the two CPUs differ in VME, PVI and UMIP.
for bit in list(range(2, 11)) + [15, 16, 18, 19, 20, 21, 25, 26, 27, 29, 30, 31, 32, 63]:
    control.add(f"mov cr4, its value with bit {bit} changed", "mov cr4, rax", rax=CR4 ^ 1 << bit)
for bit in list(range(0, 12)) + [39, 40, 41, 51, 52, 62, 63]:
    control.add(f"mov cr3, its value with bit {bit} changed", "mov cr3, rax", rax=memory.root ^ 1 << bit)
for v in (0, 1, 15, 16, 1 << 32, 1 << 63):
    control.add(f"mov cr8, {v:#x}", "mov cr8, rax; mov rcx, cr8", rax=v)
for v in (0, HOLE, -1):
    control.add(f"mov cr2, {v:#x}", "mov cr2, rax; mov rcx, cr2", rax=v)
for text in ("mov rax, cr0", "mov rax, cr2", "mov rax, cr3", "mov rax, cr4", "mov rax, cr8", "mov r15, cr0", "mov cr0, rax", "mov cr3, rax", "mov cr4, rax", "mov cr8, rax", "mov cr2, rax", "clts", "lmsw ax", "lmsw [rbx]", "xsetbv", "smsw rax"):
    for user in (False, True):
        regs = {"mov cr0, rax": CR0, "mov cr3, rax": memory.root, "mov cr4, rax": CR4}
        control.add(f"{text} at CPL {3 if user else 0}", text, user, rax=regs.get(text, 0), rbx=USER_DATA, cr0=CR0 | 8, cr2=0x123456789)
for v in (0, 1, 0xF, 0xFFFE, 0xFFFF):
    control.add(f"lmsw {v:#x}", "lmsw ax", rax=v)
for code in ("0f 20 c8", "0f 20 e8", "0f 22 c8", "0f 20 f8", "44 0f 20 c8", "0f 22 08", "0f 20 00", "f0 0f 20 c0", "66 0f 20 c0"):
    control.add(f"mov of control register {code}", ".byte " + ", ".join("0x" + b for b in code.split()), rax=CR0)
    control.add(f"mov of control register {code} at CPL 3", ".byte " + ", ".join("0x" + b for b in code.split()), True, rax=CR0)
for ecx in (0, 1, 2):
    for v in (0, 1, 2, 3, 4, 5, 1 << 63, 1 << 8):
        control.add(f"xsetbv of register {ecx}, {v:#x}", "xsetbv", rcx=ecx, rax=v & 0xFFFFFFFF, rdx=v >> 32, cr4=CR4 | OSXSAVE)
control.add("xsetbv without OSXSAVE", "xsetbv", rax=1)
control.add("xgetbv without OSXSAVE", "xgetbv")
control.add("xgetbv", "xgetbv", cr4=CR4 | OSXSAVE)
control.add("xgetbv at CPL 3", "xgetbv", True, cr4=CR4 | OSXSAVE)
control.add("xgetbv of register 2", "xgetbv", rcx=2, cr4=CR4 | OSXSAVE)
for text in ("rdtsc", "rdtscp"):
    control.add(f"{text} at CPL 3 with TSD", text, True, cr4=CR4 | 4)

for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    for n in range(8):
        debug.add(f"mov rax, dr{n}, {who}", f"mov rax, dr{n}", user, dr0=1, dr1=2, dr2=3, dr3=4)
        debug.add(f"mov dr{n}, rax, {who}", f"mov dr{n}, rax", user, rax=0x400)
        debug.add(f"mov rax, dr{n} with DE, {who}", f"mov rax, dr{n}", user, cr4=CR4 | 8)
        debug.add(f"mov dr{n}, rax with DE, {who}", f"mov dr{n}, rax", user, cr4=CR4 | 8, rax=0x400)
        debug.add(f"mov rax, dr{n} with DE clear, {who}", f"mov rax, dr{n}", user, cr4=CR4 & ~8)
        debug.add(f"mov dr{n}, rax with DE clear, {who}", f"mov dr{n}, rax", user, cr4=CR4 & ~8, rax=0x400)
        debug.add(f"mov rax, dr{n} with GD, {who}", f"mov rax, dr{n}", user, dr7=0x2400)
        debug.add(f"mov dr{n}, rax with GD, {who}", f"mov dr{n}, rax", user, dr7=0x2400)
for n in range(4):
    for v in (HOLE, -1, HIGH):
        debug.add(f"mov dr{n}, {v & (1 << 64) - 1:#x}", f"mov dr{n}, rax", rax=v)
for n in (6, 7):
    for v in (0, -1, 1 << 32, 0xFFFFFFFF, 0xFFFF0FF0, 0xE00F, 1 << 12, 1 << 16, 0xFF, 1 << 63, 0x300):
        if n == 7 and v & 0xFF and v & 0xFFFF0000:
            continue
        debug.add(f"mov dr{n}, {v & (1 << 64) - 1:#x}", f"mov dr{n}, rax", rax=v)
debug.add("mov dr8", ".byte 0x44, 0x0f, 0x21, 0xc0")
debug.add("GD and TF", "mov rax, dr0", dr7=0x2400, rflags=2 | TF)
debug.add("GD keeps what DR6 has", "mov rax, dr0", dr7=0x2400, dr6=0xFFFF4FF5)

KNOWN = {"EFER": 0xC0000080, "STAR": 0xC0000081, "LSTAR": 0xC0000082, "CSTAR": 0xC0000083, "FMASK": 0xC0000084, "FS base": 0xC0000100, "GS base": 0xC0000101, "kernel GS base": 0xC0000102, "TSC_AUX": 0xC0000103,
         "SYSENTER_CS": 0x174, "SYSENTER_ESP": 0x175, "SYSENTER_EIP": 0x176, "PAT": 0x277}
for name, n in KNOWN.items():
    for v in (0, 0x10, 1 << 32, -1 & 0xFFFFFFFFFFFFFFFF, 0x10):
        if name == "EFER":
            continue
        text = f"wrmsr {name}, {v:#x}"
        if any(c["name"] == text for c in msrs.cases):
            continue
        msrs.add(text, "wrmsr; xor eax, eax; xor edx, edx; rdmsr", rcx=n, rax=v & 0xFFFFFFFF, rdx=v >> 32)
for v in (EFER, EFER & ~0x800, EFER & ~1, EFER & ~0x100, EFER & ~0x400, EFER | 2, EFER | 1 << 9, EFER | 1 << 12, EFER | 1 << 13, EFER | 1 << 32, 0, EFER | 1 << 16):
    msrs.add(f"wrmsr EFER, {v:#x}", "wrmsr; xor eax, eax; xor edx, edx; rdmsr", rcx=0xC0000080, rax=v & 0xFFFFFFFF, rdx=v >> 32)
for v in (0x0007040600070406, 0x0606060606060606, 2, 3 << 8, 8, 0x0107040500070406, 0x10):
    text = f"wrmsr PAT, {v:#x}"
    if not any(c["name"] == text for c in msrs.cases):
        msrs.add(text, "wrmsr; xor eax, eax; xor edx, edx; rdmsr", rcx=0x277, rax=v & 0xFFFFFFFF, rdx=v >> 32)
for n in (0x12345, 0xC0000085, 0xC0001234, 0xFFFFFFFF, 0x40000000, 0x2, 0x9FFFF):
    for text in ("rdmsr", "wrmsr"):
        msrs.add(f"{text} of unknown {n:#x}", text, rcx=n, oracle="manual")  # this Bochs is told to ignore them
        msrs.cases[-1]["manual"] = {"stop": "vector 0x0d", "events": ["#GP(0x0)"]}
        msrs.add(f"{text} of unknown {n:#x} at CPL 3", text, True, rcx=n)
for v in (0xFEE00900, 0xFEE00901, 0xFEE00800, 0xFEE00902):
    msrs.add(f"wrmsr APIC_BASE, {v:#x}", "wrmsr", rcx=0x1B, rax=v)
msrs.add("wrmsr APIC_BASE beyond the physical address", "wrmsr", rcx=0x1B, rax=0xFEE00900, rdx=1 << 9)

for text in ("hlt", "cli", "sti", "clts", "invd", "wbinvd", "lgdt [rbx]", "lidt [rbx]", "lldt ax", "ltr ax", "lmsw ax", "invlpg [rbx]", "rdmsr", "wrmsr", "swapgs", "sysretq", "sysexitq", "mov cr3, rax", "mov rax, cr4", "mov dr0, rax",
             "rdpmc", "xsetbv", "mov rax, cr8", "monitor", "mwait", "invpcid rax, [rbx]", "stac", "clac", "rsm"):
    privileged.add(f"{text} at CPL 3", text, True, rbx=USER_DATA, rdx=0x80, rcx=0x10, rsi=USER_DATA, rdi=USER_DATA)
    if text in ("cli", "sti"):
        for iopl in (1, 2):
            privileged.add(f"{text} at CPL 3 with IOPL {iopl}", text, True, rbx=USER_DATA, rdx=0x80, rcx=0x10, rsi=USER_DATA, rdi=USER_DATA, rflags=2 | iopl << 12 | IF)

GROUPS = [control, debug, msrs, privileged]
