// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"math/bits"
	"strings"
)

// expression is a number, a symbol, a register (within the brackets of an
// Intel operand), or an operation on others.
type expression struct {
	operator    string // "" for a leaf, "neg" and "~" with left only
	left, right *expression
	value       uint64
	name        string // of a symbol, or of a register with isRegister
	register    bool
	column      int
}

// deepest is how deep parentheses may nest; more is no program, and recursion
// needs an end.
const (
	deepest       = 100
	mostOperators = 1000 // in a statement's operand
)

// parser reads the tokens of one statement.
type parser struct {
	tokens    []token // the last is end
	at        int
	depth     int
	operators int
	registers bool // registers may be leaves
	local     func(token) string
}

func (p *parser) next() token { return p.tokens[p.at] }

func (p *parser) peek(n int) token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

// accept takes the next token if it is this one.
func (p *parser) accept(s string) bool {
	if p.next().is(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(s, where string) *Error {
	if p.accept(s) {
		return nil
	}
	return errorAt(p.next().column, "%q is missing %s, before %v", s, where, p.next())
}

// precedence is that of GNU as, not of C: * / % << >> bind closest, then & ^ |,
// then + and -.
func precedence(t token) int {
	if t.kind != punct {
		return 0
	}
	switch t.text {
	case "*", "/", "%", "<<", ">>":
		return 3
	case "&", "|", "^":
		return 2
	case "+", "-":
		return 1
	}
	return 0
}

func (p *parser) expression() (*expression, *Error) {
	if p.depth == 0 {
		p.operators = 0
	}
	return p.binary(1)
}

func (p *parser) binary(least int) (*expression, *Error) {
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		operator := p.next()
		level := precedence(operator)
		if level < least || level == 0 {
			return left, nil
		}
		p.take()
		if p.operators++; p.operators > mostOperators {
			return nil, errorAt(operator.column, "an expression of more than %d operators", mostOperators)
		}
		right, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		left = &expression{operator: operator.text, left: left, right: right, column: operator.column}
	}
}

func (p *parser) unary() (*expression, *Error) {
	p.depth++
	defer func() { p.depth-- }()
	t := p.take()
	switch {
	case p.depth > deepest:
		return nil, errorAt(t.column, "parentheses or signs nest deeper than %d", deepest)
	case t.kind == number:
		return &expression{value: t.value, column: t.column}, nil
	case t.kind == local:
		return &expression{name: p.local(t), column: t.column}, nil
	case t.kind == word && isRegister(t.text):
		if !p.registers {
			return nil, errorAt(t.column, "the register %s can't be part of an expression", t.text)
		}
		return &expression{name: strings.ToLower(t.text), register: true, column: t.column}, nil
	case t.kind == word:
		return &expression{name: t.text, column: t.column}, nil
	case t.is("-"), t.is("~"), t.is("+"):
		operand, err := p.unary()
		if err != nil || t.text == "+" {
			return operand, err
		}
		return &expression{operator: map[string]string{"-": "neg", "~": "~"}[t.text], left: operand, column: t.column}, nil
	case t.is("("):
		inner, err := p.expression()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")", "after an expression")
	}
	return nil, errorAt(t.column, "a number or a symbol is expected, not %v", t)
}

// quantity is the value of an expression: a number plus so many addresses.
// The difference of two addresses is a number.
type quantity struct {
	value     uint64
	addresses int
}

// lookUp tells what a symbol stands for.
type lookUp func(name string, column int) (quantity, *Error)

func (e *expression) evaluate(symbols lookUp) (quantity, *Error) {
	switch {
	case e.operator == "" && e.name == "":
		return quantity{value: e.value}, nil
	case e.operator == "":
		return symbols(e.name, e.column)
	}
	left, err := e.left.evaluate(symbols)
	if err != nil {
		return quantity{}, err
	}
	var right quantity
	if e.right != nil {
		if right, err = e.right.evaluate(symbols); err != nil {
			return quantity{}, err
		}
	}
	switch e.operator {
	case "+":
		return quantity{left.value + right.value, left.addresses + right.addresses}, nil
	case "-":
		return quantity{left.value - right.value, left.addresses - right.addresses}, nil
	case "neg":
		return quantity{-left.value, -left.addresses}, nil
	}
	// What else is done to an address makes a number of it.
	return quantity{value: 0}.with(e, left.value, right.value)
}

func (q quantity) with(e *expression, a, b uint64) (quantity, *Error) {
	switch e.operator {
	case "*":
		_, q.value = bits.Mul64(a, b)
	case "/", "%":
		if b == 0 {
			return q, errorAt(e.column, "a division by 0")
		}
		// Signed, as in GNU as.
		if q.value = uint64(quotient(int64(a), int64(b))); e.operator == "%" {
			q.value = a - q.value*b
		}
	case "<<":
		q.value = shift(b, a<<(b&63))
	case ">>":
		q.value = shift(b, a>>(b&63))
	case "&":
		q.value = a & b
	case "|":
		q.value = a | b
	case "^":
		q.value = a ^ b
	case "~":
		q.value = ^a
	}
	return q, nil
}

func quotient(a, b int64) int64 {
	if b == -1 {
		return -a // also of the least one, which Go lets wrap
	}
	return a / b
}

func shift(by, result uint64) uint64 {
	if by > 63 {
		return 0
	}
	return result
}
