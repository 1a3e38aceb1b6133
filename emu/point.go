// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"errors"
	"fmt"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// Point is an instruction at which registers and memory are written down each
// time the CPU arrives there; the run goes on. It is what a probe would see,
// at a small part of its cost.
type Point struct {
	Address  uint64
	Captures []Capture // at most MaxCaptures
}

// Capture is memory to write down with a hit: Size bytes at Base plus Offset,
// read as [Machine.ReadMemory] does, without asking any right and without a
// trace in the page tables.
//
//	{Base: Register(x86.RDI), Size: 168}             // the struct that RDI points to
//	{Base: GSBase, Offset: currentTask, Size: 8}     // word 0 of a hit: current
//	{Base: Word(0), Offset: uklThread, Size: 4}      // current->ukl_thread
type Capture struct {
	Base   Base
	Offset int64
	Size   int // in bytes, at least 1
}

// Base is what a [Capture] counts from.
type Base uint16

// Bases beside [Register] and [Word]. The zero value is address 0, so that
// Offset is the address.
const (
	Absolute     Base = unicorn.BaseAbsolute
	FSBase       Base = unicorn.BaseFS       // of FS, hidden
	GSBase       Base = unicorn.BaseGS       // of GS, hidden
	KernelGSBase Base = unicorn.BaseKernelGS // IA32_KERNEL_GS_BASE
	baseRegister Base = unicorn.BaseRegister
	baseWord     Base = unicorn.BaseWord
)

// Register is a general register by its number, [x86.RAX] to 15.
func Register(n int) Base { return baseRegister + Base(n&15) }

// Word is word i of [Hit.Words]; an earlier capture of the same point must
// have read it. If that one is missing, so is what counts from it.
func Word(i int) Base { return baseWord + Base(i&0xfff) }

// Limits of a point.
const (
	MaxCaptures = unicorn.MaxCaptures
	MaxWords    = 512 // of all captures of a point: 4 KiB
)

// Words is how many words of [Hit.Words] the capture takes: those that hold
// its bytes, the first byte lowest, the last word filled up with zeros.
func (c Capture) Words() int { return (c.Size + 7) / 8 }

// Hit is an arrival at a point: the CPU as it was before the instruction.
type Hit struct {
	Point    int    // index in what SetPoints was given
	Sequence uint64 // place among everything that this machine has written down
	Count    uint64 // instructions retired before

	GPR                          [16]uint64
	RIP, RFLAGS                  uint64
	FSBase, GSBase, KernelGSBase uint64
	CR3                          uint64
	CS, SS                       uint16

	// Missing has a bit for each capture that could not be read in full:
	// something of it is not mapped, or is not RAM. Its words are zero.
	Missing uint32
	Words   []uint64 // of all captures, one after the other
}

// OK says whether a capture could be read.
func (h *Hit) OK(capture int) bool { return h.Missing>>capture&1 == 0 }

// CPL is the privilege level at the hit.
func (h *Hit) CPL() int { return int(h.CS & 3) }

// SetPoints takes the place of all points that there were; none ends it. More
// than one may be at an address, in the order given; probes may be there too.
//
// f gets the hits in batches, oldest first, in the goroutine that runs the
// machine: before an observer gets an [Event] that came later, before the
// function of a probe or watch that came later or is at the same instruction,
// and before Run, Step or Trace return. In between as many may pile up as
// there is room for. What the batch refers to is used again once f has
// returned. f may look at the machine, which stands somewhere behind the last
// hit of the batch (or at it), and must not run it or change it.
//
// A hit is an arrival at the instruction's boundary, as with [Machine.Probe]:
// once for each iteration of a repeated one; again if the instruction faulted
// and is come back to; at the first instruction of an event's handler; and at
// the first one of a run, unless it has been told of. An instruction that
// can't be fetched is not arrived at. The run is the same as without points.
//
// Points stay over a [Machine.Restore], which drops hits that have not been
// handed over. They are this machine's own: a snapshot does not have them.
func (m *Machine) SetPoints(points []Point, f func([]Hit)) error {
	if m.body == nil {
		return ErrClosed
	}
	for i, p := range points {
		if err := p.check(); err != nil {
			return fmt.Errorf("point %d at %#x: %w", i, p.Address, err)
		}
	}
	if f == nil && len(points) > 0 {
		return errors.New("points without a function that gets the hits")
	}
	if len(points) > 0 {
		m.give()
	}
	if err := m.cpu.SetPlaces(places(points)); err != nil {
		return err
	}
	m.points.f = f
	return nil
}

func (p *Point) check() error {
	if len(p.Captures) > MaxCaptures {
		return fmt.Errorf("%d captures: there can be %d", len(p.Captures), MaxCaptures)
	}
	words := 0
	for i, c := range p.Captures {
		switch {
		case c.Size < 1 || c.Size > 8*MaxWords:
			return fmt.Errorf("capture %d is of %d bytes: want 1 to %d", i, c.Size, 8*MaxWords)
		case c.Base >= baseWord && int(c.Base-baseWord) >= words:
			return fmt.Errorf("capture %d counts from word %d: the captures before it have %d words", i, c.Base-baseWord, words)
		case c.Base < baseWord && c.Base > KernelGSBase && (c.Base < baseRegister || c.Base > baseRegister+15):
			return fmt.Errorf("capture %d counts from base %#x, which is none", i, uint16(c.Base))
		}
		words += c.Words()
	}
	if words > MaxWords {
		return fmt.Errorf("its captures have %d words: there can be %d", words, MaxWords)
	}
	return nil
}
