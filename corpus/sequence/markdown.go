// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"fmt"
	"strings"
)

// OperationTable is the manual's table of what is no system call, CallTable that of
// system calls, PlaceTable and DomainTable those of what arguments are made of.
func OperationTable() string { return operationTable(events) }

// CallTable is that of system calls.
func CallTable() string { return operationTable(systemCalls) }

func operationTable(list []Operation) string {
	var s strings.Builder
	if list[0].Number == NotACall {
		s.WriteString("| operation | does |\n| --- | --- |\n")
	} else {
		s.WriteString("| system call | number |\n| --- | --- |\n")
	}
	for i := range list {
		op := &list[i]
		names := make([]string, len(op.Args))
		for a, p := range op.Args {
			names[a] = p.Name
			if p.Domain.Name != p.Name {
				names[a] += ": " + p.Domain.Name
			}
		}
		does := op.Does
		if op.Number != NotACall {
			does = fmt.Sprint(op.Number)
		}
		fmt.Fprintf(&s, "| `%s(%s)` | %s |\n", op.Name, strings.Join(names, ", "), does)
	}
	return s.String()
}

// PlaceTable is that of places.
func PlaceTable() string {
	var s strings.Builder
	s.WriteString("| place | is |\n| --- | --- |\n")
	for p := range placeTable {
		name := "&" + placeTable[p].name
		if Place(p) == Self {
			name = placeTable[p].name
		}
		fmt.Fprintf(&s, "| `%s` | %s |\n", name, placeTable[p].does)
	}
	return s.String()
}

// DomainTable is that of what arguments may be.
func DomainTable() string {
	var s strings.Builder
	s.WriteString("| argument | is | names, or all that it may be |\n| --- | --- | --- |\n")
	seen := map[*Domain]bool{}
	for i := range operations {
		for _, p := range operations[i].Args {
			d := p.Domain
			if seen[d] {
				continue
			}
			seen[d] = true
			accepted := ""
			if d.Closed || len(d.Names) > 0 {
				var names []string
				for _, a := range d.accepted() {
					if d.Closed || d.has(a) {
						names = append(names, "`"+a+"`")
					}
				}
				accepted = strings.Join(names, " ")
			}
			does := d.Does
			if d.Bits {
				does += "; combined by `\\|`"
			}
			fmt.Fprintf(&s, "| %s | %s | %s |\n", d.Name, does, accepted)
		}
	}
	return s.String()
}

// has says whether a word is one of a domain's names.
func (d *Domain) has(word string) bool {
	_, ok := d.find(word)
	return ok
}
