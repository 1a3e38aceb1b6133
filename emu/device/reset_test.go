// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

func TestPort92ResetsOnARisingBit(t *testing.T) {
	resets := 0
	p := device.NewPort92(nil, func() { resets++ })
	require.Equal(t, uint8(0x02), in8(p, 0x92))
	out8(p, 0x92, 0x02)
	require.Zero(t, resets)
	out8(p, 0x92, 0x03, 0x03)
	require.Equal(t, 1, resets)
	require.Equal(t, uint8(0x03), in8(p, 0x92))
	out8(p, 0x92, 0x02, 0x03)
	require.Equal(t, 2, resets)
}

func TestA20IsOpenWhenEitherOpensIt(t *testing.T) {
	a20 := &wire{level: true}
	p := device.NewPort92(a20.line(), nil)
	keyboard := device.NewI8042(nil, p.KeyboardA20, nil)
	out8(p, 0x92, 0x00)
	require.True(t, a20.level, "the keyboard controller holds it")
	out8(keyboard, 0x64, 0xd1)
	out8(keyboard, 0x60, 0xdd)
	require.False(t, a20.level)
	out8(p, 0x92, 0x02)
	require.True(t, a20.level)
}

func TestResetControl(t *testing.T) {
	for _, c := range []struct {
		name   string
		writes []uint8
		resets int
		reads  uint8
	}{
		{"the type alone", []uint8{0x02}, 0, 0x02},
		{"what ACPI tells to write", []uint8{device.ResetValue}, 1, 0x06},
		{"a PCI reboot", []uint8{0x02, 0x06}, 1, 0x06},
		{"soft", []uint8{0x04}, 1, 0x04},
		{"without an edge", []uint8{0x06, 0x06}, 1, 0x06},
		{"again", []uint8{0x06, 0x00, 0x0e}, 2, 0x06},
	} {
		resets := 0
		r := device.NewResetControl(func() { resets++ })
		out8(r, device.ResetPort, c.writes...)
		require.Equal(t, c.resets, resets, c.name)
		require.Equal(t, c.reads, in8(r, device.ResetPort), c.name)
	}
}

func TestResetsWithoutAnybodyToTell(t *testing.T) {
	out8(device.NewPort92(nil, nil), 0x92, 1)
	out8(device.NewResetControl(nil), device.ResetPort, 6)
	out8(device.NewI8042(nil, nil, nil), 0x64, 0xfe)
}
