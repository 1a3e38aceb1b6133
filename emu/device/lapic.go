// SPDX-License-Identifier: GPL-2.0-or-later

package device

// LAPIC is the local APIC of the only CPU in xAPIC mode: 4 KiB of registers
// at the address in IA32_APIC_BASE. Everything here is from the APIC chapter
// of SDM vol. 3A; comments name its sections, whose numbers change with the
// editions.
type LAPIC struct {
	state LAPICState
	clock Clock
	bus   Frequency
	tsc   Frequency
	eoi   EOISink
	intr  Line
}

// LAPICConfig says what a [LAPIC] is wired to.
type LAPICConfig struct {
	Clock Clock
	ID    uint8
	Bus   Frequency // what the timer's divider divides; 0 is 1 GHz
	TSC   Frequency // the time stamp counter's; 0 is 1 GHz
	EOI   EOISink   // gets EOI broadcasts; may be nil
	INTR  Line      // follows [LAPIC.Pending]; may be nil
}

// LAPICState is all of a [LAPIC] that changes.
type LAPICState struct {
	Base          uint64 // IA32_APIC_BASE
	ISR, TMR, IRR [8]uint32
	LVT           [lvtEntries]uint32
	ID, TPR       uint8
	LDR, DFR, SVR uint32
	ICR           uint64
	ESR           uint32 // as software reads it
	Errors        uint32 // since ESR was last written
	Divide        uint32
	Pin           [2]bool // LINT0 and LINT1
	ExtINT        bool    // an ExtINT message waits for its acknowledgement
	NMI           bool    // an NMI waits for the CPU
	Timer         LAPICTimer
}

// LVTEntry is one of the local vector table, in the order of the registers.
type LVTEntry int

const (
	LVTTimer LVTEntry = iota
	LVTThermal
	LVTPerformance
	LVTLINT0
	LVTLINT1
	LVTError
	lvtEntries
)

// LAPICBase is where the registers are after reset.
const LAPICBase = 0xfee00000

const (
	apicBaseBSP    = 1 << 8
	apicBaseEnable = 1 << 11
	// apicBaseReserved are bits that raise #GP when set: all but BSP, enable
	// and a base below 2^52; x2APIC (bit 10) is not offered.
	apicBaseReserved = 0xfff0_0000_0000_06ff

	// lapicVersion is an integrated APIC with six LVT entries and without
	// suppression of EOI broadcasts ("Local APIC Version Register").
	lapicVersion = 0x14 | uint32(lvtEntries-1)<<16

	svrEnable   = 1 << 8
	svrWritable = 0x3ff

	lvtMasked    = 1 << 16
	lvtLevel     = 1 << 15
	lvtRemoteIRR = 1 << 14
)

// lvtWritable are the bits of each entry that software sets ("Local Vector
// Table", figure).
var lvtWritable = [lvtEntries]uint32{
	LVTTimer: 0x700ff, LVTThermal: 0x107ff, LVTPerformance: 0x107ff,
	LVTLINT0: 0x1a7ff, LVTLINT1: 0x1a7ff, LVTError: 0x100ff,
}

// Error status register bits ("Error Handling").
const (
	esrSendIllegalVector    = 1 << 5
	esrReceiveIllegalVector = 1 << 6
	esrIllegalRegister      = 1 << 7
)

// NewLAPIC has an enabled APIC after power-up; its LVT is masked and its
// software-enable bit clear until software, or [LAPIC.VirtualWire], sets it up.
func NewLAPIC(cfg LAPICConfig) *LAPIC {
	l := &LAPIC{clock: cfg.Clock, bus: cfg.Bus, tsc: cfg.TSC, eoi: cfg.EOI, intr: cfg.INTR}
	if l.bus == 0 {
		l.bus = nanosecondsPerSecond
	}
	if l.tsc == 0 {
		l.tsc = nanosecondsPerSecond
	}
	l.state.Base = LAPICBase | apicBaseEnable | apicBaseBSP
	l.state.ID = cfg.ID
	l.powerUp()
	return l
}

// powerUp is "Local APIC State After Power-Up or Reset". The pins keep their
// levels, IA32_APIC_BASE its value.
func (l *LAPIC) powerUp() {
	s := &l.state
	*s = LAPICState{
		Base: s.Base, ID: s.ID, Pin: s.Pin, NMI: s.NMI,
		DFR: 0xffffffff, SVR: 0xff,
		Timer: LAPICTimer{TSCOffset: s.Timer.TSCOffset, Deadline: Never},
	}
	for i := range s.LVT {
		s.LVT[i] = lvtMasked
	}
}

// VirtualWire is what firmware leaves on a PC (MultiProcessor Specification
// 3.6.2.2): the APIC enabled, LINT0 passes the 8259's interrupts, LINT1 NMI.
func (l *LAPIC) VirtualWire() {
	l.state.SVR = svrEnable | 0xff
	l.state.LVT[LVTLINT0] = uint32(DeliverExtINT) << 8
	l.state.LVT[LVTLINT1] = uint32(DeliverNMI) << 8
	l.update()
}

func (l *LAPIC) Name() string { return "lapic" }
func (l *LAPIC) State() any   { return &l.state }

// Regions moves with IA32_APIC_BASE, and is empty while the APIC is disabled
// there: ask again after [LAPIC.SetBase] and after a restore.
func (l *LAPIC) Regions() []Region {
	if !l.Enabled() {
		return nil
	}
	return []Region{{Memory, l.state.Base &^ 0xfff, 0x1000}}
}

// Base is IA32_APIC_BASE as RDMSR gives it.
func (l *LAPIC) Base() uint64 { return l.state.Base }

// Enabled is the global enable bit of IA32_APIC_BASE. While it is clear the
// CPU has plain INTR and NMI pins.
func (l *LAPIC) Enabled() bool { return l.state.Base&apicBaseEnable != 0 }

// SetBase is WRMSR to IA32_APIC_BASE; false means #GP: a reserved bit, or
// x2APIC mode, which CPUID must not offer. Disabling the APIC loses its state
// ("Enabling or Disabling the Local APIC").
func (l *LAPIC) SetBase(value uint64) bool {
	if value&apicBaseReserved != 0 {
		return false
	}
	wasEnabled := l.Enabled()
	l.state.Base = value&^apicBaseBSP | l.state.Base&apicBaseBSP
	if wasEnabled && !l.Enabled() {
		l.powerUp()
	}
	l.update()
	return true
}

// update tells the CPU.
func (l *LAPIC) update() { l.intr.set(l.Pending()) }

func (l *LAPIC) softwareEnabled() bool { return l.state.SVR&svrEnable != 0 }

// Next and Advance are the timer's.
func (l *LAPIC) Next() Time { return l.nextTimer() }

func (l *LAPIC) Advance(now Time) {
	l.advanceTimer(now)
	l.update()
}

// logError collects errors until ESR is written; the first raises the error
// interrupt, which a write to ESR arms again.
func (l *LAPIC) logError(bit uint32) {
	first := l.state.Errors == 0
	l.state.Errors |= bit
	if first {
		l.Raise(LVTError)
	}
}
