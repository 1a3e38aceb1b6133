// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"
	"strings"
)

// groups are the letters of the ids, with what they are about.
var groups = []struct{ prefix, title string }{
	{"AS", "The address space"}, {"MT", "Mode tracking"}, {"EN", "Entry of system calls"}, {"EX", "Exit of system calls"},
	{"IR", "Interrupts, exceptions, faults"}, {"UA", "Access to the application's memory"}, {"ST", "Stacks and red zone"},
	{"SG", "Signals"}, {"XT", "exec, clone, thread-local storage"}, {"CS", "Context switch and FPU"}, {"FL", "Flags"},
	{"HW", "Protection by hardware"}, {"RE", "Two runs compared"},
}

// Unchecked is an invariant of the catalogue that is not looked at.
type Unchecked struct{ ID, Promise, Why string }

// Markdown is the catalogue as a page of the manual (docs/invariants.md).
func Markdown() string {
	var b strings.Builder
	b.WriteString(head)
	for _, g := range groups {
		rows := 0
		for _, i := range catalogue {
			r := i.Rule()
			if !strings.HasPrefix(r.ID, g.prefix+"-") {
				continue
			}
			if rows == 0 {
				fmt.Fprintf(&b, "\n## %s: %s\n", g.prefix, g.title)
			}
			rows++
			writeRule(&b, r)
		}
	}
	b.WriteString("\n## Not looked at\n\n| id | promise | why |\n| --- | --- | --- |\n")
	for _, u := range unchecked {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", u.ID, cell(u.Promise), cell(u.Why))
	}
	return b.String()
}

const head = `# The invariants

Made from package model/invariant by ` + "`go run ./model/invariant/manual`" + `; a test compares.

` + "`uklemu check IMAGE`" + ` looks at all of them, ` + "`uklemu check --explain ID`" + ` says what is here. The tier says what an
invariant has to be shown: *points* the events alone, *full* every instruction boundary or access, *static* the image. Those
marked *wanted* the published series of UKL is known, or suspected, to break.
`

func writeRule(b *strings.Builder, r Rule) {
	marks := r.Tier.String()
	if r.Wanted {
		marks += ", wanted"
	}
	fmt.Fprintf(b, "\n### %s\n\n**%s.** (%s)\n\n", r.ID, upperFirst(r.Promise), marks)
	fmt.Fprintf(b, "| | |\n| --- | --- |\n| follows from | %s |\n| looked at | %s |\n| observed | %s |\n| a violation | `%s` |\n",
		cell(r.Source), cell(r.When), cell(r.Observes), strings.ReplaceAll(r.Shows, "|", "\\|"))
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
