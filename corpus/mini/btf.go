// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import "bytes"

// Of the BPF Type Format (the kernel's Documentation/bpf/btf.rst).
const (
	btfMagic      = 0xeb9f
	btfHeaderSize = 24

	btfInt     = 1
	btfPointer = 2
	btfArray   = 3
	btfStruct  = 4
	btfUnion   = 5
	btfForward = 7

	btfSigned = 1 << 24
	btfChar   = 2 << 24
	btfBool   = 4 << 24
)

// btf is the section .BTF: the types as a kernel describes its own.
func (t *types) btf() []byte {
	ids := t.numbered()
	strs := newStringTable()
	var b bytes.Buffer
	word := func(values ...int) {
		for _, v := range values {
			put(&b, uint32(v))
		}
	}
	for _, c := range t.list {
		switch c.kind {
		case isInt:
			encoding := c.size * 8
			for _, bit := range []struct {
				on   bool
				flag int
			}{{c.signed, btfSigned}, {c.char, btfChar}, {c.boolean, btfBool}} {
				if bit.on {
					encoding |= bit.flag
				}
			}
			word(strs.offset(c.name), btfInt<<24, c.size, encoding)
		case isPointer:
			word(0, btfPointer<<24, ids[c.to])
		case isArray:
			word(0, btfArray<<24, 0, ids[c.to], ids[t.byName["long unsigned int"]], c.count)
		default:
			t.btfRecord(c, ids, strs, word)
		}
	}
	var out bytes.Buffer
	for _, v := range []any{uint16(btfMagic), []byte{1, 0}, uint32(btfHeaderSize), uint32(0), uint32(b.Len()), uint32(b.Len()), uint32(len(strs.bytes()))} {
		put(&out, v)
	}
	out.Write(b.Bytes())
	out.Write(strs.bytes())
	return out.Bytes()
}

func (t *types) btfRecord(c *ctype, ids map[*ctype]int, strs *stringTable, word func(...int)) {
	kind := btfStruct
	switch {
	case c.declared:
		word(strs.offset(c.name), btfForward<<24, 0)
		return
	case c.kind == isUnion:
		kind = btfUnion
	}
	word(strs.offset(c.name), kind<<24|len(c.members), c.size)
	for _, m := range c.members {
		word(strs.offset(m.name), ids[m.of], m.offset*8)
	}
}

// numbered counts the types from 1; 0 is void.
func (t *types) numbered() map[*ctype]int {
	ids := map[*ctype]int{nil: 0}
	for i, c := range t.list {
		ids[c] = i + 1
	}
	return ids
}
