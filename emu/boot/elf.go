// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"encoding/binary"
	"fmt"
)

// elfFile is what loading needs of an ELF file: the System V ABI's ELF header
// and program headers, both checked against the file's size, as the sections
// are.
type elfFile struct {
	is64     bool
	typ      uint16
	machine  uint16
	entry    uint64
	segments []Segment // PT_LOAD with something in memory
	notes    []Range   // PT_NOTE, in the file
	interp   bool      // PT_INTERP: a user program that wants a dynamic linker
}

// Segment is a PT_LOAD program header.
type Segment struct {
	Virtual  uint64 // p_vaddr
	Physical uint64 // p_paddr
	Offset   uint64 // p_offset
	FileSize uint64 // p_filesz
	Size     uint64 // p_memsz
	Flags    uint32 // p_flags: 1 execute, 2 write, 4 read
	index    int    // in the table, for messages
}

const (
	typeRelocatable  = 1
	typeExecutable   = 2
	typeShared       = 3
	typeCore         = 4
	machine386       = 3
	machineX8664     = 62
	segmentNull      = 0
	segmentLoad      = 1
	segmentInterp    = 3
	segmentNote      = 4
	elfMagic         = "\x7fELF"
	littleEndian     = 1
	currentVersion   = 1
	moreThanFits     = 0xffff // PN_XNUM: the count is elsewhere
	acceptedMachines = "62 (x86-64), or 3 (i386) with a multiboot header or a PVH note"
)

// layout says where the fields are; the order differs between the classes.
type elfLayout struct {
	header, programHeader                    int
	entry, phoff, phentsize, phnum           int
	flags, offset, vaddr, paddr, fsize, msiz int
}

var (
	elf64 = elfLayout{header: 64, programHeader: 56, entry: 24, phoff: 32, phentsize: 54, phnum: 56,
		flags: 4, offset: 8, vaddr: 16, paddr: 24, fsize: 32, msiz: 40}
	elf32 = elfLayout{header: 52, programHeader: 32, entry: 24, phoff: 28, phentsize: 42, phnum: 44,
		flags: 24, offset: 4, vaddr: 8, paddr: 12, fsize: 16, msiz: 20}
)

// word reads an address or size of the class.
func (f *elfFile) word(b []byte, offset int) uint64 {
	if f.is64 {
		return binary.LittleEndian.Uint64(b[offset:])
	}
	return uint64(binary.LittleEndian.Uint32(b[offset:]))
}

// Segments are the parts of an ELF image that are loaded, in the file's
// order; nil if the image is not an ELF file.
func (img *Image) Segments() []Segment {
	if img.elf == nil {
		return nil
	}
	return append([]Segment(nil), img.elf.segments...)
}

// parseELF returns nil, nil if the file is not an ELF file.
func parseELF(f *file) (*elfFile, *Error) {
	var magic [4]byte
	if !f.has(0, 4) {
		return nil, nil
	}
	if err := f.read(magic[:], 0, "e_ident"); err != nil {
		return nil, err
	}
	if string(magic[:]) != elfMagic {
		return nil, nil
	}
	var ident [16]byte
	if err := f.read(ident[:], 0, "e_ident"); err != nil {
		return nil, err
	}
	elf := &elfFile{}
	lay := elf32
	switch ident[4] {
	case 1:
	case 2:
		elf.is64, lay = true, elf64
	default:
		return nil, f.error(Error{Err: ErrClass, Where: at("EI_CLASS", 4), Found: fmt.Sprint(ident[4]), Want: "2 (64-bit) or 1 (32-bit)"})
	}
	if ident[5] != littleEndian {
		return nil, f.error(Error{Err: ErrMachine, Where: at("EI_DATA", 5), Found: fmt.Sprint(ident[5]), Want: "1 (little-endian)"})
	}
	if ident[6] != currentVersion {
		return nil, f.error(Error{Err: ErrHeader, Where: at("EI_VERSION", 6), Found: fmt.Sprint(ident[6]), Want: "1"})
	}
	header := make([]byte, lay.header)
	if err := f.read(header, 0, "the ELF header"); err != nil {
		return nil, err
	}
	elf.typ = binary.LittleEndian.Uint16(header[16:])
	elf.machine = binary.LittleEndian.Uint16(header[18:])
	elf.entry = elf.word(header, lay.entry)
	if err := elf.checkMachine(f); err != nil {
		return nil, err
	}
	if err := elf.checkType(f); err != nil {
		return nil, err
	}
	if err := elf.readProgramHeaders(f, header, lay); err != nil {
		return nil, err
	}
	return elf, elf.checkSections(f, header)
}

func (elf *elfFile) checkMachine(f *file) *Error {
	if elf.machine == machineX8664 || elf.machine == machine386 && !elf.is64 {
		return nil
	}
	return f.error(Error{Err: ErrMachine, Where: at("e_machine", 18), Found: machineName(elf.machine), Want: acceptedMachines})
}

func machineName(m uint16) string {
	names := map[uint16]string{machine386: "i386 in an ELF64", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "S390", 40: "ARM",
		machineX8664: "x86-64", 183: "AArch64", 243: "RISC-V", 258: "LoongArch"}
	if name, ok := names[m]; ok {
		return fmt.Sprintf("%d (%s)", m, name)
	}
	return fmt.Sprint(m)
}

func (elf *elfFile) checkType(f *file) *Error {
	if elf.typ == typeExecutable {
		return nil
	}
	names := map[uint16]string{typeRelocatable: "1 (an object file or kernel module)",
		typeShared: "3 (a shared or position-independent object)", typeCore: "4 (a core dump)"}
	found, ok := names[elf.typ]
	if !ok {
		found = fmt.Sprint(elf.typ)
	}
	return f.error(Error{Err: ErrNotKernel, Where: at("e_type", 16), Found: found, Want: "2 (an executable linked to fixed addresses)"})
}

func (elf *elfFile) readProgramHeaders(f *file, header []byte, lay elfLayout) *Error {
	phoff := elf.word(header, lay.phoff)
	entsize := binary.LittleEndian.Uint16(header[lay.phentsize:])
	count := binary.LittleEndian.Uint16(header[lay.phnum:])
	if count == 0 {
		return f.error(Error{Err: ErrSegment, Where: at("e_phnum", uint64(lay.phnum)), Found: "0", Want: "at least one PT_LOAD segment"})
	}
	if count == moreThanFits {
		return f.error(Error{Err: ErrHeader, Where: at("e_phnum", uint64(lay.phnum)), Found: "0xffff (more than 65534 segments)"})
	}
	if int(entsize) != lay.programHeader {
		return f.error(Error{Err: ErrHeader, Where: at("e_phentsize", uint64(lay.phentsize)), Found: fmt.Sprint(entsize), Want: fmt.Sprint(lay.programHeader)})
	}
	size := uint64(count) * uint64(lay.programHeader)
	if !f.has(phoff, size) {
		return f.error(Error{Err: ErrTruncated, Where: at("e_phoff", uint64(lay.phoff)),
			Found: fmt.Sprintf("%#x, and %d program headers there end beyond the file's %#x bytes", phoff, count, f.size)})
	}
	table := make([]byte, size) // no larger than the file
	if err := f.read(table, phoff, "the program headers"); err != nil {
		return err
	}
	for i := range int(count) {
		at := i * lay.programHeader
		if err := elf.addSegment(f, table[at:at+lay.programHeader], lay, i, phoff+uint64(at)); err != nil {
			return err
		}
	}
	return nil
}

func (elf *elfFile) addSegment(f *file, b []byte, lay elfLayout, index int, offset uint64) *Error {
	s := Segment{
		Flags:    binary.LittleEndian.Uint32(b[lay.flags:]),
		Offset:   elf.word(b, lay.offset),
		Virtual:  elf.word(b, lay.vaddr),
		Physical: elf.word(b, lay.paddr),
		FileSize: elf.word(b, lay.fsize),
		Size:     elf.word(b, lay.msiz),
		index:    index,
	}
	typ := binary.LittleEndian.Uint32(b)
	if typ == segmentNull {
		return nil
	}
	if !f.has(s.Offset, s.FileSize) {
		return f.error(Error{Err: ErrTruncated, Where: at(fmt.Sprintf("p_filesz of segment %d", index), offset+uint64(lay.fsize)),
			Found: fmt.Sprintf("%#x, which from offset %#x ends beyond the file's %#x bytes", s.FileSize, s.Offset, f.size)})
	}
	switch typ {
	case segmentInterp:
		elf.interp = true
		return nil
	case segmentNote:
		elf.notes = append(elf.notes, Range{s.Offset, s.Offset + s.FileSize})
		return nil
	case segmentLoad:
	default:
		return nil
	}
	if s.FileSize > s.Size {
		return f.error(Error{Err: ErrSegment, Where: at(fmt.Sprintf("p_memsz of segment %d", index), offset+uint64(lay.msiz)),
			Found: hex(s.Size), Want: fmt.Sprintf("%#x (p_filesz) or more", s.FileSize)})
	}
	if s.Physical+s.Size < s.Physical || s.Virtual+s.Size < s.Virtual {
		return f.error(Error{Err: ErrSegment, Where: at(fmt.Sprintf("p_memsz of segment %d", index), offset+uint64(lay.msiz)),
			Found: fmt.Sprintf("%#x, which wraps around the address space", s.Size)})
	}
	if s.Size != 0 {
		elf.segments = append(elf.segments, s)
	}
	return nil
}

// physicalEntry finds e_entry in the segments: as a physical address, which
// is what Linux links, or as a virtual one, which is what most others do.
func (elf *elfFile) physicalEntry(f *file) (uint64, *Error) {
	if len(elf.segments) == 0 {
		return 0, f.error(Error{Err: ErrSegment, Found: "no PT_LOAD segment with a size", Want: "at least one"})
	}
	for _, s := range elf.segments {
		if elf.entry >= s.Physical && elf.entry-s.Physical < s.Size {
			return elf.entry, nil
		}
	}
	for _, s := range elf.segments {
		if elf.entry >= s.Virtual && elf.entry-s.Virtual < s.Size {
			return elf.entry - s.Virtual + s.Physical, nil
		}
	}
	return 0, f.error(Error{Err: ErrEntry, Where: at("e_entry", 24), Found: hex(elf.entry), Want: "an address in a PT_LOAD segment"})
}
