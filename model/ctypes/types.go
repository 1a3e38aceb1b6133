// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import "errors"

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
	source source
}

// source is where types are read from.
type source interface{}

// Field is a place in a structure.
type Field struct {
	Offset             int64 // in bytes, from the start of the outermost structure
	BitOffset, BitSize int64 // as [Member] has them
	Type               *Type
}

// Source is "DWARF" or "BTF".
func (t *Types) Source() string { return "" }

// Struct finds a structure or union by its tag, or by the name of a typedef:
// "task_struct", "sigset_t". If several have the name, it is the first one in
// the file. The error is ErrUnknownType or ErrMalformed.
func (t *Types) Struct(name string) (*Type, error) { return nil, ErrUnknownType }

// Structs are all structures and unions of a name, for there may be several:
// names that are private to a file.
func (t *Types) Structs(name string) ([]*Type, error) { return nil, ErrUnknownType }

// Names are those of all structures and unions, sorted.
func (t *Types) Names() ([]string, error) { return nil, nil }

// Field follows a path of members from a structure: "thread.sp", "rlim[3].rlim_max".
// Members of members without a name count as the outer one's. The error is
// ErrUnknownType, ErrUnknownField or ErrMalformed, and says how far the path
// led and what is there.
func (t *Types) Field(structure, path string) (Field, error) { return Field{}, ErrUnknownType }

// Offset is that of Field, for those that need no reason.
func (t *Types) Offset(structure, path string) (int64, bool) {
	f, err := t.Field(structure, path)
	return f.Offset, err == nil
}

// Size is that of a structure, union, enumeration or typedef, in bytes.
func (t *Types) Size(name string) (int64, bool) { return 0, false }

// EnumValue is the value of an enumerator, of whatever enumeration it is one.
func (t *Types) EnumValue(name string) (int64, bool) { return 0, false }

// resolve reads the type that r stands for.
func (t *Types) resolve(r ref) *Type { return nil }
