// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// plainELF starts an ELF64 that follows no protocol, in a state in which C
// compiled for x86-64 just runs:
//
//   - 64-bit mode, CPL 0, interrupts off, IDTR empty;
//   - RIP is e_entry, RSP the end of 16 KiB of stack (16-byte aligned), RDI
//     the physical address of an hvm_start_info (as PVH has it: memory map,
//     command line, the initrd as a module), every other register zero;
//   - the first 4 GiB mapped one to one, writable and executable, and a
//     segment whose p_vaddr differs from its p_paddr mapped there as well;
//   - CS 0x10 and the data segments 0x18, flat, in a GDT in memory;
//   - CR0.WP, CR0.MP and CR0.NE set, SSE enabled (CR4.OSFXSR, OSXMMEXCPT).
type plainELF struct{ entry uint64 }

func (plainELF) name() string { return ProtocolELF }

func recogniseELF(img *Image) (protocol, *Error) {
	elf := img.elf
	if elf == nil {
		return nil, nil
	}
	if !elf.is64 {
		if len(img.offered) > 0 {
			return nil, nil
		}
		return nil, img.error(Error{Err: ErrClass, Where: at("EI_CLASS", 4), Found: "1 (ELF32, with neither a multiboot header nor a PVH note)",
			Want: "2 (ELF64), or one of these"})
	}
	if elf.interp {
		return nil, img.error(Error{Err: ErrNotKernel, Found: "PT_INTERP, so a user program that needs a dynamic linker", Want: "a freestanding, statically linked image"})
	}
	if _, err := elf.physicalEntry(&img.file); err != nil {
		return nil, err
	}
	for _, p := range img.offered {
		if p.name() == ProtocolLinux {
			return nil, nil // Linux can't be entered without its zero page
		}
	}
	return plainELF{elf.entry}, nil
}

func (p plainELF) load(l *loader) (x86.State, error) {
	if err := l.loadSegments(); err != nil {
		return x86.State{}, err
	}
	info, err := l.putStartInfo()
	if err != nil {
		return x86.State{}, err
	}
	tables := identityTables()
	for _, s := range l.elf.segments {
		if err := l.mapSegment(&tables, s); err != nil {
			return x86.State{}, err
		}
	}
	cr3, err := l.putTables(tables)
	if err != nil {
		return x86.State{}, err
	}
	state, err := l.long64(p.entry, cr3)
	state.GPR[x86.RDI] = info
	state.CR0 |= cr0WP | cr0MP | cr0NE
	state.CR4 |= cr4FXSR | cr4XMM
	return state, err
}

// mapSegment maps a segment that is not linked to where it is loaded.
func (l *loader) mapSegment(tables *pageTables, s Segment) error {
	if s.Virtual == s.Physical {
		return nil
	}
	refuse := func(want string) error {
		return &Error{Err: ErrSegment, Where: fmt.Sprintf("p_vaddr of segment %d", s.index), Found: hex(s.Virtual), Want: want}
	}
	end := s.Virtual + s.Size - 1
	switch {
	case s.Virtual%page != s.Physical%page:
		return refuse(fmt.Sprintf("the offset in its page that p_paddr (%#x) has", s.Physical))
	case !canonical(s.Virtual) || !canonical(end) || s.Virtual>>47 != end>>47:
		return refuse("a canonical range of addresses")
	case s.Virtual < l.memory.Size():
		// It would hide RAM: the stack, the tables themselves.
		return refuse(fmt.Sprintf("p_paddr (%#x), or an address above the machine's memory (%#x)", s.Physical, l.memory.Size()))
	}
	return tables.mapPages(s.Virtual, s.Physical, s.Size)
}

// canonical is about 48-bit linear addresses (SDM vol. 1, 3.3.7.1).
func canonical(v uint64) bool { return int64(v<<16)>>16 == int64(v) }
