// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Deliver takes an event to its handler through the IDT: the operation
// section of INT n (SDM vol. 2A) and SDM vol. 3A 7.12 to 7.14.
//
// A fault during delivery is taken with the state as it was before: no
// register has changed, though pushes that were done before the one that
// faulted are in memory, as they are on hardware. What such a fault becomes
// is table 7-5's to say. Every call ends in a handler or in shutdown.
//
// Not modelled: task gates and 16-bit gates raise #GP as any other wrong
// type does; in real-address mode and virtual-8086 mode nothing can be
// delivered, which ends in shutdown; CET's shadow stacks and FRED.
func Deliver(s *State, m Memory, ev Event) Outcome {
	var out Outcome
	if ev.Kind == NMI {
		ev.Exception = Exception{Vector: VectorNMI}
	}
	for out.Count < maxEvents {
		out.add(ev)
		ev.recognize(s)
		d := delivery{linear: linear{s: s, m: m}, ev: &ev, ext: ev.ext()}
		fault := d.enter()
		if fault == nil {
			return out
		}
		second := Event{Kind: HardwareException, Exception: *fault}
		if ev.class() == DoubleFault {
			second.recognize(s)
			out.add(second)
			out.Shutdown = true
			return out
		}
		if doubles(ev.class(), second.class()) {
			second.recognize(s)
			out.add(second)
			second.Exception = *Raise(VectorDF, 0)
		}
		ev = second
	}
	// Only #AC after #AC in a handler that runs at CPL 3 gets here: they are
	// benign, and hardware would try for ever.
	out.Shutdown = true
	return out
}

// doubles is SDM vol. 3A, table 7-5: whether a second exception during the
// delivery of a first one makes a double fault, or is handled in its turn.
func doubles(first, second Class) bool {
	switch first {
	case Contributory:
		return second == Contributory
	case PageFault:
		return second == Contributory || second == PageFault
	}
	return false
}

// delivery is one try to enter a handler.
type delivery struct {
	linear
	ev  *Event
	ext uint32
}

// fail raises an exception about a selector, or about none where it is null.
func (d *delivery) fail(v Vector, selector uint16) *Exception {
	return Raise(v, uint32(selector&^3)|d.ext)
}

// failGate raises an exception about the gate.
func (d *delivery) failGate(v Vector) *Exception {
	return Raise(v, uint32(d.ev.Vector)*8|ErrorIDT|d.ext)
}

// enter changes the state only when nothing faulted.
func (d *delivery) enter() *Exception {
	if d.s.CR0&CR0PE == 0 || !d.s.LongMode() && d.s.RFLAGS&FlagVM != 0 {
		return d.failGate(VectorGP)
	}
	gate, e := d.gate()
	if e != nil {
		return e
	}
	code, e := d.codeSegment(gate)
	if e != nil {
		return e
	}
	if d.s.LongMode() {
		return d.enter64(gate, code)
	}
	return d.enter32(gate, code)
}

// gate reads and checks the entry of the IDT.
func (d *delivery) gate() (Gate, *Exception) {
	size := 8
	if d.s.LongMode() {
		size = 16
	}
	offset := int(d.ev.Vector) * size
	if offset+size-1 > int(d.s.IDTR.Limit) {
		return Gate{}, d.failGate(VectorGP)
	}
	address := d.s.IDTR.Base + uint64(offset)
	if d.s.LongMode() && !d.s.canonicalRange(address, size) {
		return Gate{}, d.failGate(VectorGP)
	}
	p, e := d.system(address, size)
	if e != nil {
		return Gate{}, e
	}
	gate := DecodeGate(p)
	if gate.S || gate.Reserved || gate.Type != TypeInterruptGate && gate.Type != TypeTrapGate {
		return Gate{}, d.failGate(VectorGP)
	}
	if d.ev.software() && gate.DPL < d.s.CPL() {
		return Gate{}, d.failGate(VectorGP)
	}
	if !gate.Present {
		return Gate{}, d.failGate(VectorNP)
	}
	return gate, nil
}

// codeSegment reads and checks the descriptor of the handler's CS.
func (d *delivery) codeSegment(gate Gate) (Descriptor, *Exception) {
	if nullSelector(gate.Selector) {
		return Descriptor{}, d.fail(VectorGP, 0)
	}
	code, ok, e := d.descriptor(gate.Selector)
	if e != nil {
		return Descriptor{}, e
	}
	if !ok || !code.Code() || code.DPL() > d.s.CPL() {
		return Descriptor{}, d.fail(VectorGP, gate.Selector)
	}
	if d.s.LongMode() && code.High&(AttrL|AttrDB) != AttrL {
		return Descriptor{}, d.fail(VectorGP, gate.Selector)
	}
	if !code.Present() {
		return Descriptor{}, d.fail(VectorNP, gate.Selector)
	}
	return code, nil
}

// handlerCPL is the privilege level that the handler runs at: the code
// segment's own, or the current one for a conforming segment.
func (d *delivery) handlerCPL(code Descriptor) int {
	if code.Conforming() {
		return d.s.CPL()
	}
	return code.DPL()
}

// enter64 is delivery in IA-32e mode (SDM vol. 3A 7.14.2 to 7.14.5).
func (d *delivery) enter64(gate Gate, code Descriptor) *Exception {
	s, cpl := d.s, d.handlerCPL(code)
	st := s.newStack(s.GPR[RSP], cpl)
	if cpl < s.CPL() || gate.IST != 0 {
		pointer, e := d.tssStack64(gate.IST, cpl)
		if e != nil {
			return e
		}
		st.pointer = pointer
	}
	st.pointer &^= 15
	words := 5
	if d.ev.HasErrorCode {
		words = 6
	}
	if !s.canonicalRange(st.pointer-uint64(8*words), 8*words) {
		return d.fail(VectorSS, 0)
	}
	if !s.Canonical(gate.Offset) {
		return d.fail(VectorGP, 0)
	}
	frame := [6]uint64{
		uint64(s.Seg[SS].Selector), s.GPR[RSP], d.ev.savedFlags(s),
		uint64(s.Seg[CS].Selector), d.ev.savedRIP(s), uint64(d.ev.ErrorCode),
	}
	if e := d.push(&st, 8, frame[:words]...); e != nil {
		return e
	}
	if e := d.markAccessed(code); e != nil {
		return e
	}
	if cpl < s.CPL() {
		s.Seg[SS] = nullSegment(uint16(cpl))
	}
	d.commit(gate, code, cpl, st.pointer)
	return nil
}

// tssStack64 reads RSPn or ISTn from the 64-bit TSS (SDM vol. 3A, figure
// 9-11).
func (d *delivery) tssStack64(ist, cpl int) (uint64, *Exception) {
	offset := uint32(cpl*8 + 4)
	if ist != 0 {
		offset = uint32(ist*8 + 28)
	}
	tr := &d.s.TR
	if tr.Null() || offset+7 > tr.Limit {
		return 0, d.fail(VectorTS, tr.Selector)
	}
	if !d.s.canonicalRange(tr.Base+uint64(offset), 8) {
		return 0, d.fail(VectorTS, tr.Selector)
	}
	p, e := d.system(tr.Base+uint64(offset), 8)
	if e != nil {
		return 0, e
	}
	pointer := getUint(p)
	if !d.s.Canonical(pointer) {
		return 0, d.fail(VectorSS, 0)
	}
	return pointer, nil
}

// enter32 is delivery in protected mode (SDM vol. 3A 7.12.1).
func (d *delivery) enter32(gate Gate, code Descriptor) *Exception {
	s, cpl := d.s, d.handlerCPL(code)
	st, ss := s.currentStack(), s.Seg[SS]
	st.ext = d.ext
	var stackDescriptor Descriptor
	full := uint16(0) // selector of #SS when there is no room
	words := []uint64{d.ev.savedFlags(s), uint64(s.Seg[CS].Selector), d.ev.savedRIP(s), uint64(d.ev.ErrorCode)}
	if cpl < s.CPL() {
		var pointer uint32
		var e *Exception
		if ss, stackDescriptor, pointer, e = d.tssStack32(cpl); e != nil {
			return e
		}
		full = ss.Selector
		st = stack{base: ss.Base, pointer: uint64(pointer) & ss.stackMask(), mask: ss.stackMask()}
		words = append([]uint64{uint64(s.Seg[SS].Selector), s.GPR[RSP]}, words...)
	}
	if !d.ev.HasErrorCode {
		words = words[:len(words)-1]
	}
	for i := range words {
		if !ss.holds(uint32((st.pointer-uint64(4*i+4))&st.mask), 4) {
			return d.fail(VectorSS, full)
		}
	}
	if gate.Offset > uint64(code.Limit()) {
		return d.fail(VectorGP, 0)
	}
	if e := d.push(&st, 4, words...); e != nil {
		return e
	}
	if e := d.markAccessed(code); e != nil {
		return e
	}
	pointer := s.GPR[RSP]&^st.mask | st.pointer
	if cpl < s.CPL() {
		if e := d.markAccessed(stackDescriptor); e != nil {
			return e
		}
		s.Seg[SS] = ss
		pointer = st.pointer
	}
	d.commit(gate, code, cpl, pointer)
	return nil
}

// tssStack32 reads SSn:ESPn from the 32-bit TSS and checks the descriptor.
func (d *delivery) tssStack32(cpl int) (Segment, Descriptor, uint32, *Exception) {
	none := func(e *Exception) (Segment, Descriptor, uint32, *Exception) {
		return Segment{}, Descriptor{}, 0, e
	}
	tr, offset := &d.s.TR, uint32(cpl*8+4)
	if tr.Null() || tr.Type()&^2 != TypeTSSAvailable || offset+5 > tr.Limit {
		return none(d.fail(VectorTS, tr.Selector))
	}
	p, e := d.system(tr.Base+uint64(offset), 6)
	if e != nil {
		return none(e)
	}
	pointer, selector := uint32(getUint(p[:4])), uint16(getUint(p[4:6]))
	if nullSelector(selector) {
		return none(d.fail(VectorTS, 0))
	}
	ss, ok, e := d.descriptor(selector)
	if e != nil {
		return none(e)
	}
	if !ok || int(selector&3) != cpl || ss.DPL() != cpl || !ss.WritableData() {
		return none(d.fail(VectorTS, selector))
	}
	if !ss.Present() {
		return none(d.fail(VectorSS, selector))
	}
	return ss.Segment(selector), ss, pointer, nil
}

// commit loads what the handler starts with.
func (d *delivery) commit(gate Gate, code Descriptor, cpl int, pointer uint64) {
	s := d.s
	s.Seg[CS] = code.Segment(gate.Selector&^3 | uint16(cpl))
	s.RIP = gate.Offset
	s.GPR[RSP] = pointer
	s.RFLAGS &^= FlagTF | FlagNT | FlagRF | FlagVM
	if gate.Type == TypeInterruptGate {
		s.RFLAGS &^= FlagIF
	}
	s.Shadow = ShadowNone
}
