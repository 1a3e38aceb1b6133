// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import (
	"fmt"
	"io"
)

// DWARF is the sections that types are described in. StrOffsets may be nil, of
// most images.
type DWARF struct {
	Info                    *io.SectionReader // .debug_info
	Abbrev, Str, StrOffsets []byte            // .debug_abbrev, .debug_str, .debug_str_offsets
}

// dwarf reads types from .debug_info.
type dwarf struct {
	info                    *io.SectionReader
	abbrev, str, strOffsets []byte
	headers                 []unitHeader
	headersError            error

	kept   []*unit
	oldest int // in kept
	// The last table of abbreviations that was read, and from where.
	lastAbbreviations *abbreviations
	lastAbbreviated   uint64
	lastShape         [3]int

	index
	scanned int    // how many of headers are in the index
	buffer  []byte // of the unit that is scanned
	work    uint64 // bytes of abbreviations that the scan has read
}

// FromDWARF makes the types that DWARF versions 2 to 5 describe. Nothing but
// the headers of the units is read here. The error is ErrNoTypes or
// ErrMalformed.
func FromDWARF(s DWARF) (*Types, error) {
	if s.Info == nil || s.Info.Size() == 0 {
		return nil, ErrNoTypes
	}
	d := &dwarf{info: s.Info, abbrev: s.Abbrev, str: s.Str, strOffsets: s.StrOffsets, index: newIndex()}
	d.headers, d.headersError = readHeaders(s.Info)
	if len(d.headers) == 0 {
		return nil, d.headersError
	}
	return newTypes("DWARF", d), nil
}

// more indexes the next unit; false if there is none.
func (d *dwarf) more() (bool, error) {
	if d.scanned == len(d.headers) {
		return false, d.headersError
	}
	i := d.scanned
	d.scanned++
	u, err := d.readUnit(i, d.buffer)
	if err != nil {
		return true, err
	}
	d.buffer = u.data
	// A table serves one unit, or several in a row. That all of them overlap is
	// an attempt to keep us busy.
	if d.work += uint64(u.abbreviations.length); d.work > 64<<20+16*uint64(len(d.abbrev)) {
		d.scanned = len(d.headers)
		return false, fmt.Errorf("%w: the abbreviations of the units overlap", ErrMalformed)
	}
	if u.data = u.data[:u.end-u.start]; !d.scan(u) {
		return true, fmt.Errorf("%w: the unit at .debug_info+%#x", ErrMalformed, u.start)
	}
	return true, nil
}

// scan indexes the types at the top of a unit. Those in functions and
// namespaces are not looked at.
func (d *dwarf) scan(u *unit) bool {
	c := cursor{b: u.data, at: int(u.first)}
	top := u.abbreviations.find(c.uleb())
	if top == nil {
		return false
	}
	u.skipAttributes(&c, top)
	if !top.children {
		return !c.failed
	}
	for !c.failed && c.at < len(c.b) {
		at := u.start + uint64(c.at)
		code := c.uleb()
		if code == 0 {
			return !c.failed
		}
		a := u.abbreviations.find(code)
		if a == nil {
			return false
		}
		if class := classOf(a.tag); class != noClass {
			d.scanType(u, &c, a, class, at)
			continue
		}
		u.skipEntry(&c, a)
	}
	return !c.failed
}

// scanType reads an entry of a type with a name and adds it to the index.
func (d *dwarf) scanType(u *unit, c *cursor, a *abbreviation, class class, at uint64) {
	e := u.readEntry(c, a)
	children := c.at
	u.skipChildren(c, a, e.sibling)
	if c.failed || e.declaration {
		return
	}
	def := definition{at: at, size: e.size, line: uint32(e.line)}
	name := d.text(u, e.name)
	if class != enumClass {
		if len(name) > 0 {
			d.add(class, name, def)
		}
		return
	}
	if !a.children {
		return
	}
	// An enumeration without a name is known by its first value's.
	inner := cursor{b: u.data, at: children}
	key := name
	if len(key) == 0 {
		if _, first, ok := u.next(&inner); ok {
			key = append([]byte{0}, d.text(u, first.name)...)
		}
		inner = cursor{b: u.data, at: children}
	}
	if !d.add(class, key, def) {
		return
	}
	for {
		tag, e, ok := u.next(&inner)
		if !ok {
			return
		}
		if tag == tagEnumerator {
			d.addValue(d.text(u, e.name), int64(e.constant))
		}
	}
}

func classOf(tag uint64) class {
	switch tag {
	case tagStructure, tagUnion, tagClass:
		return structClass
	case tagEnumeration:
		return enumClass
	case tagTypedef:
		return typedefClass
	case tagBase:
		return baseClass
	}
	return noClass
}
