// SPDX-License-Identifier: GPL-2.0-or-later

package device

// Register offsets ("The Local APIC Block Diagram", register address map).
const (
	lapicID      = 0x020
	lapicVer     = 0x030
	lapicTPR     = 0x080
	lapicAPR     = 0x090
	lapicPPR     = 0x0a0
	lapicEOI     = 0x0b0
	lapicRRD     = 0x0c0
	lapicLDR     = 0x0d0
	lapicDFR     = 0x0e0
	lapicSVR     = 0x0f0
	lapicISR     = 0x100
	lapicTMR     = 0x180
	lapicIRR     = 0x200
	lapicESR     = 0x280
	lapicICRLow  = 0x300
	lapicICRHigh = 0x310
	lapicLVT     = 0x320
	lapicInitial = 0x380
	lapicCurrent = 0x390
	lapicDivide  = 0x3e0
)

// Read gives a 32-bit register, which lies in the low 4 of 16 bytes; the other
// 12 read as 0.
func (l *LAPIC) Read(a Access) uint64 {
	l.Advance(l.clock.Now())
	offset := a.Address & 0xfff
	if offset&15 > 3 {
		return 0
	}
	value := uint64(l.readRegister(offset&^15)) >> (8 * (offset & 3))
	l.update()
	return truncate(value, a.Size)
}

func (l *LAPIC) readRegister(offset uint64) uint32 {
	s := &l.state
	switch {
	case offset >= lapicISR && offset < lapicTMR:
		return s.ISR[offset>>4&7]
	case offset >= lapicTMR && offset < lapicIRR:
		return s.TMR[offset>>4&7]
	case offset >= lapicIRR && offset < lapicESR:
		return s.IRR[offset>>4&7]
	case offset >= lapicLVT && offset < lapicInitial:
		return s.LVT[(offset-lapicLVT)>>4]
	}
	switch offset {
	case lapicID:
		return uint32(s.ID) << 24
	case lapicVer:
		return lapicVersion
	case lapicTPR:
		return uint32(s.TPR)
	case lapicAPR:
		return uint32(l.arbitrationPriority())
	case lapicPPR:
		return uint32(l.ProcessorPriority())
	case lapicEOI, lapicRRD: // write only, and without anybody remote to read
		return 0
	case lapicLDR:
		return s.LDR
	case lapicDFR:
		return s.DFR
	case lapicSVR:
		return s.SVR
	case lapicESR:
		return s.ESR
	case lapicICRLow:
		return uint32(s.ICR)
	case lapicICRHigh:
		return uint32(s.ICR >> 32)
	case lapicInitial:
		return s.Timer.Initial
	case lapicCurrent:
		return l.currentCount()
	case lapicDivide:
		return s.Divide
	}
	l.logError(esrIllegalRegister)
	return 0
}

// Write takes 32-bit stores on a 16-byte boundary. What others do is left to
// the model of CPU; here it is nothing.
func (l *LAPIC) Write(a Access, value uint64) {
	l.Advance(l.clock.Now())
	offset := a.Address & 0xfff
	if offset&15 != 0 || a.Size < 4 {
		return
	}
	l.writeRegister(offset, uint32(value))
	l.update()
}

func (l *LAPIC) writeRegister(offset uint64, value uint32) {
	s := &l.state
	switch {
	case offset >= lapicLVT && offset < lapicInitial:
		l.writeLVT(LVTEntry((offset-lapicLVT)>>4), value)
		return
	case offset >= lapicISR && offset < lapicESR: // read only
		return
	}
	switch offset {
	case lapicVer, lapicAPR, lapicPPR, lapicRRD, lapicCurrent: // read only
	case lapicID:
		s.ID = uint8(value >> 24)
	case lapicTPR:
		s.TPR = uint8(value)
	case lapicEOI:
		l.endOfInterrupt()
	case lapicLDR:
		s.LDR = value & 0xff000000
	case lapicDFR:
		s.DFR = value | 0x0fffffff
	case lapicSVR:
		l.writeSVR(value)
	case lapicESR:
		s.ESR, s.Errors = s.Errors, 0
	case lapicICRHigh:
		s.ICR = s.ICR&0xffffffff | uint64(value&0xff000000)<<32
	case lapicICRLow:
		// The delivery status (bit 12) is idle again at once.
		s.ICR = s.ICR&^0xffffffff | uint64(value&0x000ccfff)
		l.send(s.ICR)
	case lapicInitial:
		l.writeInitialCount(value)
	case lapicDivide:
		l.writeDivide(value)
	default:
		l.logError(esrIllegalRegister)
	}
}

// writeSVR: while the APIC is software-disabled, all LVT entries are masked
// and stay so ("Local APIC State After It Has Been Software Disabled").
func (l *LAPIC) writeSVR(value uint32) {
	l.state.SVR = value & svrWritable
	if l.softwareEnabled() {
		return
	}
	for i := range l.state.LVT {
		l.state.LVT[i] |= lvtMasked
	}
}

func (l *LAPIC) writeLVT(entry LVTEntry, value uint32) {
	old := l.state.LVT[entry]
	next := value & lvtWritable[entry]
	if !l.softwareEnabled() {
		next |= lvtMasked
	}
	if next&lvtLevel != 0 {
		next |= old & lvtRemoteIRR
	}
	l.state.LVT[entry] = next
	switch entry {
	case LVTTimer:
		l.timerModeChanged(old, next)
	case LVTLINT0, LVTLINT1:
		// A level that is there when the entry is unmasked is an interrupt.
		if next&lvtLevel != 0 && l.state.Pin[entry-LVTLINT0] {
			l.Raise(entry)
		}
	}
}
