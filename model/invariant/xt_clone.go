// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// Numbers of the calls that make tasks, beside clone.
const (
	fork   = 57
	vfork  = 58
	clone3 = 435

	cloneSetTLS = 0x80000
)

// child is what a new task has to begin with.
type child struct {
	gpr    [16]uint64
	rip    uint64
	cpl    int
	fs     uint64
	stack  bool // RSP is known
	fsBase bool
}

// xt7: a child begins where its parent is.
type xt7 struct{ children map[uint64]child }

func (*xt7) Rule() Rule {
	return Rule{
		ID: "XT-7", Promise: "a child begins behind the call that made it, with RAX 0, the other registers and FS base of its parent or as it asked for, IF set, and in its parent's ring",
		Source: "arch/x86/kernel/process.c (copy_thread); weaknesses D-9, D-10", Wanted: true, When: "a task's first instruction", Observes: "all registers, ukl_thread",
		Shows: "rsp of a child: expected 0x7ffc00001000, found 0x7ffc00000ff0", Kinds: kinds(event.Clone, event.SignalSetUp, event.Resumed, event.Ended),
	}
}
func (*xt7) Watch() Watcher { return &xt7{children: map[uint64]child{}} }
func (w *xt7) Forget()      { clear(w.children) }
func (w *xt7) See(r *Report, e *event.Event) {
	if e.Kind == event.Clone {
		w.made(e)
		return
	}
	if len(w.children) == 0 {
		return
	}
	c, ok := w.children[e.Task]
	if !ok {
		return
	}
	delete(w.children, e.Task)
	if e.Kind != event.Resumed {
		return // it begins with a handler, or not at all
	}
	if !r.Holds(e.RIP == c.rip) {
		r.Broke("rip of a child", r.at(c.rip), r.at(e.RIP))
	}
	if c.stack {
		r.Equal("rsp of a child", c.gpr[x86.RSP], e.RSP())
	}
	if c.fsBase {
		r.Equal("FS base of a child", c.fs, e.FSBase)
	}
	r.sameRegisters(&c.gpr, &e.GPR, x86.RSP)
	r.Equal("RFLAGS.IF of a child", x86.FlagIF, e.RFLAGS&x86.FlagIF)
	r.Equal("CPL of a child", uint64(c.cpl), uint64(e.CPL()))
	if !r.Image().UKL.Present {
		return
	}
	mode := event.TrackingNone
	if e.CPL() == 0 {
		mode = event.TrackingApplication
	}
	r.Equal("ukl_thread of a child", uint64(mode), uint64(e.Tracking))
}

func (w *xt7) made(e *event.Event) {
	delete(w.children, e.Next)
	x := e.Excursion
	if x == nil || x.By == event.ByVector || !x.FromApplication {
		return // a thread of the kernel's
	}
	c := child{gpr: x.Entry.GPR, rip: x.Interrupted.RIP, cpl: x.Interrupted.CPL(), fs: x.Interrupted.FSBase, stack: true, fsBase: true}
	c.gpr[x86.RSP], c.gpr[x86.RAX] = x.Interrupted.RSP(), 0
	switch uint32(x.Number) {
	case fork, vfork:
	case clone: // flags, stack, parent's tid, child's tid, tls
		if sp := x.Entry.GPR[x86.RSI]; sp != 0 {
			c.gpr[x86.RSP] = sp
		}
		if x.Entry.GPR[x86.RDI]&cloneSetTLS != 0 {
			c.fs = x.Entry.GPR[x86.R8]
		}
	case clone3: // its arguments are in memory
		c.stack, c.fsBase = false, false
	default:
		return
	}
	w.children[e.Next] = c
}

// xt8: nobody touches selectors.
type xt8 struct{ started map[uint64]bool }

func (*xt8) Rule() Rule {
	return Rule{
		ID: "XT-8", Promise: "the kernel leaves DS, ES, FS and GS as they were, and a program begins with null selectors",
		Source: "arch/x86/kernel/process_64.c (start_thread_common); SDM vol. 3A, 3.4.4: a load of FS or GS changes its base", When: "delivery, and when a program goes on", Observes: "the four selectors",
		Shows: "the selectors of DS, ES, FS, GS: expected [0 0 0 0], found [43 43 0 0]", Kinds: kinds(event.Started, event.Exception, event.Interrupt, event.NMI, event.Resumed, event.Ended),
	}
}
func (*xt8) Watch() Watcher { return &xt8{started: map[uint64]bool{}} }
func (w *xt8) Forget()      { clear(w.started) }
func (w *xt8) See(r *Report, e *event.Event) {
	switch {
	case e.Kind == event.Started:
		w.started[e.Task] = true
		return
	case e.Kind == event.Ended:
		delete(w.started, e.Task)
		return
	case e.Kind != event.Resumed || !e.Machine:
		return
	}
	x := e.Excursion
	if w.started[e.Task] {
		delete(w.started, e.Task)
		r.selectors([4]uint16{}, e)
		return
	}
	if x != nil && x.By == event.ByVector && undisturbed(x) {
		r.selectors(x.Entry.Selectors, e)
	}
}

func (r *Report) selectors(expected [4]uint16, e *event.Event) {
	if !r.Holds(e.Selectors == expected) {
		r.Broke("the selectors of DS, ES, FS, GS", fmt.Sprint(expected), fmt.Sprint(e.Selectors))
	}
}

// xt9: what is called before main.
type xt9 struct{}

func (xt9) Rule() Rule {
	return Rule{
		ID: "XT-9", Promise: "the application's tables of functions to call before and behind main hold addresses of its text",
		Source: "RFC 01 (vmlinux.lds.S); System V ABI, chapter 5, initialization and termination functions", When: "the image, once", Observes: "__preinit_array, __init_array, __fini_array",
		Shows: "word 0 of __init_array: expected the application's text, found 0xffffffff81012345", Tier: Static, Needs: all(application, needsSymbol("__init_array_start")),
	}
}
func (w xt9) Watch() Watcher { return nil }
func (xt9) Inspect(r *Report, img *image.Image) {
	const most = 1 << 16
	for _, name := range [...]string{"__preinit_array", "__init_array", "__fini_array"} {
		start, ok := img.Address(name + "_start")
		end, also := img.Address(name + "_end")
		if !ok || !also {
			continue
		}
		if !r.Holds(end >= start && (end-start)%8 == 0 && end-start < most) {
			r.Broke(name+"_end", fmt.Sprintf("whole words behind %#x", start), end)
			continue
		}
		for at := start; at < end; at += 8 {
			var b [8]byte
			if n, err := img.ReadMemory(at, b[:]); err != nil || n < 8 {
				break
			}
			function := binary.LittleEndian.Uint64(b[:])
			if !r.Holds(img.Class(function) == image.Application) {
				r.Broke(fmt.Sprintf("word %d of %s", (at-start)/8, name), "the application's text", r.at(function))
			}
		}
	}
}
