// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// programs is group XT: exec, clone, thread-local storage, FS and GS.
var programs = []Invariant{&xt1{}, xt2{}, xt3{}, xt4{}, xt5{}, &xt6{}, &xt7{}, &xt8{}, xt9{}}

// application is for what is about an application in the image.
func application(img *image.Image) string {
	if img.Application() == nil {
		return "no application is linked into the kernel"
	}
	return ""
}

// xt1: how a program starts.
type xt1 struct{ started map[uint64]bool }

func (*xt1) Rule() Rule {
	return Rule{
		ID: "XT-1", Promise: "a program starts with RSP at a multiple of 16 and argc there, RFLAGS 0x202, its ring's CS and SS; the application at ukl__start",
		Source: "RFC 08, 09; System V ABI, AMD64, 3.4.1; arch/x86/kernel/process_64.c (start_thread)", When: "a program's first instruction", Observes: "RIP, RSP, RFLAGS, CS, SS, ukl_thread, the stack",
		Shows: "rsp modulo 16: expected 0x0, found 0x8", Kinds: kinds(event.Started, event.SignalSetUp, event.Resumed, event.Ended),
	}
}
func (*xt1) Watch() Watcher { return &xt1{started: map[uint64]bool{}} }
func (w *xt1) Forget()      { clear(w.started) }
func (w *xt1) See(r *Report, e *event.Event) {
	if e.Kind == event.Started {
		w.started[e.Task] = true
		return
	}
	if len(w.started) == 0 || !w.started[e.Task] {
		return
	}
	delete(w.started, e.Task)
	if e.Kind != event.Resumed {
		return // what begins is a handler, or nothing
	}
	r.Equal("rsp modulo 16", 0, e.RSP()%16)
	r.Equal("RFLAGS", x86.FlagIF|2, e.RFLAGS)
	r.segments(e)
	r.arguments(e)
	if app := r.Image().Application(); app != nil && e.CPL() == 0 {
		if !r.Holds(e.RIP == app.Start) {
			r.Broke("rip", r.at(app.Start), r.at(e.RIP))
		}
		if r.Image().UKL.Present {
			r.Equal("ukl_thread", event.TrackingApplication, uint64(e.Tracking))
		}
	}
}

// arguments looks at argc and the NULL behind argv, where the machine stands
// at the event and the page is there.
func (r *Report) arguments(e *event.Event) {
	const most = 1 << 16
	if !e.Machine {
		return
	}
	argc, ok := r.word(e.RSP())
	if !ok {
		return
	}
	if !r.Holds(argc < most) {
		r.Broke("argc", fmt.Sprint("less than ", most), argc)
		return
	}
	if end, ok := r.word(e.RSP() + 8*(argc+1)); ok {
		r.Equal("the word behind argv", 0, end)
	}
}

// xt2: GS is the kernel's, for the application too.
type xt2 struct{}

func (xt2) Rule() Rule {
	return Rule{
		ID: "XT-2", Promise: "the application runs with the kernel's GS base, before and behind everything that it calls",
		Source: "RFC 04; ARCH_SET_GS changes the inactive base only", When: "the application goes on, or is stopped", Observes: "GS base",
		Shows: "GS base: expected 0xffffffff81a0b000, found 0x0", Kinds: kinds(event.Resumed, event.SyscallEnter), Needs: translates,
	}
}
func (w xt2) Watch() Watcher { return w }
func (xt2) See(r *Report, e *event.Event) {
	if e.CPL() == 0 && (e.Kind == event.Resumed || e.By == event.ByCall) {
		r.Equal("GS base", e.PerCPU, e.GSBase)
	}
}

// xt3: thread-local storage is where the application may have it.
type xt3 struct{}

func (xt3) Rule() Rule {
	return Rule{
		ID: "XT-3", Promise: "FS base is in the lower half or in the application's data, and it is what ARCH_SET_FS or clone() was given",
		Source: "arch/x86/kernel/process_64.c (do_arch_prctl_64); System V ABI, AMD64, TLS variant II", When: "a program goes on", Observes: "FS base, the argument",
		Shows: "FS base: expected 0x7f0000001000, found 0x0", Kinds: kinds(event.Resumed),
	}
}
func (w xt3) Watch() Watcher { return w }
func (xt3) See(r *Report, e *event.Event) {
	if p := placeOf(r.Image(), e.FSBase, 8); !r.Holds(p == lowerHalf || p == writable && inApplication(&e.Registers)) {
		r.Broke("FS base", "in the lower half, or the application's data", e.FSBase)
	}
	const archPrctl, setFS = 158, 0x1002
	x := e.Excursion
	if x == nil || x.By == event.ByVector || uint32(x.Number) != archPrctl || uint32(x.Entry.GPR[x86.RDI]) != setFS || x.End == nil || x.End.AX != 0 {
		return
	}
	r.Equal("FS base behind ARCH_SET_FS", x.Entry.GPR[x86.RSI], e.FSBase)
}

// xt4: the image that thread-local storage begins with.
type xt4 struct{}

func (xt4) Rule() Rule {
	return Rule{
		ID: "XT-4", Promise: "the symbols of thread-local storage are in order, and describe the segment that the image has",
		Source: "RFC 01 (vmlinux.lds.S); ELF specification, PT_TLS", When: "the image, once", Observes: "__tls_data_start to __tls_bss_end, the program header",
		Shows: "__tls_data_end: expected at most __tls_bss_start, found 0xffffffff81603000", Tier: Static, Needs: all(application, needsSymbol("__tls_data_start")),
	}
}
func (w xt4) Watch() Watcher { return nil }
func (xt4) Inspect(r *Report, img *image.Image) {
	var at [4]uint64
	for i, name := range [...]string{"__tls_data_start", "__tls_data_end", "__tls_bss_start", "__tls_bss_end"} {
		v, ok := img.Address(name)
		if !r.Holds(ok && (i == 0 || v >= at[max(i-1, 0)])) {
			r.Broke(name, "at or behind the symbol before it", v)
		}
		at[i] = v
	}
	tls := img.Application().TLS
	if tls == nil {
		r.Equal("the TLS image's size without PT_TLS", 0, at[3]-at[0])
		return
	}
	r.Equal("PT_TLS's address", at[0], tls.Address)
	r.Equal("PT_TLS's bytes in the file", at[1]-at[0], tls.FileSize)
	r.Equal("PT_TLS's size", at[3]-at[0], tls.Size)
	if !r.Holds(tls.Alignment&(tls.Alignment-1) == 0) {
		r.Broke("PT_TLS's alignment", "a power of two", tls.Alignment)
	}
	if tls.Alignment > 1 {
		r.Equal("PT_TLS's address modulo its alignment", 0, tls.Address%tls.Alignment)
	}
}

// xt5: who fails changes nothing.
type xt5 struct{}

func (xt5) Rule() Rule {
	return Rule{
		ID: "XT-5", Promise: "an execve that fails leaves mode, address space and registers as they were",
		Source: "fs/exec.c (begin_new_exec is the point of no return); weakness D-3", Wanted: true, When: "an execve that failed, and behind it", Observes: "ukl_thread, CR3, registers",
		Shows: "ukl_thread behind a failed execve: expected 0x0, found 0x1", Kinds: kinds(event.ExecFailed, event.Resumed),
	}
}
func (w xt5) Watch() Watcher { return w }
func (xt5) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || x.By == event.ByVector {
		return
	}
	if e.Kind == event.ExecFailed {
		r.keepsMode("ukl_thread in a failed execve", min(x.Tracking, event.TrackingKernel), e)
		return
	}
	if !failedExec(x) {
		return
	}
	const table = ^uint64(0x1fff) // without PCID, and which of the two tables of page table isolation it is
	r.keepsMode("ukl_thread behind a failed execve", x.Tracking, e)
	r.Equal("CR3 behind a failed execve", x.Entry.CR3&table, e.CR3&table)
	r.Equal("CPL behind a failed execve", uint64(x.Interrupted.CPL()), uint64(e.CPL()))
	except := []int{x86.RAX}
	if x.By == event.BySYSCALL {
		except = append(except, x86.RCX, x86.R11)
	}
	r.sameRegisters(&x.Interrupted.GPR, &e.GPR, except...)
}

func (r *Report) keepsMode(what string, was int, e *event.Event) {
	if e.Tracking != event.NoTracking {
		r.Equal(what, uint64(was), uint64(e.Tracking))
	}
}

const (
	sysExecve   = 59
	sysExecveat = 322
)

// failedExec says whether an excursion is an execve that gave an error, and
// nothing else came in between.
func failedExec(x *event.Excursion) bool {
	n := uint32(x.Number)
	return (n == sysExecve || n == sysExecveat) && x.End != nil && int64(x.End.AX) < 0 && undisturbed(x) && x.End.IP == x.Interrupted.RIP
}

// xt6: the way down.
type xt6 struct{ leaving map[uint64]bool }

func (*xt6) Rule() Rule {
	return Rule{
		ID: "XT-6", Promise: "when the application executes an ordinary program, that runs in CPL 3 and its task is not the application's any more",
		Source: "RFC 08; weakness D-7", Wanted: true, When: "the program's first instruction", Observes: "CPL, ukl_thread",
		Shows: "ukl_thread of an ordinary program: expected 0x0, found 0x2", Kinds: kinds(event.Exec, event.Started, event.Resumed, event.Ended), Needs: UKL,
	}
}
func (*xt6) Watch() Watcher { return &xt6{leaving: map[uint64]bool{}} }
func (w *xt6) Forget()      { clear(w.leaving) }
func (w *xt6) See(r *Report, e *event.Event) {
	switch e.Kind {
	case event.Exec:
		if x := e.Excursion; x != nil && x.FromApplication && inApplication(&x.Interrupted) {
			w.leaving[e.Task] = false
		}
	case event.Started:
		if _, ok := w.leaving[e.Task]; ok {
			w.leaving[e.Task] = e.What == "start_thread"
		}
	case event.Ended:
		delete(w.leaving, e.Task)
	case event.Resumed:
		if len(w.leaving) == 0 {
			return
		}
		ordinary := w.leaving[e.Task]
		delete(w.leaving, e.Task)
		if !ordinary {
			return
		}
		r.Equal("ukl_thread of an ordinary program", event.TrackingNone, uint64(e.Tracking))
		r.Equal("CPL of an ordinary program", 3, uint64(e.CPL()))
	}
}
