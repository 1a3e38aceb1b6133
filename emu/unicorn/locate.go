// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

import (
	"encoding/binary"
	"fmt"
)

// observation is a copy of private memory taken while a field in it was known
// to hold a value.
type observation struct {
	value uint64
	bytes []byte
}

// field is one thing to find: so many bytes wide, compared under mask; outside
// the mask it keeps its value from one observation to the next.
type field struct {
	name  string
	width int // 4 or 8 bytes
	mask  uint64
}

// CalibrationError says which private field of a library could not be found.
type CalibrationError struct {
	Field   string
	Matches int // places that fit: none, or too many
}

func (e *CalibrationError) Error() string {
	if e.Matches == 0 {
		return fmt.Sprintf("calibration failed: no place in libunicorn's CPU state behaves as %s", e.Field)
	}
	return fmt.Sprintf("calibration failed: %d places in libunicorn's CPU state behave as %s", e.Matches, e.Field)
}

// locate returns the one offset at which every observation shows its value.
func (f field) locate(seen []observation) (int, error) {
	if len(seen) == 0 {
		return 0, &CalibrationError{Field: f.name}
	}
	size := len(seen[0].bytes)
	for _, o := range seen {
		size = min(size, len(o.bytes))
	}
	found, matches := 0, 0
	for at := 0; at+f.width <= size; at += 4 {
		if !f.fits(at, seen) {
			continue
		}
		found = at
		matches++
	}
	if matches != 1 {
		return 0, &CalibrationError{Field: f.name, Matches: matches}
	}
	return found, nil
}

func (f field) fits(at int, seen []observation) bool {
	rest := f.read(seen[0].bytes, at) &^ f.mask
	for _, o := range seen {
		v := f.read(o.bytes, at)
		if v&f.mask != o.value&f.mask || v&^f.mask != rest {
			return false
		}
	}
	return true
}

func (f field) read(p []byte, at int) uint64 {
	if f.width == 4 {
		return uint64(binary.LittleEndian.Uint32(p[at:]))
	}
	return binary.LittleEndian.Uint64(p[at:])
}
