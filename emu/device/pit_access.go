// SPDX-License-Identifier: GPL-2.0-or-later

package device

// RW1-RW0 of the control word.
const (
	pitLow  = 1
	pitHigh = 2
	pitBoth = 3
)

func (c *PITChannel) access() uint8 { return c.Control >> 4 & 3 }

// program is a control word: the counter starts from scratch, and OUT goes to
// the level that its mode begins with.
func (c *PITChannel) program(control uint8, line Line) {
	*c = PITChannel{
		Control: control, Gate: c.Gate, Out: c.Out,
		Count: c.Count, Held: c.value(c.Base), Programmed: true, Null: true,
	}
	c.setOut(c.mode() != 0, line)
}

// write is one byte of a count, in the order that RW tells.
func (c *PITChannel) write(tick uint64, b uint8, line Line) {
	switch {
	case !c.Programmed:
	case c.access() == pitLow:
		c.setCount(tick, uint16(b), line)
	case c.access() == pitHigh:
		c.setCount(tick, uint16(b)<<8, line)
	case !c.SecondWrite:
		c.Low, c.SecondWrite = b, true
		// In mode 0, and there only, the first byte stops the counter and
		// brings OUT down.
		if c.mode() == 0 {
			c.Held = c.value(tick)
			c.Counting, c.Load = false, false
			c.setOut(false, line)
		}
	default:
		c.SecondWrite = false
		c.setCount(tick, uint16(b)<<8|uint16(c.Low), line)
	}
}

// setCount is a complete count in CR. It is loaded on the next pulse in modes
// 0 and 4, at the end of the cycle in 2 and 3 once these run, and by the next
// trigger in 1 and 5.
func (c *PITChannel) setCount(tick uint64, count uint16, line Line) {
	c.Count, c.Written, c.Null = count, true, true
	switch {
	case c.triggered():
		return
	case c.periodic() && c.Loaded:
		return
	case c.mode() == 0:
		c.setOut(false, line)
		c.Done = false
	}
	c.Load, c.LoadAt = true, tick+1
}

// latchCount is the counter latch command; a latched count stays until it has
// been read, whatever is latched meanwhile.
func (c *PITChannel) latchCount(tick uint64) {
	if c.LatchedBytes != 0 || !c.Programmed {
		return
	}
	c.Latch = c.encode(c.value(tick))
	c.LatchedBytes = 1
	if c.access() == pitBoth {
		c.LatchedBytes = 2
	}
}

// latchStatus holds OUT, NULL COUNT and the control word ("Status Byte").
func (c *PITChannel) latchStatus() {
	if c.StatusLatched {
		return
	}
	c.StatusLatched = true
	c.Status = c.Control
	if c.Out {
		c.Status |= 1 << 7
	}
	if c.Null {
		c.Status |= 1 << 6
	}
}

// read gives status first when both are latched, then the latched count, else
// the counter as it runs.
func (c *PITChannel) read(tick uint64) uint8 {
	if c.StatusLatched {
		c.StatusLatched = false
		return c.Status
	}
	value := c.Latch
	if c.LatchedBytes == 0 {
		value = c.encode(c.value(tick))
	} else {
		c.LatchedBytes--
	}
	if c.access() == pitBoth {
		c.SecondRead = !c.SecondRead
		if c.SecondRead {
			return uint8(value)
		}
		return uint8(value >> 8)
	}
	if c.access() == pitHigh {
		return uint8(value >> 8)
	}
	return uint8(value)
}

func (c *PITChannel) encode(n uint32) uint16 {
	if c.Control&1 == 0 {
		return uint16(n)
	}
	return uint16(n/1000%10<<12 | n/100%10<<8 | n/10%10<<4 | n%10)
}

func fromBCD16(b uint16) uint32 {
	return uint32(b>>12)*1000 + uint32(b>>8&15)*100 + uint32(b>>4&15)*10 + uint32(b&15)
}
