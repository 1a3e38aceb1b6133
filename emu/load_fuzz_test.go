// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/x86"
)

// everyPort reads and writes every port below 0x700, and then waits for
// interrupts: whatever a device's state has in it comes to be used.
var everyPort = listing(`
31 d2                   xor edx,edx
ec                      in al,dx
ed                      in eax,dx
80 fa f0                cmp dl,0xf0
73 01                   jae a
ee                      out dx,al
48 ab                   stosq
ff c2                   inc edx
81 fa 00 07 00 00       cmp edx,0x700
72 ec                   jb 2
fb                      sti
f4                      hlt
eb e6                   jmp 0
`)

// busy is a machine in the middle of everyPort, all devices at work.
func busy(t testing.TB) *rig {
	r := bareRig(t, "+pcid,+pku,+rdrand")
	for v := range 256 {
		r.write(entryAt+16*uint64(v), []byte{0x48, 0xcf}) // iretq
	}
	r.kernel(everyPort, func(s *x86.State) { s.GPR[x86.RDI] = kernelData })
	for _, w := range []struct{ port, value uint16 }{
		{0x20, 0x11}, {0x21, 0x20}, {0x21, 4}, {0x21, 1}, {0x21, 0}, // 8259s, nothing masked
		{0xa0, 0x11}, {0xa1, 0x28}, {0xa1, 2}, {0xa1, 1}, {0xa1, 0},
		{0x43, 0x34}, {0x40, 0xa9}, {0x40, 4}, {0x43, 0xb6}, {0x42, 0}, {0x42, 1}, // 8254
		{0x70, 0xb}, {0x71, 0x72}, {0x3f9, 1}, {0x3fa, 0xc1}, {0x3fc, 8}, // RTC, UART
	} {
		code := []byte{0x66, 0xba, byte(w.port), byte(w.port >> 8), 0xb0, byte(w.value), 0xee} // mov dx; mov al; out dx,al
		r.write(codeAt+0x800, code)
		s := r.State()
		s.RIP = kernelCode + 0x800
		r.SetState(&s)
		r.on(3)
	}
	s := r.State()
	s.RIP = kernelCode
	r.SetState(&s)
	r.Type([]byte("typed"))
	r.on(3000)
	return r
}

// edited changes a file: for every five bytes, the part or page data that the
// first two choose, and within it the byte of the next two, by the last.
func edited(file, edits []byte) []byte {
	line, parts, bundles := emu.SplitFile(bytes.Clone(file))
	for ; len(edits) >= 5; edits = edits[5:] {
		which, at := int(binary.LittleEndian.Uint16(edits)), int(binary.LittleEndian.Uint16(edits[2:]))
		p := bundles
		if n := which % (len(parts) + 1); n < len(parts) {
			p = parts[n].Value
		}
		if len(p) > 0 {
			p[at%len(p)] ^= edits[4]
		}
	}
	return emu.JoinFile(line, parts, bundles)
}

// FuzzLoadSnapshot: whatever a snapshot's file says, and be its checksums
// right, it is refused, or there is a machine that runs, and can be saved and
// loaded in turn. The input is a file, or edits of a good one.
func FuzzLoadSnapshot(f *testing.F) {
	image := smallImage(f, 0x90)
	var b bytes.Buffer
	require.NoError(f, snapshot(f, busy(f).Machine).Save(&b, image))
	good := b.Bytes()
	f.Add(true, good)
	f.Add(true, good[:len(good)/2])
	f.Add(false, []byte{})
	line, parts, bundles := emu.SplitFile(good)
	require.Equal(f, good, emu.JoinFile(line, parts, bundles))
	for i := range parts {
		f.Add(false, []byte{byte(i), 0, 3, 0, 0x81})
	}
	f.Fuzz(func(t *testing.T, whole bool, data []byte) {
		file := data
		if whole {
			loadAndRun(t, image, data)
			file = emu.JoinFile(emu.SplitFile(data))
		} else {
			file = edited(good, data)
		}
		if m := loadAndRun(t, image, file); m != nil {
			again := saveOf(t, image, m)
			_, err := emu.LoadSnapshot(bytes.NewReader(again), image, emu.Config{})
			require.NoError(t, err)
		}
	})
}

func saveOf(t testing.TB, image *boot.Image, m *emu.Machine) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, snapshot(t, m).Save(&b, image))
	return b.Bytes()
}

// loadAndRun is the machine of a file after some time, or nil if it was refused.
func loadAndRun(t testing.TB, image *boot.Image, file []byte) *emu.Machine {
	t.Helper()
	s, err := emu.LoadSnapshot(bytes.NewReader(file), image, emu.Config{})
	if err != nil {
		require.ErrorIs(t, err, emu.ErrSnapshotFile)
		return nil
	}
	t.Cleanup(s.Close)
	m, err := s.Start()
	require.NoError(t, err)
	t.Cleanup(m.Close)
	m.Run(emu.Until{Instructions: 20_000, Time: m.Now() + 10_000_000})
	return m
}
