// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// msrRow is a register: which CPUs have it, and how it is read and written.
// Without a read or a write, that access raises #GP(0); so does a write that
// returns false.
type msrRow struct {
	has   func(*CPU) bool
	read  func(*msrAccess, MSR) uint64
	write func(*msrAccess, MSR, uint64) bool
}

func with(f Feature) func(*CPU) bool { return func(c *CPU) bool { return c.Features.Has(f) } }
func ofIntel(c *CPU) bool            { return c.Vendor == Intel }
func ofAMD(c *CPU) bool              { return c.Vendor == AMD }

// constant reads as a value that no write changes.
func constant(v uint64) func(*msrAccess, MSR) uint64 {
	return func(*msrAccess, MSR) uint64 { return v }
}

// ignored takes any write and does nothing.
func ignored(*msrAccess, MSR, uint64) bool { return true }

// field is a register that is remembered as it was written, if the bits
// outside of mask are clear.
func field(of func(*msrAccess) *uint64, mask uint64) msrRow {
	return msrRow{
		read: func(a *msrAccess, _ MSR) uint64 { return *of(a) },
		write: func(a *msrAccess, _ MSR, v uint64) bool {
			if v&^mask != 0 {
				return false
			}
			*of(a) = v
			return true
		},
	}
}

// address is a register that takes canonical addresses only.
func address(of func(*msrAccess) *uint64) msrRow {
	row := field(of, ^uint64(0))
	row.write = func(a *msrAccess, _ MSR, v uint64) bool {
		if !a.canonicalMSR(v) {
			return false
		}
		*of(a) = v
		return true
	}
	return row
}

// low32 is a register of 32 bits that drops the upper half of what is
// written.
func low32(of func(*msrAccess) *uint64) msrRow {
	row := field(of, ^uint64(0))
	row.write = func(a *msrAccess, _ MSR, v uint64) bool {
		*of(a) = uint64(uint32(v))
		return true
	}
	return row
}

func (row msrRow) onlyIf(has func(*CPU) bool) msrRow {
	row.has = has
	return row
}

const all64 = ^uint64(0)

var msrTable = map[MSR]msrRow{
	MSREFER: {
		read:  func(a *msrAccess, _ MSR) uint64 { return a.s.EFER },
		write: ignored, // WriteMSR calls WriteEFER
	},
	MSRSTAR:         field(func(a *msrAccess) *uint64 { return &a.s.STAR }, all64),
	MSRLSTAR:        address(func(a *msrAccess) *uint64 { return &a.s.LSTAR }),
	MSRCSTAR:        address(func(a *msrAccess) *uint64 { return &a.s.CSTAR }),
	MSRFMASK:        low32(func(a *msrAccess) *uint64 { return &a.s.FMASK }),
	MSRFSBase:       address(func(a *msrAccess) *uint64 { return &a.s.Seg[FS].Base }),
	MSRGSBase:       address(func(a *msrAccess) *uint64 { return &a.s.Seg[GS].Base }),
	MSRKernelGSBase: address(func(a *msrAccess) *uint64 { return &a.s.KernelGSBase }),
	MSRTSCAux:       field(func(a *msrAccess) *uint64 { return &a.s.TSCAux }, 0xffffffff).onlyIf(with(RDTSCP)),
	MSRSysenterCS:   low32(func(a *msrAccess) *uint64 { return &a.s.SysenterCS }).onlyIf(with(SEP)),
	MSRSysenterESP:  address(func(a *msrAccess) *uint64 { return &a.s.SysenterESP }).onlyIf(with(SEP)),
	MSRSysenterEIP:  address(func(a *msrAccess) *uint64 { return &a.s.SysenterEIP }).onlyIf(with(SEP)),

	MSRTSC: {
		read: func(a *msrAccess, _ MSR) uint64 { return a.p.TSC() },
		write: func(a *msrAccess, _ MSR, v uint64) bool {
			a.r.TSCOffset += v - a.p.TSC()
			return true
		},
	},
	MSRTSCAdjust: field(func(a *msrAccess) *uint64 { return &a.r.TSCOffset }, all64).onlyIf(with(TSCAdjust)),
	MSRTSCDeadline: {
		has:   with(TSCDeadline),
		read:  func(a *msrAccess, _ MSR) uint64 { return a.p.TSCDeadline() },
		write: func(a *msrAccess, _ MSR, v uint64) bool { a.p.SetTSCDeadline(v); return true },
	},
	MSRAPICBase: {
		has:   with(APIC),
		read:  func(a *msrAccess, _ MSR) uint64 { return a.p.APICBase() },
		write: writeAPICBase,
	},

	MSRPlatformID:       {has: ofIntel, read: constant(0)},
	MSRFeatureControl:   {has: ofIntel, read: constant(featureControl)},
	MSRPlatformInfo:     {has: ofIntel, read: platformInfo},
	MSRArchCapabilities: {has: with(ArchCapabilities), read: constant(archCapabilities)},
	// A write of 0 before CPUID, then the read: how Linux asks for the
	// microcode revision (SDM vol. 3A 11.11.7.1).
	MSRBIOSSignID:   {read: constant(microcode), write: ignored},
	MSRMiscFeatures: field(func(*msrAccess) *uint64 { return new(uint64) }, 0).onlyIf(ofIntel),
	MSRSpecCtrl:     field(func(a *msrAccess) *uint64 { return &a.r.SpecCtrl }, 7).onlyIf(with(SpecCtrl)),
	MSRPredCmd: {
		has:   with(SpecCtrl),
		write: func(_ *msrAccess, _ MSR, v uint64) bool { return v&^1 == 0 },
	},

	// No bank of machine-check registers: what MCG_CAP says.
	MSRMCGCap:    {read: constant(0)},
	MSRMCGStatus: field(func(a *msrAccess) *uint64 { return &a.r.MCGStatus }, 7),
	MSRMiscEnable: {
		has:  ofIntel,
		read: func(a *msrAccess, _ MSR) uint64 { return a.r.MiscEnable },
		write: func(a *msrAccess, _ MSR, v uint64) bool {
			if (v^miscEnable)&^miscEnableWritable != 0 {
				return false
			}
			a.r.MiscEnable = v
			return true
		},
	},
	MSRDebugCtl: field(func(a *msrAccess) *uint64 { return &a.r.DebugCtl }, debugCtl),
	MSRPAT: {
		read:  func(a *msrAccess, _ MSR) uint64 { return a.r.PAT },
		write: writePAT,
	},
	MSRMTRRCap: {read: constant(mtrrCap)},
	MSRMTRRDefType: {
		read:  func(a *msrAccess, _ MSR) uint64 { return a.r.MTRRDefType },
		write: writeMTRRDefType,
	},

	MSRAMDSYSCFG: field(func(a *msrAccess) *uint64 { return &a.r.AMDSYSCFG }, all64).onlyIf(ofAMD),
	MSRAMDHWCR:   field(func(a *msrAccess) *uint64 { return &a.r.AMDHWCR }, all64).onlyIf(ofAMD),
	// Linux looks for it on every AMD CPU, since it opens PCI's extended
	// configuration space (arch/x86/pci/amd_bus.c).
	MSRAMDNBCFG: field(func(a *msrAccess) *uint64 { return &a.r.AMDNBCFG }, all64).onlyIf(ofAMD),
	MSRAMDDECfg: field(func(a *msrAccess) *uint64 { return &a.r.AMDDECfg }, all64).onlyIf(ofAMD),
}

// writeAPICBase refuses reserved bits, and x2APIC mode, which the CPU lacks
// (SDM vol. 3A 12.4.4 and 12.12.1).
func writeAPICBase(a *msrAccess, _ MSR, v uint64) bool {
	writable := uint64(APICBaseBSP|APICBaseEnable) | (uint64(1)<<PhysicalBits-1)&^0xfff
	if v&^writable != 0 {
		return false
	}
	a.p.SetAPICBase(v)
	return true
}

// platformInfo is the maximum non-turbo ratio, in units of 100 MHz, in bits
// 8 to 15 (SDM vol. 4); no CPUID faulting.
func platformInfo(a *msrAccess, _ MSR) uint64 {
	return min(a.cpu.TSCHz/100_000_000, 0xff) << 8
}

// writePAT refuses the memory types that are reserved (SDM vol. 3A 13.12.2).
func writePAT(a *msrAccess, _ MSR, v uint64) bool {
	for i := range 8 {
		switch byte(v >> (8 * i)) {
		case 0, 1, 4, 5, 6, 7:
		default:
			return false
		}
	}
	a.r.PAT = v
	return true
}
