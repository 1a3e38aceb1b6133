// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// modeTracking is group MT: the field that says whether a task's application
// or its kernel runs (task_struct.ukl_thread).
var modeTracking = []Invariant{mt1{}, mt2{}, mt3{}, mt4{}, mt5{}, mt6{}, &mt7{}, mt8{}}

// inC are the events at which the kernel's C code runs for the current task.
var inC = kinds(event.SyscallBegin, event.HandlerBegin, event.Switch, event.UserCopy, event.AccessOK, event.SigReturn,
	event.Exec, event.Clone, event.Fault)

// mt1: the field has one of its three values.
type mt1 struct{}

func (mt1) Rule() Rule {
	return Rule{
		ID: "MT-1", Promise: "the tracking field is 0, 1 or 2",
		Source: "RFC 03 (task_struct.ukl_thread)", When: "every event", Observes: "current->ukl_thread",
		Shows: "ukl_thread: expected 0, 1 or 2, found 0x7f",
		Kinds: append(kinds(event.SyscallEnter, event.Exception, event.Interrupt, event.Return, event.Switched, event.Mode), inC...), Needs: UKL,
	}
}
func (w mt1) Watch() Watcher { return w }
func (mt1) See(r *Report, e *event.Event) {
	if e.Tracking == event.NoTracking {
		return
	}
	if !r.Holds(e.Tracking >= event.TrackingNone && e.Tracking <= event.TrackingApplication) {
		r.Broke("ukl_thread", "0, 1 or 2", fmt.Sprintf("%#x", e.Tracking))
	}
}

// mt2: where the application runs, the field says so.
type mt2 struct{}

func (mt2) Rule() Rule {
	return Rule{
		ID: "MT-2", Promise: "while the application runs, the tracking field is 2",
		Source: "RFC 04 (enter_ukl_user on every way out)", When: "when the application goes on, and when it is stopped; in the full tier at each of its instructions", Observes: "RIP, current->ukl_thread",
		Shows: "ukl_thread at ukl_main+0x12: expected 2, found 1",
		Kinds: kinds(event.Resumed, event.SyscallEnter, event.Exception, event.Interrupt, event.Boundary), Needs: UKL,
	}
}
func (w mt2) Watch() Watcher { return w }
func (mt2) See(r *Report, e *event.Event) {
	at := e.RIP
	switch e.Kind {
	case event.Boundary:
		if e.Code != event.CodeApplication || e.CPL() != 0 {
			return
		}
	case event.Resumed:
		if !inApplication(&e.Registers) {
			return
		}
	default:
		at = e.Interrupted.RIP
		if !inApplication(e.Interrupted) || e.By != event.ByCall && r.Image().Class(at) != image.Application {
			return
		}
	}
	if !r.Holds(e.Tracking == event.TrackingApplication) {
		r.Broke("ukl_thread at "+r.at(at), event.TrackingApplication, e.Tracking)
	}
}

// mt3: where the kernel's C code runs, the field does not say application.
type mt3 struct{}

func (mt3) Rule() Rule {
	return Rule{
		ID: "MT-3", Promise: "the tracking field is not 2 while the kernel's own code runs, but for the first and last instructions of the entries",
		Source: "RFC 04 (enter_ukl_kernel before anything else)", When: "in C code of the kernel: system calls, handlers, copies, context switches",
		Observes: "current->ukl_thread; in the full tier at every block of the kernel", Shows: "ukl_thread in do_syscall_64: expected 0 or 1, found 2", Kinds: append(kinds(event.Boundary), inC...), Needs: UKL,
	}
}
func (w mt3) Watch() Watcher { return w }
func (mt3) See(r *Report, e *event.Event) {
	if e.Kind == event.Boundary && (e.Code != event.CodeKernel || e.CPL() != 0) {
		return
	}
	if x := e.Excursion; e.Kind == event.HandlerBegin && x != nil && (x.Vector == nmi || x.Vector == x86.VectorDB || x.Vector == x86.VectorMC) {
		return // they may hit the entry text, and put the mark away themselves: MT-3 looks at what they call
	}
	if !r.Holds(e.Tracking != event.TrackingApplication) {
		r.Broke("ukl_thread in "+r.at(e.RIP), "0 or 1", e.Tracking)
	}
}

// mt4: an ordinary program's task is none of the application's.
type mt4 struct{}

func (mt4) Rule() Rule {
	return Rule{
		ID: "MT-4", Promise: "a task that runs in CPL 3 has 0 in the tracking field",
		Source: "RFC 03, 08; weaknesses D-2, D-3", When: "system calls from CPL 3, and returns to it", Observes: "CPL, current->ukl_thread",
		Shows: "ukl_thread in CPL 3: expected 0, found 1", Wanted: true,
		Kinds: kinds(event.SyscallEnter, event.Resumed, event.Boundary), Needs: UKL,
	}
}
func (w mt4) Watch() Watcher { return w }
func (mt4) See(r *Report, e *event.Event) {
	regs := &e.Registers
	if e.Kind == event.SyscallEnter {
		regs = e.Interrupted
	}
	if regs.CPL() == 3 {
		r.Equal("ukl_thread in CPL 3", event.TrackingNone, uint64(e.Tracking))
	}
}

// mt5: the field changes where it may.
type mt5 struct{}

func (mt5) Rule() Rule {
	return Rule{
		ID: "MT-5", Promise: "the tracking field goes from 0 only when the application is started, from 2 to 1 on the way in, from 1 to 2 on the way out",
		Source: "RFC 03, 04, 08", When: "whenever it is seen with another value", Observes: "the value before and after, and where the task is",
		Shows: "ukl_thread outside of exec: expected it to stay 0, found 1", Kinds: kinds(event.Mode), Needs: UKL,
	}
}
func (w mt5) Watch() Watcher { return w }
func (mt5) See(r *Report, e *event.Event) {
	x := e.Excursion
	switch {
	case e.Was == event.TrackingNone || e.Tracking == event.TrackingNone:
		if !r.Holds(x != nil && x.Exec) {
			r.Broke("ukl_thread outside of exec", fmt.Sprint("it to stay ", e.Was), e.Tracking)
		}
	case e.Was == event.TrackingApplication:
		if !r.Holds(x != nil) {
			r.Broke("ukl_thread without an entry", e.Was, e.Tracking)
		}
	case e.Was == event.TrackingKernel:
		if !r.Holds(x == nil || x.FromApplication || x.Vector == nmi || x.Vector == x86.VectorDB || x.Vector == x86.VectorMC) {
			r.Broke("ukl_thread in the middle of the kernel", e.Was, e.Tracking)
		}
	}
}

// mt6: tasks without an address space have nothing to do with the application.
type mt6 struct{}

func (mt6) Rule() Rule {
	return Rule{
		ID: "MT-6", Promise: "kernel threads, the idle task, and a task whose exec has failed keep 0 in the tracking field",
		Source: "RFC 08; weakness D-3", When: "context switches, failed execs", Observes: "current->ukl_thread, the task's address space",
		Shows: "ukl_thread after a failed execve: expected 0, found 1", Wanted: true,
		Kinds: kinds(event.ExecFailed, event.Switch), Needs: UKL,
	}
}
func (w mt6) Watch() Watcher { return w }
func (mt6) See(r *Report, e *event.Event) {
	if e.Kind == event.Switch {
		if e.Excursion == nil && e.Tracking != event.NoTracking { // it has never been anywhere but in the kernel
			if !r.Holds(e.Tracking != event.TrackingApplication) {
				r.Broke("ukl_thread of a task that is nobody's", event.TrackingNone, e.Tracking)
			}
		}
		return
	}
	if x := e.Excursion; x != nil && x.Interrupted.CPL() == 3 {
		r.Equal("ukl_thread after a failed execve", event.TrackingNone, uint64(e.Tracking))
	}
}

// mt7: only the task itself changes its field.
type mt7 struct{ away map[uint64]int }

func (*mt7) Rule() Rule {
	return Rule{
		ID: "MT-7", Promise: "the tracking field of a task changes only while it runs",
		Source: "RFC 04 (the helpers go through current)", When: "context switches", Observes: "ukl_thread when a task gave the CPU away, and when it has it again",
		Shows: "ukl_thread of a task that did not run: expected 1, found 2", Kinds: kinds(event.Switch, event.Switched, event.Clone), Needs: UKL,
	}
}
func (*mt7) Watch() Watcher { return &mt7{away: map[uint64]int{}} }
func (w *mt7) Forget()      { clear(w.away) }
func (w *mt7) See(r *Report, e *event.Event) {
	switch e.Kind {
	case event.Switch:
		w.away[e.Task] = e.Tracking
	case event.Switched:
		if was, ok := w.away[e.Task]; ok {
			if !r.Holds(was == e.Tracking) {
				r.Broke("ukl_thread of a task that did not run", was, e.Tracking)
			}
		}
	case event.Clone:
		delete(w.away, e.Next)
	}
}

// mt8: the mark in a frame says what it stopped.
type mt8 struct{}

func (mt8) Rule() Rule {
	return Rule{
		ID: "MT-8", Promise: "pt_regs say CS = 0xC3 if, and only if, the frame stopped the application",
		Source: "RFC 04 (error_entry)", When: "handlers of exceptions and interrupts begin", Observes: "pt_regs.cs, what was stopped",
		Shows: "pt_regs.cs: expected 0xc3, found 0x10", Kinds: kinds(event.HandlerBegin), Needs: UKL,
	}
}
func (w mt8) Watch() Watcher { return w }
func (mt8) See(r *Report, e *event.Event) {
	x := delivered(e)
	if x == nil || x.Vector == nmi {
		return
	}
	switch {
	case x.BadReturn && x.Interrupted.CPL() == 3:
		// A program may forge a signal frame with any selector, and it is that which IRET has refused.
	case x.Interrupted.CPL() == 3:
		if !r.Holds(e.Frame.CS != uklCS) {
			r.Broke("pt_regs.cs", "a selector of CPL 3", e.Frame.CS)
		}
	case x.FromApplication:
		r.Equal("pt_regs.cs", uklCS, e.Frame.CS)
	default:
		r.Equal("pt_regs.cs", kernelCS, e.Frame.CS)
	}
}
