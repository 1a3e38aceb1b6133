// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "calibrate.h"
#include "engine.h"
*/
import "C"

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"unsafe"
)

// A hook that wants many registers would spend most of its time asking for
// them through the interface, or copying all of a context. libunicorn's own
// copy lies in an object that uc_struct points to; where, is found like the
// rest: by values that were written.

// place is a word of uc_struct that points to something, and where behind that
// the general registers are.
type place struct{ pointer, registers int }

// liveCPU finds the CPU's state through uc_struct: as a pointer in there, and
// where a context's start would be behind it. Something else that is pointed to
// may lie in front of it by chance; so the place must hold in two engines, each
// engine looks once more (engine_begin), and does without where it does not.
func (c *calibrator) liveCPU(l *layout) (pointer, context int) {
	other, err := newCalibrator(false)
	if err != nil {
		return 0, 0
	}
	defer other.close()
	var all []int
	for at, size := 8, len(c.engine()); at+8 <= size; at += 8 {
		all = append(all, at)
	}
	first := c.registersBehind(all, values64)
	second := other.registersBehind(pointers(first), canonical)
	best := place{}
	for p := range c.registersBehind(pointers(second), canonical) {
		if first[p] && second[p] && (best.pointer == 0 || p.registers < best.registers) {
			best = p
		}
	}
	return best.pointer, best.registers - l.gpr
}

func pointers(found map[place]bool) (out []int) {
	for p := range found {
		out = append(out, p.pointer)
	}
	return out
}

const behindPointer = 1 << 16 // as much of what a pointer points to is looked at

// registersBehind writes the general registers and looks for them.
func (c *calibrator) registersBehind(pointers []int, values []uint64) map[place]bool {
	var want []byte
	C.scratch_reset(&c.s)
	for i, id := range gprIDs {
		v := values[i%len(values)] ^ uint64(i)<<20
		C.scratch_write(&c.s, id, C.uint64_t(v))
		want = binary.LittleEndian.AppendUint64(want, v)
	}
	found := map[place]bool{}
	buffer := make([]byte, behindPointer)
	for _, at := range pointers {
		n := C.scratch_behind(&c.s, C.size_t(at), (*C.uint8_t)(unsafe.Pointer(&buffer[0])), C.size_t(len(buffer)))
		if i := bytes.Index(buffer[:n], want); i >= 0 {
			found[place{at, i}] = true
		}
	}
	return found
}

// knowsItself says whether the engine has found its CPU's state.
func (c *CPU) knowsItself() bool {
	defer runtime.KeepAlive(c)
	return c.e.live != nil
}
