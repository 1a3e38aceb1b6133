// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import (
	"encoding/binary"
	"fmt"
)

// node reads the type of an id.
func (s *btf) node(id uint64) (node, error) {
	t, err := s.byID(id)
	if err != nil {
		return node{}, err
	}
	n := node{Type: Type{Name: string(textAt(s.strings, uint64(t.name)))}}
	switch t.kind {
	case btfInt:
		n.Kind, n.Size = Int, int64(t.size)
		n.Signed = binary.LittleEndian.Uint32(t.body)>>24&1 != 0
	case btfFloat:
		n.Kind, n.Size = Float, int64(t.size)
	case btfPtr:
		n.Kind, n.Size, n.next = Pointer, 8, typeID(t.size)
	case btfArray:
		n.Kind, n.next = Array, typeID(binary.LittleEndian.Uint32(t.body))
		n.Count = int64(binary.LittleEndian.Uint32(t.body[8:]))
	case btfStruct, btfUnion:
		n.Kind, n.Size = Struct, int64(t.size)
		if t.kind == btfUnion {
			n.Kind = Union
		}
		n.Members = s.members(t)
	case btfEnum, btfEnum64:
		n.Kind, n.Size, n.Values = Enum, int64(t.size), s.values(t)
		for _, v := range n.Values {
			n.Signed = n.Signed || v.Value < 0
		}
	case btfFwd:
		n.Kind, n.declaration = Struct, true
		if t.flag {
			n.Kind = Union
		}
	case btfTypedef, btfVolatile, btfConst, btfRestrict, btfTypeTag:
		n.modifier, n.next = true, typeID(t.size)
	case btfFuncProto:
		n.Kind = Function
	}
	return n, nil
}

func typeID(id uint32) ref { return ref{at: uint64(id), known: id != 0} }

func (s *btf) byID(id uint64) (btfType, error) {
	if id == 0 || id >= uint64(len(s.places)) {
		return btfType{}, fmt.Errorf("%w: .BTF has no type %d, but %d of them", ErrMalformed, id, len(s.places)-1)
	}
	t, _, err := s.decode(int(s.places[id]))
	return t, err
}

// members are those of a structure (struct btf_member). With kind_flag, the
// size of a bit field is in the upper byte of its place; without, a bit field
// is a member whose number has fewer bits than bytes (btf.rst, 2.2.4).
func (s *btf) members(t btfType) []Member {
	members := make([]Member, t.length)
	le := binary.LittleEndian
	for i := range members {
		b := t.body[12*i:]
		place := le.Uint32(b[8:])
		m := Member{Name: string(textAt(s.strings, uint64(le.Uint32(b)))), typ: typeID(le.Uint32(b[4:]))}
		if t.flag {
			m.BitSize, place = int64(place>>24), place&0xffffff
		} else if skip, bits := s.fieldBits(m.typ); bits != 0 {
			m.BitSize, place = bits, place+skip
		}
		m.setBits(int64(place))
		if m.BitSize == 0 {
			m.BitOffset = 0
		}
		members[i] = m
	}
	return members
}

// fieldBits is where in its storage the bits of a number are, and how many, if
// these are not all.
func (s *btf) fieldBits(r ref) (skip uint32, bits int64) {
	for range hopsMost {
		t, err := s.byID(r.at)
		if err != nil {
			return 0, 0
		}
		switch t.kind {
		case btfTypedef, btfVolatile, btfConst, btfRestrict, btfTypeTag:
			r = typeID(t.size)
			continue
		case btfInt:
		default:
			return 0, 0
		}
		data := binary.LittleEndian.Uint32(t.body)
		if data&0xff == t.size*8 {
			return 0, 0
		}
		return data >> 16 & 0xff, int64(data & 0xff)
	}
	return 0, 0
}

// values are those of an enumeration (struct btf_enum, struct btf_enum64).
func (s *btf) values(t btfType) []Value {
	values := make([]Value, t.length)
	le := binary.LittleEndian
	for i := range values {
		v := &values[i]
		if t.kind == btfEnum64 {
			b := t.body[12*i:]
			v.Name = string(textAt(s.strings, uint64(le.Uint32(b))))
			v.Value = int64(uint64(le.Uint32(b[4:])) | uint64(le.Uint32(b[8:]))<<32)
			continue
		}
		b := t.body[8*i:]
		v.Name = string(textAt(s.strings, uint64(le.Uint32(b))))
		v.Value = int64(le.Uint32(b[4:]))
		if t.flag || s.signless {
			v.Value = int64(int32(v.Value))
		}
	}
	return values
}
