// SPDX-License-Identifier: GPL-2.0-or-later

package device

import "fmt"

// Checker is a device that knows which of its states can be. It is asked after
// the state was set from a file, which may say anything, and before the machine
// goes on: a device that counts on what it keeps in its state, an index into a
// table, say, should be one. Times that lie long ahead or behind are refused
// for every [Timed].
type Checker interface {
	Device
	// Check says what is wrong with the state at this time, if something is.
	Check(now Time) error
}

var (
	_ Checker = (*UART)(nil)
	_ Checker = (*RTC)(nil)
	_ Checker = (*PIT)(nil)
	_ Checker = (*PIC)(nil)
	_ Checker = (*LAPIC)(nil)
)

// Check is for [Checker].
func (u *UART) Check(Time) error {
	s := &u.state
	switch {
	case s.Head >= uartFIFO || s.Count > uartFIFO:
		return fmt.Errorf("%d characters from %d in a FIFO of %d", s.Count, s.Head, uartFIFO)
	case s.Trigger != 1 && s.Trigger != 4 && s.Trigger != 8 && s.Trigger != 14:
		return fmt.Errorf("a trigger level of %d; there are 1, 4, 8 and 14", s.Trigger)
	}
	return nil
}

// Check is for [Checker].
func (r *RTC) Check(now Time) error {
	const years = 10000 * 366 * 24 * 60 * 60
	s := &r.state
	switch {
	case int(s.Index) >= len(s.Memory):
		return fmt.Errorf("byte %d of %d is selected", s.Index, len(s.Memory))
	case s.Base > now || s.Divider > now:
		return fmt.Errorf("it was set at %d ns and its divider at %d ns, and it is %d ns", s.Base, s.Divider, now)
	case s.Updates > uint64(now/secondLength)+1 || s.Periods > crystal.Ticks(now)+1:
		return fmt.Errorf("%d updates and %d periods in %d ns", s.Updates, s.Periods, now)
	case s.Second < -years || s.Second > years:
		return fmt.Errorf("its date is %d seconds from 1970", s.Second)
	case s.Weekday > 6:
		return fmt.Errorf("its day of the week is %d days off", s.Weekday)
	}
	return nil
}

// Check is for [Checker].
func (p *PIT) Check(now Time) error {
	tick := PITFrequency.Ticks(now)
	for i := range p.state.Channel {
		c := &p.state.Channel[i]
		switch last := max(c.Base, c.LoadAt, c.Strobe); {
		case c.Start > 0x10000 || c.Held > 0x10000:
			return fmt.Errorf("channel %d counts from %d and is held at %d; 65,536 is the most", i, c.Start, c.Held)
		case last > tick+0x10000:
			return fmt.Errorf("channel %d was set at tick %d, and it is tick %d", i, last, tick)
		case c.Counting && c.Start == 0:
			return fmt.Errorf("channel %d counts from 0", i)
		case c.LatchedBytes > 2:
			return fmt.Errorf("channel %d has %d bytes latched, of 2", i, c.LatchedBytes)
		}
	}
	return nil
}

// Check is for [Checker].
func (p *PIC) Check(Time) error {
	for i := range p.state.Chip {
		c := &p.state.Chip[i]
		if c.Lowest > 7 || c.Expect == 1 || c.Expect > 4 {
			return fmt.Errorf("chip %d has its lowest priority at input %d, of 7, and expects ICW%d, of 2 to 4", i, c.Lowest, c.Expect)
		}
	}
	return nil
}

// Check is for [Checker].
func (l *LAPIC) Check(now Time) error {
	s := &l.state
	for entry, lvt := range s.LVT {
		if extra := lvt &^ (lvtWritable[entry] | lvtRemoteIRR | lvtMasked); extra != 0 {
			return fmt.Errorf("entry %d of its LVT is %#x: bits %#x are reserved", entry, lvt, extra)
		}
	}
	switch {
	case s.Base&apicBaseReserved&^apicBaseBSP != 0:
		return fmt.Errorf("IA32_APIC_BASE is %#x: bits %#x are reserved", s.Base, uint64(apicBaseReserved))
	case s.Divide&^0b1011 != 0:
		return fmt.Errorf("the divide configuration is %#x", s.Divide)
	case s.Timer.Base > l.bus.Ticks(now):
		return fmt.Errorf("its timer was set at tick %d, and it is tick %d", s.Timer.Base, l.bus.Ticks(now))
	}
	return nil
}
