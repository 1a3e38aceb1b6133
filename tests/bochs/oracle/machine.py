# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a case on Bochs. Each case has a process of its own, forked, so that
nothing of a case is left for the next."""

import ctypes
import json
import os
import signal

import bochscpu
import bochscpu.cpu
import bochscpu.memory

import world

# How our names are spelt in bochscpu's State.
SPELLING = {"fmask": "sfmask"}
LIMIT = 64  # instructions
UNSEEN = 0x108D5  # RF OF SF ZF AF PF CF


def run(case):
    """The outcome of a case, as a dict for JSON."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(10)
            os.close(read)
            with os.fdopen(write, "w") as out:
                json.dump(execute(case), out)
            os._exit(0)
        except BaseException as e:  # the child may not go on as a second parent
            print(case["name"], e, flush=True)
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if status != 0 or not text:
        raise RuntimeError(f"{case['name']}: Bochs ended with status {status:#x}")
    return json.loads(text)


def execute(case):
    session = bochscpu.Session()
    session.missing_page_handler = lambda gpa: insert(gpa & ~0xFFF, b"\xff" * 4096)
    memory = bytearray(world.memory.bytes)
    for at, data in case["memory"]:
        memory[at : at + len(data)] = data
    pages = {at: insert(at, memory[at : at + 4096]) for at in range(0, world.RAM, 4096)}
    before = case["state"]
    session.cpu.state = to_bochs(before)

    events, stop, count = [], [], [0]
    lands = {world.KERNEL_LAND, world.USER_LAND, world.SYSCALL_LAND, world.SYSENTER_LAND, case["end"]}

    def halt(reason):
        if not stop:
            stop.append(reason)
        session.stop()

    def before_execution(_, cpu, insn):
        rip = session.cpu.rip
        offset = rip - world.handler(0)
        # Bochs asks before it fetches, too: what is beyond the hole's edge never runs.
        if rip == world.HOLE:
            return
        if 0 <= offset < 4096 and offset % 16 == 0:
            halt("vector 0x%02x" % (offset // 16))
        elif rip in lands:
            halt("landed")
        elif count[0] >= case.get("limit", LIMIT):
            halt("limit")
        count[0] += 1

    def exception(_, cpu, vector, code):
        if events and events[-1][0] == 8 and stop == []:
            events.append([vector, code])
            halt("shutdown")
            return
        events.append([vector, code])

    def hlt(_, cpu):
        halt("hlt")

    hook = bochscpu.Hook()
    hook.before_execution, hook.exception, hook.hlt = before_execution, exception, hlt
    session.run([hook])

    result = {"stop": stop[0], "events": [event(v, c) for v, c in events]}
    if stop[0] == "shutdown":
        return result  # the manual leaves the rest of the state open
    after = from_bochs(session.cpu.state)
    was = {**before, "rflags": before["rflags"] & ~UNSEEN}
    result["changed"] = {n: text(v) for n, v in after.items() if v != was[n]}
    result["memory"] = changes(memory, pages)
    return result


def insert(at, data):
    """Gives Bochs a page of physical memory."""
    hva = bochscpu.memory.allocate_host_page()
    ctypes.memmove(hva, bytes(data), 4096)
    bochscpu.memory.page_insert(at, hva)
    return hva


def changes(memory, pages):
    """The 8-byte words that differ."""
    out = {}
    for at, hva in pages.items():
        now = ctypes.string_at(hva, 4096)
        if now == memory[at : at + 4096]:
            continue
        for i in range(0, 4096, 8):
            if now[i : i + 8] != memory[at + i : at + i + 8]:
                out[hexed(at + i)] = hexed(int.from_bytes(now[i : i + 8], "little"))
    return out


WITH_CODE = {8, 10, 11, 12, 13, 14, 17, 21}
NAMES = "#DE #DB NMI #BP #OF #BR #UD #NM #DF 9 #TS #NP #SS #GP #PF 15 #MF #AC #MC #XM #VE #CP".split()


def event(vector, code):
    return NAMES[vector] + ("(%#x)" % code if vector in WITH_CODE else "")


def hexed(v):
    return "%#x" % v


def text(v):
    if not isinstance(v, dict):
        return hexed(v)
    words = [f"{n} {x:#x}" for n, x in v.items() if n != "selector"]
    return " ".join(([hexed(v["selector"])] if "selector" in v else []) + words)


def to_bochs(state):
    s = bochscpu.State()
    for name in world.REGISTERS:
        setattr(s, SPELLING.get(name, name), state[name])
    for name in world.SEGMENTS:
        v, g = state[name], bochscpu.Segment()
        g.present = v["attr"] != 0
        g.selector, g.base, g.limit, g.attr = v["selector"], v["base"], v["limit"], v["attr"]
        setattr(s, name, g)
    for name in ("gdtr", "idtr"):
        g = bochscpu.GlobalSegment()
        g.base, g.limit = state[name]["base"], state[name]["limit"]
        setattr(s, name, g)
    s.apic_base = 0xFEE00900
    s.pat = 0x0007040600070406
    s.mxcsr, s.mxcsr_mask = 0x1F80, 0xFFFF
    s.fpcw, s.fptw = 0x37F, 0xFFFF
    s.tsc = 0
    return s


def from_bochs(s):
    out = {name: getattr(s, SPELLING.get(name, name)) for name in world.REGISTERS}
    # Bochs reckons the status flags when it must, and this is not such a
    # moment; RF it has cleared already for the instruction that is to come.
    out["rflags"] &= ~UNSEEN
    for name in world.SEGMENTS:
        g = getattr(s, name)
        # The hidden part of a null segment is nothing but the base of FS and GS.
        if not g.present:
            base = g.base if name in ("fs", "gs") else 0
            out[name] = {"selector": g.selector, "base": base, "limit": 0, "attr": 0}
            continue
        out[name] = {"selector": g.selector, "base": g.base, "limit": g.limit, "attr": g.attr & 0xF0FF}
    for name in ("gdtr", "idtr"):
        g = getattr(s, name)
        out[name] = {"base": g.base, "limit": g.limit}
    return out
