// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// MSRs are the registers that are only remembered: plain data. The zero
// value isn't a CPU after reset; NewMSRs is.
type MSRs struct {
	PAT          uint64
	MTRRDefType  uint64
	MTRRVariable [16]uint64 // base and mask in turn
	MTRRFixed    [11]uint64 // 64K, two of 16K, eight of 4K
	MiscEnable   uint64
	MCGStatus    uint64
	DebugCtl     uint64
	SpecCtrl     uint64
	// TSCOffset is the sum of what writes to IA32_TSC and IA32_TSC_ADJUST
	// have moved the counter by, and so the value of IA32_TSC_ADJUST (SDM vol.
	// 3B, "Time-Stamp Counter Adjustment").
	TSCOffset uint64
	AMDSYSCFG uint64
	AMDHWCR   uint64
	AMDNBCFG  uint64
	AMDDECfg  uint64
}

// NewMSRs are the values that a kernel finds: those of reset, and MTRRs as
// firmware sets them, all memory write-back.
func NewMSRs(*CPU) MSRs {
	return MSRs{PAT: PATReset, MTRRDefType: mtrrDefType, MiscEnable: miscEnable, AMDHWCR: hwcr}
}

// Platform is what lies behind the registers that have effects outside of
// State. Values handed to it have passed the CPU's checks.
type Platform interface {
	// TSC is what RDTSC gives, MSRs.TSCOffset included.
	TSC() uint64
	TSCDeadline() uint64
	SetTSCDeadline(uint64)
	APICBase() uint64
	SetAPICBase(uint64)
}

// msrAccess is one RDMSR or WRMSR under way.
type msrAccess struct {
	cpu *CPU
	s   *State
	r   *MSRs
	p   Platform
}

// ReadMSR executes RDMSR with ECX: the value for EDX:EAX, or #GP(0) at a CPL
// that isn't 0 or for a register that the CPU lacks (SDM vol. 2B, RDMSR).
func (c *CPU) ReadMSR(s *State, r *MSRs, p Platform, n MSR) (uint64, *Exception) {
	row, ok := c.msr(n)
	if s.CPL() != 0 || !ok || row.read == nil {
		return 0, raiseGP0()
	}
	return row.read(&msrAccess{c, s, r, p}, n), nil
}

// WriteMSR executes WRMSR with ECX and EDX:EAX (SDM vol. 2D, WRMSR). The
// flush says what becomes of cached translations; only EFER asks for one.
func (c *CPU) WriteMSR(s *State, r *MSRs, p Platform, n MSR, v uint64) (Flush, *Exception) {
	row, ok := c.msr(n)
	if s.CPL() != 0 || !ok || row.write == nil {
		return FlushNone, raiseGP0()
	}
	if n == MSREFER {
		return c.WriteEFER(s, v)
	}
	if !row.write(&msrAccess{c, s, r, p}, n, v) {
		return FlushNone, raiseGP0()
	}
	return FlushNone, nil
}

// msr finds the row of a register that this CPU has.
func (c *CPU) msr(n MSR) (msrRow, bool) {
	row, ok := msrTable[n]
	if !ok {
		row, ok = mtrrRow(n)
	}
	if !ok || row.has != nil && !row.has(c) {
		return msrRow{}, false
	}
	return row, true
}

// canonicalMSR checks an address in an MSR against the widest that the CPU
// can have, whether or not CR4.LA57 is set (SDM vol. 3A, "Canonicality
// checking"; Intel's 5-level paging white paper, 2.6).
func (a *msrAccess) canonicalMSR(v uint64) bool {
	if a.cpu.Features.Has(LA57) {
		return canonical(v, 57)
	}
	return canonical(v, 48)
}
