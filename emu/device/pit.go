// SPDX-License-Identifier: GPL-2.0-or-later

package device

// PITFrequency is the PC's 14.31818 MHz crystal divided by 12.
const PITFrequency Frequency = 1_193_182

// PIT is the 8254 interval timer at ports 0x40-0x43. Channel 0 drives the
// timer interrupt, channel 1 once refreshed memory, channel 2 drives the
// speaker and is gated by port 0x61. Sections are those of Intel's 8254 data
// sheet.
type PIT struct {
	state PITState
	clock Clock
	out0  Line
}

// PITState is all of a [PIT] that changes.
type PITState struct{ Channel [3]PITChannel }

// NewPIT has a timer with nothing programmed; out0 is channel 0's output.
func NewPIT(clock Clock, out0 Line) *PIT {
	p := &PIT{clock: clock, out0: out0}
	p.state.Channel[0].Gate = true
	p.state.Channel[1].Gate = true
	return p
}

func (p *PIT) Name() string      { return "pit" }
func (p *PIT) State() any        { return &p.state }
func (p *PIT) Regions() []Region { return []Region{{Ports, 0x40, 4}} }

// Next is the next edge of channel 0 that the interrupt controllers see. The
// other channels drive nothing, and are computed when somebody looks.
func (p *PIT) Next() Time {
	tick, ok := p.state.Channel[0].nextEdge()
	if !ok {
		return Never
	}
	return PITFrequency.At(tick)
}

func (p *PIT) Advance(now Time) {
	tick := PITFrequency.Ticks(now)
	for i := range p.state.Channel {
		p.state.Channel[i].advance(tick, p.line(i))
	}
}

func (p *PIT) line(channel int) Line {
	if channel == 0 {
		return p.out0
	}
	return nil
}

// sync brings the counters to the present and says which tick that is.
func (p *PIT) sync() uint64 {
	now := p.clock.Now()
	p.Advance(now)
	return PITFrequency.Ticks(now)
}

// Gate2 drives channel 2's gate.
func (p *PIT) Gate2(level bool) {
	tick := p.sync()
	p.state.Channel[2].setGate(tick, level)
}

// Out2 is the level of channel 2's output.
func (p *PIT) Out2() bool {
	p.sync()
	return p.state.Channel[2].Out
}

func (p *PIT) Read(a Access) uint64 {
	tick := p.sync()
	return readBytes(a, func(port uint64) uint8 {
		if port < 0x40 || port > 0x42 {
			return 0xff // the control word register cannot be read
		}
		return p.state.Channel[port-0x40].read(tick)
	})
}

func (p *PIT) Write(a Access, value uint64) {
	tick := p.sync()
	writeBytes(a, value, func(port uint64, b uint8) {
		switch {
		case port == 0x43:
			p.control(tick, b)
		case port >= 0x40 && port < 0x43:
			i := int(port - 0x40)
			p.state.Channel[i].write(tick, b, p.line(i))
		}
	})
}

// control is a write to the control word register: SC1-SC0 choose a counter,
// 3 is the read-back command ("Control Word Format").
func (p *PIT) control(tick uint64, b uint8) {
	if b>>6 == 3 {
		p.readBack(tick, b)
		return
	}
	i := int(b >> 6)
	c := &p.state.Channel[i]
	if b>>4&3 == 0 {
		c.latchCount(tick)
		return
	}
	c.program(b&0x3f, p.line(i))
}

// readBack latches count (bit 5 clear) and status (bit 4 clear) of the
// counters chosen by bits 3-1 ("Read-Back Command").
func (p *PIT) readBack(tick uint64, b uint8) {
	for i := range p.state.Channel {
		if b>>(i+1)&1 == 0 {
			continue
		}
		if b&(1<<5) == 0 {
			p.state.Channel[i].latchCount(tick)
		}
		if b&(1<<4) == 0 {
			p.state.Channel[i].latchStatus()
		}
	}
}
