// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

// pitRig counts time in ticks of the 8254.
type pitRig struct {
	*device.PIT
	clock  *fakeClock
	out    *wire
	port61 *device.Port61
}

func newPIT() *pitRig {
	clock := &fakeClock{}
	out := &wire{clock: clock}
	pit := device.NewPIT(clock, out.line())
	return &pitRig{pit, clock, out, device.NewPort61(clock, pit)}
}

// at goes to the first instant of a tick.
func (r *pitRig) at(tick uint64) { r.clock.run(device.PITFrequency.At(tick), r.PIT) }

// rises are the ticks at which channel 0's output rose.
func (r *pitRig) rises() []uint64 {
	var ticks []uint64
	for _, at := range r.out.rising {
		ticks = append(ticks, device.PITFrequency.Ticks(at))
	}
	return ticks
}

// count latches and reads a counter in low-high order.
func (r *pitRig) count(channel uint64) uint16 {
	out8(r, 0x43, uint8(channel<<6))
	return uint16(in8(r, 0x40+channel)) | uint16(in8(r, 0x40+channel))<<8
}

// levels is channel 2's output at each tick from 1 to n, as H and L.
func (r *pitRig) levels(from, n uint64) string {
	s := ""
	for tick := from; tick < from+n; tick++ {
		r.at(tick)
		if r.Out2() {
			s += "H"
		} else {
			s += "L"
		}
	}
	return s
}

// TestPITWaveforms are the data sheet's timing diagrams: control word and
// count are written at tick 0, with gate 2 high, so the count is loaded at
// tick 1.
func TestPITWaveforms(t *testing.T) {
	for _, c := range []struct {
		name    string
		control uint8
		count   uint8
		want    string // from tick 1 on
	}{
		{"mode 0, 4: high N+1 pulses after the write", 0x90, 4, "LLLLHHHHHHHH"},
		{"mode 0, 1", 0x90, 1, "LHHHHHHHHHHH"},
		{"mode 2, 3: low while the count is 1", 0x94, 3, "HHLHHLHHLHHL"},
		{"mode 2, 4", 0x94, 4, "HHHLHHHLHHHL"},
		{"mode 6 is mode 2", 0x9c, 4, "HHHLHHHLHHHL"},
		{"mode 3, 4: half and half", 0x96, 4, "HHLLHHLLHHLL"},
		{"mode 3, 5: one more high than low", 0x96, 5, "HHHLLHHHLLHH"},
		{"mode 7 is mode 3", 0x9e, 4, "HHLLHHLLHHLL"},
		{"mode 4, 3: strobe N+1 pulses after the write", 0x98, 3, "HHHLHHHHHHHH"},
		{"mode 1 waits for the gate", 0x92, 3, "HHHHHHHHHHHH"},
		{"mode 5 waits for the gate", 0x9a, 3, "HHHHHHHHHHHH"},
		{"mode 2, the illegal 1, is 2", 0x94, 1, "HLHLHLHLHLHL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newPIT()
			out8(r.port61, 0x61, 1)
			out8(r, 0x43, c.control)
			out8(r, 0x42, c.count)
			require.Equal(t, c.want, r.levels(1, 12))
		})
	}
}

func TestPITGate(t *testing.T) {
	for _, c := range []struct {
		name    string
		control uint8
		count   uint8
		want    string // the gate falls at tick 2 and rises at tick 4
	}{
		{"mode 0 stops and goes on", 0x90, 4, "LLLLLLHHHH"},
		{"mode 1 is triggered", 0x92, 3, "HHHHLLLHHH"},
		{"mode 2 starts over", 0x94, 3, "HHHHHHLHHL"},
		{"mode 3 starts over", 0x96, 4, "HHHHHHLLHH"},
		{"mode 4 stops and goes on", 0x98, 3, "HHHHHLHHHH"},
		{"mode 5 is triggered", 0x9a, 3, "HHHHHHHLHH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newPIT()
			out8(r.port61, 0x61, 1)
			out8(r, 0x43, c.control)
			out8(r, 0x42, c.count)
			got := r.levels(1, 2)
			out8(r.port61, 0x61, 0)
			got += r.levels(3, 2)
			out8(r.port61, 0x61, 1)
			got += r.levels(5, 6)
			require.Equal(t, c.want, got)
		})
	}
}

func TestPITOneShotIsRetriggerable(t *testing.T) {
	r := newPIT()
	out8(r, 0x43, 0x92)
	out8(r, 0x42, 5)
	trigger := func() { out8(r.port61, 0x61, 0); out8(r.port61, 0x61, 1) }
	trigger()
	require.Equal(t, "LLL", r.levels(1, 3))
	trigger()
	require.Equal(t, "LLLLLHH", r.levels(4, 7))
}

func TestPITRateGeneratorGivesExactTicks(t *testing.T) {
	r := newPIT()
	out8(r, 0x43, 0x34)
	out8(r, 0x40, 0xa9, 0x04) // 1193: about 1 kHz
	r.at(1193 * 1000)
	got := r.rises()
	require.Zero(t, got[0], "OUT goes high with the control word")
	for i, tick := range got[1:] {
		require.Equal(t, uint64(1+1193*(i+1)), tick)
	}
	require.Len(t, got, 1000)
}

func TestPITNewCountWaitsForTheEndOfTheCycle(t *testing.T) {
	r := newPIT()
	out8(r, 0x43, 0x14)
	out8(r, 0x40, 10)
	r.at(5)
	out8(r, 0x40, 4)
	r.at(24)
	require.Empty(t, cmp.Diff([]uint64{0, 11, 15, 19, 23}, r.rises()))
}

func TestPITSquareWave(t *testing.T) {
	r := newPIT()
	out8(r, 0x43, 0x16)
	out8(r, 0x40, 7)
	r.at(30)
	require.Empty(t, cmp.Diff([]uint64{0, 8, 15, 22, 29}, r.rises()))
}

func TestPITOneShotsOfAKernel(t *testing.T) {
	r := newPIT()
	out8(r, 0x43, 0x38) // mode 4, low and high
	out8(r, 0x40, 100, 0)
	r.at(50)
	out8(r, 0x40, 100, 0) // again before it is over
	r.at(400)
	require.Empty(t, cmp.Diff([]uint64{0, 152}, r.rises()), "a strobe ends N+2 pulses after the write")
	require.Equal(t, device.Never, r.Next())

	out8(r, 0x43, 0x30) // mode 0
	require.False(t, r.out.level)
	out8(r, 0x40, 20)
	r.at(500)
	require.False(t, r.out.level, "one byte of two disables counting")
	out8(r, 0x40, 0)
	r.at(600)
	require.Equal(t, uint64(521), r.rises()[2])
}

func TestPITCountersCountDown(t *testing.T) {
	for _, c := range []struct {
		name    string
		control uint8
		low     uint8
		at      uint64
		want    uint16
	}{
		{"mode 0", 0xb0, 10, 4, 7},
		{"mode 0 wraps around", 0xb0, 2, 5, 0xfffe},
		{"mode 0 in BCD", 0xb1, 0x12, 4, 0x0009},
		{"mode 0 in BCD wraps around", 0xb1, 0x02, 5, 0x9998},
		{"mode 2", 0xb4, 10, 4, 7},
		{"mode 2, reloaded", 0xb4, 3, 4, 3},
		{"mode 3 by two", 0xb6, 10, 4, 4},
		{"mode 3, odd", 0xb6, 9, 3, 4},
		{"0 is the largest", 0xb4, 0, 2, 0xffff},
		{"0 is the largest in BCD", 0xb5, 0, 2, 0x9999},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newPIT()
			out8(r.port61, 0x61, 1)
			out8(r, 0x43, c.control)
			out8(r, 0x42, c.low, 0)
			r.at(c.at)
			require.Equal(t, c.want, r.count(2))
		})
	}
}

func TestPITLatchHoldsUntilRead(t *testing.T) {
	r := newPIT()
	out8(r, 0x43, 0x34)
	out8(r, 0x40, 0, 0x10)
	r.at(0x101)
	out8(r, 0x43, 0x00)
	r.at(0x201)
	out8(r, 0x43, 0x00) // ignored: one is latched
	require.Equal(t, uint8(0x00), in8(r, 0x40))
	require.Equal(t, uint8(0x0f), in8(r, 0x40), "0x1000-0x100")
	require.Equal(t, uint8(0x00), in8(r, 0x40))
	require.Equal(t, uint8(0x0e), in8(r, 0x40), "the running count")
}

func TestPITSingleByteAccess(t *testing.T) {
	r := newPIT()
	out8(r, 0x43, 0x24) // channel 0, high byte only
	out8(r, 0x40, 0x12)
	r.at(1)
	require.Equal(t, uint8(0x12), in8(r, 0x40))
	r.at(2)
	require.Equal(t, uint8(0x11), in8(r, 0x40))
	require.Equal(t, uint8(0xff), in8(r, 0x43), "the control word cannot be read")
}

func TestPITReadBack(t *testing.T) {
	r := newPIT()
	out8(r, 0x43, 0x34)
	out8(r, 0x43, 0xe2)
	require.Equal(t, uint8(0xf4), in8(r, 0x40), "OUT high, null count, control word")
	out8(r, 0x40, 0x34, 0x12)
	out8(r, 0x43, 0xe2)
	require.Equal(t, uint8(0xf4), in8(r, 0x40), "not loaded before the next pulse")
	r.at(1)
	out8(r, 0x43, 0xc2) // status and count
	require.Equal(t, uint8(0xb4), in8(r, 0x40), "status comes first")
	require.Equal(t, uint8(0x34), in8(r, 0x40))
	require.Equal(t, uint8(0x12), in8(r, 0x40))
	out8(r, 0x43, 0xd2) // count alone
	require.Equal(t, uint8(0x34), in8(r, 0x40))
}

func TestPITSurvivesALongSleep(t *testing.T) {
	r := newPIT()
	out8(r, 0x43, 0x16)
	out8(r, 0x40, 2)
	out8(r, 0x43, 0x54)
	out8(r, 0x41, 18)
	r.clock.now = 200 * 365 * 86400 * second
	r.Advance(r.clock.now)
	require.Less(t, r.out.rises, 10, "what nobody took in between is one request")
	require.Greater(t, r.out.rises, 1)
	require.Greater(t, r.Next(), r.clock.now)
}

func TestPort61(t *testing.T) {
	r := newPIT()
	out8(r, 0x43, 0xb0)
	out8(r.port61, 0x61, 0xff)
	require.Equal(t, uint8(0x0f), in8(r.port61, 0x61), "status bits are read only, OUT2 is low")
	out8(r, 0x42, 10, 0)
	r.at(11)
	require.Equal(t, uint8(0x2f), in8(r.port61, 0x61), "OUT2 shows in bit 5")
	require.True(t, r.port61.Speaker())
	r.at(18)
	require.Equal(t, uint8(0x3f), in8(r.port61, 0x61), "the refresh bit toggles every 15 µs")
	r.at(36)
	require.Equal(t, uint8(0x2f), in8(r.port61, 0x61))
	out8(r.port61, 0x61, 1)
	require.False(t, r.port61.Speaker())
}

// A kernel's TSC calibration: mode 0 on channel 2, then polling bit 5.
func TestPITCalibrationLoop(t *testing.T) {
	r := newPIT()
	out8(r.port61, 0x61, 1)
	out8(r, 0x43, 0xb0)
	out8(r, 0x42, 0x9b, 0x2e) // 11931: 10 ms
	for in8(r.port61, 0x61)&0x20 == 0 {
		r.clock.now += 100
	}
	require.InDelta(t, float64(10*millisecond), float64(r.clock.now), 1500)
}
