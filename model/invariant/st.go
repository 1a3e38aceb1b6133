// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"bytes"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// stacks is group ST: whose stack is whose.
var stacks = []Invariant{st1{}, &st2{}, &st3{}, st4{}, st5{}, st6{}, &st7{}, st8{}, st10{}}

// st1: no red zone, by what is linked.
type st1 struct{}

func (st1) Rule() Rule {
	return Rule{
		ID: "ST-1", Promise: "no code of the application uses memory below RSP",
		Source: "RFC 10 (-mno-red-zone); System V ABI, AMD64, 3.2.2", When: "the image, once", Observes: "every instruction of the application",
		Shows: "ukl_leaf: expected nothing below RSP, found mov [rsp-0x18], edi", Tier: Static, Needs: UKL,
	}
}
func (w st1) Watch() Watcher { return nil }
func (st1) Inspect(r *Report, img *image.Image) {
	uses := img.RedZone()
	for _, u := range uses {
		r.Breaks(fmt.Sprintf("%s (%#x)", u.Function, u.Address), "nothing below RSP", u.Instruction)
	}
	if len(uses) == 0 {
		r.Held()
	}
}

// stackBytes is what is remembered of a stack at an interruption.
type stackBytes struct {
	at   uint64
	data []byte
}

// remember reads the application's stack; nil if it is not all there.
func (r *Report) remember(at uint64, size int) *stackBytes {
	if r.suite.machine == nil {
		return nil
	}
	b := &stackBytes{at, make([]byte, size)}
	if n, err := r.suite.machine.ReadMemory(at, b.data); err != nil || n < size {
		return nil
	}
	return b
}

// st2: above RSP is the application's.
type st2 struct{ kept map[uint64]*stackBytes }

func (*st2) Rule() Rule {
	return Rule{
		ID: "ST-2", Promise: "an exception or interrupt changes nothing of the application's stack at or above RSP",
		Source: "RFC 04", When: "delivery, and when the application goes on", Observes: "256 bytes above RSP",
		Shows: "the stack at 0x7ffc00001008: expected 0x1, found 0x246", Kinds: kinds(event.Exception, event.Interrupt, event.NMI, event.Resumed), Needs: UKL,
	}
}
func (*st2) Watch() Watcher { return &st2{kept: map[uint64]*stackBytes{}} }
func (w *st2) Forget()      { clear(w.kept) }
func (w *st2) See(r *Report, e *event.Event) {
	const size = 256
	x := e.Excursion
	if x == nil || x.By != event.ByVector || !x.FromApplication || x.Interrupted.CPL() != 0 {
		return
	}
	if e.Kind != event.Resumed {
		w.kept[e.Task] = r.remember(x.Interrupted.RSP(), size)
		return
	}
	was := w.kept[e.Task]
	delete(w.kept, e.Task)
	if was == nil || !undisturbed(x) || !e.Machine || x.Switches > 0 {
		return // another task may have written it
	}
	now := r.remember(was.at, size)
	if now == nil {
		return
	}
	for i := 0; i < size; i += 8 {
		if !bytes.Equal(was.data[i:i+8], now.data[i:i+8]) {
			r.Breaks(fmt.Sprintf("the stack at %#x", was.at+uint64(i)), fmt.Sprintf("% x", was.data[i:i+8]), fmt.Sprintf("% x", now.data[i:i+8]))
			return
		}
	}
	r.Held()
}

// st3: and below it no more than the CPU's frame.
type st3 struct{ kept map[uint64]*stackBytes }

// budget is how far below RSP an interruption may write: the CPU's frame with
// an error code, and what aligns it (docs/ukl-kernel.md).
const budget = 6*8 + 15

func (*st3) Rule() Rule {
	return Rule{
		ID: "ST-3", Promise: "an exception or interrupt writes no more below the application's RSP than the CPU's own frame",
		Source: "SDM vol. 3A, 6.14.2; docs/ukl-kernel.md; the published series writes 192 bytes", When: "delivery, and when the application goes on", Observes: "512 bytes below RSP",
		Shows: "below RSP-0x3f: expected nothing written, found a change at RSP-0xc0", Kinds: kinds(event.Exception, event.Interrupt, event.NMI, event.Resumed), Needs: UKL,
	}
}
func (*st3) Watch() Watcher { return &st3{kept: map[uint64]*stackBytes{}} }
func (w *st3) Forget()      { clear(w.kept) }
func (w *st3) See(r *Report, e *event.Event) {
	const size = 512
	x := e.Excursion
	if x == nil || x.By != event.ByVector || !x.FromApplication || x.Interrupted.CPL() != 0 {
		return
	}
	if e.Kind != event.Resumed {
		w.kept[e.Task] = r.remember(x.Interrupted.RSP()-size-budget, size)
		return
	}
	was := w.kept[e.Task]
	delete(w.kept, e.Task)
	if was == nil || !undisturbed(x) || !e.Machine || x.Switches > 0 {
		return
	}
	now := r.remember(was.at, size)
	if now == nil {
		return
	}
	for i := range was.data {
		if was.data[i] != now.data[i] {
			r.Breaks(fmt.Sprintf("below RSP-%#x", budget), "nothing written", fmt.Sprintf("a change at RSP-%#x", x.Interrupted.RSP()-was.at-uint64(i)))
			return
		}
	}
	r.Held()
}

// st4: the kernel's code is on the kernel's stacks.
type st4 struct{}

func (st4) Rule() Rule {
	return Rule{
		ID: "ST-4", Promise: "C code of the kernel never runs on the application's stack",
		Source: "RFC 04", When: "C code of the kernel", Observes: "RSP", Shows: "RSP in exc_page_fault: expected the kernel's half, found 0x7ffc00000f00",
		Kinds: append(kinds(event.Boundary), inC...), Needs: all(UKL, ownStack),
	}
}
func (w st4) Watch() Watcher { return w }
func (st4) See(r *Report, e *event.Event) {
	if e.Kind == event.Boundary && (e.Code != event.CodeKernel || e.CPL() != 0) {
		return
	}
	rsp := e.RSP()
	app := r.Image().Application()
	if upper(rsp) && (app == nil || !app.Contains(rsp)) {
		r.Held()
		return
	}
	r.Breaks("RSP in "+r.at(e.RIP), "the kernel's", rsp)
}

// st5: a switch is from stack to stack.
type st5 struct{}

func (st5) Rule() Rule {
	return Rule{
		ID: "ST-5", Promise: "a task gives the CPU away, and gets it back, on its own thread stack",
		Source: "arch/x86/entry/entry_64.S (__switch_to_asm); weaknesses D-12, D-18", When: "context switches", Observes: "RSP, current->stack",
		Shows: "RSP: expected 0xffffc90000010000 to 0xffffc90000014000, found 0x7ffc00000f00", Kinds: kinds(event.Switch, event.Switched),
	}
}
func (w st5) Watch() Watcher { return w }
func (st5) See(r *Report, e *event.Event) {
	if e.Stack == 0 {
		return
	}
	if initial, ok := r.Image().Address("init_task"); ok && initial == e.Task {
		return // the boot CPU's idle task began on a stack of the image
	}
	if app := r.Image().Application(); r.Image().UKL.SameStack && app != nil && app.Contains(e.RSP()) {
		r.Held() // a stack that no address space lacks
		return
	}
	if !r.Holds(onThreadStack(r.Image(), e, e.RSP())) {
		r.Broke("RSP", fmt.Sprintf("%#x to %#x", e.Stack, e.Stack+threadSize(r.Image())), e.RSP())
	}
}

// st6: an address space is left from the half that all have.
type st6 struct{}

func (st6) Rule() Rule {
	return Rule{
		ID: "ST-6", Promise: "CR3 is loaded only while RSP is in the kernel's half, which all address spaces share",
		Source: "the same-stack point of the UKL paper breaks it", When: "CR3 is written", Observes: "RSP", Shows: "RSP at a load of CR3: expected the kernel's half, found 0x7ffc00000f00",
		Kinds: kinds(event.LoadCR3),
	}
}
func (w st6) Watch() Watcher { return w }
func (st6) See(r *Report, e *event.Event) {
	if !r.Holds(upper(e.RSP())) {
		r.Broke("RSP at a load of CR3", "the kernel's half", e.RSP())
	}
}

// st7: nothing is left on the stack.
type st7 struct{ frames map[uint64]uint64 }

func (*st7) Rule() Rule {
	return Rule{
		ID: "ST-7", Promise: "every system call of a task begins at the same place of its stack",
		Source: "arch/x86/entry/entry_64.S", When: "do_syscall_64", Observes: "where pt_regs are, call by call", Shows: "pt_regs: expected 0xffffc90000013f58, found 0xffffc90000013f50",
		Kinds: kinds(event.SyscallBegin, event.Ended), Needs: ownStack,
	}
}
func (*st7) Watch() Watcher { return &st7{frames: map[uint64]uint64{}} }
func (w *st7) Forget()      { clear(w.frames) }
func (w *st7) See(r *Report, e *event.Event) {
	if e.Kind == event.Ended {
		delete(w.frames, e.Task)
		return
	}
	if was, ok := w.frames[e.Task]; ok {
		r.Equal("pt_regs", was, e.FrameAt)
	}
	w.frames[e.Task] = e.FrameAt
}

// st8: the application's stack pointer is its own.
type st8 struct{}

func (st8) Rule() Rule {
	return Rule{
		ID: "ST-8", Promise: "whatever stops the application, it goes on with the stack pointer that it had",
		Source: "RFC 04", When: "when the application goes on, no signal or exec in between", Observes: "RSP there and before",
		Shows: "RSP: expected 0x7ffc00001000, found 0x7ffc00000ff8", Kinds: kinds(event.Resumed),
	}
}
func (w st8) Watch() Watcher { return w }
func (st8) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || !undisturbed(x) || x.End != nil && x.Begin != nil && x.End.IP != x.Begin.IP {
		return
	}
	r.Equal("RSP", x.Interrupted.RSP(), e.RSP())
}

// st10: the guards stay untouched.
type st10 struct{}

func (st10) Rule() Rule {
	return Rule{
		ID: "ST-10", Promise: "nothing runs over the end of a thread stack",
		Source: "CONFIG_VMAP_STACK; Documentation/mm/vmalloced-kernel-stacks.rst", When: "page faults and double faults", Observes: "CR2, the page below current->stack",
		Shows: "CR2: expected not in a guard page, found 0xffffc9000000fff8", Kinds: kinds(event.Exception),
	}
}
func (w st10) Watch() Watcher { return w }
func (st10) See(r *Report, e *event.Event) {
	if (e.Vector == x86.VectorPF || e.Vector == x86.VectorDF) && e.Stack != 0 {
		if !r.Holds(e.Stack-e.Address > 4096 || e.Address == e.Stack) {
			r.Broke("CR2", "not in the guard page of the thread stack", e.Address)
		}
	}
}
