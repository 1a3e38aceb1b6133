// SPDX-License-Identifier: GPL-2.0-or-later

// Package testelf writes small ELF64 images for tests, wrong ones too.
package testelf

import (
	"bytes"
	"encoding/binary"
)

// Image is what a file consists of.
type Image struct {
	Entry    uint64
	Segments []Segment
	Sections []Section // numbered from 1
	Symbols  []Symbol  // nil for an image without a symbol table
}

// Segment is a PT_LOAD.
type Segment struct {
	Flags             uint32
	Virtual, Physical uint64
	Data              []byte
}

// Section has its contents in Data, or only a Size: that of SHT_NOBITS, or a
// lie.
type Section struct {
	Name    string
	Type    uint32
	Flags   uint64
	Address uint64
	Link    uint32
	Info    uint32
	Size    uint64
	Data    []byte
}

// Symbol is an entry of the symbol table.
type Symbol struct {
	Name          string
	Info          byte // binding << 4 | type
	Section       uint16
	Address, Size uint64
}

// Values of the fields above, as the System V ABI has them.
const (
	Progbits, Symtab, Strtab, Nobits = 1, 2, 3, 8
	Local, Global, Weak              = 0 << 4, 1 << 4, 2 << 4
	Notype, Object, Function, File   = 0, 1, 2, 4
	Absolute                         = 0xfff1
	Alloc, Exec                      = 2, 4
)

const (
	headerSize, programHeaderSize, sectionHeaderSize, symbolSize = 64, 56, 64, 24
)

// Bytes lays the file out: header, program headers, contents, sections,
// section headers.
func (i Image) Bytes() []byte {
	le := binary.LittleEndian
	file := make([]byte, headerSize+len(i.Segments)*programHeaderSize)
	for n, s := range i.Segments {
		b := file[headerSize+n*programHeaderSize:]
		le.PutUint32(b, 1)
		le.PutUint32(b[4:], s.Flags)
		for field, v := range []uint64{uint64(len(file)), s.Virtual, s.Physical, uint64(len(s.Data)), uint64(len(s.Data)), 1} {
			le.PutUint64(b[8+8*field:], v)
		}
		file = append(file, s.Data...)
	}
	sections := i.allSections()
	titles := &sections[len(sections)-1]
	var headers []byte
	for n := range sections {
		s := &sections[n]
		title := uint32(len(titles.Data))
		titles.Data = append(append(titles.Data, s.Name...), 0)
		headers = le.AppendUint32(headers, title)
		headers = le.AppendUint32(headers, s.Type)
		headers = append(headers, make([]byte, sectionHeaderSize-8)...)
	}
	for n, s := range sections {
		b := headers[n*sectionHeaderSize:]
		size := uint64(len(s.Data))
		if s.Size != 0 {
			size = s.Size
		}
		for field, v := range []uint64{s.Flags, s.Address, uint64(len(file)), size} {
			le.PutUint64(b[8+8*field:], v)
		}
		le.PutUint32(b[40:], s.Link)
		le.PutUint32(b[44:], s.Info)
		le.PutUint64(b[48:], 1)
		if s.Type == Symtab {
			le.PutUint64(b[56:], symbolSize)
		}
		file = append(file, s.Data...)
	}
	i.header(file, len(sections))
	return append(file, headers...)
}

// allSections adds the null section, the symbol table and the strings.
func (i Image) allSections() []Section {
	all := append([]Section{{}}, i.Sections...)
	if i.Symbols != nil {
		table, names := i.symbolTable()
		all = append(all, Section{Name: ".symtab", Type: Symtab, Link: uint32(len(all) + 1), Info: 1, Data: table},
			Section{Name: ".strtab", Type: Strtab, Data: names})
	}
	return append(all, Section{Name: ".shstrtab", Type: Strtab})
}

func (i Image) symbolTable() (table, names []byte) {
	le := binary.LittleEndian
	table, names = make([]byte, symbolSize), []byte{0}
	for _, s := range i.Symbols {
		table = le.AppendUint32(table, uint32(len(names)))
		table = append(table, s.Info, 0)
		table = le.AppendUint16(table, s.Section)
		table = le.AppendUint64(table, s.Address)
		table = le.AppendUint64(table, s.Size)
		names = append(append(names, s.Name...), 0)
	}
	return table, names
}

// header writes that of an x86-64 executable whose section headers come next.
func (i Image) header(file []byte, sections int) {
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01")
	b.Write(make([]byte, 9))
	for _, field := range []any{
		uint16(2), uint16(62), uint32(1), i.Entry, uint64(headerSize), uint64(len(file)), uint32(0),
		uint16(headerSize), uint16(programHeaderSize), uint16(len(i.Segments)),
		uint16(sectionHeaderSize), uint16(sections), uint16(sections - 1),
	} {
		binary.Write(&b, binary.LittleEndian, field) // a bytes.Buffer does not fail
	}
	copy(file, b.Bytes())
}
