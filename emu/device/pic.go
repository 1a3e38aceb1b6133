// SPDX-License-Identifier: GPL-2.0-or-later

package device

// PIC is the pair of 8259A interrupt controllers of a PC: the master at ports
// 0x20-0x21, the slave on its input 2 at 0xa0-0xa1, and the two edge/level
// control registers (ELCR) at 0x4d0-0x4d1. Bits and words are those of
// Intel's 8259A data sheet; the ELCR is that of the PIIX4 data sheet.
type PIC struct {
	state PICState
	intr  Line
}

// PICState is all of a [PIC] that changes: 0 is the master, 1 the slave.
type PICState struct{ Chip [2]PICChip }

const (
	master = 0
	slave  = 1
	// cascade is the master's input that the slave's INT output drives.
	cascade = 2
)

// elcrWritable are the lines that may be level triggered: IRQ 0, 1, 2, 8 and
// 13 are edge triggered for ever (PIIX4, ELCR1 and ELCR2).
var elcrWritable = [2]uint8{0xf8, 0xde}

// NewPIC has a pair as it comes out of power-on: silent until ICW1 comes.
func NewPIC(intr Line) *PIC {
	p := &PIC{intr: intr}
	for i := range p.state.Chip {
		p.state.Chip[i].Lowest = 7
	}
	return p
}

func (p *PIC) Name() string { return "pic" }
func (p *PIC) State() any   { return &p.state }

func (p *PIC) Regions() []Region {
	return []Region{{Ports, 0x20, 2}, {Ports, 0xa0, 2}, {Ports, 0x4d0, 2}}
}

// Line is input irq, 0 to 15; 2 is the cascade and not to be had from outside.
func (p *PIC) Line(irq int) Line {
	if irq < 0 || irq > 15 || irq == cascade {
		return func(bool) {}
	}
	chip, input := irq>>3, uint8(irq&7)
	return func(level bool) {
		p.state.Chip[chip].setInput(input, level)
		p.update()
	}
}

// Pending is the level of INTR.
func (p *PIC) Pending() bool { return p.state.Chip[master].hasRequest() }

// Acknowledge is the CPU's pair of INTA pulses. When the request has gone
// away in between, the answer is the vector of input 7, without an in-service
// bit (8259A, "Edge and Level Triggered Modes").
func (p *PIC) Acknowledge() uint8 {
	m := &p.state.Chip[master]
	input, ok := m.request()
	if !ok {
		return m.Vector | 7
	}
	m.service(input)
	vector := m.Vector | input
	if input == cascade {
		vector = p.acknowledgeSlave()
	}
	// INT falls with the acknowledgement, so that one more request is one
	// more edge for whatever INTR is wired to.
	p.intr.set(false)
	p.update()
	return vector
}

func (p *PIC) acknowledgeSlave() uint8 {
	s := &p.state.Chip[slave]
	p.state.Chip[master].setInput(cascade, false)
	input, ok := s.request()
	if !ok {
		return s.Vector | 7
	}
	s.service(input)
	return s.Vector | input
}

// update carries the slave's INT to the master and the master's to the CPU.
func (p *PIC) update() {
	p.state.Chip[master].setInput(cascade, p.state.Chip[slave].hasRequest())
	p.intr.set(p.Pending())
}

func (p *PIC) Read(a Access) uint64 {
	return readBytes(a, func(port uint64) uint8 {
		switch port {
		case 0x20, 0x21, 0xa0, 0xa1:
			return p.readChip(int(port>>7&1), port&1)
		case 0x4d0, 0x4d1:
			return p.state.Chip[port&1].ELCR
		}
		return 0xff
	})
}

func (p *PIC) readChip(which int, a0 uint64) uint8 {
	chip := &p.state.Chip[which]
	if !chip.Poll {
		return chip.read(a0)
	}
	// The read after a poll command is an acknowledgement (8259A, "Poll
	// Command"): bit 7 says that there was a request, bits 2-0 which.
	chip.Poll = false
	input, ok := chip.request()
	if !ok {
		return input
	}
	chip.service(input)
	if which == slave {
		p.state.Chip[master].setInput(cascade, false)
	} else {
		p.intr.set(false)
	}
	p.update()
	return 0x80 | input
}

func (p *PIC) Write(a Access, value uint64) {
	writeBytes(a, value, func(port uint64, b uint8) {
		switch port {
		case 0x20, 0xa0:
			p.state.Chip[port>>7&1].command(b)
		case 0x21, 0xa1:
			p.state.Chip[port>>7&1].data(b)
		case 0x4d0, 0x4d1:
			chip := &p.state.Chip[port&1]
			chip.ELCR = b & elcrWritable[port&1]
			chip.sampleLevels()
		}
	})
	p.update()
}
