// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"fmt"
	"maps"
	"strings"
)

// Difference is where two machines part within a case. What follows in the
// case is a consequence, and is not looked at.
type Difference struct {
	Case   int
	Where  string // the event or the instruction
	Fields []Field
	Known  string // the defect of QEMU's that explains it, or ""
	// Text is the case's.
	Text string
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
	if d.Known != "" {
		fmt.Fprintf(&b, " known: %s", d.Known)
	}
	if d.Text != "" {
		fmt.Fprintf(&b, " in: %s", d.Text)
	}
	return b.String()
}

// Report is what a comparison found.
type Report struct {
	Cases        int
	Events       int // exceptions, interrupts and system calls compared
	Instructions int // boundaries at which all registers were compared
	ByEvent      map[int]int
	Differences  []Difference
	// Tolerated counts, by known defect, the values that one has changed
	// without the machines parting.
	Tolerated map[string]int
}

func newReport() *Report { return &Report{ByEvent: map[int]int{}, Tolerated: map[string]int{}} }

// Unexplained are the differences that no known defect explains.
func (r *Report) Unexplained() (list []Difference) {
	for _, d := range r.Differences {
		if d.Known == "" {
			list = append(list, d)
		}
	}
	return list
}

// Explained are the cases that known defects have parted.
func (r *Report) Explained() map[int]string {
	cases := map[int]string{}
	for _, d := range r.Differences {
		if d.Known != "" {
			cases[d.Case] = d.Known
		}
	}
	return cases
}

// Known counts, by name, what known defects have changed.
func (r *Report) Known() map[string]int {
	n := maps.Clone(r.Tolerated)
	for _, d := range r.Differences {
		if d.Known != "" {
			n[d.Known]++
		}
	}
	return n
}

// Add takes another report in.
func (r *Report) Add(o *Report) {
	r.Cases += o.Cases
	r.Events += o.Events
	r.Instructions += o.Instructions
	r.Differences = append(r.Differences, o.Differences...)
	for event, n := range o.ByEvent {
		r.ByEvent[event] += n
	}
	for name, n := range o.Tolerated {
		r.Tolerated[name] += n
	}
}

func (r *Report) add(d Difference) { r.Differences = append(r.Differences, d) }

// describe adds the text of the cases that nothing explains.
func (r *Report) describe(p *Payload) {
	for i := range r.Differences {
		if d := &r.Differences[i]; d.Known == "" {
			d.Text = fmt.Sprintf("seed %d: %s", p.Program.Seed, strings.Join(p.Program.Cases[d.Case].Text, "; "))
		}
	}
}
