// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// signals is group SG: to a handler, and back from it.
var signals = []Invariant{&sg1{}, &sg2{}, &sg3{}, &sg4{}, sg5{}, sg6{}, sg7{}, sg8{}, sg9{}}

// Sizes of struct rt_sigframe and offsets in it (arch/x86/include/asm/sigframe.h).
const (
	sigframeSize = 0x1b8
	frameUC      = 8
	frameInfo    = 0x138
	frameContext = 0x30
)

// sg1: where a frame is.
type sg1 struct{ last map[uint64]uint64 } // the frame before, of the same stay in the kernel

func (*sg1) Rule() Rule {
	return Rule{
		ID: "SG-1", Promise: "a signal's frame is 128 bytes or more below RSP, or on the alternate stack, at 8 modulo 16, its FPU state above it at a multiple of 64",
		Source: "arch/x86/kernel/signal.c (get_sigframe); System V ABI, AMD64, 3.2.2", When: "the frame is set up", Observes: "where it is, what its sigcontext points at, the interrupted RSP, the alternate stack",
		Shows: "the frame modulo 16: expected 0x8, found 0x0", Kinds: kinds(event.SignalSetUp, event.Resumed), Needs: notKML,
	}
}
func (*sg1) Watch() Watcher { return &sg1{last: map[uint64]uint64{}} }
func (w *sg1) Forget()      { clear(w.last) }
func (w *sg1) See(r *Report, e *event.Event) {
	if e.Kind == event.Resumed {
		delete(w.last, e.Task)
		return
	}
	g, x := e.Signal, e.Excursion
	if g == nil || !g.Readable {
		return
	}
	frame, state := g.Frame.SP, g.Context.State
	r.Equal("the frame modulo 16", 8, frame%16)
	if state != 0 {
		r.Equal("the FPU state modulo 64", 0, state%64)
		if !r.Holds(state >= frame+sigframeSize) {
			r.Broke("the FPU state", fmt.Sprintf("above %#x", frame+sigframeSize), state)
		}
	}
	before, again := w.last[e.Task] // a second signal's frame lies below the first one's
	w.last[e.Task] = frame
	if !again {
		if x == nil || !x.FromApplication {
			return
		}
		before = x.Interrupted.RSP()
		if x.SigReturn && x.Context != nil {
			before = x.Context.GPR[x86.RSP]
		}
	}
	const skipped = 128
	end := max(state, frame+sigframeSize)
	if alternate := frame-g.AlternateStack < g.AlternateSize; !alternate && !r.Holds(end <= before-skipped && frame < before) {
		r.Broke("the frame's end", fmt.Sprintf("at most %#x", before-skipped), end)
	}
}

// sg2: how a handler begins.
type sg2 struct{ delivered map[uint64]event.Signal }

func (*sg2) Rule() Rule {
	return Rule{
		ID: "SG-2", Promise: "a handler begins at its address with RSP at the frame, its arguments in RDI, RSI and RDX, DF, RF and TF clear, IF set, and returns to the restorer",
		Source: "RFC 07; arch/x86/kernel/signal.c (x64_setup_rt_frame, handle_signal); CVE-2008-1367", Wanted: true, When: "the program goes on behind a delivery", Observes: "all registers, the frame's first word",
		Shows: "rip of the handler: expected 0xffffffff81601000 (ukl_handler), found 0x3", Kinds: kinds(event.SignalSetUp, event.Resumed, event.Ended), Needs: notKML,
	}
}
func (*sg2) Watch() Watcher { return &sg2{delivered: map[uint64]event.Signal{}} }
func (w *sg2) Forget()      { clear(w.delivered) }
func (w *sg2) See(r *Report, e *event.Event) {
	switch {
	case e.Kind == event.SignalSetUp && e.Signal != nil:
		w.delivered[e.Task] = *e.Signal
		return
	case len(w.delivered) == 0:
		return
	case e.Kind == event.Ended:
		delete(w.delivered, e.Task)
		return
	}
	g, ok := w.delivered[e.Task]
	if !ok || e.Kind != event.Resumed {
		return
	}
	delete(w.delivered, e.Task)
	if !r.Holds(e.RIP == g.Handler) {
		r.Broke("rip of the handler", r.at(g.Handler), r.at(e.RIP))
	}
	frame := g.Frame.SP
	r.Equal("rsp of the handler", frame, e.RSP())
	r.Equal("rdi of the handler", uint64(g.Number), e.GPR[x86.RDI])
	r.Equal("rsi of the handler", frame+frameInfo, e.GPR[x86.RSI])
	r.Equal("rdx of the handler", frame+frameUC, e.GPR[x86.RDX])
	r.Equal("rax of the handler", 0, e.GPR[x86.RAX])
	r.Equal("RFLAGS.DF, RF, TF, IF", x86.FlagIF, e.RFLAGS&(x86.FlagDF|x86.FlagRF|x86.FlagTF|x86.FlagIF))
	if g.Readable {
		if !r.Holds(g.Return == g.Restorer) {
			r.Broke("the handler's return address", r.at(g.Restorer), r.at(g.Return))
		}
	}
	r.segments(e)
	if inApplication(&e.Registers) && r.Image().UKL.Present {
		r.Equal("ukl_thread", event.TrackingApplication, uint64(e.Tracking))
	}
}

// segments looks at CS and SS of the application or of a 64-bit program. RET
// leaves SS as it is: null, if the CPU was last entered from CPL 3 (SDM vol. 3A,
// 6.14.4).
func (r *Report) segments(e *event.Event) {
	cs, ss := userCS, userDS
	if e.CPL() == 0 {
		cs, ss = kernelCS, kernelDS
	}
	r.Equal("CS", uint64(cs), uint64(e.CS))
	if e.CPL() == 0 && e.SS == 0 && r.Image().UKL.UseRet {
		return
	}
	r.Equal("SS", uint64(ss), uint64(e.SS))
}

// sg3: a handler is no way into another ring.
type sg3 struct{ ring map[uint64]int }

func (*sg3) Rule() Rule {
	return Rule{
		ID: "SG-3", Promise: "a handler runs in the ring that the signal interrupted",
		Source: "RFC 07; weakness D-3", Wanted: true, When: "the program goes on behind a delivery", Observes: "CPL there, and where the signal came",
		Shows: "CPL of the handler: expected 0x0, found 0x3", Kinds: kinds(event.SignalSetUp, event.Resumed, event.Ended), Needs: notKML,
	}
}
func (*sg3) Watch() Watcher { return &sg3{ring: map[uint64]int{}} }
func (w *sg3) Forget()      { clear(w.ring) }
func (w *sg3) See(r *Report, e *event.Event) {
	switch {
	case e.Kind == event.SignalSetUp && e.Signal != nil:
		if x := e.Excursion; x != nil && x.FromApplication {
			w.ring[e.Task] = x.Interrupted.CPL()
		}
	case e.Kind == event.Resumed:
		if ring, ok := w.ring[e.Task]; ok {
			r.Equal("CPL of the handler", uint64(ring), uint64(e.CPL()))
		}
		delete(w.ring, e.Task)
	case e.Kind == event.Ended:
		delete(w.ring, e.Task)
	}
}

// sg4: what comes back is what was given.
type sg4 struct {
	frames map[uint64][]uint64 // delivered and not returned from
	frame  map[uint64]uint64   // that a sigreturn has to look at
}

func (*sg4) Rule() Rule {
	return Rule{
		ID: "SG-4", Promise: "rt_sigreturn restores from the frame that was delivered",
		Source: "RFC 07; arch/x86/kernel/signal.c (rt_sigreturn); weakness D-5", Wanted: true, When: "rt_sigreturn, and what it copies", Observes: "RSP, the frames delivered, the address of the sigcontext that is copied",
		Shows: "the sigcontext: expected 0x7ffc00000a30, found 0x7ffc00000a20", Kinds: kinds(event.SignalSetUp, event.SigReturn, event.UserCopy, event.SyscallEnd, event.Clone, event.Exec, event.Ended), Needs: notKML,
	}
}
func (*sg4) Watch() Watcher {
	return &sg4{frames: map[uint64][]uint64{}, frame: map[uint64]uint64{}}
}
func (w *sg4) Forget() {
	clear(w.frames)
	clear(w.frame)
}

// mostFrames bounds what handlers that never return leave behind.
const mostFrames = 256

func (w *sg4) See(r *Report, e *event.Event) {
	switch e.Kind {
	case event.UserCopy:
		w.copied(r, e)
	case event.SyscallEnd:
		delete(w.frame, e.Task)
	case event.SignalSetUp:
		if e.Signal != nil {
			w.drop(e.Task, e.Signal.Frame.SP, sigframeSize)
			if list := w.frames[e.Task]; len(list) < mostFrames {
				w.frames[e.Task] = append(list, e.Signal.Frame.SP)
			}
		}
	case event.SigReturn:
		w.returns(r, e)
	case event.Clone: // the child of fork returns from handlers that its parent is in
		delete(w.frames, e.Next)
		if list := w.frames[e.Task]; len(list) > 0 {
			w.frames[e.Next] = append([]uint64(nil), list...)
		}
	default:
		delete(w.frames, e.Task)
		delete(w.frame, e.Task)
	}
}

// returns looks whether a frame is one of those delivered. siglongjmp() may have
// dropped some; a task without any may have been in a handler before we looked.
func (w *sg4) returns(r *Report, e *event.Event) {
	if e.Frame == nil {
		return
	}
	frame := e.Frame.SP - 8
	w.frame[e.Task] = frame
	list := w.frames[e.Task]
	if len(list) == 0 || len(list) == mostFrames {
		return
	}
	if !r.Holds(has64(list, frame)) {
		r.Broke("the frame", fmt.Sprintf("one of %#x", list), frame)
	}
	w.drop(e.Task, frame, 1)
}

func has64(list []uint64, v uint64) bool {
	for _, l := range list {
		if l == v {
			return true
		}
	}
	return false
}

// drop forgets the frames that overlap the bytes at a place.
func (w *sg4) drop(task, at, size uint64) {
	list := w.frames[task]
	kept := list[:0]
	for _, f := range list {
		if f+sigframeSize <= at || f >= at+size {
			kept = append(kept, f)
		}
	}
	if len(list) > 0 {
		w.frames[task] = kept
	}
}

// copied looks at the sigcontext that the kernel reads: its size tells it apart
// (arch/x86/kernel/signal.c, CONTEXT_COPY_SIZE).
func (w *sg4) copied(r *Report, e *event.Event) {
	frame, ok := w.frame[e.Task]
	if !ok || e.Write || e.Size != 0xc0 && e.Size != 0x100 {
		return
	}
	delete(w.frame, e.Task)
	r.Equal("the sigcontext", frame+frameContext, e.Address)
}

// sg7: only who can be interrupted is.
type sg7 struct{}

func (sg7) Rule() Rule {
	return Rule{
		ID: "SG-7", Promise: "signals are delivered on the way back to the program, never to kernel code that was interrupted",
		Source: "kernel/entry/common.c (exit_to_user_mode_loop)", When: "a frame is set up", Observes: "what the innermost entry had stopped",
		Shows: "a signal: expected delivered to the application, found to do_sys_poll+0x40 in the kernel", Kinds: kinds(event.SignalSetUp), Needs: notKML,
	}
}
func (w sg7) Watch() Watcher { return w }
func (sg7) See(r *Report, e *event.Event) {
	if x := e.Excursion; x != nil && !r.Holds(x.FromApplication) {
		r.Broke("a signal", "delivered to the application", "to "+r.at(x.Interrupted.RIP)+" in the kernel")
	}
}

// sg9: one face for the outside.
type sg9 struct{}

func (sg9) Rule() Rule {
	return Rule{
		ID: "SG-9", Promise: "a frame shows CS 0x33 and SS 0x2b for the application, as for any 64-bit program, however the signal came",
		Source: "docs/ukl-kernel.md; Lutomirski's review of RFC 04: translate at the border; the published series shows 0x10 or 0xC3", Wanted: true,
		When: "a frame is set up", Observes: "cs and ss of its sigcontext", Shows: "sigcontext.cs: expected 0x33, found 0xc3", Kinds: kinds(event.SignalSetUp), Needs: translates,
	}
}

// translates is for what is said of an application in CPL 0.
func translates(img *image.Image) string {
	if img.UKL.Flavor == image.None {
		return "a kernel without UKL"
	}
	return notKML(img)
}

func (w sg9) Watch() Watcher { return w }
func (sg9) See(r *Report, e *event.Event) {
	if g := e.Signal; g != nil && g.Readable && e.Tracking > event.TrackingNone {
		r.Equal("sigcontext.cs", userCS, uint64(g.Context.CS))
		r.Equal("sigcontext.ss", userDS, uint64(g.Context.SS))
	}
}
