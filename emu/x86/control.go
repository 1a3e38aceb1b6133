// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Flush is what a write to a control register makes of cached translations
// (SDM vol. 3A 5.10.4.1). It is what the architecture asks for at least: a
// machine whose translations carry no PCID must drop all but global ones
// wherever CR3 changes.
type Flush uint8

const (
	FlushNone      Flush = iota
	FlushPCID            // of the current PCID, not the global ones
	FlushNonGlobal       // of every PCID, not the global ones
	FlushAll
)

const cr0Writable = CR0PE | CR0MP | CR0EM | CR0TS | CR0NE | CR0WP | CR0AM | CR0NW | CR0CD | CR0PG

// WriteCR0 executes MOV to CR0 (SDM vol. 2B, "MOV - Move to/from Control
// Registers"; vol. 3A 2.5 and 11.8.5). Reserved bits in the lower half are
// ignored, in the upper half they raise #GP(0). Switching paging on or off
// under EFER.LME sets or clears EFER.LMA. The PDPTEs that PAE paging outside
// IA-32e mode loads are the caller's to read; see [LoadsPDPTEs].
func (c *CPU) WriteCR0(s *State, v uint64) (Flush, *Exception) {
	if s.CPL() != 0 || v>>32 != 0 {
		return FlushNone, raiseGP0()
	}
	if v&CR0PG != 0 && v&CR0PE == 0 || v&CR0NW != 0 && v&CR0CD == 0 {
		return FlushNone, raiseGP0()
	}
	efer := s.EFER
	switch before, after := s.CR0&CR0PG != 0, v&CR0PG != 0; {
	case !before && after && s.EFER&EFERLME != 0:
		tss16 := !s.TR.Null() && s.TR.Type() <= TypeTSS16Busy
		if s.CR4&CR4PAE == 0 || s.Seg[CS].Attr&AttrL != 0 || tss16 {
			return FlushNone, raiseGP0()
		}
		efer |= EFERLMA
	case before && !after:
		if s.Code64() || s.CR4&CR4PCIDE != 0 {
			return FlushNone, raiseGP0()
		}
		efer &^= EFERLMA
	}
	changed := s.CR0 ^ v
	s.CR0, s.EFER = v&cr0Writable|CR0ET, efer
	if changed&(CR0PG|CR0PE|CR0WP) != 0 {
		return FlushAll, nil
	}
	return FlushNone, nil
}

// LMSW executes the instruction: it loads bits 0 to 3 of CR0 and can set PE
// but not clear it (SDM vol. 2A, LMSW).
func (c *CPU) LMSW(s *State, v uint16) (Flush, *Exception) {
	const low = CR0PE | CR0MP | CR0EM | CR0TS
	return c.WriteCR0(s, s.CR0&^(low&^CR0PE)|uint64(v)&low)
}

// CLTS executes the instruction (SDM vol. 2A, CLTS).
func CLTS(s *State) *Exception {
	if s.CPL() != 0 {
		return raiseGP0()
	}
	s.CR0 &^= CR0TS
	return nil
}

// WriteCR2 executes MOV to CR2, which takes any value.
func (c *CPU) WriteCR2(s *State, v uint64) *Exception {
	if s.CPL() != 0 {
		return raiseGP0()
	}
	s.CR2 = v
	return nil
}

// WriteCR3 executes MOV to CR3. Outside IA-32e mode only 32 bits are
// written. In it, bits from MAXPHYADDR on raise #GP(0), but for bit 63 with
// CR4.PCIDE: it says that nothing of the new PCID need be flushed, and isn't
// stored.
func (c *CPU) WriteCR3(s *State, v uint64) (Flush, *Exception) {
	if s.CPL() != 0 {
		return FlushNone, raiseGP0()
	}
	pcide := s.CR4&CR4PCIDE != 0
	keep := pcide && v&CR3NoFlush != 0
	if pcide {
		v &^= CR3NoFlush
	}
	if s.LongMode() && v>>PhysicalBits != 0 {
		return FlushNone, raiseGP0()
	}
	s.CR3 = v
	switch {
	case keep:
		return FlushNone, nil
	case pcide:
		return FlushPCID, nil
	}
	return FlushNonGlobal, nil
}

// cr4Features are the bits of CR4 that a feature brings; the others of
// cr4Always are there on every CPU.
var cr4Features = [...]struct {
	bit uint64
	f   Feature
}{
	{CR4PGE, PGE}, {CR4LA57, LA57}, {CR4FSGSBASE, FSGSBASE}, {CR4PCIDE, PCID},
	{CR4OSXSAVE, XSAVE}, {CR4SMEP, SMEP}, {CR4SMAP, SMAP}, {CR4PKE, PKU},
}

const cr4Always = CR4TSD | CR4DE | CR4PSE | CR4PAE | CR4MCE | CR4PCE | CR4OSFXSR | CR4OSXMMEXCPT

// CR4Bits are the bits of CR4 that the CPU lets be set.
func (c *CPU) CR4Bits() uint64 {
	bits := uint64(cr4Always)
	for _, r := range cr4Features {
		if c.Features.Has(r.f) {
			bits |= r.bit
		}
	}
	return bits
}

// WriteCR4 executes MOV to CR4 (SDM vol. 2B; vol. 3A 2.5, 5.10.1, 11.8.5).
func (c *CPU) WriteCR4(s *State, v uint64) (Flush, *Exception) {
	if s.CPL() != 0 || v&^c.CR4Bits() != 0 {
		return FlushNone, raiseGP0()
	}
	changed := s.CR4 ^ v
	if s.LongMode() && (v&CR4PAE == 0 || changed&CR4LA57 != 0) {
		return FlushNone, raiseGP0()
	}
	if changed&v&CR4PCIDE != 0 && (!s.LongMode() || s.CR3&CR3PCID != 0) {
		return FlushNone, raiseGP0()
	}
	s.CR4 = v
	// SDM vol. 3A 5.10.4.1 names PGE, PAE, PSE, LA57, PCIDE when cleared and
	// SMEP when set. SMAP and PKE are here because the translations that a
	// machine caches have their verdict in them.
	if changed&(CR4PGE|CR4PAE|CR4PSE|CR4LA57|CR4PCIDE|CR4SMEP|CR4SMAP|CR4PKE) != 0 {
		return FlushAll, nil
	}
	return FlushNone, nil
}

// WriteCR8 executes MOV to CR8, the task priority.
func (c *CPU) WriteCR8(s *State, v uint64) *Exception {
	if !s.Code64() {
		return raiseUD() // needs REX.R
	}
	if s.CPL() != 0 || v>>4 != 0 {
		return raiseGP0()
	}
	s.CR8 = v
	return nil
}

// XCR0Bits are the state components that the CPU lets be enabled.
func (c *CPU) XCR0Bits() uint64 {
	if !c.Features.Has(XSAVE) {
		return 0
	}
	bits := uint64(XCR0X87 | XCR0SSE)
	if c.Features.Has(PKU) {
		bits |= XCR0PKRU
	}
	return bits
}

// XSETBV executes the instruction with ECX and EDX:EAX (SDM vol. 2D, XSETBV).
func (c *CPU) XSETBV(s *State, index uint32, v uint64) *Exception {
	if s.CR4&CR4OSXSAVE == 0 {
		return raiseUD()
	}
	if s.CPL() != 0 || index != 0 || v&^c.XCR0Bits() != 0 || v&XCR0X87 == 0 {
		return raiseGP0()
	}
	s.XCR0 = v
	return nil
}

// XGETBV executes the instruction with ECX (SDM vol. 2D, XGETBV). XCR0 is
// the only one; the CPU lacks XGETBV with ECX = 1.
func (c *CPU) XGETBV(s *State, index uint32) (uint64, *Exception) {
	if s.CR4&CR4OSXSAVE == 0 {
		return 0, raiseUD()
	}
	if index != 0 {
		return 0, raiseGP0()
	}
	return s.XCR0, nil
}

// WriteEFER is WRMSR of IA32_EFER (SDM vol. 3A 2.2.1 and 11.8.5): LME must
// not change while paging is on, LMA is the CPU's own and what is written to
// it is ignored.
func (c *CPU) WriteEFER(s *State, v uint64) (Flush, *Exception) {
	writable := uint64(EFERSCE | EFERLME)
	if c.Features.Has(NX) {
		writable |= EFERNXE
	}
	v &^= EFERLMA
	if v&^writable != 0 {
		return FlushNone, raiseGP0()
	}
	if (s.EFER^v)&EFERLME != 0 && s.CR0&CR0PG != 0 {
		return FlushNone, raiseGP0()
	}
	changed := s.EFER ^ v
	s.EFER = v | s.EFER&EFERLMA
	if changed&EFERNXE != 0 {
		return FlushAll, nil
	}
	return FlushNone, nil
}
