// SPDX-License-Identifier: GPL-2.0-or-later

package device

// uartClock is 16 times the fastest rate: 115,200 baud with a divisor of 1.
const uartClock = 1_843_200

// FCR bits (PC16550D 8.4).
const (
	fcrEnable       = 1 << 0
	fcrResetReceive = 1 << 1
)

// triggers are the levels that FCR bits 7-6 choose.
var triggers = [4]uint8{1, 4, 8, 14}

// controlFIFO is a write to FCR. Bit 0 must be set for the others to count;
// changing it clears both FIFOs.
func (u *UART) controlFIFO(b uint8) {
	s := &u.state
	enable := b&fcrEnable != 0
	if enable != s.FIFO || enable && b&fcrResetReceive != 0 {
		u.clear()
	}
	s.FIFO = enable
	s.Trigger = 1
	if enable {
		s.Trigger = triggers[b>>6]
	}
}

func (u *UART) clear() {
	s := &u.state
	s.Head, s.Count, s.Flags = 0, 0, [uartFIFO]uint8{}
	s.Timeout, s.TimedOut = Never, false
}

func (u *UART) depth() uint8 {
	if u.state.FIFO {
		return uartFIFO
	}
	return 1
}

// Room is how many characters [UART.Receive] would take now. In loopback mode
// SIN is disconnected, and what is kept back isn't lost.
func (u *UART) Room() int {
	if u.state.MCR&mcrLoop != 0 {
		return 0
	}
	return int(u.depth()) - int(min(u.state.Count, u.depth()))
}

// Receive takes as much of p from SIN as fits, and says how much that was.
func (u *UART) Receive(p []byte) int {
	n := min(len(p), u.Room())
	for _, b := range p[:n] {
		u.push(b, 0)
	}
	u.update()
	return n
}

// ReceiveBreak is a break on SIN, however long: one zero character with BI. It
// says whether there was room.
func (u *UART) ReceiveBreak() bool {
	if u.Room() == 0 {
		return false
	}
	u.push(0, lsrBreak)
	u.update()
	return true
}

// push puts a character into the FIFO or, when that is full, loses it.
func (u *UART) push(b, flags uint8) {
	s := &u.state
	if s.Count >= u.depth() {
		s.Overrun, s.LineError = true, true
		// Without a FIFO the new character replaces the old one; with one the
		// characters in it stay, and the new one is lost.
		if !s.FIFO {
			s.Data[s.Head] = b
		}
		return
	}
	tail := (s.Head + s.Count) % uartFIFO
	s.Data[tail], s.Flags[tail] = b, flags
	s.Count++
	if flags != 0 && s.Count == 1 {
		s.LineError = true
	}
	u.restartTimeout()
}

// pop is a read of RBR. An error is reported when its character comes to the
// top of the FIFO.
func (u *UART) pop() uint8 {
	s := &u.state
	b := s.Data[s.Head]
	if s.Count == 0 {
		return b
	}
	s.Flags[s.Head] = 0
	s.Head = (s.Head + 1) % uartFIFO
	s.Count--
	if s.Count > 0 && s.Flags[s.Head] != 0 {
		s.LineError = true
	}
	u.restartTimeout()
	return b
}

func (u *UART) errorQueued() bool {
	for _, flags := range u.state.Flags {
		if flags != 0 {
			return true
		}
	}
	return false
}

// restartTimeout: the timeout interrupt is reset, and its timer starts anew,
// when a character comes or is read (PC16550D 8.5).
func (u *UART) restartTimeout() {
	s := &u.state
	s.TimedOut, s.Timeout = false, Never
	if s.FIFO && s.Count > 0 {
		s.Timeout = after(u.clock.Now(), 4*u.characterTime())
	}
}

// characterTime is that of a start bit, the data bits, a parity bit where
// there is one, and the stop bits.
func (u *UART) characterTime() Time {
	lcr := u.state.LCR
	bits := 1 + 5 + uint64(lcr&3) + 1 + uint64(lcr>>2&1) + uint64(lcr>>3&1)
	divisor := max(uint64(u.state.Divisor), 1)
	return Time(bits * divisor * 16 * nanosecondsPerSecond / uartClock)
}

// send is a write to THR. The THRE interrupt goes and, the character being
// out at once, comes back: an edge for an edge-triggered controller.
func (u *UART) send(b uint8) {
	s := &u.state
	s.Empty = false
	u.update()
	if s.MCR&mcrLoop != 0 {
		u.push(b, 0)
	} else if u.transmit != nil {
		u.transmit(b)
	}
	s.Empty = true
}

// loopback is which output is which input in loopback mode.
var loopback = [...]struct{ out, in uint8 }{
	{mcrDTR, msrDSR}, {mcrRTS, msrCTS}, {mcrOUT1, msrRI}, {mcrOUT2, msrDCD},
}

// SetModem drives the modem inputs, given as MSR bits 7-4 have them: DCD, RI,
// DSR, CTS.
func (u *UART) SetModem(pins uint8) {
	u.state.Pins = pins & 0xf0
	u.sampleModem()
	u.update()
}

// sampleModem brings MSR up to date with the pins or, in loopback mode, with
// the four outputs: DTR is DSR, RTS is CTS, OUT1 is RI, OUT2 is DCD.
func (u *UART) sampleModem() {
	s := &u.state
	pins := s.Pins
	if s.MCR&mcrLoop != 0 {
		pins = 0
		for _, w := range loopback {
			if s.MCR&w.out != 0 {
				pins |= w.in
			}
		}
	}
	changed := (s.MSR ^ pins) >> 4
	// RI counts at its trailing edge only (TERI).
	if pins&msrRI != 0 {
		changed &^= msrTERI
	}
	s.MSR = pins | s.MSR&0x0f | changed&0x0f
}
