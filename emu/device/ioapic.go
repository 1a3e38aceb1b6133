// SPDX-License-Identifier: GPL-2.0-or-later

package device

// IOAPIC is Intel's 82093AA at 0xfec00000: 24 inputs, each with an entry of
// the redirection table, which it turns into messages to the local APIC. The
// registers lie behind an index, IOREGSEL, and a window, IOWIN.
type IOAPIC struct {
	state IOAPICState
	bus   MessageSink
}

// IOAPICBase is where a PC has its first IOAPIC; IOAPICInputs is how many
// inputs it has.
const (
	IOAPICBase   = 0xfec00000
	IOAPICInputs = 24
)

// IOAPICState is all of an [IOAPIC] that changes.
type IOAPICState struct {
	Entry  [IOAPICInputs]uint64
	Input  uint32 // the level of each input
	Select uint8
	ID     uint8
}

const (
	ioregsel = 0x00
	iowin    = 0x10

	ioapicID  = 0x00
	ioapicVer = 0x01
	ioapicArb = 0x02
	ioredtbl  = 0x10

	// ioapicVersion has the index of the last entry in bits 23-16.
	ioapicVersion = 0x11 | (IOAPICInputs-1)<<16
)

// Bits of a redirection entry. Delivery status (12) reads idle: a message is
// delivered in no time. INTPOL (13) is kept, but a [Line] is true when
// asserted, whichever voltage that is.
const (
	redirLogical   = 1 << 11
	redirRemoteIRR = 1 << 14
	redirLevel     = 1 << 15
	redirMasked    = 1 << 16
	redirWritable  = 0xff000000_0001afff
)

// NewIOAPIC has a controller after reset, every input masked. Its ID, which
// is 0 by the data sheet, is what firmware gave it and the MADT tells.
func NewIOAPIC(id uint8, bus MessageSink) *IOAPIC {
	i := &IOAPIC{bus: bus}
	i.state.ID = id & 0x0f
	for n := range i.state.Entry {
		i.state.Entry[n] = redirMasked
	}
	return i
}

func (i *IOAPIC) Name() string      { return "ioapic" }
func (i *IOAPIC) State() any        { return &i.state }
func (i *IOAPIC) Regions() []Region { return []Region{{Memory, IOAPICBase, 0x1000}} }

// Line is input pin, 0 to 23.
func (i *IOAPIC) Line(pin int) Line {
	if pin < 0 || pin >= IOAPICInputs {
		return func(bool) {}
	}
	return func(level bool) { i.setInput(pin, level) }
}

// setInput: an edge on a masked input is lost, not held (82093AA, "Interrupt
// Mask"); a level counts for as long as it is there.
func (i *IOAPIC) setInput(pin int, level bool) {
	bit := uint32(1) << pin
	was := i.state.Input&bit != 0
	i.state.Input &^= bit
	if !level {
		return
	}
	i.state.Input |= bit
	if !was || i.level(pin) {
		i.request(pin)
	}
}

func (i *IOAPIC) mode(pin int) DeliveryMode { return DeliveryMode(i.state.Entry[pin] >> 8 & 7) }

// level says that an input is level sensitive. NMI, INIT and ExtINT must be
// programmed as edge triggered, and are taken for edges if they aren't.
func (i *IOAPIC) level(pin int) bool {
	return i.state.Entry[pin]&redirLevel != 0 && i.mode(pin) <= LowestPriority
}

// request sends the message of an input that is asserted, unless it is masked
// or a level-triggered one still in service (Remote IRR).
func (i *IOAPIC) request(pin int) {
	e := &i.state.Entry[pin]
	if *e&redirMasked != 0 || *e&redirRemoteIRR != 0 || i.bus == nil {
		return
	}
	level := i.level(pin)
	accepted := i.bus.Deliver(Message{
		Vector:      uint8(*e),
		Mode:        i.mode(pin),
		Level:       level,
		Logical:     *e&redirLogical != 0,
		Destination: uint8(*e >> 56),
	})
	if level && accepted {
		*e |= redirRemoteIRR
	}
}

// EndOfInterrupt is the EOI message of a local APIC: it clears Remote IRR of
// the level-triggered entries with the vector; an input that is still
// asserted interrupts again.
func (i *IOAPIC) EndOfInterrupt(vector uint8) {
	for pin := range i.state.Entry {
		e := &i.state.Entry[pin]
		if *e&redirRemoteIRR == 0 || uint8(*e) != vector {
			continue
		}
		*e &^= redirRemoteIRR
		i.requestLevel(pin)
	}
}

func (i *IOAPIC) requestLevel(pin int) {
	if i.level(pin) && i.state.Input>>pin&1 != 0 {
		i.request(pin)
	}
}

// Read takes any size, but only IOREGSEL and IOWIN are there.
func (i *IOAPIC) Read(a Access) uint64 {
	switch a.Address & 0xfff {
	case ioregsel:
		return uint64(i.state.Select)
	case iowin:
		return truncate(uint64(i.readRegister()), a.Size)
	}
	return 0
}

func (i *IOAPIC) readRegister() uint32 {
	switch i.state.Select {
	case ioapicID, ioapicArb: // the arbitration ID is loaded with the ID
		return uint32(i.state.ID) << 24
	case ioapicVer:
		return ioapicVersion
	}
	pin, high, ok := i.selected()
	if !ok {
		return 0
	}
	if high {
		return uint32(i.state.Entry[pin] >> 32)
	}
	return uint32(i.state.Entry[pin])
}

// selected is the entry, and which half of it, that IOREGSEL points at.
func (i *IOAPIC) selected() (pin int, high, ok bool) {
	n := int(i.state.Select) - ioredtbl
	return n >> 1, n&1 != 0, n >= 0 && n < 2*IOAPICInputs
}

func (i *IOAPIC) Write(a Access, value uint64) {
	switch a.Address & 0xfff {
	case ioregsel:
		i.state.Select = uint8(value)
	case iowin:
		if a.Size >= 4 { // narrower stores are not supported
			i.writeRegister(uint32(value))
		}
	}
}

func (i *IOAPIC) writeRegister(value uint32) {
	if i.state.Select == ioapicID {
		i.state.ID = uint8(value>>24) & 0x0f
		return
	}
	pin, high, ok := i.selected()
	if !ok {
		return
	}
	e := &i.state.Entry[pin]
	next := *e&0xffffffff_00000000 | uint64(value)
	if high {
		next = *e&0xffffffff | uint64(value)<<32
	}
	// Remote IRR is read only; it means nothing for an edge, so that turning
	// an entry to edge and back clears it, as kernels do to a lost EOI.
	*e = next&redirWritable | *e&redirRemoteIRR
	if *e&redirLevel == 0 {
		*e &^= redirRemoteIRR
	}
	i.requestLevel(pin)
}
