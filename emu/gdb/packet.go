// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxPacket is the longest packet body taken, and what qSupported announces.
// It also bounds what one request can make the server allocate.
const maxPacket = 16 << 10

// frameKind is what can come along the line.
type frameKind int

const (
	framePacket    frameKind = iota
	frameGarbled             // a packet whose checksum is wrong, or that is too long
	frameRetry               // '-': the last reply did not arrive
	frameInterrupt           // ^C
)

type frame struct {
	kind frameKind
	body []byte
}

// readFrame takes the next frame and skips what belongs to none, acks among
// it. The error is the reader's own.
func readFrame(r *bufio.Reader) (frame, error) {
	for {
		c, err := r.ReadByte()
		if err != nil {
			return frame{}, err
		}
		switch c {
		case '$':
			return readPacket(r)
		case '-':
			return frame{kind: frameRetry}, nil
		case 0x03:
			return frame{kind: frameInterrupt}, nil
		}
	}
}

// readPacket reads after the '$'. Escapes are left as they are: only some
// packets have binary data (GDB manual, E.1).
func readPacket(r *bufio.Reader) (frame, error) {
	var body []byte
	var sum byte
	tooLong := false
	for {
		c, err := r.ReadByte()
		if err != nil {
			return frame{}, errors.Join(err, fmt.Errorf("in a packet of so far %d bytes", len(body)))
		}
		if c == '#' {
			break
		}
		if c == '$' { // the rest of the last packet was lost
			body, sum, tooLong = body[:0], 0, false
			continue
		}
		sum += c
		if len(body) == maxPacket {
			tooLong = true
			continue
		}
		body = append(body, c)
	}
	var digits [2]byte
	if _, err := io.ReadFull(r, digits[:]); err != nil {
		return frame{}, err
	}
	given, ok := parseHex(digits[:])
	if tooLong || !ok || byte(given) != sum {
		return frame{kind: frameGarbled}, nil
	}
	return frame{kind: framePacket, body: body}, nil
}

// appendPacket frames a reply. Replies with arbitrary bytes are escaped here,
// so that no handler has to know.
func appendPacket(dst []byte, body string) []byte {
	dst = append(dst, '$')
	var sum byte
	put := func(c byte) {
		dst = append(dst, c)
		sum += c
	}
	for i := 0; i < len(body); i++ {
		switch c := body[i]; c {
		case '$', '#', '}', '*':
			put('}')
			put(c ^ 0x20)
		default:
			put(c)
		}
	}
	return append(dst, '#', hexDigits[sum>>4], hexDigits[sum&0xf])
}

// unescape undoes '}' escapes in a packet with binary data.
func unescape(p []byte) []byte {
	out := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c == '}' && i+1 < len(p) {
			i++
			c = p[i] ^ 0x20
		}
		out = append(out, c)
	}
	return out
}
