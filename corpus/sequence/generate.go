// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import "math/rand/v2"

// Generator makes sequences for one kernel, and changes them. What it makes is decided
// by its seed alone. It belongs to one goroutine.
type Generator struct {
	kernel *Kernel
	random *rand.Rand
	codes  []Code // each as often as its weight
	handle Code
}

// NewGenerator makes one.
func NewGenerator(k *Kernel, seed uint64) *Generator {
	g := &Generator{kernel: k, random: rand.New(rand.NewPCG(seed, 0x756b6c656d75))}
	for _, c := range k.Codes() {
		times := max(operations[c].Weight, 1) * 8
		if operations[c].Weight == rare {
			times = 1
		}
		for range times {
			g.codes = append(g.codes, c)
		}
	}
	g.handle, _ = findOperation("handle")
	return g
}

// Boundaries is how far into an operation the generator lets something come.
// Most operations of builtin:mini are shorter; those of Linux take some hundred
// instructions on their way in and out alone.
const Boundaries = 400

// Generate makes a sequence of so many operations into the memory of s.
func (g *Generator) Generate(s Sequence, n int) Sequence {
	s = s[:0]
	for range min(n, MaxOps) {
		s = append(s, g.op(s))
	}
	return s
}

// op is one that may stand behind a sequence.
func (g *Generator) op(before Sequence) Op {
	o := Op{Code: g.codes[g.random.IntN(len(g.codes))]}
	op := o.Operation()
	for i := range op.Args {
		o.Args[i] = g.value(op.Args[i].Domain, before)
	}
	if g.one(4) {
		g.event(&o)
	}
	if op.isCall() {
		o.SYSCALL = g.one(16)
	}
	o = o.normal(len(before))
	if s := raises(&o); s != 0 && !g.handled(before, s) && !g.one(12) {
		return g.handler(s, before)
	}
	return o
}

// event has something come in the middle of an operation: at few instructions
// more often than at many.
func (g *Generator) event(o *Op) {
	o.Event = Event(1 + g.random.IntN(eventKinds-1))
	o.At = uint16(g.random.IntN(1 + g.random.IntN(Boundaries)))
}

// one is true once in n times.
func (g *Generator) one(n int) bool { return g.random.IntN(n) == 0 }

// value is one of a domain: from its lists mostly, sometimes beside them.
func (g *Generator) value(d *Domain, before Sequence) Value {
	choices := len(d.Names) + len(d.Numbers) + len(d.Places)
	switch {
	case d.Range:
		return Num(d.Numbers[0] + g.random.Uint64N(d.Numbers[1]-d.Numbers[0]+1))
	case d.Bits:
		return g.bits(d)
	case d.Results && len(before) > 0 && g.one(6):
		return g.result(before)
	case !d.Closed && g.one(24):
		return g.anything()
	case choices == 0:
		return Num(0)
	}
	n := g.random.IntN(choices)
	if n < len(d.Names) {
		return Num(d.Names[n].N)
	}
	if n -= len(d.Names); n < len(d.Numbers) {
		return Num(d.Numbers[n])
	}
	return g.pointer(d.Places[n-len(d.Numbers)])
}

func (g *Generator) bits(d *Domain) (v Value) {
	for range g.random.IntN(4) {
		v.N |= d.Names[g.random.IntN(len(d.Names))].N &^ d.ByHand
	}
	return v
}

// result prefers what came last.
func (g *Generator) result(before Sequence) Value {
	back := 1 + g.random.IntN(1+g.random.IntN(len(before)))
	return Of(len(before) - back)
}

// offsets are where the edges of words, frames and pages are.
var offsets = [...]int64{0, 0, 0, 1, 4, 8, 16, 40, 48, 64, 0x80, 0xff8, 0x1000, -1, -4, -7, -8, -16, -40, -48, -0x80, -0x1000}

func (g *Generator) pointer(p Place) Value {
	if p == Self {
		return At(p, 0)
	}
	return At(p, offsets[g.random.IntN(len(offsets))])
}

func (g *Generator) anything() Value {
	switch g.random.IntN(4) {
	case 0:
		return Num(1 << g.random.IntN(64))
	case 1:
		return Num(-uint64(g.random.IntN(4096)))
	case 2:
		return In(Heap, int64(g.random.IntN(4))*4)
	}
	return Num(g.random.Uint64() >> g.random.IntN(64))
}
