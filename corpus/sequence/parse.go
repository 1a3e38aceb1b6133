// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"fmt"
	"strconv"
	"strings"
)

// Parse reads a sequence as text. An error is an *Error.
func Parse(text string) (Sequence, error) {
	p := parser{results: map[string]int{}}
	header := false
	for i, t := range strings.Split(text, "\n") {
		l := newLine(t, i+1)
		if l.end() {
			continue
		}
		if !header {
			if strings.Join(strings.Fields(l.text), " ") != Header {
				return nil, l.problem(0, []string{Header}, "the first line has to say that this is a sequence, and of which version")
			}
			header = true
			continue
		}
		if err := p.operation(l); err != nil {
			return nil, err
		}
	}
	if !header {
		return nil, &Error{Line: 1, Column: 1, Problem: "there is no first line", Accepted: []string{Header}}
	}
	return p.sequence, nil
}

type parser struct {
	sequence Sequence
	results  map[string]int // by name: which operation's
}

// operation reads one: [rN =] name(arguments) [(properties)].
func (p *parser) operation(l *line) *Error {
	index := len(p.sequence)
	if index == MaxOps {
		return l.problem(l.at, nil, "more than %d operations", MaxOps)
	}
	l.blanks()
	start := l.at
	name := l.word()
	if name == "" {
		return l.unexpected("an operation")
	}
	result := ""
	if l.take('=') {
		if !isResult(name) {
			return l.problem(start, []string{"r0", "r1", "..."}, "a result can't be called %q", name)
		}
		result = name
		l.blanks()
		start = l.at
		name = l.word()
	}
	code, ok := findOperation(name)
	if !ok {
		return l.problem(start, nearest(name), "there is no operation %q", name)
	}
	o := Op{Code: code}
	if err := p.arguments(l, &o, index); err != nil {
		return err
	}
	if l.take('(') {
		if err := properties(l, &o); err != nil {
			return err
		}
	}
	if !l.end() {
		return l.unexpected("the end of the line", "a comment", "(irq: N)")
	}
	if result != "" {
		p.results[result] = index
	}
	p.sequence = append(p.sequence, o)
	return nil
}

func isResult(name string) bool {
	if len(name) < 2 || name[0] != 'r' {
		return false
	}
	_, err := strconv.ParseUint(name[1:], 10, 16)
	return err == nil
}

func (p *parser) arguments(l *line, o *Op, index int) *Error {
	op := o.Operation()
	if err := l.expect('('); err != nil {
		return err
	}
	for i := range op.Args {
		if i > 0 {
			if err := l.expect(',', fmt.Sprintf("%s has %d arguments, the next is %s", op.Name, len(op.Args), op.Args[i].Name)); err != nil {
				return err
			}
		}
		l.blanks()
		start := l.at
		v, err := p.value(l, op.Args[i].Domain)
		if err != nil {
			return err
		}
		if d := op.Args[i].Domain; !d.allows(v) {
			return l.problem(start, d.accepted(), "%s of %s can't be %s", op.Args[i].Name, op.Name, strings.TrimSpace(l.text[start:l.at]))
		}
		o.Args[i] = v
	}
	return l.expect(')')
}

// value reads a number, name|name, rN, &place, *place, each but the first with +N or -N.
func (p *parser) value(l *line, d *Domain) (Value, *Error) {
	l.blanks()
	start := l.at
	var v Value
	switch {
	case l.take('&'):
		v.Kind = Pointer
	case l.take('*'):
		v.Kind = Contents
	case l.take('-'):
		n, err := readNumber(l, d)
		return Num(-n), err
	default:
		word := l.word()
		_, named := d.find(word)
		switch {
		case named || word != "" && word[0] >= '0' && word[0] <= '9':
			l.at = start
			n, err := readNumbers(l, d)
			return Num(n), err
		case word == Self.String():
			v = At(Self, 0)
		case isResult(word):
			of, known := p.results[word]
			if !known {
				return v, l.problem(start, nil, "no operation before this one has a result %s", word)
			}
			v = Of(of)
		default:
			l.at = start
			return v, l.unexpected(d.accepted()...)
		}
		return plus(l, v, d)
	}
	l.blanks()
	start = l.at
	place, ok := findPlace(l.word())
	if !ok {
		l.at = start
		return v, l.unexpected(placeNames(d)...)
	}
	v.Place = place
	return plus(l, v, d)
}

// plus reads what is added, if anything is.
func plus(l *line, v Value, d *Domain) (Value, *Error) {
	var err *Error
	switch {
	case l.take('+'):
		v.N, err = readNumber(l, d)
	case l.take('-'):
		v.N, err = readNumber(l, d)
		v.N = -v.N
	}
	return v, err
}

// readNumbers reads numbers and names that are combined.
func readNumbers(l *line, d *Domain) (uint64, *Error) {
	n, err := readNumber(l, d)
	for err == nil && l.take('|') {
		var more uint64
		more, err = readNumber(l, d)
		n |= more
	}
	return n, err
}

func readNumber(l *line, d *Domain) (uint64, *Error) {
	l.blanks()
	start := l.at
	word := l.word()
	if n, ok := d.find(word); ok {
		return n, nil
	}
	if n, err := strconv.ParseUint(word, 0, 64); err == nil {
		return n, nil
	}
	l.at = start
	return 0, l.unexpected(append([]string{"a number of 64 bits"}, d.accepted()...)...)
}

// properties reads by: syscall, irq: N and their like, up to the parenthesis.
func properties(l *line, o *Op) *Error {
	for {
		l.blanks()
		start := l.at
		name := l.word()
		if name != "by" && eventOf(name) == NoEvent {
			l.at = start
			return l.unexpected("irq", "nmi", "db", "by")
		}
		if err := l.expect(':'); err != nil {
			return err
		}
		if err := property(l, o, start, name); err != nil {
			return err
		}
		if l.take(')') {
			return nil
		}
		if err := l.expect(',', "')'"); err != nil {
			return err
		}
	}
}

func property(l *line, o *Op, start int, name string) *Error {
	l.blanks()
	at := l.at
	word := l.word()
	if name == "by" {
		if word != "syscall" {
			l.at = at
			return l.unexpected("syscall")
		}
		if !o.Operation().isCall() {
			return l.problem(start, nil, "%s is no system call", o.Operation().Name)
		}
		o.SYSCALL = true
		return nil
	}
	n, err := strconv.ParseUint(word, 0, 16)
	switch {
	case err != nil:
		l.at = at
		return l.unexpected(fmt.Sprintf("a boundary, 0 to %d", MaxBoundary))
	case o.Event != NoEvent:
		return l.problem(start, nil, "only one thing can come in the middle of an operation, and here is %v already", o.Event)
	case !o.Operation().interruptible():
		return l.problem(start, nil, "%s executes nothing, so nothing can come in the middle of it", o.Operation().Name)
	}
	o.Event, o.At = eventOf(name), uint16(n)
	return nil
}

func eventOf(name string) Event {
	for e := Event(1); e < eventKinds; e++ {
		if eventNames[e] == name {
			return e
		}
	}
	return NoEvent
}
