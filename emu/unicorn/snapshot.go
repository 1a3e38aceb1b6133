// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "engine.h"
#include <stdlib.h>
#include <string.h>

#cgo noescape engine_restore
#cgo nocallback engine_restore
*/
import "C"

import (
	"fmt"
	"runtime"
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

// Each calls f for every page in ascending order of dirtying.
func (p *Pages) Each(f func(number uint32, bytes []byte)) {
	for i, n := range p.numbers {
		f(n, p.page(i))
	}
}

func (p *Pages) page(i int) []byte { return p.bytes[i*PageSize : (i+1)*PageSize] }

// Dirty copies the pages that were written since the last Clean or Restore.
func (c *CPU) Dirty() (*Pages, error) {
	n := int(c.e.dirty_count)
	p := &Pages{numbers: make([]uint32, n)}
	if n == 0 {
		return p, nil
	}
	var err error
	if p.bytes, err = syscall.Mmap(-1, 0, n*PageSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON); err != nil {
		return nil, fmt.Errorf("%d pages for a snapshot: %w", n, err)
	}
	p.cleanup = runtime.AddCleanup(p, func(b []byte) { _ = syscall.Munmap(b) }, p.bytes)
	for i, number := range unsafe.Slice((*uint32)(unsafe.Pointer(c.e.dirty_list)), n) {
		p.numbers[i] = number
		copy(p.page(i), c.ram.bytes[int(number)*PageSize:])
	}
	return p, nil
}

// DirtyCount is how many pages were written since the last Clean or Restore.
func (c *CPU) DirtyCount() int { return int(c.e.dirty_count) }

// Clean takes what there is now for what to compare with.
func (c *CPU) Clean() { C.engine_clean(c.e) }

// Table says, for every page of RAM, what it held at some moment.
type Table struct {
	at      []*byte // outside of Go's heap: pages of Pages, or the page table itself
	pages   []*Pages
	cleanup runtime.Cleanup
}

// NewTable makes one for RAM of so many bytes, from layers of pages, oldest
// first; what no layer has is zero.
func NewTable(ram uint64, layers []*Pages) *Table {
	n := int(ram / PageSize)
	at := (**byte)(C.calloc(C.size_t(n), C.size_t(unsafe.Sizeof((*byte)(nil)))))
	t := &Table{at: unsafe.Slice(at, n), pages: layers}
	t.cleanup = runtime.AddCleanup(t, func(p unsafe.Pointer) { C.free(p) }, unsafe.Pointer(at))
	for _, layer := range layers {
		for i, number := range layer.numbers {
			t.at[number] = &layer.bytes[i*PageSize]
		}
	}
	return t
}

// Restore gives every dirty page what the table has for it, and those of the
// layers in between, which were not dirty but differ.
func (c *CPU) Restore(t *Table, between []*Pages) {
	for _, layer := range between {
		for _, number := range layer.numbers {
			C.engine_mark_dirty(c.e, C.uint64_t(number))
		}
	}
	C.engine_restore(c.e, (**C.uint8_t)(unsafe.Pointer(&t.at[0])))
}

// Context copies the engine's whole CPU state, its private parts included. It
// is good for engines of the same library in the same process.
func (c *CPU) Context() []byte {
	return append([]byte(nil), c.state[c.library.layout.gpr:]...)
}

// SetContext takes a copy back. Store must follow.
func (c *CPU) SetContext(b []byte) { copy(c.state[c.library.layout.gpr:], b) }
