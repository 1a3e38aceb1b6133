// SPDX-License-Identifier: GPL-2.0-or-later

package invariant_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/invariant"
)

// A program starts as the ABI says, and an execve that fails has not been.
func execLooks(p places) []look {
	started := func(what string) event.Event {
		return here(event.Started, p.function, func(e *event.Event) { e.What = what })
	}
	first := func(change ...func(*event.Event)) event.Event { return here(event.Resumed, p.start, change...) }
	rsp := func(v uint64) func(*event.Event) { return func(e *event.Event) { e.GPR[x86.RSP] = v } }
	failed := func(change ...func(*event.Event)) event.Event {
		result := -2
		return here(event.Resumed, p.main+5, append([]func(*event.Event){inCall(p, 59, func(x *event.Excursion) { x.End.AX = uint64(result) }),
			func(e *event.Event) { e.GPR[x86.RAX] = uint64(result) }}, change...)...)
	}
	leaves := here(event.Exec, p.function, inCall(p, 59))
	return []look{
		{"XT-1", "RSP", []event.Event{started("unikernel_start_thread"), first()}, []event.Event{started("unikernel_start_thread"), first(rsp(userStack - 8))}, "rsp modulo 16"},
		{"XT-1", "flags", []event.Event{started("unikernel_start_thread"), first()},
			[]event.Event{started("unikernel_start_thread"), first(func(e *event.Event) { e.RFLAGS = 0x602 })}, "RFLAGS"},
		{"XT-1", "RIP", []event.Event{started("unikernel_start_thread"), first()},
			[]event.Event{started("unikernel_start_thread"), first(func(e *event.Event) { e.RIP = p.main })}, "rip"},
		{"XT-2", "GS base", []event.Event{first()}, []event.Event{first(func(e *event.Event) { e.GSBase = 0 })}, "GS base"},
		{"XT-3", "in the kernel", []event.Event{first(func(e *event.Event) { e.FSBase = p.data })}, []event.Event{first(func(e *event.Event) { e.FSBase = p.function })}, "FS base"},
		{"XT-5", "mode", []event.Event{failed()}, []event.Event{failed(func(e *event.Event) { e.Tracking = 1 })}, "ukl_thread behind a failed execve"},
		{"XT-5", "address space", []event.Event{failed()}, []event.Event{failed(func(e *event.Event) { e.CR3 = 0x4000 })}, "CR3 behind a failed execve"},
		{"XT-5", "a register", []event.Event{failed()}, []event.Event{failed(func(e *event.Event) { e.GPR[x86.RBX] = 1 })}, "rbx"},
		{"XT-6", "the mark kept", []event.Event{leaves, started("start_thread"), first(program)},
			[]event.Event{leaves, started("start_thread"), first(program, func(e *event.Event) { e.Tracking = 2 })}, "ukl_thread of an ordinary program"},
	}
}

// A child begins where its parent is, or where it was told to.
func cloneLooks(p places) []look {
	made := func(number, flags, stack uint64) event.Event {
		return here(event.Clone, p.function, inCall(p, number, func(x *event.Excursion) {
			x.Entry.GPR[x86.RDI], x.Entry.GPR[x86.RSI], x.Entry.GPR[x86.R8] = flags, stack, 0x7000
		}), func(e *event.Event) { e.Next = child })
	}
	first := func(number, flags, stack, sp uint64, change ...func(*event.Event)) event.Event {
		return here(event.Resumed, p.main+5, append([]func(*event.Event){func(e *event.Event) {
			e.Task = child
			e.GPR = [16]uint64{x86.RSP: sp, x86.RDI: flags, x86.RSI: stack, x86.R8: 0x7000}
		}}, change...)...)
	}
	return []look{
		{"XT-7", "fork's RSP", []event.Event{made(57, 0, 0), first(57, 0, 0, userStack)}, []event.Event{made(57, 0, 0), first(57, 0, 0, userStack+16)}, "rsp of a child"},
		{"XT-7", "a stack of its own", []event.Event{made(56, 0x100, 0x9000), first(56, 0x100, 0x9000, 0x9000)},
			[]event.Event{made(56, 0x100, 0x9000), first(56, 0x100, 0x9000, 0x8ff0)}, "rsp of a child"},
		{"XT-7", "storage of its own", []event.Event{made(56, 0x80000, 0), first(56, 0x80000, 0, userStack, func(e *event.Event) { e.FSBase = 0x7000 })},
			[]event.Event{made(56, 0x80000, 0), first(56, 0x80000, 0, userStack)}, "FS base of a child"},
		{"XT-7", "interrupts off", []event.Event{made(57, 0, 0), first(57, 0, 0, userStack)},
			[]event.Event{made(57, 0, 0), first(57, 0, 0, userStack, func(e *event.Event) { e.RFLAGS = 2 })}, "RFLAGS.IF of a child"},
		{"XT-7", "its parent's result", []event.Event{made(57, 0, 0), first(57, 0, 0, userStack)},
			[]event.Event{made(57, 0, 0), first(57, 0, 0, userStack, func(e *event.Event) { e.GPR[x86.RAX] = 7 })}, "rax"},
	}
}

// Selectors are as they were behind an interrupt, and null at a program's start.
func selectorLooks(p places) []look {
	interrupted := func(selectors [4]uint16) event.Event {
		return here(event.Resumed, p.main, func(e *event.Event) {
			e.Machine, e.Selectors = true, selectors
			e.Excursion = &event.Excursion{By: event.ByVector, FromApplication: true}
		})
	}
	start := here(event.Started, p.function)
	return []look{
		{"XT-8", "an interrupt", []event.Event{interrupted([4]uint16{})}, []event.Event{interrupted([4]uint16{43, 43, 0, 0})}, "the selectors of DS, ES, FS, GS"},
		{"XT-8", "a start", []event.Event{start, interrupted([4]uint16{})}, []event.Event{start, interrupted([4]uint16{0, 0, 0, 43})}, "the selectors of DS, ES, FS, GS"},
	}
}

// The tables that the linker made are in order. An application that calls the
// kernel's other entry is not linked as it should be.
func TestStaticLooks(t *testing.T) {
	healthy := of(t, "").img
	for _, id := range []string{"XT-4", "XT-9", "AS-8"} {
		r := watch(t, healthy, id, nil)
		require.Equal(t, invariant.Held, r.Status, "%s: %+v", id, r.Violations)
	}
	r := watch(t, of(t, "defect=wrong-entry").img, "AS-8", nil)
	require.Equal(t, invariant.Violated, r.Status)
	require.Contains(t, fmt.Sprint(r.Violations[0].Found), "entry_SYSCALL_64")
}
