// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

const (
	oneShot  = 0x00040
	periodic = 0x20040
	deadline = 0x40040
	masked   = 0x10000
)

func TestLAPICTimerDivider(t *testing.T) {
	for _, c := range []struct {
		divide  uint32
		divider device.Time
	}{{0b0000, 2}, {0b0001, 4}, {0b0010, 8}, {0b0011, 16}, {0b1000, 32}, {0b1001, 64}, {0b1010, 128}, {0b1011, 1}} {
		r := newLAPIC()
		r.set(xTimer, oneShot)
		r.set(xDivide, c.divide)
		r.set(xInitial, 1000)
		require.Equal(t, 1000*c.divider, r.Next(), "divide by %d", c.divider)
		r.clock.now = 300*c.divider - 1
		require.Equal(t, uint32(701), r.get(xCurrent))
		r.clock.now = 300 * c.divider
		require.Equal(t, uint32(700), r.get(xCurrent))
	}
}

func TestLAPICTimerOneShot(t *testing.T) {
	r := newLAPIC()
	r.set(xDivide, 0xb)
	r.set(xTimer, oneShot)
	r.set(xInitial, 500)
	r.clock.run(499, r)
	require.False(t, r.Pending())
	r.clock.run(500, r)
	require.True(t, r.in(xIRR, 0x40))
	require.Zero(t, r.get(xCurrent))
	require.Equal(t, uint32(500), r.get(xInitial))
	require.Equal(t, device.Never, r.Next())
	r.set(xInitial, 0)
	require.Equal(t, device.Never, r.Next(), "0 stops it")
}

func TestLAPICTimerPeriodicDoesNotDrift(t *testing.T) {
	r := lapicRig{clock: &fakeClock{}}
	r.LAPIC = device.NewLAPIC(device.LAPICConfig{Clock: r.clock, Bus: 99_999_999})
	r.set(xSVR, 0x1ff)
	r.set(xDivide, 0xb)
	r.set(xTimer, periodic)
	r.set(xInitial, 1_000_003)
	for n := uint64(1); n <= 2000; n++ {
		require.Equal(t, device.Frequency(99_999_999).At(n*1_000_003), r.Next())
		r.clock.run(r.Next(), r)
		got, ok := r.Acknowledge()
		require.True(t, ok)
		require.Equal(t, uint8(0x40), got)
		r.set(xEOI, 0)
	}
}

func TestLAPICTimerMissedPeriodsAreOneInterrupt(t *testing.T) {
	r := newLAPIC()
	r.set(xDivide, 0xb)
	r.set(xTimer, periodic)
	r.set(xInitial, 100)
	r.clock.now = 1_000_000_042
	require.Equal(t, uint32(58), r.get(xCurrent))
	require.Equal(t, device.Time(1_000_000_100), r.Next())
	r.Acknowledge()
	require.False(t, r.Pending())
}

func TestLAPICTimerMasked(t *testing.T) {
	r := newLAPIC()
	r.set(xDivide, 0xb)
	r.set(xTimer, periodic|masked)
	r.set(xInitial, 100)
	require.Equal(t, device.Never, r.Next())
	r.clock.now = 250
	require.Equal(t, uint32(50), r.get(xCurrent), "it counts all the same")
	r.set(xTimer, periodic)
	require.False(t, r.Pending(), "what was masked is gone")
	require.Equal(t, device.Time(300), r.Next())
}

func TestLAPICTimerDivideWhileRunning(t *testing.T) {
	r := newLAPIC()
	r.set(xDivide, 0xb)
	r.set(xTimer, oneShot)
	r.set(xInitial, 100)
	r.clock.now = 40
	r.set(xDivide, 0x0)
	require.Equal(t, device.Time(40+60*2), r.Next())
	require.Equal(t, uint32(60), r.get(xCurrent))
}

func TestLAPICTimerOneShotToPeriodic(t *testing.T) {
	r := newLAPIC()
	r.set(xDivide, 0xb)
	r.set(xTimer, oneShot)
	r.set(xInitial, 100)
	r.clock.now = 40
	r.set(xTimer, periodic)
	r.clock.run(350, r)
	require.Equal(t, uint32(50), r.get(xCurrent))
	require.Equal(t, device.Time(400), r.Next())
}

func TestLAPICTSCDeadline(t *testing.T) {
	r := newLAPIC()
	r.SetTSCDeadline(5000)
	require.Zero(t, r.TSCDeadline(), "ignored in another mode")
	r.set(xTimer, deadline)
	r.set(xInitial, 100)
	require.Zero(t, r.get(xInitial), "and the initial count in this one")
	r.SetTSCDeadline(5001)
	require.Equal(t, device.Time(2501), r.Next(), "2 GHz: the first nanosecond that is not before it")
	require.Zero(t, r.get(xCurrent))
	r.clock.run(2500, r)
	require.Equal(t, uint64(5001), r.TSCDeadline())
	require.False(t, r.Pending())
	r.clock.run(2501, r)
	require.True(t, r.Pending())
	require.Zero(t, r.TSCDeadline(), "disarmed, and the MSR cleared")
	require.Equal(t, device.Never, r.Next())
}

func TestLAPICTSCDeadlineInThePastFiresAtOnce(t *testing.T) {
	r := newLAPIC()
	r.set(xTimer, deadline)
	r.clock.now = 1000
	r.SetTSCDeadline(2000)
	require.True(t, r.Pending())
	require.Zero(t, r.TSCDeadline())
}

func TestLAPICTSCDeadlineDisarmed(t *testing.T) {
	for name, disarm := range map[string]func(lapicRig){
		"by 0":           func(r lapicRig) { r.SetTSCDeadline(0) },
		"by mode":        func(r lapicRig) { r.set(xTimer, oneShot) },
		"by global bit":  func(r lapicRig) { r.SetBase(0xfee00000) },
		"by a far count": func(r lapicRig) { r.SetTSCDeadline(math.MaxUint64) },
	} {
		r := newLAPIC()
		r.set(xTimer, deadline)
		r.SetTSCDeadline(10_000)
		disarm(r)
		r.clock.run(second, r)
		require.False(t, r.Pending(), name)
	}
}

func TestLAPICTSCOffset(t *testing.T) {
	r := newLAPIC()
	r.set(xTimer, deadline)
	r.SetTSCDeadline(10_000)
	r.SetTSCOffset(4000)
	require.Equal(t, uint64(4200), r.TSC(100))
	require.Equal(t, device.Time(3000), r.Next(), "the counter is ahead, the deadline nearer")
	r.clock.now = 1000
	r.SetTSCOffset(^uint64(0) - 999)
	require.Equal(t, uint64(1000), r.TSC(1000))
	require.Equal(t, device.Time(5500), r.Next(), "or behind")
}

func TestLAPICTimerReservedMode(t *testing.T) {
	r := newLAPIC()
	r.set(xTimer, 0x60040)
	r.set(xInitial, 10)
	r.SetTSCDeadline(10)
	r.clock.run(second, r)
	require.False(t, r.Pending())
	require.Equal(t, device.Never, r.Next())
}
