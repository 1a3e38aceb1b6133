// SPDX-License-Identifier: GPL-2.0-or-later

package device

// Destination shorthands of the ICR, bits 19-18.
const (
	icrNoShorthand = 0
	icrSelf        = 1
	icrAll         = 2 // including self
	icrLogical     = 1 << 11
)

// send is a write to the low half of the ICR ("Issuing Interprocessor
// Interrupts"). There is one CPU: a message that doesn't mean it goes nowhere.
func (l *LAPIC) send(icr uint64) {
	m := Message{
		Vector:      uint8(icr),
		Mode:        DeliveryMode(icr >> 8 & 7),
		Logical:     icr&icrLogical != 0,
		Destination: uint8(icr >> 56),
	}
	if (m.Mode == Fixed || m.Mode == LowestPriority) && m.Vector < 16 {
		l.logError(esrSendIllegalVector)
		return
	}
	switch icr >> 18 & 3 {
	case icrNoShorthand:
		l.Deliver(m)
	case icrSelf, icrAll:
		// With these shorthands only fixed interrupts are valid (tables of the
		// valid combinations of the ICR).
		if m.Mode == Fixed {
			l.accept(m.Vector, false)
		}
	}
}

// Deliver takes a message from the bus and says whether it was for this APIC
// and accepted. INIT, SMI and start-up have nothing to act on with a single
// CPU, and are taken without effect.
func (l *LAPIC) Deliver(m Message) bool {
	if !l.Enabled() || !l.matches(m) {
		return false
	}
	accepted := true
	switch m.Mode {
	case Fixed, LowestPriority:
		accepted = l.accept(m.Vector, m.Level)
	case DeliverNMI:
		l.state.NMI = true
	case DeliverExtINT:
		l.state.ExtINT = true
	}
	l.update()
	return accepted
}

// matches is "Determining IPI Destination".
func (l *LAPIC) matches(m Message) bool {
	if m.Destination == 0xff {
		return true
	}
	if !m.Logical {
		return m.Destination == l.state.ID
	}
	id := uint8(l.state.LDR >> 24)
	if l.state.DFR>>28 == 0xf { // flat model: a bit for each APIC
		return id&m.Destination != 0
	}
	// Cluster model: the high half is the cluster, 15 being all of them.
	cluster := m.Destination >> 4
	return (cluster == 0xf || cluster == id>>4) && id&m.Destination&0xf != 0
}
