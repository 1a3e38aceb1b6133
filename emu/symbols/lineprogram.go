// SPDX-License-Identifier: GPL-2.0-or-later

package symbols

import (
	"fmt"
	"math"
)

// lineProgram is one unit of .debug_line, versions 2 to 5 (DWARF 5, 6.2.4).
type lineProgram struct {
	version     uint16
	is64        bool
	minimum     uint64 // minimum_instruction_length
	lineBase    int8
	lineRange   uint8
	opcodeBase  uint8
	lengths     []byte // standard_opcode_lengths
	unit        *lineUnit
	code        cursor
	lineStrings string
	strings     string
	left        *budget
}

// budget bounds what all units together may come to. A distribution's kernel
// has 25 million rows and a million names.
type budget struct{ rows, names int }

var mostLines = budget{rows: 48 << 20, names: 8 << 20}

// decodeLines decodes every unit. A unit that can't be decoded is left out,
// as are those behind one whose length is wrong; if none is left, that is an
// error.
func decodeLines(debugLine []byte, lineStrings, strings string) (*lineTable, error) {
	var sequences []sequence
	section, left := cursor{b: debugLine}, mostLines
	for units := 0; len(section.b) > 0; units++ {
		length, is64 := uint64(section.u32()), false
		if length == math.MaxUint32 { // DWARF 5, 7.4: the 64-bit format
			length, is64 = section.u64(), true
		}
		body := section.take(length)
		if section.failed {
			if units == 0 {
				return nil, fmt.Errorf("%w: .debug_line begins with a unit of %d bytes and has %d", ErrMalformed, length, len(debugLine))
			}
			break
		}
		p := lineProgram{is64: is64, lineStrings: lineStrings, strings: strings, left: &left}
		if p.header(cursor{b: body}) {
			sequences = append(sequences, p.run()...)
		}
		if left.rows < 0 || left.names < 0 {
			return nil, fmt.Errorf("%w: .debug_line has more than %d rows or %d names", ErrMalformed, mostLines.rows, mostLines.names)
		}
	}
	return sorted(sequences), nil
}

// header reads the header and leaves the program in p.code.
func (p *lineProgram) header(c cursor) bool {
	p.version = c.u16()
	if p.version < 2 || p.version > 5 {
		return false
	}
	if p.version == 5 {
		address, segment := c.u8(), c.u8()
		if address != 8 || segment != 0 {
			return false
		}
	}
	h := cursor{b: c.take(c.offset(p.is64))}
	p.code = c
	p.minimum = uint64(h.u8())
	if p.version >= 4 {
		h.u8() // maximum_operations_per_instruction: 1 but for VLIW
	}
	h.u8() // default_is_stmt
	p.lineBase = int8(h.u8())
	p.lineRange = h.u8()
	p.opcodeBase = h.u8()
	if c.failed || h.failed || p.lineRange == 0 || p.opcodeBase == 0 {
		return false
	}
	p.lengths = h.take(uint64(p.opcodeBase) - 1)
	p.unit = &lineUnit{}
	if p.version == 5 {
		p.namesV5(&h)
	} else {
		p.namesV4(&h)
	}
	return !h.failed
}

// namesV4 reads include_directories and file_names of versions 2 to 4. File
// numbers begin at 1, and folder 0 is the compilation's, which only the
// unit's entry in .debug_info names.
func (p *lineProgram) namesV4(h *cursor) {
	p.unit.folders = []string{""}
	for name := h.text(); name != ""; name = h.text() {
		p.unit.folders = append(p.unit.folders, name)
	}
	p.unit.files = []lineFile{{name: "?"}}
	for name := h.text(); name != ""; name = h.text() {
		p.unit.files = append(p.unit.files, lineFile{name, h.uleb()})
		h.uleb() // time
		h.uleb() // length
	}
}

// Content types and forms of version 5 (DWARF 5, 7.22 and 7.5.6).
const (
	contentPath   = 1
	contentFolder = 2

	formData2    = 0x05
	formData4    = 0x06
	formData8    = 0x07
	formString   = 0x08
	formBlock    = 0x09
	formData1    = 0x0b
	formStrp     = 0x0e
	formUdata    = 0x0f
	formData16   = 0x1e
	formLineStrp = 0x1f
)

// namesV5 reads the two tables of version 5, which say themselves what their
// columns are.
func (p *lineProgram) namesV5(h *cursor) {
	for _, f := range p.entries(h) {
		p.unit.folders = append(p.unit.folders, f.name)
	}
	p.unit.files = p.entries(h)
}

func (p *lineProgram) entries(h *cursor) []lineFile {
	type column struct{ content, form uint64 }
	var columns []column
	for range h.u8() {
		columns = append(columns, column{h.uleb(), h.uleb()})
	}
	count := h.uleb()
	// An entry is at least a byte, or the count could be anything.
	if count > uint64(len(h.b)) || count > 0 && len(columns) == 0 {
		h.failed = true
		return nil
	}
	if p.left.names -= int(count); p.left.names < 0 {
		h.failed = true
		return nil
	}
	var files []lineFile
	for range count {
		var f lineFile
		for _, c := range columns {
			text, number := p.value(h, c.form)
			switch c.content {
			case contentPath:
				f.name = text
			case contentFolder:
				f.folder = number
			}
		}
		if h.failed {
			return nil
		}
		files = append(files, f)
	}
	return files
}

func (p *lineProgram) value(h *cursor, form uint64) (string, uint64) {
	switch form {
	case formString:
		return h.text(), 0
	case formLineStrp:
		return textAt(p.lineStrings, h.offset(p.is64)), 0
	case formStrp:
		return textAt(p.strings, h.offset(p.is64)), 0
	case formUdata:
		return "", h.uleb()
	case formData1:
		return "", uint64(h.u8())
	case formData2:
		return "", uint64(h.u16())
	case formData4:
		return "", uint64(h.u32())
	case formData8:
		return "", h.u64()
	case formData16:
		h.take(16) // an MD5 sum
	case formBlock:
		h.take(h.uleb())
	default:
		h.failed = true
	}
	return "", 0
}
