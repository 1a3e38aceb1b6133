# SPDX-License-Identifier: GPL-2.0-or-later
"""TF, RF, and the shadow of MOV SS."""

from case import Group
from iret import frame
from world import *

step = Group("single-step", "The trap of TF, and what delays or loses it (SDM vol. 3B, Single-Step Exception Condition).")
resume = Group("resume-flag", "RF in the frames of faults and traps (SDM vol. 3B, Instruction-Breakpoint Exception Condition).")
breakpoints = Group("breakpoints", "Instruction and data breakpoints (SDM vol. 3B, Debug Exceptions).")

for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    code, ss, land, sp = (CS3, DS3, USER_LAND, USER_STACK) if user else (CS0, DS0, KERNEL_LAND, KERNEL_STACK)
    data_selector = DS3 if user else DS0
    for name, text in (("nop", "nop; nop; nop"), ("mov ss", "mov ss, eax; nop; nop"), ("pop ss is not there", "nop; nop"), ("mov ss twice", "mov ss, eax; mov ss, eax; nop; nop"), ("mov ds", "mov ds, eax; nop; nop"), ("lss", "lss esp, [rbx]; nop; nop"),
                       ("int3", "int3; nop"), ("int 0x80", "int 0x80; nop"), ("int1", ".byte 0xf1; nop"), ("ud2", "ud2; nop"), ("#PF", "mov rax, [r8]; nop"), ("#GP", "mov rax, [r9]; nop"), ("mov ss, then int3", "mov ss, eax; int3; nop"), ("mov ss, then ud2", "mov ss, eax; ud2; nop"),
                       ("mov ss, then syscall", "mov ss, eax; syscall; nop"), ("syscall", "syscall; nop"), ("sysenter", "sysenter; nop"), ("rep movsb", "mov ecx, 3; rep movsb; nop"), ("rep stosb", "rep stosb; nop"), ("rep movsb of none", "xor ecx, ecx; rep movsb; nop"), ("cpuid", "mov eax, 0x80000000; cpuid; nop"), ("jmp", "jmp .+3; nop; nop; nop"), ("call", "call .+6; nop; nop; nop"),
                       ("popfq that sets TF", "popfq; nop; nop"), ("popfq that clears TF", "popfq; nop; nop"), ("pushfq", "pushfq; nop"), ("ret", "ret; nop"), ("wrmsr", "wrmsr; nop"), ("mov cr", "mov rdx, cr3; nop"), ("sti", "sti; nop; nop"), ("cli", "cli; nop"),
                       ("iretq that sets TF", "iretq; nop"), ("iretq that clears TF", "iretq; nop"), ("loop", "mov ecx, 3; loop .; nop"), ("xchg", "xchg [rbx], rcx; nop"), ("swapgs", "swapgs; nop"), ("rdtsc", "nop; nop"), ("lock prefix", "lock inc dword ptr [rbx]; nop"), ("mov dr", "mov rdx, dr0; nop")):
        regs = {"rax": data_selector, "rbx": USER_DATA + 0x100, "rcx": 2, "r8": UNMAPPED, "r9": HOLE, "rsi": USER_DATA + 0x200, "rdi": USER_DATA + 0x300, "rflags": 2 | TF}
        patches = [(USER_DATA_AT + 0x100, (USER_STACK).to_bytes(4, 'little') + quad(data_selector))]
        if "popfq" in name or "iretq" in name or name == "ret":
            setting = "sets" in name
            regs["rflags"] = 2 if setting else 2 | TF
            new = 2 | TF if setting else 2
            at = USER_LAND - 8 if user else KERNEL_LAND - 8
            words = [new] if "popfq" in name else [at] if name == "ret" else [at, code, new, sp, ss]
            f = frame(user, *words)
            regs["rsp"], patches = f["rsp"], patches + f["memory"] + [(USER_CODE_AT + 0x7F8 if user else CODE + 0x7F8, b"\x90" * 8)]
        if name == "wrmsr":
            regs["rcx"] = 0xC0000102
        if name in ("rdtsc",):
            continue
        step.add(f"{name}, {who}", text, user, memory=patches, limit=8, **regs)
    for mask in (0, 0x100):
        step.add(f"syscall with FMASK {mask:#x}, {who}", "syscall", user, rflags=2 | TF, fmask=mask, limit=4, lstar=SYSCALL_LAND + 0x40, memory=[(HANDLERS + 0x1040, b"\x90" * 8)])
    step.add(f"DR6 keeps its other bits, {who}", "nop", user, rflags=2 | TF, dr6=0xFFFF0FF5)
    step.add(f"interrupt gate clears TF, {who}", "int 0x80", user, rflags=2 | TF | IF | RF)
    step.add(f"sysenter with TF, {who}", "sysenter", user, rflags=2 | TF, limit=4, sysenter_eip=SYSCALL_LAND + 0x40, memory=[(HANDLERS + 0x1040, b"\x90" * 8)])
step.add("sysretq that sets TF", "sysretq", rcx=USER_LAND - 8, r11=2 | TF, limit=4, memory=[(USER_CODE_AT + 0x7F8, b"\x90" * 8)])
step.add("sysretq with TF before", "sysretq", rcx=USER_LAND - 8, r11=2, rflags=2 | TF, limit=4, memory=[(USER_CODE_AT + 0x7F8, b"\x90" * 8)])
step.add("sysexitq with TF", "sysexitq", rdx=USER_LAND - 8, rcx=USER_STACK, rflags=2 | TF, limit=4, memory=[(USER_CODE_AT + 0x7F8, b"\x90" * 8)])
step.add("iretq to CPL 3 that sets TF", "iretq", limit=4, **{**frame(False, USER_LAND - 8, CS3, 2 | TF, USER_STACK, DS3), "memory": frame(False, USER_LAND - 8, CS3, 2 | TF, USER_STACK, DS3)["memory"] + [(USER_CODE_AT + 0x7F8, b"\x90" * 8)]})

for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    for rf in (0, RF):
        for name, text in (("#DE", "div ecx"), ("#UD", "ud2"), ("#GP", "mov rax, [r9]"), ("#SS", "push [rsp+r9]"), ("#PF", "mov rax, [r8]"), ("#NP", "mov fs, edx"), ("int3", "int3"), ("int 0x80", "int 0x80"), ("int1", ".byte 0xf1"), ("fetch", "jmp r8"), ("#PF in REP", "rep movsb"),
                           ("#PF in the middle of REP", "rep lodsb"), ("nop and ud2", "nop; ud2")):
            regs = dict(r8=UNMAPPED, r9=HOLE, rcx=0, rdx=DS3_ABSENT | 3 if user else ABSENT_DATA, rsi=UNMAPPED, rdi=USER_DATA)
            if "REP" in name:
                regs["rcx"] = 4
            if "middle" in name:
                regs["rsi"] = USER_DATA + 0x7FFE
            resume.add(f"{name} with RF {'set' if rf else 'clear'}, {who}", text, user, rflags=2 | rf, **regs)
    resume.add(f"single step with RF set, {who}", "nop", user, rflags=2 | RF | TF)
    resume.add(f"pushfq shows RF as 0, {who}", "pushfq", user, rflags=2 | RF)
    resume.add(f"syscall's R11 with RF set, {who}", "syscall", user, rflags=2 | RF)

START = {False: KERNEL_CODE, True: USER_CODE}
for user in (False, True):
    who = "CPL 3" if user else "CPL 0"
    at = START[user]
    for name, regs in (("of the next instruction", {"dr0": at + 1}), ("of the first", {"dr0": at}), ("of the first with RF", {"dr0": at, "rflags": 2 | RF}), ("of a middle byte", {"dr0": at + 2}), ("in DR3", {"dr3": at + 1, "dr7": 0x4C0}),
                       ("global only", {"dr0": at + 1, "dr7": 0x402}), ("disabled", {"dr0": at + 1, "dr7": 0x400}), ("with length 4", {"dr0": at + 1, "dr7": 0x400 | 1 | 3 << 18}), ("and single step", {"dr0": at + 4, "rflags": 2 | TF}), ("in two registers", {"dr0": at + 1, "dr1": at + 1, "dr7": 0x405}), ("and a disabled one", {"dr0": at + 1, "dr1": at + 1, "dr7": 0x401})):
        breakpoints.add(f"instruction breakpoint {name}, {who}", "nop; mov eax, 1; nop", user, **{"dr7": 0x401, **regs})
    breakpoints.add(f"instruction breakpoint after mov ss, {who}", "mov ss, eax; nop; nop", user, rax=DS3 if user else DS0, dr0=at + 2, dr7=0x401)
    breakpoints.add(f"instruction breakpoint at a ud2, {who}", "nop; ud2", user, dr0=at + 1, dr7=0x401)
    for rw, kind in ((1, "write"), (3, "access")):
        for length, size in ((0, 1), (1, 2), (3, 4), (2, 8)):
            for name, text, there in (("write", "mov [rbx], rcx", 0), ("read", "mov rcx, [rbx]", 0), ("write of the byte before", "mov [rbx-1], cl", 0), ("write of the byte after", f"mov [rbx+{size}], cl", 0), ("read-modify-write", "add qword ptr [rbx], 1", 0), ("write that overlaps", "mov [rbx-4], rcx", 0)):
                if length and name in ("read-modify-write", "write that overlaps", "read") and length != 2:
                    continue
                breakpoints.add(f"{kind} breakpoint of {size} bytes, {name}, {who}", text + "; nop", user, rbx=USER_DATA + 0x100, dr0=USER_DATA + 0x100, dr7=0x401 | rw << 16 | length << 18)
        breakpoints.add(f"{kind} breakpoint on a push, {who}", "push rax; nop", user, dr0=(USER_STACK if user else KERNEL_STACK) - 8, dr7=0x401 | rw << 16 | 2 << 18)
        breakpoints.add(f"{kind} breakpoint in a rep movsb, {who}", "rep movsb; nop", user, rcx=4, rsi=USER_DATA, rdi=USER_DATA + 0x100, dr0=USER_DATA + 0x101, dr7=0x401 | rw << 16)
        breakpoints.add(f"{kind} breakpoint and single step, {who}", "mov [rbx], rcx; nop", user, rbx=USER_DATA + 0x100, dr0=USER_DATA + 0x100, dr7=0x401 | rw << 16, rflags=2 | TF)
        breakpoints.add(f"{kind} breakpoint on what mov ss reads, {who}", "mov ss, [rbx]; nop; nop", user, rbx=USER_DATA + 0x100, dr0=USER_DATA + 0x100, dr7=0x401 | rw << 16, memory=[(USER_DATA_AT + 0x100, quad(DS3 if user else DS0))])
        breakpoints.add(f"{kind} breakpoint on what mov ss reads before int3, {who}", "mov ss, [rbx]; int3; nop", user, rbx=USER_DATA + 0x100, dr0=USER_DATA + 0x100, dr7=0x401 | rw << 16, memory=[(USER_DATA_AT + 0x100, quad(DS3 if user else DS0))])
        breakpoints.add(f"{kind} breakpoint on a page that is refused, {who}", "mov [rbx], rcx; nop", user, rbx=TEST_PAGE, memory=[page(TEST_PAGE, P | U)], dr0=TEST_PAGE, dr7=0x401 | rw << 16)
    breakpoints.add(f"breakpoint on an I/O port without DE is none, {who}", "mov [rbx], rcx; nop", user, rbx=USER_DATA, dr0=USER_DATA, dr7=0x401 | 2 << 16, cr4=CR4 & ~8)

GROUPS = [step, resume, breakpoints]
