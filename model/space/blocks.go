// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"cmp"
	"fmt"
	"slices"
)

// block is what a picture shows as one thing: the ranges of one owner. Where
// there are many of a kind (the stacks of all other threads, what vmalloc has
// given out), they are one block together.
type block struct {
	start, last  uint64
	kind         Kind
	title        string
	mapped       uint64 // bytes
	total        uint64
	count        int // of things that are together
	rights, also Rights
	guarded      bool // each has a guard
}

// gathered are the kinds that a picture has one block of in each region.
var gathered = map[Kind]string{
	DirectMap: "direct map", VMemMap: "vmemmap", Vmalloc: "vmalloc", VmallocGuard: "vmalloc", Modules: "modules", KASAN: "KASAN shadow",
	EFI: "EFI", ESPFix: "espfix", GuardHole: "guard hole", LDTRemap: "LDT remap",
}

// blocks are those of a layout, by address.
func (l *Layout) blocks() []block {
	together := map[string]int{}
	var out []block
	for _, r := range l.Ranges {
		kind, title, gathered := l.block(r)
		i, ok := len(out)-1, len(out) > 0 && out[len(out)-1].title == title
		if gathered {
			i, ok = together[title]
		}
		if !ok || !gathered && out[i].last+1 != r.Start {
			i = len(out)
			together[title] = i
			out = append(out, block{start: r.Start, kind: kind, title: title, rights: ^Rights(0)})
		}
		out[i].add(r)
	}
	for i := range out {
		out[i].finish()
	}
	slices.SortStableFunc(out, func(a, b block) int { return cmp.Compare(a.start, b.start) })
	return out
}

// block says what block a range is in, and whether all of its kind are.
func (l *Layout) block(r Range) (kind Kind, title string, gathers bool) {
	if title, ok := gathered[r.Kind]; ok {
		return Kind(title), title, true
	}
	if r.Kind == ThreadStack && !l.current(r) && r.Start < kernelImage || r.Kind == StackGuard && l.otherGuard(r) {
		return ThreadStack, "other thread stacks", true
	}
	return r.Kind, r.Title(), false
}

// current says whether a thread stack is the current task's.
func (l *Layout) current(r Range) bool { return r.Contains(l.stack) }

// otherGuard says whether a guard is that of another task's stack.
func (l *Layout) otherGuard(guard Range) bool {
	for _, at := range []uint64{guard.Start - 1, guard.Last() + 1} {
		if a, ok := l.areas.at(at); ok && a.kind == ThreadStack && a.name != "" && guard.Name == label(ThreadStack, a.name) {
			return l.stack < a.start || l.stack > a.last
		}
	}
	return false
}

func (b *block) add(r Range) {
	b.last = max(b.last, r.Last())
	if r.Kind == b.kind && !r.Kind.Guard() {
		b.count++
	}
	if r.Kind.Guard() && !b.kind.Guard() {
		b.guarded = true
		return
	}
	b.total += r.Size
	if r.Mapped() {
		b.mapped += r.Size
		b.rights &= r.Rights
		b.also |= r.Rights
	}
}

func (b *block) finish() {
	if b.mapped == 0 {
		b.rights = 0
	}
	if b.kind == ThreadStack && b.count > 1 {
		b.title = fmt.Sprintf("%d %s", b.count, b.title)
	}
	if b.guarded {
		b.title += ", with guards"
	}
}

// extent is how large it is, and how much of it is there.
func (b *block) extent() string {
	switch b.mapped {
	case b.total:
		return size(b.total)
	case 0:
		return size(b.total) + " not mapped"
	}
	return fmt.Sprintf("%s of %s", size(b.mapped), size(b.total))
}

// access is the rights that all of it has; those that only some has are in
// capitals.
func (b *block) access() string {
	text := []byte(b.rights.String())
	for i, c := range []byte(b.also.String()) {
		if text[i] == '-' && c != '-' {
			text[i] = c - 'a' + 'A'
		}
	}
	return string(text)
}
