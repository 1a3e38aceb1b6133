// SPDX-License-Identifier: GPL-2.0-or-later

package space

import "slices"

// Layout is an address space at one moment.
type Layout struct {
	// Ranges are what is mapped, and what belongs to somebody though it isn't,
	// by address.
	Ranges []Range
	CR3    uint64
	Levels int // of the page tables: 4 or 5; 0 for the layout that the linker made
	// Isolated says that these are the tables of CPL 3 alone, which have next
	// to nothing of the kernel (page table isolation).
	Isolated bool
	// Problems are what was wrong with the tables.
	Problems []string

	areas areas
	stack uint64 // the current task's thread stack begins here
}

func (l *Layout) walk(t Tables) {
	b := newBuilder(l.areas)
	w := &walker{Tables: t, found: b.add}
	w.walk()
	l.Ranges, l.Problems = b.finish(), w.problems
}

// Find is the range that an address is in. What is not in a range is a range
// too, from its neighbour below to that above or to the end of the region that
// it is in; listed is false then.
func (l *Layout) Find(address uint64) (r Range, listed bool) {
	i, found := slices.BinarySearchFunc(l.Ranges, address, byStart)
	if !found {
		i--
	}
	if i >= 0 && l.Ranges[i].Contains(address) {
		return l.Ranges[i], true
	}
	start, last := uint64(0), ^uint64(0)
	if i >= 0 {
		start = l.Ranges[i].Start + l.Ranges[i].Size
	}
	if i+1 < len(l.Ranges) {
		last = l.Ranges[i+1].Start - 1
	}
	return l.hole(address, start, last), false
}

// hole is what is around an address between two ranges.
func (l *Layout) hole(address, start, last uint64) Range {
	kind := Nothing
	if a, ok := l.areas.at(address); ok {
		start, last, kind = max(start, a.start), min(last, a.last), a.kind
	} else {
		for _, a := range l.areas {
			if a.last < address {
				start = max(start, a.last+1)
			} else {
				last = min(last, a.start-1)
				break
			}
		}
	}
	if t := (Tables{Levels: l.Levels}); l.Levels > 0 && !t.Canonical(address) {
		start, last, kind = t.halfSize(), -t.halfSize()-1, NonCanonical
	}
	return Range{Start: start, Size: last - start + 1, Kind: kind}
}

// OfKind are the ranges of one kind.
func (l *Layout) OfKind(kind Kind) []Range {
	var out []Range
	for _, r := range l.Ranges {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}
