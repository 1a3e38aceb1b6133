// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"strings"
)

// Builder composes a program in Go: text, labels, data, alignment, and
// addresses that the caller chooses. The zero value is an empty program. Its
// methods return it, to be chained; what is wrong is told by Assemble, with the
// line of Go that it comes from.
type Builder struct {
	source   strings.Builder
	lines    int // of source
	calls    []call
	sections map[string]uint64
}

// call is a method's call: which lines of source it made.
type call struct {
	first int
	place string // of the caller: "entry_test.go:42"
}

// add is called by the methods, and they by whom place is to name.
func (b *Builder) add(text string) *Builder {
	place := "a snippet"
	if _, file, line, ok := runtime.Caller(2); ok {
		place = fmt.Sprintf("%s:%d", filepath.Base(file), line)
	}
	b.calls = append(b.calls, call{b.lines + 1, place})
	b.source.WriteString(text + "\n")
	b.lines += strings.Count(text, "\n") + 1
	return b
}

// Text adds source, as Assemble reads it, with fmt's verbs filled in.
func (b *Builder) Text(format string, args ...any) *Builder {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return b.add(format)
}

// Label names this place.
func (b *Builder) Label(name string) *Builder { return b.add(name + ":") }

// Bytes adds data.
func (b *Builder) Bytes(data ...byte) *Builder {
	return b.add(list(".byte", data))
}

// Quads adds 64-bit numbers.
func (b *Builder) Quads(values ...uint64) *Builder {
	return b.add(list(".quad", values))
}

// Addresses adds 64-bit addresses, of labels or of symbols.
func (b *Builder) Addresses(names ...string) *Builder {
	return b.add(list(".quad", names))
}

func list[T any](directive string, values []T) string {
	if len(values) == 0 {
		return ""
	}
	var s strings.Builder
	for i, v := range values {
		s.WriteString(map[bool]string{true: directive + " ", false: ", "}[i == 0])
		fmt.Fprint(&s, v)
	}
	return s.String()
}

// Align goes on at the next multiple of a power of two. In code the gap is
// filled with NOPs, elsewhere with zeros.
func (b *Builder) Align(to uint64) *Builder { return b.add(fmt.Sprintf(".balign %d", to)) }

// Zero adds n bytes of 0.
func (b *Builder) Zero(n uint64) *Builder { return b.add(fmt.Sprintf(".zero %d", n)) }

// Section goes on in the section of this name, behind what it has already.
func (b *Builder) Section(name string) *Builder { return b.add(fmt.Sprintf(".section %q", name)) }

// At goes on at an address, in a section of its own that is named after it.
func (b *Builder) At(address uint64) *Builder {
	name := fmt.Sprintf("%#x", address)
	if b.sections == nil {
		b.sections = map[string]uint64{}
	}
	b.sections[name] = address
	return b.add(fmt.Sprintf(".section %q, \"ax\"", name))
}

// Source is the program so far, as Assemble reads it.
func (b *Builder) Source() string { return b.source.String() }

// Assemble assembles it; see [Assemble]. Errors name the line of Go in File,
// and count lines and columns in what was given there.
func (b *Builder) Assemble(o Options) (*Code, error) {
	sections := maps.Clone(b.sections)
	if sections == nil {
		sections = map[string]uint64{}
	}
	maps.Copy(sections, o.Sections)
	o.Sections = sections
	code, err := Assemble(b.Source(), o)
	var wrong Errors
	if errors.As(err, &wrong) {
		for _, e := range wrong {
			b.locate(e)
		}
	}
	return code, err
}

func (b *Builder) locate(e *Error) {
	for i := len(b.calls) - 1; i >= 0; i-- {
		if c := b.calls[i]; e.Line >= c.first {
			e.File, e.Line = c.place, e.Line-c.first+1
			return
		}
	}
}
