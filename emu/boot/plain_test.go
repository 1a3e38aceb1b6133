// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

func TestPlainELFRunsInLongModeWithAStack(t *testing.T) {
	m, entry := load(t, freestanding().bytes(), Options{CommandLine: "hello", Initrd: []byte("data")})
	s := entry.State
	require.Equal(t, ProtocolELF, entry.Protocol)
	require.EqualValues(t, 0x200000, s.RIP)
	require.EqualValues(t, 0xf4, m.u8(0x200000))
	require.EqualValues(t, eferLME|eferLMA, s.EFER)
	require.EqualValues(t, cr4PAE|cr4FXSR|cr4XMM, s.CR4)
	require.Zero(t, s.GPR[x86.RSP]%16)
	require.NotZero(t, s.GPR[x86.RSP])
	info := startInfoOf(m, s.GPR[x86.RDI])
	require.Equal(t, "hello", info.Line)
	require.Equal(t, "data", info.Module)
}

func TestPlainELFLinkedHighIsMappedThere(t *testing.T) {
	b := elfWriter{entry: 0xffffffff80000123, segments: []testSegment{
		{flags: 5, virtual: 0xffffffff80000123, physical: 0x200123, data: []byte{0xf4}, size: 0x2000},
		// The same page as the end of the one before, as linkers pack them.
		{flags: 6, virtual: 0xffffffff80002200, physical: 0x202200, data: []byte("data")},
		{flags: 6, virtual: 0xffffffff80400000, physical: 0x700000, size: 0x300000},
	}}.bytes()
	m, entry := load(t, b, Options{})
	require.EqualValues(t, uint64(0xffffffff80000123), entry.State.RIP)
	for virtual, physical := range map[uint64]uint64{
		0xffffffff80000123: 0x200123,
		0xffffffff80002122: 0x202122,
		0xffffffff80002200: 0x202200,
		0xffffffff80400000: 0x700000,
		0xffffffff806fffff: 0x9fffff,
		0x200123:           0x200123,
	} {
		p, ok := m.translate(entry.State.CR3, virtual)
		require.True(t, ok, "%#x", virtual)
		require.Equal(t, physical, p, "%#x", virtual)
	}
	for _, virtual := range []uint64{0xffffffff80003000, 0xffffffff80700000, 0xffffffff7ffff000} {
		_, ok := m.translate(entry.State.CR3, virtual)
		require.False(t, ok, "%#x", virtual)
	}
}

func TestPlainELFLinkedAboveMemorySplitsTheIdentityMap(t *testing.T) {
	b := elfWriter{entry: 0x40001000, segments: []testSegment{
		{flags: 5, virtual: 0x40001000, physical: 0x200000, data: []byte{0xf4}},
	}}.bytes()
	m, entry := load(t, b, Options{})
	for virtual, physical := range map[uint64]uint64{0x40001000: 0x200000, 0x40000000: 0x40000000, 0x40002000: 0x40002000} {
		p, ok := m.translate(entry.State.CR3, virtual)
		require.True(t, ok)
		require.Equal(t, physical, p)
	}
}
