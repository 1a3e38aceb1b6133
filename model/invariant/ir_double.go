// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
)

// doubled is the excursion of a double fault that the application's stack was
// the cause of.
func doubled(e *event.Event) *event.Excursion {
	if x := e.Excursion; x != nil && x.By == event.ByVector && x.Vector == x86.VectorDF {
		return x
	}
	return nil
}

// Bits of a page fault's error code: SDM vol. 3A, 4.7.
const (
	faultPresent = 1 << 0
	faultWrite   = 1 << 1
	faultUser    = 1 << 2
	faultFetch   = 1 << 4
)

// ir9: a double fault is not just anybody's.
type ir9 struct{}

func (ir9) Rule() Rule {
	return Rule{
		ID: "IR-9", Promise: "a double fault is handled as a page fault only if it is the application's, and CR2 is where its frame would have been",
		Source: "RFC 04 (idtentry_df); weakness D-15", Wanted: true, When: "a double fault goes on as a page fault", Observes: "CR2, RSP, current->ukl_thread at the double fault",
		Shows: "CR2 of a double fault: expected within 64 bytes below 0x7ffc00001000, found 0xffffffff81000000", Kinds: kinds(event.Fault), Needs: all(UKL, doubleFaults),
	}
}
func (w ir9) Watch() Watcher { return w }
func (ir9) See(r *Report, e *event.Event) {
	x := doubled(e)
	if x == nil {
		return
	}
	if !r.Holds(x.Tracking == event.TrackingApplication) {
		r.Broke("ukl_thread at the double fault", event.TrackingApplication, x.Tracking)
	}
	top := x.Interrupted.RSP() &^ 15
	if !r.Holds(top-e.Address <= 64 && e.Address < top) {
		r.Broke("CR2 of a double fault", fmt.Sprintf("within 64 bytes below %#x", top), e.Address)
	}
}

// ir10: its error code is made up, and right.
type ir10 struct{}

func (ir10) Rule() Rule {
	return Rule{
		ID: "IR-10", Promise: "the error code that a double fault is given is the one that the page fault had: a write, present if the page table says so",
		Source: "RFC 04; SDM vol. 3A, 4.7; always 2 there", Wanted: true, When: "a double fault goes on as a page fault", Observes: "the error code, the page table",
		Shows: "P of the error code: expected 0x1, found 0x0", Kinds: kinds(event.Fault), Needs: all(UKL, doubleFaults),
	}
}
func (w ir10) Watch() Watcher { return w }
func (ir10) See(r *Report, e *event.Event) {
	x := doubled(e)
	if x == nil {
		return
	}
	r.Equal("W of the error code", faultWrite, uint64(e.ErrorCode&faultWrite))
	r.Equal("I of the error code", 0, uint64(e.ErrorCode&faultFetch))
	r.Equal("P of the error code", x.Present, uint64(e.ErrorCode&faultPresent))
}

// ir11: what faulted is tried again, and works.
type ir11 struct{}

func (ir11) Rule() Rule {
	return Rule{
		ID: "IR-11", Promise: "behind a double fault the application's stack is there, and the same instruction is executed again with the same registers",
		Source: "RFC 04", When: "when the application goes on", Observes: "the page table, RIP and the registers", Shows: "rsp: expected 0x7ffc00001000, found 0x7ffc00000fd0",
		Kinds: kinds(event.Resumed), Needs: all(UKL, doubleFaults),
	}
}
func (w ir11) Watch() Watcher { return w }
func (ir11) See(r *Report, e *event.Event) {
	x := doubled(e)
	if x == nil || !undisturbed(x) {
		return
	}
	if !r.Holds(e.RIP == x.Interrupted.RIP) {
		r.Broke("RIP", r.at(x.Interrupted.RIP), r.at(e.RIP))
	}
	r.sameRegisters(&x.Interrupted.GPR, &e.GPR)
	if e.Machine && r.suite.machine != nil {
		t, err := r.suite.machine.Translate(x.Address)
		if !r.Holds(err == nil && t.Writable) {
			r.Broke("the stack at "+fmt.Sprintf("%#x", x.Address), "mapped and writable", fmt.Sprint(err))
		}
	}
}
