// SPDX-License-Identifier: GPL-2.0-or-later

package x86

const pageSize = 4096

// linear is memory as one operation of this package uses it. It owns the
// buffer, so that an operation allocates once.
type linear struct {
	s   *State
	m   Memory
	buf [64]byte
}

var implicit = Access{Implicit: true}

// mask is what a linear address is cut to: 32 bits outside IA-32e mode.
func (l *linear) mask() uint64 {
	if l.s.LongMode() {
		return ^uint64(0)
	}
	return 0xffffffff
}

// system reads a system structure: an implicit supervisor access, whatever
// the CPL (SDM vol. 3A 5.6.1). The bytes are valid until the next call.
func (l *linear) system(address uint64, n int) ([]byte, *Exception) {
	p := l.buf[:n]
	if e := l.m.Load(address&l.mask(), p, implicit); e != nil {
		return nil, e
	}
	return p, nil
}

// descriptor reads the GDT's or LDT's entry that a selector names. It is not
// ok when the entry lies beyond the limit of the table; what that raises is
// the caller's to say.
func (l *linear) descriptor(selector uint16) (d Descriptor, ok bool, e *Exception) {
	base, limit := l.s.GDTR.Base, uint32(l.s.GDTR.Limit)
	if selector&ErrorTI != 0 {
		if l.s.LDTR.Null() {
			return Descriptor{}, false, nil
		}
		base, limit = l.s.LDTR.Base, l.s.LDTR.Limit
	}
	offset := uint32(selector &^ 7)
	if offset+7 > limit {
		return Descriptor{}, false, nil
	}
	address := (base + uint64(offset)) & l.mask()
	if l.s.LongMode() && !l.s.canonicalRange(address, 8) {
		// LGDT and LLDT refuse such a base; no manual says more.
		return Descriptor{}, false, nil
	}
	p, e := l.system(address, 8)
	if e != nil {
		return Descriptor{}, false, e
	}
	return Descriptor{Low: uint32(getUint(p[:4])), High: uint32(getUint(p[4:8])), Address: address}, true, nil
}

// markAccessed sets the accessed bit of a code or data descriptor that a
// segment register is loaded from, if it is clear (SDM vol. 3A 3.4.5.1).
func (l *linear) markAccessed(d Descriptor) *Exception {
	if d.High&AttrAccessed != 0 {
		return nil
	}
	l.buf[0] = byte((d.High | AttrAccessed) >> 8)
	return l.m.Store((d.Address+5)&l.mask(), l.buf[:1], Access{Write: true, Implicit: true})
}

// stack is where pushes and pops of one operation go.
type stack struct {
	base    uint64 // of SS; 0 in 64-bit mode
	pointer uint64 // of the next pop
	mask    uint64 // of pointer: 64, 32 or 16 bits
	user    bool   // the accesses are those of CPL 3
	align   bool   // and raise #AC where they are not aligned
	ext     uint32 // the EXT bit of that #AC
}

// newStack is a stack in 64-bit mode for accesses at a CPL.
func (s *State) newStack(pointer uint64, cpl int) stack {
	checked := s.CR0&CR0AM != 0 && s.RFLAGS&FlagAC != 0
	return stack{pointer: pointer, mask: ^uint64(0), user: cpl == 3, align: cpl == 3 && checked}
}

// currentStack is the stack of SS:RSP.
func (s *State) currentStack() stack {
	st := s.newStack(s.GPR[RSP], s.CPL())
	if s.Code64() {
		return st
	}
	st.base, st.mask = s.Seg[SS].Base, s.Seg[SS].stackMask()
	st.pointer &= st.mask
	return st
}

// stackMask is the width of the stack pointer outside 64-bit mode.
func (g Segment) stackMask() uint64 {
	if g.Attr&AttrDB != 0 {
		return 0xffffffff
	}
	return 0xffff
}

// address is the linear address of an offset from the pointer.
func (l *linear) address(st *stack, offset uint64) uint64 {
	a := st.base + (st.pointer+offset)&st.mask
	if st.mask != ^uint64(0) {
		a &= 0xffffffff // not 64-bit mode
	}
	return a
}

// push stores the values one after the other, width bytes each, and moves
// the pointer. Each push is one access on its own, as on hardware: when one
// of them faults the ones before it are in memory and stay there, while the
// pointer and every other register are as before. A frame within one page
// goes in one access, since all of it faults or nothing does.
func (l *linear) push(st *stack, width int, values ...uint64) *Exception {
	if e := l.aligned(st, width); e != nil {
		return e
	}
	n := width * len(values)
	how := Access{Write: true, User: st.user}
	if low := l.address(st, -uint64(n)); st.contiguous(n) && low%pageSize+uint64(n) <= pageSize {
		p := l.buf[:n]
		for i, v := range values {
			putUint(p[n-(i+1)*width:n-i*width], v)
		}
		if e := l.m.Store(low, p, how); e == nil {
			st.pointer = (st.pointer - uint64(n)) & st.mask
			return nil
		}
	}
	for i, v := range values {
		putUint(l.buf[:width], v)
		if e := l.m.Store(l.address(st, -uint64((i+1)*width)), l.buf[:width], how); e != nil {
			return e
		}
	}
	st.pointer = (st.pointer - uint64(n)) & st.mask
	return nil
}

// pop loads len(values) words and moves the pointer, one access each or, in
// one page, one access for all.
func (l *linear) pop(st *stack, width int, values []uint64) *Exception {
	if e := l.aligned(st, width); e != nil {
		return e
	}
	n := width * len(values)
	how := Access{User: st.user}
	low := l.address(st, 0)
	if st.pointer+uint64(n)-1 <= st.mask && low%pageSize+uint64(n) <= pageSize {
		if e := l.m.Load(low, l.buf[:n], how); e == nil {
			for i := range values {
				values[i] = getUint(l.buf[i*width : (i+1)*width])
			}
			st.pointer = (st.pointer + uint64(n)) & st.mask
			return nil
		}
	}
	for i := range values {
		if e := l.m.Load(l.address(st, uint64(i*width)), l.buf[:width], how); e != nil {
			return e
		}
		values[i] = getUint(l.buf[:width])
	}
	st.pointer = (st.pointer + uint64(n)) & st.mask
	return nil
}

// aligned raises #AC where words on the stack aren't and alignment is
// checked (SDM vol. 3A 7.15, "Interrupt 17").
func (l *linear) aligned(st *stack, width int) *Exception {
	if st.align && l.address(st, 0)%uint64(width) != 0 {
		return Raise(VectorAC, st.ext)
	}
	return nil
}

// contiguous says whether n bytes pushed don't wrap around the pointer.
func (st *stack) contiguous(n int) bool {
	return st.pointer >= uint64(n) || st.pointer == 0 && st.mask == ^uint64(0)
}

func getUint(p []byte) uint64 {
	var v uint64
	for i := len(p) - 1; i >= 0; i-- {
		v = v<<8 | uint64(p[i])
	}
	return v
}

func putUint(p []byte, v uint64) {
	for i := range p {
		p[i] = byte(v)
		v >>= 8
	}
}
