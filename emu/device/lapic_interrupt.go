// SPDX-License-Identifier: GPL-2.0-or-later

package device

import "math/bits"

func setVector(set *[8]uint32, vector uint8)   { set[vector>>5] |= 1 << (vector & 31) }
func clearVector(set *[8]uint32, vector uint8) { set[vector>>5] &^= 1 << (vector & 31) }

func hasVector(set *[8]uint32, vector uint8) bool { return set[vector>>5]>>(vector&31)&1 != 0 }

// highest is the vector of highest priority in a set.
func highest(set *[8]uint32) (uint8, bool) {
	for i := 7; i >= 0; i-- {
		if set[i] != 0 {
			return uint8(i*32 + 31 - bits.LeadingZeros32(set[i])), true
		}
	}
	return 0, false
}

// ProcessorPriority is PPR: the higher of the priority classes of TPR and of
// the highest vector in service; TPR's sub-class counts when TPR is not lower
// ("Task and Processor Priorities").
func (l *LAPIC) ProcessorPriority() uint8 {
	served, _ := highest(&l.state.ISR)
	if l.state.TPR>>4 >= served>>4 {
		return l.state.TPR
	}
	return served & 0xf0
}

// arbitrationPriority is APR, as the P6 family had it: the highest of TPR,
// ISRV and IRRV.
func (l *LAPIC) arbitrationPriority() uint8 {
	served, _ := highest(&l.state.ISR)
	wanted, _ := highest(&l.state.IRR)
	tpr := l.state.TPR
	if tpr>>4 >= wanted>>4 && tpr>>4 > served>>4 {
		return tpr
	}
	return max(tpr&0xf0, served&0xf0, wanted&0xf0)
}

// CR8 is TPR's class, as the CPU's control register 8 shows it.
func (l *LAPIC) CR8() uint8 { return l.state.TPR >> 4 }

// SetCR8 is a MOV to CR8, which clears TPR's low four bits.
func (l *LAPIC) SetCR8(value uint8) {
	l.state.TPR = value << 4
	l.update()
}

// accept takes a fixed interrupt into IRR; a second one before the first is
// dispatched is the same one.
func (l *LAPIC) accept(vector uint8, level bool) bool {
	if !l.Enabled() || !l.softwareEnabled() {
		return false
	}
	if vector < 16 {
		l.logError(esrReceiveIllegalVector)
		return false
	}
	setVector(&l.state.IRR, vector)
	clearVector(&l.state.TMR, vector)
	if level {
		setVector(&l.state.TMR, vector)
	}
	return true
}

// next is the vector that the CPU would get: the highest in IRR, if its class
// is above that of PPR.
func (l *LAPIC) next() (uint8, bool) {
	vector, ok := highest(&l.state.IRR)
	if !ok || vector>>4 <= l.ProcessorPriority()>>4 {
		return 0, false
	}
	return vector, true
}

// extINT says that the CPU is to fetch a vector from the 8259, which neither
// TPR nor PPR holds back: LINT0 passes it on, or a message came.
func (l *LAPIC) extINT() bool {
	if !l.Enabled() {
		return l.state.Pin[0]
	}
	if l.state.ExtINT {
		return true
	}
	for i, level := range l.state.Pin {
		lvt := l.state.LVT[LVTLINT0+LVTEntry(i)]
		if level && lvt&lvtMasked == 0 && lvtMode(lvt) == DeliverExtINT {
			return true
		}
	}
	return false
}

func lvtMode(lvt uint32) DeliveryMode { return DeliveryMode(lvt >> 8 & 7) }

// Pending says that the CPU's INTR is asserted.
func (l *LAPIC) Pending() bool {
	if l.extINT() {
		return true
	}
	_, ok := l.next()
	return ok
}

// Acknowledge moves the vector from IRR to ISR. It is not ok when the vector
// is to be fetched from the 8259 instead. When the interrupt has gone, the
// spurious vector comes, which sets no ISR bit ("Spurious Interrupt").
func (l *LAPIC) Acknowledge() (vector uint8, ok bool) {
	if l.extINT() {
		l.state.ExtINT = false
		l.update()
		return 0, false
	}
	vector, ok = l.next()
	if !ok {
		return uint8(l.state.SVR), true
	}
	clearVector(&l.state.IRR, vector)
	setVector(&l.state.ISR, vector)
	l.update()
	return vector, true
}

// endOfInterrupt clears the highest bit in service; for a level-triggered
// vector the EOI is broadcast to the IOAPICs ("Signaling Interrupt Servicing
// Completion").
func (l *LAPIC) endOfInterrupt() {
	vector, ok := highest(&l.state.ISR)
	if !ok {
		return
	}
	clearVector(&l.state.ISR, vector)
	if !hasVector(&l.state.TMR, vector) {
		return
	}
	for entry := LVTLINT0; entry <= LVTLINT1; entry++ {
		lvt := &l.state.LVT[entry]
		if *lvt&lvtRemoteIRR != 0 && uint8(*lvt) == vector {
			*lvt &^= lvtRemoteIRR
			if l.state.Pin[entry-LVTLINT0] {
				l.Raise(entry)
			}
		}
	}
	if l.eoi != nil {
		l.eoi.EndOfInterrupt(vector)
	}
}

// LINT is one of the pins LINT0 and LINT1.
func (l *LAPIC) LINT(pin int) Line {
	if pin < 0 || pin > 1 {
		return func(bool) {}
	}
	entry := LVTLINT0 + LVTEntry(pin)
	return func(level bool) {
		was := l.state.Pin[pin]
		l.state.Pin[pin] = level
		if level && (!was || l.state.LVT[entry]&lvtLevel != 0) {
			l.pinAsserted(entry)
		}
		l.update()
	}
}

// pinAsserted: while the APIC is globally disabled LINT1 is the NMI pin.
func (l *LAPIC) pinAsserted(entry LVTEntry) {
	if l.Enabled() {
		l.Raise(entry)
		return
	}
	if entry == LVTLINT1 {
		l.state.NMI = true
	}
}

// Raise is a local interrupt through the entry of the LVT: that of the timer,
// a thermal sensor, a performance counter, a pin, or an error.
func (l *LAPIC) Raise(entry LVTEntry) {
	if entry < 0 || entry >= lvtEntries || !l.Enabled() {
		return
	}
	lvt := &l.state.LVT[entry]
	if *lvt&lvtMasked != 0 {
		return
	}
	pin := entry == LVTLINT0 || entry == LVTLINT1
	switch mode := lvtMode(*lvt); {
	case mode == DeliverNMI:
		l.state.NMI = true
	case mode == Fixed && pin && *lvt&lvtLevel != 0:
		if *lvt&lvtRemoteIRR == 0 && l.accept(uint8(*lvt), true) {
			*lvt |= lvtRemoteIRR
		}
	case mode == Fixed:
		l.accept(uint8(*lvt), false)
	} // ExtINT is a level, see extINT; SMI and INIT have nowhere to go
	if entry == LVTPerformance {
		*lvt |= lvtMasked // a counter's interrupt masks itself
	}
	l.update()
}

// NMIPending and TakeNMI are the CPU's: an NMI is one, however often asked for.
func (l *LAPIC) NMIPending() bool { return l.state.NMI }

func (l *LAPIC) TakeNMI() bool {
	was := l.state.NMI
	l.state.NMI = false
	return was
}
