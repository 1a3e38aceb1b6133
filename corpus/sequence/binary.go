// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

// The binary form is what Go's fuzzing keeps in testdata/fuzz, as a []byte. Every
// string of bytes is a sequence; what is missing at its end is zeros.
//
//	operation  code, or 255 and a code: then properties and a boundary follow
//	properties a byte: bits 0 and 1 the event, bit 7 SYSCALL
//	boundary   two bytes, little endian, if there is an event
//	arguments  as many as the operation has: a tag, bits 0 and 1 the kind, 2 to 5 how many bytes
//	           the number has (9 and more count as 8); the place or the operation, unless
//	           it is a number; the number, little endian, its sign extended
//
// Codes: from 0 those that are no system calls, and from 64 system calls, in the order of the
// table; modulo how many there are. So sequences mean the same in later versions if either list grows
// at its end.
const (
	withProperties = 0xff
	firstCall      = 64
)

// Decode makes a sequence of bytes. There are none that it refuses.
func Decode(b []byte) Sequence { return DecodeTo(nil, b) }

// DecodeTo is Decode into the memory of another sequence.
func DecodeTo(s Sequence, b []byte) Sequence {
	r := reader{b}
	s = s[:0]
	for len(r.rest) > 0 && len(s) < MaxOps {
		s = append(s, r.op().normal(len(s)))
	}
	return s
}

type reader struct{ rest []byte }

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) op() (o Op) {
	code := r.byte()
	if code == withProperties {
		code = r.byte()
		properties := r.byte()
		o.SYSCALL = properties&0x80 != 0
		if o.Event = Event(properties & 3); o.Event != NoEvent {
			o.At = uint16(r.byte())
			o.At |= uint16(r.byte()) << 8
		}
	}
	if code < firstCall {
		o.Code = Code(int(code) % len(events))
	} else {
		o.Code = Code(len(events) + int(code-firstCall)%len(systemCalls))
	}
	for i := range operations[o.Code].Args {
		o.Args[i] = r.value()
	}
	return o
}

func (r *reader) value() (v Value) {
	tag := r.byte()
	v.Kind = ValueKind(tag & 3)
	switch v.Kind {
	case Result:
		v.Index = r.byte()
	case Pointer, Contents:
		v.Place = Place(r.byte())
	}
	size := min(int(tag>>2&15), 8)
	for i := range size {
		v.N |= uint64(r.byte()) << (8 * i)
	}
	if size > 0 && size < 8 {
		shift := 64 - 8*size
		v.N = uint64(int64(v.N<<shift) >> shift)
	}
	return v
}

// Encode is the sequence as bytes: the shortest that Decode makes it of.
func (s Sequence) Encode() []byte {
	var b []byte
	for i := range s {
		b = s[i].encode(b)
	}
	return b
}

func (o *Op) encode(b []byte) []byte {
	code := byte(o.Code)
	if int(o.Code) >= len(events) {
		code = byte(firstCall + int(o.Code) - len(events))
	}
	if o.Event != NoEvent || o.SYSCALL {
		b = append(b, withProperties)
	}
	b = append(b, code)
	if o.Event != NoEvent || o.SYSCALL {
		properties := byte(o.Event)
		if o.SYSCALL {
			properties |= 0x80
		}
		b = append(b, properties)
		if o.Event != NoEvent {
			b = append(b, byte(o.At), byte(o.At>>8))
		}
	}
	for i := range o.Operation().Args {
		b = o.Args[i].encode(b)
	}
	return b
}

func (v *Value) encode(b []byte) []byte {
	size := 0
	for size < 8 {
		shift := 64 - 8*size
		if size == 0 && v.N == 0 || size > 0 && uint64(int64(v.N<<shift)>>shift) == v.N {
			break
		}
		size++
	}
	b = append(b, byte(v.Kind)|byte(size)<<2)
	switch v.Kind {
	case Result:
		b = append(b, v.Index)
	case Pointer, Contents:
		b = append(b, byte(v.Place))
	}
	for i := range size {
		b = append(b, byte(v.N>>(8*i)))
	}
	return b
}
