// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// PAEPaging says whether PAE paging is in force: 32-bit, with four PDPTE
// registers (SDM vol. 3A 5.4).
func (s *State) PAEPaging() bool {
	return s.CR0&CR0PG != 0 && s.CR4&CR4PAE != 0 && !s.LongMode()
}

// pdpteReserved are the bits that must be clear where a PDPTE is present (SDM
// vol. 3A, table 5-8).
const pdpteReserved = ^(uint64(1)<<PhysicalBits - 1) | 0x1e6

// LoadsPDPTEs says whether a MOV to the control register that led from one
// state to another loads the PDPTE registers (SDM vol. 3A 5.4.1).
func LoadsPDPTEs(before, after *State, register int) bool {
	if !after.PAEPaging() {
		return false
	}
	switch register {
	case 0:
		return (before.CR0^after.CR0)&(CR0CD|CR0NW|CR0PG) != 0
	case 3:
		return true
	case 4:
		return (before.CR4^after.CR4)&(CR4PAE|CR4PGE|CR4PSE|CR4SMEP) != 0
	}
	return false
}

// PDPTEBase is the physical address of the four PDPTEs, 32 bytes.
func (s *State) PDPTEBase() uint64 { return s.CR3 & 0xffffffe0 }

// LoadPDPTEs loads the PDPTE registers with what is in memory. One that is
// present with a reserved bit raises #GP(0), and none is loaded.
func (s *State) LoadPDPTEs(entries [4]uint64) *Exception {
	for _, e := range entries {
		if e&1 != 0 && e&pdpteReserved != 0 {
			return raiseGP0()
		}
	}
	s.PDPTE = entries
	return nil
}
