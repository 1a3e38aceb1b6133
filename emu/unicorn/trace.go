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

// Trace starts writing down the address of every instruction in [begin, end]
// that is about to be executed, in C, into a ring of so many, a power of two;
// 0 ends it. There is one at a time.
func (c *CPU) Trace(begin, end uint64, size int) error {
	defer runtime.KeepAlive(c)
	if size < 0 || size&(size-1) != 0 {
		return fmt.Errorf("a trace of %d addresses: want a power of two", size)
	}
	room := 0
	if size > 0 {
		room = max(2*size, leastRing)
	}
	c.traceSize = size
	if C.engine_trace(c.e, C.uint64_t(begin), C.uint64_t(end), C.uint64_t(room)) != 0 {
		return fmt.Errorf("a trace of %d addresses: out of memory", size)
	}
	return nil
}

// leastRing has room for the longest block beside what was asked for.
const leastRing = 4096

// Tracing says whether a trace is on.
func (c *CPU) Tracing() bool {
	defer runtime.KeepAlive(c)
	return c.e.trace != nil
}

// Traced is how many addresses have been written down since the trace began
// or was last taken.
func (c *CPU) Traced() uint64 {
	defer runtime.KeepAlive(c)
	return uint64(c.e.trace_count)
}

// RestartTrace forgets what was written down.
func (c *CPU) RestartTrace() {
	c.e.trace_count = 0
	runtime.KeepAlive(c)
}

// TakeTrace returns what the ring holds, oldest first, and empties it.
func (c *CPU) TakeTrace() []uint64 {
	defer runtime.KeepAlive(c)
	n := uint64(c.e.trace_count)
	if n == 0 || c.e.trace == nil {
		return nil
	}
	room := uint64(c.e.trace_mask) + 1
	ring := unsafe.Slice((*uint64)(unsafe.Pointer(c.e.trace)), room)
	kept := min(n, uint64(c.traceSize))
	out := make([]uint64, 0, kept)
	for i := n - kept; i < n; i++ {
		out = append(out, ring[i%room])
	}
	c.e.trace_count = 0
	return out
}
