// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "engine.h"
#include <stdlib.h>

#cgo noescape engine_arrive
#cgo nocallback engine_arrive
*/
import "C"

import (
	"errors"
	"runtime"
	"unsafe"
)

// Place is an address at which the CPU and some memory are written down each
// time it arrives there, without leaving the engine.
type Place struct {
	Address  uint64
	Captures []Capture // at most MaxCaptures
}

// Capture is memory to write down: Size bytes at a base plus an offset.
type Capture struct {
	Base   uint32 // one of those below
	Offset int64
	Size   int
}

// Bases of a [Capture]. Behind BaseRegister are the general registers, behind
// BaseWord the words of the captures before it.
const (
	BaseAbsolute = C.BASE_ABSOLUTE
	BaseFS       = C.BASE_FS
	BaseGS       = C.BASE_GS
	BaseKernelGS = C.BASE_KERNEL_GS
	BaseRegister = C.BASE_REGISTER
	BaseWord     = C.BASE_WORD
)

// MaxCaptures is how many captures a place can have.
const MaxCaptures = C.MAX_CAPTURES

// What is where in a hit, in words; the captures are behind.
const (
	HitPlace        = C.HIT_PLACE // in the upper half, how many words the captures have
	HitSequence     = C.HIT_SEQUENCE
	HitCount        = C.HIT_COUNT
	HitGPR          = C.HIT_GPR
	HitRIP          = C.HIT_RIP
	HitRFLAGS       = C.HIT_RFLAGS
	HitFSBase       = C.HIT_FS
	HitGSBase       = C.HIT_GS
	HitKernelGSBase = C.HIT_KERNEL_GS
	HitCR3          = C.HIT_CR3
	HitSegments     = C.HIT_SEGMENTS // CS, SS; in the upper half a bit for each capture that is missing
	HitWords        = C.HIT_WORDS
)

var errPlaces = errors.New("out of memory for the places to write down at")

// SetPlaces takes the place of those that there were. The captures must make
// sense: the engine does not look.
func (c *CPU) SetPlaces(places []Place) error {
	defer runtime.KeepAlive(c)
	if c.closed || (len(places) == 0 && c.e.place_count == 0) {
		return nil
	}
	list := make([]C.struct_place, len(places))
	var captures []C.struct_capture
	for i, p := range places {
		to := &list[i]
		to.address, to.first, to.captures = C.uint64_t(p.Address), C.uint32_t(len(captures)), C.uint32_t(len(p.Captures))
		for _, k := range p.Captures {
			captures = append(captures, C.struct_capture{offset: C.int64_t(k.Offset), base: C.uint32_t(k.Base), size: C.uint32_t(k.Size)})
			to.words += C.uint32_t((k.Size + 7) / 8)
		}
	}
	if C.engine_set_places(c.e, unsafe.SliceData(list), C.uint32_t(len(list)), unsafe.SliceData(captures), C.uint32_t(len(captures))) != 0 {
		return errPlaces
	}
	return nil
}

// Arrive writes the instruction at RIP down, if it is at a place and has not
// been. It returns false if there is no room before [CPU.TakeHits].
func (c *CPU) Arrive() bool {
	defer runtime.KeepAlive(c)
	return c.e.place_count == 0 || C.engine_arrive(c.e, C.uint64_t(c.get64(c.library.layout.rip))) != 0
}

// ForgetArrival makes the next arrival another one, though it be at the same
// instruction and nothing have retired since: an event was delivered there.
func (c *CPU) ForgetArrival() {
	c.e.hit_pc = C.NO_PAGE
	runtime.KeepAlive(c)
}

// TakeHits appends what has been written down to a slice of words, and empties
// the log.
func (c *CPU) TakeHits(to []uint64) []uint64 {
	defer runtime.KeepAlive(c)
	n := int(c.e.hits.used)
	if n == 0 {
		return to
	}
	c.e.hits.used = 0
	return append(to, unsafe.Slice((*uint64)(unsafe.Pointer(c.e.hits.words)), n)...)
}

// DropHits empties the log.
func (c *CPU) DropHits() {
	c.e.hits.used = 0
	runtime.KeepAlive(c)
}
