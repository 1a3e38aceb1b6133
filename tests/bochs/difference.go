// SPDX-License-Identifier: GPL-2.0-or-later

package bochs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference is what two outcomes don't agree on, one line each: "rip: 0x10,
// here 0x12". It is empty where they agree.
func (o *Outcome) Difference(here *Outcome) []string {
	var lines []string
	line := func(name, a, b string) {
		if a != b {
			lines = append(lines, fmt.Sprintf("%s: %s, here %s", name, cmp.Or(a, "as before"), cmp.Or(b, "as before")))
		}
	}
	line("stop", o.Stop, here.Stop)
	line("events", strings.Join(o.Events, " "), strings.Join(here.Events, " "))
	if o.Changed == nil {
		return lines
	}
	for _, name := range union(o.Changed, here.Changed) {
		line(name, o.Changed[name], here.Changed[name])
	}
	for _, at := range union(o.Memory, here.Memory) {
		line("["+at+"]", o.Memory[at], here.Memory[at])
	}
	return lines
}

func union(a, b map[string]string) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
