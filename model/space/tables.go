// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// Physical is memory without translation.
type Physical interface {
	ReadPhysical(at uint64, b []byte) error
}

// Bits of an entry (SDM vol. 3A, tables 5-15 to 5-20).
const (
	entryPresent  = 1 << 0
	entryWrite    = 1 << 1
	entryUser     = 1 << 2
	entryAccessed = 1 << 5
	entryDirty    = 1 << 6
	entryPS       = 1 << 7 // of a PDE or PDPTE: it maps a page
	entryGlobal   = 1 << 8
	entryNX       = 1 << 63

	addressMask = 0x000f_ffff_ffff_f000
	pageSize    = 4096
	entries     = 512
)

// Tables are the page tables that a CR3 names. Reading through them leaves no
// trace: no accessed bit is set.
type Tables struct {
	Memory Physical
	CR3    uint64
	Levels int  // 4 or 5; 0 is no paging that this package knows
	NX     bool // EFER.NXE: bit 63 counts
	Global bool // CR4.PGE: the G bit counts
}

// TablesOf are those that a CPU in this state uses.
func TablesOf(memory Physical, s *x86.State) Tables {
	t := Tables{Memory: memory, CR3: s.CR3, NX: s.EFER&x86.EFERNXE != 0, Global: s.CR4&x86.CR4PGE != 0}
	switch {
	case !s.LongMode() || s.CR0&x86.CR0PG == 0:
	case s.CR4&x86.CR4LA57 != 0:
		t.Levels = 5
	default:
		t.Levels = 4
	}
	return t
}

// halfSize is how much is in each half.
func (t Tables) halfSize() uint64 { return 1 << (shift(t.Levels+1) - 1) }

// Canonical says whether an address is one (SDM vol. 1, 3.3.7.1).
func (t Tables) Canonical(address uint64) bool {
	return address < t.halfSize() || -address <= t.halfSize()
}

// shift is the number of address bits below the index of a level; 1 is the
// page table.
func shift(level int) int { return 12 + 9*(level-1) }

// Mapping is what the tables say of one address.
type Mapping struct {
	Physical uint64 // of the address itself
	Rights   Rights
	Page     uint64 // size of the page
}

// Translate finds the physical address of a linear one.
func (t Tables) Translate(address uint64) (Mapping, bool) {
	if t.Levels == 0 || !t.Canonical(address) {
		return Mapping{}, false
	}
	m := Mapping{Rights: Present | Writable | Executable | User}
	table := t.CR3 & addressMask
	for level := t.Levels; level >= 1; level-- {
		var b [8]byte
		index := address >> shift(level) % entries
		if err := t.Memory.ReadPhysical(table+index*8, b[:]); err != nil {
			return Mapping{}, false
		}
		entry := binary.LittleEndian.Uint64(b[:])
		if entry&entryPresent == 0 {
			return Mapping{}, false
		}
		m.Rights = t.allowed(m.Rights, entry)
		if leaf(entry, level) {
			m.Page = 1 << shift(level)
			m.Physical = entry&addressMask&^(m.Page-1) | address&(m.Page-1)
			m.Rights |= t.global(entry)
			return m, true
		}
		table = entry & addressMask
	}
	return Mapping{}, false
}

// leaf says whether an entry maps a page. PS is reserved above the PDPTE, and
// an access through such an entry faults: it leads to no table either.
func leaf(entry uint64, level int) bool {
	return level == 1 || level <= 3 && entry&entryPS != 0
}

// allowed takes away what an entry doesn't allow.
func (t Tables) allowed(rights Rights, entry uint64) Rights {
	if entry&entryWrite == 0 {
		rights &^= Writable
	}
	if entry&entryUser == 0 {
		rights &^= User
	}
	if entry&entryNX != 0 && t.NX {
		rights &^= Executable
	}
	return rights
}

func (t Tables) global(entry uint64) Rights {
	if entry&entryGlobal != 0 && t.Global {
		return Global
	}
	return 0
}

// canonical extends the sign of an address that was made from table indices.
func (t Tables) canonical(address uint64) uint64 {
	if address&t.halfSize() != 0 {
		address |= -t.halfSize()
	}
	return address
}

// ReadMemory copies linear memory, as the supervisor sees it. It returns how
// much it could read, and an error if that is not all.
func (t Tables) ReadMemory(address uint64, p []byte) (int, error) {
	done := 0
	for done < len(p) {
		m, ok := t.Translate(address)
		if !ok {
			return done, fmt.Errorf("address %#x is not mapped", address)
		}
		n := min(len(p)-done, int(pageSize-address%pageSize))
		if err := t.Memory.ReadPhysical(m.Physical, p[done:done+n]); err != nil {
			return done, fmt.Errorf("address %#x: %w", address, err)
		}
		address += uint64(n)
		done += n
	}
	return done, nil
}
