// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
)

// Part is one of a snapshot's file, for tests that write their own.
type Part struct{ Name, Layout, Value []byte }

// SplitFile takes a snapshot's file apart, as far as it is one: its first line,
// its parts, and the bundles of pages, with the lengths of their fields and
// without checksums.
func SplitFile(file []byte) (line []byte, parts []Part, bundles []byte) {
	end := bytes.IndexByte(file[:min(len(file), 64)], '\n') + 1
	line, file = file[:end], file[end:]
	take := func(n uint32) []byte {
		n = min(n, uint32(len(file)))
		p := file[:n:n]
		file = file[n:]
		return p
	}
	field := func() []byte {
		if len(file) < 4 {
			return nil
		}
		return take(binary.LittleEndian.Uint32(take(4)))
	}
	for name := field(); len(name) > 0; name = field() {
		parts = append(parts, Part{name, field(), field()})
	}
	take(sha256.Size)
	for len(file) >= 8 {
		pages, size := binary.LittleEndian.Uint32(file), binary.LittleEndian.Uint32(file[4:])
		if pages == 0 {
			break
		}
		bundles = append(bundles, take(8)...)
		bundles = append(bundles, take(4*min(pages, 1<<20))...)
		bundles = append(bundles, take(size)...)
		take(sha256.Size)
	}
	return line, parts, bundles
}

// JoinFile is the way back, with all checksums right.
func JoinFile(line []byte, parts []Part, bundles []byte) []byte {
	out := bytes.Clone(line)
	field := func(p []byte) { out = append(binary.LittleEndian.AppendUint32(out, uint32(len(p))), p...) }
	sum := func() { s := sha256.Sum256(out); out = append(out, s[:]...) }
	for _, p := range parts {
		field(p.Name)
		field(p.Layout)
		field(p.Value)
	}
	field(nil)
	sum()
	for len(bundles) >= 8 {
		pages, size := binary.LittleEndian.Uint32(bundles), binary.LittleEndian.Uint32(bundles[4:])
		n := min(len(bundles), 8+4*int(min(pages, 1<<20))+int(size))
		out = append(out, bundles[:n]...)
		bundles = bundles[n:]
		sum()
	}
	field(nil)
	sum()
	return out
}
