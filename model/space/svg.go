// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"fmt"
	"html"
	"strings"
)

// Measures of the drawing, in its own units: it is made for a width of 400
// pixels, and scales.
const (
	svgWidth  = 400
	svgBlock  = 34 // height
	svgGap    = 16
	svgMargin = 6
	svgTitle  = 46 // characters that fit in a line of 12 pixels
)

// svgStyle has both colour schemes, for this drawing alone where it is part of a
// page. Groups differ in brightness and in the
// pattern of their edge as well as in colour.
const svgStyle = `<style>
.space .b{stroke-width:1.5}
.space text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1b1f24}
.space .s{font-size:11px;fill:#444c56}
.space .half{fill:#d9ecd3;stroke:#4b8b3b}
.space .app{fill:#b8e0a8;stroke:#2f6b20;stroke-width:3}
.space .kernel{fill:#dbe7f5;stroke:#3b6ea5}
.space .stack{fill:#fbe3b5;stroke:#b37400}
.space .guard{fill:none;stroke:#b3261e;stroke-dasharray:4 3}
.space .nobody{fill:none;stroke:#8b949e;stroke-dasharray:1 3}
@media (prefers-color-scheme:dark){
.space text{fill:#e6edf3}
.space .s{fill:#adbac7}
.space .half{fill:#1d3a1a;stroke:#7cc36a}
.space .app{fill:#2c5722;stroke:#a5e38f}
.space .kernel{fill:#16283d;stroke:#6ea8dc}
.space .stack{fill:#3f2f0a;stroke:#e0ad4a}
.space .guard{stroke:#ff8f85}
.space .nobody{stroke:#768390}
}
</style>
`

var svgClasses = map[Group]string{
	ApplicationHalf: "half", Application: "app", Kernel: "kernel", Stacks: "stack", Guards: "guard", Nobody: "nobody",
}

// svg collects a drawing whose height is known at its end.
type svg struct {
	body strings.Builder
	y    int
}

func (s *svg) text(x, dy int, class, text string) {
	fmt.Fprintf(&s.body, `<text x="%d" y="%d" class="%s">%s</text>`+"\n", x, s.y+dy, class, html.EscapeString(text))
}

func (s *svg) box(x, width int, g Group) {
	fmt.Fprintf(&s.body, `<rect x="%d" y="%d" width="%d" height="%d" rx="3" class="b %s"/>`+"\n", x, s.y, width, svgBlock-3, svgClasses[g])
}

// String is the file. It needs no other.
func (s *svg) String(title string) string {
	height := s.y + svgMargin
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" class="space" role="img" style="max-width:100%%;height:auto">
<title>%s</title>
%s%s</svg>
`, svgWidth, height, svgWidth, height, html.EscapeString(title), svgStyle, s.body.String())
}

// SVG is the picture as a drawing, for light and dark pages, self-contained.
func (l *Layout) SVG() string {
	s := &svg{y: svgMargin}
	s.legend()
	blocks := l.blocks()
	for i := len(blocks) - 1; i >= 0; i-- {
		k := blocks[i]
		s.box(svgMargin, svgWidth-2*svgMargin, k.kind.Group())
		s.text(svgMargin+8, 13, "t", shorten(k.title, svgTitle))
		s.text(svgMargin+8, 26, "s", fmt.Sprintf("%016x %s %s", k.start, k.access(), k.extent()))
		s.y += svgBlock
		if i > 0 && blocks[i-1].last < k.start && k.start-blocks[i-1].last > 1 {
			s.text(svgMargin+8, 10, "s", l.gap(blocks[i-1].last, k.start))
			s.y += svgGap
		}
	}
	return s.String("Address space, from the top of memory down")
}

// legend names the groups.
func (s *svg) legend() {
	for i, g := range []Group{ApplicationHalf, Application, Stacks, Kernel, Guards} {
		x := svgMargin + i%2*190
		name := string(g)
		if g == Application {
			name = "application in the image"
		}
		fmt.Fprintf(&s.body, `<rect x="%d" y="%d" width="12" height="12" class="b %s"/>`+"\n", x, s.y+1, svgClasses[g])
		s.text(x+18, 11, "s", name)
		if i%2 == 1 {
			s.y += svgGap + 2
		}
	}
	s.y += svgGap + 6
}

// shorten cuts a text that is too long for its place.
func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
