// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import (
	"fmt"
	"io"
	"slices"
)

// unitHeader is the header of a unit of .debug_info (DWARF 5, 7.5.1).
type unitHeader struct {
	start, end  uint64 // in .debug_info
	first       uint64 // of its first entry, from start
	version     int
	addressSize int
	offsetSize  int // 4, or 8 in the 64-bit format
	abbreviated uint64
}

// unit is one that was read.
type unit struct {
	*unitHeader
	data          []byte // all of it
	abbreviations *abbreviations
	stringOffsets uint64 // DW_AT_str_offsets_base
}

// Longest header: 12 bytes of length, 2 version, 1 type, 1 address size, 8
// abbreviations, 8 signature, 8 offset.
const headerMost = 40

// readHeaders goes from unit to unit. The first that makes no sense ends it,
// and the error says where; the ones before it are good.
func readHeaders(info *io.SectionReader) ([]unitHeader, error) {
	var units []unitHeader
	size := uint64(info.Size())
	for at := uint64(0); at < size; {
		var b [headerMost]byte
		n, err := info.ReadAt(b[:min(headerMost, size-at)], int64(at))
		if n == 0 && err != nil {
			return units, err
		}
		u, err := readHeader(b[:n], at, size)
		if err != nil {
			return units, err
		}
		units = append(units, u)
		at = u.end
	}
	return units, nil
}

// Kinds of units whose headers are longer (DWARF 5, 7.5.1.2 and 7.5.1.3).
const (
	unitType, unitSkeleton, unitSplitCompile, unitSplitType = 2, 4, 5, 6
)

func readHeader(b []byte, at, size uint64) (unitHeader, error) {
	c := cursor{b: b}
	u := unitHeader{start: at, offsetSize: 4}
	length := c.number(4)
	if length == 0xffffffff {
		u.offsetSize = 8
		length = c.number(8)
	}
	if length > size-at-uint64(c.at) {
		return u, fmt.Errorf("%w: the unit at .debug_info+%#x ends beyond the section", ErrMalformed, at)
	}
	u.end = at + uint64(c.at) + length
	u.version = int(c.number(2))
	if u.version < 2 || u.version > 5 {
		return u, fmt.Errorf("%w: the unit at .debug_info+%#x is of DWARF %d; 2 to 5 are known", ErrMalformed, at, u.version)
	}
	kind := uint64(0)
	if u.version == 5 {
		kind = c.u8()
		u.addressSize = int(c.u8())
		u.abbreviated = c.number(u.offsetSize)
	} else {
		u.abbreviated = c.number(u.offsetSize)
		u.addressSize = int(c.u8())
	}
	switch kind {
	case unitSkeleton, unitSplitCompile:
		c.take(8)
	case unitType, unitSplitType:
		c.take(8 + uint64(u.offsetSize))
	}
	u.first = uint64(c.at)
	if c.failed || u.start+u.first > u.end || u.addressSize > 8 {
		return u, fmt.Errorf("%w: the header of the unit at .debug_info+%#x", ErrMalformed, at)
	}
	return u, nil
}

// unitsKept is how many units stay in memory for the types in them.
const unitsKept = 16

// unitOf reads the unit that an offset in .debug_info is in.
func (d *dwarf) unitOf(at uint64) (*unit, error) {
	i, found := slices.BinarySearchFunc(d.headers, at, func(u unitHeader, at uint64) int {
		switch {
		case u.end <= at:
			return -1
		case u.start > at:
			return 1
		}
		return 0
	})
	if !found {
		return nil, fmt.Errorf("%w: no unit has .debug_info+%#x", ErrMalformed, at)
	}
	for _, u := range d.kept {
		if u.unitHeader == &d.headers[i] {
			return u, nil
		}
	}
	u, err := d.readUnit(i, nil)
	if err != nil {
		return nil, err
	}
	if len(d.kept) < unitsKept {
		d.kept = append(d.kept, u)
	} else {
		d.kept[d.oldest] = u
		d.oldest = (d.oldest + 1) % unitsKept
	}
	return u, nil
}

// readUnit reads unit i, into buffer if that is large enough.
func (d *dwarf) readUnit(i int, buffer []byte) (*unit, error) {
	u := &unit{unitHeader: &d.headers[i]}
	size := u.end - u.start
	if uint64(cap(buffer)) < size {
		buffer = make([]byte, size)
	}
	u.data = buffer[:size]
	if n, err := d.info.ReadAt(u.data, int64(u.start)); n < len(u.data) {
		return nil, fmt.Errorf("%w: .debug_info+%#x: %w", ErrMalformed, u.start, err)
	}
	if u.abbreviated > uint64(len(d.abbrev)) {
		return nil, fmt.Errorf("%w: the unit at .debug_info+%#x has its abbreviations beyond .debug_abbrev", ErrMalformed, u.start)
	}
	if d.lastAbbreviations != nil && d.lastAbbreviated == u.abbreviated && d.lastShape == u.shape() {
		u.abbreviations = d.lastAbbreviations // units may share them
	} else {
		u.abbreviations = u.readAbbreviations(d.abbrev[u.abbreviated:])
		d.lastAbbreviations, d.lastAbbreviated, d.lastShape = u.abbreviations, u.abbreviated, u.shape()
	}
	u.readBase()
	return u, nil
}

// shape is what the sizes of forms depend on.
func (u *unitHeader) shape() [3]int { return [3]int{u.version, u.addressSize, u.offsetSize} }

// readBase takes from the unit's own entry where its part of
// .debug_str_offsets is.
func (u *unit) readBase() {
	c := cursor{b: u.data, at: int(u.first)}
	a := u.abbreviations.find(c.uleb())
	if a == nil {
		return
	}
	for _, at := range a.attributes {
		v := u.read(&c, at)
		if at.name == attrStrOffsetsBase {
			u.stringOffsets = v.n
		}
	}
}

// text is the string that a value stands for.
func (d *dwarf) text(u *unit, v value) []byte {
	switch v.form {
	case formString:
		return v.bytes
	case formStrp:
		return textAt(d.str, v.n)
	case formStrx, formStrx1, formStrx2, formStrx3, formStrx4, formGNUStrIndex:
		size := uint64(len(d.strOffsets))
		if u.stringOffsets > size || v.n > size {
			return nil
		}
		at := u.stringOffsets + v.n*uint64(u.offsetSize)
		if at > size {
			return nil
		}
		c := cursor{b: d.strOffsets, at: int(at)}
		offset := c.number(u.offsetSize)
		if c.failed {
			return nil
		}
		return textAt(d.str, offset)
	}
	return nil
}
