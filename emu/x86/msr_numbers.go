// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// MSR is the number of a model-specific register.
type MSR uint32

// The registers that the CPU has (SDM vol. 4, tables 2-2 and 2-41 ff.; for
// AMD the APM vol. 2, appendix A).
const (
	MSRTSC              MSR = 0x10
	MSRPlatformID       MSR = 0x17
	MSRAPICBase         MSR = 0x1b
	MSRFeatureControl   MSR = 0x3a
	MSRTSCAdjust        MSR = 0x3b
	MSRSpecCtrl         MSR = 0x48
	MSRPredCmd          MSR = 0x49
	MSRBIOSSignID       MSR = 0x8b
	MSRPlatformInfo     MSR = 0xce
	MSRMTRRCap          MSR = 0xfe
	MSRArchCapabilities MSR = 0x10a
	MSRMiscFeatures     MSR = 0x140
	MSRSysenterCS       MSR = 0x174
	MSRSysenterESP      MSR = 0x175
	MSRSysenterEIP      MSR = 0x176
	MSRMCGCap           MSR = 0x179
	MSRMCGStatus        MSR = 0x17a
	MSRMiscEnable       MSR = 0x1a0
	MSRDebugCtl         MSR = 0x1d9
	MSRMTRRPhysBase0    MSR = 0x200 // and the mask, in pairs up to 0x20f
	MSRMTRRFix64K       MSR = 0x250
	MSRMTRRFix16K       MSR = 0x258 // and 0x259
	MSRMTRRFix4K        MSR = 0x268 // up to 0x26f
	MSRPAT              MSR = 0x277
	MSRMTRRDefType      MSR = 0x2ff
	MSRTSCDeadline      MSR = 0x6e0
	MSREFER             MSR = 0xc0000080
	MSRSTAR             MSR = 0xc0000081
	MSRLSTAR            MSR = 0xc0000082
	MSRCSTAR            MSR = 0xc0000083
	MSRFMASK            MSR = 0xc0000084
	MSRFSBase           MSR = 0xc0000100
	MSRGSBase           MSR = 0xc0000101
	MSRKernelGSBase     MSR = 0xc0000102
	MSRTSCAux           MSR = 0xc0000103
	MSRAMDSYSCFG        MSR = 0xc0010010
	MSRAMDHWCR          MSR = 0xc0010015
	MSRAMDNBCFG         MSR = 0xc001001f
	MSRAMDDECfg         MSR = 0xc0011029
)

// Bits of IA32_APIC_BASE (SDM vol. 3A 12.4.4).
const (
	APICBaseBSP    = 1 << 8
	APICBaseX2     = 1 << 10
	APICBaseEnable = 1 << 11
	// APICBaseReset is the register after reset on the bootstrap processor.
	APICBaseReset = 0xfee00000 | APICBaseEnable | APICBaseBSP
)

// What IA32_ARCH_CAPABILITIES says where the CPU has it: every hardware
// vulnerability that can be denied is (SDM vol. 4, table 2-2; Linux 6.1
// arch/x86/kernel/cpu/common.c, cpu_set_bug_bits).
const (
	ArchCapRDCLNo              = 1 << 0
	ArchCapSkipL1DFlush        = 1 << 3
	ArchCapSSBNo               = 1 << 4
	ArchCapMDSNo               = 1 << 5
	ArchCapPSChangeMCNo        = 1 << 6
	ArchCapTAANo               = 1 << 8
	ArchCapSBDRSSDPNo          = 1 << 13
	ArchCapFBSDPNo             = 1 << 14
	ArchCapPSDPNo              = 1 << 15
	ArchCapPBRSBNo             = 1 << 24
	ArchCapGDSNo               = 1 << 26
	ArchCapRFDSNo              = 1 << 27
	ArchCapITSNo               = 1 << 62
	archCapabilities    uint64 = ArchCapRDCLNo | ArchCapSkipL1DFlush | ArchCapSSBNo | ArchCapMDSNo |
		ArchCapPSChangeMCNo | ArchCapTAANo | ArchCapSBDRSSDPNo | ArchCapFBSDPNo | ArchCapPSDPNo |
		ArchCapPBRSBNo | ArchCapGDSNo | ArchCapRFDSNo | ArchCapITSNo
)

const (
	// miscEnable: fast strings on, no branch trace store, no PEBS.
	miscEnable = 1<<0 | 1<<11 | 1<<12
	// miscEnableWritable: fast strings, Enhanced SpeedStep, CPUID limit, xTPR.
	miscEnableWritable = 1<<0 | 1<<16 | 1<<22 | 1<<23

	// featureControl is locked, as firmware leaves it on a CPU without VMX.
	featureControl = 1 << 0

	// mtrrCap: 8 variable ranges, fixed ranges, write combining.
	mtrrCap = 8 | 1<<8 | 1<<10
	// mtrrDefType: enabled, everything write-back.
	mtrrDefType = 1<<11 | 6
	mtrrEnable  = 1 << 11
	mtrrFixed   = 1 << 10

	// PATReset is IA32_PAT after reset: WB, WT, UC-, UC, twice (SDM vol. 3A
	// 13.12.4).
	PATReset = 0x0007040600070406

	// debugCtl: LBR and BTF can be set, and do nothing.
	debugCtl = 3

	// microcode is the revision in the upper half of IA32_BIOS_SIGN_ID.
	microcode = 1 << 32

	// hwcr: the TSC counts at the P0 frequency.
	hwcr = 1 << 24
)
