// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Far transfers in 64-bit mode: RET (vol. 2B), CALL and JMP (vol. 2A) with a
// selector, after the operation sections of the SDM. Nothing has changed when
// one of them faults, but for what was pushed below the stack pointer.

// FarReturn executes a far RET: operand is its size in bytes, release how
// many bytes of parameters it drops.
func FarReturn(s *State, m Memory, operand int, release uint16) *Exception {
	r := iret{linear: linear{s: s, m: m}, st: s.currentStack(), width: operand}
	if e := r.room(2); e != nil {
		return e
	}
	if e := r.pop(&r.st, operand, r.frame[:2]); e != nil {
		return e
	}
	r.st.pointer += uint64(release)
	code, e := r.codeSegment()
	if e != nil {
		return e
	}
	if int(r.cs()&3) > s.CPL() {
		return r.farOuter(code, release)
	}
	rip, ok := r.target(code)
	if !ok {
		return raiseGP0()
	}
	if e := r.markAccessed(code); e != nil {
		return e
	}
	s.Seg[CS], s.RIP, s.Shadow = code.Segment(r.cs()), rip, ShadowNone
	s.GPR[RSP] = r.st.pointer
	return nil
}

// farOuter returns to a numerically higher CPL, whose stack has parameters to
// drop as well.
func (r *iret) farOuter(code Descriptor, release uint16) *Exception {
	s := r.s
	if e := r.room(2); e != nil {
		return e
	}
	if e := r.pop(&r.st, r.width, r.frame[3:]); e != nil {
		return e
	}
	ss, stackDescriptor, e := r.stackSegment(code)
	if e != nil {
		return e
	}
	rip, ok := r.target(code)
	if !ok {
		return raiseGP0()
	}
	if e := r.markAccessed(code); e != nil {
		return e
	}
	if !nullSelector(r.ss()) {
		if e := r.markAccessed(stackDescriptor); e != nil {
			return e
		}
	}
	s.Seg[CS], s.RIP, s.Shadow = code.Segment(r.cs()), rip, ShadowNone
	s.Seg[SS] = ss
	s.loadRSP(r.rsp()+uint64(release), r.width)
	s.nullDataSegments()
	return nil
}

// FarPointer is where a far CALL or JMP wants to go.
type FarPointer struct {
	Selector uint16
	Offset   uint64
}

// FarJump executes a far JMP.
func FarJump(s *State, m Memory, to FarPointer) *Exception {
	f := far{linear: linear{s: s, m: m}, to: to}
	return f.enter()
}

// FarCall executes a far CALL; next is the RIP after it, operand its size.
func FarCall(s *State, m Memory, to FarPointer, operand int, next uint64) *Exception {
	f := far{linear: linear{s: s, m: m}, to: to, call: true, width: operand, next: next}
	return f.enter()
}

type far struct {
	linear
	to    FarPointer
	call  bool
	width int
	next  uint64
}

func fault(v Vector, selector uint16) *Exception { return Raise(v, uint32(selector&^3)) }

// enter looks at what the selector names.
func (f *far) enter() *Exception {
	if nullSelector(f.to.Selector) {
		return raiseGP0()
	}
	d, ok, e := f.descriptor(f.to.Selector)
	if e != nil {
		return e
	}
	if !ok {
		return fault(VectorGP, f.to.Selector)
	}
	if d.High&AttrS == 0 {
		return f.gate(d)
	}
	if !d.Code() || f.s.LongMode() && d.High&(AttrL|AttrDB) == AttrL|AttrDB {
		return fault(VectorGP, f.to.Selector)
	}
	cpl := f.s.CPL()
	if d.Conforming() && d.DPL() > cpl || !d.Conforming() && (d.DPL() != cpl || int(f.to.Selector&3) > cpl) {
		return fault(VectorGP, f.to.Selector)
	}
	if !d.Present() {
		return fault(VectorNP, f.to.Selector)
	}
	return f.transfer(d, f.to)
}

// transfer goes to a code segment at the current CPL.
func (f *far) transfer(code Descriptor, to FarPointer) *Exception {
	s, rip := f.s, to.Offset
	st := s.currentStack()
	if f.call && !s.canonicalRange(st.pointer-uint64(2*f.width), 2*f.width) {
		return Raise(VectorSS, 0)
	}
	if code.High&AttrL == 0 {
		rip = uint64(uint32(rip))
		if rip > uint64(code.Limit()) {
			return raiseGP0()
		}
	} else if !s.Canonical(rip) {
		return raiseGP0()
	}
	if f.call {
		if e := f.push(&st, f.width, uint64(s.Seg[CS].Selector), f.next); e != nil {
			return e
		}
	}
	if e := f.markAccessed(code); e != nil {
		return e
	}
	s.Seg[CS] = code.Segment(to.Selector&^3 | uint16(s.CPL()))
	s.RIP, s.GPR[RSP], s.Shadow = rip, st.pointer, ShadowNone
	return nil
}

// gate goes through a 64-bit call gate, the only system descriptor that a far
// transfer may name in IA-32e mode.
func (f *far) gate(d Descriptor) *Exception {
	s, selector := f.s, f.to.Selector
	if d.High>>8&15 != TypeCallGate {
		return fault(VectorGP, selector)
	}
	if d.DPL() < s.CPL() || int(selector&3) > d.DPL() {
		return fault(VectorGP, selector)
	}
	if !d.Present() {
		return fault(VectorNP, selector)
	}
	high, ok, e := f.descriptor(selector + 8)
	if e != nil {
		return e
	}
	if !ok || high.High&0x1f00 != 0 {
		return fault(VectorGP, selector)
	}
	to := FarPointer{
		Selector: uint16(d.Low >> 16),
		Offset:   uint64(d.Low&0xffff|d.High&0xffff0000) | uint64(high.Low)<<32,
	}
	return f.through(to)
}

// through is what follows once the gate has been found good.
func (f *far) through(to FarPointer) *Exception {
	s := f.s
	if nullSelector(to.Selector) {
		return raiseGP0()
	}
	code, ok, e := f.descriptor(to.Selector)
	if e != nil {
		return e
	}
	cpl := s.CPL()
	inner := ok && !code.Conforming() && code.DPL() < cpl
	if !ok || !code.Code() || code.DPL() > cpl || code.High&(AttrL|AttrDB) != AttrL || inner && !f.call {
		return fault(VectorGP, to.Selector)
	}
	if !code.Present() {
		return fault(VectorNP, to.Selector)
	}
	f.width = 8 // a 64-bit gate pushes so much
	if inner {
		return f.inner(code, to)
	}
	return f.transfer(code, to)
}

// inner calls a more privileged segment, on the stack that the TSS has for it.
func (f *far) inner(code Descriptor, to FarPointer) *Exception {
	s, cpl := f.s, code.DPL()
	d := delivery{linear: f.linear, ev: &Event{Kind: SoftwareInterrupt}}
	pointer, e := d.tssStack64(0, cpl)
	if e != nil {
		return e
	}
	st := s.newStack(pointer, cpl)
	if !s.canonicalRange(st.pointer-32, 32) {
		return Raise(VectorSS, 0)
	}
	if !s.Canonical(to.Offset) {
		return raiseGP0()
	}
	e = f.push(&st, 8, uint64(s.Seg[SS].Selector), s.GPR[RSP], uint64(s.Seg[CS].Selector), f.next)
	if e != nil {
		return e
	}
	if e := f.markAccessed(code); e != nil {
		return e
	}
	s.Seg[SS] = nullSegment(uint16(cpl))
	s.Seg[CS] = code.Segment(to.Selector&^3 | uint16(cpl))
	s.RIP, s.GPR[RSP], s.Shadow = to.Offset, st.pointer, ShadowNone
	return nil
}
