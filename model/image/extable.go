// SPDX-License-Identifier: GPL-2.0-or-later

package image

// Fixup is an entry of the exception table: an instruction that may fault, and
// where to go on then.
type Fixup struct {
	Insn  uint64
	Fixup uint64
	Type  int // EX_TYPE_..., arch/x86/include/asm/extable_fixup_types.h
	Reg   int // of the types that have one
	Flags int
	Imm   int64
}

// ExceptionTable is sorted by Insn.
func (i *Image) ExceptionTable() []Fixup { return nil }

// FindFixup finds the entry of an instruction.
func (i *Image) FindFixup(insn uint64) (Fixup, bool) { return Fixup{}, false }
