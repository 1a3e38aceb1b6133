// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import "strings"

// attOperand reads an operand as GNU as and the kernel's source write it:
//
//	%rax   $5   $label   %gs:field(%rbx,%rcx,8)   label(%rip)   *%rax
func (p *parser) attOperand() (*operand, *Error) {
	o := &operand{column: p.next().column}
	if p.next().is("{") { // {rn-sae}
		s, err := p.braces()
		o.form, o.name = verbatim, s
		return o, err
	}
	o.indirect = p.accept("*")
	if p.accept("$") {
		value, err := p.expression()
		o.form, o.value = immediate, value
		return o, err
	}
	if p.next().is("%") {
		name, err := p.attRegister()
		if err != nil {
			return nil, err
		}
		if !p.next().is(":") {
			o.form, o.name = register, name
			return o, p.suffixes(o)
		}
		colon := p.take()
		if !segments[name] {
			return nil, errorAt(colon.column, "%s is no segment register; accepted before a colon: %%cs %%ds %%es %%fs %%gs %%ss", name)
		}
		o.segment = name
	}
	o.form = memory
	if !p.next().is("(") || !p.peek(1).is("%") && !p.peek(1).is(",") { // ( opens an expression or registers
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		o.value = value
	}
	if !p.next().is("(") {
		if o.segment == "" && !o.indirect {
			o.form = target
		}
		return o, p.suffixes(o)
	}
	if err := p.attRegisters(o); err != nil {
		return nil, err
	}
	return o, p.suffixes(o)
}

func (p *parser) attRegister() (string, *Error) {
	mark := p.take()
	if digits, ok := strings.CutPrefix(strings.ToLower(p.next().text), "db"); ok && isRegister("dr"+digits) {
		p.take() // as objdump writes them
		return "dr" + digits, nil
	}
	if name, ok := p.registerName(); mark.is("%") && ok {
		return name, nil
	}
	return "", errorAt(mark.column, "a register such as %%rax is expected, not %v", p.next())
}

// attRegisters reads (base,index,scale).
func (p *parser) attRegisters(o *operand) (err *Error) {
	p.take()
	if !p.next().is(",") {
		if o.base, err = p.attRegister(); err != nil {
			return err
		}
	}
	if !p.accept(",") {
		return p.expect(")", "after a base")
	}
	if o.index, err = p.attRegister(); err != nil {
		return err
	}
	o.scale = 1
	if p.accept(",") {
		t := p.take()
		if t.kind != number || strings.Trim(t.text, "1248") != "" || len(t.text) != 1 {
			return errorAt(t.column, "an index is scaled by 1, 2, 4 or 8, not by %v", t)
		}
		o.scale = t.value
	}
	return p.expect(")", "after an index")
}
