// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "engine.h"
#include <stdlib.h>
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// MaxRanges is how many ranges of one kind there can be at a time.
const MaxRanges = int(C.RANGES)

// Range is a stretch of linear addresses.
type Range struct{ Begin, Size uint64 }

// ProbeRange makes runs stop before every instruction of a range, until
// remove is called.
func (c *CPU) ProbeRange(r Range) (remove func(), err error) {
	defer runtime.KeepAlive(c)
	if r.Size == 0 {
		return nil, fmt.Errorf("a probe on an empty range at %#x", r.Begin)
	}
	if r.Begin+r.Size-1 < r.Begin {
		return nil, fmt.Errorf("a probe on %#x and %#x bytes more: that is beyond the end of the address space", r.Begin, r.Size)
	}
	if c.closed {
		return nil, fmt.Errorf("a probe on %#x: the machine has been closed", r.Begin)
	}
	if C.engine_probe_range(c.e, C.uint64_t(r.Begin), C.uint64_t(r.Size)) != 0 {
		return nil, fmt.Errorf("a probe on %#x to %#x: there are %d ranges already, as many as there can be", r.Begin, r.Begin+r.Size, MaxRanges)
	}
	done := false
	return func() {
		defer runtime.KeepAlive(c)
		if done || c.closed {
			return
		}
		done = true
		C.engine_remove_range(c.e, C.uint64_t(r.Begin), C.uint64_t(r.Size))
	}, nil
}

// CoverEdges counts the edges between blocks that begin in one of the ranges:
// a byte for each, in a map whose size is a power of two, saturating. With no
// ranges it ends. The map is the engine's until then.
func (c *CPU) CoverEdges(ranges []Range, size int) (edges []byte, err error) {
	defer runtime.KeepAlive(c)
	if size == 0 || size&(size-1) != 0 {
		return nil, fmt.Errorf("an edge map of %d bytes: want a power of two", size)
	}
	if len(ranges) > MaxRanges {
		return nil, fmt.Errorf("edge coverage of %d ranges: at most %d", len(ranges), MaxRanges)
	}
	C.free(unsafe.Pointer(c.e.edges))
	c.e.edges, c.e.edge_previous, c.e.edge_ranges = nil, 0, 0
	defer C.engine_observe(c.e)
	if len(ranges) == 0 {
		return nil, nil
	}
	if c.e.edges = (*C.uint8_t)(C.calloc(C.size_t(size), 1)); c.e.edges == nil {
		return nil, fmt.Errorf("an edge map of %d bytes: out of memory", size)
	}
	c.e.edge_mask = C.uint64_t(size - 1)
	for i, r := range ranges {
		c.e.edge_range[i] = C.struct_range{begin: C.uint64_t(r.Begin), size: C.uint64_t(r.Size)}
	}
	c.e.edge_ranges = C.uint32_t(len(ranges))
	return unsafe.Slice((*byte)(unsafe.Pointer(c.e.edges)), size), nil
}

// Fill is a TLB miss that the page tables answered.
type Fill struct {
	Linear, Physical uint64 // of the page and of its first byte
	Count            uint64 // instructions retired before the block
	Kind             Kind
}

const fillLog = 1 << 12

// LogFills starts or ends keeping the last 4,096 TLB misses.
func (c *CPU) LogFills(on bool) {
	defer runtime.KeepAlive(c)
	C.free(unsafe.Pointer(c.e.fill_log))
	c.e.fill_log, c.e.fill_log_count = nil, 0
	if on {
		c.e.fill_log = (*C.struct_fill_record)(C.calloc(fillLog, C.size_t(unsafe.Sizeof(C.struct_fill_record{}))))
		c.e.fill_log_mask = fillLog - 1
		if c.e.fill_log == nil {
			C.engine_fail(c.e, C.UC_ERR_NOMEM)
		}
	}
}

// TakeFills returns the misses since the last call, oldest first. If there
// were more than the log holds, the oldest are lost.
func (c *CPU) TakeFills() []Fill {
	defer runtime.KeepAlive(c)
	n := uint64(c.e.fill_log_count)
	if n == 0 {
		return nil
	}
	log := unsafe.Slice(c.e.fill_log, fillLog)
	var out []Fill
	for i := n - min(n, fillLog); i < n; i++ {
		f := &log[i%fillLog]
		out = append(out, Fill{uint64(f.linear), uint64(f.physical), uint64(f.count), Kind(f.kind)})
	}
	c.e.fill_log_count = 0
	return out
}
