// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import "slices"

// A mutation changes a sequence in its own memory, or says that it can't.
type mutation func(g *Generator, s Sequence, other Sequence) (Sequence, bool)

// mutations, each as often as it is here.
var mutations = [...]mutation{insert, insert, remove, splice, argument, argument, argument, event, event, shift, shift, way, swap}

// Mutate changes a sequence a little, in its own memory: other is what may be spliced in.
// The sequence stays one, and is not empty.
func (g *Generator) Mutate(s, other Sequence) Sequence {
	for changed := 0; changed == 0 || g.one(3); changed++ {
		for range 8 { // some can't be done to some sequences
			var ok bool
			if s, ok = mutations[g.random.IntN(len(mutations))](g, s, other); ok {
				break
			}
		}
	}
	if len(s) == 0 {
		s = append(s, g.op(nil))
	}
	return s.Normal()
}

// Insert puts operations before the one at an index; results keep their operations.
func (s Sequence) Insert(at int, ops ...Op) Sequence {
	if at < 0 || at > len(s) || len(s)+len(ops) > MaxOps {
		return s
	}
	for i := at; i < len(s); i++ {
		s[i].shiftResults(at, len(ops))
	}
	return slices.Insert(s, at, ops...)
}

// Remove takes an operation away; what used its result has the number 0 instead.
func (s Sequence) Remove(at int) Sequence {
	if at < 0 || at >= len(s) {
		return s
	}
	for i := at + 1; i < len(s); i++ {
		for a := range s[i].Args {
			if v := &s[i].Args[a]; v.Kind == Result && int(v.Index) == at {
				*v = Num(v.N)
			}
		}
		s[i].shiftResults(at+1, -1)
	}
	return slices.Delete(s, at, at+1).Normal()
}

// shiftResults is for operations that have moved: those from an index on.
func (o *Op) shiftResults(from, by int) {
	for a := range o.Args {
		if v := &o.Args[a]; v.Kind == Result && int(v.Index) >= from {
			v.Index = uint8(int(v.Index) + by)
		}
	}
}

func insert(g *Generator, s, _ Sequence) (Sequence, bool) {
	if len(s) == MaxOps {
		return s, false
	}
	at := g.random.IntN(len(s) + 1)
	return s.Insert(at, g.op(s[:at])), true
}

func remove(g *Generator, s, _ Sequence) (Sequence, bool) {
	if len(s) < 2 {
		return s, false
	}
	return s.Remove(g.random.IntN(len(s))), true
}

// splice puts a stretch of the other sequence in; its results come along.
func splice(g *Generator, s, other Sequence) (Sequence, bool) {
	room := min(len(other), MaxOps-len(s))
	if room <= 0 {
		return s, false
	}
	from := g.random.IntN(len(other))
	n := 1 + g.random.IntN(min(room, len(other)-from))
	at := g.random.IntN(len(s) + 1)
	piece := slices.Clone(other[from : from+n])
	for i := range piece {
		for a := range piece[i].Args {
			if v := &piece[i].Args[a]; v.Kind == Result {
				if int(v.Index) < from {
					*v = Num(v.N)
				} else {
					v.Index = uint8(int(v.Index) - from + at)
				}
			}
		}
	}
	return s.Insert(at, piece...), true
}

func argument(g *Generator, s, _ Sequence) (Sequence, bool) {
	if len(s) == 0 {
		return s, false
	}
	i := g.random.IntN(len(s))
	parameters := s[i].Operation().Args
	if len(parameters) == 0 {
		return s, false
	}
	a := g.random.IntN(len(parameters))
	v, d := &s[i].Args[a], parameters[a].Domain
	before := *v
	switch {
	case d.Bits:
		v.N ^= d.Names[g.random.IntN(len(d.Names))].N &^ d.ByHand
	case g.one(3) && d.ByHand == 0:
		v.N += uint64(offsets[g.random.IntN(len(offsets))])
	default:
		*v = g.value(d, s[:i])
	}
	*v = d.bring(v.normal(i))
	return s, *v != before
}

// event has something come in the middle of an operation, something else, or nothing.
func event(g *Generator, s, _ Sequence) (Sequence, bool) {
	if len(s) == 0 {
		return s, false
	}
	o := &s[g.random.IntN(len(s))]
	if !o.Operation().interruptible() {
		return s, false
	}
	if o.Event != NoEvent && g.one(3) {
		o.Event, o.At = NoEvent, 0
	} else {
		g.event(o)
	}
	return s, true
}

// shift moves what comes by one boundary, as the neighbours of a boundary that led
// somewhere may lead further.
func shift(g *Generator, s, _ Sequence) (Sequence, bool) {
	for range 4 {
		if len(s) == 0 {
			return s, false
		}
		o := &s[g.random.IntN(len(s))]
		if o.Event == NoEvent {
			continue
		}
		if g.one(2) && o.At < MaxBoundary {
			o.At++
		} else if o.At > 0 {
			o.At--
		}
		return s, true
	}
	return s, false
}

// way makes a call by the other entry.
func way(g *Generator, s, _ Sequence) (Sequence, bool) {
	if len(s) == 0 {
		return s, false
	}
	o := &s[g.random.IntN(len(s))]
	if !o.Operation().isCall() {
		return s, false
	}
	o.SYSCALL = !o.SYSCALL
	return s, true
}

// swap has two neighbours change places, if neither uses the other's result.
func swap(g *Generator, s, _ Sequence) (Sequence, bool) {
	if len(s) < 2 {
		return s, false
	}
	i := g.random.IntN(len(s) - 1)
	for a := range s[i+1].Args {
		if v := &s[i+1].Args[a]; v.Kind == Result && int(v.Index) == i {
			return s, false
		}
	}
	s[i], s[i+1] = s[i+1], s[i]
	for j := i + 2; j < len(s); j++ {
		for a := range s[j].Args {
			if v := &s[j].Args[a]; v.Kind == Result && (int(v.Index) == i || int(v.Index) == i+1) {
				v.Index = uint8(2*i + 1 - int(v.Index))
			}
		}
	}
	return s, true
}
