// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// bzFile is a bzImage with one setup sector and the payload given, as
// arch/x86/boot/header.S and tools/build.c write it for a 6.1 kernel.
func bzFile(payload []byte, change func(b []byte)) []byte {
	le := binary.LittleEndian
	b := make([]byte, 2*sector, 2*sector+len(payload))
	b = append(b, payload...)
	copy(b, "MZ") // the EFI stub makes every bzImage a PE file as well
	b[offSetupSects] = 1
	le.PutUint32(b[offSysSize:], uint32(len(payload)+15)/16)
	le.PutUint16(b[offBootFlag:], bootFlag)
	b[offJump], b[offJump+1] = 0xeb, 0x6a
	copy(b[offMagic:], headerMagic)
	le.PutUint16(b[offVersion:], 0x020f)
	le.PutUint16(b[offKernelVersion:], 0x100)
	copy(b[0x300:], "6.1.0-test (someone@somewhere) #1\x00")
	b[offLoadFlags] = loadedHigh
	le.PutUint32(b[offCode32:], 0x100000)
	le.PutUint32(b[offInitrdMax:], initrdMost)
	le.PutUint32(b[offAlignment:], 0x200000)
	b[offRelocatable] = 1
	le.PutUint16(b[offXLoadFlags:], kernel64)
	le.PutUint32(b[offCommandLineMax:], commandLineMost)
	le.PutUint64(b[offPreferred:], 0x1000000)
	le.PutUint32(b[offInitSize:], 0x800000)
	if change != nil {
		change(b)
	}
	return b
}

func bzPayload() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 100) }

func TestBzImageIsEntered0x200IntoItsProtectedModePart(t *testing.T) {
	m, entry := load(t, bzFile(bzPayload(), nil), Options{CommandLine: "quiet", Initrd: []byte("initrd")})
	s := entry.State
	require.Equal(t, ProtocolBzImage, entry.Protocol)
	require.EqualValues(t, 0x1000200, s.RIP)
	require.Equal(t, bzPayload(), m.read(0x1000000, 1600))
	require.EqualValues(t, eferLME|eferLMA, s.EFER)
	require.EqualValues(t, selectorCode, s.Seg[x86.CS].Selector)

	zero := s.GPR[x86.RSI]
	require.EqualValues(t, 0x020f, m.u16(zero+offVersion), "the file's setup header is in the zero page")
	require.EqualValues(t, 0x800000, m.u32(zero+offInitSize))
	require.EqualValues(t, 0x1000000, m.u32(zero+offCode32), "code32_start is where the kernel is")
	require.EqualValues(t, 0, m.u8(zero+0x1ef), "sentinel")
	require.Equal(t, "quiet", m.text(m.u32(zero+offCommandLine)))
	require.Equal(t, "initrd", m.text(m.u32(zero+offRamdisk)))
}

func TestBzImageHasRoomToUnpackItself(t *testing.T) {
	for _, test := range []struct {
		name     string
		reserved []Range
		change   func(b []byte)
		want     uint64 // where it is loaded
	}{
		{"at pref_address", nil, nil, 0x1000000},
		{"relocatable: at the next aligned address where init_size bytes are free",
			[]Range{{0x1700000, 0x1700001}}, nil, 0x1800000},
		{"of init_size, though the file is longer", []Range{{0x1000000 + 1600, 0x1000000 + 1601}},
			func(b []byte) { binary.LittleEndian.PutUint32(b[offInitSize:], 16) }, 0x1200000},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := bzFile(append(bzPayload(), 1), test.change)
			_, entry := load(t, b, Options{Reserved: test.reserved})
			require.Equal(t, test.want+entry64, entry.State.RIP)
		})
	}
}

func TestNothingIsPlacedWhereABzImageUnpacksItself(t *testing.T) {
	// 27 MiB: the kernel may use [16, 24) MiB, so the initrd of 4 MiB that
	// would fit behind the compressed image goes below it.
	m := newMemory(27 << 20)
	initrd := make([]byte, 4<<20)
	entry, err := parse(t, bzFile(bzPayload(), nil)).Load(m, Options{Initrd: initrd})
	require.NoError(t, err)
	require.EqualValues(t, 12<<20, m.u32(entry.State.GPR[x86.RSI]+offRamdisk))
}

func TestBzImageVersionIsTheSetupHeaders(t *testing.T) {
	version, err := parse(t, bzFile(bzPayload(), nil)).LinuxVersion()
	require.NoError(t, err)
	require.Equal(t, "6.1.0-test (someone@somewhere) #1", version)

	none := parse(t, bzFile(bzPayload(), func(b []byte) { b[offKernelVersion], b[offKernelVersion+1] = 0, 0 }))
	version, err = none.LinuxVersion()
	require.NoError(t, err)
	require.Empty(t, version)
}
