// SPDX-License-Identifier: GPL-2.0-or-later

package symbols

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// cursor reads bytes in order. At the first read beyond the end it fails, and
// every later read gives zero.
type cursor struct {
	b      []byte
	failed bool
}

func (c *cursor) take(n uint64) []byte {
	if c.failed || n > uint64(len(c.b)) {
		c.failed, c.b = true, nil
		return nil
	}
	taken := c.b[:n]
	c.b = c.b[n:]
	return taken
}

func (c *cursor) u8() uint8 {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// offset is a 4- or 8-byte offset into another section (DWARF 5, 7.4).
func (c *cursor) offset(is64 bool) uint64 {
	if is64 {
		return c.u64()
	}
	return uint64(c.u32())
}

// uleb is an unsigned LEB128 (DWARF 5, 7.6); bits beyond 64 are lost.
func (c *cursor) uleb() uint64 {
	v := uint64(0)
	for shift := 0; ; shift += 7 {
		b := c.u8()
		if shift < 64 {
			v |= uint64(b&0x7f) << shift
		}
		if b&0x80 == 0 {
			return v
		}
	}
}

// sleb is a signed LEB128.
func (c *cursor) sleb() int64 {
	v, shift := int64(0), 0
	for {
		b := c.u8()
		if shift < 64 {
			v |= int64(b&0x7f) << shift
		}
		shift += 7
		if b&0x80 == 0 {
			if b&0x40 != 0 && shift < 64 {
				v |= -1 << shift
			}
			return v
		}
	}
}

// text is a zero-terminated string.
func (c *cursor) text() string {
	i := bytes.IndexByte(c.b, 0)
	if i < 0 {
		c.take(uint64(len(c.b)) + 1)
		return ""
	}
	s := string(c.b[:i])
	c.b = c.b[i+1:]
	return s
}

// nameMost is the longest name that is read: PATH_MAX.
const nameMost = 4096

// textAt is the string at an offset of a string section. It shares the
// section's bytes: many entries may name one string.
func textAt(section string, offset uint64) string {
	if offset >= uint64(len(section)) {
		return ""
	}
	text := section[offset:min(offset+nameMost, uint64(len(section)))]
	text, _, _ = strings.Cut(text, "\x00")
	return text
}
