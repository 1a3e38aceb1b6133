// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

import (
	"bytes"
	"encoding/binary"
)

// cursor reads bytes in order. A read beyond the end gives 0, and failed is
// true from then on.
type cursor struct {
	b      []byte
	at     int
	failed bool
}

// take gives the next n bytes, nil if there are fewer.
func (c *cursor) take(n uint64) []byte {
	if c.failed || n > uint64(len(c.b)-c.at) {
		c.fail()
		return nil
	}
	b := c.b[c.at : c.at+int(n)]
	c.at += int(n)
	return b
}

func (c *cursor) fail() {
	c.failed = true
	c.at = len(c.b)
}

func (c *cursor) u8() uint64 {
	if c.at >= len(c.b) {
		c.fail()
		return 0
	}
	c.at++
	return uint64(c.b[c.at-1])
}

// number reads n bytes, little-endian.
func (c *cursor) number(n int) uint64 {
	b := c.take(uint64(n))
	if b == nil {
		return 0
	}
	switch n {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case 8:
		return binary.LittleEndian.Uint64(b)
	}
	var v uint64
	for i, x := range b {
		v |= uint64(x) << (8 * i) // of DW_FORM_data16 the upper half is lost
	}
	return v
}

func (c *cursor) uleb() uint64 {
	var v uint64
	for shift := 0; ; shift += 7 {
		if c.at >= len(c.b) {
			c.fail()
			return 0
		}
		x := c.b[c.at]
		c.at++
		if shift < 64 {
			v |= uint64(x&0x7f) << shift
		}
		if x < 0x80 {
			return v
		}
	}
}

func (c *cursor) sleb() int64 {
	var v int64
	for shift := 0; ; shift += 7 {
		if c.at >= len(c.b) {
			c.fail()
			return 0
		}
		x := c.b[c.at]
		c.at++
		if shift < 64 {
			v |= int64(x&0x7f) << shift
		}
		if x < 0x80 {
			if x&0x40 != 0 && shift+7 < 64 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
}

// text reads up to a zero byte.
func (c *cursor) text() []byte {
	n := bytes.IndexByte(c.b[c.at:], 0)
	if n < 0 {
		c.fail()
		return nil
	}
	b := c.b[c.at : c.at+n]
	c.at += n + 1
	return b
}

// textAt is the string at an offset of a table of strings, "" if there is none.
func textAt(table []byte, offset uint64) []byte {
	if offset >= uint64(len(table)) {
		return nil
	}
	c := cursor{b: table, at: int(offset)}
	return c.text()
}
