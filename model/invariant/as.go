// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/space"
)

// addressSpace is group AS: which half is whose.
var addressSpace = []Invariant{as1{}, as2{}, as3{}, as4{}, as5{}, &as6{}, &as7{}, as8{}}

// as1: the application runs its own code.
type as1 struct{}

func (as1) Rule() Rule {
	return Rule{
		ID: "AS-1", Promise: "in CPL 0, the application goes on in its own code, or at the entry of a call that is made again",
		Source: "RFC 01, 04", When: "the application goes on", Observes: "RIP, whose symbol that is", Shows: "rip: expected the application's text, found 0x3",
		Kinds: kinds(event.Resumed), Needs: application,
	}
}
func (w as1) Watch() Watcher { return w }
func (as1) See(r *Report, e *event.Event) {
	if e.CPL() != 0 {
		return
	}
	ok := r.Image().Class(e.RIP) == image.Application
	if first, is := r.Image().Address("ukl_entry_SYSCALL_64"); is && e.RIP == first {
		ok = true
	}
	if x := e.Excursion; !ok && x != nil && (e.RIP == x.Interrupted.RIP || x.SigReturn || x.SignalFrames > 0) {
		return // where the application went by itself
	}
	if !r.Holds(ok || r.executable(e)) {
		r.Broke("rip", "the application's text", r.at(e.RIP))
	}
}

// executable says whether there is code in the lower half at RIP, that the
// application has made.
func (r *Report) executable(e *event.Event) bool {
	if upper(e.RIP) || r.suite.machine == nil || !e.Machine {
		return false
	}
	state := r.suite.machine.State()
	m, ok := space.TablesOf(r.suite.machine, &state).Translate(e.RIP)
	return ok && m.Rights&space.Executable != 0
}

// as2: on its own stack.
type as2 struct{}

func (as2) Rule() Rule {
	return Rule{
		ID: "AS-2", Promise: "the application goes on with RSP in the lower half or in its data, and never on a stack of the kernel",
		Source: "RFC 04", When: "the application goes on", Observes: "RSP", Shows: "rsp: expected the lower half or the application's data, found 0xffffc90000013f58",
		Kinds: kinds(event.Resumed), Needs: application,
	}
}
func (w as2) Watch() Watcher { return w }
func (as2) See(r *Report, e *event.Event) {
	rsp := e.RSP()
	if e.CPL() != 0 || !upper(rsp) && canonical(rsp) {
		if e.CPL() == 0 {
			r.Held()
		}
		return
	}
	own := placeOf(r.Image(), rsp, 0) == writable
	if x := e.Excursion; !own && x != nil && x.Interrupted.RSP() == rsp && !onThreadStack(r.Image(), e, rsp) {
		return // what the application has put there itself
	}
	if !r.Holds(own) {
		r.Broke("rsp", "the lower half or the application's data", rsp)
	}
}

// as5: one kernel's half for all.
type as5 struct{}

func (as5) Rule() Rule {
	return Rule{
		ID: "AS-5", Promise: "all address spaces have the same upper half: entries 256 to 511 of the top table are init_top_pgt's",
		Source: "arch/x86/mm/pgtable.c (pgd_ctor); SDM vol. 3A, 4.5", When: "CR3 is written", Observes: "the top page tables",
		Shows: "entry 511 of the top table: expected 0x200c067, found 0x0", Kinds: kinds(event.LoadCR3), Needs: needsSymbol("init_top_pgt"),
	}
}
func (w as5) Watch() Watcher { return w }
func (as5) See(r *Report, e *event.Event) {
	const table, half, accessed = 0x000ffffffffff000, 2048, uint64(1) << 5
	m := r.suite.machine
	if m == nil || !e.Machine || r.Image().Class(e.RIP) == image.EntryText {
		return // the entry code goes to the table that a program has by page table isolation
	}
	at, _ := r.Image().Address("init_top_pgt")
	var kernel, own [half]byte
	if n, err := m.ReadMemory(at+half, kernel[:]); err != nil || n < half {
		return
	}
	if m.ReadPhysical(e.Value&table+half, own[:]) != nil {
		return
	}
	if bytes.Equal(kernel[:], own[:]) {
		r.Held()
		return
	}
	for i := 0; i < half; i += 8 {
		k, o := binary.LittleEndian.Uint64(kernel[i:])&^accessed, binary.LittleEndian.Uint64(own[i:])&^accessed
		if k != o && r.shared(256+i/8) {
			r.Breaks(fmt.Sprint("entry ", 256+i/8, " of the top table"), k, o)
			return
		}
	}
	r.Held()
}

// shared says whether an entry of the top table is the same for all: with page
// table isolation, that of the LDT is not (Documentation/x86/x86_64/mm.rst).
func (r *Report) shared(entry int) bool {
	const ldt = 0xffff880000000000 >> 39 & 511
	return entry != ldt || r.Image().Config["CONFIG_PAGE_TABLE_ISOLATION"] != "y"
}

// as6: rights are by what is where.
type as6 struct{ seen map[uint64]bool }

func (*as6) Rule() Rule {
	return Rule{
		ID: "AS-6", Promise: "the application's text and rodata can't be written, its data and bss not executed; CPL 3 reaches the lower half and nothing of the upper",
		Source: "RFC 01; arch/x86/mm/init_64.c (mark_rodata_ro); SDM vol. 3A, 4.6", When: "the first time that a program goes on in an address space", Observes: "the page tables",
		Shows: "application text at 0xffffffff81600000: expected r-x--, found rwx--", Kinds: kinds(event.Resumed),
	}
}
func (*as6) Watch() Watcher { return &as6{seen: map[uint64]bool{}} }

// mostSpaces bounds how many address spaces are walked: it takes milliseconds.
// Those are not forgotten when the machine goes back.
const mostSpaces = 8

func (w *as6) See(r *Report, e *event.Event) {
	if r.suite.machine == nil || !e.Machine || w.seen[e.CR3] || len(w.seen) >= mostSpaces {
		return
	}
	w.seen[e.CR3] = true
	layout := space.Read(r.suite.machine, r.Image())
	held := true
	for _, g := range layout.Ranges {
		if !g.Mapped() {
			continue
		}
		if wrong, expected := misplaced(g); wrong != 0 {
			held = false
			r.Breaks(fmt.Sprintf("%s at %#x", g.Title(), g.Start), expected, g.Rights.String())
		}
	}
	if held {
		r.Held()
	}
}

// misplaced is the rights that a range must not have, or has to, and what they
// should be in words.
func misplaced(g space.Range) (space.Rights, string) {
	switch g.Kind {
	case space.ApplicationText, space.ApplicationROData:
		if g.Rights&space.Writable != 0 {
			return space.Writable, "not writable"
		}
	case space.ApplicationData, space.ApplicationBSS:
		if g.Rights&space.Executable != 0 {
			return space.Executable, "not executable"
		}
	case space.VSyscall: // the page that programs call the kernel's oldest way
		return 0, ""
	}
	if upper(g.Start) && g.Rights&space.User != 0 {
		return space.User, "the supervisor's"
	}
	return 0, ""
}

// as7: the address space is the task's.
type as7 struct{ tables map[uint64]uint64 }

func (*as7) Rule() Rule {
	return Rule{
		ID: "AS-7", Promise: "while a program runs, CR3 is that of its task's address space",
		Source: "arch/x86/mm/tlb.c (switch_mm_irqs_off)", When: "a program goes on", Observes: "CR3, current->mm->pgd",
		Shows: "CR3: expected 0x3c5a000, found 0x3c2e000", Kinds: kinds(event.Resumed), Needs: needsTypes,
	}
}

func needsTypes(img *image.Image) string {
	for _, f := range [...][2]string{{"task_struct", "mm"}, {"mm_struct", "pgd"}} {
		if _, ok := img.Offset(f[0], f[1]); !ok {
			return "the image has no type that says where " + f[0] + "." + f[1] + " is"
		}
	}
	return ""
}
func (*as7) Watch() Watcher { return &as7{tables: map[uint64]uint64{}} }

// physical is where a top table is; it lies in the direct map, where that does
// not change.
func (w *as7) physical(r *Report, top uint64) (uint64, bool) {
	if at, ok := w.tables[top]; ok {
		return at, true
	}
	state := r.suite.machine.State()
	at, ok := space.TablesOf(r.suite.machine, &state).Translate(top)
	if ok {
		w.tables[top] = at.Physical
	}
	return at.Physical, ok
}

func (w *as7) See(r *Report, e *event.Event) {
	if !e.Machine || r.suite.machine == nil {
		return
	}
	toMM, _ := r.Image().Offset("task_struct", "mm")
	toTop, _ := r.Image().Offset("mm_struct", "pgd")
	mm, ok := r.word(e.Task + uint64(toMM))
	if !ok || mm == 0 {
		return
	}
	top, ok := r.word(mm + uint64(toTop))
	if !ok {
		return
	}
	at, ok := w.physical(r, top)
	if !ok {
		return // a program's table of page table isolation does not have it
	}
	const table, isolated = 0x000ffffffffff000, 0x1000
	found := e.CR3 & table
	if e.CPL() == 3 && found == at|isolated {
		found = at
	}
	r.Equal("CR3", at, found)
}
