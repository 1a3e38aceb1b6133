// SPDX-License-Identifier: GPL-2.0-or-later

package device

import "math/bits"

// LAPICTimer is the state of the timer ("APIC Timer"). The count isn't
// stepped: it was Start when the bus clock was at Base.
type LAPICTimer struct {
	Initial   uint32
	Start     uint32
	Running   bool
	Base      uint64 // in bus ticks
	Target    uint64 // IA32_TSC_DEADLINE, 0 when disarmed
	Deadline  Time   // when the target is reached
	TSCOffset uint64 // what WRMSR to the time stamp counter added
}

// Timer modes, bits 18-17 of its LVT entry; 3 is reserved and does nothing.
const (
	timerOneShot  = 0
	timerPeriodic = 1
	timerDeadline = 2
)

func timerMode(lvt uint32) uint32 { return lvt >> 17 & 3 }

func (l *LAPIC) timerMode() uint32 { return timerMode(l.state.LVT[LVTTimer]) }

// divider is the divide configuration register: bits 3, 1 and 0 count from 2
// to 128, and 111 is 1.
func (l *LAPIC) divider() uint64 {
	d := l.state.Divide
	return 1 << (((d>>1&4 | d&3) + 1) & 7)
}

// elapsed is how many counts have gone by since Base.
func (l *LAPIC) elapsed(now Time) uint64 {
	ticks := l.bus.Ticks(now)
	if ticks < l.state.Timer.Base {
		return 0
	}
	return (ticks - l.state.Timer.Base) / l.divider()
}

func (l *LAPIC) nextTimer() Time {
	t := &l.state.Timer
	if l.timerMode() == timerDeadline {
		return t.Deadline
	}
	// Masked, it has nobody to tell, and is brought up to date when read.
	if !t.Running || l.state.LVT[LVTTimer]&lvtMasked != 0 {
		return Never
	}
	return l.bus.At(t.Base + uint64(t.Start)*l.divider())
}

func (l *LAPIC) advanceTimer(now Time) {
	t := &l.state.Timer
	if t.Deadline <= now {
		// It disarms itself and clears IA32_TSC_DEADLINE ("TSC-Deadline Mode").
		t.Target, t.Deadline = 0, Never
		l.Raise(LVTTimer)
	}
	if !t.Running {
		return
	}
	elapsed := l.elapsed(now)
	if elapsed < uint64(t.Start) {
		return
	}
	if l.timerMode() != timerPeriodic || t.Initial == 0 {
		t.Running = false
		l.Raise(LVTTimer)
		return
	}
	// In periodic mode the count is reloaded from the initial count; what
	// was missed altogether is one interrupt, as IRR has one bit.
	over := elapsed - uint64(t.Start)
	whole := over - over%uint64(t.Initial)
	t.Base += (uint64(t.Start) + whole) * l.divider()
	t.Start = t.Initial
	l.Raise(LVTTimer)
}

func (l *LAPIC) currentCount() uint32 {
	t := &l.state.Timer
	if !t.Running || l.timerMode() >= timerDeadline {
		return 0
	}
	return t.Start - uint32(min(l.elapsed(l.clock.Now()), uint64(t.Start)))
}

// writeInitialCount starts the timer; 0 stops it. In TSC-deadline mode the
// write is ignored.
func (l *LAPIC) writeInitialCount(value uint32) {
	if l.timerMode() >= timerDeadline {
		return
	}
	t := &l.state.Timer
	t.Initial, t.Start, t.Running = value, value, value != 0
	t.Base = l.bus.Ticks(l.clock.Now())
}

// writeDivide goes on from the present count at the new rate.
func (l *LAPIC) writeDivide(value uint32) {
	t := &l.state.Timer
	if t.Running {
		t.Start = l.currentCount()
		t.Base = l.bus.Ticks(l.clock.Now())
	}
	l.state.Divide = value & 0b1011
}

// timerModeChanged: going into or out of TSC-deadline mode disarms the timer.
// One-shot and periodic share the count.
func (l *LAPIC) timerModeChanged(old, next uint32) {
	was, is := timerMode(old), timerMode(next)
	if was == is || was < timerDeadline && is < timerDeadline {
		return
	}
	t := &l.state.Timer
	*t = LAPICTimer{TSCOffset: t.TSCOffset, Deadline: Never}
}

// TSC is the time stamp counter at a time.
func (l *LAPIC) TSC(now Time) uint64 { return l.tsc.Ticks(now) + l.state.Timer.TSCOffset }

// SetTSCOffset follows WRMSR to IA32_TIME_STAMP_COUNTER or IA32_TSC_ADJUST:
// what the CPU's counter is ahead of one that started at time 0.
func (l *LAPIC) SetTSCOffset(offset uint64) {
	l.state.Timer.TSCOffset = offset
	l.SetTSCDeadline(l.state.Timer.Target)
}

// TSCDeadline is RDMSR of IA32_TSC_DEADLINE.
func (l *LAPIC) TSCDeadline() uint64 {
	l.Advance(l.clock.Now())
	return l.state.Timer.Target
}

// SetTSCDeadline is WRMSR of IA32_TSC_DEADLINE: 0 disarms, a count already
// reached fires at once, and in another mode the write is ignored.
func (l *LAPIC) SetTSCDeadline(target uint64) {
	if l.timerMode() != timerDeadline || !l.Enabled() {
		return
	}
	t := &l.state.Timer
	t.Target, t.Deadline = target, Never
	if target == 0 {
		return
	}
	now := l.clock.Now()
	tsc := l.TSC(now)
	if target <= tsc {
		t.Deadline = now
		l.Advance(now)
		return
	}
	ticks, carry := bits.Add64(l.tsc.Ticks(now), target-tsc, 0)
	if carry == 0 {
		t.Deadline = l.tsc.At(ticks)
	}
}
