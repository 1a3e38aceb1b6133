// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Bits of DR6 (SDM vol. 3B, "Debug Status Register (DR6)").
const (
	DR6B0 = 1 << 0
	DR6B1 = 1 << 1
	DR6B2 = 1 << 2
	DR6B3 = 1 << 3
	DR6BD = 1 << 13 // general detect
	DR6BS = 1 << 14 // single step
	DR6BT = 1 << 15 // task switch

	dr6Breakpoints = DR6B0 | DR6B1 | DR6B2 | DR6B3
	dr6Writable    = DR6BD | DR6BS | DR6BT | dr6Breakpoints
	// DR6Fixed are the bits that read as 1 on a CPU without RTM and bus-lock
	// detection; it is DR6 after reset.
	DR6Fixed = 0xffff0ff0
)

// Bits of DR7 (SDM vol. 3B, "Debug Control Register (DR7)").
const (
	DR7LE = 1 << 8
	DR7GE = 1 << 9
	DR7GD = 1 << 13 // general detect enable
	// DR7Fixed always reads as 1; it is DR7 after reset.
	DR7Fixed    = 1 << 10
	dr7Writable = 0xffff23ff // all but 10, 11, 12, 14 and 15
)

// ComposeDR6 is DR6 after a #DB for the causes in bits: B0 to B3 are those
// of this exception, the others stay until software clears them.
func ComposeDR6(old, bits uint64) uint64 {
	return DR6Fixed | old&(dr6Writable&^dr6Breakpoints) | bits&dr6Writable
}

// checkDR is what MOV to and from a debug register checks (SDM vol. 2B,
// "MOV - Move to/from Debug Registers"), and DR4 and DR5 as what they are
// without CR4.DE. The manual doesn't order #UD, #GP and the #DB of general
// detect; this is the order that KVM follows on hardware.
func checkDR(s *State, n int) (int, *Exception) {
	if n < 0 || n > 7 {
		return 0, raiseUD() // REX.R
	}
	if n == 4 || n == 5 {
		if s.CR4&CR4DE != 0 {
			return 0, raiseUD()
		}
		n += 2
	}
	if s.CPL() != 0 {
		return 0, raiseGP0()
	}
	if s.DR[7]&DR7GD != 0 {
		return 0, &Exception{Vector: VectorDB, DR6: DR6BD}
	}
	return n, nil
}

// ReadDR executes MOV from a debug register.
func ReadDR(s *State, n int) (uint64, *Exception) {
	n, e := checkDR(s, n)
	if e != nil {
		return 0, e
	}
	switch n {
	case 6:
		return DR6Fixed | s.DR[6]&dr6Writable, nil
	case 7:
		return DR7Fixed | s.DR[7]&dr7Writable, nil
	}
	return s.DR[n], nil
}

// WriteDR executes MOV to a debug register.
func WriteDR(s *State, n int, v uint64) *Exception {
	n, e := checkDR(s, n)
	if e != nil {
		return e
	}
	if n >= 6 && v>>32 != 0 {
		return raiseGP0()
	}
	switch n {
	case 6:
		v = DR6Fixed | v&dr6Writable
	case 7:
		v = DR7Fixed | v&dr7Writable
	}
	s.DR[n] = v
	return nil
}

// BreakOn is what a breakpoint waits for: the R/W field of DR7.
type BreakOn uint8

const (
	BreakExecute BreakOn = iota
	BreakWrite
	BreakIO // with CR4.DE; without, the encoding is undefined and ignored here
	BreakReadWrite
)

// Breakpoint is one of DR0 to DR3 as DR7 enables it.
type Breakpoint struct {
	Number  int
	Enabled bool // locally or globally
	On      BreakOn
	Address uint64 // aligned down to Length
	Length  uint64 // 1, 2, 4 or 8 bytes
}

// DecodeBreakpoints reads DR0 to DR3 and DR7. For an instruction breakpoint
// the length must be 1; another is undefined, and taken for 1.
func DecodeBreakpoints(s *State) [4]Breakpoint {
	var out [4]Breakpoint
	lengths := [4]uint64{1, 2, 8, 4}
	for i := range out {
		field := s.DR[7] >> (16 + 4*i)
		b := Breakpoint{
			Number:  i,
			Enabled: s.DR[7]>>(2*i)&3 != 0,
			On:      BreakOn(field & 3),
			Length:  lengths[field>>2&3],
		}
		if b.On == BreakExecute {
			b.Length = 1
		}
		if b.On == BreakIO && s.CR4&CR4DE == 0 {
			b.Enabled = false
		}
		b.Address = s.DR[i] &^ (b.Length - 1)
		out[i] = b
	}
	return out
}

// overlaps says whether n bytes from an address touch the breakpoint.
func (b Breakpoint) overlaps(address, n uint64) bool {
	if n == 0 {
		return false
	}
	return address-b.Address < b.Length || b.Address-address < n
}

// matches gives the DR6 bits for an event, or 0 where no enabled breakpoint
// is among them: breakpoints that match without being enabled set their bit
// only along with one that is (SDM vol. 3B, DR6, "B0 through B3").
func matches(s *State, match func(Breakpoint) bool) uint64 {
	if s.DR[7]&0xff == 0 {
		return 0
	}
	var bits uint64
	enabled := false
	for _, b := range DecodeBreakpoints(s) {
		if match(b) {
			bits |= 1 << b.Number
			enabled = enabled || b.Enabled
		}
	}
	if !enabled {
		return 0
	}
	return bits
}

// MatchExecute gives the DR6 bits of the #DB fault before the instruction at
// a linear address. RFLAGS.RF holds it off (SDM vol. 3B, "Instruction-
// Breakpoint Exception Condition"), and so does a MOV SS just before.
func MatchExecute(s *State, address uint64) uint64 {
	if s.RFLAGS&FlagRF != 0 || s.Shadow == ShadowMOVSS {
		return 0
	}
	return matches(s, func(b Breakpoint) bool { return b.On == BreakExecute && b.Address == address })
}

// MatchData gives the DR6 bits of the #DB trap after an access of n bytes.
func MatchData(s *State, address, n uint64, write bool) uint64 {
	return matches(s, func(b Breakpoint) bool {
		return (b.On == BreakReadWrite || b.On == BreakWrite && write) && b.overlaps(address, n)
	})
}

// MatchIO gives the DR6 bits of the #DB trap after an access to a port.
func MatchIO(s *State, port uint16, n uint64) uint64 {
	if s.CR4&CR4DE == 0 {
		return 0
	}
	return matches(s, func(b Breakpoint) bool { return b.On == BreakIO && b.overlaps(uint64(port), n) })
}
