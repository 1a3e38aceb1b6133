// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import "github.com/uklemu/uklemu/emu/x86"

// disturbances relate runs: with an event at one boundary, and without.
var disturbances = []Scenario{
	{Name: "interrupts everywhere", Does: "an interrupt at every instruction boundary of calls, faults and plain code", Play: interrupts},
	{Name: "NMIs everywhere", Does: "an NMI at every instruction boundary of the same", Play: nmis},
}

// stretches are what is disturbed.
func (d *Driver) stretches() ([]Step, error) {
	page, err := d.memory(1)
	if err != nil {
		return nil, err
	}
	return []Step{
		patterns(call(sysGetpid)), patterns(Step{At: Nops}), {At: Vector}, {At: Push},
		patterns(Step{At: Store, Set: map[int]uint64{x86.RDI: page}}),
	}, nil
}

func interrupts(d *Driver) error {
	vector, err := harmless(d.Image)
	if err != nil {
		return err
	}
	return d.disturb(sameInterrupted, interruptWith(vector))
}

func nmis(d *Driver) error { return d.disturb(sameNMI, nmi) }

func (d *Driver) disturb(id string, what disturbance) error {
	steps, err := d.stretches()
	if err != nil {
		return err
	}
	for _, s := range steps {
		if err := d.everywhere(id, what, s); err != nil {
			return err
		}
	}
	return nil
}
