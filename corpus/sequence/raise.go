// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

// A signal that nobody handles is the end of most applications, and of the sequence:
// the generator mostly has a handler first.

const sigIll, sigTrap, sigSegv, signals = 4, 5, 11, 65

// raises is the signal that an operation sends itself, as far as one can see;
// 0 for none.
func raises(o *Op) uint64 {
	op := o.Operation()
	switch op.kind {
	case plainCode:
		switch op.Name {
		case "int3":
			return sigTrap
		case "ud2":
			return sigIll
		}
	case touchLoad, touchStore, touchExecute:
		if o.wild(op.kind) {
			return sigSegv
		}
	case setFlags:
		if d := op.Args[0].Domain; o.Args[0].N&trapFlag(d) != 0 {
			return sigTrap
		}
	case systemCall:
		if n := len(op.Args); n > 1 && op.Args[n-1].Domain == signal && o.Args[n-1].Kind == Number {
			return o.Args[n-1].N % signals
		}
	}
	if o.Event == Breakpoint {
		return sigTrap
	}
	return 0
}

func trapFlag(d *Domain) uint64 {
	n, _ := d.find("TF")
	return n
}

// wild says whether a touch is of something that can't be touched so.
func (o *Op) wild(k kind) bool {
	switch o.Args[0].Place {
	case Unmapped, NoAccess, Null, HalfEnd, HalfBehind, NonCanonical:
		return true
	case Edge:
		return int64(o.Args[0].N) >= 0
	case GuardStack:
		return int64(o.Args[0].N) < 0
	case ReadOnly:
		return k == touchStore
	}
	return k == touchExecute
}

// handled says whether a sequence has something done with a signal.
func (g *Generator) handled(s Sequence, signal uint64) bool {
	for i := range s {
		if s[i].Code == g.handle && s[i].Args[0] == Num(signal) && s[i].Args[1].N != handlerDefault {
			return true
		}
	}
	return false
}

// handler handles a signal: what faults again when it is returned to, by one that stops.
func (g *Generator) handler(signal uint64, before Sequence) Op {
	o := Op{Code: g.handle}
	for i, p := range o.Operation().Args {
		o.Args[i] = g.value(p.Domain, before)
	}
	o.Args[0] = Num(signal)
	o.Args[1] = Num(uint64(handlerReturns + g.random.IntN(3)))
	if signal == sigIll || signal == sigSegv {
		o.Args[1] = Num(handlerStops)
	}
	return o.normal(len(before))
}
