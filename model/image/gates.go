// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"encoding/binary"
	"slices"
)

// gate is what the kernel puts into its IDT for a vector.
type gate struct {
	vector  int
	address uint64
	ist     int
}

const (
	vectors      = 256
	pageFault    = 14
	pageFaultIST = 6 // of our series: IST_INDEX_PF + 1
)

// gates are by vector. The tables that the kernel makes its IDT of know best
// (arch/x86/kernel/idt.c); where they do not say, the stubs' names do.
func (i *Image) gates() []gate {
	var idt [vectors]gate
	for _, table := range []string{"def_idts", "early_pf_idts", "ist_idts", "apic_idts"} {
		for _, g := range i.gateTable(table) {
			if old := idt[g.vector]; old.address == 0 || g.ist != 0 {
				idt[g.vector] = g
			}
		}
	}
	for vector, stub := range stubs {
		if at, ok := i.Address(stub.name); ok && idt[vector].address == 0 {
			idt[vector] = gate{vector, at, stub.ist}
			if vector == pageFault && i.set("CONFIG_UKL_USE_IST_PF") {
				idt[vector].ist = pageFaultIST
			}
		}
	}
	i.numbered(&idt)
	return slices.DeleteFunc(idt[:], func(g gate) bool { return g.address == 0 || i.Class(g.address) == Outside })
}

// gateTable reads an array of struct idt_data (arch/x86/include/asm/desc_defs.h):
// the vector, the code segment, the gate's bits and the address.
func (i *Image) gateTable(name string) []gate {
	s, ok := i.Symbols.Symbol(name)
	if !ok || i.Types == nil {
		return nil
	}
	size, ok := i.Types.Size("idt_data")
	if !ok || size < 16 || size > 64 || s.Size > 1<<16 {
		return nil
	}
	field := func(path string) int64 {
		f, err := i.Types.Field("idt_data", path)
		if err != nil || f.Offset < 0 || f.Offset > size-8 {
			return -1
		}
		return f.Offset
	}
	vector, address := field("vector"), field("addr")
	bits, err := i.Types.Field("idt_data", "bits.ist")
	if vector < 0 || address < 0 || err != nil || bits.Offset < 0 || bits.Offset > size-8 {
		return nil
	}
	b := i.bytes(s.Address, s.Size)
	var all []gate
	for ; int64(len(b)) >= size; b = b[size:] {
		g := gate{vector: int(binary.LittleEndian.Uint32(b[vector:])), address: binary.LittleEndian.Uint64(b[address:])}
		g.ist = int(b[bits.Offset]>>bits.BitOffset) & 7
		if g.vector < vectors {
			all = append(all, g)
		}
	}
	return all
}

// stubs are by vector the stub of arch/x86/include/asm/idtentry.h and, for an
// image that has no tables, the IST that its gate has
// (arch/x86/include/asm/page_64_types.h, IST_INDEX_ + 1).
var stubs = map[int]struct {
	name string
	ist  int
}{
	0:  {"asm_exc_divide_error", 0},
	1:  {"asm_exc_debug", 3},
	2:  {"asm_exc_nmi", 2},
	3:  {"asm_exc_int3", 0},
	4:  {"asm_exc_overflow", 0},
	5:  {"asm_exc_bounds", 0},
	6:  {"asm_exc_invalid_op", 0},
	7:  {"asm_exc_device_not_available", 0},
	8:  {"asm_exc_double_fault", 1},
	9:  {"asm_exc_coproc_segment_overrun", 0},
	10: {"asm_exc_invalid_tss", 0},
	11: {"asm_exc_segment_not_present", 0},
	12: {"asm_exc_stack_segment", 0},
	13: {"asm_exc_general_protection", 0},
	14: {"asm_exc_page_fault", 0},
	15: {"asm_exc_spurious_interrupt_bug", 0},
	16: {"asm_exc_coprocessor_error", 0},
	17: {"asm_exc_alignment_check", 0},
	18: {"asm_exc_machine_check", 4},
	19: {"asm_exc_simd_coprocessor_error", 0},
	20: {"asm_exc_virtualization_exception", 0},
	21: {"asm_exc_control_protection", 0},
	29: {"asm_exc_vmm_communication", 5},

	vector128: {"entry_INT80_compat", 0},
}

// The first vector of a device, and of the kernel's own interrupts
// (arch/x86/include/asm/irq_vectors.h): of what is between, each has a stub.
const (
	firstExternal  = 0x20
	firstSystemAll = 0xec
)

// numbered adds the stubs that are arrays, one of equal length for each vector:
// irq_entries_start from firstExternal on, spurious_entries_start from the
// first system vector to the last.
func (i *Image) numbered(idt *[vectors]gate) {
	first := firstSystemAll
	if s, ok := i.Symbols.Symbol("irq_entries_start"); ok {
		size := stubSize(s.Size, firstSystemAll-firstExternal)
		for v := firstExternal; v < first; v++ {
			if idt[v].address == 0 {
				idt[v] = gate{vector: v, address: s.Address + uint64(v-firstExternal)*size}
			}
		}
	}
	if s, ok := i.Symbols.Symbol("spurious_entries_start"); ok {
		size := stubSize(s.Size, vectors-firstSystemAll)
		for v := first; v < vectors; v++ {
			if idt[v].address == 0 {
				idt[v] = gate{vector: v, address: s.Address + uint64(v-first)*size}
			}
		}
	}
}

// stubSize is 8, or 16 with ENDBR64 (IDT_ALIGN).
func stubSize(all uint64, count int) uint64 {
	if all != 0 && all%uint64(count) == 0 && all/uint64(count) <= 64 {
		return all / uint64(count)
	}
	return 8
}
