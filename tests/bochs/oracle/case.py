# SPDX-License-Identifier: GPL-2.0-or-later
"""A case: a machine state, some code, and memory that differs from the world's."""

import os
import re
import subprocess
import tempfile

import world


class Group:
    def __init__(self, name, about):
        self.name, self.about, self.cases = name, about, []

    def add(self, name, text, user=False, memory=(), oracle="bochs", limit=64, at=None, physical=None, **registers):
        """text is in Intel syntax, one instruction a line or after ';'. Keywords
        replace registers; a dict given for a segment replaces some of its parts."""
        state = world.user_state() if user else world.kernel_state()
        for register, v in registers.items():
            if isinstance(v, dict):
                state[register] = {**state[register], **{n: x & (1 << 64) - 1 for n, x in v.items()}}
            else:
                if register not in state:
                    raise KeyError(f"{name}: no register {register}")
                state[register] = v & (1 << 64) - 1
        if at is not None:
            state["rip"] = at
        if state["rflags"] & world.TF and oracle == "bochs":
            # Bochs looks for TF when an instruction sets it, not when a run starts.
            state["r15"], state["rflags"] = state["rflags"], state["rflags"] & ~world.TF
            text = "push r15; popfq; " + text
        if physical is None:
            physical = world.USER_CODE_AT if user else world.CODE
        self.cases.append(
            {"name": name, "text": text, "user": user, "physical": physical, "patches": list(memory), "state": state,
             "limit": limit, "oracle": oracle, "registers": registers, "at": at}
        )


def assemble(cases):
    """Turns each case's text into code and memory; GNU as is asked once."""
    lines = [".intel_syntax noprefix", ".text"]
    names = [n for n in dir(world) if re.fullmatch("[A-Z][A-Z0-9_]+", n) and isinstance(getattr(world, n), int)]
    for i, c in enumerate(cases):
        lines.append(f"case_{i}:")
        for line in c["text"].replace(";", "\n").split("\n"):
            line = re.sub(r"\b([A-Z][A-Z0-9_]+)\b", lambda m: "%#x" % getattr(world, m[1]) if m[1] in names else m[1], line)
            lines.append(line)
    lines.append(f"case_{len(cases)}:")
    with tempfile.TemporaryDirectory() as folder:
        source, obj, raw = (os.path.join(folder, n) for n in ("a.s", "a.o", "a.bin"))
        with open(source, "w") as f:
            f.write("\n".join(lines) + "\n")
        subprocess.run(["as", "--64", "-o", obj, source], check=True)
        subprocess.run(["objcopy", "-O", "binary", "-j", ".text", obj, raw], check=True)
        symbols = subprocess.run(["nm", obj], check=True, capture_output=True, text=True).stdout
        with open(raw, "rb") as f:
            text = f.read()
    where = {m[2]: int(m[1], 16) for m in re.finditer(r"^(\w+) . (case_\d+)$", symbols, re.M)}
    for i, c in enumerate(cases):
        code = text[where[f"case_{i}"] : where[f"case_{i + 1}"]]
        c["code"] = code
        c["memory"] = [(c["physical"], code)] + c["patches"]
        c["end"] = c["state"]["rip"] + len(code)
    return cases
