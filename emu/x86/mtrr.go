// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Memory-type range registers are remembered, after the checks of SDM vol.
// 3A 13.11; every access is to memory all the same.

// memoryType says whether an MTRR may have the type (SDM vol. 3A, table
// 13-8).
func memoryType(t byte) bool {
	switch t {
	case 0, 1, 4, 5, 6:
		return true
	}
	return false
}

func writeMTRRDefType(a *msrAccess, _ MSR, v uint64) bool {
	if v&^(0xff|mtrrEnable|mtrrFixed) != 0 || !memoryType(byte(v)) {
		return false
	}
	a.r.MTRRDefType = v
	return true
}

// mtrrRow is the row of a variable or fixed range register.
func mtrrRow(n MSR) (msrRow, bool) {
	if n >= MSRMTRRPhysBase0 && n < MSRMTRRPhysBase0+16 {
		return msrRow{read: readVariable, write: writeVariable}, true
	}
	if _, ok := fixedIndex(n); ok {
		return msrRow{read: readFixed, write: writeFixed}, true
	}
	return msrRow{}, false
}

func readVariable(a *msrAccess, n MSR) uint64 { return a.r.MTRRVariable[n-MSRMTRRPhysBase0] }

func writeVariable(a *msrAccess, n MSR, v uint64) bool {
	low := uint64(0xff) // the type, of a base
	if n&1 != 0 {
		low = mtrrEnable // the valid bit, of a mask
	}
	address := (uint64(1)<<PhysicalBits - 1) &^ 0xfff
	if v&^(address|low) != 0 || n&1 == 0 && !memoryType(byte(v)) {
		return false
	}
	a.r.MTRRVariable[n-MSRMTRRPhysBase0] = v
	return true
}

// fixedIndex is the place of a fixed range register in MSRs.MTRRFixed.
func fixedIndex(n MSR) (int, bool) {
	switch {
	case n == MSRMTRRFix64K:
		return 0, true
	case n == MSRMTRRFix16K || n == MSRMTRRFix16K+1:
		return int(n-MSRMTRRFix16K) + 1, true
	case n >= MSRMTRRFix4K && n < MSRMTRRFix4K+8:
		return int(n-MSRMTRRFix4K) + 3, true
	}
	return 0, false
}

func readFixed(a *msrAccess, n MSR) uint64 {
	i, _ := fixedIndex(n)
	return a.r.MTRRFixed[i]
}

func writeFixed(a *msrAccess, n MSR, v uint64) bool {
	for i := range 8 {
		if !memoryType(byte(v >> (8 * i))) {
			return false
		}
	}
	i, _ := fixedIndex(n)
	a.r.MTRRFixed[i] = v
	return true
}
