// SPDX-License-Identifier: GPL-2.0-or-later

package invariant_test

import (
	"fmt"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
)

// a range that somebody decides about, or copies.
func span(address, size uint64, verdict, write bool) func(*event.Event) {
	return func(e *event.Event) {
		e.Address, e.Size, e.Verdict, e.Write, e.What = address, size, verdict, write, "__get_user_8"
		e.Tracking = event.TrackingKernel
	}
}

func forProgram(e *event.Event) { e.Tracking = event.TrackingNone }

func text(e *event.Event, size uint64, what string) string {
	return fmt.Sprintf("%s %#x, %d bytes, by %s", what, e.Address, e.Size, e.What)
}

// What a task may name is the lower half, and for the application its part of
// the image; all that decide about it say the same, and all that copy keep to it.
func userAccessLooks(p places) []look {
	decided := func(address, size uint64, verdict bool) event.Event {
		return here(event.AccessOK, p.function, span(address, size, verdict, false))
	}
	copied := func(address, size uint64, write bool) event.Event {
		return here(event.UserCopy, p.function, span(address, size, false, write))
	}
	wrapping := decided(^uint64(0)-3, 8, false)
	return []look{
		{"UA-1", "the kernel's text", []event.Event{decided(userStack, 8, true), decided(p.data, 8, true), decided(p.function, 8, false)},
			[]event.Event{decided(p.function, 8, true)}, "a range accepted"},
		{"UA-1", "a program and the application's data", []event.Event{here(event.AccessOK, p.function, span(p.data, 8, false, false), forProgram)},
			[]event.Event{here(event.AccessOK, p.function, span(p.data, 8, true, false), forProgram)}, "a range accepted"},
		{"UA-1", "beyond the end of the lower half", []event.Event{decided(0x7fffffffeff8, 8, true)}, []event.Event{decided(0x7fffffffeff9, 8, true)}, "a range accepted"},
		{"UA-2", "the kernel's text", []event.Event{copied(userStack, 64, true), copied(p.data, 8, true)}, []event.Event{copied(p.function, 8, true)}, "a write"},
		{"UA-2", "text that does not fault", []event.Event{copied(p.main, 8, true), here(event.FixUp, p.function)},
			[]event.Event{copied(p.main, 8, true), here(event.SyscallEnd, p.function)}, "a write to text or rodata"},
		{"UA-3", "the kernel's text", []event.Event{copied(p.rodata, 8, false)}, []event.Event{copied(p.function, 8, false)}, "a read"},
		{"UA-4", "the application's data", []event.Event{decided(p.data, 8, true)}, []event.Event{decided(p.data, 8, false)}, "a range of the task's refused"},
		{"UA-5", "wrapping around", []event.Event{wrapping}, []event.Event{decided(^uint64(0)-3, 8, true)}, "a range that is none"},
		{"UA-5", "an oops", []event.Event{wrapping, here(event.SyscallEnd, p.function), here(event.Oops, p.function)},
			[]event.Event{wrapping, here(event.Oops, p.function)}, text(&wrapping, 8, "behind")},
		{"UA-6", "a program's copy", []event.Event{here(event.UserCopy, p.function, span(userStack, 8, false, false), forProgram)},
			[]event.Event{here(event.UserCopy, p.function, span(p.data, 8, false, false), forProgram)}, "a copy for a program"},
		{"UA-7", "clear_child_tid", []event.Event{here(event.Ended, p.function), copied(p.data, 4, true)},
			[]event.Event{here(event.Ended, p.function), copied(p.function, 4, true)}, "a copy at the task's end"},
		{"UA-8", "a system call", []event.Event{here(event.SyscallBegin, p.function)},
			[]event.Event{here(event.SyscallBegin, p.function, func(e *event.Event) { e.RFLAGS |= x86.FlagAC })},
			"RFLAGS.AC in " + fmt.Sprintf("%#x (do_syscall_64)", p.function)},
	}
}
