// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import "fmt"

// rflagsKnown are the flags that exist where there is no virtual-8086 mode;
// the others are reserved and read as 0, but for bit 1 (SDM vol. 1 3.4.3).
const rflagsKnown = FlagFixed | FlagCF | FlagPF | FlagAF | FlagZF | FlagSF | FlagTF | FlagIF | FlagDF | FlagOF |
	FlagIOPL | FlagNT | FlagRF | FlagAC | FlagVIF | FlagVIP | FlagID

const attrKnown = 0x00f0ff00 // see Segment.Attr

// Check says what in a state no CPU could have come to: it is for states from
// outside, such as a file.
func (s *State) Check(c *CPU) error {
	efer := uint64(EFERSCE | EFERLME | EFERLMA)
	if c.Features.Has(NX) {
		efer |= EFERNXE
	}
	cr3 := uint64(1<<PhysicalBits - 1)
	if !s.LongMode() {
		cr3 = 1<<32 - 1
	}
	for _, r := range []struct {
		name         string
		value, known uint64
	}{
		{"RFLAGS", s.RFLAGS, rflagsKnown},
		{"CR0", s.CR0, cr0Writable | CR0ET},
		{"CR3", s.CR3, cr3},
		{"CR4", s.CR4, c.CR4Bits()},
		{"CR8", s.CR8, 15},
		{"EFER", s.EFER, efer},
		{"XCR0", s.XCR0, XCR0X87 | c.XCR0Bits()},
		{"DR6", s.DR[6], 1<<32 - 1},
		{"DR7", s.DR[7], 1<<32 - 1},
	} {
		if extra := r.value &^ r.known; extra != 0 {
			return fmt.Errorf("%s is %#x: bits %#x are reserved on this CPU", r.name, r.value, extra)
		}
	}
	switch paging := s.CR0&CR0PG != 0; {
	case paging && s.CR0&CR0PE == 0:
		return fmt.Errorf("CR0 is %#x: paging without protection", s.CR0)
	case s.LongMode() != (paging && s.EFER&EFERLME != 0):
		return fmt.Errorf("EFER is %#x and CR0 %#x: LMA is not LME with paging", s.EFER, s.CR0)
	case s.LongMode() && s.CR4&CR4PAE == 0:
		return fmt.Errorf("CR4 is %#x: IA-32e mode without PAE", s.CR4)
	case s.Shadow > ShadowMOVSS:
		return fmt.Errorf("interrupt shadow %d; known are 0 to %d", s.Shadow, ShadowMOVSS)
	}
	for i, seg := range append(s.Seg[:], s.LDTR, s.TR) {
		if seg.Attr&^attrKnown != 0 {
			return fmt.Errorf("%s has attributes %#x: those of a descriptor are in %#x", segmentNames[i], seg.Attr, attrKnown)
		}
	}
	return nil
}

var segmentNames = [...]string{"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"}
