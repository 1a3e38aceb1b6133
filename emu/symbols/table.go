// SPDX-License-Identifier: GPL-2.0-or-later

// Package symbols gives the addresses of an image their names: symbols from
// its symbol table and source lines from its DWARF line programs.
//
//	table, err := symbols.Load(image, image.Size())
//	table.Name(0xffffffff81800046)         // "entry_SYSCALL_64+0x6"
//	table.Address("entry_SYSCALL_64")      // 0xffffffff81800040, true
//	table.Line(0xffffffff81800046)         // arch/x86/entry/entry_64.S:93
package symbols

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Kind is what a symbol stands for.
type Kind uint8

const (
	Label    Kind = iota // no type: a label of assembly, or of the linker script
	Object               // data
	Function             // code
)

// Symbol is a name for an address.
type Symbol struct {
	Name    string
	Address uint64
	Size    uint64 // 0 if the image does not say
	Kind    Kind
	Global  bool // visible in other files; false for a static one
	Weak    bool
	// Absolute symbols are numbers, and those of per-CPU data are offsets:
	// neither names an address.
	Absolute bool
	section  int // in Table.sections, -1 for none
}

// Section is a part of the image with a name.
type Section struct {
	Name       string
	Address    uint64 // 0 for one that is not loaded
	Size       uint64
	Offset     uint64 // in the file
	Allocated  bool   // in memory
	Executable bool
	Writable   bool
	NoBits     bool // zero, not in the file
}

// Table is the symbols and sections of one image. It does not change, and may
// be used by several goroutines.
type Table struct {
	sections []Section
	symbols  []Symbol       // by address, the preferred alias first
	byName   map[string]int // the preferred of that name
	lines    func() (*lineTable, error)
}

// newTable sorts and indexes.
func newTable(sections []Section, symbols []Symbol, lines func() (*lineTable, error)) *Table {
	t := &Table{sections: sections, symbols: symbols, byName: make(map[string]int, len(symbols)), lines: lines}
	slices.SortStableFunc(t.symbols, func(a, b Symbol) int {
		return cmp.Or(cmp.Compare(a.Address, b.Address), preference(a, b))
	})
	for i, s := range t.symbols {
		if first, ok := t.byName[s.Name]; !ok || preference(s, t.symbols[first]) < 0 {
			t.byName[s.Name] = i
		}
	}
	return t
}

// preference orders symbols that share an address or a name, the better first:
// one that names an address, a function, one that other files see, one with a
// size, the shorter name. It is total, so that nothing depends on the order of
// the file.
func preference(a, b Symbol) int {
	no := func(a bool) int {
		if a {
			return 0
		}
		return 1
	}
	return cmp.Or(
		no(!a.Absolute)-no(!b.Absolute),
		int(b.Kind)-int(a.Kind),
		no(a.Global)-no(b.Global),
		no(!a.Weak)-no(!b.Weak),
		no(a.Size != 0)-no(b.Size != 0),
		len(a.Name)-len(b.Name),
		strings.Compare(a.Name, b.Name),
	)
}

// Len is the number of symbols.
func (t *Table) Len() int { return len(t.symbols) }

// Symbols are all of them, by address. The caller must not change them.
func (t *Table) Symbols() []Symbol { return t.symbols }

// Sections are those of the file, in its order. The caller must not change
// them.
func (t *Table) Sections() []Section { return t.sections }

// Section finds a section by name.
func (t *Table) Section(name string) (Section, bool) {
	i := slices.IndexFunc(t.sections, func(s Section) bool { return s.Name == name })
	if i < 0 {
		return Section{}, false
	}
	return t.sections[i], true
}

// Symbol finds a symbol by name. If several have it, as static functions may,
// it is the global one, else the one at the lowest address.
func (t *Table) Symbol(name string) (Symbol, bool) {
	i, ok := t.byName[name]
	if !ok {
		return Symbol{}, false
	}
	return t.symbols[i], true
}

// Address is that of the symbol of this name.
func (t *Table) Address(name string) (uint64, bool) {
	s, ok := t.Symbol(name)
	return s.Address, ok
}

// Lookup finds the symbol that an address belongs to and how far into it the
// address is: the last symbol at or before it, in the same section, and if
// that one has ended already, a function around it that has not.
func (t *Table) Lookup(address uint64) (s Symbol, offset uint64, ok bool) {
	end, _ := slices.BinarySearchFunc(t.symbols, address, func(s Symbol, a uint64) int {
		if s.Address <= a {
			return -1
		}
		return 1
	})
	nearest := -1
	const nested = 64 // labels in one function that are looked through
	for i := end - 1; i >= 0 && i >= end-nested; i-- {
		if !t.names(t.symbols[i], address) {
			continue
		}
		if nearest < 0 {
			nearest = t.preferred(i)
			if s := t.symbols[nearest]; s.Size == 0 || address-s.Address < s.Size {
				break
			}
		}
		if s := t.symbols[i]; s.Kind == Function && address-s.Address < s.Size {
			nearest = t.preferred(i)
			break
		}
	}
	if nearest < 0 {
		return Symbol{}, 0, false
	}
	s = t.symbols[nearest]
	return s, address - s.Address, true
}

// preferred is the best alias of symbol i.
func (t *Table) preferred(i int) int {
	for i > 0 && t.symbols[i-1].Address == t.symbols[i].Address && !t.symbols[i-1].Absolute {
		i--
	}
	return i
}

// names says whether s can name address: both are in the same section.
func (t *Table) names(s Symbol, address uint64) bool {
	if s.Absolute || s.section < 0 {
		return false
	}
	section := t.sections[s.section]
	return address-section.Address < section.Size
}

// Name is "symbol+0xoffset", "symbol" at its start, "" for an address that no
// symbol covers.
func (t *Table) Name(address uint64) string {
	s, offset, ok := t.Lookup(address)
	switch {
	case !ok:
		return ""
	case offset == 0:
		return s.Name
	}
	return fmt.Sprintf("%s+%#x", s.Name, offset)
}

// At is Lookup in the form that package disasm asks for.
func (t *Table) At(address uint64) (name string, start uint64) {
	s, _, _ := t.Lookup(address)
	return s.Name, s.Address
}
