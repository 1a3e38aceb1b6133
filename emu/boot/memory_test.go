// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// sparse is memory that holds only the pages that were written.
type sparse struct {
	size  uint64
	pages map[uint64]*[page]byte
}

func newMemory(size uint64) *sparse { return &sparse{size, map[uint64]*[page]byte{}} }

func (m *sparse) Size() uint64 { return m.size }

func (m *sparse) WriteAt(p []byte, physical int64) (int, error) {
	if err := inside(p, physical, m.size); err != nil {
		return 0, err
	}
	for i, b := range p {
		at := uint64(physical) + uint64(i)
		if m.pages[at/page] == nil {
			m.pages[at/page] = new([page]byte)
		}
		m.pages[at/page][at%page] = b
	}
	return len(p), nil
}

func inside(p []byte, physical int64, size uint64) error {
	if physical < 0 || uint64(physical) > size || uint64(len(p)) > size-uint64(physical) {
		return fmt.Errorf("a write of %d bytes to %#x in memory of %#x bytes", len(p), physical, size)
	}
	return nil
}

func (m *sparse) read(physical, n uint64) []byte {
	b := make([]byte, n)
	for i := range b {
		at := physical + uint64(i)
		if p := m.pages[at/page]; p != nil {
			b[i] = p[at%page]
		}
	}
	return b
}

func (m *sparse) u8(at uint64) uint64  { return uint64(m.read(at, 1)[0]) }
func (m *sparse) u16(at uint64) uint64 { return uint64(binary.LittleEndian.Uint16(m.read(at, 2))) }
func (m *sparse) u32(at uint64) uint64 { return uint64(binary.LittleEndian.Uint32(m.read(at, 4))) }
func (m *sparse) u64(at uint64) uint64 { return binary.LittleEndian.Uint64(m.read(at, 8)) }

func (m *sparse) text(at uint64) string {
	b, _, _ := bytes.Cut(m.read(at, 4096), []byte{0})
	return string(b)
}

// translate walks the page tables at cr3 (SDM vol. 3A 4.5.4).
func (m *sparse) translate(cr3, virtual uint64) (uint64, bool) {
	table := cr3
	for shift := 39; ; shift -= 9 {
		entry := m.u64(table + virtual>>shift&511*8)
		switch {
		case entry&entryPresent == 0:
			return 0, false
		case shift == 12 || entry&entryLarge != 0:
			in := uint64(1)<<shift - 1
			return entry&entryAddress&^in | virtual&in, true
		}
		table = entry & entryAddress
	}
}

const testMemory = 128 << 20

func parse(t *testing.T, b []byte) *Image {
	t.Helper()
	img, err := Parse("image", bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	return img
}

func load(t *testing.T, b []byte, opts Options) (*sparse, Entry) {
	t.Helper()
	m := newMemory(testMemory)
	entry, err := parse(t, b).Load(m, opts)
	require.NoError(t, err)
	return m, entry
}
