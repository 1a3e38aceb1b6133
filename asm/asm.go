// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"fmt"
	"math/bits"
)

// Syntax is a way to write instructions.
type Syntax uint8

const (
	Intel Syntax = iota // as the manual writes them: mov rax, 1
	ATT                 // as GNU as and the kernel's source do: mov $1, %rax
)

// Options say how a source is to be read and where its code will lie. The
// zero value is Intel's syntax, 64 bits, the address 0, and no symbols.
type Options struct {
	Syntax  Syntax
	Mode    int    // 64, 32 or 16 bits; 0 is 64
	Address uint64 // of the first section
	// Sections are the addresses of those that should not just follow the one
	// before, by name.
	Sections map[string]uint64
	// Order is that of the sections; those that are not in it come behind, in
	// the order of the source.
	Order []string
	// Alignment is to what powers of two the addresses of the others are
	// rounded up, by name; 16 for what is not there.
	Alignment map[string]uint64
	// Symbols tells the addresses of symbols that the source does not define.
	Symbols func(name string) (address uint64, ok bool)
	// Constants are numbers by name, as .set defines them.
	Constants map[string]uint64
	Assembler Assembler
	File      string // for errors
}

// Code is what became of a source.
type Code struct {
	Address  uint64
	Bytes    []byte // of the first section, .text unless the source says otherwise
	Sections []Section
	Labels   map[string]uint64 // local ones (1:) are not among them
	Symbols  []Symbol          // those of which the source says something: .globl, .type, .size
	Lines    []Line
}

// Section is a stretch of bytes at an address.
type Section struct {
	Name    string
	Address uint64
	Bytes   []byte
}

// Line says which bytes a statement became; those without any are left out.
type Line struct {
	Line    int // in the source, from 1
	Section string
	Address uint64
	Bytes   []byte
}

// Assemble turns text into bytes. The error is [Errors], with everything that
// is wrong with the source, or wraps [ErrNoAssembler].
func Assemble(source string, o Options) (*Code, error) {
	if o.Mode == 0 {
		o.Mode = 64
	}
	if o.Mode != 16 && o.Mode != 32 && o.Mode != 64 || o.Syntax > ATT || o.Assembler > OnlyGNU {
		return nil, fmt.Errorf("options of an assembler: mode %d, syntax %d, assembler %d; accepted: modes 16, 32 and 64, and the constants of this package", o.Mode, o.Syntax, o.Assembler)
	}
	for name, to := range o.Alignment {
		if bits.OnesCount64(to) != 1 {
			return nil, fmt.Errorf("options of an assembler: the section %s aligned to %d; accepted: a power of two", name, to)
		}
	}
	p := read(source, &o)
	p.order()
	if len(p.errors) == 0 {
		if err := p.layout(); err != nil {
			return nil, err
		}
	}
	var symbols []Symbol
	if len(p.errors) == 0 {
		symbols = p.described()
	}
	if len(p.errors) > 0 {
		return nil, p.errors
	}
	return p.result(symbols), nil
}

func (p *program) result(symbols []Symbol) *Code {
	code := &Code{Labels: map[string]uint64{}, Symbols: symbols}
	for _, s := range p.sections {
		var b []byte
		for _, it := range s.items {
			if len(it.bytes) > 0 {
				code.Lines = append(code.Lines, Line{it.line, s.name, it.address, it.bytes})
			}
			b = append(b, it.bytes...)
		}
		code.Sections = append(code.Sections, Section{s.name, s.start, b})
	}
	for name, it := range p.labels {
		if _, _, isLocal := cutLocal(name); !isLocal {
			code.Labels[name] = it.address
		}
	}
	code.Address, code.Bytes = code.Sections[0].Address, code.Sections[0].Bytes
	return code
}
