// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"strconv"
	"strings"
)

// Header is the first line of a sequence as text, with the version of the form.
const Header = "uklemu sequence 1"

// String is the sequence as text, as Parse reads it.
func (s Sequence) String() string {
	var used [MaxOps]bool
	for _, o := range s {
		for i := range o.Operation().Args {
			if v := &o.Args[i]; v.Kind == Result && v.Index < MaxOps {
				used[v.Index] = true
			}
		}
	}
	b := append([]byte(Header), '\n')
	for i := range s {
		if i < MaxOps && used[i] {
			b = append(strconv.AppendInt(append(b, 'r'), int64(i), 10), " = "...)
		}
		b = append(s[i].append(b), '\n')
	}
	return string(b)
}

// String is the operation as text, without a name for its result.
func (o Op) String() string { return string(o.append(nil)) }

func (o *Op) append(b []byte) []byte {
	op := o.Operation()
	b = append(append(b, op.Name...), '(')
	for i := range op.Args {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = o.Args[i].append(b, op.Args[i].Domain)
	}
	b = append(b, ')')
	var properties []string
	if o.SYSCALL {
		properties = append(properties, "by: syscall")
	}
	if o.Event != NoEvent {
		properties = append(properties, o.Event.String()+": "+strconv.Itoa(int(o.At)))
	}
	if len(properties) > 0 {
		b = append(append(append(b, " ("...), strings.Join(properties, ", ")...), ')')
	}
	return b
}

func (v *Value) append(b []byte, d *Domain) []byte {
	switch v.Kind {
	case Result:
		b = strconv.AppendInt(append(b, 'r'), int64(v.Index), 10)
	case Pointer:
		if v.Place != Self {
			b = append(b, '&')
		}
		b = append(b, v.Place.String()...)
	case Contents:
		b = append(append(b, '*'), v.Place.String()...)
	default:
		return appendNumber(b, v.N, d)
	}
	switch n := int64(v.N); {
	case n > 0:
		b = append(b, '+')
		b = appendPlain(b, v.N)
	case n < 0:
		b = append(b, '-')
		b = appendPlain(b, -v.N)
	}
	return b
}

// appendNumber writes a number by the names that its domain has for it.
func appendNumber(b []byte, n uint64, d *Domain) []byte {
	if name := d.name(n); name != "" {
		return append(b, name...)
	}
	if d.Bits && n != 0 {
		rest, start := n, len(b)
		for _, bit := range d.Names {
			if bit.N != 0 && rest&bit.N == bit.N {
				b = append(append(b, bit.Name...), '|')
				rest &^= bit.N
			}
		}
		if rest == 0 {
			return b[:len(b)-1]
		}
		if len(b) > start {
			return appendPlain(b, rest)
		}
	}
	if int64(n) < 0 && int64(n) >= -4096 {
		return appendPlain(append(b, '-'), -n)
	}
	return appendPlain(b, n)
}

func appendPlain(b []byte, n uint64) []byte {
	if n < 10 {
		return strconv.AppendUint(b, n, 10)
	}
	return strconv.AppendUint(append(b, "0x"...), n, 16)
}
