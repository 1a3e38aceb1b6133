// SPDX-License-Identifier: GPL-2.0-or-later

package symbols

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

var (
	// ErrNoSymbols is for an image without a symbol table: a stripped one,
	// or one that is not ELF.
	ErrNoSymbols = errors.New("the image has no symbol table")
	// ErrNoLines is for an image without DWARF line programs.
	ErrNoLines = errors.New("the image has no source lines (.debug_line)")
	// ErrMalformed is for an image whose symbols or lines can't be read.
	ErrMalformed = errors.New("malformed debugging information")
)

// Limits on what is read: a distribution's vmlinux has 200,000 symbols and
// 100 MB of debugging sections.
const (
	sectionMost  = 512 << 20 // bytes of one section, decompressed
	symbolsMost  = 64 << 20  // bytes of the symbol table and of its strings
	sectionsMost = 10_000
	ratioMost    = 2048 // more than deflate can do
)

// Load reads the symbols of an ELF image of size bytes. The reader stays in
// use for the lines, which are read when first asked for. The error is
// ErrNoSymbols or ErrMalformed, and a table comes with it if at least the
// sections can be read.
//
// debug/elf is not made for hostile files. The sizes it would allocate by are
// checked before it is asked, and a panic in it is ErrMalformed.
func Load(r io.ReaderAt, size int64) (t *Table, err error) {
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("%w: %v", ErrMalformed, p)
		}
	}()
	if !hasELFMagic(r) {
		return nil, fmt.Errorf("%w: it is not an ELF file", ErrNoSymbols)
	}
	f, err := elf.NewFile(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(f.Sections) > sectionsMost {
		return nil, fmt.Errorf("%w: %d sections, more than %d", ErrMalformed, len(f.Sections), sectionsMost)
	}
	sections := make([]Section, len(f.Sections))
	for i, s := range f.Sections {
		sections[i] = Section{Name: s.Name, Address: s.Addr, Size: s.Size, Offset: s.Offset,
			Allocated: s.Flags&elf.SHF_ALLOC != 0, Executable: s.Flags&elf.SHF_EXECINSTR != 0,
			Writable: s.Flags&elf.SHF_WRITE != 0, NoBits: s.Type == elf.SHT_NOBITS}
	}
	symbols, err := readSymbols(f, sections, uint64(size))
	return newTable(sections, symbols, sync.OnceValues(func() (*lineTable, error) {
		return readLines(f, uint64(size))
	})), err
}

func hasELFMagic(r io.ReaderAt) bool {
	var magic [4]byte
	n, _ := r.ReadAt(magic[:], 0)
	return string(magic[:n]) == elf.ELFMAG
}

// checkSection makes sure that reading s allocates what the file warrants.
func checkSection(s *elf.Section, file, most uint64) error {
	if s.Type == elf.SHT_NOBITS {
		return fmt.Errorf("%w: section %s has no contents", ErrMalformed, s.Name)
	}
	if s.Offset > file || s.FileSize > file-s.Offset {
		return fmt.Errorf("%w: section %s ends beyond the file", ErrMalformed, s.Name)
	}
	if s.Size > most || s.Size/ratioMost > s.FileSize {
		return fmt.Errorf("%w: section %s claims %d bytes", ErrMalformed, s.Name, s.Size)
	}
	return nil
}

func readSymbols(f *elf.File, sections []Section, size uint64) ([]Symbol, error) {
	table := f.SectionByType(elf.SHT_SYMTAB)
	if table == nil {
		return nil, ErrNoSymbols
	}
	if err := checkSection(table, size, symbolsMost); err != nil {
		return nil, err
	}
	if int(table.Link) >= len(f.Sections) {
		return nil, fmt.Errorf("%w: the symbol table's strings are in section %d, and there are %d", ErrMalformed, table.Link, len(f.Sections))
	}
	if err := checkSection(f.Sections[table.Link], size, symbolsMost); err != nil {
		return nil, err
	}
	raw, err := f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil, ErrNoSymbols
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	symbols := make([]Symbol, 0, len(raw))
	for _, s := range raw {
		if symbol, ok := convert(s, sections); ok {
			symbols = append(symbols, symbol)
		}
	}
	if len(symbols) == 0 {
		return nil, ErrNoSymbols
	}
	return symbols, nil
}

// convert drops what names nothing: files, sections, undefined symbols.
func convert(s elf.Symbol, sections []Section) (Symbol, bool) {
	symbol := Symbol{Name: s.Name, Address: s.Value, Size: s.Size, section: -1}
	switch elf.ST_TYPE(s.Info) {
	case elf.STT_FUNC, elf.STT_GNU_IFUNC:
		symbol.Kind = Function
	case elf.STT_OBJECT:
		symbol.Kind = Object
	case elf.STT_NOTYPE:
	default:
		return Symbol{}, false
	}
	if s.Name == "" || s.Section == elf.SHN_UNDEF {
		return Symbol{}, false
	}
	bind := elf.ST_BIND(s.Info)
	symbol.Weak = bind == elf.STB_WEAK
	symbol.Global = bind == elf.STB_GLOBAL || symbol.Weak
	if int(s.Section) >= len(sections) { // SHN_ABS and its like
		symbol.Absolute = true
		return symbol, true
	}
	symbol.section = int(s.Section)
	// Per-CPU variables are linked at 0: their addresses are offsets
	// (include/asm-generic/vmlinux.lds.h, PERCPU_VADDR).
	symbol.Absolute = strings.HasPrefix(sections[symbol.section].Name, ".data..percpu")
	return symbol, true
}
