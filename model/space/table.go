// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"fmt"
	"strings"
)

// Table is the layout as text, a line for each range, from the lowest address
// up. Rights are read, write, execute, user, global; A and D say in how many
// pages the CPU has set these bits.
func (l *Layout) Table() string {
	var b strings.Builder
	header := fmt.Sprintf("%-33s %7s %-6s %-4s %-4s %-4s %s", "range", "size", "rights", "page", "A", "D", "what")
	if l.Levels == 0 {
		header = fmt.Sprintf("%-33s %7s %-6s %s", "range", "size", "rights", "what")
	}
	b.WriteString(header + "\n")
	for _, r := range l.Ranges {
		fmt.Fprintf(&b, "%016x-%016x %7s %-6s ", r.Start, r.Last(), size(r.Size), r.Rights)
		if l.Levels > 0 {
			b.WriteString(r.paging())
		}
		b.WriteString(r.Title())
		if notes := r.notes(); notes != "" {
			b.WriteString(" (" + notes + ")")
		}
		b.WriteString("\n")
	}
	for _, p := range l.Problems {
		b.WriteString("! " + p + "\n")
	}
	return b.String()
}

// paging is what only pages have.
func (r Range) paging() string {
	if !r.Mapped() {
		return fmt.Sprintf("%-4s %-4s %-4s ", "", "", "")
	}
	return fmt.Sprintf("%-4s %-4s %-4s ", size(r.Page), r.Accessed, r.Dirty)
}
