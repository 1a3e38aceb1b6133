// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"fmt"
	"slices"

	"github.com/uklemu/uklemu/model/image"
)

// Linked is the layout that the linker made: the sections of the image, with
// the rights that their flags ask for. What they get is in the layout of a
// machine; [Compare] puts both side by side.
func Linked(i *image.Image) *Layout { return linked(fromImage{i}) }

func linked(i Source) *Layout {
	l := &Layout{}
	inImage(i, &l.areas)
	for _, s := range i.Sections() {
		if !s.Allocated || s.Size == 0 {
			continue
		}
		r := Range{Start: s.Address, Size: s.Size, Kind: Unknown, Name: s.Name, Rights: Present}
		if s.Writable {
			r.Rights |= Writable
		}
		if s.Executable {
			r.Rights |= Executable
		}
		l.Ranges = append(l.Ranges, l.split(r)...)
	}
	slices.SortStableFunc(l.Ranges, func(a, b Range) int { return byStart(a, b.Start) })
	return l
}

// split takes a section apart by whose its bytes are.
func (l *Layout) split(section Range) []Range {
	var out []Range
	for section.Size > 0 {
		piece := section
		if a, ok := l.areas.at(section.Start); ok {
			piece.Kind = a.kind
			piece.Size = min(piece.Size, a.last-section.Start+1)
		} else if next := l.next(section.Start); next > section.Start {
			piece.Kind = KernelImage
			piece.Size = min(piece.Size, next-section.Start)
		} else {
			piece.Kind = KernelImage
		}
		out = append(out, piece)
		section.Start += piece.Size
		section.Size -= piece.Size
	}
	return out
}

// next is the start of the first area behind an address, 0 for none.
func (l *Layout) next(address uint64) uint64 {
	for _, a := range l.areas {
		if a.start > address {
			return a.start
		}
	}
	return 0
}

// Difference is a stretch of the image: what the linker made of it, and what
// it is in a machine.
type Difference struct {
	Start, Size uint64
	Linked, Run Range
}

// Last is the last address.
func (d Difference) Last() uint64 { return d.Start + d.Size - 1 }

// Same says whether the rights that the section's flags ask for are those that
// it has.
func (d Difference) Same() bool {
	const asked = Present | Writable | Executable
	return d.Linked.Rights&asked == d.Run.Rights&asked
}

// Compare puts a linked layout beside one of a machine, for the addresses of
// the former.
func Compare(linked, run *Layout) []Difference {
	var out []Difference
	for _, section := range linked.Ranges {
		for at := section.Start; ; {
			r, _ := run.Find(at)
			last := min(section.Last(), r.Last())
			d := Difference{at, last - at + 1, section, r}
			if n := len(out); n > 0 && out[n-1].joins(d) {
				out[n-1].Size += d.Size
			} else {
				out = append(out, d)
			}
			if last == section.Last() {
				break
			}
			at = last + 1
		}
	}
	return out
}

// joins says whether a stretch goes on with the same.
func (d Difference) joins(next Difference) bool {
	return d.Start+d.Size == next.Start && d.Linked == next.Linked && d.Run.Kind == next.Run.Kind &&
		d.Run.Name == next.Run.Name && d.Run.Rights == next.Run.Rights
}

// SideBySide is a comparison as text, from the top of memory down.
func SideBySide(differences []Difference) string {
	text := fmt.Sprintf("%-16s %7s %-6s %-24s %-6s %s\n", "start", "size", "linked", "section", "run", "as")
	for _, d := range slices.Backward(differences) {
		mark := " "
		if !d.Same() {
			mark = "*"
		}
		text += fmt.Sprintf("%016x %7s %-6s %-24s %-5s%s %s\n", d.Start, size(d.Size), d.Linked.Rights, shorten(d.Linked.Name, 24), d.Run.Rights, mark, d.Run.Title())
	}
	return text
}

// SideBySideSVG is a comparison as a drawing: the linked layout on the left, the
// machine's on the right.
func SideBySideSVG(differences []Difference) string {
	const column = (svgWidth - 3*svgMargin) / 2
	const letters = 24
	s := &svg{y: svgMargin}
	s.legend()
	s.text(svgMargin+8, 10, "t", "linked")
	s.text(2*svgMargin+column+8, 10, "t", "running")
	s.y += svgGap
	for _, d := range slices.Backward(differences) {
		s.box(svgMargin, column, d.Linked.Kind.Group())
		s.text(svgMargin+8, 13, "t", shorten(d.Linked.Name, letters))
		s.text(svgMargin+8, 26, "s", fmt.Sprintf("%016x %s", d.Start, size(d.Size)))
		s.box(2*svgMargin+column, column, d.Run.Kind.Group())
		s.text(2*svgMargin+column+8, 13, "t", shorten(d.Run.Title(), letters))
		s.text(2*svgMargin+column+8, 26, "s", fmt.Sprintf("%s, asked %s", d.Run.Rights, d.Linked.Rights))
		s.y += svgBlock
	}
	return s.String("The kernel image as linked and as running, from the top of memory down")
}
