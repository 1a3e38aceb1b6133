// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"cmp"
	"slices"
)

// Range is a piece of the address space, End excluded.
type Range struct{ Start, End uint64 }

// Contains says whether an address is in the range.
func (r Range) Contains(address uint64) bool { return address >= r.Start && address < r.End }

// Size is in bytes.
func (r Range) Size() uint64 { return r.End - r.Start }

// within searches sorted ranges that do not overlap.
func within(ranges []Range, address uint64) bool {
	i, _ := slices.BinarySearchFunc(ranges, address, func(r Range, at uint64) int {
		if r.End <= at {
			return -1
		}
		return 1
	})
	return i < len(ranges) && ranges[i].Contains(address)
}

// merged sorts ranges and joins those that touch or overlap.
func merged(ranges []Range) []Range {
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a.Start, b.Start) })
	var all []Range
	for _, r := range ranges {
		if last := len(all) - 1; last >= 0 && r.Start <= all[last].End {
			all[last].End = max(all[last].End, r.End)
			continue
		}
		all = append(all, r)
	}
	return all
}

// subtract is what of ranges is not in holes; both are merged.
func subtract(ranges, holes []Range) []Range {
	var rest []Range
	h := 0
	for _, r := range ranges {
		for h < len(holes) && holes[h].End <= r.Start {
			h++
		}
		for n := h; n < len(holes) && holes[n].Start < r.End; n++ {
			if holes[n].Start > r.Start {
				rest = append(rest, Range{r.Start, holes[n].Start})
			}
			r.Start = min(holes[n].End, r.End)
		}
		if r.Start < r.End {
			rest = append(rest, r)
		}
	}
	return rest
}
