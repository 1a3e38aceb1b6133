// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Invalidation is what INVPCID or INVLPG drops (SDM vol. 3A 5.10.4.1).
type Invalidation struct {
	Flush   Flush  // FlushNone with Single: only one page
	Single  bool   // the page of Address, in PCID, not if it is global
	PCID    uint16 // for Single and FlushPCID
	Address uint64
	// Global is set for INVLPG, which drops a global page too.
	Global bool
}

// The types of INVPCID.
const (
	invpcidAddress = iota
	invpcidContext
	invpcidAllGlobal
	invpcidAll
)

// INVPCID executes the instruction: kind is the register operand, low and
// high the 128-bit descriptor in memory (SDM vol. 2A, INVPCID).
func (c *CPU) INVPCID(s *State, kind, low, high uint64) (Invalidation, *Exception) {
	if !c.Features.Has(INVPCID) {
		return Invalidation{}, raiseUD()
	}
	if s.CPL() != 0 || kind > invpcidAll || low>>12 != 0 {
		return Invalidation{}, raiseGP0()
	}
	if kind <= invpcidContext && low != 0 && s.CR4&CR4PCIDE == 0 {
		return Invalidation{}, raiseGP0()
	}
	switch kind {
	case invpcidAddress:
		if !s.Canonical(high) {
			return Invalidation{}, raiseGP0()
		}
		return Invalidation{Single: true, PCID: uint16(low), Address: high}, nil
	case invpcidContext:
		return Invalidation{Flush: FlushPCID, PCID: uint16(low)}, nil
	case invpcidAllGlobal:
		return Invalidation{Flush: FlushAll}, nil
	}
	return Invalidation{Flush: FlushNonGlobal}, nil
}

// INVLPG executes the instruction for a linear address. A non-canonical one
// is no fault: nothing is there to drop (SDM vol. 2A, INVLPG).
func INVLPG(s *State, address uint64) (Invalidation, *Exception) {
	if s.CPL() != 0 {
		return Invalidation{}, raiseGP0()
	}
	if !s.Canonical(address) {
		return Invalidation{}, nil
	}
	inv := Invalidation{Single: true, Global: true, Address: address}
	if s.CR4&CR4PCIDE != 0 {
		inv.PCID = uint16(s.CR3 & CR3PCID)
	}
	return inv, nil
}
