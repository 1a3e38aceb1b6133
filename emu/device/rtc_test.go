// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

type rtcRig struct {
	*device.RTC
	clock *fakeClock
	irq   *wire
	nmi   *wire
}

func newRTC(start time.Time) rtcRig {
	r := rtcRig{clock: &fakeClock{}, irq: &wire{}, nmi: &wire{}}
	r.RTC = device.NewRTC(device.RTCConfig{
		Clock: r.clock, IRQ: r.irq.line(), NMIMask: r.nmi.line(), Start: start,
	})
	return r
}

func (r rtcRig) get(index uint8) uint8 {
	out8(r, 0x70, index)
	return in8(r, 0x71)
}

func (r rtcRig) put(index, value uint8) {
	out8(r, 0x70, index)
	out8(r, 0x71, value)
}

// shown is the time in the registers as they stand, in hex.
func (r rtcRig) shown() string {
	return fmt.Sprintf("%02x%02x-%02x-%02x(%x) %02x:%02x:%02x", r.get(0x32), r.get(9), r.get(8), r.get(7), r.get(6), r.get(4), r.get(2), r.get(0))
}

func TestRTCStartsAtItsDate(t *testing.T) {
	for _, c := range []struct {
		start time.Time
		after device.Time
		want  string
	}{
		{time.Time{}, 0, "2026-01-01(5) 00:00:00"},
		{time.Time{}, second - 1, "2026-01-01(5) 00:00:00"},
		{time.Time{}, second, "2026-01-01(5) 00:00:01"},
		{time.Time{}, 86400 * second, "2026-01-02(6) 00:00:00"},
		{time.Date(1999, 12, 31, 23, 59, 58, 0, time.UTC), 2 * second, "2000-01-01(7) 00:00:00"},
		{time.Date(2024, 2, 28, 12, 0, 0, 0, time.UTC), 86400 * second, "2024-02-29(5) 12:00:00"},
	} {
		r := newRTC(c.start)
		r.clock.run(c.after, r)
		require.Equal(t, c.want, r.shown())
	}
}

func TestRTCFormats(t *testing.T) {
	for _, c := range []struct {
		name  string
		b     uint8
		hours [4]uint8 // of 0, 9, 12 and 23 o'clock
	}{
		{"BCD, 24 hours", 0x02, [4]uint8{0x00, 0x09, 0x12, 0x23}},
		{"BCD, 12 hours", 0x00, [4]uint8{0x12, 0x09, 0x92, 0x91}},
		{"binary, 24 hours", 0x06, [4]uint8{0, 9, 12, 23}},
		{"binary, 12 hours", 0x04, [4]uint8{12, 9, 0x80 | 12, 0x80 | 11}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, hour := range []int{0, 9, 12, 23} {
				r := newRTC(time.Date(2026, 11, 23, hour, 45, 0, 0, time.UTC))
				r.put(0x0b, c.b)
				got := r.get(4)
				require.Equal(t, c.hours[i], got, "%d o'clock", hour)
				// Written back under SET, the same time goes on.
				r.put(0x0b, c.b|0x80)
				r.put(4, got)
				r.put(0x0b, c.b)
				r.put(0x0b, 0x02)
				require.Equal(t, fmt.Sprintf("2026-11-23(2) %02d:45:00", hour), r.shown())
			}
		})
	}
}

func TestRTCSetStopsTheUpdates(t *testing.T) {
	r := newRTC(time.Time{})
	r.put(0x0b, 0x82)
	r.clock.run(10*second, r)
	require.Equal(t, "2026-01-01(5) 00:00:00", r.shown())
	require.Zero(t, r.get(0x0a)&0x80, "no update in progress either")
	for _, w := range []struct{ index, value uint8 }{{0, 0x56}, {2, 0x34}, {4, 0x12}, {6, 0x03}, {7, 0x29}, {8, 0x02}, {9, 0x28}, {0x32, 0x20}} {
		r.put(w.index, w.value)
		require.Equal(t, w.value, r.get(w.index), "the bytes are plain memory meanwhile")
	}
	r.put(0x0b, 0x02)
	require.Equal(t, "2028-02-29(3) 12:34:56", r.shown())
	r.clock.run(11*second, r)
	require.Equal(t, "2028-02-29(3) 12:34:57", r.shown())
	r.clock.run(11*second+86400*second, r)
	require.Equal(t, "2028-03-01(4) 12:34:57", r.shown(), "the day of the week is counted from what was set")
}

func TestRTCWriteWithoutSetCountsAtOnce(t *testing.T) {
	r := newRTC(time.Time{})
	r.clock.run(5*second, r)
	r.put(2, 0x59)
	require.Equal(t, "2026-01-01(5) 00:59:05", r.shown())
	r.put(8, 0x13) // an impossible month is the next year's first
	require.Equal(t, "2027-01-01(5) 00:59:05", r.shown())
}

func TestRTCUpdateInProgress(t *testing.T) {
	r := newRTC(time.Time{})
	for _, c := range []struct {
		at   device.Time
		want bool
	}{{0, false}, {second - 245*microsecond, false}, {second - 244*microsecond, true}, {second - 1, true}, {second, false}} {
		r.clock.run(c.at, r)
		require.Equal(t, c.want, r.get(0x0a)&0x80 != 0, "at %d", c.at)
	}
}

func TestRTCDividerReset(t *testing.T) {
	r := newRTC(time.Time{})
	r.clock.run(10*second+300*millisecond, r)
	r.put(0x0a, 0x76)
	r.clock.run(20*second, r)
	require.Equal(t, uint8(0x10), r.get(0), "held")
	r.put(0x0a, 0x26)
	r.clock.run(20*second+499*millisecond, r)
	require.Equal(t, uint8(0x10), r.get(0))
	r.clock.run(20*second+500*millisecond, r)
	require.Equal(t, uint8(0x11), r.get(0), "the first update is half a second later")
}

func TestRTCFlagsAreSetWithoutBeingEnabled(t *testing.T) {
	r := newRTC(time.Time{})
	r.clock.run(second, r)
	require.Equal(t, device.Never, r.Next())
	require.Equal(t, uint8(0x50), r.get(0x0c), "PF and UF, no IRQF")
	require.Equal(t, uint8(0x00), r.get(0x0c), "cleared by the read")
	require.False(t, r.irq.level)
}

func TestRTCUpdateEndedInterrupt(t *testing.T) {
	r := newRTC(time.Time{})
	r.put(0x0b, 0x12)
	require.Equal(t, second, r.Next())
	r.clock.run(second, r)
	require.True(t, r.irq.level)
	require.Equal(t, device.Never, r.Next(), "nothing changes on the wire before C is read")
	require.Equal(t, uint8(0xd0), r.get(0x0c))
	require.False(t, r.irq.level)
	require.Equal(t, 2*second, r.Next())
	r.put(0x0b, 0x92)
	require.Equal(t, uint8(0x82), r.get(0x0b), "SET clears UIE")
}

func TestRTCPeriodicInterrupt(t *testing.T) {
	for _, c := range []struct{ rate, hz int }{{1, 256}, {2, 128}, {3, 8192}, {6, 1024}, {15, 2}} {
		r := newRTC(time.Time{})
		r.put(0x0a, 0x20|uint8(c.rate))
		r.put(0x0b, 0x42)
		n := 0
		for r.Next() <= second {
			r.clock.run(r.Next(), r)
			require.True(t, r.irq.level)
			require.Equal(t, uint8(0xc0), r.get(0x0c)&0xc0)
			n++
		}
		require.Equal(t, c.hz, n, "rate %d", c.rate)
	}
	r := newRTC(time.Time{})
	r.put(0x0a, 0x20)
	r.put(0x0b, 0x42)
	require.Equal(t, device.Never, r.Next(), "rate 0 is none")
}

func TestRTCAlarm(t *testing.T) {
	for _, c := range []struct {
		name                    string
		b, hour, minute, second uint8
		want                    device.Time // from 10:20:30
	}{
		{"a time of today", 0x22, 0x10, 0x20, 0x35, 5 * second},
		{"the same time is tomorrow's", 0x22, 0x10, 0x20, 0x30, 86400 * second},
		{"earlier is tomorrow's", 0x22, 0x09, 0x00, 0x00, (86400 - 4830) * second},
		{"every second", 0x22, 0xff, 0xff, 0xff, second},
		{"once a minute", 0x22, 0xc0, 0xc0, 0x00, 30 * second},
		{"once an hour", 0x22, 0xff, 0x15, 0x00, (55*60 - 30) * second},
		{"in 12-hour mode", 0x20, 0x81, 0x00, 0x00, (2*3600 + 40*60 - 30) * second},
		{"in binary", 0x26, 10, 20, 59, 29 * second},
		{"a minute that never is", 0x22, 0xff, 0x77, 0xff, device.Never},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRTC(time.Date(2026, 1, 1, 10, 20, 30, 0, time.UTC))
			r.put(0x0b, c.b)
			r.put(5, c.hour)
			r.put(3, c.minute)
			r.put(1, c.second)
			require.Equal(t, c.want, r.Next())
			if c.want == device.Never {
				return
			}
			r.clock.run(c.want-1, r)
			require.False(t, r.irq.level)
			r.clock.run(c.want, r)
			require.True(t, r.irq.level)
			require.Equal(t, uint8(0xa0), r.get(0x0c)&0xa0)
		})
	}
}

func TestRTCMemory(t *testing.T) {
	r := newRTC(time.Time{})
	for index := uint8(0x0e); index < 0x80; index++ {
		if index != 0x32 {
			r.put(index, index^0xa5)
		}
	}
	for index := uint8(0x0e); index < 0x80; index++ {
		if index != 0x32 {
			require.Equal(t, index^0xa5, r.get(index))
		}
	}
	r.put(0x0d, 0)
	require.Equal(t, uint8(0x80), r.get(0x0d), "valid RAM and time, read only")
	require.Equal(t, uint8(0xff), in8(r, 0x70), "the index cannot be read")
}

func TestRTCNMIMask(t *testing.T) {
	r := newRTC(time.Time{})
	require.Equal(t, uint8(0x26), r.get(0x8a), "bit 7 isn't part of the index")
	require.True(t, r.nmi.level)
	out8(r, 0x70, 0x0a)
	require.False(t, r.nmi.level)
}

func TestRTCSurvivesALongSleep(t *testing.T) {
	r := newRTC(time.Time{})
	r.put(0x0b, 0x72)
	r.clock.now = 100 * 365 * 86400 * second
	r.Advance(r.clock.now)
	require.Equal(t, uint8(0xf0), r.get(0x0c))
	require.Equal(t, "2125-12-08(7) 00:00:00", r.shown())
}
