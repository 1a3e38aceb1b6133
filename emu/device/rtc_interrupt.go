// SPDX-License-Identifier: GPL-2.0-or-later

package device

// Alarm bytes.
const (
	rtcAlarmSeconds, rtcAlarmMinutes, rtcAlarmHours = 0x01, 0x03, 0x05
	// alarmAny and above is "don't care".
	alarmAny = 0xc0
)

// periodLength is how many cycles of the crystal the rate RS3-RS0 takes: 2 to
// the power of RS-1, but 256 and 128 Hz for the rates 1 and 2; 0 is none.
func (r *RTC) periodLength() uint64 {
	rate := r.state.Memory[rtcA] & 0x0f
	switch {
	case rate == 0:
		return 0
	case rate <= 2:
		rate += 7
	}
	return 1 << (rate - 1)
}

// periodsAt is how many periods have ended since the divider started.
func (r *RTC) periodsAt(now Time) uint64 {
	length := r.periodLength()
	if length == 0 || !r.running() {
		return 0
	}
	return crystal.Ticks(since(now, r.state.Divider)) / length
}

func (r *RTC) advancePeriods(now Time) {
	if n := r.periodsAt(now); n > r.state.Periods {
		r.state.Periods = n
		r.state.Flags |= rtcPF
	}
}

func (r *RTC) nextPeriod() Time {
	length := r.periodLength()
	if length == 0 || !r.running() {
		return Never
	}
	return after(r.state.Divider, crystal.At((r.state.Periods+1)*length))
}

// alarmIn is how many updates from now the alarm next matches, at least 1 and
// at most a day.
func (r *RTC) alarmIn() (uint64, bool) {
	const day = 24 * 60 * 60
	start := int((r.second()%day+day)%day) + 1
	if !r.anyMatch(rtcAlarmMinutes) || !r.anyMatch(rtcAlarmSeconds) {
		return 0, false
	}
	for h := start / 3600; h <= 24+start/3600; h++ {
		if !r.matches(rtcAlarmHours, h%24) {
			continue
		}
		for m := 0; m < 60; m++ {
			at := h*3600 + m*60
			if at+59 < start || !r.matches(rtcAlarmMinutes, m) {
				continue
			}
			for s := max(0, start-at); s < 60; s++ {
				if r.matches(rtcAlarmSeconds, s) {
					return uint64(at+s-start) + 1, true
				}
			}
		}
	}
	return 0, false
}

// anyMatch says whether a minutes or seconds alarm can ever match.
func (r *RTC) anyMatch(index uint8) bool {
	for n := range 60 {
		if r.matches(index, n) {
			return true
		}
	}
	return false
}

// matches compares in the format of the moment, as the chip compares bytes.
func (r *RTC) matches(index uint8, n int) bool {
	alarm := r.state.Memory[index]
	if alarm >= alarmAny {
		return true
	}
	if index == rtcAlarmHours {
		return alarm == r.encodeHour(n)
	}
	return alarm == r.encode(n)
}
