// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"fmt"
	"strings"
)

// Error is where text is not a sequence, and what would be.
type Error struct {
	Line, Column int // from 1; columns count bytes
	Found        string
	Problem      string   // in words, "" if something else was expected
	Accepted     []string // what would be accepted there
}

func (e *Error) Error() string {
	problem := e.Problem
	if problem == "" {
		problem = "unexpected " + e.Found
	}
	s := fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, problem)
	if len(e.Accepted) > 0 {
		s += "; accepted: " + strings.Join(e.Accepted, ", ")
	}
	return s
}

// line is one line of text, and how far it has been read.
type line struct {
	text   string
	number int
	at     int
}

func newLine(text string, number int) *line {
	if i := strings.IndexByte(text, '#'); i >= 0 {
		text = text[:i]
	}
	return &line{text: strings.TrimRight(text, " \t\r"), number: number}
}

func (l *line) blanks() {
	for l.at < len(l.text) && (l.text[l.at] == ' ' || l.text[l.at] == '\t') {
		l.at++
	}
}

func (l *line) end() bool {
	l.blanks()
	return l.at == len(l.text)
}

// take reads a character if it comes next.
func (l *line) take(c byte) bool {
	l.blanks()
	if l.at < len(l.text) && l.text[l.at] == c {
		l.at++
		return true
	}
	return false
}

// expect is take for what has to come.
func (l *line) expect(c byte, others ...string) *Error {
	if l.take(c) {
		return nil
	}
	return l.unexpected(append([]string{"'" + string(c) + "'"}, others...)...)
}

// word reads letters, digits, underscores and dots; it may be empty.
func (l *line) word() string {
	l.blanks()
	start := l.at
	for l.at < len(l.text) {
		c := l.text[l.at]
		if c != '_' && c != '.' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
		l.at++
	}
	return l.text[start:l.at]
}

// unexpected says that what comes next is none of these.
func (l *line) unexpected(accepted ...string) *Error {
	l.blanks()
	e := &Error{Line: l.number, Column: l.at + 1, Found: "end of the line", Accepted: accepted}
	if l.at < len(l.text) {
		rest := l.text[l.at:]
		if w := (&line{text: rest}).word(); w != "" {
			rest = w
		} else {
			rest = rest[:1]
		}
		e.Found = fmt.Sprintf("%q", rest)
	}
	return e
}

// problem is an error at a place that has been read already.
func (l *line) problem(at int, accepted []string, format string, a ...any) *Error {
	return &Error{Line: l.number, Column: at + 1, Problem: fmt.Sprintf(format, a...), Accepted: accepted}
}
