// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/arch/x86/x86asm"
)

// Patched is a place that .altinstructions lets the kernel patch at boot, and
// what memory has there.
type Patched struct {
	Address uint64
	File    []byte // as linked
	Memory  []byte // as it is
	// Chosen is the alternative that memory has, nil if it has what was linked.
	Chosen *Alternative
	// Alternatives are all that there are for this place, in their order.
	Alternatives []Alternative
	// Known is false if memory has neither what was linked nor an
	// alternative, NOPs and the lengths of jumps aside. Others patch too:
	// return thunks, static calls.
	Known bool
	// Init is true of code that the kernel gives back after boot
	// (__init_begin to __init_end): memory may have anything there.
	Init bool
}

// Alternative is one that is chosen by a feature of the CPU.
type Alternative struct {
	Feature  int    // X86_FEATURE_..., word * 32 + bit
	Name     string // as /proc/cpuinfo has it, "" if it is not shown there
	Inverted bool   // chosen when the feature is absent
	Code     []byte // as it is linked, at Replacement
	// Replacement is where it is linked. Distances in Code count from there.
	Replacement uint64
	length      int // of what it replaces
}

// Alternatives compares what is linked with what a machine's memory has, at
// every place that can be patched; sorted by address. The error is ErrMalformed,
// or that of the memory, with what was compared before.
func (i *Image) Alternatives(mem Memory) ([]Patched, error) {
	places, err := i.alternatives()
	if err != nil {
		return nil, err
	}
	for n := range places {
		p := &places[n]
		p.Memory = make([]byte, len(p.File))
		if got, err := mem.ReadMemory(p.Address, p.Memory); err != nil {
			return places[:n], fmt.Errorf("the alternative at %#x: %d of %d bytes: %w", p.Address, got, len(p.Memory), err)
		}
		p.choose()
	}
	return places, nil
}

// choose finds what memory has. Of several, a later one has overwritten the
// earlier (apply_alternatives()).
func (p *Patched) choose() {
	has := meaning(p.Memory, p.Address)
	if slices.Equal(has, meaning(p.File, p.Address)) {
		p.Known = true
		return
	}
	for n := len(p.Alternatives) - 1; n >= 0; n-- {
		a := &p.Alternatives[n]
		rest := min(a.length, len(p.File)) // one that is shorter leaves what is behind it
		whole := append(meaning(a.Code, a.Replacement), meaning(p.File[rest:], p.Address+uint64(rest))...)
		if slices.Equal(has, whole) {
			p.Chosen, p.Known = a, true
			return
		}
	}
}

// meaning is code without NOPs and with the targets of branches, for these are
// what the kernel alters when it copies a replacement: it moves jumps, may
// shorten them, and fills up with NOPs of any length.
func meaning(code []byte, at uint64) []string {
	var all []string
	for x := range decode(code, at) {
		raw := string(code[x.address-at:][:x.length])
		relative, ok := x.inst.Inst.Args[0].(x86asm.Rel)
		switch {
		case x.inst.Op == "NOP" || raw == "\x66\x90":
		case ok && x.inst.Op != "":
			all = append(all, fmt.Sprintf("%s %#x", x.inst.Op, x.address+uint64(x.length)+uint64(int64(relative))))
		default:
			all = append(all, raw)
		}
	}
	return all
}

// altInstr is where struct alt_instr has its fields (arch/x86/include/asm/alternative.h).
type altInstr struct {
	size, instr, replacement, feature, flags, length, replacementLength int64
}

// Kernels before 6.3 have the "not" in the feature's upper bit.
const (
	featureInverted = 1 << 15
	flagInverted    = 1
	noField         = -1

	alternativesMost = 100_000 // a distribution's kernel has 20,000
)

// altLayout asks the types; without, it is that of 5.12 to 6.2.
func (i *Image) altLayout() (altInstr, error) {
	l := altInstr{size: 12, instr: 0, replacement: 4, feature: 8, flags: noField, length: 10, replacementLength: 11}
	if i.Types == nil {
		return l, nil
	}
	size, ok := i.Types.Size("alt_instr")
	if !ok {
		return l, nil
	}
	l.size = size
	for _, f := range []struct {
		name  string
		to    *int64
		bytes int64
	}{
		{"instr_offset", &l.instr, 4}, {"repl_offset", &l.replacement, 4}, {"cpuid", &l.feature, 2},
		{"instrlen", &l.length, 1}, {"replacementlen", &l.replacementLength, 1},
	} {
		at, ok := i.Types.Offset("alt_instr", f.name)
		if !ok || at < 0 || at > size-f.bytes {
			return l, fmt.Errorf("%w: struct alt_instr has no %s, or not within its %d bytes", ErrMalformed, f.name, size)
		}
		*f.to = at
	}
	if at, ok := i.Types.Offset("alt_instr", "flags"); ok && at >= 0 && at <= size-2 {
		l.flags = at
	}
	return l, nil
}

// alternatives reads .altinstructions, places with their alternatives.
func (i *Image) alternatives() ([]Patched, error) {
	r, ok := i.bounded("__alt_instructions", "__alt_instructions_end", ".altinstructions")
	if !ok {
		return nil, nil
	}
	l, err := i.altLayout()
	if err != nil {
		return nil, err
	}
	b := i.bytes(r.Start, r.Size())
	if l.size <= 0 || int64(len(b))%l.size != 0 {
		return nil, fmt.Errorf("%w: .altinstructions has %d bytes, not a multiple of %d", ErrMalformed, len(b), l.size)
	}
	if n := int64(len(b)) / l.size; n > alternativesMost {
		return nil, fmt.Errorf("%w: .altinstructions has %d entries, more than %d", ErrMalformed, n, alternativesMost)
	}
	init, hasInit := i.bounded("__init_begin", "__init_end", ".init.text")
	index := map[uint64]int{}
	var places []Patched
	for n := int64(0); n < int64(len(b)); n += l.size {
		address, a := i.alternative(b[n:][:l.size], r.Start+uint64(n), l)
		file := i.bytes(address, uint64(a.length))
		if a.length > 0 && len(file) == 0 {
			return nil, fmt.Errorf("%w: .altinstructions wants to patch %#x, where the image has nothing", ErrMalformed, address)
		}
		k, ok := index[address]
		if !ok {
			k = len(places)
			index[address] = k
			places = append(places, Patched{Address: address, Init: hasInit && init.Contains(address)})
		}
		p := &places[k]
		if len(file) > len(p.File) {
			p.File = file
		}
		p.Alternatives = append(p.Alternatives, a)
	}
	slices.SortFunc(places, func(a, b Patched) int { return cmp.Compare(a.Address, b.Address) })
	return places, nil
}

// alternative reads one entry, which is linked at an address.
func (i *Image) alternative(b []byte, at uint64, l altInstr) (address uint64, a Alternative) {
	le := binary.LittleEndian
	far := func(field int64) uint64 {
		return at + uint64(field) + uint64(int64(int32(le.Uint32(b[field:]))))
	}
	address = far(l.instr)
	a = Alternative{Feature: int(le.Uint16(b[l.feature:])), Replacement: far(l.replacement), length: int(b[l.length])}
	if l.flags != noField {
		a.Inverted = le.Uint16(b[l.flags:])&flagInverted != 0
	} else {
		a.Inverted = a.Feature&featureInverted != 0
		a.Feature &^= featureInverted
	}
	a.Name = i.featureName(a.Feature)
	a.Code = i.bytes(a.Replacement, uint64(b[l.replacementLength]))
	return address, a
}

// featureName is that of x86_cap_flags (arch/x86/kernel/cpu/capflags.c).
func (i *Image) featureName(feature int) string {
	s, ok := i.Symbols.Symbol("x86_cap_flags")
	if !ok || uint64(feature)*8 >= s.Size {
		return ""
	}
	at, ok := i.word(s.Address + uint64(feature)*8)
	if !ok || at == 0 {
		return ""
	}
	return i.text(at, 32)
}

// Same says whether memory has the very bytes that were linked.
func (p Patched) Same() bool { return bytes.Equal(p.File, p.Memory) }
