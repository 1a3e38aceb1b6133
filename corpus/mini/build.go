// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/uklemu/uklemu/asm"
)

// Build makes the guest: the bytes of an ELF file, the same each time. The error
// wraps [ErrOptions] for options that make no sense, or asm.ErrNoAssembler.
func Build(o Options) ([]byte, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	k, err := kernel()
	if err != nil {
		return nil, err
	}
	x, err := build(k, o)
	if err != nil {
		return nil, err
	}
	return x.bytes(), nil
}

func build(from *templates, o Options) (*image, error) {
	p, err := from.expand(o)
	if err != nil {
		return nil, err
	}
	t, err := layOut(structures)
	if err != nil {
		return nil, err
	}
	more, err := data(o)
	if err != nil {
		return nil, err
	}
	p = link(p, more, o)
	code, err := assemble(p, t, o, asm.Both)
	if err != nil {
		return nil, err
	}
	start, ok := code.Labels["startup_64"]
	if !ok {
		return nil, fmt.Errorf("builtin:mini: the sources have no startup_64")
	}
	x := &image{entry: start - kernelMap, script: script(o)}
	if err := x.load(code); err != nil {
		return nil, err
	}
	x.describe(code, p, t)
	return x, nil
}

func assemble(p *program, t *types, o Options, by asm.Assembler) (*asm.Code, error) {
	how := asm.Options{Assembler: by, Sections: map[string]uint64{}, Alignment: map[string]uint64{}, Constants: constants(t)}
	for _, one := range pieces(script(o)) {
		how.Order = append(how.Order, one.name)
		how.Alignment[one.name] = one.align
		if one.at != 0 {
			how.Sections[one.name] = one.at
		}
	}
	code, err := asm.Assemble(p.text.String(), how)
	var wrong asm.Errors
	if errors.As(err, &wrong) {
		for _, e := range wrong {
			e.File, e.Line = p.at(e.Line)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("builtin:mini: %w", err)
	}
	return code, nil
}

// load makes the image's sections of the assembler's.
func (x *image) load(code *asm.Code) error {
	made := map[string]asm.Section{}
	for _, s := range code.Sections {
		made[s.Name] = s
	}
	for _, p := range x.script {
		first := made[p.pieces[0].name]
		s := section{name: p.name, typ: typeProgram, flags: p.flags, address: first.Address, segment: p.segment, align: p.pieces[0].align}
		var b []byte
		for _, one := range p.pieces {
			from := made[one.name]
			delete(made, one.name)
			for uint64(len(b)) < from.Address-first.Address {
				b = append(b, p.filler)
			}
			b = append(b, from.Bytes...)
		}
		s.size, s.bytes = uint64(len(b)), b
		switch {
		case p.nobits:
			if i := slices.IndexFunc(b, func(v byte) bool { return v != 0 }); i >= 0 {
				return fmt.Errorf("builtin:mini: %s has something other than zero at %#x", p.name, first.Address+uint64(i))
			}
			s.typ, s.bytes = typeNoBits, nil
		case p.note:
			s.typ = typeNote
		case p.name == exceptionTable:
			sortExceptions(b)
		}
		x.sections = append(x.sections, s)
	}
	x.place()
	for name, s := range made {
		if len(s.Bytes) > 0 {
			return fmt.Errorf("builtin:mini: the linker script has no section %s", name)
		}
	}
	return nil
}

const (
	exceptionTable = "__ex_table"
	exceptionSize  = 12
)

// sortExceptions does what scripts/sorttable.c does at the end of a kernel's
// build: the entries by the address of the instruction. They hold distances
// from themselves, which change with their place.
func sortExceptions(b []byte) {
	type entry struct{ insn, fixup, data uint32 }
	var list []entry
	le := binary.LittleEndian
	for at := uint32(0); int(at)+exceptionSize <= len(b); at += exceptionSize {
		list = append(list, entry{le.Uint32(b[at:]) + at, le.Uint32(b[at+4:]) + at + 4, le.Uint32(b[at+8:])})
	}
	slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(int32(a.insn), int32(b.insn)) })
	var out bytes.Buffer
	for i, e := range list {
		at := uint32(i * exceptionSize)
		put(&out, []uint32{e.insn - at, e.fixup - at - 4, e.data})
	}
	copy(b, out.Bytes())
}

// place says where segments are loaded: the kernel at its addresses less
// __START_KERNEL_map, programs behind it, one after the other.
func (x *image) place() {
	starts := map[string]section{}
	for _, s := range x.sections {
		starts[s.name] = s
	}
	bss := starts[".bss"]
	next := bss.address + bss.size - kernelMap
	x.loaded[segmentText], x.loaded[segmentData] = kernelMap, kernelMap
	user, userData := starts[".user.text"], starts[".user.data"]
	x.loaded[segmentUserText] = user.address - next
	x.loaded[segmentUserData] = x.loaded[segmentUserText]
	next += userData.address + userData.size - user.address
	x.loaded[segmentApplicationText] = starts[".ukl.text"].address - next
	x.loaded[segmentApplicationData] = x.loaded[segmentApplicationText]
}
