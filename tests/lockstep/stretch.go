// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import "fmt"

// CompareStretch steps two machines that are in the same state through a
// number of instructions of any guest, a real kernel's entry code for one,
// and compares all registers after each, up to the first difference.
//
// Undefined, which may be nil, says which flags have no defined value when
// RIP is what it is given; they stay so until it says otherwise.
func CompareStretch(a, b Machine, steps int, undefined func(rip uint64) uint64) (*Report, error) {
	r := &Report{}
	c := &comparison{payload: &Payload{}, report: r, machines: [2]Machine{a, b}}
	for i, m := range c.machines {
		var err error
		if c.now[i], err = m.Registers(); err != nil {
			return r, err
		}
	}
	where := "before the first step"
	for n := 0; ; n++ {
		mask := uint64(FlagRF)
		if undefined != nil {
			mask |= undefined(c.now[0].RIP)
		}
		if fields := CompareRegisters(c.now[0], c.now[1], mask); len(fields) > 0 {
			r.add(Difference{Where: where, Fields: fields})
			return r, nil
		}
		if n == steps {
			return r, nil
		}
		where = fmt.Sprintf("after step %d, at %#x", n, c.now[0].RIP)
		if err := c.step(); err != nil {
			return r, fmt.Errorf("step %d: %w", n, err)
		}
		r.Instructions++
	}
}
