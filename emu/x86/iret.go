// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// flagsIRET are the flags that IRET always loads (SDM vol. 2A, IRET).
const flagsIRET = FlagCF | FlagPF | FlagAF | FlagZF | FlagSF | FlagTF | FlagDF | FlagOF | FlagNT |
	FlagRF | FlagAC | FlagID

// IRET executes IRET, IRETD or IRETQ: operand is the operand size in bytes,
// 2, 4 or 8. It returns the exception that the instruction raises; then the
// state is as before, but for the NMIs that the attempt has unblocked (SDM
// vol. 3A 7.7.1: "even if the instruction causes a fault").
//
// The order of the checks is that of the operation section of IRET (SDM
// vol. 2A), under the names RETURN-TO-SAME- and -OUTER-PRIVILEGE-LEVEL.
//
// Not modelled: in protected mode outside IA-32e mode, the task switch that
// NT asks for raises #TS with the selector of TR, and a return to
// virtual-8086 mode raises #GP(0); real-address mode raises #GP(0) too.
func IRET(s *State, m Memory, operand int) *Exception {
	s.NMIBlocked = false
	r := iret{linear: linear{s: s, m: m}, st: s.currentStack(), width: operand}
	if e := r.admit(); e != nil {
		return e
	}
	if e := r.pop(&r.st, r.width, r.frame[:r.words()]); e != nil {
		return e
	}
	return r.leave()
}

type iret struct {
	linear
	st    stack
	width int
	frame [5]uint64 // RIP, CS, RFLAGS, RSP, SS
}

func (r *iret) rip() uint64   { return r.frame[0] }
func (r *iret) cs() uint16    { return uint16(r.frame[1]) }
func (r *iret) flags() uint64 { return r.frame[2] }
func (r *iret) rsp() uint64   { return r.frame[3] }
func (r *iret) ss() uint16    { return uint16(r.frame[4]) }

// admit is what is checked before anything is popped.
func (r *iret) admit() *Exception {
	s := r.s
	if r.width != 2 && r.width != 4 && (r.width != 8 || !s.Code64()) {
		return raiseUD() // no such encoding
	}
	switch {
	case s.LongMode():
		if s.RFLAGS&FlagNT != 0 {
			return raiseGP0()
		}
	case s.CR0&CR0PE == 0 || s.RFLAGS&FlagVM != 0:
		return raiseGP0()
	case s.RFLAGS&FlagNT != 0:
		return Raise(VectorTS, uint32(s.TR.Selector&^3))
	}
	return r.room(r.words())
}

// words is how much is popped before the CS is looked at: in 64-bit mode
// RSP and SS always are, whatever the operand size (SDM vol. 3A 7.14.3).
func (r *iret) words() int {
	if r.s.Code64() {
		return 5
	}
	return 3
}

// room raises #SS(0) where the next words don't lie within the stack
// segment, or aren't canonical.
func (r *iret) room(words int) *Exception {
	if r.s.Code64() {
		if !r.s.canonicalRange(r.st.pointer, words*r.width) {
			return Raise(VectorSS, 0)
		}
		return nil
	}
	for i := range words {
		offset := uint32((r.st.pointer + uint64(i*r.width)) & r.st.mask)
		if !r.s.Seg[SS].holds(offset, r.width) {
			return Raise(VectorSS, 0)
		}
	}
	return nil
}

// leave checks what was popped and goes there.
func (r *iret) leave() *Exception {
	s := r.s
	if !s.LongMode() && r.width == 4 && r.flags()&FlagVM != 0 && s.CPL() == 0 {
		return raiseGP0()
	}
	code, e := r.codeSegment()
	if e != nil {
		return e
	}
	outer := int(r.cs()&3) > s.CPL()
	if outer && !s.Code64() {
		if e := r.room(2); e != nil {
			return e
		}
		if e := r.pop(&r.st, r.width, r.frame[3:]); e != nil {
			return e
		}
	}
	var ss Segment
	var stackDescriptor Descriptor
	switching := outer || s.Code64()
	if switching {
		if ss, stackDescriptor, e = r.stackSegment(code); e != nil {
			return e
		}
	}
	rip, ok := r.target(code)
	if !ok {
		return raiseGP0()
	}
	if e := r.markAccessed(code); e != nil {
		return e
	}
	if switching && !nullSelector(r.ss()) {
		if e := r.markAccessed(stackDescriptor); e != nil {
			return e
		}
	}
	s.RFLAGS = r.newFlags() // by the old CPL and IOPL
	s.Seg[CS], s.RIP, s.Shadow = code.Segment(r.cs()), rip, ShadowNone
	if !switching {
		s.GPR[RSP] = s.GPR[RSP]&^r.st.mask | r.st.pointer
		return nil
	}
	s.Seg[SS] = ss
	s.loadRSP(r.rsp(), r.width)
	if outer {
		s.nullDataSegments()
	}
	return nil
}

// codeSegment checks the CS to return to.
func (r *iret) codeSegment() (Descriptor, *Exception) {
	selector := r.cs()
	if nullSelector(selector) {
		return Descriptor{}, raiseGP0()
	}
	code, ok, e := r.descriptor(selector)
	if e != nil {
		return Descriptor{}, e
	}
	rpl := int(selector & 3)
	bad := !ok || !code.Code() || rpl < r.s.CPL() ||
		code.Conforming() && code.DPL() > rpl ||
		!code.Conforming() && code.DPL() != rpl ||
		r.s.LongMode() && code.High&(AttrL|AttrDB) == AttrL|AttrDB
	if bad {
		return Descriptor{}, Raise(VectorGP, uint32(selector&^3))
	}
	if !code.Present() {
		return Descriptor{}, Raise(VectorNP, uint32(selector&^3))
	}
	return code, nil
}

// to64 says whether the code segment is a 64-bit one.
func (r *iret) to64(code Descriptor) bool { return r.s.LongMode() && code.High&AttrL != 0 }

// stackSegment checks the SS to return to. Null is one only for 64-bit code
// of CPL 0 to 2.
func (r *iret) stackSegment(code Descriptor) (Segment, Descriptor, *Exception) {
	selector, rpl := r.ss(), r.cs()&3
	if nullSelector(selector) {
		if !r.to64(code) || rpl == 3 {
			return Segment{}, Descriptor{}, raiseGP0()
		}
		null := nullSegment(rpl)
		null.Selector = selector
		return null, Descriptor{}, nil
	}
	ss, ok, e := r.descriptor(selector)
	if e != nil {
		return Segment{}, Descriptor{}, e
	}
	if !ok || selector&3 != rpl || !ss.WritableData() || ss.DPL() != int(rpl) {
		return Segment{}, Descriptor{}, Raise(VectorGP, uint32(selector&^3))
	}
	if !ss.Present() {
		return Segment{}, Descriptor{}, Raise(VectorSS, uint32(selector&^3))
	}
	return ss.Segment(selector), ss, nil
}

// target is the RIP to return to, if it can be: canonical, or within the
// limit.
func (r *iret) target(code Descriptor) (uint64, bool) {
	if r.to64(code) {
		return r.rip(), r.s.Canonical(r.rip())
	}
	eip := uint64(uint32(r.rip()))
	return eip, eip <= uint64(code.Limit())
}

// newFlags is RFLAGS after the return (SDM vol. 2A, IRET; vol. 1, 3.4.3.3).
func (r *iret) newFlags() uint64 {
	s, change := r.s, uint64(flagsIRET)
	if s.CPL() <= s.IOPL() {
		change |= FlagIF
	}
	if s.CPL() == 0 {
		change |= FlagIOPL | FlagVIF | FlagVIP
	}
	old := s.RFLAGS
	if r.width == 2 {
		change &= 0xffff
		old &^= FlagRF // as after any instruction
	}
	return old&^change | r.flags()&change | FlagFixed
}

// loadRSP loads the stack pointer after CS and SS were loaded: all of it in
// 64-bit mode, else ESP or SP as SS says.
func (s *State) loadRSP(v uint64, width int) {
	switch {
	case s.Code64():
		s.GPR[RSP] = v
	case s.Seg[SS].Attr&AttrDB != 0:
		s.GPR[RSP] = uint64(uint32(v))
	default:
		s.GPR[RSP] = s.GPR[RSP]&^0xffff | v&0xffff
	}
}

// nullDataSegments clears the data segment registers that the new CPL may
// not use (SDM vol. 2A, IRET: RETURN-TO-OUTER-PRIVILEGE-LEVEL). The base
// stays: a null FS or GS may carry one that the kernel has set.
func (s *State) nullDataSegments() {
	for _, i := range [...]int{ES, FS, GS, DS} {
		g := &s.Seg[i]
		conforming := g.Attr&(AttrCode|AttrConforming) == AttrCode|AttrConforming
		if nullSelector(g.Selector) {
			g.Selector = 0 // "(SegmentSelector == NULL) OR ...": 1 to 3 become 0
			continue
		}
		if conforming || g.DPL() >= s.CPL() {
			continue
		}
		g.Selector, g.Attr = 0, 0
	}
}
