// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"math/bits"
	"slices"
)

// settleWithin is how many rounds a layout gets. Branches only ever grow, so
// what doesn't settle depends upon its own length.
const settleWithin = 100

// layout gives everything its place, and encodes it.
func (p *program) layout() error {
	e := newEncoder(p.options.Assembler)
	settled := false
	for round := 0; !settled && round < settleWithin; round++ {
		if err := p.encodeAll(e, nil); err != nil {
			return err
		}
		settled = p.place(e, round == 0)
	}
	p.finish(e, settled)
	if len(p.errors) > 0 {
		return nil
	}
	// Only now that all lies fast is it known how far RIP-relative operands reach.
	return p.emit(e)
}

func (p *program) each(do func(*item)) {
	for _, s := range p.sections {
		for _, it := range s.items {
			do(it)
		}
	}
}

// encodeAll asks for all instructions at once, as GNU as is a process.
func (p *program) encodeAll(e *encoder, rip func(*item) *uint64) error {
	var snippets []snippet
	p.each(func(it *item) {
		if it.code == nil || it.code.branch != nil || it.still != nil {
			return
		}
		if s, err := p.snippet(it, rip); err == nil {
			snippets = append(snippets, s)
		}
	})
	return e.encode(snippets)
}

// snippet is the instruction for the assemblers. One that no address is in is
// the same in every round.
func (p *program) snippet(it *item, rip func(*item) *uint64) (snippet, *Error) {
	if it.still != nil {
		return *it.still, nil
	}
	p.moving = false
	s, err := p.written(it, rip)
	if err == nil && !p.moving {
		it.still = &s
	}
	return s, err
}

func (p *program) written(it *item, rip func(*item) *uint64) (snippet, *Error) {
	var at *uint64
	if rip != nil {
		at = rip(it)
	}
	text, err := it.code.text(p.lookUp(it), at, "")
	if err != nil {
		return snippet{}, err
	}
	keystone, err := it.code.text(p.lookUp(it), at, zeroIndex)
	return snippet{text, keystone, it.syntax, it.mode}, err
}

// place gives everything an address; it returns whether all had it already.
// The first time it knows no places, and takes all branches for short.
func (p *program) place(e *encoder, first bool) bool {
	same := !first
	next, total := p.options.Address, uint64(0)
	for i, s := range p.sections {
		if at, ok := p.options.Sections[s.name]; ok {
			next = at
		} else if i > 0 {
			next = (next + p.alignment(s) - 1) &^ (p.alignment(s) - 1)
		}
		if s.start != next {
			s.start, same = next, false
		}
		s.size = 0
		for _, it := range s.items {
			at := s.start + s.size
			if it.address != at {
				it.address, same = at, false
			}
			length, err := p.measure(e, it, first)
			it.err = err
			if it.length != length {
				it.length, same = length, false
			}
			s.size += uint64(length)
			if total += uint64(length); total > mostBytes {
				it.err = errorAt(it.column, "more than %d MiB in all", mostBytes>>20)
				return true // and that is the end of it
			}
		}
		next = s.start + s.size
	}
	return same
}

// order puts the sections into the order that the options say.
func (p *program) order() {
	rank := func(s *section) int {
		if i := slices.Index(p.options.Order, s.name); i >= 0 {
			return i
		}
		return len(p.options.Order)
	}
	slices.SortStableFunc(p.sections, func(a, b *section) int { return rank(a) - rank(b) })
}

// alignment is where a section may start that has no address of its own.
func (p *program) alignment(s *section) uint64 {
	if to := p.options.Alignment[s.name]; to != 0 {
		return to
	}
	return 16
}

// measure is how long an item is where it lies. An error may be of the moment.
func (p *program) measure(e *encoder, it *item, first bool) (int, *Error) {
	switch {
	case it.code != nil && it.code.branch != nil && first:
		short, near := it.code.branch.lengths()
		if short == 0 {
			return near, nil
		}
		return short, nil
	case it.code != nil && it.code.branch != nil:
		to, err := it.code.operands[0].value.evaluate(p.lookUp(it))
		it.least = max(it.least, it.code.branch.length(it.address, to.value, it.least))
		return it.least, err
	case it.code != nil:
		s, err := p.snippet(it, nil)
		if err != nil {
			return it.length, err
		}
		if it.still != nil && it.length > 0 {
			return it.length, nil
		}
		known := e.known[s]
		if known.err != nil {
			return it.length, errorAt(it.column, "%s: %v", s.text, known.err)
		}
		return len(known.code), nil
	case it.gap != nil:
		return p.measureGap(it)
	}
	n := 0
	for _, d := range it.data {
		n += d.size + len(d.raw)
	}
	return n, nil
}

func (p *program) measureGap(it *item) (int, *Error) {
	g := it.gap
	q, err := g.count.evaluate(p.lookUp(it))
	n := q.value
	switch {
	case err != nil:
		return it.length, err
	case g.kind == origin:
		if q.addresses == 0 {
			n += it.section.start
		}
		if n < it.address {
			return it.length, errorAt(it.column, ".org goes on only: %#x lies before %#x", n, it.address)
		}
		n -= it.address
	case g.kind == alignment:
		if g.shift {
			n = 1 << min(n, 63)
		}
		if n == 0 {
			n = 1
		}
		if bits.OnesCount64(n) != 1 || n > mostBytes {
			return it.length, errorAt(it.column, "an alignment is a power of two, at most %d, and not %d", mostBytes, n)
		}
		n = -it.address & (n - 1)
	}
	if n > mostBytes {
		return it.length, errorAt(it.column, "%d is not from 0 to %d", int64(n), mostBytes)
	}
	return int(n) * g.size, nil
}

// lookUp resolves the symbols of an item.
func (p *program) lookUp(it *item) lookUp {
	p.resolved = 0
	return p.at(it)
}

func (p *program) at(it *item) lookUp {
	return func(name string, column int) (quantity, *Error) { return p.resolve(it, name, column) }
}

// mostResolved is how many symbols one expression may lead to, by way of
// constants that are sums of constants.
const mostResolved = 1000

func (p *program) resolve(it *item, name string, column int) (quantity, *Error) {
	if p.resolved++; p.resolved > mostResolved {
		return quantity{}, errorAt(column, "more than %d symbols in one expression", mostResolved)
	}
	if name == "." {
		p.moving = true
		return quantity{it.address + uint64(it.within), 1}, nil
	}
	if label := p.labels[name]; label != nil {
		p.moving = true
		return quantity{label.address, 1}, nil
	}
	if c := p.constants[name]; c != nil {
		if c.visiting {
			return quantity{}, errorAt(column, "%s is defined by itself", name)
		}
		c.visiting = true
		defer func() { c.visiting = false }()
		q, err := c.value.evaluate(p.at(c.at))
		if err != nil {
			err = errorAt(column, "%s: %s", name, err.What)
		}
		return q, err
	}
	if value, ok := p.options.Constants[name]; ok {
		return quantity{value: value}, nil
	}
	if p.options.Symbols != nil {
		if address, ok := p.options.Symbols(name); ok {
			p.moving = true // seen from here, if it is relative to RIP
			return quantity{address, 1}, nil
		}
	}
	if digits, _, ok := cutLocal(name); ok {
		return quantity{}, errorAt(column, "there is no label %s: in this direction", digits)
	}
	return quantity{}, errorAt(column, "%s is neither defined nor known", name)
}
