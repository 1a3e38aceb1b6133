// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"bytes"
	"encoding/binary"
)

// note is an ELF note (System V gABI, "Note Section").
type note struct {
	name string
	typ  uint32
	desc []byte
}

// notesMost bounds a PT_NOTE segment: real ones have hundreds of bytes.
const notesMost = 1 << 20

// notes reads the PT_NOTE segments. A malformed note ends its segment: notes
// are hints, and a kernel without them boots as well.
func (img *Image) notes() ([]note, *Error) {
	if img.elf == nil {
		return nil, nil
	}
	var all []note
	left := uint64(notesMost)
	for _, r := range img.elf.notes {
		size := min(r.End-r.Start, left)
		left -= size
		b := make([]byte, size) // in the file, and bounded
		if err := img.read(b, r.Start, "the notes"); err != nil {
			return nil, err
		}
		all = append(all, parseNotes(b)...)
	}
	return all, nil
}

func parseNotes(b []byte) []note {
	var notes []note
	for len(b) >= 12 {
		nameSize := uint64(binary.LittleEndian.Uint32(b))
		descSize := uint64(binary.LittleEndian.Uint32(b[4:]))
		typ := binary.LittleEndian.Uint32(b[8:])
		desc := 12 + (nameSize+3)&^3
		if desc+descSize > uint64(len(b)) {
			break
		}
		name, _, _ := bytes.Cut(b[12:12+nameSize], []byte{0})
		notes = append(notes, note{string(name), typ, b[desc : desc+descSize]})
		b = b[min(desc+(descSize+3)&^3, uint64(len(b))):]
	}
	return notes
}

// hasNote says whether the image carries a note of that owner.
func (img *Image) hasNote(name string) bool {
	notes, _ := img.notes()
	for _, n := range notes {
		if n.name == name {
			return true
		}
	}
	return false
}
