// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// CPUIDResult is what CPUID leaves in the four registers.
type CPUIDResult struct{ EAX, EBX, ECX, EDX uint32 }

// CrystalHz is the frequency of the core crystal clock, which CPUID leaf
// 0x15 gives. The local APIC timer counts it (SDM vol. 3A 12.5.4), and Linux
// takes both its frequency and the TSC's from there without measuring
// (arch/x86/kernel/tsc.c, native_calibrate_tsc).
const CrystalHz = 25_000_000

// The highest leaves.
const (
	maxBasicLeaf    = 0x16
	maxExtendedLeaf = 0x80000008
)

// CPUID executes the instruction with EAX and ECX (SDM vol. 2A, CPUID, table
// 3-17). Bits that mirror CR4 and IA32_APIC_BASE show them as they are. A
// leaf beyond the highest basic one gives the data of that one, as on
// Intel's CPUs; AMD's give zeros.
//
// What the CPU is made of follows the engine, a TCG of QEMU 5: SSE up to 4.2
// but no AVX, XSAVE and XSAVEOPT but neither XSAVEC nor XSAVES.
func (c *CPU) CPUID(s *State, apicBase uint64, leaf, sub uint32) CPUIDResult {
	if leaf > maxBasicLeaf && leaf < 0x80000000 || leaf > maxExtendedLeaf {
		if c.Vendor == AMD {
			return CPUIDResult{}
		}
		leaf = maxBasicLeaf
	}
	switch leaf {
	case 0:
		return c.vendorLeaf(maxBasicLeaf)
	case 1:
		return c.versionLeaf(s, apicBase)
	case 2:
		if c.Vendor == AMD {
			return CPUIDResult{}
		}
		return CPUIDResult{EAX: 0x0000ff01} // caches: see leaf 4; nothing on TLBs
	case 4:
		return c.cacheLeaf(sub)
	case 6:
		return CPUIDResult{EAX: 1 << 2} // ARAT: the APIC timer never stops
	case 7:
		return c.featureLeaf(s, sub)
	case 0xd:
		return c.xsaveLeaf(s, sub)
	case 0x15:
		return c.clockLeaf()
	case 0x16:
		return c.frequencyLeaf()
	case 0x80000000:
		r := c.vendorLeaf(maxExtendedLeaf)
		if c.Vendor == Intel {
			r = CPUIDResult{EAX: maxExtendedLeaf}
		}
		return r
	case 0x80000001:
		return c.extendedLeaf()
	case 0x80000002, 0x80000003, 0x80000004:
		return brandLeaf(int(leaf - 0x80000002))
	case 0x80000005:
		if c.Vendor == AMD { // 32 KiB of 8 ways, lines of 64 bytes, data and code
			return CPUIDResult{ECX: 32<<24 | 8<<16 | 1<<8 | 64, EDX: 32<<24 | 8<<16 | 1<<8 | 64}
		}
	case 0x80000006:
		return CPUIDResult{ECX: 1024<<16 | 6<<12 | 64} // L2: 1 MiB of 8 ways
	case 0x80000007:
		return CPUIDResult{EDX: 1 << 8} // invariant TSC
	case 0x80000008:
		return CPUIDResult{EAX: uint32(c.linearBits())<<8 | PhysicalBits}
	}
	return CPUIDResult{}
}

func (c *CPU) linearBits() int {
	if c.Features.Has(LA57) {
		return 57
	}
	return 48
}

func (c *CPU) vendorLeaf(highest uint32) CPUIDResult {
	name := "GenuineIntel"
	if c.Vendor == AMD {
		name = "AuthenticAMD"
	}
	return CPUIDResult{EAX: highest, EBX: word(name, 0), EDX: word(name, 4), ECX: word(name, 8)}
}

// word is four characters as a register has them.
func word(text string, at int) uint32 { return uint32(getUint([]byte(text[at : at+4]))) }

// brand is at most 47 characters.
const brand = "uklemu"

func brandLeaf(part int) CPUIDResult {
	var text [48]byte
	copy(text[:47], brand)
	p := string(text[part*16 : part*16+16])
	return CPUIDResult{EAX: word(p, 0), EBX: word(p, 4), ECX: word(p, 8), EDX: word(p, 12)}
}

// Family, model and stepping. Intel's is Sapphire Rapids, 6-143-8: Linux 6.1
// keeps no list of errata for it that this CPU doesn't deny, and gives it no
// quirk. AMD's is of family 26, which Linux 6.1 has no quirk for either.
const (
	signatureIntel = 0x000806f8
	signatureAMD   = 0x00b40f40
)

func (c *CPU) signature() uint32 {
	if c.Vendor == AMD {
		return signatureAMD
	}
	return signatureIntel
}

// clockLeaf is the ratio of the TSC to the crystal clock.
func (c *CPU) clockLeaf() CPUIDResult {
	if c.Vendor == AMD || c.TSCHz == 0 {
		return CPUIDResult{}
	}
	numerator, denominator := c.TSCHz, uint64(CrystalHz)
	for a, b := numerator, denominator; ; a, b = b, a%b {
		if b == 0 {
			numerator, denominator = numerator/a, denominator/a
			break
		}
	}
	for numerator>>32 != 0 {
		numerator, denominator = numerator>>1, max(denominator>>1, 1)
	}
	return CPUIDResult{EAX: uint32(denominator), EBX: uint32(numerator), ECX: CrystalHz}
}

// frequencyLeaf is base, maximum and bus frequency in MHz.
func (c *CPU) frequencyLeaf() CPUIDResult {
	if c.Vendor == AMD {
		return CPUIDResult{}
	}
	mhz := uint32(min(c.TSCHz/1_000_000, 0xffff))
	return CPUIDResult{EAX: mhz, EBX: mhz, ECX: 100}
}

// caches are those of leaf 4: type (1 data, 2 code, 3 both), level, ways,
// sets, all with lines of 64 bytes.
var caches = [...]struct{ kind, level, ways, sets uint32 }{
	{1, 1, 8, 64}, {2, 1, 8, 64}, {3, 2, 8, 2048}, {3, 3, 16, 8192},
}

func (c *CPU) cacheLeaf(sub uint32) CPUIDResult {
	if c.Vendor == AMD || sub >= uint32(len(caches)) {
		return CPUIDResult{}
	}
	k := caches[sub]
	return CPUIDResult{
		EAX: k.kind | k.level<<5 | 1<<8, // self-initializing; one logical processor
		EBX: (k.ways-1)<<22 | 64 - 1,
		ECX: k.sets - 1,
	}
}
