// SPDX-License-Identifier: GPL-2.0-or-later

package device

import "math/bits"

// PICChip is one 8259A, in the data sheet's names.
type PICChip struct {
	IRR, ISR, IMR uint8
	Input         uint8 // levels of IR0-IR7
	ELCR          uint8 // inputs that are level triggered
	Vector        uint8 // T7-T3 of ICW2
	ICW3          uint8
	Lowest        uint8 // the input that has the lowest priority
	Expect        uint8 // which ICW comes next; 0 when none is due
	WantICW4      bool
	Single        bool
	LTIM          bool // ICW1: every input is level triggered
	AutoEOI       bool
	RotateAuto    bool // rotate in automatic EOI mode
	FullyNested   bool // ICW4: special fully nested mode
	SpecialMask   bool
	ReadISR       bool
	Poll          bool
	Ready         bool // initialised since power-on
}

// Bits of the command words (8259A, figures 7 and 8).
const (
	icw1       = 1 << 4
	icw1IC4    = 1 << 0
	icw1Single = 1 << 1
	icw1LTIM   = 1 << 3
	icw4AEOI   = 1 << 1
	icw4SFNM   = 1 << 4
	ocw3       = 1 << 3
	ocw3RIS    = 1 << 0
	ocw3RR     = 1 << 1
	ocw3Poll   = 1 << 2
	ocw3SMM    = 1 << 5
	ocw3ESMM   = 1 << 6
)

func (c *PICChip) level() uint8 {
	if c.LTIM {
		return 0xff
	}
	return c.ELCR
}

// setInput drives one input. An edge is a request for as long as the line
// stays high, until the first INTA.
func (c *PICChip) setInput(input uint8, level bool) {
	bit := uint8(1) << input
	was := c.Input&bit != 0
	if !level {
		c.Input &^= bit
		c.IRR &^= bit
		return
	}
	c.Input |= bit
	if !was || c.level()&bit != 0 {
		c.IRR |= bit
	}
}

func (c *PICChip) sampleLevels() { c.IRR |= c.Input & c.level() }

// order turns a set of inputs so that the one of highest priority is bit 0.
func (c *PICChip) order(set uint8) uint8 {
	return bits.RotateLeft8(set, -int(c.Lowest+1)&7)
}

// first is the input of highest priority in a set, and its rank from 0.
func (c *PICChip) first(set uint8) (input, rank uint8) {
	rank = uint8(bits.TrailingZeros8(c.order(set)))
	return (c.Lowest + 1 + rank) & 7, rank
}

// request is the input that INT is high for, if it is.
func (c *PICChip) request() (uint8, bool) {
	wanted := c.IRR &^ c.IMR
	if wanted == 0 || !c.Ready || c.Expect != 0 {
		return 0, false
	}
	blocking := c.ISR
	if c.SpecialMask {
		blocking &^= c.IMR
	}
	// In special fully nested mode a slave in service may ask again, for
	// one of its inputs that ranks higher.
	if c.FullyNested {
		blocking &^= c.ICW3
	}
	input, rank := c.first(wanted)
	if blocking == 0 {
		return input, true
	}
	_, served := c.first(blocking)
	return input, rank < served
}

func (c *PICChip) hasRequest() bool {
	_, ok := c.request()
	return ok
}

// service is what the first INTA does to the chip, and with automatic EOI
// what the last one does.
func (c *PICChip) service(input uint8) {
	bit := uint8(1) << input
	if c.level()&bit == 0 {
		c.IRR &^= bit
	}
	if !c.AutoEOI {
		c.ISR |= bit
		return
	}
	if c.RotateAuto {
		c.Lowest = input
	}
}

func (c *PICChip) read(a0 uint64) uint8 {
	if a0 == 1 {
		return c.IMR
	}
	if c.ReadISR {
		return c.ISR
	}
	return c.IRR
}

// command is a write with A0 = 0: ICW1, OCW2 or OCW3.
func (c *PICChip) command(b uint8) {
	switch {
	case b&icw1 != 0:
		c.initialise(b)
	case b&ocw3 != 0:
		c.operate3(b)
	default:
		c.operate2(b)
	}
}

// initialise is ICW1: the edge sense circuit is reset, IMR is cleared, IR7
// gets priority 7, special mask mode is cleared, status read is set to IRR,
// and without IC4 all functions selected in ICW4 are set to zero.
func (c *PICChip) initialise(b uint8) {
	*c = PICChip{
		Input: c.Input, ELCR: c.ELCR, Vector: c.Vector, ICW3: c.ICW3,
		Lowest: 7, Expect: 2, Ready: true,
		WantICW4: b&icw1IC4 != 0, Single: b&icw1Single != 0, LTIM: b&icw1LTIM != 0,
	}
	c.sampleLevels()
}

// data is a write with A0 = 1: the ICW that is due, else OCW1.
func (c *PICChip) data(b uint8) {
	switch c.Expect {
	case 2:
		c.Vector = b & 0xf8
		c.Expect = 3
		if c.Single {
			c.expectICW4()
		}
	case 3:
		c.ICW3 = b
		c.expectICW4()
	case 4:
		c.AutoEOI = b&icw4AEOI != 0
		c.FullyNested = b&icw4SFNM != 0
		c.Expect = 0
	default:
		c.IMR = b
	}
}

func (c *PICChip) expectICW4() {
	c.Expect = 0
	if c.WantICW4 {
		c.Expect = 4
	}
}

// operate2 is OCW2: bits 7-5 are R (rotate), SL (specific level), EOI.
func (c *PICChip) operate2(b uint8) {
	input := b & 7
	switch b >> 5 {
	case 0b000:
		c.RotateAuto = false
	case 0b100:
		c.RotateAuto = true
	case 0b001:
		c.endOfInterrupt()
	case 0b101:
		if ended, ok := c.endOfInterrupt(); ok {
			c.Lowest = ended
		}
	case 0b011:
		c.ISR &^= 1 << input
	case 0b111:
		c.ISR &^= 1 << input
		c.Lowest = input
	case 0b110:
		c.Lowest = input
	}
}

// endOfInterrupt is the non-specific EOI: it clears the highest bit in
// service, except that in special mask mode it leaves the masked ones alone.
func (c *PICChip) endOfInterrupt() (uint8, bool) {
	served := c.ISR
	if c.SpecialMask {
		served &^= c.IMR
	}
	if served == 0 {
		return 0, false
	}
	input, _ := c.first(served)
	c.ISR &^= 1 << input
	return input, true
}

func (c *PICChip) operate3(b uint8) {
	if b&ocw3ESMM != 0 {
		c.SpecialMask = b&ocw3SMM != 0
	}
	// P makes an acknowledgement of the next read, and outweighs RR and RIS.
	if b&ocw3Poll != 0 {
		c.Poll = true
		return
	}
	if b&ocw3RR != 0 {
		c.ReadISR = b&ocw3RIS != 0
	}
}
