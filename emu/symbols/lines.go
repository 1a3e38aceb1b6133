// SPDX-License-Identifier: GPL-2.0-or-later

package symbols

import (
	"cmp"
	"debug/elf"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Line is a place in the source.
type Line struct {
	// File is relative to the folder that the image was built in, if it is
	// in there.
	File string
	Line int
}

func (l Line) String() string { return fmt.Sprintf("%s:%d", l.File, l.Line) }

// lineTable is what the line programs of all units come to. debug/dwarf would
// give the same, but it makes slices as long as the file says and can so be
// brought to exhaust memory, which no recover catches; hence a decoder here,
// whose every allocation is bounded by the section's length.
type lineTable struct {
	sequences []sequence // by start
}

// sequence is a contiguous run of code from one unit.
type sequence struct {
	start, end uint64
	unit       *lineUnit
	rows       []row // by address
}

type row struct {
	address uint64
	file    uint32
	line    uint32
}

// lineUnit is the names of the files that a unit's rows speak of.
type lineUnit struct {
	folders []string // 0 is where the unit was compiled
	files   []lineFile
}

type lineFile struct {
	name   string
	folder uint64
}

// Line is the source line of the instruction at an address. The first call
// reads the line programs: some tens of milliseconds for a kernel.
func (t *Table) Line(address uint64) (Line, bool) {
	table, err := t.lines()
	if err != nil {
		return Line{}, false
	}
	return table.find(address)
}

// LinesError says why [Table.Line] finds nothing: ErrNoLines, ErrMalformed, or
// nil if there are lines.
func (t *Table) LinesError() error {
	_, err := t.lines()
	return err
}

// HasLines says whether the image has line programs, without reading them.
func (t *Table) HasLines() bool {
	_, ok := t.Section(".debug_line")
	return ok
}

func readLines(f *elf.File, size uint64) (table *lineTable, err error) {
	defer func() {
		if p := recover(); p != nil {
			table, err = nil, fmt.Errorf("%w: %v", ErrMalformed, p)
		}
	}()
	read := func(name string) ([]byte, error) {
		s := f.Section(name)
		if s == nil {
			return nil, nil
		}
		if err := checkSection(s, size, sectionMost); err != nil {
			return nil, err
		}
		b, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("%w: section %s: %w", ErrMalformed, name, err)
		}
		return b, nil
	}
	if f.Section(".debug_line") == nil {
		return nil, ErrNoLines
	}
	var sections [3][]byte
	for i, name := range []string{".debug_line", ".debug_line_str", ".debug_str"} {
		if sections[i], err = read(name); err != nil {
			return nil, err
		}
	}
	return decodeLines(sections[0], string(sections[1]), string(sections[2]))
}

// find looks an address up.
func (t *lineTable) find(address uint64) (Line, bool) {
	i, _ := slices.BinarySearchFunc(t.sequences, address, func(s sequence, a uint64) int {
		if s.start <= a {
			return -1
		}
		return 1
	})
	if i == 0 || address >= t.sequences[i-1].end {
		return Line{}, false
	}
	s := t.sequences[i-1]
	j, _ := slices.BinarySearchFunc(s.rows, address, func(r row, a uint64) int {
		if r.address <= a {
			return -1
		}
		return 1
	})
	if j == 0 || s.rows[j-1].line == 0 {
		return Line{}, false // line 0 is the compiler's own code
	}
	r := s.rows[j-1]
	return Line{File: s.unit.path(r.file), Line: int(r.line)}, true
}

// path is the file's name from the folder of compilation.
func (u *lineUnit) path(file uint32) string {
	if uint64(file) >= uint64(len(u.files)) {
		return "?"
	}
	f := u.files[file]
	name := f.name
	if f.folder != 0 && f.folder < uint64(len(u.folders)) && !path.IsAbs(name) {
		name = path.Join(u.folders[f.folder], name)
	}
	if len(u.folders) > 0 && u.folders[0] != "" {
		name = strings.TrimPrefix(name, u.folders[0]+"/")
	}
	return path.Clean(name)
}

// sorted makes a table of sequences in any order. Sequences of code that the
// linker dropped start at 0.
func sorted(sequences []sequence) *lineTable {
	sequences = slices.DeleteFunc(sequences, func(s sequence) bool { return s.start == 0 || s.end <= s.start })
	slices.SortStableFunc(sequences, func(a, b sequence) int { return cmp.Compare(a.start, b.start) })
	return &lineTable{sequences}
}
