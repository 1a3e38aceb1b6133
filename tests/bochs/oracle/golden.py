# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes testdata/*.json: what Bochs does with every case.

    golden.py FOLDER          writes
    golden.py --check FOLDER  says which files would change, with status 1
"""

import importlib
import json
import os
import sys

import case
import manual
import world

FILES = "canonical pagefault gates iret fast control segments flags forms".split()


def hexed(v):
    if isinstance(v, dict):
        return {n: hexed(x) for n, x in v.items()}
    return "%#x" % v


def row(c, outcome):
    """A case as JSON: what differs from the world, and what came out."""
    base = world.user_state() if c["user"] else world.kernel_state()
    out = {"name": c["name"], "text": c["text"], "code": c["code"].hex(), "at": hexed(c["physical"])}
    if c["user"]:
        out["user"] = True
    if c["limit"] != 64:
        out["limit"] = c["limit"]
    if c["oracle"] != "bochs":
        out["oracle"] = c["oracle"]
    state = {n: hexed(v) for n, v in c["state"].items() if v != base[n]}
    if state:
        out["state"] = state
    if c["patches"]:
        out["memory"] = [[hexed(at), data.hex()] for at, data in c["patches"]]
    out["then"] = outcome
    return out


def dump(value):
    """One case a line, so that a difference is read easily."""
    head = {k: v for k, v in value.items() if k != "cases"}
    lines = [json.dumps(c) for c in value["cases"]]
    return json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n"


def world_file():
    pieces = []
    m = bytes(world.memory.bytes)
    at = 0
    while at < len(m):
        if not any(m[at : at + 64]):
            at += 64
            continue
        end = at
        while end < len(m) and any(m[end : end + 64]):
            end += 64
        pieces.append([hexed(at), m[at:end].hex()])
        at = end
    land = [world.KERNEL_LAND, world.USER_LAND, world.SYSCALL_LAND, world.SYSENTER_LAND]
    value = {"ram": hexed(world.RAM), "handlers": hexed(world.handler(0)), "land": [hexed(a) for a in land],
             "kernel": hexed(world.kernel_state()), "user": hexed(world.user_state()), "memory": pieces}
    return json.dumps(value, indent=1) + "\n"


def groups(only):
    for name in FILES:
        for group in importlib.import_module(name).GROUPS:
            if not only or group.name in only:
                yield group


def main(arguments):
    check = "--check" in arguments
    folder, *only = [a for a in arguments if not a.startswith("--")]
    total = changed = 0
    changed += write(os.path.join(folder, "world.json"), world_file(), check)
    for group in groups(only):
        names = [c["name"] for c in group.cases]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise SystemExit(f"{group.name}: two cases called {twice}")
        rows = [row(c, outcome(c)) for c in case.assemble(group.cases)]
        total += len(rows)
        text = dump({"group": group.name, "about": group.about, "cases": rows})
        changed += write(os.path.join(folder, group.name + ".json"), text, check)
    print(f"{total} cases, {changed} files changed")
    return 1 if check and changed else 0


def write(path, text, check):
    """Says whether the file changed, or would."""
    if os.path.exists(path):
        with open(path) as f:
            if f.read() == text:
                return 0
    print(f"{os.path.basename(path)}: {'not what Bochs does' if check else 'written'}")
    if not check:
        with open(path, "w") as f:
            f.write(text)
    return 1


def outcome(c):
    if c["oracle"] == "manual":
        return manual.outcome(c)
    import machine

    return machine.run(c)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
