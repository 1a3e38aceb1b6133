// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

var (
	// ErrNoTypes is for an image that describes no types.
	ErrNoTypes = errors.New("the image describes no types (neither .debug_info nor .BTF)")
	// ErrMalformed is for types that can't be read.
	ErrMalformed = errors.New("malformed type information")
	// ErrUnknownType is for a name that no type has.
	ErrUnknownType = errors.New("no such type")
	// ErrUnknownField is for a path that leads to no member.
	ErrUnknownField = errors.New("no such member")
)

// Types is the types of an image. It may be used by several goroutines.
type Types struct {
	name string

	mu     sync.Mutex
	source source
	read   map[uint64]*Type // by where they are
	failed error            // what the index could not read, the first of it
}

// source is where types are read from.
type source interface {
	// node reads the type at a place.
	node(at uint64) (node, error)
	// more makes the index larger; false if all is in it. The index may be
	// used and made larger still after an error.
	more() (bool, error)
	entries() *index
}

func newTypes(name string, s source) *Types {
	return &Types{name: name, source: s, read: make(map[uint64]*Type)}
}

// Source is "DWARF" or "BTF".
func (t *Types) Source() string { return t.name }

// grow reads more of the index; false at its end.
func (t *Types) grow() bool {
	more, err := t.source.more()
	if err != nil && t.failed == nil {
		t.failed = err
	}
	return more
}

// find gives the first definition of a name, reading as far as that takes.
func (t *Types) find(c class, name string) (definition, bool) {
	for {
		if found := t.source.entries().names[c][name]; len(found) > 0 {
			return found[0], true
		}
		if !t.grow() {
			return definition{}, false
		}
	}
}

func (t *Types) all() {
	for t.grow() {
	}
}

// unknown is the error for a name. What could not be read may have had it.
func (t *Types) unknown(name string) error {
	if t.failed != nil {
		return fmt.Errorf("%w: %q; some of the %s could not be read: %w", ErrUnknownType, name, t.name, t.failed)
	}
	return fmt.Errorf("%w: %q", ErrUnknownType, name)
}

// Struct finds a structure or union by its tag, or by the name of a typedef:
// "task_struct", "sigset_t". If several have the name, it is the first one in
// the file. The error is ErrUnknownType or ErrMalformed.
func (t *Types) Struct(name string) (*Type, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.structure(name)
}

func (t *Types) structure(name string) (*Type, error) {
	def, ok := t.find(structClass, name)
	if !ok {
		if def, ok = t.find(typedefClass, name); !ok {
			return nil, t.unknown(name)
		}
	}
	found, err := t.at(ref{at: def.at, known: true})
	if err != nil {
		return nil, err
	}
	if found.Kind != Struct && found.Kind != Union {
		return nil, fmt.Errorf("%w: %q is no structure, but %v", ErrUnknownType, name, found)
	}
	return found, nil
}

// Structs are all structures and unions of a name, for there may be several:
// names that are private to a file, or of the application that is linked into
// the kernel, which comes last. In DWARF, definitions of the same size on the
// same line of some file count as one.
func (t *Types) Structs(name string) ([]*Type, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all()
	var found []*Type
	for _, def := range t.source.entries().names[structClass][name] {
		typ, err := t.at(ref{at: def.at, known: true})
		if err != nil {
			return found, err
		}
		found = append(found, typ)
	}
	if found == nil {
		return nil, t.unknown(name)
	}
	return found, nil
}

// Names are those of all structures and unions, sorted. The error says what
// could not be read.
func (t *Types) Names() ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all()
	var names []string
	for name := range t.source.entries().names[structClass] {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, t.failed
}

// Size is that of a structure, union, enumeration, typedef or number, in bytes.
func (t *Types) Size(name string) (int64, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range []class{structClass, typedefClass, enumClass, baseClass} {
		if def, ok := t.find(c, name); ok {
			typ, err := t.at(ref{at: def.at, known: true})
			return typ.Size, err == nil
		}
	}
	return 0, false
}

// EnumValue is the value of an enumerator, of whatever enumeration it is one.
func (t *Types) EnumValue(name string) (int64, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if v, ok := t.source.entries().values[name]; ok {
			return v, true
		}
		if !t.grow() {
			return 0, false
		}
	}
}
