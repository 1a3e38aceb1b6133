// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"fmt"
	"strings"

	"github.com/uklemu/uklemu/corpus/mini"
)

// Variant is the one in which a defect is looked for: the fewest options with
// which it shows.
func Variant(d mini.Defect) mini.Options {
	o := d.Least()
	if elsewhere[d.Name] != "" {
		if other, err := mini.Parse(elsewhere[d.Name]); err == nil {
			other.Defects = o.Defects
			return other
		}
	}
	return o
}

// elsewhere are the options for those that don't show with the fewest.
var elsewhere = map[string]string{
	"mov-ss-db": "stock", // it takes a program that executes SYSCALL
}

// Unseen are the defects that can't be seen, and why.
var Unseen = map[string]string{
	"ibrs-not-entered": "not to be seen: the machine's CPU has no IBRS (IR-20)",
	"call-by-ret":      "not to be seen: it takes a look at every CALL and RET (ST-11)",
}

const head = `# What finds which defect

Each defect of ` + "`builtin:mini`" + ` is switched on alone, and the guest is checked. *First* is the invariant that did not hold first, with its promise; *also* are
those that did not hold later on; *not ended* are the scenarios that did not come to their end. ` + "`uklemu check builtin:mini,defect=NAME`" + ` shows it in full,
and ` + "`uklemu check --explain ID`" + ` what an invariant is about. The table is made by ` + "`go run ./tests/mini/cmd`" + `, and a test compares it.

| id | defect | options | first | its promise | also | not ended |
| --- | --- | --- | --- | --- | --- | --- |
`

// Row is a defect's line.
func Row(d mini.Defect, l *Look) string {
	options := strings.Join(l.Options.Names(), ",")
	if options == "" {
		options = "-"
	}
	first, promise := "-", Unseen[d.Name]
	var also []string
	if v := l.First(); v != nil {
		first = v.ID
		for _, id := range l.Violated() {
			if id != v.ID {
				also = append(also, id)
			}
		}
		for _, r := range l.Checked.Results {
			if r.ID == v.ID {
				promise = r.Promise
			}
		}
	}
	return fmt.Sprintf("| %s | `%s` | %s | %s | %s | %s | %s |\n", d.ID, d.Name, options, first, promise, strings.Join(also, " "), some(l.Failed()))
}

// some is a list that is not too long for a table.
func some(names []string) string {
	const shown = 3
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}

// Markdown is docs/defects.md, from its rows.
func Markdown(rows []string) string { return head + strings.Join(rows, "") }
