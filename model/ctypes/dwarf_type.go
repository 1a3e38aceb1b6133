// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import "fmt"

// node reads the type at an offset of .debug_info.
func (d *dwarf) node(at uint64) (node, error) {
	u, err := d.unitOf(at)
	if err != nil {
		return node{}, err
	}
	c := cursor{b: u.data, at: int(at - u.start)}
	a := u.abbreviations.find(c.uleb())
	if a == nil {
		return node{}, fmt.Errorf("%w: .debug_info+%#x is no entry", ErrMalformed, at)
	}
	e := u.readEntry(&c, a)
	if c.failed {
		return node{}, fmt.Errorf("%w: the entry at .debug_info+%#x", ErrMalformed, at)
	}
	n := node{Type: Type{Name: string(d.text(u, e.name)), Size: e.size}, next: e.typ, declaration: e.declaration}
	switch a.tag {
	case tagStructure, tagClass:
		n.Kind = Struct
	case tagUnion:
		n.Kind = Union
	case tagEnumeration:
		n.Kind = Enum
	case tagBase:
		n.number(e.encoding)
	case tagPointer, tagReference:
		n.Kind = Pointer
		if n.Size == 0 {
			n.Size = int64(u.addressSize)
		}
	case tagArray:
		n.Kind = Array
	case tagSubroutine:
		n.Kind, n.Size = Function, 0
	case tagTypedef, tagConst, tagVolatile, tagRestrict, tagAtomic, tagPacked:
		n.modifier = true
	case tagUnspecified:
		n.Kind = Void
	}
	if a.children {
		d.children(u, &c, &n)
	}
	return n, nil
}

// number fills in what an encoding says (DWARF 5, 7.8).
func (n *node) number(encoding uint64) {
	n.Kind = Int
	switch encoding {
	case encodingFloat:
		n.Kind = Float
	case encodingSigned, encodingSignedChar:
		n.Signed = true
	case encodingBoolean, encodingUnsigned, encodingUnsignedChar, encodingUTF:
	default:
		n.Kind = Unknown
	}
}

// children reads what is below a type: members, values, dimensions.
func (d *dwarf) children(u *unit, c *cursor, n *node) {
	switch n.Kind {
	case Struct, Union, Enum, Array:
	default:
		return
	}
	n.Count = 1
	dimensions := 0
	for {
		tag, e, ok := u.next(c)
		if !ok {
			break
		}
		switch {
		case tag == tagMember && (n.Kind == Struct || n.Kind == Union) && !e.declaration:
			n.Members = append(n.Members, d.member(u, e))
		case tag == tagEnumerator && n.Kind == Enum:
			v := Value{string(d.text(u, e.name)), int64(e.constant)}
			n.Signed = n.Signed || v.Value < 0
			n.Values = append(n.Values, v)
		case tag == tagSubrange && n.Kind == Array:
			dimensions++
			n.Count = product(n.Count, e.length())
		}
	}
	if n.Kind != Array || dimensions == 0 {
		n.Count = 0
	}
}

// length is the number of elements that a subrange says, 0 if it says none.
func (e entry) length() int64 {
	switch {
	case e.hasCount && e.count > 0:
		return e.count
	case e.hasUpper && e.upper >= 0 && e.upper < 1<<62:
		return e.upper + 1 // -1 is how GCC writes a length of 0
	}
	return 0
}

func (d *dwarf) member(u *unit, e entry) Member {
	m := Member{Name: string(d.text(u, e.name)), typ: e.typ, Offset: e.location, BitSize: e.bitSize}
	switch {
	case e.bitSize == 0:
		return m
	case e.hasDataBit:
		m.setBits(e.location*8 + e.dataBit)
	case e.hasOldBits:
		// DWARF 3, 5.6.6: counted from the most significant bit of the
		// storage unit.
		storage := e.size
		if storage == 0 {
			storage = d.storage(e.typ)
		}
		m.setBits(e.location*8 + storage*8 - e.bit - e.bitSize)
	default:
		m.setBits(e.location * 8)
	}
	return m
}

// storage is the size of a number, through typedefs.
func (d *dwarf) storage(r ref) int64 {
	for range hopsMost {
		if !r.known {
			return 0
		}
		u, err := d.unitOf(r.at)
		if err != nil {
			return 0
		}
		c := cursor{b: u.data, at: int(r.at - u.start)}
		a := u.abbreviations.find(c.uleb())
		if a == nil {
			return 0
		}
		e := u.readEntry(&c, a)
		if e.size != 0 {
			return e.size
		}
		r = e.typ
	}
	return 0
}
