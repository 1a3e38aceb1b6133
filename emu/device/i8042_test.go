// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

type keyboardRig struct {
	*device.I8042
	irq, a20 *wire
	resets   *int
}

func newI8042() keyboardRig {
	r := keyboardRig{irq: &wire{}, a20: &wire{level: true}, resets: new(int)}
	r.I8042 = device.NewI8042(r.irq.line(), r.a20.line(), func() { *r.resets++ })
	return r
}

func TestI8042PulsesReset(t *testing.T) {
	r := newI8042()
	require.Zero(t, in8(r, 0x64)&0x02, "ready for a command: kernels wait for that")
	out8(r, 0x64, 0xff, 0xfd)
	require.Zero(t, *r.resets, "bit 0 isn't pulsed")
	out8(r, 0x64, 0xfe)
	require.Equal(t, 1, *r.resets)
}

func TestI8042Commands(t *testing.T) {
	for _, c := range []struct {
		name    string
		command uint8
		want    uint8
	}{
		{"command byte", 0x20, 0x05}, {"self-test passes", 0xaa, 0x55}, {"keyboard interface is well", 0xab, 0x00},
		{"no auxiliary port", 0xa9, 0x01}, {"input port: unlocked", 0xc0, 0x80}, {"output port: A20, no reset", 0xd0, 0x03},
	} {
		r := newI8042()
		out8(r, 0x64, c.command)
		require.Equal(t, uint8(0x1d), in8(r, 0x64), "%s: output buffer full, command, system", c.name)
		require.Equal(t, c.want, in8(r, 0x60), c.name)
		require.Equal(t, uint8(0x1c), in8(r, 0x64), "%s: taken", c.name)
	}
}

func TestI8042CommandByte(t *testing.T) {
	r := newI8042()
	out8(r, 0x64, 0x60)
	out8(r, 0x60, 0x74)
	out8(r, 0x64, 0x20)
	require.Equal(t, uint8(0x74), in8(r, 0x60))
	require.Zero(t, r.irq.rises, "the interrupt is off in it")
	out8(r, 0x64, 0xae, 0x20)
	require.Equal(t, uint8(0x64), in8(r, 0x60), "enable clears the keyboard's disable bit")
	out8(r, 0x64, 0xad, 0x20)
	require.Equal(t, uint8(0x74), in8(r, 0x60))
}

func TestI8042RAM(t *testing.T) {
	r := newI8042()
	for n := uint8(1); n < 32; n++ {
		out8(r, 0x64, 0x60|n)
		out8(r, 0x60, n*3)
	}
	for n := uint8(1); n < 32; n++ {
		out8(r, 0x64, 0x20|n)
		require.Equal(t, n*3, in8(r, 0x60))
	}
}

// The keyboard's GETID and SETLEDS: the time-out is there at once, with its
// interrupt, and taking the byte ends both.
func TestI8042HasNoKeyboard(t *testing.T) {
	r := newI8042()
	for _, b := range []uint8{0xf2, 0xed} {
		out8(r, 0x60, b)
		require.True(t, r.irq.level)
		require.Equal(t, uint8(0x41), in8(r, 0x64)&0x43, "time-out")
		require.Equal(t, uint8(0xfe), in8(r, 0x60))
		require.False(t, r.irq.level)
		require.Zero(t, in8(r, 0x64)&0x41)
	}
}

// A driver's test for an auxiliary port loops a byte through it (0xd3) and
// wants it back with bit 5 of the status.
func TestI8042HasNoMouse(t *testing.T) {
	r := newI8042()
	out8(r, 0x64, 0xd3)
	out8(r, 0x60, 0x5a)
	require.Zero(t, in8(r, 0x64)&0x20)
	require.NotEqual(t, uint8(0x5a), in8(r, 0x60))
	out8(r, 0x64, 0xd2)
	out8(r, 0x60, 0x5a)
	require.Equal(t, uint8(0x5a), in8(r, 0x60), "0xd2 is the keyboard's")
}

func TestI8042A20(t *testing.T) {
	r := newI8042()
	out8(r, 0x64, 0xd1)
	out8(r, 0x60, 0xdd)
	require.False(t, r.a20.level)
	out8(r, 0x64, 0xd1)
	out8(r, 0x60, 0xdf)
	require.True(t, r.a20.level)
	require.Zero(t, *r.resets)
	out8(r, 0x64, 0xd1)
	out8(r, 0x60, 0xde)
	require.Equal(t, 1, *r.resets, "bit 0 of the output port is the reset line")
}
