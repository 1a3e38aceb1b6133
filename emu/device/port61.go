// SPDX-License-Identifier: GPL-2.0-or-later

package device

// Port61 is "NMI Status and Control" of the PIIX4, the PC's system control
// port B: it gates the timer's channel 2 and shows its output, by which
// kernels calibrate their clocks.
type Port61 struct {
	state Port61State
	clock Clock
	pit   *PIT
}

// Port61State is all of a [Port61] that changes.
type Port61State struct {
	Control uint8 // bits 3-0: IOCHK# and SERR# disable, speaker, gate 2
}

const (
	port61Gate2    = 1 << 0
	port61Writable = 0x0f
	port61Refresh  = 1 << 4
	port61Out2     = 1 << 5
	// refreshTicks is how often memory is refreshed, as channel 1 was set
	// on the PC/AT: every 15 µs bit 4 changes.
	refreshTicks = 18
)

func NewPort61(clock Clock, pit *PIT) *Port61 { return &Port61{clock: clock, pit: pit} }

func (p *Port61) Name() string      { return "port61" }
func (p *Port61) State() any        { return &p.state }
func (p *Port61) Regions() []Region { return []Region{{Ports, 0x61, 1}} }

// Speaker is the level that the loudspeaker gets.
func (p *Port61) Speaker() bool { return p.state.Control&2 != 0 && p.pit.Out2() }

func (p *Port61) Read(a Access) uint64 {
	return readBytes(a, func(port uint64) uint8 {
		if port != 0x61 {
			return 0xff
		}
		value := p.state.Control
		if PITFrequency.Ticks(p.clock.Now())/refreshTicks&1 != 0 {
			value |= port61Refresh
		}
		if p.pit.Out2() {
			value |= port61Out2
		}
		return value
	})
}

func (p *Port61) Write(a Access, value uint64) {
	if a.Address != 0x61 {
		return
	}
	p.state.Control = uint8(value) & port61Writable
	p.pit.Gate2(p.state.Control&port61Gate2 != 0)
}
