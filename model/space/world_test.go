// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// world is a machine made of a few pages.
type world struct {
	pages map[uint64]*[pageSize]byte // by physical page number
	state x86.State
	free  uint64 // the last page that was taken
}

// newWorld is one in 64-bit mode with empty page tables of 4 or 5 levels.
func newWorld(levels int) *world {
	w := &world{pages: map[uint64]*[pageSize]byte{}, free: 0x10}
	w.state.CR0 = x86.CR0PE | x86.CR0PG | x86.CR0WP
	w.state.CR4 = x86.CR4PAE | x86.CR4PGE
	w.state.EFER = x86.EFERLME | x86.EFERLMA | x86.EFERNXE
	if levels == 5 {
		w.state.CR4 |= x86.CR4LA57
	}
	w.state.CR3 = w.table()
	return w
}

func (w *world) State() x86.State { return w.state }

func (w *world) ReadPhysical(at uint64, b []byte) error {
	for len(b) > 0 {
		p, ok := w.pages[at/pageSize]
		if !ok {
			return fmt.Errorf("physical %#x is not RAM", at)
		}
		n := copy(b, p[at%pageSize:])
		at, b = at+uint64(n), b[n:]
	}
	return nil
}

func (w *world) page(number uint64) *[pageSize]byte {
	if w.pages[number] == nil {
		w.pages[number] = new([pageSize]byte)
	}
	return w.pages[number]
}

// table takes a page.
func (w *world) table() uint64 {
	w.free++
	w.page(w.free)
	return w.free * pageSize
}

func (w *world) entry(at uint64) uint64 {
	return binary.LittleEndian.Uint64(w.page(at / pageSize)[at%pageSize:])
}

func (w *world) setEntry(at, value uint64) {
	binary.LittleEndian.PutUint64(w.page(at / pageSize)[at%pageSize:], value)
}

// way is where the entry of an address is at a level, with the tables on the
// way to it, which allow everything.
func (w *world) way(address uint64, level int) uint64 {
	table := w.state.CR3
	for l := TablesOf(w, &w.state).Levels; ; l-- {
		at := table + address>>shift(l)%entries*8
		if l == level {
			return at
		}
		if w.entry(at) == 0 {
			w.setEntry(at, w.table()|entryPresent|entryWrite|entryUser|entryAccessed)
		}
		table = w.entry(at) & addressMask
	}
}

const rw, ro = entryPresent | entryWrite, entryPresent

// put maps n pages of 4 KiB.
func (w *world) put(address, physical, n, bits uint64) {
	for i := range n {
		w.setEntry(w.way(address+i*pageSize, 1), physical+i*pageSize|bits)
	}
}

// ram maps pages at the same place in memory that exists, and w.write goes
// there.
func (w *world) ram(address, n, bits uint64) {
	for i := range n {
		physical := w.table()
		w.setEntry(w.way(address+i*pageSize, 1), physical|bits)
	}
}

// write stores words at linear addresses.
func (w *world) write(address uint64, words ...uint64) {
	for i, v := range words {
		m, ok := TablesOf(w, &w.state).Translate(address + 8*uint64(i))
		if !ok {
			panic(fmt.Sprintf("%#x is not mapped", address))
		}
		w.setEntry(m.Physical, v)
	}
}

// text stores a string.
func (w *world) text(address uint64, s string) {
	m, _ := TablesOf(w, &w.state).Translate(address)
	copy(w.page(m.Physical / pageSize)[m.Physical%pageSize:], s+"\x00")
}

// handImage is an image by hand.
type handImage struct {
	symbols  map[string]symbols.Symbol
	sections []symbols.Section
	fields   map[string]int64 // "structure.field"
	enums    map[string]int64
	perCPU   map[string]uint64
	app      *image.App
}

var _ Source = handImage{}

func (k handImage) Symbol(name string) (symbols.Symbol, bool) {
	s, ok := k.symbols[name]
	return s, ok
}

func (k handImage) Name(address uint64) string {
	for name, s := range k.symbols {
		if address-s.Address < s.Size {
			return fmt.Sprintf("%s+%#x", name, address-s.Address)
		}
	}
	return ""
}

func (k handImage) Sections() []symbols.Section { return k.sections }

func (k handImage) Offset(structure, field string) (int64, bool) {
	v, ok := k.fields[structure+"."+field]
	return v, ok
}

func (k handImage) PerCPUAddress(name string, _ uint64) (uint64, bool) {
	v, ok := k.perCPU[name]
	return v, ok // no SMP
}

func (k handImage) EnumValue(name string) (int64, bool) {
	v, ok := k.enums[name]
	return v, ok
}

func (k handImage) Size(string) (int64, bool) { return 0, false }

func (k handImage) Application() *image.App { return k.app }

// read reads the layout of a world whose kernel nothing is known of.
func (w *world) read() *Layout { return ReaderOf(handImage{}).Read(w) }
