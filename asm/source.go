// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"strconv"
	"strings"
)

// item is a piece of the program that has a place: an instruction, data, or a
// gap.
type item struct {
	line, column int
	section      *section
	address      uint64
	length       int
	least        int // of a branch
	within       int // where in data "." is: each number's own place
	syntax       Syntax
	mode         int

	code  *instruction
	still *snippet // of an instruction that doesn't change with its place
	data  []datum
	gap   *gap
	bytes []byte
	label string // just a name for the place
	err   *Error
}

// datum is a number in data.
type datum struct {
	value *expression
	size  int
	raw   string // or bytes
}

// section is a stretch of the program with an address of its own.
type section struct {
	name       string
	items      []*item
	executable bool
	start      uint64
	size       uint64
}

// program is what was read of the source.
type program struct {
	options   *Options
	sections  []*section
	current   *section
	previous  *section
	stack     []*section
	symbols   []*attributes
	symbolOf  map[string]*attributes
	labels    map[string]*item
	constants map[string]*constant
	locals    map[string]int // how often 1: has been there
	line      int
	mode      int
	syntax    Syntax
	errors    Errors
	items     int
	resolved  int  // symbols, for one expression
	moving    bool // an address was among them
}

type constant struct {
	value    *expression
	at       *item // what "." means in it
	visiting bool
}

// most is how many pieces and bytes a program may have: a limit for hostile
// input, far above any that a person writes.
const (
	mostItems = 1 << 20
	mostBytes = 64 << 20
)

func read(source string, o *Options) *program {
	p := &program{options: o, symbolOf: map[string]*attributes{}, labels: map[string]*item{}, constants: map[string]*constant{}, locals: map[string]int{}, mode: o.Mode, syntax: o.Syntax}
	p.enter(".text", "")
	for i, line := range strings.Split(withoutComments(source), "\n") {
		p.line = i + 1
		tokens, err := scan(line)
		if err == nil {
			err = p.statements(tokens)
		}
		if err != nil {
			p.fail(err)
		}
		if p.items > mostItems {
			p.fail(errorAt(1, "more than %d instructions and data", mostItems))
			break
		}
	}
	return p
}

func (p *program) fail(err *Error) {
	err.Line, err.File = p.line, p.options.File
	p.errors = append(p.errors, err)
}

// statements splits a line at its semicolons.
func (p *program) statements(tokens []token) *Error {
	var first *Error
	for len(tokens) > 0 {
		n := 0
		for !tokens[n].is(";") && tokens[n].kind != end {
			n++
		}
		one := append(tokens[:n:n], token{kind: end, column: tokens[n].column})
		tokens = tokens[n+1:]
		if err := p.statement(&parser{tokens: one, local: p.localName}); err != nil {
			if first != nil {
				p.fail(err)
				continue
			}
			first = err
		}
	}
	return first
}

// localName is the name under which the label that 1f or 1b refers to is kept;
// no word of the source can be that.
func (p *program) localName(t token) string {
	digits := strings.TrimLeft(t.text[:len(t.text)-1], "0")
	n := p.locals[digits]
	if t.text[len(t.text)-1]|0x20 == 'f' {
		n++
	}
	return localLabel(digits, n)
}

func localLabel(digits string, n int) string { return digits + ":" + strconv.Itoa(n) }

func (p *program) statement(s *parser) *Error {
	for s.peek(1).is(":") && (s.next().kind == word || s.next().kind == number) {
		if err := p.define(s.take()); err != nil {
			return err
		}
		s.take()
	}
	t := s.next()
	switch {
	case t.kind == end:
		return nil
	case t.kind == word && s.peek(1).is("="):
		s.at += 2
		return p.constant(t, s)
	case t.kind == word && t.text[0] == '.' && directives[strings.ToLower(t.text)] != nil:
		s.take()
		return p.directive(directives[strings.ToLower(t.text)], t, s)
	}
	in, err := s.instruction(p.syntax, p.mode)
	if err != nil {
		return err
	}
	p.add(&item{column: in.column, code: in})
	return nil
}

func (p *program) add(it *item) *item {
	it.line, it.section, it.syntax, it.mode = p.line, p.current, p.syntax, p.mode
	p.current.items = append(p.current.items, it)
	p.items++
	return it
}

// define puts a label here.
func (p *program) define(t token) *Error {
	name := t.text
	switch {
	case t.kind == number:
		if strings.Trim(t.text, "0123456789") != "" {
			return errorAt(t.column, "a local label is a decimal number, not %s", t.text)
		}
		digits := strings.TrimLeft(t.text, "0")
		p.locals[digits]++
		name = localLabel(digits, p.locals[digits])
	case name == "." || isRegister(name):
		return errorAt(t.column, "%s can't be a label", name)
	case p.defined(name):
		return errorAt(t.column, "%s is defined already", name)
	}
	p.labels[name] = p.add(&item{column: t.column, label: name})
	return nil
}

func (p *program) defined(name string) bool {
	return p.labels[name] != nil || p.constants[name] != nil
}

func (p *program) constant(t token, s *parser) *Error {
	value, err := s.expression()
	switch {
	case err != nil:
		return err
	case s.next().kind != end:
		return errorAt(s.next().column, "%v after the value", s.next())
	case t.text == "." || isRegister(t.text):
		return errorAt(t.column, "%s can't be a constant", t.text)
	case p.defined(t.text):
		return errorAt(t.column, "%s is defined already", t.text)
	}
	p.constants[t.text] = &constant{value: value, at: p.add(&item{column: t.column})}
	return nil
}

// enter goes on in a section, which may be new.
func (p *program) enter(name, flags string) {
	p.previous = p.current
	for _, s := range p.sections {
		if s.name == name {
			p.current = s
			return
		}
	}
	code := strings.Contains(flags, "x") || name == ".text" || strings.HasPrefix(name, ".text.") || strings.HasSuffix(name, ".text")
	p.current = &section{name: name, executable: code}
	p.sections = append(p.sections, p.current)
}
