// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

// entry is the attributes of an entry of .debug_info that matter to types.
type entry struct {
	name        value
	size        int64
	declaration bool
	sibling     uint64 // from the start of the unit; 0 if it is not given
	line        uint64
	encoding    uint64
	typ         ref
	constant    uint64 // DW_AT_const_value

	count, upper       int64 // of a subrange
	hasCount, hasUpper bool

	location, bitSize      int64 // of a member
	dataBit, bit           int64 // from the start, and as before DWARF 4: from the top of the storage
	hasDataBit, hasOldBits bool
}

// readEntry reads the attributes of an entry whose abbreviation is a.
func (u *unit) readEntry(c *cursor, a *abbreviation) entry {
	var e entry
	for _, at := range a.attributes {
		v := u.read(c, at)
		switch at.name {
		case attrName:
			e.name = v
		case attrByteSize:
			e.size = v.number()
		case attrDeclaration:
			e.declaration = v.n != 0
		case attrSibling:
			if r := u.reference(v); r.known && r.at > u.start && r.at <= u.end {
				e.sibling = r.at - u.start
			}
		case attrDeclLine:
			e.line = v.n
		case attrEncoding:
			e.encoding = v.n
		case attrType:
			e.typ = u.reference(v)
		case attrConstValue:
			e.constant = v.n
		case attrCount:
			e.count, e.hasCount = v.number(), v.bytes == nil
		case attrUpperBound:
			e.upper, e.hasUpper = v.number(), v.bytes == nil && !v.isReference()
		case attrMemberLocation:
			e.location = v.number()
		case attrBitSize:
			e.bitSize = v.number()
		case attrDataBitOffset:
			e.dataBit, e.hasDataBit = v.number(), true
		case attrBitOffset:
			e.bit, e.hasOldBits = v.number(), true
		}
	}
	return e
}

// number is that of a constant, or of a location that adds one, as DWARF 2
// writes the places of members.
func (v value) number() int64 {
	if v.bytes == nil {
		return int64(v.n)
	}
	c := cursor{b: v.bytes}
	if c.u8() != opPlusUconst {
		return 0
	}
	return int64(c.uleb())
}

func (v value) isReference() bool {
	switch v.form {
	case formRef1, formRef2, formRef4, formRef8, formRefUdata, formRefAddr, formRefSig8:
		return true
	}
	return false
}

// reference makes an offset into .debug_info of a reference. Those into other
// files are not known.
func (u *unit) reference(v value) ref {
	switch v.form {
	case formRef1, formRef2, formRef4, formRef8, formRefUdata:
		return ref{at: u.start + v.n, known: v.n < u.end-u.start}
	case formRefAddr:
		return ref{at: v.n, known: true}
	}
	return ref{}
}

// skipAttributes goes to the end of an entry's attributes.
func (u *unit) skipAttributes(c *cursor, a *abbreviation) {
	if a.fixed >= 0 {
		c.take(uint64(a.fixed))
		return
	}
	for _, at := range a.attributes {
		if at.size >= 0 {
			c.take(uint64(at.size))
		} else {
			u.read(c, at)
		}
	}
}

// skipEntry goes to the end of an entry and of all that is below it.
func (u *unit) skipEntry(c *cursor, a *abbreviation) {
	if !a.children || !a.sibling {
		u.skipAttributes(c, a)
		u.skipChildren(c, a, 0)
		return
	}
	sibling := uint64(0)
	for _, at := range a.attributes {
		v := u.read(c, at)
		if at.name != attrSibling {
			continue
		}
		if sibling = u.reference(v).at - u.start; int(min(sibling, uint64(len(c.b)))) >= c.at {
			break
		}
	}
	u.skipChildren(c, a, sibling)
}

// skipChildren goes from the end of an entry's attributes to the end of what is
// below it: by its sibling if that lies ahead.
func (u *unit) skipChildren(c *cursor, a *abbreviation, sibling uint64) {
	if !a.children {
		return
	}
	if sibling > uint64(c.at) && sibling <= uint64(len(c.b)) {
		c.at = int(sibling)
		return
	}
	for depth := 1; depth > 0 && !c.failed; {
		code := c.uleb()
		if code == 0 {
			depth--
			continue
		}
		below := u.abbreviations.find(code)
		if below == nil {
			c.fail()
			return
		}
		u.skipAttributes(c, below)
		if below.children {
			depth++
		}
	}
}

// next reads an entry and goes to its sibling; false at the end of the list.
func (u *unit) next(c *cursor) (tag uint64, e entry, ok bool) {
	code := c.uleb()
	if code == 0 || c.failed {
		return 0, e, false
	}
	a := u.abbreviations.find(code)
	if a == nil {
		return 0, e, false
	}
	e = u.readEntry(c, a)
	u.skipChildren(c, a, e.sibling)
	return a.tag, e, !c.failed
}
