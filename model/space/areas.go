// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"cmp"
	"slices"
)

// area says whose a stretch of addresses is, mapped or not.
type area struct {
	start, last uint64 // last is in it: an area may end where addresses do
	kind        Kind
	name        string
	// whole areas are somebody's even where nothing is mapped: guards, stacks,
	// mappings whose pages come with the first access. Regions aren't.
	whole bool
}

// areas are those of an address space, side by side, by address.
type areas []area

// paint puts an area over what is there.
func (all *areas) paint(a area) {
	if a.last < a.start {
		return
	}
	list := *all
	from, _ := slices.BinarySearchFunc(list, a.start, func(x area, at uint64) int { return cmp.Compare(x.last, at) })
	to := from
	var pieces []area
	for to < len(list) && list[to].start <= a.last {
		to++
	}
	if from < to && list[from].start < a.start {
		before := list[from]
		before.last = a.start - 1
		pieces = append(pieces, before)
	}
	pieces = append(pieces, a)
	if from < to && list[to-1].last > a.last {
		behind := list[to-1]
		behind.start = a.last + 1
		pieces = append(pieces, behind)
	}
	*all = slices.Replace(list, from, to, pieces...)
}

// region paints a part of the address space in which somebody may map
// something.
func (all *areas) region(start, size uint64, kind Kind, name string) {
	if size > 0 {
		all.paint(area{start: start, last: start + size - 1, kind: kind, name: name})
	}
}

// owned paints what is somebody's, mapped or not.
func (all *areas) owned(start, size uint64, kind Kind, name string) {
	if size > 0 {
		all.paint(area{start: start, last: start + size - 1, kind: kind, name: name, whole: true})
	}
}

// at is the area of an address.
func (all areas) at(address uint64) (area, bool) {
	i, _ := slices.BinarySearchFunc(all, address, func(a area, at uint64) int { return cmp.Compare(a.last, at) })
	if i == len(all) || all[i].start > address {
		return area{}, false
	}
	return all[i], true
}
