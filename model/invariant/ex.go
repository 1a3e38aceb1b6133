// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// syscallExit is group EX: from the end of do_syscall_64 to the application.
var syscallExit = []Invariant{&ex1{}, ex2{}, ex3{}, ex4{}, ex5{}, ex6{}, ex7{}, &ex8{}, ex9{}, ex10{}, ex11{}, ex12{}}

// back is the excursion that a system call's return has ended, if the event
// is the end of one whose pt_regs are known.
func back(e *event.Event) *event.Excursion {
	if x := e.Excursion; x != nil && x.By != event.ByVector && x.End != nil {
		return x
	}
	return nil
}

// undisturbed says that the system call only did what it was called for.
func undisturbed(x *event.Excursion) bool {
	return x.SignalFrames == 0 && !x.SigReturn && !x.Exec
}

// ex1: nothing comes in on the way out.
type ex1 struct{ leaving map[uint64]bool }

func (*ex1) Rule() Rule {
	return Rule{
		ID: "EX-1", Promise: "no interrupt is taken between the end of a system call and the application",
		Source: "RFC 04; kernel/entry/common.c (returns with interrupts off)", When: "behind do_syscall_64, interrupts", Observes: "RFLAGS.IF, what an interrupt stopped",
		Shows: "RFLAGS.IF behind do_syscall_64: expected 0x0, found 0x200", Kinds: kinds(event.SyscallEnd, event.Interrupt, event.Return, event.Exception),
	}
}
func (*ex1) Watch() Watcher { return &ex1{leaving: map[uint64]bool{}} }
func (w *ex1) Forget()      { clear(w.leaving) }
func (w *ex1) See(r *Report, e *event.Event) {
	switch e.Kind {
	case event.SyscallEnd:
		w.leaving[e.Task] = true
		r.Equal("RFLAGS.IF behind do_syscall_64", 0, e.RFLAGS&x86.FlagIF)
	case event.Interrupt:
		if w.leaving[e.Task] {
			r.Breaks("an interrupt on the way out", "none", "one at "+r.at(e.Interrupted.RIP))
		}
	default:
		delete(w.leaving, e.Task)
	}
}

// ex2: the return goes to where pt_regs say.
type ex2 struct{}

func (ex2) Rule() Rule {
	return Rule{
		ID: "EX-2", Promise: "a system call returns to pt_regs.ip",
		Source: "RFC 04; weaknesses D-4, D-5, D-6: the published series returns by the words on the application's stack", Wanted: true,
		When: "when the application goes on", Observes: "RIP, pt_regs at the end of the call", Shows: "RIP: expected 0xffffffff81601234 (ukl_main+0x34), found 0x3",
		Kinds: kinds(event.Resumed),
	}
}
func (w ex2) Watch() Watcher { return w }
func (ex2) See(r *Report, e *event.Event) {
	if x := back(e); x != nil {
		if !r.Holds(e.RIP == x.End.IP) {
			r.Broke("RIP", r.at(x.End.IP), r.at(e.RIP))
		}
	}
}

// ex3: and with the stack that they say.
type ex3 struct{}

func (ex3) Rule() Rule {
	return Rule{
		ID: "EX-3", Promise: "a system call returns with pt_regs.sp as RSP",
		Source: "RFC 04", Wanted: true, When: "when the application goes on", Observes: "RSP, pt_regs at the end of the call",
		Shows: "RSP: expected 0x7ffc00001000, found 0x7ffc00000ff8", Kinds: kinds(event.Resumed),
	}
}
func (w ex3) Watch() Watcher { return w }
func (ex3) See(r *Report, e *event.Event) {
	if x := back(e); x != nil {
		r.Equal("RSP", x.End.SP, e.RSP())
	}
}

// ex4: and all registers.
type ex4 struct{}

func (ex4) Rule() Rule {
	return Rule{
		ID: "EX-4", Promise: "a system call returns with the registers of pt_regs, RCX and R11 too where it was made by CALL",
		Source: "RFC 04; SDM vol. 2, SYSRET (RCX is RIP, R11 is RFLAGS)", When: "when the application goes on", Observes: "the general registers, pt_regs at the end of the call",
		Shows: "r11: expected 0x1234, found 0x246", Kinds: kinds(event.Resumed),
	}
}
func (w ex4) Watch() Watcher { return w }
func (ex4) See(r *Report, e *event.Event) {
	if x := back(e); x != nil {
		frame := x.End.GPR()
		r.sameRegisters(&frame, &e.GPR, x86.RSP)
	}
}

// ex5: and with its flags.
type ex5 struct{}

func (ex5) Rule() Rule {
	return Rule{
		ID: "EX-5", Promise: "a system call by CALL gives the flags back as they were, interrupts on",
		Source: "RFC 04 (POPFQ)", When: "when the application goes on, no signal in between", Observes: "RFLAGS there and at the CALL",
		Shows: "RFLAGS: expected 0x246, found 0x646", Kinds: kinds(event.Resumed), Needs: callEntry,
	}
}
func (w ex5) Watch() Watcher { return w }
func (ex5) See(r *Report, e *event.Event) {
	x := back(e)
	if x == nil || x.By != event.ByCall || !undisturbed(x) {
		return
	}
	const mask = userFlags | x86.FlagIF
	r.Equal("RFLAGS", x.Entry.RFLAGS&userFlags|x86.FlagIF, e.RFLAGS&mask)
}

// ex6: what POPFQ takes are flags.
type ex6 struct{}

func (ex6) Rule() Rule {
	return Rule{
		ID: "EX-6", Promise: "the word that a return by RET pops into RFLAGS looks like flags",
		Source: "RFC 04; SDM vol. 1, 3.4.3: bit 1 is 1, bits 3, 5, 15 and 22 to 63 are 0; weakness D-4 pops an address", Wanted: true,
		When: "the RET that leaves the kernel", Observes: "the word below the return address", Shows: "the word for RFLAGS: expected bit 1 set and reserved bits clear, found 0xffffffff81601234",
		Kinds: kinds(event.Return), Needs: all(callEntry, returnsByRET),
	}
}
func (w ex6) Watch() Watcher { return w }
func (ex6) See(r *Report, e *event.Event) {
	if e.By != event.ByRET {
		return
	}
	const reserved = uint64(1)<<3 | 1<<5 | 1<<15 | (1<<64 - 1<<22)
	// start_thread() sets IF alone, and that is the first that a program gets.
	fresh := e.Excursion != nil && e.Excursion.Exec
	if !r.Holds(e.Value&reserved == 0 && (e.Value&2 != 0 || fresh)) {
		r.Broke("the word for RFLAGS", "bit 1 set and reserved bits clear", e.Value)
	}
}

// ex7: what RET takes is the application's code.
type ex7 struct{}

func (ex7) Rule() Rule {
	return Rule{
		ID: "EX-7", Promise: "a return by RET goes to the application's code, behind its CALL if it made one",
		Source: "RFC 04", Wanted: true, When: "the RET that leaves the kernel", Observes: "the address that it takes",
		Shows: "the return address: expected the application's code, found 0x3", Kinds: kinds(event.Return), Needs: all(callEntry, returnsByRET),
	}
}
func (w ex7) Watch() Watcher { return w }
func (ex7) See(r *Report, e *event.Event) {
	if e.By != event.ByRET || e.Excursion != nil && e.Excursion.SigReturn {
		return // a signal frame may say anything
	}
	class := r.Image().Class(e.RIP)
	own := class == image.Application || class == image.Outside && !upper(e.RIP) && e.RIP > 0xffff
	if first, ok := r.Image().Address("ukl_entry_SYSCALL_64"); ok && e.RIP == first {
		own = true // a call that is made again
	}
	if r.That(own, "the return address", "the application's code", r.at(e.RIP)) && e.Excursion != nil && e.Excursion.By == event.ByCall &&
		undisturbed(e.Excursion) && class == image.Application && e.Excursion.Number != clone {
		if !r.Holds(r.behindCall(e.RIP)) {
			r.Broke("the return address", "one behind a CALL", r.at(e.RIP))
		}
	}
}

// ex8: from the mark to the application nothing else happens.
type ex8 struct{ out map[uint64]bool }

func (*ex8) Rule() Rule {
	return Rule{
		ID: "EX-8", Promise: "once the tracking field says application again, nothing of the kernel runs but the way out",
		Source: "RFC 04 (enter_ukl_user is last); weakness D-13", When: "every event in the kernel", Observes: "current->ukl_thread since the call ended",
		Shows: "in the kernel with ukl_thread 2: expected nothing, found handler begins", Kinds: kinds(event.SyscallEnter, event.SyscallEnd, event.SyscallBegin, event.Switch, event.UserCopy, event.Resumed),
		Needs: callEntry,
	}
}
func (*ex8) Watch() Watcher { return &ex8{out: map[uint64]bool{}} }
func (w *ex8) Forget()      { clear(w.out) }
func (w *ex8) See(r *Report, e *event.Event) {
	switch e.Kind {
	case event.SyscallEnd:
		if !r.Holds(e.Tracking != event.TrackingApplication) {
			r.Broke("ukl_thread behind do_syscall_64", event.TrackingKernel, e.Tracking)
		}
		w.out[e.Task] = true
	case event.Resumed, event.SyscallEnter:
		delete(w.out, e.Task)
	default:
		if w.out[e.Task] && called(e) != nil {
			r.Breaks("on the way out of a call", "nothing but the way out", e.Kind.String())
		}
	}
}

// ex9: POPFQ and RET are one.
type ex9 struct{}

func (ex9) Rule() Rule {
	return Rule{
		ID: "EX-9", Promise: "no interrupt is taken between POPFQ and the end of RET",
		Source: "the STI before RET of later trees (SDM vol. 2, STI: the instruction behind it is covered); weakness D-12", Wanted: true,
		When: "interrupts", Observes: "what was stopped", Shows: "an interrupt before the RET: expected none, found one at return_to_ukl_ret+0x1",
		Kinds: kinds(event.Interrupt, event.Return), Needs: all(callEntry, returnsByRET),
	}
}
func (w ex9) Watch() Watcher { return w }
func (ex9) See(r *Report, e *event.Event) {
	if e.Kind == event.Return {
		if e.By == event.ByRET {
			r.Held()
		}
		return
	}
	if at := e.Interrupted.RIP; e.Tracking == event.TrackingApplication && !upper(e.Interrupted.RSP()) && e.Interrupted.CPL() == 0 {
		first, _ := r.Image().Address("ukl_entry_SYSCALL_64")
		class := r.Image().Class(at)
		if !r.Holds(class == image.Application || class == image.Outside || at == first) {
			r.Broke("an interrupt before the RET", "none", "one at "+r.at(at))
		}
	}
}

// Flags of thread_info: arch/x86/include/asm/thread_info.h.
const (
	tifNotifyResume = 1 << 1
	tifSigpending   = 1 << 2
	tifNeedResched  = 1 << 3
	tifUprobe       = 1 << 12
	tifNeedFPULoad  = 1 << 14
	tifNotifySignal = 1 << 17
	exitWork        = tifNotifyResume | tifSigpending | tifNeedResched | tifUprobe | tifNeedFPULoad | tifNotifySignal
)

// ex10: all work is done.
type ex10 struct{}

func (ex10) Rule() Rule {
	return Rule{
		ID: "EX-10", Promise: "no work is left for the way out when the application goes on: no signal, no rescheduling, no FPU state to load",
		Source: "kernel/entry/common.c (exit_to_user_mode_loop); weakness D-18 (bypass)", Wanted: true,
		When: "when the application goes on", Observes: "current->thread_info.flags", Shows: "thread_info.flags: expected none of 0x2500e, found 0x4",
		Kinds: kinds(event.Resumed), Needs: notKML,
	}
}
func (w ex10) Watch() Watcher { return w }
func (ex10) See(r *Report, e *event.Event) {
	if !r.Holds(e.ThreadFlags&exitWork == 0) {
		r.Broke("thread_info.flags", fmt.Sprintf("none of %#x", exitWork), e.ThreadFlags&exitWork)
	}
}

// ex11: nothing is held.
type ex11 struct{}

func (ex11) Rule() Rule {
	return Rule{
		ID: "EX-11", Promise: "the application goes on with preemption enabled",
		Source: "kernel/entry/common.c", When: "when the application goes on", Observes: "__preempt_count", Shows: "__preempt_count: expected 0x0, found 0x1",
		Kinds: kinds(event.Resumed),
	}
}
func (w ex11) Watch() Watcher { return w }
func (ex11) See(r *Report, e *event.Event) {
	const noNeed = 1 << 31 // PREEMPT_NEED_RESCHED is kept inverted
	r.Equal("__preempt_count", 0, uint64(e.PreemptCount&^noNeed))
}

// ex12: no way to CPL 3 for the application.
type ex12 struct{}

func (ex12) Rule() Rule {
	return Rule{
		ID: "EX-12", Promise: "a task whose tracking field is not 0 never goes to CPL 3",
		Source: "RFC 04; weaknesses D-2, D-19", Wanted: true, When: "IRET and SYSRET", Observes: "CPL behind it, current->ukl_thread",
		Shows: "ukl_thread at SYSRET: expected 0x0, found 0x1", Kinds: kinds(event.Return), Needs: UKL,
	}
}
func (w ex12) Watch() Watcher { return w }
func (ex12) See(r *Report, e *event.Event) {
	if e.CPL() == 3 {
		r.Equal(fmt.Sprint("ukl_thread at ", e.By), event.TrackingNone, uint64(e.Tracking))
	}
}

// clone's child and the parent both return; its number is 56.
const clone = 56
