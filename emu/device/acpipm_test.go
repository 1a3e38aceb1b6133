// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

// Registers of the PM blocks.
const pm1Status, pm1Enable, pm1Control, pmTimer = device.PMBase, device.PMBase + 2, device.PMBase + 4, device.PMBase + 8

type pmRig struct {
	*device.ACPIPM
	clock *fakeClock
	sci   *wire
	offs  *int
}

func newPM() pmRig {
	r := pmRig{clock: &fakeClock{}, sci: &wire{}, offs: new(int)}
	r.ACPIPM = device.NewACPIPM(device.ACPIPMConfig{Clock: r.clock, SCI: r.sci.line(), PowerOff: func() { *r.offs++ }})
	return r
}

func TestPMIsInACPIMode(t *testing.T) {
	r := newPM()
	require.Equal(t, uint16(1), in16(r, pm1Control), "SCI_EN")
	out16(r, pm1Control, 0)
	require.Equal(t, uint16(1), in16(r, pm1Control), "there is no legacy mode to return to")
	require.Equal(t, uint16(0xffff), in16(r, device.PMBase+6), "nothing there")
}

func TestPMPowerOff(t *testing.T) {
	for _, c := range []struct {
		name  string
		write []uint16
		offs  int
	}{
		{"S5 with SLP_EN", []uint16{5<<10 | 1<<13}, 1},
		{"SLP_TYP first, as ACPICA does it", []uint16{5 << 10, 5<<10 | 1<<13}, 1},
		{"SLP_TYP alone", []uint16{5 << 10}, 0},
		{"another type", []uint16{1<<10 | 1<<13}, 0},
	} {
		r := newPM()
		for _, w := range c.write {
			out16(r, pm1Control, w)
		}
		require.Equal(t, c.offs, *r.offs, c.name)
		require.Zero(t, in16(r, pm1Control)&(1<<13), "%s: SLP_EN is write only", c.name)
	}
	r := newPM()
	out8(r, pm1Control+1, 0x34)
	require.Equal(t, 1, *r.offs, "a byte will do")
	out16(device.NewACPIPM(device.ACPIPMConfig{Clock: r.clock}), pm1Control, 5<<10|1<<13)
}

func TestPMTimerRunsAtItsRate(t *testing.T) {
	r := newPM()
	require.Zero(t, in32(r, pmTimer))
	r.clock.now = second
	require.Equal(t, uint32(3_579_545), in32(r, pmTimer))
	r.clock.now = 10 * second
	require.Equal(t, uint32(35_795_450&0xffffff), in32(r, pmTimer), "24 bits")
	require.Equal(t, uint16(35_795_450&0xffff), in16(r, pmTimer))
	require.Equal(t, uint8(35_795_450>>16&0xff), in8(r, pmTimer+2))
}

func TestPMTimerStatus(t *testing.T) {
	r := newPM()
	require.Equal(t, device.Never, r.Next(), "without TMR_EN there's no interrupt")
	toggle := func(n uint64) device.Time { return device.PMTimerFrequency.At(n << 23) }
	r.clock.now = toggle(1) - 1
	require.Zero(t, in16(r, pm1Status))
	r.clock.now = toggle(1)
	require.Equal(t, uint16(1), in16(r, pm1Status), "set when bit 23 changes")
	require.False(t, r.sci.level)
	out16(r, pm1Enable, 1)
	require.True(t, r.sci.level)
	out16(r, pm1Status, 1)
	require.False(t, r.sci.level, "cleared by writing 1")
	require.Equal(t, toggle(2), r.Next())
	r.clock.run(toggle(2), r)
	require.True(t, r.sci.level)
	require.Equal(t, device.Never, r.Next())
}

func TestPMPowerButton(t *testing.T) {
	r := newPM()
	out16(r, pm1Enable, 0xffff)
	require.Equal(t, uint16(0x0121), in16(r, pm1Enable), "timer, global, power button")
	r.PowerButton()
	require.True(t, r.sci.level)
	require.Equal(t, uint16(0x0100), in16(r, pm1Status))
	out8(r, pm1Status, 0xff)
	require.Equal(t, uint16(0x0100), in16(r, pm1Status), "the other byte")
	out8(r, pm1Status+1, 0x01)
	require.False(t, r.sci.level)
	require.Equal(t, uint32(0x01210000), in32(r, pm1Status), "status and enable in one access")
}

func TestPMElsewhere(t *testing.T) {
	p := device.NewACPIPM(device.ACPIPMConfig{Clock: &fakeClock{}, Base: 0xb000})
	require.Equal(t, []device.Region{{Space: device.Ports, Base: 0xb000, Size: 12}}, p.Regions())
	require.Equal(t, uint16(1), in16(p, 0xb004))
}
