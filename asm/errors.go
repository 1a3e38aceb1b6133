// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoAssembler is what the error wraps when there is neither Keystone nor
// GNU as, or when there is not the one that was asked for.
var ErrNoAssembler = errors.New("no assembler")

// Error is something wrong in the source, and where.
type Error struct {
	File   string // Options.File
	Line   int    // from 1
	Column int    // from 1, in bytes
	What   string
}

func (e *Error) Error() string {
	file := e.File
	if file != "" {
		file += ":"
	}
	return fmt.Sprintf("%s%d:%d: %s", file, e.Line, e.Column, e.What)
}

func errorAt(column int, format string, args ...any) *Error {
	return &Error{Column: column, What: fmt.Sprintf(format, args...)}
}

// Errors is everything that was found wrong, in the order of the source.
type Errors []*Error

func (e Errors) Error() string {
	const most = 10
	var lines []string
	for i, one := range e {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %d more", len(e)-most))
			break
		}
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each of them to errors.As.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}
