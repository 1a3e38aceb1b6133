// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

// initialised is a pair as Linux programs it: vectors 0x30 and 0x38, nothing
// masked. icw4 is 1 for normal EOI.
func initialised(t *testing.T, icw4 uint8) (*device.PIC, *wire) {
	t.Helper()
	intr := &wire{}
	p := device.NewPIC(intr.line())
	out8(p, 0x20, 0x11)
	out8(p, 0x21, 0x30, 0x04, icw4)
	out8(p, 0xa0, 0x11)
	out8(p, 0xa1, 0x38, 0x02, icw4)
	return p, intr
}

// registers reads IRR and ISR of both chips: master low, slave high.
func registers(p *device.PIC) (irr, isr uint16) {
	out8(p, 0x20, 0x0a)
	out8(p, 0xa0, 0x0a)
	irr = uint16(in8(p, 0x20)) | uint16(in8(p, 0xa0))<<8
	out8(p, 0x20, 0x0b)
	out8(p, 0xa0, 0x0b)
	return irr, uint16(in8(p, 0x20)) | uint16(in8(p, 0xa0))<<8
}

func TestPICIsSilentUntilInitialised(t *testing.T) {
	intr := &wire{}
	p := device.NewPIC(intr.line())
	p.Line(0)(true)
	require.False(t, intr.level)
	out8(p, 0x20, 0x11)
	out8(p, 0x21, 0x30, 0x04)
	p.Line(1)(true)
	require.False(t, intr.level, "ICW4 is still to come")
	out8(p, 0x21, 0x01)
	require.True(t, intr.level)
	require.Equal(t, uint8(0x31), p.Acknowledge(), "the edge of IRQ 0 was before ICW1, which resets the edge sense circuit")
}

func TestPICWithoutICW4OrSlave(t *testing.T) {
	p := device.NewPIC(nil)
	out8(p, 0x20, 0x12) // SNGL, no IC4
	out8(p, 0x21, 0x5f) // the low three bits are not part of the vector
	p.Line(3)(true)
	require.True(t, p.Pending())
	require.Equal(t, uint8(0x5b), p.Acknowledge())
	require.Zero(t, in8(p, 0x21), "ICW1 cleared IMR")
}

func TestPICVectorsAndServiceBits(t *testing.T) {
	for irq := range 16 {
		if irq == 2 {
			continue
		}
		p, intr := initialised(t, 1)
		p.Line(irq)(true)
		require.True(t, intr.level, "IRQ %d", irq)
		wantIRR, wantISR := uint16(1)<<irq, uint16(1)<<irq
		if irq >= 8 {
			wantIRR |= 1 << 2
			wantISR |= 1 << 2
		}
		irr, _ := registers(p)
		require.Equal(t, wantIRR, irr)
		require.Equal(t, uint8(0x30+irq), p.Acknowledge())
		irr, isr := registers(p)
		require.Zero(t, irr)
		require.Equal(t, wantISR, isr)
		require.False(t, intr.level)
	}
}

func TestPICHigherPriorityInterruptsLower(t *testing.T) {
	p, intr := initialised(t, 1)
	p.Line(4)(true)
	require.Equal(t, uint8(0x34), p.Acknowledge())
	p.Line(5)(true)
	require.False(t, intr.level, "5 is below 4")
	p.Line(1)(true)
	require.True(t, intr.level, "1 is above 4")
	require.Equal(t, uint8(0x31), p.Acknowledge())
	out8(p, 0x20, 0x20)
	_, isr := registers(p)
	require.Equal(t, uint16(1<<4), isr, "non-specific EOI ends the highest")
	out8(p, 0x20, 0x64)
	require.Equal(t, uint8(0x35), p.Acknowledge(), "specific EOI of 4 lets 5 through")
}

func TestPICMask(t *testing.T) {
	p, intr := initialised(t, 1)
	out8(p, 0x21, 0x08)
	require.Equal(t, uint8(0x08), in8(p, 0x21))
	p.Line(3)(true)
	require.False(t, intr.level)
	out8(p, 0x21, 0x00)
	require.True(t, intr.level, "a masked request is remembered")
	out8(p, 0x21, 0x04)
	p.Line(3)(false)
	p.Line(9)(true)
	require.False(t, intr.level, "masking input 2 masks the slave")
}

func TestPICEdgeNeedsTheLineToStayHigh(t *testing.T) {
	p, intr := initialised(t, 1)
	p.Line(6)(true)
	p.Line(6)(false)
	require.False(t, intr.level)
	require.Equal(t, uint8(0x37), p.Acknowledge(), "a default IR7")
	_, isr := registers(p)
	require.Zero(t, isr, "without an in-service bit")

	p.Line(6)(true)
	p.Acknowledge()
	out8(p, 0x20, 0x20)
	p.Line(6)(true)
	require.False(t, intr.level, "the same level is no second edge")
}

func TestPICSpuriousOfTheSlave(t *testing.T) {
	p, _ := initialised(t, 1)
	p.Line(10)(true)
	state := p.State().(*device.PICState)
	state.Chip[1].IRR = 0 // gone between the two INTA pulses
	require.Equal(t, uint8(0x3f), p.Acknowledge())
	_, isr := registers(p)
	require.Equal(t, uint16(1<<2), isr, "the master knows nothing of it and needs its EOI")
}

func TestPICLevelTriggered(t *testing.T) {
	p, intr := initialised(t, 1)
	out16(p, 0x4d0, 0xffff)
	require.Equal(t, uint16(0xdef8), in16(p, 0x4d0), "IRQ 0, 1, 2, 8 and 13 stay edge triggered")
	p.Line(11)(true)
	require.Equal(t, uint8(0x3b), p.Acknowledge())
	out8(p, 0xa0, 0x20)
	out8(p, 0x20, 0x20)
	require.True(t, intr.level, "still asserted: again")
	require.Equal(t, uint8(0x3b), p.Acknowledge())
	p.Line(11)(false)
	out8(p, 0xa0, 0x20)
	out8(p, 0x20, 0x20)
	require.False(t, intr.level)
}

func TestPICLevelByICW1(t *testing.T) {
	p := device.NewPIC(nil)
	p.Line(0)(true)
	out8(p, 0x20, 0x1b) // LTIM, SNGL, IC4
	out8(p, 0x21, 0x20, 0x01)
	require.True(t, p.Pending(), "a level needs no edge after ICW1")
}

func TestPICAutomaticEOI(t *testing.T) {
	p, _ := initialised(t, 3)
	p.Line(0)(true)
	require.Equal(t, uint8(0x30), p.Acknowledge())
	_, isr := registers(p)
	require.Zero(t, isr)
	out8(p, 0x20, 0x80) // rotate in automatic EOI mode
	p.Line(3)(true)
	require.Equal(t, uint8(0x33), p.Acknowledge())
	p.Line(0)(false)
	p.Line(0)(true)
	p.Line(4)(true)
	require.Equal(t, uint8(0x34), p.Acknowledge(), "3 became the lowest, so 4 is the highest")
	out8(p, 0x20, 0x00)
	require.Equal(t, uint8(0x30), p.Acknowledge())
}

func TestPICRotation(t *testing.T) {
	for _, c := range []struct {
		name    string
		command uint8
		first   uint8 // of 0 and 5, both requested
	}{
		{"no command: 0 is the highest", 0x40, 0x30},
		{"set priority: 4 the lowest", 0xc4, 0x35},
		{"rotate on specific EOI of 3", 0xe3, 0x35},
		{"rotate on non-specific EOI", 0xa0, 0x35},
		{"non-specific EOI", 0x20, 0x30},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := initialised(t, 1)
			p.Line(4)(true)
			p.Acknowledge()
			out8(p, 0x20, c.command, 0x64)
			p.Line(0)(true)
			p.Line(5)(true)
			require.Equal(t, c.first, p.Acknowledge())
		})
	}
}

func TestPICSpecialMask(t *testing.T) {
	p, intr := initialised(t, 1)
	p.Line(3)(true)
	p.Acknowledge()
	p.Line(6)(true)
	require.False(t, intr.level)
	out8(p, 0x21, 0x08)
	out8(p, 0x20, 0x68)
	require.True(t, intr.level, "a masked level in service no longer holds back the lower ones")
	p.Acknowledge()
	out8(p, 0x20, 0x20, 0x20)
	_, isr := registers(p)
	require.Equal(t, uint16(1<<3), isr, "non-specific EOI leaves the masked one")
	out8(p, 0x20, 0x48) // reset special mask
	p.Line(6)(false)
	p.Line(6)(true)
	require.False(t, intr.level)
}

func TestPICSpecialFullyNested(t *testing.T) {
	for _, c := range []struct {
		icw4   uint8
		nested bool
	}{{0x01, false}, {0x11, true}} {
		p, intr := initialised(t, 1)
		out8(p, 0x20, 0x11)
		out8(p, 0x21, 0x30, 0x04, c.icw4)
		p.Line(12)(true)
		p.Acknowledge()
		p.Line(8)(true)
		require.Equal(t, c.nested, intr.level, "ICW4 %#x: a higher request of the slave in service", c.icw4)
	}
}

func TestPICPoll(t *testing.T) {
	p, intr := initialised(t, 1)
	out8(p, 0x20, 0x0c)
	require.Zero(t, in8(p, 0x20)&0x80, "nothing requested")
	p.Line(5)(true)
	out8(p, 0x20, 0x0c)
	require.Equal(t, uint8(0x85), in8(p, 0x20))
	_, isr := registers(p)
	require.Equal(t, uint16(1<<5), isr)
	require.False(t, intr.level)
	p.Line(14)(true)
	out8(p, 0xa0, 0x0c)
	require.Equal(t, uint8(0x86), in8(p, 0xa0))
	require.Equal(t, uint8(0x00), in8(p, 0xa1), "the read after is an ordinary one")
}

func TestPICInputsThatAreNone(t *testing.T) {
	p, intr := initialised(t, 1)
	for _, irq := range []int{-1, 2, 16, 1000} {
		p.Line(irq)(true)
	}
	require.False(t, intr.level)
}

func TestPICMakesAnEdgePerInterrupt(t *testing.T) {
	p, intr := initialised(t, 3)
	p.Line(1)(true)
	p.Line(3)(true)
	p.Acknowledge()
	require.True(t, intr.level)
	require.Equal(t, 2, intr.rises)
}
