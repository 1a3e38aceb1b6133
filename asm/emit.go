// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"encoding/binary"
	"slices"
	"strings"
)

// zeroIndex is a register that is not there. With it as index, a displacement
// alone becomes a SIB byte with neither base nor index, as GNU as encodes it;
// else Keystone takes gs:[40] to be relative to RIP.
const zeroIndex = "riz"

func cutLocal(name string) (digits, number string, ok bool) { return strings.Cut(name, ":") }

// finish collects what is wrong with the layout that came out.
func (p *program) finish(e *encoder, settled bool) {
	p.each(func(it *item) {
		if it.err != nil {
			p.complain(it, it.err)
		}
	})
	if !settled && len(p.errors) == 0 {
		p.line = 1
		p.fail(errorAt(1, "the layout does not settle: a length depends upon itself"))
	}
}

func (p *program) complain(it *item, err *Error) {
	p.line = it.line
	p.fail(err)
}

// emit writes the bytes of everything.
func (p *program) emit(e *encoder) error {
	behind := func(it *item) *uint64 {
		rip := it.address + uint64(it.length)
		return &rip
	}
	if err := p.encodeAll(e, behind); err != nil {
		return err
	}
	p.each(func(it *item) {
		var err *Error
		switch {
		case it.code != nil && it.code.branch != nil:
			o := it.code.operands[0]
			to, _ := o.value.evaluate(p.lookUp(it))
			it.bytes, err = it.code.branch.encode(it.address, to.value, it.length, o.column)
		case it.code != nil:
			it.bytes, err = p.encoding(e, it, behind)
		case it.gap != nil:
			it.bytes, err = p.filling(it)
		default:
			it.bytes, err = p.numbers(it)
		}
		if err != nil {
			p.complain(it, err)
		}
	})
	return nil
}

func (p *program) encoding(e *encoder, it *item, behind func(*item) *uint64) ([]byte, *Error) {
	s, err := p.snippet(it, behind)
	if err != nil {
		return nil, err
	}
	known := e.known[s]
	switch {
	case known.err != nil:
		return nil, errorAt(it.column, "%s: %v", s.text, known.err)
	case len(known.code) != it.length:
		return nil, errorAt(it.column, "%s: %d bytes, and %d were measured", s.text, len(known.code), it.length)
	}
	return slices.Clone(known.code), nil // what is remembered stays as it is
}

func (p *program) numbers(it *item) ([]byte, *Error) {
	var out []byte
	defer func() { it.within = 0 }()
	for _, d := range it.data {
		it.within = len(out)
		if d.value == nil {
			out = append(out, d.raw...)
			continue
		}
		q, err := d.value.evaluate(p.lookUp(it))
		if err != nil {
			return nil, err
		}
		v, bits := int64(q.value), 8*d.size
		if bits < 64 && (v < -1<<(bits-1) || v >= 1<<bits) {
			return nil, errorAt(d.value.column, "%s does not fit into %d bits", hexadecimal(v), bits)
		}
		var eight [8]byte
		binary.LittleEndian.PutUint64(eight[:], q.value)
		out = append(out, eight[:d.size]...)
	}
	return out, nil
}

// filling is what a gap is filled with.
func (p *program) filling(it *item) ([]byte, *Error) {
	g := it.gap
	if g.fill == nil && g.kind == alignment && it.section.executable {
		return nops(it.length, it.mode), nil
	}
	out := make([]byte, it.length)
	if g.fill == nil {
		return out, nil
	}
	q, err := g.fill.evaluate(p.lookUp(it))
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = byte(q.value >> (8 * (i % g.size)))
	}
	return out, nil
}

// longNops are the manual's (SDM vol. 2B, NOP, "Recommended Multi-Byte
// Sequence"), for 32 and 64 bits.
var longNops = [...]string{
	"", "\x90", "\x66\x90", "\x0f\x1f\x00", "\x0f\x1f\x40\x00", "\x0f\x1f\x44\x00\x00", "\x66\x0f\x1f\x44\x00\x00",
	"\x0f\x1f\x80\x00\x00\x00\x00", "\x0f\x1f\x84\x00\x00\x00\x00\x00", "\x66\x0f\x1f\x84\x00\x00\x00\x00\x00",
}

func nops(n, mode int) []byte {
	most := len(longNops) - 1
	if mode == 16 {
		most = 1
	}
	var out []byte
	for len(out) < n {
		out = append(out, longNops[min(n-len(out), most)]...)
	}
	return out
}
