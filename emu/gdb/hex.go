// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bytes"
	"encoding/hex"
)

const hexDigits = "0123456789abcdef"

// parseHex reads a big-endian hexadecimal number of 1 to 16 digits.
func parseHex(p []byte) (uint64, bool) {
	if len(p) == 0 || len(p) > 16 {
		return 0, false
	}
	var v uint64
	for _, c := range p {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint64(c)
	}
	return v, true
}

// parseRange reads "addr,length".
func parseRange(p []byte) (address, length uint64, ok bool) {
	first, second, found := bytes.Cut(p, []byte{','})
	if !found {
		return 0, 0, false
	}
	address, ok1 := parseHex(first)
	length, ok2 := parseHex(second)
	return address, length, ok1 && ok2
}

// decodeHex reads pairs of digits.
func decodeHex(p []byte) ([]byte, bool) {
	out := make([]byte, hex.DecodedLen(len(p)))
	_, err := hex.Decode(out, p)
	return out, err == nil
}
