// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bytes"
	"encoding/hex"
)

var memoryCommands = []command{
	{"m", (*session).readMemory},
	{"M", (*session).writeMemoryHex},
	{"X", (*session).writeMemoryBinary},
}

// readMemory returns what could be read, which may be less than asked for;
// nothing at all is an error (GDB manual, packet m).
func (s *session) readMemory(q request) string {
	address, length, ok := parseRange(q.args)
	if !ok {
		return errorMalformed
	}
	p := make([]byte, min(length, maxPacket/2))
	n, err := s.target.ReadMemory(address, p)
	n = min(max(n, 0), len(p))
	if n == 0 && err != nil {
		return errorMemory
	}
	return hex.EncodeToString(p[:n])
}

func (s *session) writeMemoryHex(q request) string {
	where, data, found := bytes.Cut(q.args, []byte{':'})
	p, ok := decodeHex(data)
	if !found || !ok {
		return errorMalformed
	}
	return s.writeMemory(where, p)
}

func (s *session) writeMemoryBinary(q request) string {
	where, data, found := bytes.Cut(q.args, []byte{':'})
	if !found {
		return errorMalformed
	}
	return s.writeMemory(where, unescape(data))
}

// writeMemory writes all or reports an error. gdb probes for the X packet
// with no data at all.
func (s *session) writeMemory(where, p []byte) string {
	address, length, ok := parseRange(where)
	if !ok || length != uint64(len(p)) {
		return errorMalformed
	}
	if len(p) == 0 {
		return "OK"
	}
	if n, err := s.target.WriteMemory(address, p); err != nil || n < len(p) {
		return errorMemory
	}
	return "OK"
}
