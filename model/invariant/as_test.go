// SPDX-License-Identifier: GPL-2.0-or-later

package invariant_test

import (
	"fmt"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
)

// The application runs its own code on its own stack, uses its own memory, and
// the kernel uses that by instructions that may fault.
func addressSpaceLooks(p places) []look {
	goes := func(rip, rsp uint64) event.Event {
		return here(event.Resumed, rip, inCall(p, 39), func(e *event.Event) { e.GPR[x86.RSP] = rsp })
	}
	touches := func(rip, address uint64) event.Event {
		return here(event.Access, rip, func(e *event.Event) { e.Address, e.Size = address, 8 })
	}
	fixed := p.img.ExceptionTable()[0].Insn
	return []look{
		{"AS-1", "a jump away", []event.Event{goes(p.main+5, userStack), goes(p.entry, userStack-8)}, []event.Event{goes(3, userStack)}, "rip"},
		{"AS-1", "into the kernel", []event.Event{goes(p.main+5, userStack)}, []event.Event{goes(p.function, userStack)}, "rip"},
		{"AS-2", "on the thread stack", []event.Event{goes(p.main+5, userStack), goes(p.main+5, p.data+8)},
			[]event.Event{goes(p.main+5, thread+0x3f58)}, "rsp"},
		{"AS-3", "the kernel's data", []event.Event{touches(p.main, userStack), touches(p.main, p.data), touches(p.main, p.rodata)},
			[]event.Event{touches(p.main, p.function)}, fmt.Sprintf("%#x (ukl_main)", p.main)},
		{"AS-4", "without a fix-up", []event.Event{touches(fixed, userStack)},
			[]event.Event{touches(p.function, userStack)}, fmt.Sprintf("%#x (do_syscall_64)", p.function)},
	}
}
