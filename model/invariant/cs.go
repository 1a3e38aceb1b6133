// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
)

// contextSwitch is group CS: what is one task's must not become another's.
var contextSwitch = []Invariant{cs1{}, &cs2{}, cs3{}, &cs4{}, cs5{}}

// cs1: a switch is the kernel's business.
type cs1 struct{}

func (cs1) Rule() Rule {
	return Rule{
		ID: "CS-1", Promise: "a context switch is made with interrupts off, by a task that is in the kernel",
		Source: "kernel/sched/core.c (__schedule); weakness D-18", When: "__switch_to_asm", Observes: "RFLAGS.IF, ukl_thread of the task that gives the CPU away",
		Shows: "ukl_thread: expected 0 or 1, found 2", Kinds: kinds(event.Switch),
	}
}
func (w cs1) Watch() Watcher { return w }
func (cs1) See(r *Report, e *event.Event) {
	r.Equal("RFLAGS.IF", 0, e.RFLAGS&x86.FlagIF)
	if !r.Holds(e.Tracking != event.TrackingApplication) {
		r.Broke("ukl_thread", "0 or 1", e.Tracking)
	}
}

// cs2: all of it is switched.
type cs2 struct {
	next  uint64
	bases map[uint64][2]uint64 // of a task when it gave the CPU away: FS, inactive GS
}

func (*cs2) Rule() Rule {
	return Rule{
		ID: "CS-2", Promise: "behind a context switch current, the top of the stack, FS base and the inactive GS base are those of the next task",
		Source: "arch/x86/kernel/process_64.c (__switch_to)", When: "behind __switch_to_asm", Observes: "current_task, cpu_current_top_of_stack, FS base, IA32_KERNEL_GS_BASE",
		Shows: "FS base: expected 0x7f0000001000, found 0x7f0000002000", Kinds: kinds(event.Switch, event.Switched, event.Clone),
	}
}
func (*cs2) Watch() Watcher { return &cs2{bases: map[uint64][2]uint64{}} }
func (w *cs2) Forget() {
	clear(w.bases)
	w.next = 0
}
func (w *cs2) See(r *Report, e *event.Event) {
	switch e.Kind {
	case event.Clone:
		delete(w.bases, e.Next)
	case event.Switch:
		w.next = e.Next
		w.bases[e.Task] = [2]uint64{e.FSBase, e.KernelGSBase}
	case event.Switched:
		if w.next != 0 {
			r.Equal("current_task", w.next, e.Task)
		}
		if e.Stack != 0 {
			r.Equal("cpu_current_top_of_stack", e.Stack+threadSize(r.Image()), e.TopOfStack)
		}
		if was, ok := w.bases[e.Task]; ok && e.Excursion != nil && e.Excursion.FromApplication {
			r.Equal("FS base", was[0], e.FSBase)
			r.Equal("IA32_KERNEL_GS_BASE", was[1], e.KernelGSBase)
		}
	}
}

// cs3: flags are nobody's legacy.
type cs3 struct{}

func (cs3) Rule() Rule {
	return Rule{
		ID: "CS-3", Promise: "AC, NT, DF and IOPL do not pass from one task to the next",
		Source: "CVE-2006-5755, CVE-2006-5173; arch/x86/kernel/process_64.c", When: "__switch_to_asm, and behind it", Observes: "RFLAGS",
		Shows: "RFLAGS: expected none of AC, NT, DF, IOPL, found 0x4000", Kinds: kinds(event.Switch, event.Switched),
	}
}
func (w cs3) Watch() Watcher { return w }
func (cs3) See(r *Report, e *event.Event) {
	const mask = x86.FlagAC | x86.FlagNT | x86.FlagDF | x86.FlagIOPL
	if !r.Holds(e.RFLAGS&mask == 0) {
		r.Broke("RFLAGS", "none of AC, NT, DF, IOPL", e.RFLAGS&mask)
	}
}

// cs4: FPU registers are the task's.
type cs4 struct{ kept map[uint64]any }

func (*cs4) Rule() Rule {
	return Rule{
		ID: "CS-4", Promise: "an exception or interrupt leaves the application's FPU and SSE registers alone",
		Source: "arch/x86/kernel/fpu/core.c (switch_fpu_return); weakness D-18", Wanted: true, When: "delivery, and when the application goes on", Observes: "the FPU, thread_info.flags",
		Shows: "the FPU's registers: expected those before, found others", Kinds: kinds(event.Exception, event.Interrupt, event.NMI, event.Resumed),
	}
}
func (*cs4) Watch() Watcher { return &cs4{kept: map[uint64]any{}} }
func (w *cs4) Forget()      { clear(w.kept) }
func (w *cs4) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || x.By != event.ByVector || !x.FromApplication || !e.Machine || r.suite.machine == nil {
		return
	}
	now := r.suite.machine.FPU()
	if e.Kind != event.Resumed {
		w.kept[e.Task] = now
		return
	}
	was := w.kept[e.Task]
	delete(w.kept, e.Task)
	if was != nil && undisturbed(x) {
		if !r.Holds(was == any(now)) {
			r.Broke("the FPU's registers", "those before", "others")
		}
	}
}

// cs5: the stack belongs to who runs on it.
type cs5 struct{}

func (cs5) Rule() Rule {
	return Rule{
		ID: "CS-5", Promise: "a system call runs on the stack of the task that made it",
		Source: "arch/x86/include/asm/switch_to.h (update_task_stack)", When: "do_syscall_64", Observes: "where pt_regs are, current->stack",
		Shows: "pt_regs: expected 0xffffc90000013f58, found 0xffffc90000017f58", Kinds: kinds(event.SyscallBegin), Needs: ownStack,
	}
}
func (w cs5) Watch() Watcher { return w }
func (cs5) See(r *Report, e *event.Event) {
	if e.Stack != 0 {
		r.Equal("pt_regs", e.Stack+threadSize(r.Image())-event.FrameSize, e.FrameAt)
	}
}
