// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Bits of RFLAGS (SDM vol. 1, 3.4.3, figure 3-8).
const (
	FlagCF    = 1 << 0
	FlagFixed = 1 << 1 // always set
	FlagPF    = 1 << 2
	FlagAF    = 1 << 4
	FlagZF    = 1 << 6
	FlagSF    = 1 << 7
	FlagTF    = 1 << 8
	FlagIF    = 1 << 9
	FlagDF    = 1 << 10
	FlagOF    = 1 << 11
	FlagIOPL  = 3 << 12
	FlagNT    = 1 << 14
	FlagRF    = 1 << 16
	FlagVM    = 1 << 17
	FlagAC    = 1 << 18
	FlagVIF   = 1 << 19
	FlagVIP   = 1 << 20
	FlagID    = 1 << 21
)

// Bits of CR0 (SDM vol. 3A 2.5).
const (
	CR0PE = 1 << 0
	CR0MP = 1 << 1
	CR0EM = 1 << 2
	CR0TS = 1 << 3
	CR0ET = 1 << 4 // reads as 1 since the Pentium 4
	CR0NE = 1 << 5
	CR0WP = 1 << 16
	CR0AM = 1 << 18
	CR0NW = 1 << 29
	CR0CD = 1 << 30
	CR0PG = 1 << 31
)

// Bits of CR3 (SDM vol. 3A 2.5 and 5.10.4.1).
const (
	CR3PWT     = 1 << 3
	CR3PCD     = 1 << 4
	CR3PCID    = 0xfff   // with CR4.PCIDE
	CR3NoFlush = 1 << 63 // with CR4.PCIDE, of the operand only: never stored
)

// Bits of CR4 (SDM vol. 3A 2.5).
const (
	CR4VME        = 1 << 0
	CR4PVI        = 1 << 1
	CR4TSD        = 1 << 2
	CR4DE         = 1 << 3
	CR4PSE        = 1 << 4
	CR4PAE        = 1 << 5
	CR4MCE        = 1 << 6
	CR4PGE        = 1 << 7
	CR4PCE        = 1 << 8
	CR4OSFXSR     = 1 << 9
	CR4OSXMMEXCPT = 1 << 10
	CR4UMIP       = 1 << 11
	CR4LA57       = 1 << 12
	CR4VMXE       = 1 << 13
	CR4SMXE       = 1 << 14
	CR4FSGSBASE   = 1 << 16
	CR4PCIDE      = 1 << 17
	CR4OSXSAVE    = 1 << 18
	CR4SMEP       = 1 << 20
	CR4SMAP       = 1 << 21
	CR4PKE        = 1 << 22
	CR4CET        = 1 << 23
	CR4PKS        = 1 << 24
)

// Bits of IA32_EFER (SDM vol. 3A 2.2.1).
const (
	EFERSCE = 1 << 0
	EFERLME = 1 << 8
	EFERLMA = 1 << 10
	EFERNXE = 1 << 11
)

// Bits of XCR0 (SDM vol. 3A 2.6).
const (
	XCR0X87  = 1 << 0
	XCR0SSE  = 1 << 1
	XCR0AVX  = 1 << 2
	XCR0PKRU = 1 << 9
)

// LongMode says whether IA-32e mode is active, 64-bit or compatibility.
func (s *State) LongMode() bool { return s.EFER&EFERLMA != 0 }

// Code64 says whether the CPU is in 64-bit mode.
func (s *State) Code64() bool { return s.LongMode() && s.Seg[CS].Attr&AttrL != 0 }

// IOPL is the I/O privilege level.
func (s *State) IOPL() int { return int(s.RFLAGS >> 12 & 3) }

// LinearBits is the width of a linear address in the paging mode in force:
// 57 with CR4.LA57, else 48 (SDM vol. 3A, "Canonicality checking").
func (s *State) LinearBits() int {
	if s.CR4&CR4LA57 != 0 {
		return 57
	}
	return 48
}

// Canonical says whether the address is one in the paging mode in force.
func (s *State) Canonical(address uint64) bool { return canonical(address, s.LinearBits()) }

func canonical(address uint64, bits int) bool {
	unused := 64 - bits
	return uint64(int64(address<<unused)>>unused) == address
}

// canonicalRange says whether all of n bytes, n at least 1, have canonical
// addresses. A range that wraps from the top to address 0 is not refused.
func (s *State) canonicalRange(address uint64, n int) bool {
	return s.Canonical(address) && s.Canonical(address+uint64(n)-1)
}
