// SPDX-License-Identifier: GPL-2.0-or-later

package device

// PITChannel is one counter of the 8254: the control word, the count register
// CR, and the counting element CE, which isn't stepped but computed: at tick
// Base it held Start.
type PITChannel struct {
	Base   uint64
	LoadAt uint64 // the tick at which CE is loaded, while Load is set
	Strobe uint64 // the tick at which a strobe ends, while Strobing is set
	Start  uint32
	Held   uint32 // CE while it doesn't count
	Count  uint16 // CR
	Latch  uint16
	// Control is the low six bits of the control word: RW, M, BCD.
	Control       uint8
	Low           uint8 // the first byte of two, until the second is there
	Status        uint8
	LatchedBytes  uint8 // of Latch still to be read
	SecondWrite   bool
	SecondRead    bool
	StatusLatched bool
	Programmed    bool
	Written       bool // a count has come since the control word
	Null          bool // CR has not reached CE
	Load          bool
	Loaded        bool // CE has been loaded since the control word
	Counting      bool
	Done          bool // the terminal count of modes 0, 1, 4 and 5 is past
	Strobing      bool
	Gate          bool
	Out           bool
}

// mode is M2-M0, where X10 is mode 2 and X11 mode 3.
func (c *PITChannel) mode() uint8 {
	m := c.Control >> 1 & 7
	if m > 5 {
		m -= 4
	}
	return m
}

func (c *PITChannel) periodic() bool  { return c.mode() == 2 || c.mode() == 3 }
func (c *PITChannel) triggered() bool { return c.mode() == 1 || c.mode() == 5 }

// modulus is one more than the largest count.
func (c *PITChannel) modulus() uint32 {
	if c.Control&1 != 0 {
		return 10000
	}
	return 0x10000
}

// period is CR as a number of ticks: 0 is the largest count. A count of 1 is
// illegal in modes 2 and 3 and taken for 2.
func (c *PITChannel) period() uint32 {
	n := uint32(c.Count)
	if c.Control&1 != 0 {
		n = fromBCD16(c.Count) % 10000
	}
	if n == 0 {
		return c.modulus()
	}
	if n == 1 && c.periodic() {
		return 2
	}
	return n
}

// half is the tick at which mode 3's present half cycle ends: (N+1)/2 ticks
// high, (N-1)/2 low for an odd N.
func (c *PITChannel) half() uint64 {
	if c.Out {
		return c.Base + uint64(c.Start+1)/2
	}
	return c.Base + uint64(c.Start)/2
}

// value is CE at a tick.
func (c *PITChannel) value(tick uint64) uint32 {
	if !c.Counting {
		return c.Held
	}
	elapsed := uint64(0)
	if tick > c.Base {
		elapsed = tick - c.Base
	}
	if c.mode() == 3 {
		return (c.Start&^1 - uint32(elapsed)*2) % c.modulus()
	}
	m := uint64(c.modulus())
	return uint32((uint64(c.Start) + m - elapsed%m) % m)
}

func (c *PITChannel) setOut(level bool, line Line) {
	c.Out = level
	line.set(level)
}

// nextEvent is the next tick at which the counter does something.
func (c *PITChannel) nextEvent() (uint64, bool) {
	at, ok := c.nextCount()
	if c.Strobing && (!ok || c.Strobe < at) {
		at, ok = c.Strobe, true
	}
	if c.Load && (!ok || c.LoadAt <= at) {
		at, ok = c.LoadAt, true
	}
	return at, ok
}

// nextCount is the next tick at which CE reaches what its mode waits for.
func (c *PITChannel) nextCount() (uint64, bool) {
	if !c.Counting {
		return 0, false
	}
	switch c.mode() {
	case 2:
		if c.Out {
			return c.Base + uint64(c.Start) - 1, true
		}
		return c.Base + uint64(c.Start), true
	case 3:
		return c.half(), true
	}
	return c.Base + uint64(c.Start), !c.Done
}

// nextEdge is the next tick that matters to an interrupt controller: any edge
// in mode 3, the rising ones in the others, whose low time is a single tick.
func (c *PITChannel) nextEdge() (uint64, bool) {
	if c.Strobing && !c.Load {
		return c.Strobe, true
	}
	base, start, counting := c.Base, c.Start, c.Counting && !c.Done
	if c.Load {
		base, start, counting = c.LoadAt, c.period(), c.Gate || c.triggered()
	}
	if !counting {
		return 0, false
	}
	switch c.mode() {
	case 1:
		if c.Load && c.Out {
			return c.LoadAt, true
		}
	case 3:
		if c.Load {
			return base + uint64(start+1)/2, true
		}
		return c.half(), true
	case 4, 5:
		return base + uint64(start) + 1, true
	}
	return base + uint64(start), true
}

// advance does all that is due up to and including tick.
func (c *PITChannel) advance(tick uint64, line Line) {
	for {
		at, ok := c.nextEvent()
		if !ok || at > tick {
			return
		}
		switch {
		case c.Load && c.LoadAt == at:
			c.load(line)
		case c.Strobing && c.Strobe == at:
			c.Strobing = false
			c.setOut(true, line)
		default:
			c.expire(at, line)
			c.skip(tick)
		}
	}
}

// skip leaves out all but the last of many whole periods: a request that
// nobody took in between is still one request.
func (c *PITChannel) skip(tick uint64) {
	n := uint64(c.Start)
	if !c.periodic() || !c.Out || tick < c.Base+2*n {
		return
	}
	c.Base += ((tick-c.Base)/n - 1) * n
}

// load moves CR to CE, on the clock pulse after the write or the trigger.
func (c *PITChannel) load(line Line) {
	c.Load, c.Loaded, c.Null, c.Done = false, true, false, false
	c.Base, c.Start = c.LoadAt, c.period()
	c.Held = c.Start % c.modulus()
	c.Counting = c.Gate || c.triggered()
	switch c.mode() {
	case 1:
		c.setOut(false, line)
	case 2, 3:
		c.setOut(true, line)
	}
}

// expire is the end of a count ("Mode Definitions").
func (c *PITChannel) expire(at uint64, line Line) {
	switch c.mode() {
	case 0, 1: // OUT goes high and stays; the counter wraps around and goes on
		c.Done = true
		c.setOut(true, line)
	case 2: // low for one pulse when the count is 1, then all over again
		if c.Out {
			c.setOut(false, line)
			return
		}
		c.reload(at)
		c.setOut(true, line)
	case 3:
		c.reload(at)
		c.setOut(!c.Out, line)
	case 4, 5: // a strobe of one pulse
		c.Done, c.Strobing, c.Strobe = true, true, at+1
		c.setOut(false, line)
	}
}

func (c *PITChannel) reload(at uint64) {
	c.Base, c.Start, c.Null = at, c.period(), false
}

// setGate is the gate input ("Gate Pin Operations Summary").
func (c *PITChannel) setGate(tick uint64, level bool) {
	if c.Gate == level {
		return
	}
	c.Gate = level
	switch {
	case c.triggered():
		if level && c.Written {
			c.Load, c.LoadAt = true, tick+1
		}
	case !level:
		c.Held = c.value(tick)
		c.Counting = false
		if c.periodic() {
			c.Out = true
		}
	case c.periodic():
		if c.Written {
			c.Load, c.LoadAt = true, tick+1
		}
	case c.Loaded:
		c.Base, c.Start, c.Counting = tick, c.Held, true
		if c.Start == 0 {
			c.Start = c.modulus()
		}
	}
}
