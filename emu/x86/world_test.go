// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// flat is linear memory with a permission for each page and WP set. What was
// stored, and how, is logged.
type flat struct {
	pages  map[uint64]*flatPage
	stores []string
	loads  int
}

type flatPage struct {
	data     [pageSize]byte
	user     bool
	readOnly bool
}

func (f *flat) access(address uint64, p []byte, how Access, copyByte func(data *byte, at int)) *Exception {
	for i := range p {
		a := address + uint64(i)
		page := f.pages[a/pageSize]
		code := uint32(0)
		if how.Write {
			code |= PFWrite
		}
		if how.User {
			code |= PFUser
		}
		if page == nil {
			return &Exception{Vector: VectorPF, HasErrorCode: true, ErrorCode: code, CR2: a}
		}
		if how.User && !page.user || how.Write && page.readOnly {
			return &Exception{Vector: VectorPF, HasErrorCode: true, ErrorCode: code | PFPresent, CR2: a}
		}
	}
	for i := range p {
		a := address + uint64(i)
		copyByte(&f.pages[a/pageSize].data[a%pageSize], i)
	}
	return nil
}

func (f *flat) Load(address uint64, p []byte, how Access) *Exception {
	f.loads++
	return f.access(address, p, how, func(data *byte, at int) { p[at] = *data })
}

func (f *flat) Store(address uint64, p []byte, how Access) *Exception {
	e := f.access(address, p, how, func(data *byte, at int) { *data = p[at] })
	if e == nil {
		f.stores = append(f.stores, fmt.Sprintf("%#x+%d", address, len(p)))
	}
	return e
}

// add maps a page.
func (f *flat) add(address uint64, user bool) {
	f.pages[address/pageSize] = &flatPage{user: user}
}

// put stores a word without permission checks; the page must be there.
func (f *flat) put(address uint64, size int, v uint64) {
	for i := range size {
		a := address + uint64(i)
		f.pages[a/pageSize].data[a%pageSize] = byte(v >> (8 * i))
	}
}

// get loads a word of 8 bytes; what isn't mapped reads as 0.
func (f *flat) get(address uint64) uint64 {
	var p [8]byte
	for i := range p {
		a := address + uint64(i)
		if page := f.pages[a/pageSize]; page != nil {
			p[i] = page.data[a%pageSize]
		}
	}
	return getUint(p[:])
}

// words loads n words of 8 bytes.
func (f *flat) words(address uint64, n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = f.get(address + uint64(8*i))
	}
	return out
}

// Where things are in the worlds of the tests.
const (
	gdtAt       = 0xffff800000001000
	idtAt       = 0xffff800000002000
	tssAt       = 0xffff800000003000
	ldtAt       = 0xffff800000004000
	stackTop    = 0xffff800000012000 // RSP0; two pages below are there
	istTop      = 0xffff800000022000 // IST1
	userStack   = 0x7fff0ff8
	userCode    = 0x400000
	kernelCode  = 0xffffffff81000000
	handlerCode = 0xffffffff81001000
	noncanon    = 0x0000800000000000
)

// Selectors of the GDT.
const (
	selKernelCS   = 0x10
	selKernelDS   = 0x18
	selUser32CS   = 0x23
	selUserDS     = 0x2b
	selUserCS     = 0x33
	selAbsentCS   = 0x38 // code, DPL 0, P = 0
	selConforming = 0x40 // 64-bit conforming code, DPL 0
	selReadOnly   = 0x48 // data that can't be written, DPL 0
	selBoth       = 0x50 // code with L and D
	selCS1        = 0x58 // 64-bit code, DPL 1
	selDS1        = 0x60
	selAbsentDS   = 0x68 // data, DPL 0, P = 0
	selKernel32   = 0x70 // 32-bit code, DPL 0
	selTSS        = 0x78 // 16 bytes
	selUser16CS   = 0x88
	selSmallCS    = 0x90 // 32-bit code, DPL 0, limit 0xfff
	selSmallDS    = 0x98 // 32-bit data, DPL 0, limit 0xfff
	selUnaccessed = 0xa0 // 64-bit code, DPL 0, accessed bit clear
	selUserAbsent = 0xa8 // data, DPL 3, P = 0
	selConform3   = 0xb0 // 64-bit conforming code, DPL 3
	gdtEnd        = 0xb8
)

// attributes of the descriptors, as bits 40 to 55 of the 8 bytes.
const (
	code64 = AttrP | AttrS | AttrCode | AttrReadable | AttrAccessed | AttrG | AttrL
	code32 = AttrP | AttrS | AttrCode | AttrReadable | AttrAccessed | AttrG | AttrDB
	data32 = AttrP | AttrS | AttrWritable | AttrAccessed | AttrG | AttrDB
	dpl1   = 1 << 13
	dpl3   = 3 << 13
)

var gdt = map[uint16]uint64{
	selKernelCS: code64, selKernelDS: data32,
	selUser32CS: code32 | dpl3, selUserDS: data32 | dpl3, selUserCS: code64 | dpl3,
	selAbsentCS: code64 &^ AttrP, selConforming: code64 | AttrConforming,
	selReadOnly: data32 &^ AttrWritable, selBoth: code64 | AttrDB,
	selCS1: code64 | dpl1, selDS1: data32 | dpl1, selAbsentDS: data32 &^ AttrP,
	selKernel32: code32, selUser16CS: (code32 | dpl3) &^ AttrDB,
	selSmallCS: code32 &^ AttrG, selSmallDS: data32 &^ AttrG,
	selUnaccessed: code64 &^ AttrAccessed, selUserAbsent: (data32 | dpl3) &^ AttrP,
	selConform3: code64 | AttrConforming | dpl3,
}

// world is a state with its memory.
type world struct {
	*State
	mem *flat
}

// newWorld is a CPU in 64-bit mode at CPL 0 with all tables in place: gates
// of every vector lead to handlerCode + vector*16, interrupt gates of DPL 0
// but for 3 and 0x80 (DPL 3) and 0x81 (a trap gate of DPL 3); #DF is on IST1.
func newWorld() *world {
	w := &world{&State{}, &flat{pages: map[uint64]*flatPage{}}}
	for _, a := range []uint64{gdtAt, idtAt, tssAt, ldtAt, stackTop - 0x2000, stackTop - 0x1000, istTop - 0x1000, kernelCode} {
		w.mem.add(a, false)
	}
	w.mem.add(userStack&^0xfff, true)
	w.mem.add(userCode, true)
	for selector, attr := range gdt {
		w.descriptor(selector, attr)
	}
	for v := range 256 {
		w.gate(v, func(g *gate) {})
	}
	w.gate(3, func(g *gate) { g.dpl = 3 })
	w.gate(0x80, func(g *gate) { g.dpl = 3 })
	w.gate(0x81, func(g *gate) { g.dpl, g.kind = 3, TypeTrapGate })
	w.gate(8, func(g *gate) { g.ist = 1 })
	w.mem.put(tssAt+4, 8, stackTop)
	w.mem.put(tssAt+12, 8, stackTop-0x1000)
	w.mem.put(tssAt+36, 8, istTop)

	*w.State = State{
		RIP: kernelCode, RFLAGS: FlagFixed | FlagIF,
		CR0:  CR0PE | CR0PG | CR0WP | CR0ET,
		CR4:  CR4PAE,
		EFER: EFERLMA | EFERLME | EFERSCE | EFERNXE,
		GDTR: Table{gdtAt, gdtEnd - 1},
		IDTR: Table{idtAt, 0xfff},
		TR:   Segment{Selector: selTSS, Base: tssAt, Limit: 103, Attr: AttrP | TypeTSSBusy<<8},
		DR:   [8]uint64{6: DR6Fixed, 7: DR7Fixed},
	}
	w.at(selKernelCS, selKernelDS)
	w.GPR[RSP] = stackTop - 0x80
	return w
}

// user puts the CPU at CPL 3 in 64-bit mode.
func (w *world) user() *world {
	w.at(selUserCS, selUserDS)
	w.RIP, w.GPR[RSP] = userCode, userStack
	return w
}

// at loads CS and SS.
func (w *world) at(cs, ss uint16) {
	w.Seg[CS], w.Seg[SS] = w.segment(cs), w.segment(ss)
}

// segment is what a selector loads, from the GDT.
func (w *world) segment(selector uint16) Segment {
	if nullSelector(selector) {
		return nullSegment(selector)
	}
	raw := w.mem.get(gdtAt + uint64(selector&^7))
	return Descriptor{Low: uint32(raw), High: uint32(raw >> 32)}.Segment(selector)
}

// descriptor writes a flat descriptor into the GDT.
func (w *world) descriptor(selector uint16, attr uint64) {
	limit := uint64(0xfffff)
	if attr&AttrG == 0 {
		limit = 0xfff
	}
	w.mem.put(gdtAt+uint64(selector&^7), 8, limit&0xffff|limit>>16<<48|attr<<32)
}

// gate is an IDT entry to be.
type gate struct {
	selector uint16
	offset   uint64
	ist      int
	kind     int
	dpl      int
	absent   bool
	system   uint64 // bits or-ed into the upper half
}

// gate writes the entry of a vector.
func (w *world) gate(vector int, edit func(*gate)) {
	g := gate{selector: selKernelCS, offset: handlerCode + uint64(vector)*16, kind: TypeInterruptGate}
	edit(&g)
	high := uint64(g.offset&0xffff0000) | uint64(g.kind)<<8 | uint64(g.dpl)<<13 | uint64(g.ist)
	if !g.absent {
		high |= AttrP
	}
	at := idtAt + uint64(vector)*16
	w.mem.put(at, 8, g.offset&0xffff|uint64(g.selector)<<16|high<<32)
	w.mem.put(at+8, 8, g.offset>>32|g.system<<32)
}

// clone is a deep copy of the state.
func (w *world) clone() State { return *w.State }

// requireState compares the state with one that the test expects.
func (w *world) requireState(t *testing.T, want State) {
	t.Helper()
	if diff := cmp.Diff(want, *w.State); diff != "" {
		t.Fatalf("state (-want +got):\n%s", diff)
	}
}

// requireFault compares an exception with one written as "#GP(10)" or
// "#PF(2)@ffff"; "" is none.
func requireFault(t *testing.T, want string, e *Exception) {
	t.Helper()
	require.Equal(t, want, faultText(e))
}

func faultText(e *Exception) string {
	if e == nil {
		return ""
	}
	text := e.Vector.String()
	if e.HasErrorCode {
		text += fmt.Sprintf("(%x)", e.ErrorCode)
	}
	if e.Vector == VectorPF {
		text += fmt.Sprintf("@%x", e.CR2)
	}
	return text
}

// chain writes an outcome as "#PF(2)@ffff #DF(0)", with "shutdown" at the
// end where it is one.
func chain(o Outcome) string {
	text := ""
	for i, ev := range o.List() {
		if i > 0 {
			text += " "
		}
		text += faultText(&ev.Exception)
	}
	if o.Shutdown {
		text += " shutdown"
	}
	return text
}
