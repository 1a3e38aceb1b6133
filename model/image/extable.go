// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Fixup is an entry of the exception table: an instruction that may fault, and
// where to go on then.
type Fixup struct {
	Insn  uint64
	Fixup uint64
	// Type is EX_TYPE_... (arch/x86/include/asm/extable_fixup_types.h), and
	// Reg, Flags and Imm are what some types take. Before 5.16 there were no
	// types, but Handler.
	Type    int
	Reg     int
	Flags   int
	Imm     int64
	Handler uint64
}

// fixupTypes are the names of EX_TYPE_, by number.
var fixupTypes = [...]string{
	"NONE", "DEFAULT", "FAULT", "UACCESS", "COPY", "CLEAR_FS", "FPU_RESTORE", "BPF", "WRMSR", "RDMSR",
	"WRMSR_SAFE", "RDMSR_SAFE", "WRMSR_IN_MCE", "RDMSR_IN_MCE", "DEFAULT_MCE_SAFE", "FAULT_MCE_SAFE",
	"POP_REG", "IMM_REG", "FAULT_SGX", "UCOPY_LEN", "ZEROPAD",
}

// TypeName is that of Type, without EX_TYPE_; "" if it is not known.
func (f Fixup) TypeName() string {
	if f.Handler != 0 || f.Type < 0 || f.Type >= len(fixupTypes) {
		return ""
	}
	return fixupTypes[f.Type]
}

const fixupSize = 12 // struct exception_table_entry

// ExceptionTable is sorted by Insn.
func (i *Image) ExceptionTable() []Fixup { return i.fixups() }

// FindFixup finds the entry of an instruction.
func (i *Image) FindFixup(insn uint64) (Fixup, bool) {
	n, found := slices.BinarySearchFunc(i.fixups(), insn, func(f Fixup, at uint64) int { return cmp.Compare(f.Insn, at) })
	if !found {
		return Fixup{}, false
	}
	return i.fixups()[n], true
}

// readExceptionTable resolves the entries: distances from their own fields to
// the instruction and to where it goes on, then the type, which until 5.15 was
// the distance to a handler.
func (i *Image) readExceptionTable() []Fixup {
	r, ok := i.bounded("__start___ex_table", "__stop___ex_table", "__ex_table")
	if !ok {
		return nil
	}
	b := i.bytes(r.Start, r.Size())
	var table []Fixup
	for n := 0; n+fixupSize <= len(b); n += fixupSize {
		at := r.Start + uint64(n)
		far := func(field int) uint64 {
			return at + uint64(field) + uint64(int64(int32(binary.LittleEndian.Uint32(b[n+field:]))))
		}
		f := Fixup{Insn: far(0), Fixup: far(4)}
		if i.Version.Release != "" && !i.Version.AtLeast(5, 16) {
			f.Handler = far(8)
		} else {
			data := int32(binary.LittleEndian.Uint32(b[n+8:]))
			f.Type, f.Reg, f.Flags, f.Imm = int(data&0xff), int(data>>8&0xf), int(data>>12&0xf), int64(data>>16)
		}
		table = append(table, f)
	}
	slices.SortStableFunc(table, func(a, b Fixup) int { return cmp.Compare(a.Insn, b.Insn) })
	return table
}
