// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"encoding/binary"
	"fmt"
)

// page is what the walk finds: pages side by side with the same entry but for
// the address, or one page.
type page struct {
	start, size     uint64
	physical        uint64
	page            uint64 // size of each
	rights          Rights
	accessed, dirty Summary
	repeated        bool
}

// mostTables bounds a walk: no page table is visited twice in a row, but tables
// that point to each other have no end. So many map 32 GiB in small pages.
const mostTables = 1 << 14

// mostProblems bounds what is said of malformed tables.
const mostProblems = 16

// walker visits all that is mapped, from the lowest address up.
type walker struct {
	Tables
	found    func(page)
	problems []string
	visited  int
	buffers  [5][pageSize]byte
}

func (w *walker) walk() {
	if w.Levels == 0 {
		w.problem("the CPU's paging is not that of 64-bit mode")
		return
	}
	w.table(w.CR3&addressMask, w.Levels, 0, Present|Writable|Executable|User)
}

func (w *walker) problem(format string, args ...any) {
	if len(w.problems) < mostProblems {
		w.problems = append(w.problems, fmt.Sprintf(format, args...))
	}
}

// table visits one table, for addresses from base on. rights are what the
// levels above leave.
func (w *walker) table(at uint64, level int, base uint64, rights Rights) {
	if w.visited++; w.visited == mostTables {
		w.problem("more than %d page tables: what lies from %#x on is left out", mostTables, w.canonical(base))
	}
	if w.visited >= mostTables {
		return
	}
	b := w.buffers[level-1][:]
	if err := w.Memory.ReadPhysical(at, b); err != nil {
		w.problem("the page table of level %d for %#x: %v", level, w.canonical(base), err)
		return
	}
	span := uint64(1) << shift(level)
	for i := uint64(0); i < entries; i++ {
		entry := binary.LittleEndian.Uint64(b[8*i:])
		if entry&entryPresent == 0 {
			continue
		}
		address := base + i*span
		if level > 1 && entry&entryPS == 0 {
			same := i + 1
			for same < entries && (binary.LittleEndian.Uint64(b[8*same:])^entry)&^entryAccessed == 0 {
				same++
			}
			w.below(entry, level, address, (same-i)*span, w.allowed(rights, entry))
			i = same - 1
			continue
		}
		if !leaf(entry, level) {
			w.problem("bit 7 is set in the entry of level %d for %#x, where it is reserved", level, w.canonical(address))
			continue
		}
		w.found(page{
			start: w.canonical(address), size: span, page: span,
			physical: entry & addressMask &^ (span - 1),
			rights:   w.allowed(rights, entry) | w.global(entry),
			accessed: all(entry & entryAccessed), dirty: all(entry & entryDirty),
		})
	}
}

// below visits the table that an entry points to. If so many entries side by
// side point to it that they cover size, what it maps is there again and
// again: espfix does so 65536 times. That makes one page of everything.
func (w *walker) below(entry uint64, level int, base, size uint64, rights Rights) {
	if size == 1<<shift(level) {
		w.table(entry&addressMask, level-1, base, rights)
		return
	}
	sum := page{start: w.canonical(base), size: size, repeated: true}
	found := w.found
	w.found = func(p page) {
		if sum.rights == 0 {
			sum.physical, sum.page, sum.accessed, sum.dirty = p.physical, p.page, p.accessed, p.dirty
		}
		sum.rights |= p.rights
		sum.page = min(sum.page, p.page)
		sum.accessed, sum.dirty = both(sum.accessed, p.accessed), both(sum.dirty, p.dirty)
	}
	w.table(entry&addressMask, level-1, base, rights)
	if w.found = found; sum.rights != 0 {
		w.found(sum)
	}
}

func all(bit uint64) Summary {
	if bit != 0 {
		return All
	}
	return None
}

func both(a, b Summary) Summary {
	if a == b {
		return a
	}
	return Some
}
