// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "engine.h"

#cgo noescape engine_walk
#cgo nocallback engine_walk
#cgo noescape engine_read_virtual
#cgo nocallback engine_read_virtual
#cgo noescape engine_write_virtual
#cgo nocallback engine_write_virtual
*/
import "C"

import (
	"runtime"
	"unsafe"

	"github.com/uklemu/uklemu/emu/x86"
)

// Translation is what the page tables say of an address.
type Translation struct {
	Physical   uint64
	PageSize   uint64 // in bytes: 4 KiB, 2 MiB, 4 MiB or 1 GiB
	User       bool   // U/S is set on every level
	Writable   bool
	Executable bool
	Global     bool
}

// Walk asks the page tables, as the state in the engine has them, without
// changing them. It returns nil and the answer, or the #PF, or the #GP of an
// address that is not canonical.
func (c *CPU) Walk(linear uint64, kind Kind, how x86.Access) (Translation, *x86.Exception) {
	defer runtime.KeepAlive(c)
	var t C.struct_translation
	C.engine_walk(c.e, C.uint64_t(linear), C.int(kind), boolean(how.User), boolean(how.Implicit), 0, &t)
	if t.fault != 0 {
		return Translation{}, fault(&t, linear)
	}
	return Translation{
		Physical:   uint64(t.physical),
		PageSize:   1 << t.page_shift,
		User:       t.user != 0,
		Writable:   t.writable != 0,
		Executable: t.executable != 0,
		Global:     t.global != 0,
	}, nil
}

func boolean(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

func fault(t *C.struct_translation, address uint64) *x86.Exception {
	if t.fault == 13 {
		return &x86.Exception{Vector: x86.VectorGP, HasErrorCode: true}
	}
	return &x86.Exception{Vector: x86.VectorPF, HasErrorCode: true, ErrorCode: uint32(t.error_code), CR2: address}
}

// ReadLinear copies from linear memory as an access of that kind would,
// setting accessed bits. Memory that is not RAM reads as ones.
func (c *CPU) ReadLinear(linear uint64, p []byte, how x86.Access) *x86.Exception {
	defer runtime.KeepAlive(c)
	for len(p) > 0 {
		n := min(len(p), PageSize)
		var bad C.struct_translation
		if C.engine_read_virtual(c.e, C.uint64_t(linear), unsafe.Pointer(&p[0]), C.uint32_t(n), boolean(how.User), boolean(how.Implicit), &bad) != 0 {
			return fault(&bad, uint64(bad.physical))
		}
		linear, p = linear+uint64(n), p[n:]
	}
	return nil
}

// WriteLinear copies to linear memory as an access of that kind would, setting
// accessed and dirty bits. Up to a page, all is written or nothing.
func (c *CPU) WriteLinear(linear uint64, p []byte, how x86.Access) *x86.Exception {
	defer runtime.KeepAlive(c)
	for len(p) > 0 {
		n := min(len(p), PageSize)
		var bad C.struct_translation
		if C.engine_write_virtual(c.e, C.uint64_t(linear), unsafe.Pointer(&p[0]), C.uint32_t(n), boolean(how.User), boolean(how.Implicit), &bad) != 0 {
			return fault(&bad, uint64(bad.physical))
		}
		linear, p = linear+uint64(n), p[n:]
	}
	return nil
}

// Record is an access that went through a refused page during an assisted step.
type Record struct {
	Physical uint64
	Linear   uint64
	Value    uint64
	Size     int // in bytes
	Kind     Kind
	Refused  bool // of a trial: paging does not allow it
}

// Records are those of the last run, in order.
func (c *CPU) Records() []Record {
	defer runtime.KeepAlive(c)
	var out []Record
	for i := range int(c.e.records) {
		r := c.e.record[i]
		out = append(out, Record{uint64(r.physical), uint64(r.linear), uint64(r.value), int(r.size), Kind(r.kind), false})
	}
	return out
}

// Answer sets what reads of memory that is not RAM give in the next assisted
// step, in order; beyond that they give ones.
func (c *CPU) Answer(values []uint64) {
	defer runtime.KeepAlive(c)
	n := min(len(values), len(c.e.forced_reads))
	for i := range n {
		c.e.forced_reads[i] = C.uint64_t(values[i])
	}
	c.e.forced_count = C.uint32_t(n)
}

// Trial executes one instruction as an assisted step that changes no memory and
// asks no right but that of fetching, and returns its accesses and why it ended;
// what it reads where it may not are ones. The state afterwards is good for nothing: the
// caller has to bring back the context, the state and the count of before.
func (c *CPU) Trial(p *Params) ([]Record, Exit) {
	defer runtime.KeepAlive(c)
	e := c.e
	if C.engine_map_scratch(e) != 0 {
		return nil, Exit{Reason: ExitError, ErrorCode: C.UC_ERR_NOMEM}
	}
	edges, observing, fills, logged, visited := e.edges, e.observing, e.fills, e.fill_log_count, e.visited_count
	traced, mark := e.trace_count, e.trace_mark
	e.edges, e.observing, e.trial = nil, 0, 1
	c.FlushTLB()
	exit := c.Run(p)
	c.FlushTLB()
	records := c.Records()
	for i := range records {
		if r := &records[i]; r.Physical >= C.TRIAL_REFUSED {
			r.Physical, r.Refused = 0, true
		}
	}
	e.edges, e.observing, e.trial = edges, observing, 0
	e.fills, e.fill_log_count, e.visited_count = fills, logged, visited
	e.trace_count, e.trace_mark = traced, mark
	return records, exit
}

// WatchPhysical refuses every data access to the page of RAM that holds the
// address, or lets them be again.
func (c *CPU) WatchPhysical(address uint64, on bool) {
	defer runtime.KeepAlive(c)
	page := address / PageSize
	if page >= uint64(len(c.ram.bytes))/PageSize {
		return
	}
	w := unsafe.Slice(c.e.watch, len(c.ram.bytes)/PageSize)
	v := C.uint8_t(flag(on))
	if w[page] == v {
		return
	}
	w[page] = v
	if on {
		c.e.watched_pages++
	} else {
		c.e.watched_pages--
	}
	c.FlushTLB()
}

// MaxVirtualWatches is how many pages can be watched by linear address.
const MaxVirtualWatches = 16

// WatchLinear sets the pages that are watched by linear address; of more than
// [MaxVirtualWatches] the rest is left out, and it returns how many are in.
func (c *CPU) WatchLinear(pages []uint64) int {
	defer runtime.KeepAlive(c)
	n := min(len(pages), MaxVirtualWatches)
	for i := range n {
		c.e.watch_virtual[i] = C.uint64_t(pages[i] &^ (PageSize - 1))
	}
	c.e.watch_virtual_count = C.uint32_t(n)
	c.FlushTLB()
	return n
}

// AddProbe makes runs stop at the address, before its instruction.
func (c *CPU) AddProbe(address uint64) {
	defer runtime.KeepAlive(c)
	if !c.closed && C.engine_add_probe(c.e, C.uint64_t(address)) != 0 {
		C.engine_fail(c.e, C.UC_ERR_NOMEM)
	}
}

// RemoveProbe takes it away.
func (c *CPU) RemoveProbe(address uint64) {
	C.engine_remove_probe(c.e, C.uint64_t(address))
	runtime.KeepAlive(c)
}
