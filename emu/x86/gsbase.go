// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// SWAPGS executes the instruction but for RIP (SDM vol. 2B, SWAPGS).
func SWAPGS(s *State) *Exception {
	if !s.Code64() {
		return raiseUD()
	}
	if s.CPL() != 0 {
		return raiseGP0()
	}
	s.Seg[GS].Base, s.KernelGSBase = s.KernelGSBase, s.Seg[GS].Base
	return nil
}

// CheckFSGSBASE is what RDFSBASE, RDGSBASE, WRFSBASE and WRGSBASE check
// before anything else (SDM vol. 2B).
func CheckFSGSBASE(s *State) *Exception {
	if !s.Code64() || s.CR4&CR4FSGSBASE == 0 {
		return raiseUD()
	}
	return nil
}

// WriteSegmentBase executes WRFSBASE or WRGSBASE but for RIP: segment is FS
// or GS, wide the operand size (SDM vol. 2B, WRFSBASE/WRGSBASE).
func WriteSegmentBase(s *State, segment int, v uint64, wide bool) *Exception {
	if e := CheckFSGSBASE(s); e != nil {
		return e
	}
	if segment != FS && segment != GS {
		return raiseUD()
	}
	if !wide {
		v = uint64(uint32(v))
	}
	if !s.Canonical(v) {
		return raiseGP0()
	}
	s.Seg[segment].Base = v
	return nil
}
