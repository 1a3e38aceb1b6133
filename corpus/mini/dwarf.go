// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
)

// Of DWARF 5, chapter 7.5.
const (
	compileUnit = 0x01 // DW_UT_compile

	tagArray     = 0x01
	tagMember    = 0x0d
	tagPointer   = 0x0f
	tagUnit      = 0x11
	tagStructure = 0x13
	tagUnion     = 0x17
	tagSubrange  = 0x21
	tagBase      = 0x24
	tagVariable  = 0x34

	atLocation    = 0x02
	atName        = 0x03
	atByteSize    = 0x0b
	atLineProgram = 0x10
	atLowPC       = 0x11
	atLanguage    = 0x13
	atFolder      = 0x1b
	atProducer    = 0x25
	atCount       = 0x37
	atMember      = 0x38
	atDeclaration = 0x3c
	atEncoding    = 0x3e
	atType        = 0x49
	atRanges      = 0x55

	formAddress    = 0x01
	formData2      = 0x05
	formData8      = 0x07
	formData1      = 0x0b
	formReference  = 0x13 // DW_FORM_ref4
	formOffset     = 0x17 // DW_FORM_sec_offset
	formExpression = 0x18 // DW_FORM_exprloc
	formFlag       = 0x19 // DW_FORM_flag_present
	opAddress      = 0x03 // DW_OP_addr
	encodingBool   = 0x02
	encodingSigned = 0x05
	encodingChar   = 0x06
	encodingPlain  = 0x07
	assembler      = 0x8001 // DW_LANG_Mips_Assembler, which is what assembly is called
)

// entryKind is an abbreviation: what entries of one kind consist of.
type entryKind struct {
	tag, children int
	attributes    []int // pairs of an attribute and its form
}

// Codes of the abbreviations are their places in this list, from 1.
const (
	kindUnit = iota + 1
	kindBase
	kindPointer
	kindVoidPointer
	kindArray
	kindSubrange
	kindStructure
	kindUnion
	kindMember
	kindUnnamed
	kindForward
	kindVariable
)

var entryKinds = []entryKind{
	{tagUnit, 1, []int{atProducer, formString, atLanguage, formData2, atName, formString, atFolder, formString,
		atLowPC, formAddress, atRanges, formOffset, atLineProgram, formOffset}},
	{tagBase, 0, []int{atName, formString, atByteSize, formUnsigned, atEncoding, formData1}},
	{tagPointer, 0, []int{atByteSize, formUnsigned, atType, formReference}},
	{tagPointer, 0, []int{atByteSize, formUnsigned}},
	{tagArray, 1, []int{atType, formReference}},
	{tagSubrange, 0, []int{atType, formReference, atCount, formUnsigned}},
	{tagStructure, 1, []int{atName, formString, atByteSize, formUnsigned}},
	{tagUnion, 1, []int{atName, formString, atByteSize, formUnsigned}},
	{tagMember, 0, []int{atName, formString, atType, formReference, atMember, formUnsigned}},
	{tagMember, 0, []int{atType, formReference, atMember, formUnsigned}},
	{tagStructure, 0, []int{atName, formString, atDeclaration, formFlag}},
	{tagVariable, 0, []int{atName, formString, atType, formReference, atLocation, formExpression}},
}

// abbreviations are .debug_abbrev.
func abbreviations() []byte {
	var b bytes.Buffer
	for i, k := range entryKinds {
		unsigned(&b, uint64(i+1))
		unsigned(&b, uint64(k.tag))
		b.WriteByte(byte(k.children))
		for _, v := range k.attributes {
			unsigned(&b, uint64(v))
		}
		b.Write([]byte{0, 0})
	}
	b.WriteByte(0)
	return b.Bytes()
}

// variable is data with a type.
type variable struct {
	name    string
	of      *ctype
	address uint64
}

// span is a range of addresses.
type span struct{ start, size uint64 }

// rangesHeader is how long the header of .debug_rnglists is (DWARF 5, 7.28).
const rangesHeader = 12

// rangeLists are .debug_rnglists: where there is code.
func rangeLists(ranges []span) []byte {
	const startAndLength, endOfList = 7, 0
	var list, out bytes.Buffer
	put(&list, uint16(dwarfVersion))
	list.Write([]byte{8, 0, 0, 0, 0, 0}) // bytes of an address, of a segment's selector; no table of offsets
	for _, r := range ranges {
		list.WriteByte(startAndLength)
		put(&list, r.start)
		unsigned(&list, r.size)
	}
	list.WriteByte(endOfList)
	put(&out, uint32(list.Len()))
	out.Write(list.Bytes())
	return out.Bytes()
}

// debugInfo is .debug_info: one unit, which leads to the lines and has the
// types, for debuggers that don't read BTF.
type debugInfo struct {
	bytes.Buffer
	places map[*ctype]int // of types that are written
	fixes  []fix
}

// fix is where the place of a type has to be written when it is known.
type fix struct {
	at int
	of *ctype
}

func (t *types) debugInfo(variables []variable) []byte {
	d := &debugInfo{places: map[*ctype]int{}}
	put(d, uint32(0)) // the length, later
	put(d, uint16(dwarfVersion))
	d.Write([]byte{compileUnit, 8})
	put(d, uint32(0)) // .debug_abbrev's start
	unsigned(&d.Buffer, kindUnit)
	d.text("uklemu")
	put(d, uint16(assembler))
	d.text(folder)
	d.text(compiledHere)
	put(d, uint64(0))
	put(d, uint32(rangesHeader))
	put(d, uint32(0)) // .debug_line's start
	for _, c := range t.list {
		d.places[c] = d.Len()
		d.describe(t, c)
	}
	for _, v := range variables {
		unsigned(&d.Buffer, kindVariable)
		d.text(v.name)
		d.refer(v.of)
		d.Write([]byte{9, opAddress})
		put(d, v.address)
	}
	d.WriteByte(0) // the end of the unit's entries
	return d.fixed()
}

func (d *debugInfo) text(s string) { d.WriteString(s + "\x00") }

// refer writes the place of a type.
func (d *debugInfo) refer(c *ctype) {
	d.fixes = append(d.fixes, fix{d.Len(), c})
	put(d, uint32(0))
}

func (d *debugInfo) describe(t *types, c *ctype) {
	code := func(kind int) { unsigned(&d.Buffer, uint64(kind)) }
	switch {
	case c.kind == isInt:
		code(kindBase)
		d.text(c.name)
		unsigned(&d.Buffer, uint64(c.size))
		d.WriteByte(c.encoding())
	case c.kind == isPointer && c.to == nil:
		code(kindVoidPointer)
		unsigned(&d.Buffer, uint64(c.size))
	case c.kind == isPointer:
		code(kindPointer)
		unsigned(&d.Buffer, uint64(c.size))
		d.refer(c.to)
	case c.kind == isArray:
		code(kindArray)
		d.refer(c.to)
		code(kindSubrange)
		d.refer(t.byName["long unsigned int"])
		unsigned(&d.Buffer, uint64(c.count))
		d.WriteByte(0)
	case c.declared:
		code(kindForward)
		d.text(c.name)
	default:
		d.record(c, code)
	}
}

func (d *debugInfo) record(c *ctype, code func(int)) {
	code(map[typeKind]int{isStruct: kindStructure, isUnion: kindUnion}[c.kind])
	d.text(c.name)
	unsigned(&d.Buffer, uint64(c.size))
	for _, m := range c.members {
		if m.name == "" {
			code(kindUnnamed)
		} else {
			code(kindMember)
			d.text(m.name)
		}
		d.refer(m.of)
		unsigned(&d.Buffer, uint64(m.offset))
	}
	d.WriteByte(0)
}

func (c *ctype) encoding() byte {
	switch {
	case c.boolean:
		return encodingBool
	case c.char:
		return encodingChar
	case c.signed:
		return encodingSigned
	}
	return encodingPlain
}

// fixed fills in what was not known.
func (d *debugInfo) fixed() []byte {
	b := d.Bytes()
	little := func(at, v int) {
		for i := range 4 {
			b[at+i] = byte(v >> (8 * i))
		}
	}
	for _, f := range d.fixes {
		little(f.at, d.places[f.of])
	}
	little(0, len(b)-4)
	return b
}
