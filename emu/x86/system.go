// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// LTR executes the instruction in IA-32e mode (SDM vol. 2A, LTR).
func LTR(s *State, m Memory, selector uint16) *Exception {
	if s.CPL() != 0 || nullSelector(selector) {
		return raiseGP0()
	}
	l := linear{s: s, m: m}
	g, d, e := l.systemSegment(selector, TypeTSSAvailable)
	if e != nil {
		return e
	}
	busy := []byte{byte(d.High>>8) | 2}
	if e := m.Store((d.Address+5)&l.mask(), busy, Access{Write: true, Implicit: true}); e != nil {
		return e
	}
	g.Attr |= 2 << 8
	s.TR = g
	return nil
}

// LLDT executes the instruction in IA-32e mode (SDM vol. 2A, LLDT).
func LLDT(s *State, m Memory, selector uint16) *Exception {
	if s.CPL() != 0 {
		return raiseGP0()
	}
	if nullSelector(selector) {
		s.LDTR = Segment{Selector: selector}
		return nil
	}
	l := linear{s: s, m: m}
	g, _, e := l.systemSegment(selector, TypeLDT)
	if e == nil {
		s.LDTR = g
	}
	return e
}

// systemSegment reads the descriptor of a TSS or an LDT, 16 bytes long. The
// manual has no word on a base that is not canonical; Bochs refuses it, and so
// does the table of instructions that check addresses they load (SDM vol. 3A,
// "Canonicality checking").
func (l *linear) systemSegment(selector uint16, kind uint32) (Segment, Descriptor, *Exception) {
	wrong := func(v Vector) (Segment, Descriptor, *Exception) { return Segment{}, Descriptor{}, fault(v, selector) }
	if selector&ErrorTI != 0 {
		return wrong(VectorGP)
	}
	d, ok, e := l.descriptor(selector)
	if e != nil {
		return Segment{}, d, e
	}
	high, whole, e := l.descriptor(selector + 8)
	if e != nil {
		return Segment{}, d, e
	}
	if !ok || !whole || d.High&AttrS != 0 || d.High>>8&15 != kind {
		return wrong(VectorGP)
	}
	if high.High&0x1f00 != 0 {
		return wrong(VectorGP)
	}
	if !d.Present() {
		return wrong(VectorNP)
	}
	g := Segment{Selector: selector, Base: uint64(d.Base()) | uint64(high.Low)<<32, Limit: d.Limit(), Attr: d.Attr()}
	if !l.s.Canonical(g.Base) {
		return wrong(VectorGP)
	}
	return g, d, nil
}
