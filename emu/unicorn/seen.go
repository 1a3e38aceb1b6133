// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "engine.h"
*/
import "C"

import (
	"errors"
	"runtime"
	"unsafe"
)

// Zone is a stretch of addresses with a number below Zones; what is in none
// has number 0.
type Zone struct {
	Range
	Number uint8
}

// Zones is one more than the highest number of a [Zone].
const Zones = C.ZONES

// MaxSeenCaptures and MaxSeenWords bound [Every.Captures].
const (
	MaxSeenCaptures = C.EVERY_CAPTURES
	MaxSeenWords    = C.EVERY_WORDS
)

// Every is what the full tier looks at. Zones are in order, and apart.
type Every struct {
	Code, Stack, Data []Zone  // of RIP, RSP, and of accesses
	Fine              []Range // at most MaxRanges
	Flags             uint64  // of RFLAGS, those that are part of the state
	GSBase            uint64
	AsksGS            bool // whether GS base is GSBase is part of the state
	Captures          []Capture
	Reads, Writes     [Zones]uint64 // by zone of code, a bit for each zone of data
}

// What is where in what was seen. A state is laid out as a hit.
const (
	SeenState    = C.SEEN_STATE  // in the lower half of the first word
	SeenAccess   = C.SEEN_ACCESS // or this
	SeenSequence = C.SEEN_SEQUENCE
	SeenCount    = C.SEEN_COUNT
	SeenRIP      = C.SEEN_RIP
	SeenAddress  = C.SEEN_ADDRESS
	SeenValue    = C.SEEN_VALUE
	SeenWords    = C.SEEN_WORDS
	SeenWrite    = C.SEEN_WRITE // flags of an access
	SeenMachine  = C.SEEN_MACHINE
)

var errEvery = errors.New("out of memory for observing every instruction and access")

// See begins the full tier, in place of what there was; nil ends it.
func (c *CPU) See(v *Every) error {
	defer runtime.KeepAlive(c)
	if c.closed {
		return nil
	}
	if v == nil {
		C.engine_see_nothing(c.e)
		return nil
	}
	var to C.struct_every
	var zones []C.struct_zone
	for i, list := range [][]Zone{v.Code, v.Stack, v.Data} {
		[]*C.struct_zones{&to.code, &to.stack, &to.data}[i].count = C.uint32_t(len(list))
		for _, z := range list {
			zones = append(zones, C.struct_zone{begin: C.uint64_t(z.Begin), last: C.uint64_t(z.Begin + z.Size - 1), number: C.uint32_t(z.Number)})
		}
	}
	for i, r := range v.Fine {
		to.fine[i] = C.struct_range{begin: C.uint64_t(r.Begin), size: C.uint64_t(r.Size)}
	}
	for i, k := range v.Captures {
		to.capture[i] = C.struct_capture{offset: C.int64_t(k.Offset), base: C.uint32_t(k.Base), size: C.uint32_t(k.Size)}
		to.words += C.uint32_t((k.Size + 7) / 8)
	}
	to.fine_count, to.captures = C.uint32_t(len(v.Fine)), C.uint32_t(len(v.Captures))
	to.flags_mask, to.gs, to.asks_gs = C.uint64_t(v.Flags), C.uint64_t(v.GSBase), flag(v.AsksGS)
	accesses := C.int(0)
	for i := range v.Reads {
		to.reads[i], to.writes[i] = C.uint64_t(v.Reads[i]), C.uint64_t(v.Writes[i])
		if v.Reads[i]|v.Writes[i] != 0 {
			accesses = 1
		}
	}
	if C.engine_see(c.e, &to, unsafe.SliceData(zones), accesses) != 0 {
		return errEvery
	}
	return nil
}

// TakeSeen returns what has been seen, and empties the log. It is the engine's
// memory, good until the engine is asked for anything else.
func (c *CPU) TakeSeen() []uint64 {
	defer runtime.KeepAlive(c)
	n := int(c.e.seen.used)
	if n == 0 {
		return nil
	}
	c.e.seen.used, c.e.seen_mark, c.e.log_full = 0, 0, 0
	return unsafe.Slice((*uint64)(unsafe.Pointer(c.e.seen.words)), n)
}

// ForgetSeen empties the log, and has the state written down next time
// whatever it is.
func (c *CPU) ForgetSeen() {
	C.engine_forget_look(c.e)
	runtime.KeepAlive(c)
}

// SawStep tells of the accesses of the assisted step that was the last run.
func (c *CPU) SawStep() {
	C.engine_saw_step(c.e)
	runtime.KeepAlive(c)
}
