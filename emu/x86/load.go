// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// LoadSegment loads a segment register other than CS in protected mode (SDM
// vol. 2B, MOV; vol. 2A, LDS/LES/LFS/LGS/LSS).
func LoadSegment(s *State, m Memory, register int, selector uint16) *Exception {
	if nullSelector(selector) {
		return s.loadNull(register, selector)
	}
	l := linear{s: s, m: m}
	d, ok, e := l.descriptor(selector)
	if e != nil {
		return e
	}
	absent := VectorNP
	if register == SS {
		absent = VectorSS
		ok = ok && int(selector&3) == s.CPL() && d.WritableData() && d.DPL() == s.CPL()
	} else {
		ok = ok && s.readable(d, selector)
	}
	if !ok {
		return fault(VectorGP, selector)
	}
	if !d.Present() {
		return fault(absent, selector)
	}
	if e := l.markAccessed(d); e != nil {
		return e
	}
	s.Seg[register] = d.Segment(selector)
	return nil
}

// loadNull: SS may be null in 64-bit mode only, below CPL 3, and with the CPL
// for an RPL.
func (s *State) loadNull(register int, selector uint16) *Exception {
	if register != SS {
		s.Seg[register] = Segment{Selector: selector}
		return nil
	}
	if !s.Code64() || s.CPL() == 3 || int(selector&3) != s.CPL() {
		return raiseGP0()
	}
	s.Seg[SS] = nullSegment(selector)
	return nil
}

// readable says whether data may be read through the segment, by its type and
// by the privilege of CPL and RPL.
func (s *State) readable(d Descriptor, selector uint16) bool {
	if d.High&AttrS == 0 || d.Code() && d.High&AttrWritable == 0 { // of code, that bit allows to read
		return false
	}
	return d.Code() && d.Conforming() || d.DPL() >= s.CPL() && d.DPL() >= int(selector&3)
}
