// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/x86"
)

// Control register and EFER bits (SDM vol. 3A 2.5 and 2.2.1).
const (
	cr0PE       = 1 << 0
	cr0MP       = 1 << 1
	cr0ET       = 1 << 4
	cr0NE       = 1 << 5
	cr0WP       = 1 << 16
	cr0PG       = 1 << 31
	cr4PAE      = 1 << 5
	cr4FXSR     = 1 << 9
	cr4XMM      = 1 << 10
	eferLME     = 1 << 8
	eferLMA     = 1 << 10
	rflagsFixed = 1 << 1
)

// Attributes of the segments, as x86.Segment has them (SDM vol. 3A 3.4.5,
// figure 3-8 and table 3-1): present, accessed, DPL 0, 4 KiB granularity.
const (
	attrCode64 = 0xa09b00 // L
	attrCode32 = 0xc09b00 // D
	attrData   = 0xc09300 // B, writable
	attrLDT    = 0x008200
	attrTSS    = 0x008b00 // 32-bit, busy
)

// Selectors of our GDT: those that Linux's boot protocol prescribes
// (__BOOT_CS and __BOOT_DS; arch/x86/include/asm/segment.h).
const (
	selectorCode = 0x10
	selectorData = 0x18
)

// resetState is what every protocol starts from: the values after a reset
// (SDM vol. 3A, table 10-1) with flat segments.
func resetState(code uint32, gdt x86.Table) x86.State {
	flat := func(selector uint16, attr uint32) x86.Segment {
		return x86.Segment{Selector: selector, Limit: 0xffffffff, Attr: attr}
	}
	s := x86.State{
		RFLAGS: rflagsFixed,
		GDTR:   gdt,
		LDTR:   x86.Segment{Limit: 0xffff, Attr: attrLDT},
		TR:     x86.Segment{Limit: 0x67, Attr: attrTSS},
		CR0:    cr0PE | cr0ET,
		XCR0:   1,
	}
	s.DR[6], s.DR[7] = 0xffff0ff0, 0x400
	for i := range s.Seg {
		s.Seg[i] = flat(selectorData, attrData)
	}
	s.Seg[x86.CS] = flat(selectorCode, code)
	return s
}

// putGDT places a GDT with the code descriptor given and a data descriptor at
// the selectors above, so that a kernel may reload its segments before it has
// its own.
func (l *loader) putGDT(code uint64) (x86.Table, error) {
	var gdt [32]byte
	binary.LittleEndian.PutUint64(gdt[selectorCode:], code)
	binary.LittleEndian.PutUint64(gdt[selectorData:], 0x00cf93000000ffff)
	where, err := l.put(gdt[:], 16, "the GDT")
	return x86.Table{Base: where, Limit: uint16(len(gdt) - 1)}, err
}

// protected32 is 32-bit protected mode with flat segments and no paging.
func (l *loader) protected32(entry uint64) (x86.State, error) {
	gdt, err := l.putGDT(0x00cf9b000000ffff)
	if err != nil {
		return x86.State{}, err
	}
	s := resetState(attrCode32, gdt)
	s.RIP = entry
	return s, nil
}

// long64 is 64-bit mode with the page tables given and a page of stack.
func (l *loader) long64(entry, cr3 uint64) (x86.State, error) {
	gdt, err := l.putGDT(0x00af9b000000ffff)
	if err != nil {
		return x86.State{}, err
	}
	stack, err := l.low(stackSize, page, "the stack")
	if err != nil {
		return x86.State{}, err
	}
	s := resetState(attrCode64, gdt)
	s.RIP = entry
	s.GPR[x86.RSP] = stack + stackSize
	s.CR0 |= cr0PG
	s.CR3 = cr3
	s.CR4 = cr4PAE
	s.EFER = eferLME | eferLMA
	return s, nil
}

const stackSize = 4 * page
