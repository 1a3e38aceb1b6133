// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// userAccess is group UA: what the kernel reads and writes on a task's behalf.
var userAccess = []Invariant{ua1{}, &ua2{}, ua3{}, ua4{}, &ua5{}, ua6{}, &ua7{}, ua8{}}

// place is where in memory a range is that a task names.
type place uint8

const (
	nowhere   place = iota // the kernel's, not canonical, or across a border
	lowerHalf              // below TASK_SIZE_MAX
	writable               // the application's data or bss
	readable               // its text or rodata
)

// placeOf says where a range is. The kernel's own check takes a range of no bytes
// that begins where a part ends.
func placeOf(img *image.Image, address, size uint64) place {
	if size <= taskSizeMax && address <= taskSizeMax-size {
		return lowerHalf
	}
	app := img.Application()
	if app == nil {
		return nowhere
	}
	for _, part := range [...]struct {
		ranges []image.Range
		place  place
	}{{app.Data, writable}, {app.BSS, writable}, {app.ROData, readable}, {app.Text, readable}} {
		for _, r := range part.ranges {
			if address >= r.Start && address <= r.End && size <= r.End-address {
				return part.place
			}
		}
	}
	return nowhere
}

// owns says whether a task may name a place at all.
func owns(e *event.Event, p place) bool {
	return p == lowerHalf || p != nowhere && e.Tracking > event.TrackingNone
}

func rangeOf(e *event.Event) string {
	return fmt.Sprintf("%#x, %d bytes, by %s", e.Address, e.Size, e.What)
}

// ua1: nobody may name what is the kernel's.
type ua1 struct{}

func (ua1) Rule() Rule {
	return Rule{
		ID: "UA-1", Promise: "access_ok() and its relatives accept nothing but the lower half, and for tasks of the application its part of the image",
		Source: "RFC 05; arch/x86/include/asm/uaccess.h; the published series accepts everything for UKL tasks (D-17)", Wanted: true,
		When: "a range is decided about", Observes: "address, size, verdict, current->ukl_thread",
		Shows: "a range accepted: expected one of the task's, found 0xffffffff81000000, 8 bytes, by access_ok", Kinds: kinds(event.AccessOK),
	}
}
func (w ua1) Watch() Watcher { return w }
func (ua1) See(r *Report, e *event.Event) {
	if !r.Holds(!e.Verdict || owns(e, placeOf(r.Image(), e.Address, e.Size))) {
		r.Broke("a range accepted", "one of the task's", rangeOf(e))
	}
}

// ua2: what is written is the application's, and not its code.
type ua2 struct{ readOnly map[uint64]event.Event }

func (*ua2) Rule() Rule {
	return Rule{
		ID: "UA-2", Promise: "system calls of the application write to the lower half and to its data and bss; a write to its text or rodata faults",
		Source: "RFC 05; weakness D-17", Wanted: true, When: "a copy to the application begins, and where the task goes on", Observes: "address, size, faults",
		Shows: "a write: expected to the task's memory, found 0xffffffff81000000, 8 bytes, by __put_user_8",
		Kinds: kinds(event.UserCopy, event.FixUp, event.SyscallEnd, event.Resumed, event.Ended, event.SignalSetUp), Needs: UKL,
	}
}
func (*ua2) Watch() Watcher { return &ua2{readOnly: map[uint64]event.Event{}} }
func (w *ua2) Forget()      { clear(w.readOnly) }
func (w *ua2) See(r *Report, e *event.Event) {
	if len(w.readOnly) > 0 {
		w.faulted(r, e)
	}
	if e.Kind != event.UserCopy || !e.Write || e.Tracking <= event.TrackingNone || e.Size == 0 {
		return
	}
	switch placeOf(r.Image(), e.Address, e.Size) {
	case readable:
		w.readOnly[e.Task] = event.Event{Address: e.Address, Size: e.Size, What: e.What}
	case nowhere:
		r.Breaks("a write", "to the task's memory", rangeOf(e))
	default:
		r.Held()
	}
}

func (w *ua2) faulted(r *Report, e *event.Event) {
	was, ok := w.readOnly[e.Task]
	if !ok {
		return
	}
	delete(w.readOnly, e.Task)
	if !r.Holds(e.Kind == event.FixUp) {
		r.Broke("a write to text or rodata", "a fault", rangeOf(&was)+", and no fault")
	}
}

// ua3: what is read is the application's.
type ua3 struct{}

func (ua3) Rule() Rule {
	return Rule{
		ID: "UA-3", Promise: "system calls of the application read the lower half and its part of the image, and nothing of the kernel's",
		Source: "RFC 05; weakness D-17", Wanted: true, When: "a copy from the application", Observes: "address, size",
		Shows: "a read: expected of the task's memory, found 0xffffffff81000000, 8 bytes, by copy_user_generic_string",
		Kinds: kinds(event.UserCopy), Needs: UKL,
	}
}
func (w ua3) Watch() Watcher { return w }
func (ua3) See(r *Report, e *event.Event) {
	if e.Write || e.Tracking <= event.TrackingNone || e.Size == 0 {
		return
	}
	if !r.Holds(placeOf(r.Image(), e.Address, e.Size) != nowhere) {
		r.Broke("a read", "of the task's memory", rangeOf(e))
	}
}

// ua4: and whoever is asked says the same.
type ua4 struct{}

func (ua4) Rule() Rule {
	return Rule{
		ID: "UA-4", Promise: "access_ok(), get_user(), put_user() and strncpy_from_user() all accept what is the task's, wherever it is",
		Source: "weakness D-17: the published series' access_ok() says yes where get_user() says no", Wanted: true,
		When: "a range is decided about", Observes: "address, size, verdict", Shows: "a range of the task's refused: expected as by access_ok, found 0xffffffff81602000, 8 bytes, by __get_user_8",
		Kinds: kinds(event.AccessOK),
	}
}
func (w ua4) Watch() Watcher { return w }
func (ua4) See(r *Report, e *event.Event) {
	p := placeOf(r.Image(), e.Address, e.Size)
	if e.Tracking > event.TrackingNone && p == readable && e.Write {
		return // refused at once or with a fault: both are well
	}
	if p == lowerHalf && e.What == "unikernel_access_ok" {
		return // it is asked about the rest, the futexes' question about both is another
	}
	if owns(e, p) && !r.Holds(e.Verdict) {
		r.Broke("a range of the task's refused", "as by access_ok", rangeOf(e))
	}
}

// ua5: no address is too strange.
type ua5 struct{ odd map[uint64]event.Event }

func (*ua5) Rule() Rule {
	return Rule{
		ID: "UA-5", Promise: "ranges that wrap around or are not canonical are refused, and no oops comes of them",
		Source: "arch/x86/include/asm/uaccess.h; SDM vol. 1, 3.3.7.1", Wanted: true, When: "a range is decided about, and until the call ends", Observes: "address, size, verdict, oopses",
		Shows: "a range that is none: expected refused, found 0xfffffffffffffffc, 8 bytes, by access_ok", Kinds: kinds(event.AccessOK, event.UserCopy, event.Oops, event.SyscallEnd, event.Ended),
	}
}
func (*ua5) Watch() Watcher { return &ua5{odd: map[uint64]event.Event{}} }
func (w *ua5) Forget()      { clear(w.odd) }
func (w *ua5) See(r *Report, e *event.Event) {
	switch e.Kind {
	case event.AccessOK, event.UserCopy:
		if !isOdd(e) {
			return
		}
		w.odd[e.Task] = event.Event{Address: e.Address, Size: e.Size, What: e.What}
		if !r.Holds(e.Kind == event.AccessOK && !e.Verdict) {
			r.Broke("a range that is none", "refused", rangeOf(e))
		}
	case event.Oops:
		if was, ok := w.odd[e.Task]; ok {
			r.Breaks("behind "+rangeOf(&was), "-EFAULT", e.What)
		}
		delete(w.odd, e.Task)
	default:
		delete(w.odd, e.Task)
	}
}

// isOdd says whether a range wraps around, or has an end in the hole between
// the halves. The lower half's last page is a program's limit, not its end.
func isOdd(e *event.Event) bool {
	last := e.Address + max(e.Size, 1) - 1
	return last < e.Address || !canonical(e.Address) || !canonical(last) || upper(e.Address) != upper(last)
}

func canonical(address uint64) bool { return uint64(int64(address)<<16>>16) == address }

// ua6: programs have the lower half.
type ua6 struct{}

func (ua6) Rule() Rule {
	return Rule{
		ID: "UA-6", Promise: "for a task that is not the application's, the kernel reads and writes the lower half only",
		Source: "arch/x86/include/asm/uaccess.h; weakness D-3", When: "copies from and to programs", Observes: "address, size, current->ukl_thread",
		Shows: "a copy for a program: expected in the lower half, found 0xffffffff81000000, 8 bytes, by __get_user_8", Kinds: kinds(event.UserCopy), Needs: hasPrograms,
	}
}
func (w ua6) Watch() Watcher { return w }
func (ua6) See(r *Report, e *event.Event) {
	if e.Tracking > event.TrackingNone || e.Size == 0 {
		return
	}
	if !r.Holds(placeOf(r.Image(), e.Address, e.Size) == lowerHalf) {
		r.Broke("a copy for a program", "in the lower half", rangeOf(e))
	}
}

// hasPrograms is for what is about tasks that are not the application's.
func hasPrograms(img *image.Image) string {
	if img.UKL.Flavor == image.KML {
		return "KML does not know which tasks are the application's"
	}
	return ""
}

// ua7: the last writes are like the others.
type ua7 struct{ ending map[uint64]bool } // whether the task is the application's

func (*ua7) Rule() Rule {
	return Rule{
		ID: "UA-7", Promise: "what the kernel writes at a task's end goes to memory that is the task's",
		Source: "CVE-2010-4258 (clear_child_tid); weakness D-25", Wanted: true, When: "copies behind do_exit", Observes: "address, size",
		Shows: "a write at the task's end: expected to the task's memory, found 0xffffffff81a00000, 4 bytes, by __put_user_4",
		Kinds: kinds(event.Ended, event.Clone, event.UserCopy), Needs: hasPrograms,
	}
}
func (*ua7) Watch() Watcher { return &ua7{ending: map[uint64]bool{}} }
func (w *ua7) Forget()      { clear(w.ending) }
func (w *ua7) See(r *Report, e *event.Event) {
	switch e.Kind {
	case event.Ended:
		w.ending[e.Task] = e.Tracking > event.TrackingNone
		return
	case event.Clone: // the task's memory is another's now
		delete(w.ending, e.Next)
		return
	}
	ours, ok := w.ending[e.Task]
	if !ok || e.Size == 0 {
		return
	}
	p := placeOf(r.Image(), e.Address, e.Size)
	if !r.Holds(p == lowerHalf || ours && p == writable || ours && p == readable && !e.Write) {
		r.Broke("a copy at the task's end", "of the task's memory", rangeOf(e))
	}
}

// ua8: AC is for copies.
type ua8 struct{}

func (ua8) Rule() Rule {
	return Rule{
		ID: "UA-8", Promise: "C code of the kernel is entered, and left for another task, with AC clear",
		Source: "arch/x86/include/asm/smap.h; SDM vol. 3A, 4.6", When: "do_syscall_64, handlers, context switches", Observes: "RFLAGS.AC",
		Shows: "RFLAGS.AC in do_syscall_64: expected 0x0, found 0x40000", Kinds: kinds(event.SyscallBegin, event.HandlerBegin, event.Switch), Needs: notKML,
	}
}
func (w ua8) Watch() Watcher { return w }
func (ua8) See(r *Report, e *event.Event) {
	if e.Kind == event.HandlerBegin && e.Excursion != nil && e.Excursion.Interrupted.RFLAGS&x86.FlagAC != 0 && !r.clac(e) {
		return // without SMAP a stub does not clear it
	}
	if !r.Holds(e.RFLAGS&x86.FlagAC == 0) {
		r.Broke("RFLAGS.AC in "+r.at(e.RIP), "0", e.RFLAGS&x86.FlagAC)
	}
}

// clac says whether the stub of the event's vector has to have cleared AC: with
// SMAP by CLAC, and for the application's exceptions in any case.
func (r *Report) clac(e *event.Event) bool {
	x := e.Excursion
	if r.Image().UKL.Flavor == image.Ours && x.FromApplication && x.Interrupted.CPL() == 0 && !r.ist(x.Vector) {
		return true
	}
	if r.suite.machine == nil {
		return false
	}
	state := r.suite.machine.State()
	return state.CR4&x86.CR4SMAP != 0
}
