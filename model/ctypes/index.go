// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import "slices"

// class is a name space of C.
type class uint8

const (
	noClass class = iota
	structClass
	enumClass
	typedefClass
	baseClass
	classes
)

// definition is where a type is.
type definition struct {
	at   uint64
	size int64
	line uint32
}

// index finds definitions by name, in the order of the file. The same
// definition in many units is here once: same size, same line.
type index struct {
	names  [classes]map[string][]definition
	values map[string]int64 // of enumerators
}

func newIndex() index {
	x := index{values: make(map[string]int64)}
	for i := range x.names {
		x.names[i] = make(map[string][]definition)
	}
	return x
}

// add says whether the definition is a new one.
func (x *index) add(c class, name []byte, d definition) bool {
	known := x.names[c][string(name)]
	if slices.ContainsFunc(known, func(k definition) bool { return k.size == d.size && k.line == d.line }) {
		return false
	}
	const most = 256 // of one name: more is a file that wants to keep us busy
	if len(known) >= most {
		return false
	}
	x.names[c][string(name)] = append(known, d)
	return true
}

func (x *index) addValue(name []byte, v int64) {
	if _, ok := x.values[string(name)]; !ok && len(name) > 0 {
		x.values[string(name)] = v
	}
}

func (x *index) entries() *index { return x }
