// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"fmt"
	"strings"
)

// marks are how a picture in text tells the groups apart.
var marks = map[Group]string{
	ApplicationHalf: "▒", Application: "█", Kernel: "│", Stacks: "┃", Guards: "╳", Nobody: " ",
}

// Picture is the layout as text, from the top of memory down, a line for each
// owner. Rights in capitals are those that only part of it has.
func (l *Layout) Picture() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s application half  %s application in the kernel image  %s kernel  %s stack  %s guard\n",
		marks[ApplicationHalf], marks[Application], marks[Kernel], marks[Stacks], marks[Guards])
	blocks := l.blocks()
	for i := len(blocks) - 1; i >= 0; i-- {
		k := blocks[i]
		fmt.Fprintf(&b, "%016x %s %-44s %s %s\n", k.start, marks[k.kind.Group()], k.title, k.access(), k.extent())
		if i == 0 {
			break
		}
		if gap := k.start - blocks[i-1].last - 1; blocks[i-1].last < k.start && gap > 0 {
			fmt.Fprintf(&b, "%16s   %s\n", "", l.gap(blocks[i-1].last, k.start))
		}
	}
	return b.String()
}

// gap says what is between two blocks.
func (l *Layout) gap(below, above uint64) string {
	if t := (Tables{Levels: l.Levels}); l.Levels > 0 && below < t.halfSize() && above >= -t.halfSize() {
		return fmt.Sprintf("... %016x-%016x is not canonical", t.halfSize(), -t.halfSize()-1)
	}
	return "... " + size(above-below-1)
}
