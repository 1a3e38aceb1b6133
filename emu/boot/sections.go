// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"encoding/binary"
	"fmt"
)

// Section types without contents in the file (System V ABI, "Sections").
const (
	sectionNull   = 0
	sectionNoBits = 8
)

// sectionLayout says where the fields of a section header are.
type sectionLayout struct {
	shoff, shentsize, shnum int // in the ELF header
	size                    int // of one section header
	offset, length          int // sh_offset and sh_size in it
}

var (
	sections64 = sectionLayout{shoff: 40, shentsize: 58, shnum: 60, size: 64, offset: 24, length: 32}
	sections32 = sectionLayout{shoff: 32, shentsize: 46, shnum: 48, size: 40, offset: 16, length: 20}
)

// checkSections refuses a file that ends before its sections do. Nothing is
// loaded from them, but linkers put them and their table behind the segments:
// a copy that was broken off may have all that is loaded and still is not the
// file that was built. A file without sections has e_shoff 0.
func (elf *elfFile) checkSections(f *file, header []byte) *Error {
	lay := sections32
	if elf.is64 {
		lay = sections64
	}
	table := elf.word(header, lay.shoff)
	if table == 0 {
		return nil
	}
	entry := uint64(binary.LittleEndian.Uint16(header[lay.shentsize:]))
	count := uint64(binary.LittleEndian.Uint16(header[lay.shnum:]))
	if !f.has(table, count*entry) { // 16 bits each
		return f.error(Error{Err: ErrTruncated, Where: at("e_shoff", uint64(lay.shoff)),
			Found: fmt.Sprintf("%#x, and %d section headers of %d bytes there end beyond the file's %#x bytes", table, count, entry, f.size)})
	}
	if entry < uint64(lay.size) {
		return nil // these are no section headers, and none is needed
	}
	b := make([]byte, lay.size)
	for i := range count {
		where := table + i*entry
		if err := f.read(b, where, fmt.Sprintf("section header %d", i)); err != nil {
			return err
		}
		if err := elf.checkSection(f, b, lay, i, where); err != nil {
			return err
		}
	}
	return nil
}

func (elf *elfFile) checkSection(f *file, b []byte, lay sectionLayout, index, where uint64) *Error {
	switch binary.LittleEndian.Uint32(b[4:]) {
	case sectionNull, sectionNoBits:
		return nil
	}
	offset, length := elf.word(b, lay.offset), elf.word(b, lay.length)
	if f.has(offset, length) {
		return nil
	}
	return f.error(Error{Err: ErrTruncated, Where: at(fmt.Sprintf("sh_size of section %d", index), where+uint64(lay.length)),
		Found: fmt.Sprintf("%#x, which from offset %#x ends beyond the file's %#x bytes", length, offset, f.size)})
}
