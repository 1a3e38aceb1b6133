// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"bytes"
	"encoding/binary"
)

// Memory is what linear addresses are read through.
type Memory interface {
	ReadMemory(address uint64, p []byte) (int, error)
}

// Offsets knows where the fields of structures are: [image.Image] does.
type Offsets interface {
	Offset(structure, field string) (int64, bool)
}

// Fields reads a kernel's structures by the names of their fields. What is not
// there, in the types or in memory, is not ok.
type Fields struct {
	Memory  Memory
	Offsets Offsets
}

// Word is the eight bytes at an address.
func (f Fields) Word(at uint64) (uint64, bool) {
	var b [8]byte
	n, _ := f.Memory.ReadMemory(at, b[:])
	return binary.LittleEndian.Uint64(b[:]), n == len(b)
}

// Int is the four bytes at an address, with their sign.
func (f Fields) Int(at uint64) (int32, bool) {
	var b [4]byte
	n, _ := f.Memory.ReadMemory(at, b[:])
	return int32(binary.LittleEndian.Uint32(b[:])), n == len(b)
}

// Text is a string of at most n bytes, up to its zero.
func (f Fields) Text(at uint64, n int) (string, bool) {
	b := make([]byte, n)
	n, _ = f.Memory.ReadMemory(at, b)
	end := bytes.IndexByte(b[:n], 0)
	if end < 0 {
		return printable(b[:n]), n == len(b)
	}
	return printable(b[:end]), true
}

// printable replaces what has no place in a line of text: names of tasks and
// files are the guest's to choose.
func printable(b []byte) string {
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// At is the address of a field of the structure at an address.
func (f Fields) At(structure uint64, name, field string) (uint64, bool) {
	offset, ok := f.Offsets.Offset(name, field)
	return structure + uint64(offset), ok && structure != 0
}

// FieldWord is a field of eight bytes.
func (f Fields) FieldWord(structure uint64, name, field string) (uint64, bool) {
	at, ok := f.At(structure, name, field)
	if !ok {
		return 0, false
	}
	return f.Word(at)
}

// FieldInt is a field of four bytes.
func (f Fields) FieldInt(structure uint64, name, field string) (int32, bool) {
	at, ok := f.At(structure, name, field)
	if !ok {
		return 0, false
	}
	return f.Int(at)
}

// FieldText is a field that holds a string.
func (f Fields) FieldText(structure uint64, name, field string, n int) (string, bool) {
	at, ok := f.At(structure, name, field)
	if !ok {
		return "", false
	}
	return f.Text(at, n)
}

// List follows a struct list_head from its head and returns the structures
// that the field is in, at most most. A list that comes back to where it was
// already has ended.
func (f Fields) List(head uint64, name, field string, most int) []uint64 {
	offset, ok := f.Offsets.Offset(name, field)
	if !ok {
		return nil
	}
	var out []uint64
	seen := map[uint64]bool{head: true, 0: true}
	at, ok := f.Word(head)
	for ok && !seen[at] && len(out) < most {
		seen[at] = true
		out = append(out, at-uint64(offset))
		at, ok = f.Word(at)
	}
	return out
}
