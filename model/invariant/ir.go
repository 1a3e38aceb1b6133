// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// interrupts is group IR, its first part: from the delivery of an exception or
// interrupt to the C code that handles it. The way back is in ir_return.go, what is about
// double faults in ir_double.go.
var interrupts = []Invariant{ir1{}, ir2{}, ir3{}, ir4{}, ir5{}, ir6{}, ir7{}, ir8{}, ir9{}, ir10{}, ir11{}, &ir13{}, &ir14{},
	ir15{}, ir16{}, ir17{}, ir18{}, ir19{}}

// delivered is the excursion that a handler's event belongs to, if it is one by
// a vector, and the handler's frame is its first.
func delivered(e *event.Event) *event.Excursion {
	if x := e.Excursion; x != nil && x.By == event.ByVector && e.Frame != nil && x.BeginAt == e.FrameAt {
		return x
	}
	return nil
}

// ownStackOf says whether a gate has an IST stack.
func (r *Report) ist(v x86.Vector) bool {
	e, ok := r.Image().Entry(int(v))
	return ok && e.IST != 0
}

// ir1: the application's exceptions are taken as a program's.
type ir1 struct{}

func (ir1) Rule() Rule {
	return Rule{
		ID: "IR-1", Promise: "the handler of what stopped the application finds its frame marked, the tracking field 1, and itself at the top of the thread stack",
		Source: "RFC 04 (error_entry, sync_regs)", When: "handlers begin", Observes: "pt_regs.cs, current->ukl_thread, RSP, where pt_regs are",
		Shows: "pt_regs: expected 0xffffc90000013f58, found 0x7ffc00000f30", Kinds: kinds(event.HandlerBegin), Needs: UKL,
	}
}
func (w ir1) Watch() Watcher { return w }
func (ir1) See(r *Report, e *event.Event) {
	if x := e.Excursion; x != nil && x.By == event.ByVector && x.FromApplication && x.Begin == nil && e.Frame == nil {
		r.Equal("pt_regs", e.TopOfStack-event.FrameSize, e.FrameAt) // one that goes over the end of the stack can't be read
		return
	}
	x := delivered(e)
	if x == nil || x.Vector == nmi || !x.FromApplication || x.Interrupted.CPL() != 0 {
		return
	}
	r.Equal("pt_regs.cs", uklCS, e.Frame.CS)
	r.Equal("ukl_thread", event.TrackingKernel, uint64(e.Tracking))
	r.Equal("pt_regs", e.TopOfStack-event.FrameSize, e.FrameAt)
	if !r.Holds(onThreadStack(r.Image(), e, e.RSP())) {
		r.Broke("RSP", "on the thread stack", e.RSP())
	}
}

// ir2: the kernel's own are not.
type ir2 struct{}

func (ir2) Rule() Rule {
	return Rule{
		ID: "IR-2", Promise: "the handler of what stopped the kernel runs on the stack that the kernel was on, with the tracking field as it was",
		Source: "RFC 04; arch/x86/entry/entry_64.S (error_entry); SDM vol. 3A, 6.14.2 (RSP is aligned to 16)", When: "handlers begin", Observes: "pt_regs.cs, current->ukl_thread, where pt_regs are",
		Shows: "pt_regs: expected 0xffffc90000013d48, found 0xffffc90000013f58", Kinds: kinds(event.HandlerBegin),
	}
}
func (w ir2) Watch() Watcher { return w }
func (ir2) See(r *Report, e *event.Event) {
	x := delivered(e)
	if x == nil || x.Vector == nmi || x.FromApplication {
		return
	}
	r.Equal("pt_regs.cs", kernelCS, e.Frame.CS)
	if !r.ist(x.Vector) {
		if !r.Holds(e.Tracking == x.Tracking) {
			r.Broke("ukl_thread", x.Tracking, e.Tracking)
		}
		if x.Vector != x86.VectorBP { // whose stub leaves a gap
			r.Equal("pt_regs", x.Interrupted.RSP()&^15-event.FrameSize, e.FrameAt)
		}
	}
}

// ir3: the frame is what was stopped.
type ir3 struct{}

func (ir3) Rule() Rule {
	return Rule{
		ID: "IR-3", Promise: "the handler's pt_regs hold the registers of what was stopped",
		Source: "arch/x86/entry/entry_64.S (idtentry, error_entry)", When: "handlers begin", Observes: "pt_regs, the registers at the boundary",
		Shows: "rax: expected 0x1111, found 0x2", Kinds: kinds(event.HandlerBegin),
	}
}
func (w ir3) Watch() Watcher { return w }
func (ir3) See(r *Report, e *event.Event) {
	x := delivered(e)
	if x == nil {
		return
	}
	i, f := &x.Interrupted, e.Frame
	if !r.Holds(f.IP == i.RIP) {
		r.Broke("pt_regs.ip", r.at(i.RIP), r.at(f.IP))
	}
	r.Equal("pt_regs.sp", i.RSP(), f.SP)
	if i.SS != 0 || i.CPL() != 0 { // delivery from CPL 3 leaves SS null (SDM vol. 3A, 6.14.4), and a return by RET does not load it
		r.Equal("pt_regs.ss", uint64(i.SS), f.SS)
	}
	var mask uint64
	if x.FromApplication && i.CPL() == 0 {
		mask = x86.FlagIF // what a program could not have cleared in CPL 3
	}
	r.Equal("pt_regs.flags", i.RFLAGS|mask, f.Flags|mask)
	frame := f.GPR()
	r.sameRegisters(&i.GPR, &frame, x86.RSP)
}

// ir4: what was stopped goes on as it was.
type ir4 struct{}

func (ir4) Rule() Rule {
	return Rule{
		ID: "IR-4", Promise: "behind an exception or interrupt the application goes on with every register as pt_regs say, and with its own FS base, GS base and segments",
		Source: "RFC 04; arch/x86/entry/entry_64.S", When: "when the application goes on", Observes: "the registers there, at the boundary, and in pt_regs at the handler's end",
		Shows: "RFLAGS: expected 0x246, found 0x46", Kinds: kinds(event.Resumed),
	}
}
func (w ir4) Watch() Watcher { return w }
func (ir4) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || x.By != event.ByVector {
		return
	}
	if x.End != nil {
		frame := x.End.GPR()
		if !r.Holds(e.RIP == x.End.IP) {
			r.Broke("RIP", r.at(x.End.IP), r.at(e.RIP))
		}
		r.sameRegisters(&frame, &e.GPR)
		r.Equal("RFLAGS", x.End.Flags&(userFlags|x86.FlagIF), e.RFLAGS&(userFlags|x86.FlagIF))
	}
	if undisturbed(x) && x.End != nil && x.Begin != nil && x.End.IP == x.Interrupted.RIP {
		r.sameRegisters(&x.Interrupted.GPR, &e.GPR)
	}
	if !undisturbed(x) {
		return
	}
	r.Equal("CS", uint64(x.Interrupted.CS), uint64(e.CS))
	if !x.Exec {
		r.Equal("FS base", x.Interrupted.FSBase, e.FSBase)
	}
}

// ir5: the application does not run on a stack of the kernel.
type ir5 struct{}

func (ir5) Rule() Rule {
	return Rule{
		ID: "IR-5", Promise: "no interrupt arrives with the tracking field at 2 and RSP on a stack of the kernel",
		Source: "RFC 04; weakness D-13", Wanted: true, When: "interrupts", Observes: "RSP at the boundary, current->ukl_thread",
		Shows: "RSP with ukl_thread 2: expected not the thread stack, found 0xffffc90000013f58", Kinds: kinds(event.Interrupt), Needs: UKL,
	}
}
func (w ir5) Watch() Watcher { return w }
func (ir5) See(r *Report, e *event.Event) {
	if e.Excursion == nil || e.Excursion.Tracking != event.TrackingApplication {
		return
	}
	rsp := e.Interrupted.RSP()
	if !r.Holds(!onThreadStack(r.Image(), e, rsp)) {
		r.Broke("RSP with ukl_thread 2", "not the thread stack", rsp)
	}
}

// ir6: GS is the kernel's in the kernel.
type ir6 struct{}

func (ir6) Rule() Rule {
	return Rule{
		ID: "IR-6", Promise: "C code of the kernel runs with the kernel's GS base",
		Source: "arch/x86/entry/entry_64.S (SWAPGS); weaknesses D-1, D-19", Wanted: true, When: "C code of the kernel", Observes: "GS base",
		Shows: "GS base: expected 0xffffffff81a0b000, found 0x7fff00001000", Kinds: kinds(event.SyscallBegin, event.HandlerBegin, event.Switch),
	}
}
func (w ir6) Watch() Watcher { return w }
func (ir6) See(r *Report, e *event.Event) {
	if x := e.Excursion; !r.smp() && x != nil && x.By == event.ByVector && r.ist(x.Vector) {
		// Without SMP, paranoid_entry and asm_exc_nmi load GS base with the variable
		// pcpu_unit_offsets, a pointer, instead of what it points at
		// (arch/x86/entry/calling.h, GET_PERCPU_BASE). Nothing there uses it.
		return
	}
	r.Equal("GS base", e.PerCPU, e.GSBase)
}

// ir7: and comes back in pairs.
type ir7 struct{}

func (ir7) Rule() Rule {
	return Rule{
		ID: "IR-7", Promise: "SWAPGS comes in pairs: a program in CPL 3 has its own GS base and the kernel's inactive; the application has the kernel's active",
		Source: "SDM vol. 2, SWAPGS; weakness D-2", Wanted: true, When: "when a program goes on", Observes: "GS base, IA32_KERNEL_GS_BASE, CPL",
		Shows: "IA32_KERNEL_GS_BASE: expected 0xffffffff81a0b000, found 0x0", Kinds: kinds(event.Resumed),
	}
}
func (w ir7) Watch() Watcher { return w }
func (ir7) See(r *Report, e *event.Event) {
	if e.CPL() == 3 {
		r.Equal("IA32_KERNEL_GS_BASE", e.PerCPU, e.KernelGSBase)
		if !r.Holds(e.GSBase != e.PerCPU) {
			r.Broke("GS base", "the program's", e.GSBase)
		}
		return
	}
	r.Equal("GS base", e.PerCPU, e.GSBase)
}

// ir8: the mark never reaches IRET.
type ir8 struct{}

func (ir8) Rule() Rule {
	return Rule{
		ID: "IR-8", Promise: "IRET takes a CS that is in the GDT, and an SS of the same ring",
		Source: "SDM vol. 2, IRET; weakness D-11: 0xC3 reaches IRET", Wanted: true, When: "IRET, and a #GP of one", Observes: "CS and SS behind it, or in the frame that it refused",
		Shows: "CS of an IRET that faulted: expected one of the GDT, found 0xc3", Kinds: kinds(event.Return, event.Exception),
	}
}
func (w ir8) Watch() Watcher { return w }
func (ir8) See(r *Report, e *event.Event) {
	if e.Kind == event.Return {
		if e.By == event.ByIRET {
			ok := e.CS == kernelCS || e.CS == userCS || e.CS == user32CS || e.CS&4 != 0
			if !r.Holds(ok) {
				r.Broke("CS behind IRET", "0x10, 0x33, 0x23 or one of an LDT", e.CS)
			}
			if e.SS != 0 {
				r.Equal("the ring of SS", uint64(e.CS&3), uint64(e.SS&3))
			}
		}
		return
	}
	// A program may forge a frame whose CS faults; UKL's marks are the kernel's own.
	if x := e.Excursion; x.BadReturn && e.Tracking > event.TrackingNone {
		if !r.Holds(x.Interrupted.CS != uklCS) {
			r.Broke("CS of an IRET that faulted", "one of the GDT", x.Interrupted.CS)
		}
	}
}

// ir13: an IST stack has one frame.
type ir13 struct{ open []stackUse }

type stackUse struct {
	at    uint64 // the frame that the CPU pushed
	task  uint64
	count uint64
}

func (*ir13) Rule() Rule {
	return Rule{
		ID: "IR-13", Promise: "an IST stack holds one live frame: none is overwritten by a second",
		Source: "SDM vol. 3A, 6.14.5: the CPU always begins at the stack's top", Wanted: true, When: "delivery onto an IST stack, returns", Observes: "RSP, the frames that have not been returned from",
		Shows: "the IST stack at 0xfffffe0000009fd8: expected free, found in use since instruction 123456",
		Kinds: kinds(event.Exception, event.Interrupt, event.NMI, event.HandlerBegin, event.Return),
	}
}
func (*ir13) Watch() Watcher { return &ir13{} }
func (w *ir13) Forget()      { w.open = w.open[:0] }
func (w *ir13) See(r *Report, e *event.Event) {
	if e.Kind == event.Return {
		for i, u := range w.open {
			if e.Excursion != nil && e.Excursion.Count == u.count {
				w.open = append(w.open[:i:i], w.open[i+1:]...)
				return
			}
		}
		if e.Excursion != nil && e.Excursion.FromApplication {
			w.open = w.open[:0]
		}
		return
	}
	if e.Kind == event.HandlerBegin {
		w.movedOff(e)
		return
	}
	if !r.ist(e.Vector) || e.Vector == nmi {
		return // an NMI's stack has a protocol of its own: arch/x86/entry/entry_64.S, asm_exc_nmi
	}
	ok := true
	for _, u := range w.open {
		if u.at == e.RSP() {
			ok = r.That(false, fmt.Sprintf("the IST stack at %#x", u.at), "free", fmt.Sprint("in use since instruction ", u.count))
		}
	}
	if ok {
		r.Held()
	}
	if len(w.open) < 16 {
		w.open = append(w.open, stackUse{e.RSP(), e.Task, e.Count})
	}
}

// movedOff ends the use of an IST stack whose frame the stub has copied to
// another one.
func (w *ir13) movedOff(e *event.Event) {
	x := e.Excursion
	if x == nil {
		return
	}
	for i, u := range w.open {
		if u.count == x.Count && (e.FrameAt > u.at+64 || e.FrameAt+4096 < u.at) {
			w.open = append(w.open[:i:i], w.open[i+1:]...)
			return
		}
	}
}

// ir14: nobody sleeps there.
type ir14 struct{}

func (*ir14) Rule() Rule {
	return Rule{
		ID: "IR-14", Promise: "no task gives the CPU away while it is on an IST or entry stack",
		Source: "arch/x86/entry/entry_64.S (sync_regs moves off them)", When: "context switches", Observes: "RSP, the thread stack",
		Shows: "RSP: expected on the thread stack, found 0xfffffe0000009f00", Kinds: kinds(event.Switch),
	}
}
func (w *ir14) Watch() Watcher { return w }
func (*ir14) See(r *Report, e *event.Event) {
	const cpuEntryArea = 0xfffffe0000000000 // arch/x86/include/asm/pgtable_areas.h
	const size = 1 << 39
	if !r.Holds(e.RSP()-cpuEntryArea >= size) {
		r.Broke("RSP", "on the thread stack", e.RSP())
	}
}

// ir15: the application's faults are its own.
type ir15 struct{}

func (ir15) Rule() Rule {
	return Rule{
		ID: "IR-15", Promise: "what the application does wrong ends in a signal, not in an oops",
		Source: "RFC 06; weakness D-8 (its reviewers' and its users' reports)", Wanted: true, When: "oopses, and the application behind a fault", Observes: "what was stopped last",
		Shows: "page_fault_oops: expected a signal, found an oops for ukl_main+0x12", Kinds: kinds(event.Oops, event.Resumed), Needs: UKL,
	}
}
func (w ir15) Watch() Watcher { return w }
func (ir15) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || x.By != event.ByVector || !x.FromApplication || x.Vector >= 32 || x.Vector == nmi {
		return
	}
	if e.Kind == event.Oops {
		r.Breaks(e.What, "a signal", "an oops for "+r.at(x.Interrupted.RIP))
		return
	}
	r.Held()
}

// ir16: the exception table is used.
type ir16 struct{}

func (ir16) Rule() Rule {
	return Rule{
		ID: "IR-16", Promise: "a fault of the kernel that the exception table has an answer to goes on there, with the registers that the answer keeps",
		Source: "arch/x86/mm/extable.c (fixup_exception)", When: "fix-ups, oopses", Observes: "the table, RIP, the registers",
		Shows: "oops: expected a fix-up for copy_user_generic_string+0x10, found page_fault_oops", Kinds: kinds(event.FixUp, event.Oops),
	}
}
func (w ir16) Watch() Watcher { return w }
func (ir16) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || x.By != event.ByVector || x.FromApplication {
		return
	}
	fix, ok := r.Image().FindFixup(x.Interrupted.RIP)
	if e.Kind == event.Oops {
		if ok && (x.Vector == x86.VectorPF || x.Vector == x86.VectorGP) {
			r.Breaks(e.What, "a fix-up for "+r.at(x.Interrupted.RIP), "an oops")
		}
		return
	}
	if !ok {
		return
	}
	if !r.Holds(e.RIP == fix.Fixup) {
		r.Broke("where it goes on", r.at(fix.Fixup), r.at(e.RIP))
	}
	kept := []int{x86.RBX, x86.RBP, x86.RSP, x86.R12, x86.R13, x86.R14, x86.R15}
	if fix.Type == 1 { // EX_TYPE_DEFAULT changes nothing but RIP
		kept = append(kept, x86.RAX, x86.RCX, x86.RDX, x86.RSI, x86.RDI, x86.R8, x86.R9, x86.R10, x86.R11)
	}
	for _, n := range kept {
		if n != fix.Reg || fix.Reg == 0 {
			r.Equal(registerNames[n], x.Interrupted.GPR[n], e.GPR[n])
		}
	}
}

// ir17: an NMI was never there.
type ir17 struct{}

func (ir17) Rule() Rule {
	return Rule{
		ID: "IR-17", Promise: "an NMI leaves no trace: the tracking field and every register are as before",
		Source: "arch/x86/entry/entry_64.S (asm_exc_nmi); weakness D-14", Wanted: true, When: "the return from an NMI", Observes: "the registers, current->ukl_thread",
		Shows: "ukl_thread behind the NMI: expected 2, found 1", Kinds: kinds(event.Return),
	}
}
func (w ir17) Watch() Watcher { return w }
func (ir17) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || x.Vector != nmi || x.By != event.ByVector || e.RIP != x.Interrupted.RIP || e.RSP() != x.Interrupted.RSP() {
		return
	}
	r.sameRegisters(&x.Interrupted.GPR, &e.GPR)
	r.Equal("RFLAGS", x.Interrupted.RFLAGS&^x86.FlagRF, e.RFLAGS&^x86.FlagRF)
	if x.Tracking != event.NoTracking {
		if !r.Holds(e.Tracking == x.Tracking) {
			r.Broke("ukl_thread behind the NMI", x.Tracking, e.Tracking)
		}
	}
}

// ir18: a fault at the last IRET finds the right GS.
type ir18 struct{}

func (ir18) Rule() Rule {
	return Rule{
		ID: "IR-18", Promise: "the handler of a fault at the last IRET, or where the GS selector is loaded, runs with the kernel's GS base",
		Source: "arch/x86/entry/entry_64.S (.Lerror_bad_iret, .Lgs_change); CVE-2014-9322; weakness D-1", Wanted: true, When: "handlers begin", Observes: "GS base, what was stopped",
		Shows: "GS base behind a fault at native_irq_return_iret: expected 0xffffffff81a0b000, found 0x0", Kinds: kinds(event.HandlerBegin),
	}
}
func (w ir18) Watch() Watcher { return w }
func (ir18) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || x.By != event.ByVector || x.Vector >= 32 || x.Vector == nmi || !r.smp() && r.ist(x.Vector) ||
		!x.BadReturn && (x.FromApplication || r.Image().Class(x.Interrupted.RIP) != image.EntryText) {
		return
	}
	r.Equal("GS base behind a fault at "+r.at(x.Interrupted.RIP), e.PerCPU, e.GSBase)
}

// ir19: an entry is finished before anything else.
type ir19 struct{}

func (ir19) Rule() Rule {
	return Rule{
		ID: "IR-19", Promise: "no signal is set up and no other task gets the CPU while an entry has been stopped half-way",
		Source: "weakness D-24: a stack fault inside a stub", Wanted: true, When: "signal frames, context switches", Observes: "what the innermost exception stopped",
		Shows: "a context switch: expected none, found one inside asm_common_interrupt+0x12", Kinds: kinds(event.Switch, event.SignalSetUp),
	}
}
func (w ir19) Watch() Watcher { return w }
func (ir19) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || x.By != event.ByVector {
		r.Held()
		return
	}
	first, _ := r.Image().Address("ukl_entry_SYSCALL_64")
	at := x.Interrupted.RIP
	inside := x.Interrupted.CPL() == 0 && r.Image().Class(at) == image.EntryText && at != first && !x.FromApplication
	if !r.Holds(!inside) {
		r.Broke("a "+e.Kind.String(), "none", "one inside "+r.at(at))
	}
}
