// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// Every says what [Machine.ObserveAll] looks at.
type Every struct {
	// Zones number addresses: of instructions, of the stack pointer, of what
	// is accessed. Those of one list must not overlap; what is in none of them
	// is in zone 0.
	Code, Stack, Data []Zone

	// Fine is where the state is looked at before each instruction, at most
	// [unicorn.MaxRanges]; elsewhere it is where a block begins: at least
	// behind each branch, and behind what the machine itself did.
	Fine []Range

	// The state is: the zones of RIP and RSP, the CPL, and of these what is
	// asked for.
	Flags    uint64    // bits of RFLAGS
	GSBase   *uint64   // whether GS base is this
	Captures []Capture // their words, and whether they could be read; see Point.Captures

	Accesses []Accesses // those to tell of: what any of these matches
}

// Accesses are reads, writes or both, by instructions in some zones of Code,
// to some zones of Data.
type Accesses struct {
	Code, Data  ZoneSet
	Read, Write bool
}

// Zone is a range of addresses with a number below [unicorn.Zones].
type Zone = unicorn.Zone

// ZoneSet has a bit for each zone.
type ZoneSet uint64

// AllZones has zone 0 as well.
const AllZones = ^ZoneSet(0)

// Zones is the set of those with these numbers.
func Zones(numbers ...int) ZoneSet {
	var s ZoneSet
	for _, n := range numbers {
		s |= 1 << n
	}
	return s
}

// Limits of what is captured with a state.
const (
	MaxSeenCaptures = unicorn.MaxSeenCaptures
	MaxSeenWords    = unicorn.MaxSeenWords
)

// ObserveAll is the full tier of observation, for a stretch in which every
// instruction or access matters: changes of the state, and accesses, are told
// in order. nil ends it. It costs a few times the run without it, and switching
// it translates all code anew; a second machine from the same snapshot may be
// cheaper than switching. [Machine.SetPoints] is the other tier.
//
// A state is told of when it is not what it was when it was last looked at,
// and the first time, and the first time after a [Machine.Restore]. Accesses
// are those of instructions that were carried out; one that faults, or an
// iteration that does, has none. What the machine itself reads and writes of
// linear memory, to deliver an event (IDT, GDT, TSS, the frame) or for an
// instruction that it carries out, is marked, and told though it may lead to a
// fault. Fetches and page walks are no accesses.
//
// f is called as that of SetPoints is, with the same rules; hits come first,
// and [Seen.Sequence] and [Hit.Sequence] say what was before what. The run is
// the same as without.
func (m *Machine) ObserveAll(what *Every, f func([]Seen)) error {
	if m.body == nil {
		return ErrClosed
	}
	if what == nil {
		m.every = every{}
		return m.cpu.See(nil)
	}
	if f == nil {
		return errors.New("nothing gets what is seen: the function is nil")
	}
	v, err := what.check()
	if err != nil {
		return err
	}
	m.give()
	if err := m.cpu.See(v); err != nil {
		return err
	}
	m.every.f = f
	return nil
}

// check gives the engine's form.
func (e *Every) check() (*unicorn.Every, error) {
	v := &unicorn.Every{Fine: e.Fine, Flags: e.Flags}
	for _, list := range []struct {
		name string
		from []Zone
		to   *[]Zone
	}{{"code", e.Code, &v.Code}, {"stack", e.Stack, &v.Stack}, {"data", e.Data, &v.Data}} {
		zones, err := inOrder(list.from)
		if err != nil {
			return nil, fmt.Errorf("zones of %s: %w", list.name, err)
		}
		*list.to = zones
	}
	if len(e.Fine) > unicorn.MaxRanges {
		return nil, fmt.Errorf("%d fine ranges: there can be %d", len(e.Fine), unicorn.MaxRanges)
	}
	if e.GSBase != nil {
		v.GSBase, v.AsksGS = *e.GSBase, true
	}
	p := Point{Captures: e.Captures}
	if err := p.check(); err != nil {
		return nil, err
	}
	v.Captures = places([]Point{p})[0].Captures
	words := 0
	for _, c := range e.Captures {
		words += c.Words()
	}
	if len(e.Captures) > MaxSeenCaptures || words > MaxSeenWords {
		return nil, fmt.Errorf("%d captures of %d words: there can be %d, of %d words", len(e.Captures), words, MaxSeenCaptures, MaxSeenWords)
	}
	for _, a := range e.Accesses {
		for zone := range unicorn.Zones {
			if a.Code>>zone&1 == 0 {
				continue
			}
			if a.Read {
				v.Reads[zone] |= uint64(a.Data)
			}
			if a.Write {
				v.Writes[zone] |= uint64(a.Data)
			}
		}
	}
	return v, nil
}

// inOrder sorts zones, and says what is wrong with them.
func inOrder(zones []Zone) ([]Zone, error) {
	sorted := slices.SortedFunc(slices.Values(zones), func(a, b Zone) int { return cmp.Compare(a.Begin, b.Begin) })
	for i, z := range sorted {
		last := z.Begin + z.Size - 1
		switch {
		case z.Size == 0:
			return nil, fmt.Errorf("the one at %#x is empty", z.Begin)
		case last < z.Begin:
			return nil, fmt.Errorf("the one at %#x and %#x bytes more: that is beyond the end of the address space", z.Begin, z.Size)
		case int(z.Number) >= unicorn.Zones:
			return nil, fmt.Errorf("the one at %#x has number %d: the highest is %d", z.Begin, z.Number, unicorn.Zones-1)
		case i > 0 && z.Begin-sorted[i-1].Begin < sorted[i-1].Size:
			return nil, fmt.Errorf("those at %#x and %#x overlap", sorted[i-1].Begin, z.Begin)
		}
	}
	return sorted, nil
}
