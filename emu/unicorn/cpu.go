// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "engine.h"
#include <stdlib.h>

#cgo noescape engine_run
#cgo nocallback engine_run
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/uklemu/uklemu/emu/x86"
)

// NoLimit is a limit that is never reached.
const NoLimit = math.MaxUint64

// PageSize is the granularity of RAM, dirty tracking and watches, in bytes.
const PageSize = 4096

// CPU is one engine with its RAM. It belongs to one goroutine at a time;
// only [CPU.Interrupt] may be called from another.
//
// The engine goes when the CPU can no longer be reached, which Go may find as
// soon as a method has read c.e for the last time: each keeps its CPU alive
// until C has come back.
type CPU struct {
	e         *C.struct_engine
	library   *Library
	ram       *RAM
	state     []byte // the context's bytes, in C's memory
	cleanup   runtime.Cleanup
	attention *int32 // in C's memory, as long as the CPU can be reached
	closed    bool
	traceSize int    // of the trace that is on, in addresses
	restored  *Table // what Restore last went back to
	before    uint64 // how many blocks had been entered then
}

// New makes an engine whose physical memory starts with ram.
func New(ram *RAM) (*CPU, error) {
	library, err := Open()
	if err != nil {
		return nil, err
	}
	var why [256]C.char
	e := C.engine_new(C.uint64_t(len(ram.bytes)), (*C.uint8_t)(unsafe.Pointer(&ram.bytes[0])), &why[0], C.size_t(len(why)))
	if e == nil {
		return nil, fmt.Errorf("libunicorn %s (%s): %s", library.Version, library.Path, C.GoString(&why[0]))
	}
	l := library.layout
	e.offset_hflags = C.uint32_t(l.hflags)
	e.offset_invalid_address = C.uint32_t(l.invalidAddress)
	e.offset_pkru = C.uint32_t(l.pkru)
	e.offset_ss_base = C.uint32_t(l.segment + x86.SS*l.stride + l.base)
	e.offset_old_exception = C.uint32_t(l.oldException)
	e.offset_gpr, e.offset_rip, e.offset_kernel_gs_base = C.uint32_t(l.gpr), C.uint32_t(l.rip), C.uint32_t(l.kernelGSBase)
	e.offset_eflags, e.offset_df, e.offset_cc_src = C.uint32_t(l.eflags), C.uint32_t(l.df), C.uint32_t(l.ccSrc)
	e.offset_selector = [2]C.uint32_t{C.uint32_t(l.segment + x86.CS*l.stride + l.selector), C.uint32_t(l.segment + x86.SS*l.stride + l.selector)}
	e.offset_base = [2]C.uint32_t{C.uint32_t(l.segment + x86.FS*l.stride + l.base), C.uint32_t(l.segment + x86.GS*l.stride + l.base)}
	e.offset_cs_base = C.uint32_t(l.segment + x86.CS*l.stride + l.base)
	if l.live >= 0 {
		e.offset_cpu, e.offset_live = C.uint32_t(l.cpu), C.uint32_t(l.live)
	}
	e.offset_hook_begin, e.offset_hook_end = C.uint32_t(l.hookBegin), C.uint32_t(l.hookEnd)
	c := &CPU{e: e, library: library, ram: ram, state: unsafe.Slice((*byte)(e.state), l.size)}
	C.engine_save(e)
	c.cleanup = runtime.AddCleanup(c, func(e *C.struct_engine) { C.engine_free(e) }, e)
	// Interrupt may come from another goroutine while Close runs: its word goes last.
	if c.attention = (*int32)(C.calloc(1, 4)); c.attention == nil {
		c.Close()
		return nil, errors.New("out of memory for an engine")
	}
	e.attention = (*C.int32_t)(unsafe.Pointer(c.attention))
	runtime.AddCleanup(c, func(p unsafe.Pointer) { C.free(p) }, unsafe.Pointer(c.attention))
	C.engine_begin(e)
	return c, nil
}

// Close gives the engine back; the RAM stays its owner's.
func (c *CPU) Close() {
	if c.closed {
		return
	}
	c.closed = true
	c.cleanup.Stop()
	C.engine_free(c.e)
	// What is still asked finds an engine without memory that never runs.
	c.e, c.state = new(C.struct_engine), make([]byte, len(c.state))
}

// RAM is the guest's memory; writing into it directly is for [CPU.Wrote] to know.
func (c *CPU) RAM() []byte { return c.ram.bytes }

// Library is the libunicorn in use.
func (c *CPU) Library() *Library { return c.library }

// Params are what a run is told beyond the CPU's state.
type Params struct {
	Limit        uint64 // stop when Count is there; NoLimit for never
	TSCOffset    uint64 // RDTSC gives Count plus this
	TSCAux       uint64 // what RDTSCP gives in ECX
	Window       bool   // stop at the first boundary that takes interrupts
	Step         bool   // one instruction
	Resume       bool   // the probe at the first instruction has been reported
	Assist       bool   // one instruction, whatever pages are watched; all its accesses are recorded
	RAMOnly      bool   // with Assist: memory that is not RAM is refused all the same
	PhysicalBits int    // MAXPHYADDR
	GigabytePage bool   // 1 GiB pages exist
	Denied       Needs  // instructions that do not exist
}

// Run enters the engine and returns why it left. Exit's memory is reused by
// the next run.
func (c *CPU) Run(p *Params) Exit {
	defer runtime.KeepAlive(c)
	e := c.e
	if c.closed {
		return Exit{Reason: ExitError}
	}
	e.limit = C.uint64_t(p.Limit)
	e.tsc_offset = C.uint64_t(p.TSCOffset)
	e.tsc_aux = C.uint64_t(p.TSCAux)
	e.want_window = flag(p.Window)
	e.want_step = flag(p.Step)
	e.resume = flag(p.Resume)
	e.assist = flag(p.Assist)
	e.ram_only = flag(p.RAMOnly)
	c.Configure(p)
	if e.failed == 0 {
		C.engine_run(e)
	}
	if e.failed != 0 {
		return Exit{Reason: ExitError, ErrorCode: uint32(e.failed)}
	}
	return c.exit()
}

// Configure tells the engine those of the parameters that say what CPU it is.
// Every run does; before the first one, page walks need it.
func (c *CPU) Configure(p *Params) {
	defer runtime.KeepAlive(c)
	c.e.physical_mask = 1<<p.PhysicalBits - 1
	c.e.gigabyte_pages = flag(p.GigabytePage)
	c.e.denied = C.uint64_t(p.Denied)
}

func flag(b bool) C.uint32_t {
	if b {
		return 1
	}
	return 0
}

// Interrupt makes the run that is under way, or the next one, return with
// [ExitStop]. It may be called from any goroutine.
func (c *CPU) Interrupt() { c.setAttention(1) }

// ClearInterrupt takes an Interrupt back that no run has answered.
func (c *CPU) ClearInterrupt() { c.setAttention(0) }

// Interrupted says whether an Interrupt is still to be answered.
func (c *CPU) Interrupted() bool {
	defer runtime.KeepAlive(c)
	return atomic.LoadInt32(c.attention) != 0
}

func (c *CPU) setAttention(v int32) {
	atomic.StoreInt32(c.attention, v)
	runtime.KeepAlive(c)
}

// Count is how many instructions have been retired.
func (c *CPU) Count() uint64 {
	n := uint64(c.e.count)
	runtime.KeepAlive(c)
	return n
}

// SetCount sets it, after the machine has carried out an instruction itself
// or gone back to a snapshot.
func (c *CPU) SetCount(n uint64) {
	c.e.count = C.uint64_t(n)
	runtime.KeepAlive(c)
}

// Fills is how many TLB misses there have been.
func (c *CPU) Fills() uint64 {
	defer runtime.KeepAlive(c)
	return uint64(c.e.fills)
}

// Block is a stretch of code that was entered at its first byte.
type Block struct {
	PC   uint64
	Size int // in bytes
}

// Visited returns the last blocks that were entered since the last Restore,
// oldest first.
func (c *CPU) Visited() []Block {
	defer runtime.KeepAlive(c)
	n := uint64(c.e.visited_count)
	first := c.before
	if n > C.VISITED {
		first = max(first, n-C.VISITED)
	}
	var out []Block
	for i := first; i < n; i++ {
		v := c.e.visited[i%C.VISITED]
		out = append(out, Block{uint64(v.pc), int(v.size)})
	}
	return out
}

// FlushTLB drops every translation, before the next instruction.
func (c *CPU) FlushTLB() {
	c.e.flush = 1
	runtime.KeepAlive(c)
}

// Wrote tells the engine that RAM was written from outside: pages become
// dirty, and code translated from there is dropped.
func (c *CPU) Wrote(physical, size uint64) {
	defer runtime.KeepAlive(c)
	if size == 0 || physical >= uint64(len(c.ram.bytes)) {
		return
	}
	for page := physical / PageSize; page <= (physical+size-1)/PageSize && page < uint64(len(c.ram.bytes))/PageSize; page++ {
		C.engine_mark_dirty(c.e, C.uint64_t(page))
	}
	C.engine_forget_code(c.e, C.uint64_t(physical), C.uint64_t(size))
}
