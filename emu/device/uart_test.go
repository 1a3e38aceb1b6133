// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

const com1 = 0x3f8

// Registers of the port and the interrupts that IIR names.
const (
	rbr, ier, iir, lcr, mcr, lsr, msr, scr = com1, com1 + 1, com1 + 2, com1 + 3, com1 + 4, com1 + 5, com1 + 6, com1 + 7

	isModem, isNone, isTransmit, isReceive, isLine, isTimeout = 0x0, 0x1, 0x2, 0x4, 0x6, 0xc
)

type uartRig struct {
	*device.UART
	clock *fakeClock
	irq   *wire
	sent  *strings.Builder
}

func newUART() uartRig {
	r := uartRig{clock: &fakeClock{}, irq: &wire{}, sent: &strings.Builder{}}
	r.UART = device.NewUART(device.UARTConfig{
		Clock: r.clock, IRQ: r.irq.line(), Transmit: func(b byte) { r.sent.WriteByte(b) },
	})
	return r
}

// enabled is a port with OUT2 and, if asked for, the FIFO on.
func enabledUART(interrupts, fcr uint8) uartRig {
	r := newUART()
	out8(r, mcr, 0x08)
	out8(r, iir, fcr)
	out8(r, ier, interrupts)
	return r
}

func (r uartRig) reason() uint8 { return in8(r, iir) & 0x0f }

func TestUARTAfterReset(t *testing.T) {
	r := newUART()
	for _, c := range []struct {
		name string
		port uint64
		want uint8
	}{
		{"IER", ier, 0}, {"IIR", iir, isNone}, {"LCR", lcr, 0}, {"MCR", mcr, 0},
		{"LSR: THRE and TEMT", lsr, 0x60}, {"MSR: DCD, DSR and CTS", msr, 0xb0}, {"SCR", scr, 0},
	} {
		require.Equal(t, c.want, in8(r, c.port), c.name)
	}
	require.False(t, r.irq.level)
	require.Equal(t, device.Never, r.Next())
}

func TestUARTRegistersKeepTheirBits(t *testing.T) {
	r := newUART()
	for _, c := range []struct {
		name        string
		port        uint64
		write, read uint8
	}{
		{"IER has four", ier, 0xf0, 0x00}, {"MCR has five", mcr, 0xff, 0x1f},
		{"LCR", lcr, 0x7f, 0x7f}, {"SCR", scr, 0x5a, 0x5a}, {"LSR is read only", lsr, 0xff, 0x60},
	} {
		out8(r, c.port, c.write)
		require.Equal(t, c.read, in8(r, c.port), c.name)
	}
}

func TestUARTDivisorLatch(t *testing.T) {
	r := newUART()
	out8(r, lcr, 0x83)
	require.Equal(t, uint8(1), in8(r, rbr))
	out8(r, rbr, 0x34)
	out8(r, ier, 0x12)
	require.Equal(t, uint16(0x1234), in16(r, rbr))
	out8(r, lcr, 0x03)
	require.Equal(t, uint8(0), in8(r, ier), "DLM isn't IER")
	require.Empty(t, r.sent.String(), "DLL isn't THR")
}

func TestUARTPolledOutput(t *testing.T) {
	r := newUART()
	for _, b := range []byte("Linux version 6.1\r\n") {
		require.Equal(t, uint8(0x60), in8(r, lsr)&0x60)
		out8(r, rbr, b)
	}
	require.Equal(t, "Linux version 6.1\r\n", r.sent.String())
	require.Zero(t, r.irq.rises)
}

func TestUARTEnablingTHRIInterruptsAtOnce(t *testing.T) {
	r := enabledUART(0, 0)
	out8(r, ier, 2)
	require.True(t, r.irq.level)
	require.Equal(t, uint8(isTransmit), r.reason())
	require.False(t, r.irq.level, "reading IIR as the source resets it")
	require.Equal(t, uint8(isNone), r.reason())
	out8(r, ier, 2)
	require.False(t, r.irq.level, "it was enabled already")
	out8(r, ier, 0)
	out8(r, ier, 2)
	require.True(t, r.irq.level)
}

// What Linux's serial8250_tx_chars does, 16 characters for an interrupt.
func TestUARTInterruptDrivenOutput(t *testing.T) {
	r := enabledUART(0, 1)
	text := strings.Repeat("interrupt driven ", 10)
	left, interrupts := text, 0
	out8(r, ier, 2)
	for r.irq.level {
		interrupts++
		require.Equal(t, uint8(isTransmit), r.reason())
		n := min(16, len(left))
		before := r.irq.rises
		out8(r, rbr, []byte(left[:n])...)
		left = left[n:]
		if n == 0 {
			out8(r, ier, 0)
			continue
		}
		require.Greater(t, r.irq.rises, before, "an edge for an edge-triggered controller")
	}
	require.Equal(t, text, r.sent.String())
	require.Equal(t, (len(text)+15)/16+1, interrupts)
}

func TestUARTOUT2GatesTheInterrupt(t *testing.T) {
	r := newUART()
	out8(r, ier, 2)
	require.False(t, r.irq.level)
	out8(r, mcr, 0x08)
	require.True(t, r.irq.level)
	out8(r, mcr, 0x18)
	require.False(t, r.irq.level, "loopback forces OUT2 inactive")
}

func TestUARTPriorities(t *testing.T) {
	r := enabledUART(0x0f, 0)
	require.Equal(t, 1, r.Receive([]byte("a")))
	r.SetModem(0)
	out8(r, mcr, 0x18) // loop a second character into the full receiver
	out8(r, rbr, 'b')
	out8(r, mcr, 0x08)
	require.Equal(t, uint8(isLine), r.reason())
	require.Equal(t, uint8(0x63), in8(r, lsr), "overrun and data ready")
	require.Equal(t, uint8(isReceive), r.reason())
	require.Equal(t, uint8('b'), in8(r, rbr), "without a FIFO the new one replaced the old")
	require.Equal(t, uint8(isTransmit), r.reason())
	require.Equal(t, uint8(isModem), r.reason())
	in8(r, msr)
	require.Equal(t, uint8(isNone), r.reason())
	require.False(t, r.irq.level)
}

func TestUARTReceiveWithoutFIFO(t *testing.T) {
	r := enabledUART(1, 0)
	require.Equal(t, 1, r.Room())
	require.Equal(t, 1, r.Receive([]byte("xyz")))
	require.Zero(t, r.Room())
	require.Zero(t, r.Receive([]byte("yz")))
	require.True(t, r.irq.level)
	require.Equal(t, uint8('x'), in8(r, rbr))
	require.False(t, r.irq.level)
	require.Equal(t, 1, r.Room())
}

func TestUARTTriggerLevels(t *testing.T) {
	for fcr, level := range map[uint8]int{0x01: 1, 0x41: 4, 0x81: 8, 0xc1: 14} {
		r := enabledUART(1, fcr)
		require.Equal(t, uint8(0xc1), in8(r, iir), "FIFOs enabled")
		for n := 1; n <= 16; n++ {
			require.Equal(t, 1, r.Receive([]byte{byte(n)}))
			require.Equal(t, n >= level, r.irq.level, "FCR %#x, %d characters", fcr, n)
		}
		require.Zero(t, r.Receive([]byte{17}))
		for n := 1; n <= 16; n++ {
			require.Equal(t, uint8(n), in8(r, rbr))
			require.Equal(t, 16-n >= level, r.irq.level)
		}
		require.Equal(t, uint8(0x60), in8(r, lsr))
	}
}

func TestUARTCharacterTimeout(t *testing.T) {
	r := enabledUART(1, 0xc1)
	out8(r, lcr, 0x03) // 8N1: 10 bits of 8.68 µs
	r.Receive([]byte("ab"))
	require.False(t, r.irq.level)
	require.InDelta(t, float64(4*86_805), float64(r.Next()), 10)
	r.clock.run(300*microsecond, r)
	require.False(t, r.irq.level)
	r.clock.run(400*microsecond, r)
	require.True(t, r.irq.level)
	require.Equal(t, uint8(isTimeout), r.reason())
	in8(r, rbr)
	require.False(t, r.irq.level, "reading resets it")
	r.clock.run(800*microsecond, r)
	require.True(t, r.irq.level, "one more is left")
	in8(r, rbr)
	require.Equal(t, device.Never, r.Next())
}

func TestUARTTimeoutFollowsTheLineSpeed(t *testing.T) {
	r := enabledUART(1, 0xc1)
	out8(r, lcr, 0x83)
	out8(r, rbr, 12)   // 9600 baud
	out8(r, lcr, 0x1f) // 8 data bits, parity, two stop bits: 12 bits
	r.Receive([]byte("a"))
	require.Equal(t, 4*12*12*16*second/1_843_200, r.Next())
}

func TestUARTFIFOResets(t *testing.T) {
	for _, c := range []struct {
		name string
		fcr  uint8
		left bool
	}{
		{"reset of the receive FIFO", 0x03, false},
		{"reset of the transmit FIFO", 0x05, true},
		{"turning FIFOs off", 0x00, false},
		{"the same again", 0x01, true},
		{"reset bits without enable", 0x02, false}, // turns off as well
	} {
		r := enabledUART(0, 1)
		r.Receive([]byte("abc"))
		out8(r, iir, c.fcr)
		require.Equal(t, c.left, in8(r, lsr)&1 != 0, c.name)
	}
}

func TestUARTBreakComesWithItsCharacter(t *testing.T) {
	r := enabledUART(5, 1)
	r.Receive([]byte("a"))
	require.True(t, r.ReceiveBreak())
	require.Equal(t, uint8(0xe1), in8(r, lsr), "an error is in the FIFO, but not at its top")
	require.Equal(t, uint8(isReceive), r.reason())
	in8(r, rbr)
	require.Equal(t, uint8(isLine), r.reason())
	require.Equal(t, uint8(0xf1), in8(r, lsr), "break indicator")
	require.Equal(t, uint8(0x61), in8(r, lsr), "reset by the read")
	require.Equal(t, uint8(0), in8(r, rbr))
}

func TestUARTLoopback(t *testing.T) {
	r := newUART()
	for _, c := range []struct {
		name    string
		out, in uint8
	}{
		{"DTR is DSR", 0x01, 0x20}, {"RTS is CTS", 0x02, 0x10}, {"OUT1 is RI", 0x04, 0x40}, {"OUT2 is DCD", 0x08, 0x80},
		{"a driver's test", 0x0a, 0x90},
	} {
		out8(r, mcr, 0x10|c.out)
		require.Equal(t, c.in, in8(r, msr)&0xf0, c.name)
	}
	out8(r, rbr, 0xa5)
	require.Equal(t, uint8(0xa5), in8(r, rbr))
	require.Empty(t, r.sent.String())
	require.Zero(t, r.Room(), "SIN is disconnected")
	require.False(t, r.ReceiveBreak())
}

// Linux's size_fifo: what comes back of 256 characters is the FIFO's size.
func TestUARTFIFOHasSixteen(t *testing.T) {
	r := newUART()
	out8(r, iir, 0x07)
	out8(r, mcr, 0x10)
	for n := range 256 {
		out8(r, rbr, uint8(n))
	}
	require.Equal(t, uint8(0x02), in8(r, lsr)&0x02, "overrun")
	got := 0
	for ; in8(r, lsr)&1 != 0; got++ {
		require.Equal(t, uint8(got), in8(r, rbr))
	}
	require.Equal(t, 16, got)
}

func TestUARTModemDeltas(t *testing.T) {
	r := enabledUART(8, 0)
	for _, c := range []struct {
		name string
		pins uint8
		want uint8
	}{
		{"CTS goes", 0xa0, 0xa1}, {"DSR goes", 0x80, 0x82}, {"RI comes: no interrupt", 0xc0, 0xc0},
		{"RI goes: trailing edge", 0x80, 0x84}, {"DCD goes", 0x00, 0x08},
	} {
		r.SetModem(c.pins)
		require.Equal(t, c.want&0x0f != 0, r.irq.level, c.name)
		require.Equal(t, c.want, in8(r, msr), c.name)
		require.False(t, r.irq.level, c.name)
	}
}

func TestUARTElsewhere(t *testing.T) {
	u := device.NewUART(device.UARTConfig{Clock: &fakeClock{}, Base: 0x2f8})
	require.Equal(t, []device.Region{{Space: device.Ports, Base: 0x2f8, Size: 8}}, u.Regions())
	out8(u, 0x2f8, 'x') // nobody listens
	require.Equal(t, uint8(0x60), in8(u, 0x2fd))
}
