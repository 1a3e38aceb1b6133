// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
)

// Of the System V gABI, as debug/elf does not write.
const (
	flagWrite   = 1
	flagAlloc   = 2
	flagExecute = 4
	flagMerge   = 0x10
	flagStrings = 0x20
	flagThread  = 0x400

	typeProgram = 1
	typeSymbols = 2
	typeStrings = 3
	typeNote    = 7
	typeNoBits  = 8

	segmentLoad   = 1
	segmentNote   = 4
	segmentThread = 7
	mayExecute    = 1
	mayWrite      = 2
	mayRead       = 4

	headerSize        = 64
	programHeaderSize = 56
	sectionHeaderSize = 64
	symbolSize        = 24
)

// section is one of the file.
type section struct {
	name    string
	typ     uint32
	flags   uint64
	address uint64
	size    uint64
	bytes   []byte // nil if it has none in the file
	offset  uint64
	link    uint32
	info    uint32
	align   uint64
	entry   uint64
	segment int // that it is loaded with
}

// segment is a program header.
type segment struct {
	typ, flags       uint32
	address          uint64
	physical         uint64
	offset           uint64
	fileSize, memory uint64
	align            uint64
}

// image is an ELF file before it is written.
type image struct {
	entry    uint64 // a physical address, as Linux has it
	script   []placed
	sections []section
	// loaded are the distances of the segments' virtual addresses from their
	// physical ones.
	loaded [segmentsMost]uint64
}

// bytes is the file: the header, the segments' bytes from the first page on,
// the other sections, the section headers.
func (x *image) bytes() []byte {
	names := newStringTable()
	list := append([]section{{}}, x.sections...)
	list = append(list, section{name: ".shstrtab", typ: typeStrings, align: 1})
	for _, s := range list {
		names.offset(s.name)
	}
	list[len(list)-1].bytes = names.bytes()

	var body bytes.Buffer
	body.Write(make([]byte, pageSize))
	last := -1
	var distance uint64 // between a section's address and its place in the file
	for i := range list {
		s := &list[i]
		switch {
		case s.flags&flagAlloc == 0:
			pad(&body, 0, max(int(s.align), 1))
		case s.typ == typeNoBits:
		case s.segment != last:
			// A segment begins at the same place of a page in the file as in memory.
			pad(&body, int(s.address%pageSize), pageSize)
			last, distance = s.segment, s.address-uint64(body.Len())
		default:
			body.Write(make([]byte, s.address-distance-uint64(body.Len())))
		}
		s.offset = uint64(body.Len())
		if s.typ != typeNoBits {
			s.size = uint64(len(s.bytes))
		}
		body.Write(s.bytes)
	}
	list[0] = section{}
	pad(&body, 0, 8)
	table := uint64(body.Len())
	for _, s := range list {
		for _, v := range []any{uint32(names.offset(s.name)), s.typ, s.flags, s.address, s.offset, s.size, s.link, s.info, s.align, s.entry} {
			put(&body, v)
		}
	}
	file := body.Bytes()
	x.header(file, x.segments(list), table, len(list))
	return file
}

// pad goes on at the next place that is at modulo to.
func pad(b *bytes.Buffer, at, to int) {
	b.Write(make([]byte, ((at-b.Len())%to+to)%to))
}

func put(b io.Writer, v any) { binary.Write(b, binary.LittleEndian, v) } // a Buffer takes all

// segments are what is loaded, by pages, and what describes parts of it.
func (x *image) segments(sections []section) []segment {
	out := make([]segment, segmentsMost)
	notes := segment{typ: segmentNote, align: 4}
	thread := segment{typ: segmentThread, flags: mayRead, align: threadAlign}
	for _, s := range sections {
		if s.flags&flagAlloc == 0 || s.size == 0 {
			continue
		}
		// What .tbss names takes no room in the image.
		if g := &out[s.segment]; s.typ != typeNoBits || s.flags&flagThread == 0 {
			g.typ, g.align = segmentLoad, pageSize
			g.flags = mayRead | map[int]uint32{0: mayExecute, 1: mayWrite}[s.segment%2]
			g.cover(s, x.loaded[s.segment])
		}
		if s.typ == typeNote {
			notes.cover(s, x.loaded[s.segment])
		}
		if s.flags&flagThread != 0 {
			thread.cover(s, x.loaded[s.segment])
		}
	}
	return slices.DeleteFunc(append(out, notes, thread), func(g segment) bool { return g.memory == 0 })
}

// cover makes the segment reach to the end of a section.
func (g *segment) cover(s section, loaded uint64) {
	if g.memory == 0 {
		g.address, g.physical, g.offset = s.address, s.address-loaded, s.offset
	}
	g.memory = s.address + s.size - g.address
	if s.typ != typeNoBits {
		g.fileSize = g.memory
	}
}

// header fills in the first page.
func (x *image) header(file []byte, segments []segment, table uint64, sections int) {
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01")
	b.Write(make([]byte, 9))
	const executableType, machine = 2, 62
	for _, v := range []any{uint16(executableType), uint16(machine), uint32(1), x.entry, uint64(headerSize), table, uint32(0),
		uint16(headerSize), uint16(programHeaderSize), uint16(len(segments)), uint16(sectionHeaderSize), uint16(sections), uint16(sections - 1)} {
		put(&b, v)
	}
	for _, g := range segments {
		for _, v := range []any{g.typ, g.flags, g.offset, g.address, g.physical, g.fileSize, g.memory, g.align} {
			put(&b, v)
		}
	}
	copy(file, b.Bytes())
}

// stringTable is strings one after the other, each ended by a zero.
type stringTable struct {
	text    bytes.Buffer
	offsets map[string]int
}

func newStringTable() *stringTable {
	t := &stringTable{offsets: map[string]int{"": 0}}
	t.text.WriteByte(0)
	return t
}

// offset is where a string is, which is added if it is not there.
func (t *stringTable) offset(s string) int {
	at, ok := t.offsets[s]
	if !ok {
		at = t.text.Len()
		t.offsets[s] = at
		t.text.WriteString(s + "\x00")
	}
	return at
}

func (t *stringTable) bytes() []byte { return t.text.Bytes() }
