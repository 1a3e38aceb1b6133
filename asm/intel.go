// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import "strings"

// intelOperand reads an operand as the manual writes it:
//
//	rax   5   offset label   qword ptr gs:[rbx + 8*rcx + field]   [rip + label]
func (p *parser) intelOperand() (*operand, *Error) {
	o := &operand{column: p.next().column}
	if p.next().is("{") { // {rn-sae}
		s, err := p.braces()
		o.form, o.name = verbatim, s
		return o, err
	}
	if err := p.intelQualifiers(o); err != nil {
		return nil, err
	}
	if name, ok := p.registerName(); ok {
		if !p.next().is(":") {
			o.form, o.name = register, name
			if o.size != "" {
				return nil, errorAt(o.column, "%s ptr is for memory; the register %s has a size of its own", o.size, name)
			}
			return o, p.suffixes(o)
		}
		colon := p.take()
		if !segments[name] {
			return nil, errorAt(colon.column, "%s is no segment register; accepted before a colon: cs ds es fs gs ss", name)
		}
		o.form, o.segment = memory, name
	}
	if !p.next().is("[") { // a displacement goes before brackets too: table[rax*8]
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		o.value = value
		if !p.next().is("[") {
			return p.intelBare(o)
		}
	}
	o.form = memory
	for p.next().is("[") {
		if err := p.intelBrackets(o); err != nil {
			return nil, err
		}
	}
	return o, p.suffixes(o)
}

// intelQualifiers reads what may go before: qword ptr, offset, short.
func (p *parser) intelQualifiers(o *operand) *Error {
	for p.next().kind == word {
		name := strings.ToLower(p.next().text)
		_, sized := sizes[name]
		switch {
		case sized && strings.EqualFold(p.peek(1).text, "ptr"):
			p.at += 2
			o.size = name
		case sized && p.peek(1).is("["), sized && segments[strings.ToLower(p.peek(1).text)]:
			p.take()
			o.size = name
		case name == "offset" && !p.peek(1).is(",") && p.peek(1).kind != end:
			p.take()
			o.offset = true
		case (name == "short" || name == "near") && (p.peek(1).kind == word || p.peek(1).kind == number || p.peek(1).kind == local):
			p.take()
			o.short = name == "short"
		default:
			return nil
		}
	}
	return nil
}

// intelBare is what an expression without brackets means.
func (p *parser) intelBare(o *operand) (*operand, *Error) {
	switch {
	case o.segment != "" || o.size != "":
		o.form = memory
	case o.offset:
		o.form = immediate
	default:
		o.form = target // or an immediate: that depends on the instruction
	}
	return o, p.suffixes(o)
}

// intelBrackets reads [base + index*scale + displacement], in any order.
func (p *parser) intelBrackets(o *operand) *Error {
	open := p.take()
	if t := p.next(); t.kind == word && segments[strings.ToLower(t.text)] && p.peek(1).is(":") {
		o.segment = strings.ToLower(t.text)
		p.at += 2
	}
	p.registers = true
	inner, err := p.expression()
	p.registers = false
	if err != nil {
		return err
	}
	if err := p.expect("]", "after an address"); err != nil {
		return err
	}
	rest, err := o.address(inner, open.column)
	if err != nil {
		return err
	}
	switch {
	case rest == nil:
	case o.value == nil:
		o.value = rest
	default:
		o.value = &expression{operator: "+", left: o.value, right: rest, column: rest.column}
	}
	return nil
}

// address takes the registers out of a sum and returns what is left of it.
func (o *operand) address(e *expression, column int) (*expression, *Error) {
	switch {
	case e.register:
		return nil, o.addRegister(e.name, 1, e.column)
	case e.operator == "*":
		name, factor := e.left, e.right
		if !name.register {
			name, factor = factor, name
		}
		if !name.register {
			break
		}
		if factor.register || factor.operator != "" || factor.name != "" {
			return nil, errorAt(factor.column, "an index is scaled by 1, 2, 4 or 8")
		}
		return nil, o.addRegister(name.name, factor.value, factor.column)
	case e.operator == "+" || e.operator == "-":
		left, err := o.address(e.left, column)
		if err != nil {
			return nil, err
		}
		right := e.right
		if e.operator == "+" {
			right, err = o.address(right, column)
		} else if used := right.anyRegister(); used != nil {
			err = errorAt(used.column, "a register can't be subtracted in an address")
		}
		switch {
		case err != nil:
			return nil, err
		case left == nil && e.operator == "-":
			return &expression{operator: "neg", left: right, column: e.column}, nil
		case left == nil:
			return right, nil
		case right == nil:
			return left, nil
		}
		return &expression{operator: e.operator, left: left, right: right, column: e.column}, nil
	}
	if used := e.anyRegister(); used != nil {
		return nil, errorAt(used.column, "an address is [base + index*scale + displacement]; the register %s stands in no such place", used.name)
	}
	return e, nil
}

func (e *expression) anyRegister() *expression {
	if e == nil || e.register {
		return e
	}
	if used := e.left.anyRegister(); used != nil {
		return used
	}
	return e.right.anyRegister()
}

func (o *operand) addRegister(name string, scale uint64, column int) *Error {
	switch scale {
	case 1, 2, 4, 8:
	default:
		return errorAt(column, "an index is scaled by 1, 2, 4 or 8, not by %d", scale)
	}
	switch {
	case scale == 1 && o.base == "" && name != "riz" && name != "eiz":
		o.base = name
	case o.index == "":
		o.index, o.scale = name, scale
	case o.base == "" && o.scale == 1:
		o.base, o.index, o.scale = o.index, name, scale
	default:
		return errorAt(column, "an address has one base and one index, and %s is a third register", name)
	}
	if (o.index == "rsp" || o.index == "esp") && o.scale == 1 { // it can only be the base
		o.base, o.index = o.index, o.base
	}
	return nil
}
