// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/uklemu/uklemu/emu/symbols"
)

// piece is a part of memory that the file fills.
type piece struct {
	Range
	offset   uint64 // in the file
	fileSize uint64 // the rest is zero
}

// pieces are the segments, and the sections that are in none.
func (f *elfFile) pieces() []piece {
	var all []piece
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Vaddr+p.Memsz > p.Vaddr {
			all = append(all, piece{Range{p.Vaddr, p.Vaddr + p.Memsz}, p.Off, min(p.Filesz, p.Memsz)})
		}
	}
	slices.SortStableFunc(all, byStart)
	segments := len(all)
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 || s.Flags&elf.SHF_TLS != 0 || s.Addr == 0 || s.Addr+s.Size <= s.Addr {
			continue
		}
		if slices.ContainsFunc(all[:segments], func(p piece) bool { return p.Contains(s.Addr) }) {
			continue
		}
		fileSize := s.FileSize
		if s.Type == elf.SHT_NOBITS {
			fileSize = 0
		}
		all = append(all, piece{Range{s.Addr, s.Addr + s.Size}, s.Offset, min(fileSize, s.Size)})
	}
	slices.SortStableFunc(all, byStart)
	return all
}

func byStart(a, b piece) int { return cmp.Compare(a.Start, b.Start) }

// ReadMemory reads what the image has at a linear address, as linked: zeros in
// .bss. It fails where the image has nothing, and says how much it could read.
func (i *Image) ReadMemory(address uint64, p []byte) (int, error) {
	n := 0
	for n < len(p) {
		at := address + uint64(n)
		got, err := i.readPiece(at, p[n:])
		if err != nil {
			return n, err
		}
		if got == 0 {
			return n, fmt.Errorf("the image has nothing at %#x", at)
		}
		n += got
	}
	return n, nil
}

// readPiece reads as far as one piece goes, 0 bytes if there is none.
func (i *Image) readPiece(at uint64, p []byte) (int, error) {
	next, _ := slices.BinarySearchFunc(i.pieces, at, func(x piece, at uint64) int {
		if x.Start <= at {
			return -1
		}
		return 1
	})
	if next == 0 || !i.pieces[next-1].Contains(at) {
		return 0, nil
	}
	x := i.pieces[next-1]
	p = p[:min(uint64(len(p)), x.End-at)]
	clear(p)
	skip := at - x.Start
	if skip >= x.fileSize {
		return len(p), nil
	}
	inFile := p[:min(uint64(len(p)), x.fileSize-skip)]
	offset := int64(x.offset + skip)
	if offset < 0 {
		return 0, fmt.Errorf("%w: it ends before what it says is at %#x", ErrMalformed, at)
	}
	if n, err := i.file.r.ReadAt(inFile, offset); n < len(inFile) {
		return 0, fmt.Errorf("%w: it ends before what it says is at %#x: %w", ErrMalformed, at, err)
	}
	return len(p), nil
}

// bytes reads n bytes, nil if they are not there, or more than the file has.
func (i *Image) bytes(address, n uint64) []byte {
	if n == 0 || n > i.file.size {
		return nil
	}
	p := make([]byte, n)
	if _, err := i.ReadMemory(address, p); err != nil {
		return nil
	}
	return p
}

// word reads eight bytes.
func (i *Image) word(address uint64) (uint64, bool) {
	b := i.bytes(address, 8)
	if b == nil {
		return 0, false
	}
	return binary.LittleEndian.Uint64(b), true
}

// text reads a string of at most some bytes that ends in a zero byte.
func (i *Image) text(address uint64, most int) string {
	p := make([]byte, most)
	n, _ := i.ReadMemory(address, p)
	if end := slices.Index(p[:n], 0); end >= 0 {
		return string(p[:end])
	}
	return string(p[:n])
}

// section is one of code.
type section struct {
	Range
	name string
}

// executable are the sections of the kernel's code: those in the upper half,
// if there are any. What is linked into the lower half beside them is a program.
func executable(table *symbols.Table) []section {
	var code []section
	for _, s := range table.Sections() {
		if s.Allocated && s.Executable && !s.NoBits && s.Address+s.Size > s.Address {
			code = append(code, section{Range{s.Address, s.Address + s.Size}, s.Name})
		}
	}
	if slices.ContainsFunc(code, upperHalf) {
		code = slices.DeleteFunc(code, func(s section) bool { return !upperHalf(s) })
	}
	return code
}

func upperHalf(s section) bool { return s.Start>>63 != 0 }

// bounded is the range between two symbols, or else that of a section.
func (i *Image) bounded(start, end, section string) (Range, bool) {
	a, ok := i.Address(start)
	b, ok2 := i.Address(end)
	if ok && ok2 && b > a {
		return Range{a, b}, true
	}
	if s, ok := i.Symbols.Section(section); ok && s.Allocated && s.Address+s.Size > s.Address {
		return Range{s.Address, s.Address + s.Size}, true
	}
	return Range{}, false
}
