# SPDX-License-Identifier: GPL-2.0-or-later
"""What the manual's tables expect where this Bochs has no opinion."""

import world


def outcome(case):
    return case["manual"] if "stop" in case["manual"] else keys(case)


def keys(case):
    """Protection keys (SDM vol. 3A 5.6.2): AD refuses all data accesses to user
    pages, WD writes at CPL 3, or at any with CR0.WP; fetches are never refused.
    Only the events and the end are said."""
    rule, user = case["manual"], case["user"]
    bits, access = rule["bits"], rule["access"]
    write = "write" in access
    code = (2 if write else 0) | (4 if user else 0) | (16 if access == "fetch" else 0)
    if not bits & world.P:
        return fault(code)
    rights = bool(user and not bits & world.U or write and not bits & world.W and (user or rule["wp"]))
    key = bool(bits & world.U and access != "fetch" and (rule["pkru"] & 1 or rule["pkru"] & 2 and write and (user or rule["wp"])))
    if rights or key:
        return fault(code | 1 | (32 if key else 0))
    if access == "fetch":
        # HLT is waiting there.
        return {"stop": "vector 0x0d", "events": ["#GP(0x0)"]} if user else {"stop": "hlt", "events": []}
    return {"stop": "landed", "events": []}


def fault(code):
    return {"stop": "vector 0x0e", "events": ["#PF(%#x)" % code]}
