// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"fmt"
	"slices"
	"strings"
)

// Difference is where two machines part within a case. What follows in the
// case is a consequence, and is not looked at.
type Difference struct {
	Case   int
	Where  string // the event or the instruction
	Fields []Field
	Known  []string // the defects that the case is known to run into
}

// Field is one value that differs.
type Field struct {
	Name string
	A, B uint64
}

// String is the difference for a person who has the case's text at hand.
func (d Difference) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "case %d, %s:", d.Case, d.Where)
	for _, f := range d.Fields {
		fmt.Fprintf(&b, " %s %#x and %#x;", f.Name, f.A, f.B)
	}
	if len(d.Known) > 0 {
		fmt.Fprintf(&b, " known: %s", strings.Join(d.Known, ", "))
	}
	return b.String()
}

// Report is what a comparison found.
type Report struct {
	Cases        int
	Events       int // exceptions, interrupts and system calls compared
	Instructions int // boundaries at which all registers were compared
	Differences  []Difference
}

// Unexplained are the differences in cases that no known defect touches.
func (r *Report) Unexplained() (list []Difference) {
	for _, d := range r.Differences {
		if len(d.Known) == 0 {
			list = append(list, d)
		}
	}
	return list
}

func (r *Report) add(d Difference, known ...[]string) {
	d.Known = slices.Concat(known...)
	r.Differences = append(r.Differences, d)
}
