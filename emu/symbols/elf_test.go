// SPDX-License-Identifier: GPL-2.0-or-later

package symbols

import (
	"bytes"
	"encoding/binary"
)

// testSection is a section of a test image.
type testSection struct {
	name    string
	typ     uint32
	flags   uint64
	address uint64
	link    uint32
	info    uint32
	size    uint64 // of SHT_NOBITS, or a lie if not 0
	data    []byte
}

type testSymbol struct {
	name          string
	info          byte // binding << 4 | type
	section       uint16
	address, size uint64
}

const (
	progbits, symtab, strtab, nobits = 1, 2, 3, 8
	local, global, weak              = 0 << 4, 1 << 4, 2 << 4
	notype, object, function, file   = 0, 1, 2, 4
	absolute                         = 0xfff1
	alloc, exec                      = 2, 4
)

// elfImage writes an ELF64 with the sections, numbered from 1, and the
// symbols.
func elfImage(sections []testSection, symbols []testSymbol) []byte {
	names := []byte{0}
	table := make([]byte, 24)
	for _, s := range symbols {
		table = binary.LittleEndian.AppendUint32(table, uint32(len(names)))
		table = append(table, s.info, 0)
		table = binary.LittleEndian.AppendUint16(table, s.section)
		table = binary.LittleEndian.AppendUint64(table, s.address)
		table = binary.LittleEndian.AppendUint64(table, s.size)
		names = append(append(names, s.name...), 0)
	}
	all := append([]testSection{{}}, sections...)
	if symbols != nil {
		all = append(all, testSection{name: ".symtab", typ: symtab, link: uint32(len(all) + 1), info: 1, data: table},
			testSection{name: ".strtab", typ: strtab, data: names})
	}
	all = append(all, testSection{name: ".shstrtab", typ: strtab})
	var titles bytes.Buffer
	starts := make([]uint32, len(all))
	for i, s := range all {
		starts[i] = uint32(titles.Len())
		titles.WriteString(s.name + "\x00")
	}
	all[len(all)-1].data = titles.Bytes()

	b := make([]byte, 64)
	var headers []byte
	for i, s := range all {
		size := uint64(len(s.data))
		if s.size != 0 {
			size = s.size
		}
		for _, v := range []uint32{starts[i], s.typ} {
			headers = binary.LittleEndian.AppendUint32(headers, v)
		}
		for _, v := range []uint64{s.flags, s.address, uint64(len(b)), size} {
			headers = binary.LittleEndian.AppendUint64(headers, v)
		}
		for _, v := range []uint32{s.link, s.info} {
			headers = binary.LittleEndian.AppendUint32(headers, v)
		}
		entry := uint64(0)
		if s.typ == symtab {
			entry = 24
		}
		headers = binary.LittleEndian.AppendUint64(headers, 1)
		headers = binary.LittleEndian.AppendUint64(headers, entry)
		b = append(b, s.data...)
	}
	le := binary.LittleEndian
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], 2)
	le.PutUint16(b[18:], 62)
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[40:], uint64(len(b)))
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[58:], 64)
	le.PutUint16(b[60:], uint16(len(all)))
	le.PutUint16(b[62:], uint16(len(all)-1))
	return append(b, headers...)
}
