// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import "slices"

// Domain is what an argument may sensibly be.
type Domain struct {
	Name, Does string
	// Names are values with a name. With Bits they are combined, as in DF|AC.
	Names []Named
	Bits  bool
	// ByHand are bits that the generator leaves alone: an application that sets
	// them has broken a promise itself.
	ByHand uint64
	// Numbers, Places and Results are what else the generator chooses from.
	Numbers []uint64
	Places  []Place
	Results bool
	// Range says that Numbers are the first and the last of all that there are.
	Range bool
	// Closed domains have nothing else: not even somebody who writes a sequence
	// by hand gets past them.
	Closed bool
}

// Named is a value with a name.
type Named struct {
	Name string
	N    uint64
}

// allows says whether a value is one of a closed domain.
func (d *Domain) allows(v Value) bool { return !d.Closed || d.bring(v) == v }

// bring makes a value one of a closed domain.
func (d *Domain) bring(v Value) Value {
	if !d.Closed {
		return v
	}
	if v.Kind != Number && len(d.Places) > 0 {
		return d.bringPointer(v)
	}
	n := v.N
	choices := uint64(len(d.Names) + len(d.Numbers))
	switch {
	case d.Bits:
		return Num(n & d.all())
	case d.Range:
		if n >= d.Numbers[0] && n <= d.Numbers[1] {
			return Num(n)
		}
		return Num(d.Numbers[0] + n%(d.Numbers[1]-d.Numbers[0]+1))
	case choices == 0:
		return At(d.Places[n%uint64(len(d.Places))], 0)
	case d.name(n) != "" || slices.Contains(d.Numbers, n):
		return Num(n)
	}
	if n %= choices; n < uint64(len(d.Names)) {
		return Num(d.Names[n].N)
	}
	return Num(d.Numbers[n-uint64(len(d.Names))])
}

func (d *Domain) bringPointer(v Value) Value {
	p := v.Place
	if !slices.Contains(d.Places, p) {
		p = d.Places[int(p)%len(d.Places)]
	}
	info := &placeTable[p]
	if n := int64(v.N); n < -info.below || n > info.above {
		v.N = uint64(int64(v.N%uint64(info.below+info.above+1)) - info.below)
	}
	return At(p, int64(v.N))
}

// all is every bit that has a name.
func (d *Domain) all() (bits uint64) {
	for _, n := range d.Names {
		bits |= n.N
	}
	return bits
}

func (d *Domain) find(name string) (uint64, bool) {
	for _, n := range d.Names {
		if n.Name == name {
			return n.N, true
		}
	}
	return 0, false
}

// name is the name of a number that has one.
func (d *Domain) name(v uint64) string {
	for _, n := range d.Names {
		if n.N == v {
			return n.Name
		}
	}
	return ""
}
