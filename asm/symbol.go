// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import "strings"

// SymbolKind is what .type says of a symbol.
type SymbolKind uint8

const (
	Untyped  SymbolKind = iota
	Object              // data
	Function            // code
)

// Symbol is what the source says of a label for a linker.
type Symbol struct {
	Name   string
	Kind   SymbolKind
	Size   uint64 // 0 if it is not said
	Global bool
	Weak   bool
}

// attributes are those of a symbol while the source is read.
type attributes struct {
	symbol Symbol
	size   *expression
	at     *item // what "." means in size
}

// about is where to note something of a symbol.
func (p *program) about(name string) *attributes {
	a := p.symbolOf[name]
	if a == nil {
		a = &attributes{symbol: Symbol{Name: name}}
		p.symbols, p.symbolOf[name] = append(p.symbols, a), a
	}
	return a
}

// visible is .globl and .weak, with one name or several.
func visible(weak bool) func(*program, token, *parser) *Error {
	return func(p *program, _ token, s *parser) *Error {
		for {
			name := s.take()
			if name.kind != word {
				return errorAt(name.column, "a name is expected, not %v", name)
			}
			a := p.about(name.text)
			a.symbol.Global, a.symbol.Weak = true, a.symbol.Weak || weak
			if !s.accept(",") {
				return nil
			}
		}
	}
}

// typed is .type name, @function or @object; other types say nothing here.
func typed(p *program, t token, s *parser) *Error {
	name := s.take()
	if name.kind != word {
		return errorAt(name.column, "a name is expected, not %v", name)
	}
	s.accept(",")
	for s.accept("@") || s.accept("%") {
	}
	switch kind := s.next(); strings.TrimPrefix(strings.ToLower(kind.text), "stt_") {
	case "function", "func":
		p.about(name.text).symbol.Kind = Function
	case "object":
		p.about(name.text).symbol.Kind = Object
	}
	return ignored(p, t, s)
}

// sized is .size name, expression.
func sized(p *program, t token, s *parser) (err *Error) {
	name := s.take()
	if name.kind != word {
		return errorAt(name.column, "a name is expected, not %v", name)
	}
	if err := s.expect(",", "after the name"); err != nil {
		return err
	}
	a := p.about(name.text)
	a.at = p.add(&item{column: t.column})
	a.size, err = s.expression()
	return err
}

// described are the symbols of labels that the source has.
func (p *program) described() []Symbol {
	var out []Symbol
	for _, a := range p.symbols {
		if p.labels[a.symbol.Name] == nil {
			continue
		}
		if a.size != nil {
			q, err := a.size.evaluate(p.lookUp(a.at))
			if err != nil {
				p.complain(a.at, err)
				continue
			}
			a.symbol.Size = q.value
		}
		out = append(out, a.symbol)
	}
	return out
}
