// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"fmt"
	"slices"
)

// Where a PC has no RAM below 1 MiB: the extended BIOS data area, video
// memory and the ROMs.
var legacyHole = Range{0x9fc00, 0x100000}

// fourGiB is what the page tables built here map one to one, what a 32-bit
// entry can address, and so the end of what is loaded.
const fourGiB = 1 << 32

const page = 0x1000

// claim is a range of physical memory with an owner.
type claim struct {
	Range
	owner string
}

// plan is who owns which part of physical memory while an image is being
// loaded. Claims are sorted and never overlap.
type plan struct {
	end    uint64 // of usable memory
	claims []claim
	sealed bool // the legacy hole is taken
}

// newPlan starts with the parts that no image may use. Reserved ranges may
// overlap each other.
func newPlan(memory uint64, reserved []Range) *plan {
	p := &plan{end: min(memory, fourGiB)}
	for _, r := range union(reserved) {
		p.claims = append(p.claims, claim{r, "a range reserved by the firmware"})
	}
	return p
}

// seal takes what nobody has claimed of the legacy hole. An image may have
// part of it: linked to 1 MiB by ld -Ttext=0x100000, it has its ELF header on
// the page below, which is harmless, since this machine has RAM there. But
// nothing is put there by choice, and the kernel is told that it is reserved.
func (p *plan) seal() {
	if p.sealed {
		return
	}
	p.sealed = true
	next := legacyHole.Start
	for i := p.following(next); next < legacyHole.End; i++ {
		gap := Range{next, legacyHole.End}
		if i < len(p.claims) && p.claims[i].Start < legacyHole.End {
			gap.End, next = p.claims[i].Start, p.claims[i].End
		} else {
			next = legacyHole.End
		}
		if gap.Start < gap.End {
			p.claims = slices.Insert(p.claims, i, claim{gap, "the hole below 1 MiB"})
			i++
		}
	}
}

// union sorts ranges and joins those that touch. Empty ones disappear.
func union(ranges []Range) []Range {
	all := slices.Clone(ranges)
	slices.SortFunc(all, func(a, b Range) int {
		switch {
		case a.Start < b.Start:
			return -1
		case a.Start > b.Start:
			return 1
		}
		return 0
	})
	var joined []Range
	for _, r := range all {
		switch last := len(joined) - 1; {
		case r.End <= r.Start:
		case last >= 0 && r.Start <= joined[last].End:
			joined[last].End = max(joined[last].End, r.End)
		default:
			joined = append(joined, r)
		}
	}
	return joined
}

// following is the index of the first claim that ends after start.
func (p *plan) following(start uint64) int {
	i, _ := slices.BinarySearchFunc(p.claims, start, func(c claim, s uint64) int {
		if c.End <= s {
			return -1
		}
		return 1
	})
	return i
}

// conflict returns the claim that r would overlap, or nil.
func (p *plan) conflict(r Range) *claim {
	if i := p.following(r.Start); i < len(p.claims) && p.claims[i].Start < r.End {
		return &p.claims[i]
	}
	return nil
}

// claim takes r for owner. It returns ErrOutside or ErrOverlap, as an error
// without a file.
func (p *plan) claim(r Range, owner string) *Error {
	if r.End < r.Start || r.End > p.end {
		return &Error{Err: ErrOutside, Where: owner, Found: "at " + r.String(), Want: "addresses " + (Range{0, p.end}).String()}
	}
	if c := p.conflict(r); c != nil {
		return &Error{Err: ErrOverlap, Where: owner, Found: fmt.Sprintf("at %v, and %s has %v", r, c.owner, c.Range)}
	}
	p.claims = slices.Insert(p.claims, p.following(r.Start), claim{r, owner})
	return nil
}

// lowest finds the lowest free range of size bytes at or above from, aligned.
func (p *plan) lowest(size, align, from uint64) (Range, bool) {
	p.seal()
	start, ok := alignUp(from, align)
	for i := p.following(start); ok; i++ {
		if start > p.end || size > p.end-start {
			return Range{}, false
		}
		if i == len(p.claims) || p.claims[i].Start >= start+size {
			return Range{start, start + size}, true
		}
		start, ok = alignUp(max(start, p.claims[i].End), align)
	}
	return Range{}, false
}

// highest finds the highest free range of size bytes that ends at or below
// limit, with an aligned start.
func (p *plan) highest(size, align, limit uint64) (Range, bool) {
	p.seal()
	end := min(limit, p.end)
	for i := len(p.claims) - 1; ; i-- {
		if size > end {
			return Range{}, false
		}
		start := (end - size) / align * align
		for i >= 0 && p.claims[i].Start >= start+size {
			i--
		}
		if i < 0 || p.claims[i].End <= start {
			return Range{start, start + size}, true
		}
		end = p.claims[i].Start
	}
}

// alignUp reports false if the result does not fit.
func alignUp(v, align uint64) (uint64, bool) {
	up := (v + align - 1) / align * align
	return up, up >= v
}
