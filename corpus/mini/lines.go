// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
	"path"
	"slices"

	"github.com/uklemu/uklemu/asm"
)

// Of DWARF 5, chapters 6.2 and 7.22.
const (
	dwarfVersion = 5

	contentPath   = 1 // DW_LNCT_path
	contentFolder = 2 // DW_LNCT_directory_index
	formString    = 0x08
	formUnsigned  = 0x0f // DW_FORM_udata

	lineBase   = -5
	lineRange  = 14
	opcodeBase = 13

	opCopy       = 1
	opAdvancePC  = 2
	opAdvance    = 3
	opSetFile    = 4
	extended     = 0
	endSequence  = 1
	setAddress   = 2
	compiledHere = "." // where the compiler ran: nowhere that anybody else has
)

// standardLengths are how many operands the standard opcodes have.
var standardLengths = [opcodeBase - 1]byte{0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1}

// lineSection is .debug_line: which line of the sources each instruction comes
// from, before templates were expanded.
func (x *image) lineSection(code *asm.Code, p *program) []byte {
	var header bytes.Buffer
	header.Write([]byte{1, 1, 1, lineBase & 0xff, lineRange, opcodeBase})
	header.Write(standardLengths[:])
	folders := []string{compiledHere}
	for _, name := range p.files {
		if dir := path.Dir(name); !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	header.Write([]byte{1, contentPath, formString})
	unsigned(&header, uint64(len(folders)))
	for _, name := range folders {
		header.WriteString(name + "\x00")
	}
	header.Write([]byte{2, contentPath, formString, contentFolder, formUnsigned})
	unsigned(&header, uint64(len(p.files)))
	for _, name := range p.files {
		header.WriteString(path.Base(name) + "\x00")
		unsigned(&header, uint64(slices.Index(folders, path.Dir(name))))
	}

	var body bytes.Buffer
	put(&body, uint16(dwarfVersion))
	body.Write([]byte{8, 0}) // bytes of an address, of a segment's selector
	put(&body, uint32(header.Len()))
	body.Write(header.Bytes())
	for _, s := range code.Sections {
		if x.executes(s.Name) {
			lineSequence(&body, s, code, p)
		}
	}
	var out bytes.Buffer
	put(&out, uint32(body.Len()))
	out.Write(body.Bytes())
	return out.Bytes()
}

// executes says whether a section of the sources is code.
func (x *image) executes(name string) bool {
	return slices.ContainsFunc(x.script, func(s placed) bool {
		return s.flags&flagExecute != 0 && slices.ContainsFunc(s.pieces, func(p piece) bool { return p.name == name })
	})
}

// lineSequence is the program for one section of the sources.
func lineSequence(b *bytes.Buffer, s asm.Section, code *asm.Code, p *program) {
	if len(s.Bytes) == 0 {
		return
	}
	b.Write([]byte{extended, 9, setAddress})
	put(b, s.Address)
	address, file, line := s.Address, 1, 1 // as the standard has them at the start
	var last place
	for _, one := range code.Lines {
		from := p.lines[one.Line-1]
		if one.Section != s.Name || from == last {
			continue
		}
		last = from
		if from.file != file {
			b.WriteByte(opSetFile)
			unsigned(b, uint64(from.file))
		}
		row(b, one.Address-address, from.line-line)
		address, file, line = one.Address, from.file, from.line
	}
	b.WriteByte(opAdvancePC)
	unsigned(b, s.Address+uint64(len(s.Bytes))-address)
	b.Write([]byte{extended, 1, endSequence})
}

// row goes on by so much and makes a row: in one byte where that does it.
func row(b *bytes.Buffer, by uint64, lines int) {
	if lines < lineBase || lines >= lineBase+lineRange {
		b.WriteByte(opAdvance)
		signed(b, lines)
		lines = 0
	}
	if most := uint64(255-opcodeBase-(lines-lineBase)) / lineRange; by > most {
		b.WriteByte(opAdvancePC)
		unsigned(b, by)
		by = 0
	}
	b.WriteByte(byte(lines - lineBase + lineRange*int(by) + opcodeBase))
}

// unsigned and signed write LEB128 numbers (DWARF 5, 7.6).
func unsigned(b *bytes.Buffer, v uint64) {
	for v >= 0x80 {
		b.WriteByte(byte(v) | 0x80)
		v >>= 7
	}
	b.WriteByte(byte(v))
}

func signed(b *bytes.Buffer, v int) {
	for v < -0x40 || v >= 0x40 {
		b.WriteByte(byte(v)&0x7f | 0x80)
		v >>= 7
	}
	b.WriteByte(byte(v) & 0x7f)
}
