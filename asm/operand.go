// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"fmt"
	"strings"
)

// form is what an operand is.
type form uint8

const (
	register form = iota
	immediate
	memory
	target // a bare expression: where a branch goes; else, in AT&T's syntax, memory
	verbatim
)

// operand is one of an instruction's, in either syntax.
type operand struct {
	form     form
	column   int
	name     string      // of a register; all of a verbatim operand
	value    *expression // immediate, displacement or target; nil for none
	size     string      // "qword", of Intel's memory; "" for none
	segment  string
	base     string
	index    string
	scale    uint64
	offset   bool   // Intel's offset, which makes an address an immediate
	indirect bool   // AT&T's *
	short    bool   // Intel's short
	suffix   string // "{k1}{z}", "{1to16}"
}

// relative says whether memory is addressed by RIP.
func (o *operand) relative() bool { return o.form == memory && (o.base == "rip" || o.base == "eip") }

// bare says whether memory is addressed by a displacement alone.
func (o *operand) bare() bool { return o.form == memory && o.base == "" && o.index == "" }

// write writes the operand for an assembler, which sees no symbol: value is
// what its expression comes to.
func (o *operand) write(syntax Syntax, value int64, zeroIndex string) string {
	if syntax == ATT {
		return o.writeATT(value, zeroIndex) + o.suffix
	}
	return o.writeIntel(value, zeroIndex) + o.suffix
}

// hexadecimal is the only way of writing numbers that all assemblers agree
// upon: Keystone 0.9.2 takes 10 for sixteen in AT&T's syntax.
func hexadecimal(v int64) string {
	if v < 0 {
		return fmt.Sprintf("-%#x", -uint64(v))
	}
	return fmt.Sprintf("%#x", v)
}

func (o *operand) writeIntel(value int64, zeroIndex string) string {
	switch o.form {
	case register, verbatim:
		return o.name
	case immediate, target:
		return hexadecimal(value)
	}
	var s strings.Builder
	if o.size != "" {
		s.WriteString(o.size + " ptr ")
	}
	if o.segment != "" {
		s.WriteString(o.segment + ":")
	}
	var terms []string
	if o.base != "" {
		terms = append(terms, o.base)
	}
	switch {
	case o.index != "" && o.scale == 1 && registers[o.index] == 16: // no encoding has a scale
		terms = append(terms, o.index)
	case o.index != "":
		terms = append(terms, fmt.Sprintf("%s*%d", o.index, o.scale))
	}
	if o.bare() && zeroIndex != "" {
		terms = append(terms, zeroIndex+"*1")
	}
	if o.value != nil || len(terms) == 0 {
		terms = append(terms, hexadecimal(value))
	}
	s.WriteString("[" + strings.ReplaceAll(strings.Join(terms, " + "), "+ -", "- ") + "]")
	return s.String()
}

func (o *operand) writeATT(value int64, zeroIndex string) string {
	star := ""
	if o.indirect {
		star = "*"
	}
	switch o.form {
	case register:
		return star + "%" + o.name
	case verbatim:
		return o.name
	case immediate:
		return "$" + hexadecimal(value)
	case target:
		return hexadecimal(value)
	}
	var s strings.Builder
	s.WriteString(star)
	if o.segment != "" {
		s.WriteString("%" + o.segment + ":")
	}
	if o.value != nil {
		s.WriteString(hexadecimal(value))
	}
	switch {
	case o.index != "" && o.base != "":
		fmt.Fprintf(&s, "(%%%s,%%%s,%d)", o.base, o.index, o.scale)
	case o.index != "":
		fmt.Fprintf(&s, "(,%%%s,%d)", o.index, o.scale)
	case o.base != "":
		fmt.Fprintf(&s, "(%%%s)", o.base)
	case zeroIndex != "":
		fmt.Fprintf(&s, "(,%%%s,1)", zeroIndex)
	}
	return s.String()
}

// suffixes reads {k1}{z} and the like, which follow an operand.
func (p *parser) suffixes(o *operand) *Error {
	for p.next().is("{") {
		s, err := p.braces()
		if err != nil {
			return err
		}
		o.suffix += s
	}
	return nil
}

// braces reads a word or two in braces, for the assembler to judge.
func (p *parser) braces() (string, *Error) {
	open := p.take()
	s := "{"
	for range 5 {
		t := p.take()
		switch {
		case t.is("}"):
			return s + "}", nil
		case t.kind == word, t.kind == number, t.kind == local, t.is("-"), t.is("%"):
			s += strings.ToLower(t.text)
		default:
			return "", errorAt(t.column, "%v does not belong between braces", t)
		}
	}
	return "", errorAt(open.column, "what the brace opens has no end")
}

// registerName reads a register, st(1) included, if one is next.
func (p *parser) registerName() (string, bool) {
	t := p.next()
	if t.kind != word || !isRegister(t.text) {
		return "", false
	}
	name := strings.ToLower(t.text)
	p.take()
	if n := p.peek(1); name == "st" && p.next().is("(") && n.kind == number && n.value < 8 && p.peek(2).is(")") {
		p.at += 3
		name = fmt.Sprintf("st(%d)", n.value)
	}
	return name, true
}
