// SPDX-License-Identifier: GPL-2.0-or-later

package device

import "time"

const secondLength Time = nanosecondsPerSecond

var timeRegisters = [...]uint8{
	rtcSeconds, rtcMinutes, rtcHours, rtcWeekday, rtcDay, rtcMonth, rtcYear, rtcCentury,
}

func isTimeRegister(index uint8) bool {
	for _, t := range timeRegisters {
		if t == index {
			return true
		}
	}
	return false
}

// updateTime is when the n-th update since Base happens.
func (r *RTC) updateTime(n uint64) Time {
	if n > uint64(Never/secondLength) {
		return Never
	}
	return after(r.state.Base, Time(n)*secondLength)
}

func (r *RTC) updateInProgress() bool {
	if r.state.Held {
		return false
	}
	next := r.updateTime(r.state.Updates + 1)
	return since(next, r.clock.Now()) <= updateWarning
}

// advanceUpdates does the updates that are due: UF each second, AF where the
// alarm matches.
func (r *RTC) advanceUpdates(now Time) {
	s := &r.state
	if s.Held {
		return
	}
	due := uint64(since(now, s.Base) / secondLength)
	if due <= s.Updates {
		return
	}
	if n, ok := r.alarmIn(); ok && s.Updates+n <= due {
		s.Flags |= rtcAF
	}
	s.Flags |= rtcUF
	s.Updates = due
}

func (r *RTC) second() int64 { return r.state.Second + int64(r.state.Updates) }

// running says whether the divider turns: only the 32.768 kHz selection does
// with this crystal, 11x is the reset.
func (r *RTC) running() bool { return r.state.Memory[rtcA]>>4&7 == 2 }

func (r *RTC) writeA(b uint8) {
	s := &r.state
	was := r.running()
	now := r.clock.Now()
	rate := s.Memory[rtcA] & 0x0f
	s.Memory[rtcA] = b
	if b&0x0f != rate {
		s.Periods = r.periodsAt(now)
	}
	if !was && r.running() {
		s.Divider, s.Periods = now, 0
		// The update half a second later is one second after this base,
		// which therefore lies half a second back. In the machine's first
		// half second there is no such time, and the update comes later.
		s.Base = now
		if now >= firstUpdate {
			s.Base = now - firstUpdate
		}
	}
	r.hold()
}

// writeB changes modes. While SET is on, the time bytes are plain memory.
func (r *RTC) writeB(b uint8) {
	s := &r.state
	was := s.Memory[rtcB]
	if b&rtcSET != 0 {
		b &^= rtcUIE // SET clears UIE
	}
	switch {
	case was&rtcSET == 0 && b&rtcSET != 0:
		for _, index := range timeRegisters {
			s.Memory[index] = r.timeRegister(index)
		}
		s.Memory[rtcB] = b
	case was&rtcSET != 0 && b&rtcSET == 0:
		s.Memory[rtcB] = b
		r.acceptTime()
	default:
		s.Memory[rtcB] = b
	}
	r.hold()
}

// hold stops or restarts the calendar as SET and the divider say. It keeps the
// phase of the seconds.
func (r *RTC) hold() {
	s := &r.state
	held := s.Memory[rtcB]&rtcSET != 0 || !r.running()
	if held == s.Held {
		return
	}
	now := r.clock.Now()
	if held {
		s.Second, s.Updates = r.second(), 0
	} else {
		s.Base += since(now, s.Base) / secondLength * secondLength
	}
	s.Held = held
}

// timeRegister is one byte of the time in the format that register B tells.
func (r *RTC) timeRegister(index uint8) uint8 {
	t := time.Unix(r.second(), 0).UTC()
	switch index {
	case rtcSeconds:
		return r.encode(t.Second())
	case rtcMinutes:
		return r.encode(t.Minute())
	case rtcHours:
		return r.encodeHour(t.Hour())
	case rtcWeekday:
		return r.encode((int(t.Weekday())+int(r.state.Weekday))%7 + 1)
	case rtcDay:
		return r.encode(t.Day())
	case rtcMonth:
		return r.encode(int(t.Month()))
	case rtcYear:
		return r.encode((t.Year()%100 + 100) % 100)
	case rtcCentury:
		return r.encode((t.Year()/100%100 + 100) % 100)
	}
	return 0xff
}

// setTimeRegister is a write to a byte of the time. While the clock runs it
// counts at once, and an impossible date turns into a possible one.
func (r *RTC) setTimeRegister(index, b uint8) {
	s := &r.state
	if s.Memory[rtcB]&rtcSET != 0 {
		s.Memory[index] = b
		return
	}
	for _, i := range timeRegisters {
		s.Memory[i] = r.timeRegister(i)
	}
	s.Memory[index] = b
	r.acceptTime()
}

// acceptTime makes the bytes in memory the time that the clock shows.
func (r *RTC) acceptTime() {
	s := &r.state
	m := &s.Memory
	year := r.decode(m[rtcCentury])*100 + r.decode(m[rtcYear])
	t := time.Date(year, time.Month(r.decode(m[rtcMonth])), r.decode(m[rtcDay]),
		r.decodeHour(m[rtcHours]), r.decode(m[rtcMinutes]), r.decode(m[rtcSeconds]), 0, time.UTC)
	s.Second = t.Unix() - int64(s.Updates)
	s.Weekday = uint8((r.decode(m[rtcWeekday]) - 1 - int(t.Weekday()) + 14) % 7)
}

func (r *RTC) encode(n int) uint8 {
	if r.state.Memory[rtcB]&rtcDM != 0 {
		return uint8(n)
	}
	return uint8(n/10%10<<4 | n%10)
}

func (r *RTC) decode(b uint8) int {
	if r.state.Memory[rtcB]&rtcDM != 0 {
		return int(b)
	}
	return int(b>>4)*10 + int(b&15)
}

// encodeHour has 12-hour mode count 12, 1, ... 11 with bit 7 for PM.
func (r *RTC) encodeHour(hour int) uint8 {
	if r.state.Memory[rtcB]&rtc24 != 0 {
		return r.encode(hour)
	}
	b := r.encode((hour+11)%12 + 1)
	if hour >= 12 {
		b |= 0x80
	}
	return b
}

func (r *RTC) decodeHour(b uint8) int {
	if r.state.Memory[rtcB]&rtc24 != 0 {
		return r.decode(b)
	}
	hour := r.decode(b&0x7f) % 12
	if b&0x80 != 0 {
		hour += 12
	}
	return hour
}
