// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// flags is groups FL and HW: flags, and what the hardware protects.
var flags = []Invariant{fl1{}, fl2{}, fl3{}, fl4{}, &hw1{}, hw2{}}

// entered are the events at which C code of the kernel is entered from outside.
var entered = kinds(event.SyscallBegin, event.HandlerBegin)

// fl1: the application can be interrupted.
type fl1 struct{}

func (fl1) Rule() Rule {
	return Rule{
		ID: "FL-1", Promise: "the application goes on with interrupts on",
		Source: "RFC 04 (STI); weakness D-9", Wanted: true, When: "when a program goes on", Observes: "RFLAGS.IF", Shows: "RFLAGS.IF: expected 0x200, found 0x0",
		Kinds: kinds(event.Resumed, event.Boundary),
	}
}
func (w fl1) Watch() Watcher { return w }
func (fl1) See(r *Report, e *event.Event) {
	if e.Kind == event.Boundary && e.CPL() != 3 && e.Code != event.CodeApplication {
		return
	}
	r.Equal("RFLAGS.IF", x86.FlagIF, e.RFLAGS&x86.FlagIF)
}

// fl2: string instructions go up.
type fl2 struct{}

func (fl2) Rule() Rule {
	return Rule{
		ID: "FL-2", Promise: "C code of the kernel is entered with DF clear",
		Source: "System V ABI, AMD64, 3.2.1; weakness D-16", Wanted: true, When: "do_syscall_64, handlers", Observes: "RFLAGS.DF", Shows: "RFLAGS.DF in do_syscall_64: expected 0x0, found 0x400",
		Kinds: entered, Needs: notKML,
	}
}
func (w fl2) Watch() Watcher { return w }
func (fl2) See(r *Report, e *event.Event) {
	r.Equal("RFLAGS.DF", 0, e.RFLAGS&x86.FlagDF)
}

// fl3: IRET is not a task switch.
type fl3 struct{}

func (fl3) Rule() Rule {
	return Rule{
		ID: "FL-3", Promise: "the kernel runs with NT and IOPL clear: an IRET with NT set faults",
		Source: "SDM vol. 2, IRET (#GP if NT in 64-bit mode); weakness D-16", Wanted: true, When: "do_syscall_64, handlers, a #GP of an IRET", Observes: "RFLAGS.NT, IOPL",
		Shows: "RFLAGS.NT: expected 0x0, found 0x4000", Kinds: entered, Needs: notKML,
	}
}
func (w fl3) Watch() Watcher { return w }
func (fl3) See(r *Report, e *event.Event) {
	r.Equal("RFLAGS.NT", 0, e.RFLAGS&x86.FlagNT)
	if x := e.Excursion; x != nil && x.By == event.ByVector && (x.Vector == nmi || x.Vector == x86.VectorDB || x.Vector == x86.VectorMC) {
		return // delivery leaves IOPL alone, and these may come before the entry has cleared the application's
	}
	r.Equal("RFLAGS.IOPL", 0, e.RFLAGS&x86.FlagIOPL)
}

// fl4: nobody steps through the kernel.
type fl4 struct{}

func (fl4) Rule() Rule {
	return Rule{
		ID: "FL-4", Promise: "the kernel runs with TF clear", Source: "SDM vol. 3A, 6.12.1.2 (delivery clears TF; a CALL does not); weakness D-16", Wanted: true,
		When: "do_syscall_64, handlers, single steps in C code", Observes: "RFLAGS.TF", Shows: "RFLAGS.TF: expected 0x0, found 0x100",
		Kinds: append(kinds(event.Exception), entered...), Needs: notKML,
	}
}
func (w fl4) Watch() Watcher { return w }
func (fl4) See(r *Report, e *event.Event) {
	if e.Kind != event.Exception {
		r.Equal("RFLAGS.TF", 0, e.RFLAGS&x86.FlagTF)
		return
	}
	x := e.Excursion
	at := x.Interrupted.RIP
	cleaned, ok := r.Image().Address("entry_ukl_clean_flags") // from there on, the entry text too
	const rest = 128
	if e.Vector == x86.VectorDB && !x.FromApplication && (r.Image().Class(at) == image.Kernel || ok && at-cleaned < rest) {
		r.Equal("RFLAGS.TF at "+r.at(x.Interrupted.RIP), 0, x.Interrupted.RFLAGS&x86.FlagTF)
	}
}

// hw1: protection stays on.
type hw1 struct{ was map[string]uint64 }

func (*hw1) Rule() Rule {
	return Rule{
		ID: "HW-1", Promise: "CR0, CR4, EFER and the registers of SYSCALL do not change once there is an application, but for CR0.TS",
		Source: "arch/x86/kernel/cpu/common.c (native_write_cr4 pins them)", When: "they are written, exceptions of the application", Observes: "the value before and after; SMEP and SMAP, which take the application for what they protect from",
		Shows: "CR4: expected 0x3006f0, found 0x6f0", Kinds: kinds(event.Control, event.Resumed, event.Exception),
	}
}
func (*hw1) Watch() Watcher { return &hw1{was: map[string]uint64{}} }
func (w *hw1) Forget()      { clear(w.was) }
func (w *hw1) See(r *Report, e *event.Event) {
	if e.Kind == event.Resumed {
		r.Held()
		if len(w.was) == 0 && e.Machine && r.suite.machine != nil {
			state := r.suite.machine.State()
			r.Equal("CR0.WP", x86.CR0WP, state.CR0&x86.CR0WP)
			w.was["CR0"], w.was["CR4"] = state.CR0&^x86.CR0TS, state.CR4&^x86.CR4PGE
		}
		return
	}
	if e.Kind == event.Exception {
		if x := e.Excursion; e.Machine && r.suite.machine != nil && x.FromApplication && x.Interrupted.CPL() == 0 {
			state := r.suite.machine.State()
			r.Equal("CR4 under the application, SMEP and SMAP", 0, state.CR4&(x86.CR4SMEP|x86.CR4SMAP))
		}
		return
	}
	if e.What != "CR0" && e.What != "CR4" && e.What != "EFER" && e.What != "LSTAR" && e.What != "STAR" && e.What != "SFMASK" {
		return
	}
	v := e.Value &^ map[string]uint64{"CR0": x86.CR0TS, "CR4": x86.CR4PGE}[e.What] // PGE is toggled to flush
	if was, ok := w.was[e.What]; ok {
		r.Equal(e.What, was, v)
	}
	w.was[e.What] = v
}

// hw2: an application does not do the kernel's work.
type hw2 struct{}

func (hw2) Rule() Rule {
	return Rule{
		ID: "HW-2", Promise: "the application's code has no instruction that only a kernel may use",
		Source: "weakness D-19; SDM vol. 3A, 5.9 (privileged instructions)", When: "the image, once", Observes: "every instruction of the application",
		Shows: "ukl_getpid (0xffffffff81600010): expected no syscall, found syscall", Tier: Static, Needs: UKL,
	}
}
func (w hw2) Watch() Watcher { return nil }
func (hw2) Inspect(r *Report, img *image.Image) {
	uses := img.Forbidden()
	for _, u := range uses {
		r.Breaks(fmt.Sprintf("%s (%#x)", u.Function, u.Address), "nothing that "+u.Reason, u.Instruction)
	}
	if len(uses) == 0 {
		r.Held()
	}
}
