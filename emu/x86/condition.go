// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Condition says whether the condition that the low four bits of an opcode
// name is met (SDM vol. 1, table B-1): Jcc, SETcc and CMOVcc.
func Condition(code uint8, rflags uint64) bool {
	set := func(f uint64) bool { return rflags&f != 0 }
	var met bool
	switch code >> 1 & 7 {
	case 0:
		met = set(FlagOF)
	case 1:
		met = set(FlagCF)
	case 2:
		met = set(FlagZF)
	case 3:
		met = set(FlagCF | FlagZF)
	case 4:
		met = set(FlagSF)
	case 5:
		met = set(FlagPF)
	case 6:
		met = set(FlagSF) != set(FlagOF)
	case 7:
		met = set(FlagZF) || set(FlagSF) != set(FlagOF)
	}
	return met != (code&1 != 0)
}
