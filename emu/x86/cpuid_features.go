// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// The instructions that every CPU here has, as bits of CPUID leaf 1.
const (
	leaf1EDX = 1<<0 | // FPU
		1<<2 | // DE
		1<<3 | // PSE
		1<<4 | // TSC
		1<<5 | // MSR
		1<<6 | // PAE
		1<<7 | // MCE
		1<<8 | // CX8
		1<<12 | // MTRR
		1<<14 | // MCA
		1<<15 | // CMOV
		1<<16 | // PAT
		1<<17 | // PSE-36
		1<<19 | // CLFSH
		1<<23 | // MMX
		1<<24 | // FXSR
		1<<25 | // SSE
		1<<26 // SSE2
	leaf7EBX = 1<<9 | // ERMS
		1<<13 // no FPU CS and DS: QEMU's save areas keep neither
	leafExtendedEDX = 1<<11 | // SYSCALL
		1<<29 // long mode
)

// cpuidBits are the bits that a feature shows: in which leaf (7 is its
// subleaf 0), which register, which bit.
var cpuidBits = [...]struct {
	f        Feature
	leaf     uint32
	register byte // 'b', 'c', 'd' for EBX, ECX, EDX
	bit      int
}{
	{SEP, 1, 'd', 11}, {PGE, 1, 'd', 13},
	{SSE3, 1, 'c', 0}, {PCLMULQDQ, 1, 'c', 1}, {SSSE3, 1, 'c', 9}, {CX16, 1, 'c', 13},
	{PCID, 1, 'c', 17}, {SSE41, 1, 'c', 19}, {SSE42, 1, 'c', 20}, {MOVBE, 1, 'c', 22}, {POPCNT, 1, 'c', 23},
	{TSCDeadline, 1, 'c', 24}, {AES, 1, 'c', 25}, {XSAVE, 1, 'c', 26}, {RDRAND, 1, 'c', 30}, {Hypervisor, 1, 'c', 31},
	{FSGSBASE, 7, 'b', 0}, {TSCAdjust, 7, 'b', 1}, {BMI1, 7, 'b', 3}, {SMEP, 7, 'b', 7}, {BMI2, 7, 'b', 8},
	{INVPCID, 7, 'b', 10}, {RDSEED, 7, 'b', 18}, {ADX, 7, 'b', 19}, {SMAP, 7, 'b', 20}, {CLFLUSHOPT, 7, 'b', 23},
	{PKU, 7, 'c', 3}, {LA57, 7, 'c', 16},
	{SpecCtrl, 7, 'd', 26}, {ArchCapabilities, 7, 'd', 29},
	{LAHF, 0x80000001, 'c', 0}, {LZCNT, 0x80000001, 'c', 5},
	{NX, 0x80000001, 'd', 20}, {GBPages, 0x80000001, 'd', 26}, {RDTSCP, 0x80000001, 'd', 27},
}

// addFeatures sets the bits of a leaf for the features that the CPU has.
func (c *CPU) addFeatures(leaf uint32, r CPUIDResult) CPUIDResult {
	for _, row := range cpuidBits {
		if row.leaf != leaf || !c.Features.Has(row.f) {
			continue
		}
		switch row.register {
		case 'b':
			r.EBX |= 1 << row.bit
		case 'c':
			r.ECX |= 1 << row.bit
		case 'd':
			r.EDX |= 1 << row.bit
		}
	}
	return r
}

// versionLeaf is leaf 1.
func (c *CPU) versionLeaf(s *State, apicBase uint64) CPUIDResult {
	r := c.addFeatures(1, CPUIDResult{
		EAX: c.signature(),
		EBX: uint32(c.APICID)<<24 | 1<<16 | 64/8<<8, // one logical processor; CLFLUSH's line
		EDX: leaf1EDX,
	})
	if s.CR4&CR4OSXSAVE != 0 {
		r.ECX |= 1 << 27
	}
	if c.Features.Has(APIC) && apicBase&APICBaseEnable != 0 {
		r.EDX |= 1 << 9 // SDM vol. 3A 12.4.3
	}
	return r
}

// featureLeaf is leaf 7.
func (c *CPU) featureLeaf(s *State, sub uint32) CPUIDResult {
	if sub != 0 {
		return CPUIDResult{}
	}
	r := c.addFeatures(7, CPUIDResult{EBX: leaf7EBX})
	if s.CR4&CR4PKE != 0 {
		r.ECX |= 1 << 4
	}
	return r
}

// extendedLeaf is leaf 0x80000001.
func (c *CPU) extendedLeaf() CPUIDResult {
	r := CPUIDResult{EDX: leafExtendedEDX}
	if c.Vendor == AMD {
		// AMD repeats the lower bits of leaf 1's EDX; bits 10, 11, 16 to 19
		// mean other things here.
		low := c.addFeatures(1, CPUIDResult{EDX: leaf1EDX}).EDX
		r.EAX = c.signature()
		r.EDX |= low &^ (1<<10 | 1<<11 | 1<<18 | 1<<19 | 1<<25 | 1<<26)
		r.ECX |= 1 << 4 // MOV CR8 by LOCK MOV CR0 in legacy mode
	}
	return c.addFeatures(0x80000001, r)
}

// The XSAVE area: legacy region and header, then PKRU where Intel has it
// (SDM vol. 1, 13.4 and 13.5.7).
const (
	xsaveBase     = 512 + 64
	xsavePKRUAt   = 2688
	xsavePKRUSize = 8
)

// xsaveSize is the size of the area for a set of state components.
func xsaveSize(components uint64) uint32 {
	if components&XCR0PKRU != 0 {
		return xsavePKRUAt + xsavePKRUSize
	}
	return xsaveBase
}

// xsaveLeaf is leaf 0xd.
func (c *CPU) xsaveLeaf(s *State, sub uint32) CPUIDResult {
	if !c.Features.Has(XSAVE) {
		return CPUIDResult{}
	}
	all := c.XCR0Bits()
	switch {
	case sub == 0:
		return CPUIDResult{EAX: uint32(all), EBX: xsaveSize(s.XCR0), ECX: xsaveSize(all), EDX: uint32(all >> 32)}
	case sub == 1 && c.Features.Has(XSAVEOPT):
		return CPUIDResult{EAX: 1}
	case sub == 9 && all&XCR0PKRU != 0:
		return CPUIDResult{EAX: xsavePKRUSize, EBX: xsavePKRUAt}
	}
	return CPUIDResult{}
}
