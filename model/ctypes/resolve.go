// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import "fmt"

// resolve reads the type that r stands for; one of kind Unknown if it can't be
// read.
func (t *Types) resolve(r ref) *Type {
	t.mu.Lock()
	defer t.mu.Unlock()
	typ, _ := t.at(r)
	return typ
}

// at reads the type at r, with typedefs and qualifiers looked through, and
// arrays of arrays made one: BTF has them so (Documentation/bpf/btf.rst, 2.2.3).
// The type is never nil.
func (t *Types) at(r ref) (*Type, error) {
	if !r.known {
		return &Type{Kind: Void}, nil
	}
	if typ, ok := t.read[r.at]; ok {
		return typ, nil
	}
	typ, err := t.follow(r)
	if err != nil {
		return &Type{}, err
	}
	t.read[r.at] = typ
	return typ, nil
}

// follow goes through modifiers and dimensions to what a type is. There is no
// recursion: a chain ends after hopsMost steps.
func (t *Types) follow(r ref) (*Type, error) {
	start := r
	array, count := ref{}, int64(1)
	for range hopsMost {
		n := node{Type: Type{Kind: Void}}
		if r.known {
			var err error
			if n, err = t.source.node(r.at); err != nil {
				return nil, err
			}
		}
		switch {
		case n.modifier:
			r = n.next
			continue
		case n.Kind == Array:
			array, count, r = n.next, product(count, n.Count), n.next
			continue
		case n.declaration:
			if n, r = t.define(n, r); n.Kind == declared {
				n.Kind = Unknown
			}
		}
		if array.known {
			return &Type{Kind: Array, Count: count, Size: product(count, n.Size), element: r, types: t}, nil
		}
		return t.finish(n), nil
	}
	return nil, fmt.Errorf("%w: the type at %#x leads in a circle", ErrMalformed, start.at)
}

// define finds the definition of a structure that is only declared where it is
// used.
func (t *Types) define(n node, r ref) (node, ref) {
	class := structClass
	if n.Kind == Enum {
		class = enumClass
	}
	def, ok := t.find(class, n.Name)
	if !ok || n.Name == "" {
		n.Kind = declared
		return n, r
	}
	found, err := t.source.node(def.at)
	if err != nil {
		n.Kind = declared
		return n, r
	}
	return found, ref{at: def.at, known: true}
}

// finish makes a type of a node.
func (t *Types) finish(n node) *Type {
	typ := n.Type
	typ.types = t
	if typ.Kind == Pointer {
		typ.element = n.next
	}
	for i := range typ.Members {
		typ.Members[i].types = t
	}
	return &typ
}
