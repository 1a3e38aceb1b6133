// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import (
	"encoding/binary"
	"fmt"
)

// Kinds of BTF types (Documentation/bpf/btf.rst, 2.2).
const (
	btfInt = 1 + iota
	btfPtr
	btfArray
	btfStruct
	btfUnion
	btfEnum
	btfFwd
	btfTypedef
	btfVolatile
	btfConst
	btfRestrict
	btfFunc
	btfFuncProto
	btfVar
	btfDatasec
	btfFloat
	btfDeclTag
	btfTypeTag
	btfEnum64
)

const (
	btfMagic      = 0xeb9f
	btfHeaderSize = 24
	btfTypeSize   = 12 // of what all types begin with
)

// btf reads types from .BTF.
type btf struct {
	types   []byte
	strings []byte
	places  []uint32 // in types, by id; [0] is void
	// signless is true of an encoder from before enumerations had a sign
	// (pahole before 1.24): none of them says that it is signed, so all are.
	signless bool

	index
	indexed bool
	broken  error
}

// FromBTF makes the types that BTF describes: the contents of a .BTF section,
// or of /sys/kernel/btf/vmlinux. The error is ErrNoTypes or ErrMalformed.
func FromBTF(b []byte) (*Types, error) {
	if len(b) == 0 {
		return nil, ErrNoTypes
	}
	le := binary.LittleEndian
	if len(b) < btfHeaderSize || le.Uint16(b) != btfMagic {
		return nil, fmt.Errorf("%w: .BTF does not begin with %#x", ErrMalformed, btfMagic)
	}
	if b[2] != 1 {
		return nil, fmt.Errorf("%w: .BTF is of version %d; 1 is known", ErrMalformed, b[2])
	}
	header := le.Uint32(b[4:])
	part := func(at int) ([]byte, error) {
		start, length := uint64(header)+uint64(le.Uint32(b[at:])), uint64(le.Uint32(b[at+4:]))
		if start+length > uint64(len(b)) {
			return nil, fmt.Errorf("%w: .BTF has a part at %#x to %#x, and ends at %#x", ErrMalformed, start, start+length, len(b))
		}
		return b[start : start+length], nil
	}
	types, err := part(8)
	if err != nil {
		return nil, err
	}
	text, err := part(16)
	if err != nil {
		return nil, err
	}
	s := &btf{types: types, strings: text, index: newIndex()}
	s.walk()
	if len(s.places) == 1 && s.broken != nil {
		return nil, s.broken
	}
	return newTypes("BTF", s), nil
}

// btfType is what all types begin with (struct btf_type).
type btfType struct {
	name   uint32
	kind   int
	flag   bool // kind_flag
	length int  // vlen
	size   uint32
	body   []byte // what follows
}

// walk finds where each type is. One that makes no sense ends it: the ones
// behind it can't be found.
func (s *btf) walk() {
	s.places, s.signless = []uint32{0}, true
	for at := 0; at < len(s.types); {
		t, end, err := s.decode(at)
		if err != nil {
			s.broken = err
			return
		}
		if (t.kind == btfEnum || t.kind == btfEnum64) && t.flag {
			s.signless = false
		}
		s.places = append(s.places, uint32(at))
		at = end
	}
}

// decode reads the type at a place, and says where the next one is.
func (s *btf) decode(at int) (t btfType, end int, err error) {
	le := binary.LittleEndian
	wrong := func(why string) (btfType, int, error) {
		return btfType{}, 0, fmt.Errorf("%w: the type at .BTF types+%#x %s", ErrMalformed, at, why)
	}
	if at+btfTypeSize > len(s.types) {
		return wrong("is cut short")
	}
	b := s.types[at:]
	info := le.Uint32(b[4:])
	t = btfType{name: le.Uint32(b), kind: int(info >> 24 & 0x1f), flag: info>>31 != 0, length: int(info & 0xffff), size: le.Uint32(b[8:])}
	body := 0
	switch t.kind {
	case btfPtr, btfFwd, btfTypedef, btfVolatile, btfConst, btfRestrict, btfFunc, btfFloat, btfTypeTag:
	case btfInt, btfVar, btfDeclTag:
		body = 4
	case btfArray:
		body = 12
	case btfStruct, btfUnion, btfDatasec, btfEnum64:
		body = 12 * t.length
	case btfEnum, btfFuncProto:
		body = 8 * t.length
	default:
		return wrong(fmt.Sprintf("is of kind %d, which is not known", t.kind))
	}
	end = at + btfTypeSize + body
	if end > len(s.types) {
		return wrong("is cut short")
	}
	t.body = b[btfTypeSize : btfTypeSize+body]
	return t, end, nil
}

// more indexes all types at once: they are few.
func (s *btf) more() (bool, error) {
	if s.indexed {
		return false, s.broken
	}
	s.indexed = true
	for id := 1; id < len(s.places); id++ {
		t, _, err := s.decode(int(s.places[id]))
		if err != nil {
			continue // walk has decoded it
		}
		name := textAt(s.strings, uint64(t.name))
		c := noClass
		switch t.kind {
		case btfStruct, btfUnion:
			c = structClass
		case btfEnum, btfEnum64:
			c = enumClass
			for _, v := range s.values(t) {
				s.addValue([]byte(v.Name), v.Value)
			}
		case btfTypedef:
			c = typedefClass
		case btfInt, btfFloat:
			c = baseClass
		}
		if c != noClass && len(name) > 0 {
			s.add(c, name, definition{at: uint64(id), size: int64(t.size), line: uint32(id)})
		}
	}
	return true, s.broken
}
