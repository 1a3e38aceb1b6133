// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"strings"
)

// gap is what makes room: .zero, .align, .org.
type gap struct {
	kind  gapKind
	count *expression // bytes, or the alignment, or the place
	size  int         // of one unit of .fill
	fill  *expression // nil for zeros, or NOPs where code is aligned
	shift bool        // count is a power of two: .p2align
}

type gapKind uint8

const (
	room gapKind = iota
	alignment
	origin
)

// directives do what they do in GNU as. What only matters to a linker is read
// and left alone.
var directives map[string]func(*program, token, *parser) *Error

func init() { // the functions lead back to the table
	directives = map[string]func(*program, token, *parser) *Error{
		".byte": numbers(1), ".word": numbers(2), ".short": numbers(2), ".value": numbers(2), ".2byte": numbers(2),
		".long": numbers(4), ".int": numbers(4), ".4byte": numbers(4), ".quad": numbers(8), ".8byte": numbers(8),
		".ascii": strs(""), ".asciz": strs("\x00"), ".string": strs("\x00"),
		".zero": space, ".skip": space, ".space": space, ".fill": fill,
		".align": align(false), ".balign": align(false), ".p2align": align(true), ".org": org,
		".set": set, ".equ": set,
		".text": named(".text"), ".data": named(".data"), ".bss": named(".bss"), ".rodata": named(".rodata"),
		".section": enterSection, ".pushsection": pushSection, ".popsection": popSection, ".previous": previousSection,
		".code16": mode(16), ".code32": mode(32), ".code64": mode(64),
		".intel_syntax": syntax(Intel), ".att_syntax": syntax(ATT),
		".globl": visible(false), ".global": visible(false), ".weak": visible(true), ".type": typed, ".size": sized,
	}
	for _, name := range strings.Fields(".local .hidden .file .ident .cfi_startproc .cfi_endproc") {
		directives[name] = ignored
	}
}

func (p *program) directive(do func(*program, token, *parser) *Error, t token, s *parser) *Error {
	if err := do(p, t, s); err != nil {
		return err
	}
	if s.next().kind != end {
		return errorAt(s.next().column, "%v is more than %s takes", s.next(), t.text)
	}
	return nil
}

func numbers(size int) func(*program, token, *parser) *Error {
	return func(p *program, t token, s *parser) *Error {
		it := &item{column: t.column}
		for {
			value, err := s.expression()
			if err != nil {
				return err
			}
			it.data = append(it.data, datum{value: value, size: size})
			if !s.accept(",") {
				p.add(it)
				return nil
			}
		}
	}
}

func strs(after string) func(*program, token, *parser) *Error {
	return func(p *program, t token, s *parser) *Error {
		it := &item{column: t.column}
		for {
			one := s.take()
			if one.kind != text {
				return errorAt(one.column, "a string between quotation marks is expected, not %v", one)
			}
			it.data = append(it.data, datum{raw: one.text + after})
			if !s.accept(",") {
				p.add(it)
				return nil
			}
		}
	}
}

func space(p *program, t token, s *parser) (err *Error) {
	g := &gap{kind: room, size: 1}
	if g.count, err = s.expression(); err == nil && s.accept(",") {
		g.fill, err = s.expression()
	}
	p.add(&item{column: t.column, gap: g})
	return err
}

// fill is .fill repeat, size, value.
func fill(p *program, t token, s *parser) (err *Error) {
	g := &gap{kind: room, size: 1}
	if g.count, err = s.expression(); err != nil {
		return err
	}
	if s.accept(",") {
		size := s.take()
		if size.kind != number || size.value < 1 || size.value > 8 {
			return errorAt(size.column, "the size of one is 1 to 8, not %v", size)
		}
		g.size = int(size.value)
	}
	if s.accept(",") {
		if g.fill, err = s.expression(); err != nil {
			return err
		}
	}
	p.add(&item{column: t.column, gap: g})
	return nil
}

func align(shift bool) func(*program, token, *parser) *Error {
	return func(p *program, t token, s *parser) (err *Error) {
		g := &gap{kind: alignment, size: 1, shift: shift}
		if g.count, err = s.expression(); err == nil && s.accept(",") {
			g.fill, err = s.expression()
		}
		p.add(&item{column: t.column, gap: g})
		return err
	}
}

// org moves on to an offset from the section's start, or to a label's place.
func org(p *program, t token, s *parser) (err *Error) {
	g := &gap{kind: origin, size: 1}
	if g.count, err = s.expression(); err == nil && s.accept(",") {
		g.fill, err = s.expression()
	}
	p.add(&item{column: t.column, gap: g})
	return err
}

func set(p *program, _ token, s *parser) *Error {
	name := s.take()
	if name.kind != word {
		return errorAt(name.column, "a name is expected, not %v", name)
	}
	if err := s.expect(",", "after the name"); err != nil {
		return err
	}
	return p.constant(name, s)
}

func named(name string) func(*program, token, *parser) *Error {
	return func(p *program, _ token, _ *parser) *Error {
		p.enter(name, "")
		return nil
	}
}

func enterSection(p *program, _ token, s *parser) *Error {
	name := s.take()
	if name.kind != word && name.kind != text {
		return errorAt(name.column, "the name of a section is expected, not %v", name)
	}
	flags := ""
	if s.accept(",") && s.next().kind == text {
		flags = s.take().text
	}
	ignored(p, name, s) // @progbits and the like
	p.enter(name.text, flags)
	return nil
}

func pushSection(p *program, t token, s *parser) *Error {
	p.stack = append(p.stack, p.current)
	return enterSection(p, t, s)
}

func popSection(p *program, t token, _ *parser) *Error {
	if len(p.stack) == 0 {
		return errorAt(t.column, "there is no .pushsection to this .popsection")
	}
	p.previous, p.current = p.current, p.stack[len(p.stack)-1]
	p.stack = p.stack[:len(p.stack)-1]
	return nil
}

func previousSection(p *program, t token, _ *parser) *Error {
	if p.previous == nil {
		return errorAt(t.column, "there is no previous section")
	}
	p.previous, p.current = p.current, p.previous
	return nil
}

func mode(bits int) func(*program, token, *parser) *Error {
	return func(p *program, _ token, _ *parser) *Error {
		p.mode = bits
		return nil
	}
}

func syntax(which Syntax) func(*program, token, *parser) *Error {
	return func(p *program, _ token, s *parser) *Error {
		p.syntax = which
		if t := s.next(); t.kind == word && (t.text == "noprefix" || t.text == "prefix") {
			if (t.text == "noprefix") != (which == Intel) {
				return errorAt(t.column, "registers have a %% in AT&T's syntax and none in Intel's")
			}
			s.take()
		}
		return nil
	}
}

func ignored(_ *program, _ token, s *parser) *Error {
	s.at = len(s.tokens) - 1
	return nil
}
