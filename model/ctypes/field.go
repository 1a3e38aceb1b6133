// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import (
	"fmt"
	"strconv"
	"strings"
)

// Field is a place in a structure.
type Field struct {
	Offset             int64 // in bytes, from the start of the outermost structure
	BitOffset, BitSize int64 // as [Member] has them
	Type               *Type
}

// Field follows a path of members from a structure: "thread.sp",
// "signal.rlim[3].rlim_max". Members of members without a name count as the
// outer one's; arrays of arrays count as one. Pointers are not followed, for what they point to is elsewhere.
// The error is ErrUnknownType, ErrUnknownField or ErrMalformed, and says how
// far the path led.
func (t *Types) Field(structure, path string) (Field, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	typ, err := t.structure(structure)
	if err != nil {
		return Field{}, err
	}
	f := Field{Type: typ}
	walked := structure
	for _, step := range strings.Split(path, ".") {
		name, indices, _ := strings.Cut(step, "[")
		if f, err = t.step(f, name, walked); err != nil {
			return Field{}, err
		}
		walked += "." + step
		if indices == "" {
			continue
		}
		if f, err = t.subscript(f, indices, walked); err != nil {
			return Field{}, err
		}
	}
	return f, nil
}

// Offset is that of Field, for those that need no reason.
func (t *Types) Offset(structure, path string) (int64, bool) {
	f, err := t.Field(structure, path)
	return f.Offset, err == nil
}

// step goes to a member.
func (t *Types) step(from Field, name, walked string) (Field, error) {
	if from.Type.Kind != Struct && from.Type.Kind != Union {
		return Field{}, fmt.Errorf("%w: %s is %v, which has no member %q", ErrUnknownField, walked, from.Type, name)
	}
	budget := membersMost
	m, ok := t.member(from.Type, name, nestingMost, &budget)
	if !ok {
		return Field{}, fmt.Errorf("%w: %s, %v, has no member %q", ErrUnknownField, walked, from.Type, name)
	}
	typ, err := t.at(m.typ)
	return Field{Offset: from.Offset + m.Offset, BitOffset: m.BitOffset, BitSize: m.BitSize, Type: typ}, err
}

// How deep members without a name are looked into, and how many members in all.
const (
	nestingMost = 32
	membersMost = 1 << 20
)

// member finds a member, in members without a name too.
func (t *Types) member(in *Type, name string, depth int, budget *int) (Member, bool) {
	if depth == 0 || name == "" {
		return Member{}, false
	}
	for _, m := range in.Members {
		if *budget--; *budget < 0 {
			return Member{}, false
		}
		if m.Name == name {
			return m, true
		}
		if m.Name != "" {
			continue
		}
		inner, err := t.at(m.typ)
		if err != nil || inner.Kind != Struct && inner.Kind != Union {
			continue
		}
		if found, ok := t.member(inner, name, depth-1, budget); ok {
			found.Offset += m.Offset
			return found, true
		}
	}
	return Member{}, false
}

// subscript goes to an element: "3]".
func (t *Types) subscript(from Field, text, walked string) (Field, error) {
	digits, closed := strings.CutSuffix(text, "]")
	i, err := strconv.ParseInt(digits, 10, 32)
	switch {
	case !closed || err != nil || i < 0:
		return Field{}, fmt.Errorf("%w: %s: an index is a number in brackets", ErrUnknownField, walked)
	case from.Type.Kind != Array:
		return Field{}, fmt.Errorf("%w: %s: it is %v, and no array", ErrUnknownField, walked, from.Type)
	case from.Type.Count > 0 && i >= from.Type.Count:
		return Field{}, fmt.Errorf("%w: %s: the array has %d elements", ErrUnknownField, walked, from.Type.Count)
	}
	element, err := t.at(from.Type.element)
	return Field{Offset: from.Offset + i*element.Size, Type: element}, err
}
