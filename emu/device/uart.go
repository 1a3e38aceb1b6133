// SPDX-License-Identifier: GPL-2.0-or-later

package device

// UART is a 16550A serial port, named as in National Semiconductor's PC16550D
// data sheet. It transmits in no time: THRE and TEMT are always set, and a
// write to THR ends with a new THRE interrupt, if that is enabled. So a polled
// console costs no waiting, and an interrupt-driven driver fills the FIFO
// once per interrupt as it does with real wires. Received characters wait in
// the FIFO, and the character timeout comes after four character times of the
// programmed line speed.
type UART struct {
	state    UARTState
	clock    Clock
	base     uint64
	irq      Line
	transmit func(byte)
}

// UARTConfig says where a [UART] is and what it is wired to.
type UARTConfig struct {
	Clock    Clock
	Base     uint64 // the first port; 0 is COM1's 0x3f8
	IRQ      Line
	Transmit func(byte) // takes what leaves on SOUT; may be nil
}

const uartFIFO = 16

// UARTState is all of a [UART] that changes.
type UARTState struct {
	Data, Flags   [uartFIFO]uint8 // received characters and their LSR bits
	Head, Count   uint8
	Trigger       uint8
	FIFO          bool
	IER, LCR, MCR uint8
	Overrun       bool
	LineError     bool // an error has come since LSR was read
	MSR, SCR      uint8
	Pins          uint8 // CTS, DSR, RI and DCD from outside, as MSR has them
	Divisor       uint16
	Empty         bool // the THRE interrupt is due
	TimedOut      bool // the character timeout interrupt is due
	Timeout       Time // when it becomes so
}

// Register bits.
const (
	ierReceive  = 1 << 0
	ierTransmit = 1 << 1
	ierLine     = 1 << 2
	ierModem    = 1 << 3

	iirModem    = 0x00
	iirNone     = 0x01
	iirTransmit = 0x02
	iirReceive  = 0x04
	iirLine     = 0x06
	iirTimeout  = 0x0c
	iirFIFO     = 0xc0

	lcrDLAB = 1 << 7

	mcrDTR  = 1 << 0
	mcrRTS  = 1 << 1
	mcrOUT1 = 1 << 2
	mcrOUT2 = 1 << 3
	mcrLoop = 1 << 4

	lsrReady     = 1 << 0
	lsrOverrun   = 1 << 1
	lsrBreak     = 1 << 4
	lsrTHRE      = 1 << 5
	lsrTEMT      = 1 << 6
	lsrFIFOError = 1 << 7

	msrTERI = 1 << 2
	msrCTS  = 1 << 4
	msrDSR  = 1 << 5
	msrRI   = 1 << 6
	msrDCD  = 1 << 7
)

// NewUART has a port after master reset, with a terminal on the other end:
// CTS, DSR and DCD are asserted, and the divisor gives 115,200 baud.
func NewUART(cfg UARTConfig) *UART {
	u := &UART{clock: cfg.Clock, base: cfg.Base, irq: cfg.IRQ, transmit: cfg.Transmit}
	if u.base == 0 {
		u.base = 0x3f8
	}
	pins := uint8(msrCTS | msrDSR | msrDCD)
	u.state = UARTState{Divisor: 1, Trigger: 1, Timeout: Never, Empty: true, MSR: pins, Pins: pins}
	return u
}

func (u *UART) Name() string      { return "uart" }
func (u *UART) State() any        { return &u.state }
func (u *UART) Regions() []Region { return []Region{{Ports, u.base, 8}} }

// Next is when the character timeout comes.
func (u *UART) Next() Time {
	if u.state.IER&ierReceive == 0 {
		return Never
	}
	return u.state.Timeout
}

func (u *UART) Advance(now Time) {
	if u.state.Timeout <= now {
		u.state.Timeout, u.state.TimedOut = Never, true
	}
	u.update()
}

// identify is IIR's low four bits: the interrupt of highest priority.
func (u *UART) identify() uint8 {
	s := &u.state
	switch {
	case s.IER&ierLine != 0 && s.LineError:
		return iirLine
	case s.IER&ierReceive != 0 && s.Count > 0 && s.Count >= s.Trigger:
		return iirReceive
	case s.IER&ierReceive != 0 && s.Count > 0 && s.TimedOut:
		return iirTimeout
	case s.IER&ierTransmit != 0 && s.Empty:
		return iirTransmit
	case s.IER&ierModem != 0 && s.MSR&0x0f != 0:
		return iirModem
	}
	return iirNone
}

// update drives the interrupt line. On a PC the pin goes through a gate that
// OUT2 opens; in loopback mode OUT2 itself is forced inactive.
func (u *UART) update() {
	gate := u.state.MCR&(mcrOUT2|mcrLoop) == mcrOUT2
	u.irq.set(gate && u.identify() != iirNone)
}

func (u *UART) Read(a Access) uint64 {
	u.Advance(u.clock.Now())
	value := readBytes(a, func(port uint64) uint8 { return u.read(port - u.base) })
	u.update()
	return value
}

func (u *UART) read(register uint64) uint8 {
	s := &u.state
	dlab := s.LCR&lcrDLAB != 0
	switch register {
	case 0:
		if dlab {
			return uint8(s.Divisor)
		}
		return u.pop()
	case 1:
		if dlab {
			return uint8(s.Divisor >> 8)
		}
		return s.IER
	case 2:
		return u.readIIR()
	case 3:
		return s.LCR
	case 4:
		return s.MCR
	case 5:
		return u.readLSR()
	case 6:
		value := s.MSR
		s.MSR &= 0xf0 // the delta bits go when MSR is read
		return value
	case 7:
		return s.SCR
	}
	return 0xff
}

// readIIR resets the THRE interrupt, if that is what it reports.
func (u *UART) readIIR() uint8 {
	value := u.identify()
	if value == iirTransmit {
		u.state.Empty = false
	}
	if u.state.FIFO {
		value |= iirFIFO
	}
	return value
}

// readLSR gives the errors of the character at the top of the FIFO, and
// resets them.
func (u *UART) readLSR() uint8 {
	s := &u.state
	value := uint8(lsrTHRE | lsrTEMT)
	if s.Overrun {
		value |= lsrOverrun
	}
	if s.Count > 0 {
		value |= lsrReady | s.Flags[s.Head]
	}
	if s.FIFO && u.errorQueued() {
		value |= lsrFIFOError
	}
	s.Flags[s.Head] = 0
	s.Overrun, s.LineError = false, false
	return value
}

func (u *UART) Write(a Access, value uint64) {
	u.Advance(u.clock.Now())
	writeBytes(a, value, func(port uint64, b uint8) { u.write(port-u.base, b) })
	u.update()
}

func (u *UART) write(register uint64, b uint8) {
	s := &u.state
	dlab := s.LCR&lcrDLAB != 0
	switch register {
	case 0:
		if dlab {
			s.Divisor = s.Divisor&0xff00 | uint16(b)
			return
		}
		u.send(b)
	case 1:
		if dlab {
			s.Divisor = s.Divisor&0x00ff | uint16(b)<<8
			return
		}
		// The interrupt comes when it is enabled while THR is empty.
		if b&^s.IER&ierTransmit != 0 {
			s.Empty = true
		}
		s.IER = b & 0x0f
	case 2:
		u.controlFIFO(b)
	case 3:
		s.LCR = b
	case 4:
		s.MCR = b & 0x1f
		u.sampleModem()
	case 7:
		s.SCR = b
	} // LSR and MSR are for reading; the factory tests that write them are not
}
