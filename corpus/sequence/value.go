// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

// ValueKind is what an argument is made of.
type ValueKind uint8

// Kinds of values.
const (
	Number     ValueKind = iota // Value.N
	Result                      // what an earlier operation returned, and N
	Pointer                     // a place of the address space, and N
	Contents                    // the 32 bits that lie at a place, and N behind it
	valueKinds = iota
)

// Value is an argument. The zero value is the number 0.
type Value struct {
	Kind  ValueKind
	Place Place  // of Pointer and Contents
	Index uint8  // of Result: which operation's
	N     uint64 // the number, or what is added, modulo 2^64
}

// Num is a number.
func Num(n uint64) Value { return Value{N: n} }

// At is a pointer to so many bytes behind a place.
func At(p Place, plus int64) Value { return Value{Kind: Pointer, Place: p, N: uint64(plus)} }

// Of is the result of an earlier operation.
func Of(index int) Value { return Value{Kind: Result, Index: uint8(index)} }

// In is the 32-bit word that lies so many bytes behind a place.
func In(p Place, plus int64) Value { return Value{Kind: Contents, Place: p, N: uint64(plus)} }

// normal makes it one that an operation with this index can have: what a value
// doesn't use is zero.
func (v Value) normal(index int) Value {
	switch v.Kind {
	case Result:
		if int(v.Index) >= index {
			return Num(v.N)
		}
		v.Place = 0
	case Pointer, Contents:
		v.Index = 0
		if v.Place >= places {
			v.Place %= places
		}
	default:
		return Num(v.N)
	}
	return v
}
