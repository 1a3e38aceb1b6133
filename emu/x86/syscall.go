// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Vendor selects between Intel's and AMD's word where they differ: the
// non-canonical RCX of SYSRET, the modes of SYSCALL and SYSENTER, what SYSRET
// makes of SS.
type Vendor uint8

const (
	Intel Vendor = iota
	AMD
)

// String is the vendor as --cpu spells it.
func (v Vendor) String() string {
	if v == AMD {
		return "amd"
	}
	return "intel"
}

// The segments that fast system calls load don't come from a table (SDM
// vol. 2B, SYSCALL, SYSRET, SYSENTER, SYSEXIT).
const (
	flatCode = AttrP | AttrS | AttrCode | AttrReadable | AttrAccessed | AttrG
	flatData = AttrP | AttrS | AttrWritable | AttrAccessed | AttrG | AttrDB
)

func flatSegment(selector uint16, attr uint32, dpl int) Segment {
	return Segment{Selector: selector, Limit: 0xffffffff, Attr: attr | uint32(dpl)<<13}
}

// codeSize is L for 64-bit code, D for 32-bit.
func codeSize(wide bool) uint32 {
	if wide {
		return AttrL
	}
	return AttrDB
}

// SYSCALL executes the instruction, which is length bytes long (SDM vol. 2B,
// SYSCALL; AMD64 APM vol. 3, SYSCALL). It saves neither RSP nor SS, and
// doesn't check LSTAR: WRMSR did. A single step over it is taken by TF as it
// is after FMASK was applied; see [StepRule].
func SYSCALL(s *State, vendor Vendor, length int) *Exception {
	if s.EFER&EFERSCE == 0 || s.CR0&CR0PE == 0 {
		return raiseUD()
	}
	if !s.Code64() && vendor == Intel {
		return raiseUD()
	}
	next := s.RIP + uint64(length)
	selector := uint16(s.STAR>>32) &^ 3
	s.Seg[SS] = flatSegment(uint16(s.STAR>>32)+8, flatData, 0)
	if !s.LongMode() { // AMD's legacy mode: EIP from STAR, only RF, IF and VM cleared
		s.GPR[RCX] = uint64(uint32(next))
		s.RIP = uint64(uint32(s.STAR))
		s.RFLAGS = s.RFLAGS&^(FlagIF|FlagRF|FlagVM) | FlagFixed
		s.Seg[CS] = flatSegment(selector, flatCode|AttrDB, 0)
		s.Shadow = ShadowNone
		return nil
	}
	s.GPR[RCX] = next
	s.GPR[R11] = s.RFLAGS&^FlagRF | FlagFixed
	s.RIP = s.LSTAR
	if !s.Code64() { // AMD's compatibility mode
		s.GPR[RCX] = uint64(uint32(next))
		s.RIP = s.CSTAR
	}
	s.RFLAGS = s.RFLAGS&^(s.FMASK|FlagRF) | FlagFixed
	s.Seg[CS] = flatSegment(selector, flatCode|AttrL, 0)
	s.Shadow = ShadowNone
	return nil
}

// flagsSYSRET are the flags that SYSRET takes from R11: all but RF and VM.
const flagsSYSRET = 0x3c7fd7

// SYSRET executes SYSRETQ where wide is set, else SYSRETL (SDM vol. 2B,
// SYSRET; AMD64 APM vol. 3, SYSRET). With a non-canonical RCX an Intel CPU
// raises #GP(0) at the SYSRETQ, at CPL 0 with the RSP that the kernel has
// already set to the user's; an AMD CPU completes it, and the #GP(0) comes
// with the fetch at CPL 3.
func SYSRET(s *State, vendor Vendor, wide bool) *Exception {
	if s.EFER&EFERSCE == 0 || s.CR0&CR0PE == 0 {
		return raiseUD()
	}
	if !s.Code64() && vendor == Intel {
		return raiseUD()
	}
	if s.CPL() != 0 {
		return raiseGP0()
	}
	wide = wide && s.Code64()
	if wide && vendor == Intel && !s.Canonical(s.GPR[RCX]) {
		return raiseGP0()
	}
	selector := uint16(s.STAR >> 48)
	s.Seg[SS] = sysretStack(s.Seg[SS], selector+8|3, vendor)
	s.RIP = s.GPR[RCX]
	if wide {
		selector += 16
	} else {
		s.RIP = uint64(uint32(s.RIP))
	}
	if s.LongMode() {
		s.RFLAGS = s.GPR[R11]&flagsSYSRET | FlagFixed
	} else {
		s.RFLAGS |= FlagIF | FlagFixed
	}
	s.Seg[CS] = flatSegment(selector|3, flatCode|codeSize(wide), 3)
	s.Shadow = ShadowNone
	return nil
}

// sysretStack is SS after SYSRET. Intel loads a flat segment. AMD changes
// the selector alone (what Linux calls X86_BUG_SYSRET_SS_ATTRS); the DPL is
// set even so, as it stands for the CPL here.
func sysretStack(old Segment, selector uint16, vendor Vendor) Segment {
	if vendor == Intel {
		return flatSegment(selector, flatData, 3)
	}
	old.Selector = selector
	old.Attr |= AttrDPL
	return old
}

// SYSENTER executes the instruction (SDM vol. 2B, SYSENTER). TF is not
// cleared: a single step over it comes at the first instruction of the
// kernel.
func SYSENTER(s *State, vendor Vendor) *Exception {
	if vendor == AMD && s.LongMode() {
		return raiseUD() // AMD64 APM vol. 3, SYSENTER: legacy mode only
	}
	if s.CR0&CR0PE == 0 || s.SysenterCS&0xfffc == 0 {
		return raiseGP0()
	}
	selector := uint16(s.SysenterCS) &^ 3
	s.RFLAGS = s.RFLAGS&^(FlagVM|FlagIF|FlagRF) | FlagFixed
	s.GPR[RSP], s.RIP = s.SysenterESP, s.SysenterEIP
	if !s.LongMode() {
		s.GPR[RSP], s.RIP = uint64(uint32(s.GPR[RSP])), uint64(uint32(s.RIP))
	}
	s.Seg[CS] = flatSegment(selector, flatCode|codeSize(s.LongMode()), 0)
	s.Seg[SS] = flatSegment(selector+8, flatData, 0)
	s.Shadow = ShadowNone
	return nil
}

// SYSEXIT executes the instruction, with a 64-bit operand where wide is set
// (SDM vol. 2B, SYSEXIT).
func SYSEXIT(s *State, vendor Vendor, wide bool) *Exception {
	if vendor == AMD && s.LongMode() {
		return raiseUD()
	}
	if s.CR0&CR0PE == 0 || s.CPL() != 0 || s.SysenterCS&0xfffc == 0 {
		return raiseGP0()
	}
	wide = wide && s.Code64()
	if wide && !(s.Canonical(s.GPR[RDX]) && s.Canonical(s.GPR[RCX])) {
		return raiseGP0()
	}
	selector := uint16(s.SysenterCS)&^3 + 16
	s.RIP, s.GPR[RSP] = s.GPR[RDX], s.GPR[RCX]
	if wide {
		selector += 16
	} else {
		s.RIP, s.GPR[RSP] = uint64(uint32(s.RIP)), uint64(uint32(s.GPR[RSP]))
	}
	s.RFLAGS = s.RFLAGS&^FlagRF | FlagFixed
	s.Seg[CS] = flatSegment(selector|3, flatCode|codeSize(wide), 3)
	s.Seg[SS] = flatSegment(selector+8|3, flatData, 3)
	s.Shadow = ShadowNone
	return nil
}
