// SPDX-License-Identifier: GPL-2.0-or-later

package space

// builder joins pages, which come by address, with areas to ranges.
type builder struct {
	areas  areas
	next   int    // area
	from   uint64 // where the part of areas[next] begins that isn't in ranges yet
	ranges []Range
	bytes  struct{ accessed, dirty uint64 } // of the last range
}

func newBuilder(all areas) *builder {
	b := &builder{areas: all}
	if len(all) > 0 {
		b.from = all[0].start
	}
	return b
}

// add takes the next page apart by the areas that it is in.
func (b *builder) add(p page) {
	start, last := p.start, p.start+p.size-1
	b.absent(start)
	for {
		piece := Range{Start: start, Kind: Unknown, Rights: p.rights, Page: p.page, Repeated: p.repeated,
			Accessed: p.accessed, Dirty: p.dirty, Physical: p.physical + (start - p.start), Contiguous: !p.repeated}
		end := last
		if b.next < len(b.areas) {
			switch a := b.areas[b.next]; {
			case a.start <= start:
				piece.Kind, piece.Name = a.kind, a.name
				end = min(end, a.last)
			case a.start <= last:
				end = a.start - 1
			}
		}
		piece.Size = end - start + 1
		b.append(piece)
		b.passed(end)
		if end == last {
			return
		}
		start = end + 1
	}
}

// absent lists what areas below an address have unmapped.
func (b *builder) absent(below uint64) {
	for b.next < len(b.areas) {
		a := b.areas[b.next]
		start := max(a.start, b.from)
		if start >= below {
			return
		}
		last := min(a.last, below-1)
		if a.whole {
			b.append(Range{Start: start, Size: last - start + 1, Kind: a.kind, Name: a.name})
		}
		b.passed(last)
	}
}

// passed goes on behind an address.
func (b *builder) passed(last uint64) {
	b.from = last + 1
	for b.next < len(b.areas) && b.areas[b.next].last <= last {
		b.next++
	}
}

// finish lists what is left of the areas.
func (b *builder) finish() []Range {
	for _, a := range b.areas[min(b.next, len(b.areas)):] {
		if start := max(a.start, b.from); a.whole {
			b.append(Range{Start: start, Size: a.last - start + 1, Kind: a.kind, Name: a.name})
		}
	}
	b.summarize()
	return b.ranges
}

// append adds a range, or makes the last one longer.
func (b *builder) append(r Range) {
	if n := len(b.ranges); n > 0 && b.ranges[n-1].joins(r) {
		l := &b.ranges[n-1]
		l.Contiguous = l.Contiguous && r.Contiguous && l.Physical+l.Size == r.Physical
		l.Size += r.Size
		b.count(r)
		return
	}
	b.summarize()
	b.ranges = append(b.ranges, r)
	b.bytes.accessed, b.bytes.dirty = 0, 0
	b.count(r)
}

// joins says whether what follows is the same but for the bits that the CPU
// sets.
func (r Range) joins(next Range) bool {
	return r.Start+r.Size == next.Start && r.Kind == next.Kind && r.Name == next.Name &&
		r.Rights == next.Rights && r.Page == next.Page && r.Repeated == next.Repeated
}

func (b *builder) count(r Range) {
	if r.Accessed == All {
		b.bytes.accessed += r.Size
	}
	if r.Dirty == All {
		b.bytes.dirty += r.Size
	}
}

// summarize says of the last range in how much of it the bits are set.
func (b *builder) summarize() {
	if len(b.ranges) == 0 {
		return
	}
	l := &b.ranges[len(b.ranges)-1]
	if l.Repeated {
		return // the walk has
	}
	l.Accessed, l.Dirty = share(b.bytes.accessed, l.Size), share(b.bytes.dirty, l.Size)
}

func share(part, whole uint64) Summary {
	switch part {
	case 0:
		return None
	case whole:
		return All
	}
	return Some
}
