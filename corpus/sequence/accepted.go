// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"fmt"
	"slices"
	"strings"
)

// accepted says what a domain has, for messages.
func (d *Domain) accepted() (list []string) {
	for _, n := range d.Names {
		list = append(list, n.Name)
	}
	switch {
	case d.Range:
		list = append(list, fmt.Sprintf("%d to %d", d.Numbers[0], d.Numbers[1]))
	case d.Closed && !d.Bits:
		for _, n := range d.Numbers {
			list = append(list, string(appendPlain(nil, n)))
		}
	case !d.Closed:
		list = append(list, "a number", "rN", "&place", "*place")
	}
	if d.Closed {
		for _, p := range d.Places {
			list = append(list, reach(p))
		}
	}
	return list
}

// reach is a place with how far from it the application may go.
func reach(p Place) string {
	info := &placeTable[p]
	s := "&" + info.name
	if info.below > 0 {
		s += fmt.Sprintf("-%#x", info.below)
	}
	if info.above > 0 {
		s += fmt.Sprintf("+%#x", info.above)
	}
	return s
}

func placeNames(d *Domain) (list []string) {
	for p := range placeTable {
		if Place(p) != Self && (!d.Closed || slices.Contains(d.Places, Place(p))) {
			list = append(list, placeTable[p].name)
		}
	}
	return list
}

// nearest are the operations whose names begin as this one does, or all that
// are no system calls.
func nearest(name string) (list []string) {
	for n := min(len(name), 4); n > 0 && len(list) == 0; n-- {
		for i := range operations {
			if strings.HasPrefix(operations[i].Name, name[:n]) {
				list = append(list, operations[i].Name)
			}
		}
	}
	if len(list) > 0 {
		return list
	}
	for i := range events {
		list = append(list, events[i].Name)
	}
	return append(list, "system calls by their names")
}
