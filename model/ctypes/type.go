// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import (
	"fmt"
	"strings"
)

// Kind is what a type is, typedefs and qualifiers looked through.
type Kind uint8

const (
	Unknown  Kind = iota // not described, or not in a way that is known here
	Void                 // what a void pointer points to
	Struct               // members side by side
	Union                // members on top of each other
	Enum                 // an integer with named values
	Int                  // an integer, character or boolean
	Float                // a floating-point number
	Pointer              // an address
	Array                // elements in a row
	Function             // what a function pointer points to

	declared Kind = 0xff // a structure that is defined nowhere
)

var kindNames = [...]string{"unknown", "void", "struct", "union", "enum", "int", "float", "pointer", "array", "function"}

func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return "unknown"
	}
	return kindNames[k]
}

// Type is a C type. It does not change.
type Type struct {
	Kind Kind
	// Name is the tag of a structure, union or enumeration, or what a number
	// is called: "task_struct", "unsigned int". "" if it has none.
	Name string
	// Size is in bytes; 0 if it is not known, or really 0.
	Size int64
	// Signed is for Int and Enum.
	Signed bool
	// Members are those of Struct and Union, in order.
	Members []Member
	// Values are those of Enum, in order.
	Values []Value
	// Count is the number of elements of Array: 0 for one without a length,
	// such as one at the end of a structure.
	Count int64

	element ref // of Array and Pointer
	types   *Types
}

// Member is a member of a structure or union.
type Member struct {
	Name string // "" for a structure or union without a name, whose members count as the outer one's
	// Offset is in bytes, from the start of the structure. That of a bit field
	// is where the byte with its first bit is.
	Offset int64
	// BitOffset is where in that byte a bit field starts, and BitSize how long
	// it is; 0 for a member that is none.
	BitOffset, BitSize int64

	typ   ref
	types *Types
}

// Value is a name of an enumeration.
type Value struct {
	Name  string
	Value int64
}

// ref is a type that was not read yet: an offset into .debug_info, or an index
// into .BTF.
type ref struct {
	at    uint64
	known bool // false for void
}

// Type is that of the member.
func (m Member) Type() *Type { return m.types.resolve(m.typ) }

// Element is what an array consists of or a pointer points to, nil for others.
func (t *Type) Element() *Type {
	if t.Kind != Array && t.Kind != Pointer {
		return nil
	}
	return t.types.resolve(t.element)
}

// String is the type as C would name it, roughly.
func (t *Type) String() string {
	switch {
	case t.Kind == Pointer:
		return "a pointer"
	case t.Kind == Array:
		return fmt.Sprintf("an array of %d", t.Count)
	case t.Kind == Struct || t.Kind == Union || t.Kind == Enum:
		return strings.TrimSpace(t.Kind.String() + " " + t.Name)
	case t.Name != "":
		return t.Name
	}
	return t.Kind.String()
}
