// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"bytes"
	"encoding/binary"
)

// elfWriter writes ELF files, odd ones too: every field can be given a wrong
// value after the right one.
type elfWriter struct {
	is32     bool
	machine  uint16
	typ      uint16
	entry    uint64
	segments []testSegment
	// patch changes the finished file.
	patch func(b []byte)
	// cut, if not 0, shortens it.
	cut int
}

type testSegment struct {
	typ               uint32 // 0 is PT_LOAD
	flags             uint32
	virtual, physical uint64
	data              []byte
	size              uint64 // p_memsz; 0 is len(data)
}

// vmlinux is the smallest image that passes for an x86-64 Linux: linked
// high, loaded at 16 MiB, with the banner, the note that Linux leaves and
// the PVH entry that it offers.
func vmlinux() elfWriter {
	text := append([]byte{0xf4}, "\x00Linux version 6.1.0-test (someone@somewhere) #1\n\x00"...)
	return elfWriter{
		entry: 0x1000000,
		segments: []testSegment{
			{flags: 5, virtual: 0xffffffff81000000, physical: 0x1000000, data: text},
			{flags: 6, virtual: 0xffffffff81200000, physical: 0x1200000, data: []byte("data"), size: 0x5000},
			{typ: segmentNote, data: append(elfNote("Linux", 0x100, []byte{0, 0, 0, 0}), elfNote("Xen", xenPhys32Entry, le64(0x1000000))...)},
		},
	}
}

// freestanding is an ELF64 that follows no protocol.
func freestanding() elfWriter {
	return elfWriter{entry: 0x200000, segments: []testSegment{{flags: 5, virtual: 0x200000, physical: 0x200000, data: []byte{0xf4}}}}
}

func elfNote(name string, typ uint32, desc []byte) []byte {
	var b bytes.Buffer
	pad := func() {
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	b.Write(le32(uint32(len(name) + 1)))
	b.Write(le32(uint32(len(desc))))
	b.Write(le32(typ))
	b.WriteString(name + "\x00")
	pad()
	b.Write(desc)
	pad()
	return b.Bytes()
}

func le16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
func le64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// bytes lays the file out: header, program headers, contents.
func (w elfWriter) bytes() []byte {
	lay, class := elf64, byte(2)
	word := func(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }
	machine := uint16(machineX8664)
	if w.is32 {
		lay, class, machine = elf32, 1, machine386
		word = func(b []byte, v uint64) { binary.LittleEndian.PutUint32(b, uint32(v)) }
	}
	if w.machine != 0 {
		machine = w.machine
	}
	typ := uint16(typeExecutable)
	if w.typ != 0 {
		typ = w.typ
	}
	le := binary.LittleEndian
	file := make([]byte, lay.header+len(w.segments)*lay.programHeader)
	copy(file, elfMagic)
	file[4], file[5], file[6] = class, littleEndian, currentVersion
	le.PutUint16(file[16:], typ)
	le.PutUint16(file[18:], machine)
	le.PutUint32(file[20:], 1)
	word(file[lay.entry:], w.entry)
	word(file[lay.phoff:], uint64(lay.header))
	le.PutUint16(file[lay.phentsize:], uint16(lay.programHeader))
	le.PutUint16(file[lay.phnum:], uint16(len(w.segments)))
	for i, s := range w.segments {
		offset := len(file)
		file = append(file, s.data...)
		for len(file)%4 != 0 {
			file = append(file, 0)
		}
		b := file[lay.header+i*lay.programHeader:]
		if s.typ == 0 {
			s.typ = segmentLoad
		}
		if s.size == 0 {
			s.size = uint64(len(s.data))
		}
		le.PutUint32(b, s.typ)
		le.PutUint32(b[lay.flags:], s.flags)
		word(b[lay.offset:], uint64(offset))
		word(b[lay.vaddr:], s.virtual)
		word(b[lay.paddr:], s.physical)
		word(b[lay.fsize:], uint64(len(s.data)))
		word(b[lay.msiz:], s.size)
	}
	if w.patch != nil {
		w.patch(file)
	}
	if w.cut != 0 {
		file = file[:w.cut]
	}
	return file
}

// with returns a copy of w after change.
func (w elfWriter) with(change func(*elfWriter)) []byte {
	w.segments = append([]testSegment(nil), w.segments...)
	change(&w)
	return w.bytes()
}

// patched returns the file with bytes replaced at offset.
func (w elfWriter) patched(offset int, with ...byte) []byte {
	w.patch = func(b []byte) { copy(b[offset:], with) }
	return w.bytes()
}

// patchedHeader replaces bytes of program header n (ELF64).
func (w elfWriter) patchedHeader(n, offset int, with []byte) []byte {
	return w.patched(elf64.header+n*elf64.programHeader+offset, with...)
}
