// SPDX-License-Identifier: GPL-2.0-or-later

package device

import "time"

// RTC is the MC146818 clock and its memory, at ports 0x70 and 0x71, named as
// in Motorola's data sheet. It starts at a given date and runs on virtual
// time: the host's date never shows.
type RTC struct {
	state   RTCState
	clock   Clock
	irq     Line
	nmiMask Line
}

// RTCConfig says what an [RTC] is wired to and what it shows at time 0.
type RTCConfig struct {
	Clock   Clock
	IRQ     Line
	NMIMask Line      // bit 7 of port 0x70; may be nil
	Start   time.Time // the zero Time is 2026-01-01 00:00:00 UTC
}

// RTCState is all of an [RTC] that changes.
type RTCState struct {
	Memory   [128]uint8 // the time bytes in it count only while the clock is held
	Index    uint8
	NMIMask  bool
	Second   int64 // seconds since 1970, at Base
	Base     Time
	Weekday  uint8 // how many days the day of the week was set off
	Held     bool  // SET, or the divider is in reset: time stands still
	Divider  Time  // when the divider chain started
	Updates  uint64
	Periods  uint64 // periodic ticks accounted for since Divider
	Flags    uint8  // register C without IRQF
	Asserted bool
}

// Register numbers and bits.
const (
	rtcSeconds, rtcMinutes, rtcHours   = 0x00, 0x02, 0x04
	rtcWeekday, rtcDay                 = 0x06, 0x07
	rtcMonth, rtcYear                  = 0x08, 0x09
	rtcA, rtcB, rtcC, rtcD, rtcCentury = 0x0a, 0x0b, 0x0c, 0x0d, 0x32

	rtcUIP  = 1 << 7 // A
	rtcSET  = 1 << 7 // B
	rtcPIE  = 1 << 6
	rtcAIE  = 1 << 5
	rtcUIE  = 1 << 4
	rtcDM   = 1 << 2
	rtc24   = 1 << 1
	rtcIRQF = 1 << 7 // C
	rtcPF   = 1 << 6
	rtcAF   = 1 << 5
	rtcUF   = 1 << 4
	rtcVRT  = 1 << 7 // D

	// crystal is the watch crystal that every PC has at the divider.
	crystal Frequency = 32768
	// updateWarning is t_BUC: UIP is set this long before the update. The
	// update itself takes no time here, where the data sheet has 1,984 µs.
	updateWarning Time = 244_000
	// firstUpdate follows the release of the divider from reset by half a
	// second.
	firstUpdate Time = 500_000_000
)

// NewRTC has a clock that runs, as firmware leaves it: BCD, 24 hours, 32.768
// kHz, a periodic rate of 1,024 Hz with no interrupt enabled.
func NewRTC(cfg RTCConfig) *RTC {
	r := &RTC{clock: cfg.Clock, irq: cfg.IRQ, nmiMask: cfg.NMIMask}
	start := cfg.Start
	if start.IsZero() {
		start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	r.state.Second = start.Unix()
	r.state.Memory[rtcA] = 0x26
	r.state.Memory[rtcB] = rtc24
	r.state.Memory[rtcD] = rtcVRT
	return r
}

func (r *RTC) Name() string      { return "rtc" }
func (r *RTC) State() any        { return &r.state }
func (r *RTC) Regions() []Region { return []Region{{Ports, 0x70, 2}} }

// Next is the next event whose interrupt is enabled. While one is pending the
// wire doesn't move before register C is read.
func (r *RTC) Next() Time {
	s := &r.state
	if s.Asserted {
		return Never
	}
	enabled := s.Memory[rtcB]
	next := Never
	if enabled&rtcPIE != 0 {
		next = min(next, r.nextPeriod())
	}
	if !s.Held && enabled&rtcUIE != 0 {
		next = min(next, r.updateTime(s.Updates+1))
	}
	if !s.Held && enabled&rtcAIE != 0 {
		if n, ok := r.alarmIn(); ok {
			next = min(next, r.updateTime(s.Updates+n))
		}
	}
	return next
}

func (r *RTC) Advance(now Time) {
	r.advancePeriods(now)
	r.advanceUpdates(now)
	r.update()
}

// update drives IRQ8: IRQF is the OR of each flag with its enable bit.
func (r *RTC) update() {
	s := &r.state
	s.Asserted = s.Flags&s.Memory[rtcB]&(rtcPF|rtcAF|rtcUF) != 0
	r.irq.set(s.Asserted)
}

func (r *RTC) Read(a Access) uint64 {
	r.Advance(r.clock.Now())
	return readBytes(a, func(port uint64) uint8 {
		if port != 0x71 {
			return 0xff // the index cannot be read back
		}
		return r.read(r.state.Index)
	})
}

func (r *RTC) read(index uint8) uint8 {
	s := &r.state
	switch index {
	case rtcA:
		value := s.Memory[rtcA]
		if r.updateInProgress() {
			value |= rtcUIP
		}
		return value
	case rtcC:
		value := s.Flags
		if s.Asserted {
			value |= rtcIRQF
		}
		s.Flags = 0
		r.update()
		return value
	}
	if isTimeRegister(index) && s.Memory[rtcB]&rtcSET == 0 {
		return r.timeRegister(index)
	}
	return s.Memory[index]
}

func (r *RTC) Write(a Access, value uint64) {
	r.Advance(r.clock.Now())
	writeBytes(a, value, func(port uint64, b uint8) {
		switch port {
		case 0x70:
			r.state.Index = b & 0x7f
			r.state.NMIMask = b&0x80 != 0
			r.nmiMask.set(r.state.NMIMask)
		case 0x71:
			r.write(r.state.Index, b)
		}
	})
	r.update()
}

func (r *RTC) write(index, b uint8) {
	s := &r.state
	switch {
	case index == rtcA:
		r.writeA(b & 0x7f)
	case index == rtcB:
		r.writeB(b)
	case index == rtcC || index == rtcD:
		// read only
	case isTimeRegister(index):
		r.setTimeRegister(index, b)
	default:
		s.Memory[index] = b
	}
}
