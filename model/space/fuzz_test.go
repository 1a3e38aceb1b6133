// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRead changes words of a kernel's memory, page tables included: whatever
// they hold, a layout comes out, with ranges side by side.
func FuzzRead(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x11, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x20, 0, 0, 1, 3, 0, 1, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, changes []byte) {
		k := byHand()
		w := k.inWorld()
		for ; len(changes) >= 12; changes = changes[12:] {
			page := uint64(changes[0])%w.free + 1
			at := page*pageSize + uint64(binary.LittleEndian.Uint16(changes[1:]))%512*8
			if w.pages[page] != nil {
				w.setEntry(at, binary.LittleEndian.Uint64(changes[4:]))
			}
		}
		l := ReaderOf(k).Read(w)
		for i := range l.Ranges {
			require.NotZero(t, l.Ranges[i].Size)
			if i > 0 {
				require.Less(t, l.Ranges[i-1].Last(), l.Ranges[i].Start)
			}
			r, listed := l.Find(l.Ranges[i].Last())
			require.True(t, listed)
			require.Equal(t, l.Ranges[i], r)
		}
		_ = l.Table() + l.Picture() + l.SVG()
	})
}
