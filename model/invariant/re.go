// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

// relations is group RE: each compares two runs of the same stretch, one of
// which was disturbed. They find what no single look does: a register, a flag or a
// stack that was not safe at one instruction.
var relations = []Invariant{
	relation{"RE-1", "an interrupt at any instruction boundary changes nothing that the application can see", "all of the entry code"},
	relation{"RE-2", "an NMI at any instruction boundary changes nothing that the application can see", "arch/x86/entry/entry_64.S (asm_exc_nmi)"},
	relation{"RE-3", "a page that is not there before a stretch, and comes when it is touched, changes nothing else", "RFC 04, RFC 06"},
	relation{"RE-4", "a signal that is handled in between leaves every register, flag and the FPU's state as they were", "RFC 07"},
}

// outcomes are those of other groups that are looked at by what became of a
// scenario, and not by an event of it.
var outcomes = []Invariant{ir12{}}

// ir12: an interrupt is not lost with its frame.
type ir12 struct{}

func (ir12) Rule() Rule {
	return Rule{
		ID: "IR-12", Promise: "an interrupt whose frame could not be pushed is handled, and those behind it come",
		Source: "docs/ukl-kernel.md: the vector has been acknowledged, and is in service for good; SDM vol. 3A, 11.8.3", Wanted: true,
		When: "an alarm is waited for where the stack is missing", Observes: "whether it comes", Shows: "an alarm: expected its signal, found the application did not come back",
		Needs: all(UKL, doubleFaults, needsSymbol("__x64_sys_setitimer")),
	}
}
func (ir12) Watch() Watcher { return nil }

type relation struct{ id, promise, source string }

func (i relation) Rule() Rule {
	return Rule{ID: i.id, Promise: i.promise, Source: i.source, When: "two runs are compared", Observes: "registers, flags, FPU, the stack above RSP",
		Shows: "call, interrupt 0xf6 behind 23 instructions: r11: expected 0x1234, found 0x246", Wanted: true}
}
func (i relation) Watch() Watcher { return nil }
