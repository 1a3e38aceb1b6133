// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// POPF executes the instruction with an operand of 2, 4 or 8 bytes (SDM vol.
// 2B, POPF, table 4-15, protected mode). RIP is the caller's to move.
func POPF(s *State, m Memory, operand int) *Exception {
	r := iret{linear: linear{s: s, m: m}, st: s.currentStack(), width: operand}
	if e := r.room(1); e != nil {
		return e
	}
	if e := r.pop(&r.st, operand, r.frame[2:3]); e != nil {
		return e
	}
	r.frame[2] &^= FlagRF | FlagVIF | FlagVIP
	s.RFLAGS = r.newFlags()
	s.GPR[RSP] = s.GPR[RSP]&^r.st.mask | r.st.pointer
	return nil
}
