// SPDX-License-Identifier: GPL-2.0-or-later

package device

// Interrupts is how a PC wires its interrupt controllers: each IRQ goes to
// the 8259 pair and to an input of the IOAPIC; the 8259's INTR goes to the
// local APIC's LINT0 and the IOAPIC's input 0 (MultiProcessor Specification
// 3.6.2); NMI goes to LINT1. Without a local APIC, or with one that is
// disabled in IA32_APIC_BASE, the 8259's INTR and NMI are the CPU's.
//
// It is a device without registers: put it on the machine's list beside its
// controllers, for its NMI latch.
//
// After a restore nothing needs to be asserted again between devices, since
// each keeps the levels of its inputs in its own state. The CPU's INTR is for
// the machine to ask for ([Interrupts.Pending]) or to have told
// ([Interrupts.Refresh]).
type Interrupts struct {
	state  InterruptsState
	pic    *PIC
	lapic  *LAPIC
	ioapic *IOAPIC
	intr   Line
}

// InterruptsState is all of [Interrupts] itself that changes.
type InterruptsState struct {
	NMI       bool // latched, without a local APIC
	NMIInput  bool // the level of the line
	NMIMasked bool // bit 7 of port 0x70
	NMILevel  bool // what comes out of that gate
}

// InterruptsConfig says which controllers there are.
type InterruptsConfig struct {
	// LAPIC, when given a clock, adds a local APIC in virtual wire mode; EOI
	// and INTR are filled in.
	LAPIC LAPICConfig
	// IOAPIC adds an IOAPIC with the ID; it needs the local APIC.
	IOAPIC   bool
	IOAPICID uint8
	// INTR is told the level of the CPU's INTR, often without a change; it
	// may be nil.
	INTR Line
}

// NewInterrupts makes the controllers and wires them.
func NewInterrupts(cfg InterruptsConfig) *Interrupts {
	i := &Interrupts{intr: cfg.INTR}
	i.pic = NewPIC(i.picChanged)
	if cfg.LAPIC.Clock == nil {
		return i
	}
	lapic := cfg.LAPIC
	lapic.EOI = i
	lapic.INTR = func(bool) { i.Refresh() }
	i.lapic = NewLAPIC(lapic)
	if cfg.IOAPIC {
		i.ioapic = NewIOAPIC(cfg.IOAPICID, i.lapic)
	}
	i.lapic.VirtualWire()
	return i
}

// PIC, LAPIC and IOAPIC are the controllers; the latter two may be nil.
func (i *Interrupts) PIC() *PIC       { return i.pic }
func (i *Interrupts) LAPIC() *LAPIC   { return i.lapic }
func (i *Interrupts) IOAPIC() *IOAPIC { return i.ioapic }

// Devices are all that the machine has to put on its buses.
func (i *Interrupts) Devices() []Device {
	list := []Device{i, i.pic}
	if i.lapic != nil {
		list = append(list, i.lapic)
	}
	if i.ioapic != nil {
		list = append(list, i.ioapic)
	}
	return list
}

func (i *Interrupts) Name() string         { return "interrupts" }
func (i *Interrupts) State() any           { return &i.state }
func (i *Interrupts) Regions() []Region    { return nil }
func (i *Interrupts) Read(a Access) uint64 { return truncate(^uint64(0), a.Size) }
func (i *Interrupts) Write(Access, uint64) {}

// timerPin is the IOAPIC input that IRQ 0 has on a PC, whose input 0 is taken
// by the 8259; the MADT's interrupt source override says so.
const timerPin = 2

// IRQ is line n: 0 to 15 as ISA has them, 16 to 23 to the IOAPIC alone.
func (i *Interrupts) IRQ(n int) Line {
	toPIC := i.pic.Line(n)
	if i.ioapic == nil || n == cascade {
		return toPIC
	}
	pin := n
	if n == 0 {
		pin = timerPin
	}
	toIOAPIC := i.ioapic.Line(pin)
	return func(level bool) {
		toPIC(level)
		toIOAPIC(level)
	}
}

// picChanged carries the 8259's INTR on.
func (i *Interrupts) picChanged(level bool) {
	if i.lapic != nil {
		i.lapic.LINT(0)(level)
	}
	if i.ioapic != nil {
		i.ioapic.setInput(0, level)
	}
	i.Refresh()
}

// Refresh tells INTR's level to the line that wanted to know.
func (i *Interrupts) Refresh() {
	if i.intr != nil {
		i.intr(i.Pending())
	}
}

func (i *Interrupts) apic() bool { return i.lapic != nil && i.lapic.Enabled() }

// Pending is the level of the CPU's INTR.
func (i *Interrupts) Pending() bool {
	if i.apic() {
		return i.lapic.Pending()
	}
	return i.pic.Pending()
}

// Acknowledge is the CPU taking the interrupt; ok is false when none is
// pending, and then nothing has happened.
func (i *Interrupts) Acknowledge() (vector uint8, ok bool) {
	if !i.Pending() {
		return 0, false
	}
	if i.apic() {
		if vector, ok = i.lapic.Acknowledge(); ok {
			return vector, true
		}
	}
	vector = i.pic.Acknowledge()
	i.Refresh()
	return vector, true
}

// EndOfInterrupt passes the local APIC's EOI broadcast on.
func (i *Interrupts) EndOfInterrupt(vector uint8) {
	if i.ioapic != nil {
		i.ioapic.EndOfInterrupt(vector)
	}
}

// NMILine is the NMI wire from the board, an edge each.
func (i *Interrupts) NMILine() Line {
	return func(level bool) {
		i.state.NMIInput = level
		i.driveNMI()
	}
}

// MaskNMI is bit 7 of port 0x70.
func (i *Interrupts) MaskNMI(masked bool) {
	i.state.NMIMasked = masked
	i.driveNMI()
}

// driveNMI: a local APIC that is disabled latches the edge all the same, as
// its LINT1 is then the NMI pin.
func (i *Interrupts) driveNMI() {
	level := i.state.NMIInput && !i.state.NMIMasked
	if i.lapic != nil {
		i.lapic.LINT(1)(level)
		return
	}
	i.state.NMI = i.state.NMI || level && !i.state.NMILevel
	i.state.NMILevel = level
}

// NMI says that one waits for the CPU.
func (i *Interrupts) NMI() bool {
	return i.state.NMI || i.lapic != nil && i.lapic.NMIPending()
}

// TakeNMI is the CPU taking it.
func (i *Interrupts) TakeNMI() bool {
	was := i.state.NMI
	i.state.NMI = false
	return i.lapic != nil && i.lapic.TakeNMI() || was
}
