// SPDX-License-Identifier: GPL-2.0-or-later

package device

// I8042 is the keyboard controller at ports 0x60 and 0x64, with nothing
// plugged in: it resets the machine, moves A20, and answers each byte meant
// for a keyboard at once with the time-out that a driver takes for "no
// keyboard". Commands are those of IBM's PS/2 technical reference, "Keyboard
// and Auxiliary Device Controller".
type I8042 struct {
	state I8042State
	irq1  Line
	a20   Line
	reset func()
}

// I8042State is all of an [I8042] that changes.
type I8042State struct {
	Command uint8 // the command byte, RAM byte 0
	RAM     [32]uint8
	Output  uint8 // the output port: bit 0 reset, bit 1 A20
	Data    uint8 // the output buffer
	Full    bool  // it has something in it
	Timeout bool
	Waiting uint8 // the command whose data byte is due, or 0
	Last    bool  // the last write was to port 0x64
}

// Status register bits.
const (
	kbdOutputFull = 1 << 0
	kbdSystem     = 1 << 2
	kbdCommand    = 1 << 3
	kbdUnlocked   = 1 << 4
	kbdTimeout    = 1 << 6
)

// Bits of the command byte and the output port.
const (
	kbdInterrupt    = 1 << 0
	kbdNotReset     = 1 << 0
	kbdA20          = 1 << 1
	kbdOutputFullP4 = 1 << 4
)

// kbdResend is what a keyboard that cannot be reached "answers".
const kbdResend = 0xfe

// NewI8042 has a controller as firmware leaves it: self-test passed, A20 on.
func NewI8042(irq1, a20 Line, reset func()) *I8042 {
	k := &I8042{irq1: irq1, a20: a20, reset: reset}
	k.state.Command = kbdSystem | kbdInterrupt
	k.state.Output = kbdNotReset | kbdA20
	return k
}

func (k *I8042) Name() string      { return "i8042" }
func (k *I8042) State() any        { return &k.state }
func (k *I8042) Regions() []Region { return []Region{{Ports, 0x60, 1}, {Ports, 0x64, 1}} }

func (k *I8042) Read(a Access) uint64 {
	switch a.Address {
	case 0x60:
		k.state.Full, k.state.Timeout = false, false
		k.update()
		return uint64(k.state.Data)
	case 0x64:
		return uint64(k.status())
	}
	return truncate(^uint64(0), a.Size)
}

func (k *I8042) status() uint8 {
	status := uint8(kbdUnlocked) | k.state.Command&kbdSystem
	if k.state.Full {
		status |= kbdOutputFull
	}
	if k.state.Timeout {
		status |= kbdTimeout
	}
	if k.state.Last {
		status |= kbdCommand
	}
	return status
}

// update drives IRQ1, which is the "output buffer full" of the output port.
func (k *I8042) update() {
	k.irq1.set(k.state.Full && k.state.Command&kbdInterrupt != 0)
}

func (k *I8042) answer(b uint8, timeout bool) {
	k.state.Data, k.state.Full, k.state.Timeout = b, true, timeout
	k.update()
}

func (k *I8042) Write(a Access, value uint64) {
	b := uint8(value)
	switch a.Address {
	case 0x60:
		k.state.Last = false
		k.data(b)
	case 0x64:
		k.state.Last = true
		k.state.Waiting = 0
		k.command(b)
	}
}

// fixedAnswers are the commands that give the same byte every time: the
// self-test passes, the keyboard's interface has no fault, the input port has
// the keyboard unlocked, and there is no auxiliary port (its clock is stuck).
var fixedAnswers = map[uint8]uint8{0xaa: 0x55, 0xab: 0x00, 0xa9: 0x01, 0xc0: 0x80}

func (k *I8042) command(b uint8) {
	if answer, ok := fixedAnswers[b]; ok {
		k.answer(answer, false)
		return
	}
	switch {
	case b == 0x20:
		k.answer(k.state.Command, false)
	case b > 0x20 && b < 0x40:
		k.answer(k.state.RAM[b&0x1f], false)
	case b >= 0x60 && b < 0x80, b >= 0xd1 && b <= 0xd4:
		k.state.Waiting = b
	case b == 0xad: // disable the keyboard
		k.state.Command |= 1 << 4
	case b == 0xae:
		k.state.Command &^= 1 << 4
	case b == 0xd0:
		output := k.state.Output
		if k.state.Full {
			output |= kbdOutputFullP4
		}
		k.answer(output, false)
	case b >= 0xf0:
		k.pulse(b)
	}
}

// pulse brings those of the output port's low four bits down for 6 µs that
// are clear in the command; bit 0 is the CPU's reset.
func (k *I8042) pulse(b uint8) {
	if b&kbdNotReset == 0 && k.reset != nil {
		k.reset()
	}
}

func (k *I8042) data(b uint8) {
	waiting := k.state.Waiting
	k.state.Waiting = 0
	switch {
	case waiting == 0x60:
		k.state.Command = b
		k.update()
	case waiting > 0x60 && waiting < 0x80:
		k.state.RAM[waiting&0x1f] = b
	case waiting == 0xd1:
		k.setOutput(b)
	case waiting == 0xd2: // as if the keyboard had sent it
		k.answer(b, false)
	default:
		// To the keyboard, to the auxiliary port (0xd4), or looped back
		// through the latter (0xd3): nobody is there.
		k.answer(kbdResend, true)
	}
}

func (k *I8042) setOutput(b uint8) {
	k.state.Output = b
	k.a20.set(b&kbdA20 != 0)
	if b&kbdNotReset == 0 && k.reset != nil {
		k.reset()
	}
}
