// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

// unchecked are those of the catalogue that can't be looked at, on these guests
// or on this machine.
var unchecked = []Unchecked{
	{"IR-20", "SPEC_CTRL.IBRS is set whenever C code of the kernel runs, where the feature is on", "the machine's CPU has no IBRS"},
	{"HW-3", "with IBT, each target of an indirect branch begins with ENDBR64", "the machine's CPU has no CET"},
	{"HW-4", "with shadow stacks, SSP follows every change of the stack", "the machine's CPU has no CET"},
}
