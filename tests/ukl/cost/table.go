// SPDX-License-Identifier: GPL-2.0-or-later

package cost

import (
	"fmt"
	"slices"
	"strings"
)

// Column is what a guest's calls cost.
type Column struct {
	Options []string // the guest's
	Costs   Costs
}

// order is that of figure 1 of the UKL paper, with what it does not have first and last.
var order = []string{"getpid", "getppid", "read", "write", "sendto", "recvfrom", "page fault"}

// Table has a row for each call: what SYSCALL costs in CPL 3 in the first guest,
// and for each guest what its application's call costs, with the ratio of that
// to SYSCALL in CPL 3 of the same kernel.
func Table(unit string, columns []Column) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | SYSCALL, CPL 3 |", unit)
	for _, c := range columns {
		fmt.Fprintf(&b, " call, %s |", heading(c.Options))
	}
	fmt.Fprintf(&b, "\n| --- |%s\n", strings.Repeat(" --- |", 1+len(columns)))
	for _, name := range order {
		row(&b, name, columns)
	}
	return b.String()
}

func heading(options []string) string {
	if len(options) == 0 {
		return "`IRET`"
	}
	return "`" + strings.Join(options, "`, `") + "`"
}

// row is nothing for a call that none of the guests has made.
func row(b *strings.Builder, name string, columns []Column) {
	if !slices.ContainsFunc(columns, func(c Column) bool { _, ok := c.Costs[Call{name, "SYSCALL"}]; return ok }) {
		return
	}
	fmt.Fprintf(b, "| %s | %.0f |", name, columns[0].Costs[Call{name, "SYSCALL"}])
	for _, c := range columns {
		ours, there := c.Costs[Call{name, "call"}]
		theirs := c.Costs[Call{name, "SYSCALL"}]
		if !there || theirs == 0 {
			b.WriteString(" - |")
			continue
		}
		fmt.Fprintf(b, " %.0f (%.2f) |", ours, ours/theirs)
	}
	b.WriteString("\n")
}
