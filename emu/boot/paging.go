// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"encoding/binary"
	"fmt"
)

// Bits of a page-table entry (SDM vol. 3A 4.5, tables 4-15 to 4-20).
const (
	entryPresent = 1 << 0
	entryWrite   = 1 << 1
	entryLarge   = 1 << 7
	entrySegment = 1 << 9 // ignored by the CPU: mapped by mapPages, not by identity
	entryAddress = 0x000ffffffffff000
)

const (
	largePage = 1 << 21
	giantPage = 1 << 30
)

// pageTables are 4-level tables while they are being built. Until they have a
// place in memory, tables refer to each other by their index.
type pageTables []pageTable

type pageTable struct {
	level   int // 4 for the PML4, 1 for a page table
	entries [512]uint64
}

// identityTables map the first 4 GiB one to one with 2 MiB pages.
func identityTables() pageTables {
	const directories = fourGiB / giantPage
	t := make(pageTables, 2+directories)
	t[0].level, t[1].level = 4, 3
	t[0].entries[0] = link(1)
	for g := range directories {
		t[1].entries[g] = link(2 + g)
		directory := &t[2+g]
		directory.level = 2
		for i := range directory.entries {
			directory.entries[i] = uint64(g)*giantPage + uint64(i)*largePage | entryLarge | entryWrite | entryPresent
		}
	}
	return t
}

// link is an entry that points at a table.
func link(table int) uint64 { return uint64(table)*page | entryWrite | entryPresent }

// next follows an entry to its table, which it makes if there is none. A
// 2 MiB page on the way is split into 4 KiB pages with the same frames.
func (t *pageTables) next(table, slot int) int {
	entry := (*t)[table].entries[slot]
	if entry&entryPresent != 0 && entry&entryLarge == 0 {
		return int(entry & entryAddress / page)
	}
	made := pageTable{level: (*t)[table].level - 1}
	if entry&entryLarge != 0 {
		for i := range made.entries {
			made.entries[i] = entry&^entryLarge + uint64(i)*page
		}
	}
	*t = append(*t, made)
	(*t)[table].entries[slot] = link(len(*t) - 1)
	return len(*t) - 1
}

// mapPages maps the pages that [virtual, virtual+size) touches onto the
// frames from physical on; both have the same offset in their page. A page
// that an earlier call mapped may be mapped again only onto the same frame.
func (t *pageTables) mapPages(virtual, physical, size uint64) error {
	frame := physical &^ (page - 1)
	last := (virtual + size - 1) &^ (page - 1)
	for v := virtual &^ (page - 1); ; v, frame = v+page, frame+page {
		table := 0
		for shift := 39; shift > 12; shift -= 9 {
			table = t.next(table, int(v>>shift&511))
		}
		entry := &(*t)[table].entries[v>>12&511]
		if *entry&entrySegment != 0 && *entry&entryAddress != frame {
			return &Error{Err: ErrOverlap, Where: fmt.Sprintf("the page at virtual %#x", v),
				Found: fmt.Sprintf("wanted at physical %#x by one segment and at %#x by another", *entry&entryAddress, frame)}
		}
		*entry = frame | entrySegment | entryWrite | entryPresent
		if v == last {
			return nil
		}
	}
}

// putTables places the tables and returns the address of the PML4.
func (l *loader) putTables(t pageTables) (uint64, error) {
	base, err := l.low(uint64(len(t))*page, page, "the page tables")
	if err != nil {
		return 0, err
	}
	var bytes [page]byte
	for n := range t {
		for i, entry := range t[n].entries {
			if t[n].level > 1 && entry&entryPresent != 0 && entry&entryLarge == 0 {
				entry += base
			}
			binary.LittleEndian.PutUint64(bytes[i*8:], entry)
		}
		if err := l.write(bytes[:], base+uint64(n)*page); err != nil {
			return 0, err
		}
	}
	return base, nil
}
