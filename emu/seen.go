// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"slices"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// Seen is a change of the state, or an access. See [Every].
type Seen struct {
	State *Hit // of a change of the state: the CPU before the instruction; its Point is -1

	Sequence uint64 // place among everything that this machine has written down
	Count    uint64 // instructions retired before this one
	RIP      uint64 // of the instruction; of the machine's accesses, where the CPU stood
	Code     uint8  // zone of RIP
	Stack    uint8  // zone of RSP; of a state

	// Of an access:
	Data    uint8 // zone of Address
	Size    uint8 // in bytes, at most 8: longer ones are several
	Write   bool  // or read
	Machine bool  // it is of a delivery, or of an instruction that the machine carries out
	Address uint64
	Value   uint64
}

// every is the function that gets what is seen, and memory to hand it over in.
type every struct {
	f      func([]Seen)
	words  []uint64
	seen   []Seen
	states []Hit
}

func (m *Machine) tellSeen() {
	v := &m.every
	if v.f == nil {
		return
	}
	words := m.cpu.TakeSeen()
	if len(words) == 0 {
		return
	}
	f, kept, seen, states := v.f, v.words[:0], v.seen[:0], v.states[:0]
	v.words, v.seen, v.states = nil, nil, nil
	seen = slices.Grow(seen, len(words)/unicorn.SeenWords+1)
	for len(words) > 0 {
		if uint32(words[0]) == unicorn.SeenAccess {
			seen = seen[:len(seen)+1]
			seen[len(seen)-1].access((*[unicorn.SeenWords]uint64)(words))
			words = words[unicorn.SeenWords:]
			continue
		}
		var h Hit
		n := h.read(words)
		h.Point = -1
		states = append(states, h)
		kept = append(kept, h.Words...)
		seen = append(seen, Seen{Sequence: h.Sequence, Count: h.Count, RIP: h.RIP, Code: uint8(words[0] >> 48), Stack: uint8(words[0] >> 56)})
		words = words[n:]
	}
	attach(seen, states, kept)
	f(seen)
	v.words, v.seen, v.states = kept, seen, states
}

// attach gives what is seen its states, and those their words, where they
// stay.
func attach(seen []Seen, states []Hit, words []uint64) {
	for i := 0; len(states) > 0; i++ {
		if seen[i].Size != 0 {
			continue
		}
		n := len(states[0].Words)
		states[0].Words, words = words[:n:n], words[n:]
		seen[i].State, states = &states[0], states[1:]
	}
}

// access takes one from what the engine wrote; there are many of them.
func (s *Seen) access(w *[unicorn.SeenWords]uint64) {
	what := w[0]
	s.State = nil
	s.Sequence, s.Count, s.RIP = w[unicorn.SeenSequence], w[unicorn.SeenCount], w[unicorn.SeenRIP]
	s.Code, s.Stack, s.Data, s.Size = uint8(what>>48), 0, uint8(what>>56), uint8(what>>32)
	s.Write, s.Machine = what>>40&unicorn.SeenWrite != 0, what>>40&unicorn.SeenMachine != 0
	s.Address, s.Value = w[unicorn.SeenAddress], w[unicorn.SeenValue]
}
