// SPDX-License-Identifier: GPL-2.0-or-later

package device

// PMTimerFrequency is that of ACPI's power management timer.
const PMTimerFrequency Frequency = 3_579_545

// ACPIPM is ACPI's fixed hardware (ACPI 6.4, 4.8): the PM1a event block, the
// PM1a control block and the PM timer, in the places that the FADT tells.
// There is no SMI command port, so that the machine is always in ACPI mode.
type ACPIPM struct {
	state    ACPIPMState
	clock    Clock
	base     uint64
	sci      Line
	powerOff func()
}

// ACPIPMConfig says where an [ACPIPM] is and what it is wired to.
type ACPIPMConfig struct {
	Clock    Clock
	Base     uint64 // the first port; 0 is [PMBase]
	SCI      Line
	PowerOff func()
}

// ACPIPMState is all of an [ACPIPM] that changes.
type ACPIPMState struct {
	Status, Enable, Control uint16
	Wraps                   uint64 // changes of the timer's bit 23 seen so far
}

// PMBase is where the PM blocks are by default: events at +0, control at +4,
// the timer at +8.
const (
	PMBase    = 0x600
	pmStatus  = 0x0
	pmEnable  = 0x2
	pmControl = 0x4
	pmTimer   = 0x8
	pmSize    = 0xc
)

// Bits of the PM1 registers (tables "PM1 Status Registers Fixed Hardware
// Feature Status Bits" and following).
const (
	pmTimerStatus   = 1 << 0
	pmGlobalStatus  = 1 << 5
	pmPowerButton   = 1 << 8
	pmWakeStatus    = 1 << 15
	pmEvents        = pmTimerStatus | pmGlobalStatus | pmPowerButton
	pmSCIEnable     = 1 << 0
	pmSleepEnable   = 1 << 13
	pmControlKept   = 0x1c02 // BM_RLD and SLP_TYP
	pmSleepType     = 10     // the shift
	sleepTypeS5     = 5      // what \_S5 in the DSDT says
	pmTimerTop      = 23     // the bit whose changes set TMR_STS
	pmTimerMask     = 1<<24 - 1
	pmStatusSettled = pmEvents | pmWakeStatus
)

func NewACPIPM(cfg ACPIPMConfig) *ACPIPM {
	p := &ACPIPM{clock: cfg.Clock, base: cfg.Base, sci: cfg.SCI, powerOff: cfg.PowerOff}
	if p.base == 0 {
		p.base = PMBase
	}
	return p
}

func (p *ACPIPM) Name() string      { return "acpi-pm" }
func (p *ACPIPM) State() any        { return &p.state }
func (p *ACPIPM) Regions() []Region { return []Region{{Ports, p.base, pmSize}} }

// Next is the next change of the timer's highest bit, if that interrupts.
func (p *ACPIPM) Next() Time {
	if p.state.Enable&pmTimerStatus == 0 || p.state.Status&pmTimerStatus != 0 {
		return Never
	}
	return PMTimerFrequency.At((p.state.Wraps + 1) << pmTimerTop)
}

func (p *ACPIPM) Advance(now Time) {
	if wraps := PMTimerFrequency.Ticks(now) >> pmTimerTop; wraps > p.state.Wraps {
		p.state.Wraps = wraps
		p.state.Status |= pmTimerStatus
	}
	p.update()
}

// update drives the SCI, a level.
func (p *ACPIPM) update() { p.sci.set(p.state.Status&p.state.Enable&pmEvents != 0) }

// PowerButton is somebody pressing it.
func (p *ACPIPM) PowerButton() {
	p.state.Status |= pmPowerButton
	p.update()
}

func (p *ACPIPM) Read(a Access) uint64 {
	now := p.clock.Now()
	p.Advance(now)
	timer := uint32(PMTimerFrequency.Ticks(now) & pmTimerMask)
	return readBytes(a, func(port uint64) uint8 {
		offset := port - p.base
		shift := 8 * (offset & 1)
		switch {
		case offset < pmEnable:
			return uint8(p.state.Status >> shift)
		case offset < pmControl:
			return uint8(p.state.Enable >> shift)
		case offset < pmControl+2:
			return uint8((p.state.Control | pmSCIEnable) >> shift)
		case offset >= pmTimer && offset < pmSize:
			return uint8(timer >> (8 * (offset & 3)))
		}
		return 0xff
	})
}

func (p *ACPIPM) Write(a Access, value uint64) {
	p.Advance(p.clock.Now())
	sleep := false
	writeBytes(a, value, func(port uint64, b uint8) {
		offset := port - p.base
		shift := 8 * (offset & 1)
		mask, bits := uint16(0xff)<<shift, uint16(b)<<shift
		switch {
		case offset < pmEnable: // a status bit is cleared by writing 1
			p.state.Status &^= bits & pmStatusSettled
		case offset < pmControl:
			p.state.Enable = (p.state.Enable&^mask | bits) & pmEvents
		case offset < pmControl+2:
			p.state.Control = (p.state.Control&^mask | bits) & pmControlKept
			sleep = sleep || bits&pmSleepEnable != 0
		}
	})
	p.update()
	if sleep {
		p.sleep()
	}
}

// sleep is SLP_EN: S5 is the only state that the DSDT offers, and other
// values of SLP_TYP do nothing.
func (p *ACPIPM) sleep() {
	if p.state.Control>>pmSleepType&7 == sleepTypeS5 && p.powerOff != nil {
		p.powerOff()
	}
}
