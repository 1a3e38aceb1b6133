// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "engine.h"
#include <string.h>

#cgo noescape engine_restore
#cgo nocallback engine_restore
*/
import "C"

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"unsafe"
)

// Pages is a set of pages outside of Go's heap, which never changes.
type Pages struct {
	numbers []uint32
	bytes   []byte // of the pages, in the order of numbers
	cleanup runtime.Cleanup
}

// Len is how many there are.
func (p *Pages) Len() int { return len(p.numbers) }

func (p *Pages) page(i int) []byte { return p.bytes[i*PageSize:][:PageSize:PageSize] }

// newPages has room for n.
func newPages(n int) (*Pages, error) {
	p := &Pages{numbers: make([]uint32, 0, n)}
	if n == 0 {
		return p, nil
	}
	var err error
	if p.bytes, err = syscall.Mmap(-1, 0, n*PageSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON); err != nil {
		return nil, fmt.Errorf("%d pages for a snapshot: %w", n, err)
	}
	p.cleanup = runtime.AddCleanup(p, func(b []byte) { _ = syscall.Munmap(b) }, p.bytes)
	return p, nil
}

// Dirty copies the pages that were written since the last Clean or Restore.
func (c *CPU) Dirty() (*Pages, error) {
	defer runtime.KeepAlive(c)
	numbers := slices.Clone(unsafe.Slice((*uint32)(unsafe.Pointer(c.e.dirty_list)), int(c.e.dirty_count)))
	if c.e.kept != 0 {
		numbers = slices.DeleteFunc(numbers, func(number uint32) bool { return c.restored.holds(number, c.page(number)) })
	}
	p, err := newPages(len(numbers))
	if err != nil {
		return nil, err
	}
	p.numbers = numbers
	for i, number := range p.numbers {
		copy(p.page(i), c.page(number))
	}
	return p, nil
}

func (c *CPU) page(number uint32) []byte {
	return c.ram.bytes[int(number)*PageSize : (int(number)+1)*PageSize]
}

// DirtyCount is how many pages the next Restore will copy: those that were
// written since the last Clean or Restore, and some that were before.
func (c *CPU) DirtyCount() int {
	defer runtime.KeepAlive(c)
	return int(c.e.dirty_count)
}

// Clean takes what there is now for what to compare with.
func (c *CPU) Clean() {
	defer runtime.KeepAlive(c)
	C.engine_clean(c.e)
	c.restored = nil
}

// Table says, for every page of RAM, what it held at some moment.
type Table struct {
	at    []*byte // into pages, outside of Go's heap
	pages []*Pages
}

// NewTable makes one for RAM of so many bytes, from layers of pages, oldest
// first; what no layer has is zero.
func NewTable(ram uint64, layers []*Pages) *Table {
	n := int(ram / PageSize)
	at := make([]uintptr, n) // the addresses are nothing of the garbage collector's
	t := &Table{at: unsafe.Slice((**byte)(unsafe.Pointer(&at[0])), n), pages: layers}
	for _, layer := range layers {
		for i, number := range layer.numbers {
			t.at[number] = &layer.bytes[i*PageSize]
		}
	}
	return t
}

// holds says whether a page held these bytes.
func (t *Table) holds(number uint32, page []byte) bool {
	if t.at[number] == nil {
		return bytes.Equal(page, zeroPage[:])
	}
	return bytes.Equal(page, unsafe.Slice(t.at[number], PageSize))
}

var zeroPage [PageSize]byte

// Restore gives every dirty page what the table has for it, and those of the
// layers in between, which were not dirty but differ.
func (c *CPU) Restore(t *Table, between []*Pages) {
	defer runtime.KeepAlive(c)
	if c.closed {
		return
	}
	for _, layer := range between {
		for _, number := range layer.numbers {
			C.engine_mark_dirty(c.e, C.uint64_t(number))
		}
	}
	at := unsafe.Pointer(unsafe.SliceData(t.at)) // not &t.at[0], of which cgo would look at every element
	C.engine_restore(c.e, (**C.uint8_t)(at))
	c.restored, c.before = t, uint64(c.e.visited_count)
	c.e.edge_previous = 0 // the next block is the start of a path
	runtime.KeepAlive(between)
}

// Context copies the engine's whole CPU state, its private parts included. It
// is good for engines of the same library in the same process.
func (c *CPU) Context() []byte {
	defer runtime.KeepAlive(c)
	return append([]byte(nil), c.state[c.library.layout.gpr:]...)
}

// SetContext takes a copy back. Store must follow; it would not see that the
// control registers are others now than those that the TLB was filled under.
func (c *CPU) SetContext(b []byte) {
	defer runtime.KeepAlive(c)
	before := c.translating()
	copy(c.state[c.library.layout.gpr:], b)
	if c.translating() != before {
		c.e.flush = 1
	}
}

// Each calls f for every page that a layer has, in ascending order.
func (t *Table) Each(f func(number uint32, page []byte) error) error {
	defer runtime.KeepAlive(t) // its memory is not Go's
	for number, p := range t.at {
		if p == nil {
			continue
		}
		if err := f(uint32(number), unsafe.Slice(p, PageSize)); err != nil {
			return err
		}
	}
	return nil
}

// PageBuilder collects pages one by one.
type PageBuilder struct{ pages *Pages }

// NewPages starts a set of up to n pages, whose memory is taken from the system
// as they come.
func NewPages(n int) (*PageBuilder, error) {
	p, err := newPages(n)
	return &PageBuilder{p}, err
}

// Add makes room for one more page, and returns it to be filled. It returns
// nil if there are n already.
func (b *PageBuilder) Add(number uint32) []byte {
	n := len(b.pages.numbers)
	if n == cap(b.pages.numbers) {
		return nil
	}
	b.pages.numbers = append(b.pages.numbers, number)
	return b.pages.page(n)
}

// Pages is the set.
func (b *PageBuilder) Pages() *Pages { return b.pages }
