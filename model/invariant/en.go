// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// syscallEntry is group EN: from the application's CALL to do_syscall_64.
var syscallEntry = []Invariant{en1{}, &en2{}, en3{}, en4{}, en5{}, en6{}, en7{}, &en8{}, en9{}, en10{}, en11{}}

var callEntry = all(UKL, needsSymbol("ukl_entry_SYSCALL_64"))

// called is the excursion of a system call by CALL, if the event is in one.
func called(e *event.Event) *event.Excursion {
	if x := e.Excursion; x != nil && x.By == event.ByCall {
		return x
	}
	return nil
}

// ownStack is for those of kernels in which a system call changes the stack.
func ownStack(img *image.Image) string {
	if img.UKL.SameStack {
		return "with same_stack a system call stays on the application's stack"
	}
	return ""
}

// en1: the entry is reached as it is made for.
type en1 struct{}

func (en1) Rule() Rule {
	return Rule{
		ID: "EN-1", Promise: "the entry is reached by a CALL of the application, in CPL 0, with the kernel's GS base",
		Source: "RFC 04 (ukl_entry_SYSCALL_64)", When: "the entry's first instruction", Observes: "CS, GS base, current->ukl_thread, the return address and the instruction before it",
		Shows: "return address: expected one behind a CALL of the application, found 0xffffffff81012345 (vfs_read+0x45)",
		Kinds: kinds(event.SyscallEnter), Needs: callEntry,
	}
}
func (w en1) Watch() Watcher { return w }
func (en1) See(r *Report, e *event.Event) {
	if e.By != event.ByCall {
		return
	}
	r.Equal("CS", kernelCS, uint64(e.CS))
	r.Equal("GS base", e.PerCPU, e.GSBase)
	r.Equal("ukl_thread", event.TrackingApplication, uint64(e.Tracking))
	switch r.Image().Class(e.Value) {
	case image.Application:
		if !r.Holds(r.behindCall(e.Value)) {
			r.Broke("return address", "one behind a CALL", r.at(e.Value))
		}
	case image.Outside:
		if !r.Holds(!upper(e.Value)) {
			r.Broke("return address", "one of the application's", r.at(e.Value))
		}
	default:
		r.Breaks("return address", "one behind a CALL of the application", r.at(e.Value))
	}
}

// en2: nothing comes in between.
type en2 struct{ entered map[uint64]bool }

func (*en2) Rule() Rule {
	return Rule{
		ID: "EN-2", Promise: "no interrupt is taken between the entry's first instruction and do_syscall_64",
		Source: "the CLI of later trees; weakness D-12: the RFC has interrupts on here", Wanted: true,
		When: "interrupts, and do_syscall_64", Observes: "RFLAGS.IF at do_syscall_64, interrupts since the entry",
		Shows: "RFLAGS.IF at do_syscall_64: expected 0x0, found 0x200",
		Kinds: kinds(event.SyscallEnter, event.Interrupt, event.SyscallBegin, event.Boundary), Needs: callEntry,
	}
}
func (*en2) Watch() Watcher { return &en2{entered: map[uint64]bool{}} }
func (w *en2) Forget()      { clear(w.entered) }
func (w *en2) See(r *Report, e *event.Event) {
	switch e.Kind {
	case event.Boundary:
		if first, _ := r.Image().Address("ukl_entry_SYSCALL_64"); e.Code == event.CodeEntry && e.RIP > first && e.RIP < r.end(first) {
			r.Equal("RFLAGS.IF in the entry", 0, e.RFLAGS&x86.FlagIF)
		}
	case event.SyscallEnter:
		w.entered[e.Task] = e.By == event.ByCall
	case event.Interrupt:
		first, _ := r.Image().Address("ukl_entry_SYSCALL_64")
		if w.entered[e.Task] && e.Interrupted.RIP != first { // up to its CLI it is the application's
			r.Breaks("an interrupt in the entry", "none up to do_syscall_64", "one at "+r.at(e.Interrupted.RIP))
		}
	case event.SyscallBegin:
		if w.entered[e.Task] {
			r.Equal("RFLAGS.IF at do_syscall_64", 0, e.RFLAGS&x86.FlagIF)
		}
		delete(w.entered, e.Task)
	}
}

// en3: what the entry puts into the CPU's scratch word it gets back.
type en3 struct{}

func (en3) Rule() Rule {
	return Rule{
		ID: "EN-3", Promise: "the stack pointer that the entry saves is that of the call that it serves",
		Source: "RFC 04 (cpu_tss_rw.sp2 as scratch space)", When: "do_syscall_64", Observes: "pt_regs.sp, RSP before the CALL",
		Shows: "pt_regs.sp: expected 0x7ffc00001000, found 0x7ffc00000ff0", Kinds: kinds(event.SyscallBegin), Needs: callEntry,
	}
}
func (w en3) Watch() Watcher { return w }
func (en3) See(r *Report, e *event.Event) {
	if x := called(e); x != nil && e.Frame != nil {
		r.Equal("pt_regs.sp", x.Interrupted.RSP(), e.Frame.SP)
	}
}

// en4: the kernel's stack is the task's own.
type en4 struct{}

func (en4) Rule() Rule {
	return Rule{
		ID: "EN-4", Promise: "a system call by CALL runs on the thread stack of the task that made it, from its top",
		Source: "RFC 04 (cpu_current_top_of_stack)", When: "do_syscall_64", Observes: "where pt_regs are, cpu_current_top_of_stack, current->stack",
		Shows: "pt_regs: expected 0xffffc90000013f58, found 0xffffc90000013f48", Kinds: kinds(event.SyscallBegin), Needs: all(callEntry, ownStack),
	}
}
func (w en4) Watch() Watcher { return w }
func (en4) See(r *Report, e *event.Event) {
	if called(e) == nil {
		return
	}
	r.Equal("cpu_current_top_of_stack", e.Stack+threadSize(r.Image()), e.TopOfStack)
	r.Equal("pt_regs", e.TopOfStack-event.FrameSize, e.FrameAt)
}

// en5: pt_regs are the application.
type en5 struct{}

func (en5) Rule() Rule {
	return Rule{
		ID: "EN-5", Promise: "pt_regs of a system call describe the application as it will be when the call has returned: ip, cs, flags, ss, the number, -ENOSYS, every register",
		Source: "RFC 04; its own frames say CS = 0x10, sp = S-16 and IF = 0, see docs/ukl-kernel.md for why that is not enough", Wanted: true,
		When: "do_syscall_64", Observes: "pt_regs, the registers at the CALL", Shows: "pt_regs.ip: expected 0xffffffff81601234, found 0x3",
		Kinds: kinds(event.SyscallBegin), Needs: callEntry,
	}
}
func (w en5) Watch() Watcher { return w }
func (en5) See(r *Report, e *event.Event) {
	x, f := called(e), e.Frame
	if x == nil || f == nil {
		return
	}
	r.Equal("pt_regs.ip", x.Interrupted.RIP, f.IP)
	r.Equal("pt_regs.cs", uklCS, f.CS)
	r.Equal("pt_regs.ss", kernelDS, f.SS)
	const resume = x86.FlagRF // no program sees it
	r.Equal("pt_regs.flags", (x.Entry.RFLAGS|x86.FlagIF)&^resume, f.Flags&^resume)
	r.Equal("pt_regs.orig_ax", x.Entry.GPR[x86.RAX], f.OrigAX)
	minus := int64(-enosys)
	r.Equal("pt_regs.ax", uint64(minus), f.AX)
	frame := f.GPR()
	r.sameRegisters(&x.Entry.GPR, &frame, x86.RAX, x86.RSP)
}

// en6: the C code gets what it asks for.
type en6 struct{}

func (en6) Rule() Rule {
	return Rule{
		ID: "EN-6", Promise: "do_syscall_64 gets pt_regs in RDI and the number in RSI, its lower 32 bits sign-extended",
		Source: "RFC 04; arch/x86/entry/entry_64.S (movslq %eax, %rsi); CVE-2007-4573", When: "do_syscall_64, an oops in it", Observes: "RDI, RSI, the frame; whether the table of calls is left",
		Shows: "RSI: expected 0x27, found 0x100000027", Kinds: kinds(event.SyscallBegin, event.Oops),
	}
}
func (w en6) Watch() Watcher { return w }
func (en6) See(r *Report, e *event.Event) {
	if e.Kind == event.Oops {
		x := e.Excursion
		if x == nil || x.By != event.ByVector || x.FromApplication {
			return
		}
		if in, _, ok := r.Image().Symbols.Lookup(x.Interrupted.RIP); ok && in.Name == "do_syscall_64" {
			r.Breaks("what do_syscall_64 looks at", "its table", fmt.Sprintf("a fault for %#x", x.Address))
		}
		return
	}
	if e.Frame == nil || e.Excursion == nil {
		return
	}
	r.Equal("RSI", uint64(int64(int32(e.Excursion.Number))), e.GPR[x86.RSI])
	r.Equal("RDI", e.RSP()+8, e.GPR[x86.RDI])
}

// en7: nothing of the application's is left in registers.
type en7 struct{}

func (en7) Rule() Rule {
	return Rule{
		ID: "EN-7", Promise: "the registers that do_syscall_64 does not need are zero",
		Source: "arch/x86/entry/calling.h (PUSH_AND_CLEAR_REGS)", When: "do_syscall_64", Observes: "RBX, RCX, RDX, RBP, R8 to R15",
		Shows: "rbx: expected 0x0, found 0xdead", Kinds: kinds(event.SyscallBegin),
	}
}
func (w en7) Watch() Watcher { return w }
func (en7) See(r *Report, e *event.Event) {
	if e.Excursion != nil {
		r.sameRegisters(&[16]uint64{}, &e.GPR, x86.RAX, x86.RDI, x86.RSI, x86.RSP)
	}
}

// en8: the application's stack is not the kernel's notepad.
type en8 struct {
	near map[uint64][event.NearSize / 8]uint64
}

func (*en8) Rule() Rule {
	return Rule{
		ID: "EN-8", Promise: "the entry of a system call writes nothing to the application's stack",
		Source: "docs/ukl-kernel.md; the published series keeps RAX, a return address and the flags there", When: "the entry's first instruction, and do_syscall_64",
		Observes: "the return address and 64 bytes below it", Shows: "the word at RSP-0x10: expected 0x0, found 0x246", Kinds: kinds(event.SyscallEnter, event.SyscallBegin), Needs: all(callEntry, ownStack),
	}
}
func (*en8) Watch() Watcher {
	return &en8{near: map[uint64][event.NearSize / 8]uint64{}}
}
func (w *en8) Forget() { clear(w.near) }
func (w *en8) See(r *Report, e *event.Event) {
	if e.Kind == event.SyscallEnter {
		delete(w.near, e.Task)
		if e.By == event.ByCall && e.Near != nil {
			w.near[e.Task] = [event.NearSize / 8]uint64(e.Near)
		}
		return
	}
	was, ok := w.near[e.Task]
	delete(w.near, e.Task)
	if !ok || called(e) == nil || e.Near == nil || e.Frame.SP != e.Excursion.Interrupted.RSP() {
		return
	}
	for i, v := range was {
		if e.Near[i] != v {
			below := event.NearBelow - 8*i
			r.Breaks(fmt.Sprintf("the word at RSP-%#x", below), v, e.Near[i])
			return
		}
	}
	r.Held()
}

// en9: there is no ring to change.
type en9 struct{}

func (en9) Rule() Rule {
	return Rule{
		ID: "EN-9", Promise: "a system call by CALL changes neither GS base nor the page tables",
		Source: "RFC 04: no SWAPGS, no switch of CR3", When: "do_syscall_64", Observes: "GS base, IA32_KERNEL_GS_BASE, CR3 there and at the CALL",
		Shows: "GS base: expected 0xffff88800f600000, found 0x0", Kinds: kinds(event.SyscallBegin), Needs: callEntry,
	}
}
func (w en9) Watch() Watcher { return w }
func (en9) See(r *Report, e *event.Event) {
	x := called(e)
	if x == nil {
		return
	}
	r.Equal("GS base", x.Entry.GSBase, e.GSBase)
	r.Equal("IA32_KERNEL_GS_BASE", x.Entry.KernelGSBase, e.KernelGSBase)
	r.Equal("CR3", x.Entry.CR3, e.CR3)
}

// en10: the frame is all that there is.
type en10 struct{}

func (en10) Rule() Rule {
	return Rule{
		ID: "EN-10", Promise: "at do_syscall_64 there is nothing on the stack but pt_regs and the return address",
		Source: "arch/x86/entry/entry_64.S", When: "do_syscall_64", Observes: "RSP, where pt_regs are",
		Shows: "RSP: expected 0xffffc90000013f50, found 0xffffc90000013f48", Kinds: kinds(event.SyscallBegin), Needs: callEntry,
	}
}
func (w en10) Watch() Watcher { return w }
func (en10) See(r *Report, e *event.Event) {
	if called(e) == nil {
		return
	}
	want := e.FrameAt - 8
	if !r.Image().UKL.SameStack {
		want = e.TopOfStack - event.FrameSize - 8
	}
	r.Equal("RSP", want, e.RSP())
}

// en11: the kernel does not call its own entry.
type en11 struct{}

func (en11) Rule() Rule {
	return Rule{
		ID: "EN-11", Promise: "the application's entry is never called by the kernel, nor while the task is in the kernel already",
		Source: "RFC 04; weakness D-18", When: "the entry's first instruction", Observes: "current->ukl_thread, whose code the return address is in, the stack",
		Shows: "RSP at the entry: expected the application's, found 0xffffc90000013e80", Kinds: kinds(event.SyscallEnter), Needs: callEntry,
	}
}
func (w en11) Watch() Watcher { return w }
func (en11) See(r *Report, e *event.Event) {
	if e.By != event.ByCall {
		return
	}
	if !r.Holds(e.Tracking != event.TrackingKernel) {
		r.Broke("ukl_thread at the entry", event.TrackingApplication, e.Tracking)
	}
	if !r.Holds(!onThreadStack(r.Image(), e, e.RSP())) {
		r.Broke("RSP at the entry", "the application's", e.RSP())
	}
	class := r.Image().Class(e.Value)
	if !r.Holds(class != image.Kernel && class != image.EntryText) {
		r.Broke("return address at the entry", "the application's", r.at(e.Value))
	}
}
