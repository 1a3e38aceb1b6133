// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"context"
	"fmt"

	"github.com/uklemu/uklemu/emu"
)

// slice is how many instructions are run between two looks at the context:
// about ten milliseconds.
const slice = 2_000_000

// move goes towards a position, for a slice at most. It does all that ever
// moves a machine but single steps do.
func (d *Machine) move(to Position) error {
	d.leave()
	here := d.Position()
	if event := d.history.event(); event.Before(to) {
		to = event
	}
	switch {
	case here.Instructions < to.Instructions:
		d.last = d.m.Run(emu.Until{Instructions: min(slice, d.options.Interval, to.Instructions-here.Instructions)})
	case here.waiting(to):
		d.last = d.m.Run(emu.Until{Instructions: 1, Time: to.Time})
	default:
		d.last = d.m.Step()
	}
	return d.arrive()
}

// step goes to the next boundary.
func (d *Machine) step() error {
	for d.Position().waiting(d.history.event()) { // typed while the CPU was halted
		if err := d.move(d.history.event()); err != nil {
			return err
		}
	}
	d.leave()
	for {
		before := d.Position()
		d.last = d.m.Step()
		if d.last.Why != emu.StopInterrupted || d.Position() != before || d.ctx.Err() != nil {
			return d.arrive()
		}
	}
}

// leave types what was typed here.
func (d *Machine) leave() {
	h, here := &d.history, d.Position()
	if !here.Before(h.end) {
		d.collect()
	}
	for ; h.nextTyped < len(h.typed) && !here.Before(h.typed[h.nextTyped].at); h.nextTyped++ {
		d.m.Type(h.typed[h.nextTyped].bytes)
	}
}

// arrive makes the changes that the debugger made here.
func (d *Machine) arrive() error {
	h, here := &d.history, d.Position()
	if h.end.Before(here) {
		h.end = here
	}
	for ; h.nextEdit < len(h.edits) && !here.Before(h.edits[h.nextEdit].at); h.nextEdit++ {
		if err := h.edits[h.nextEdit].do(); err != nil {
			return err
		}
	}
	return nil
}

// restore goes back to a checkpoint.
func (d *Machine) restore(c checkpoint) error {
	if err := d.m.Restore(c.snapshot); err != nil {
		return err
	}
	d.deliveries, d.console.at = c.Deliveries, c.console
	d.history.nextTyped, d.history.nextEdit = c.nextTyped, c.nextEdit
	d.last = emu.Stop{}
	return d.arrive()
}

// forward replays up to a position.
func (d *Machine) forward(ctx context.Context, to Position) error {
	for d.Position().Before(to) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.move(to); err != nil {
			return err
		}
		if here := d.Position(); d.last.Ended() && here.Before(to) {
			return fmt.Errorf("the replay came to %s (%v) and should have come to %s: something that is not part of the machine has changed", here, d.last, to)
		}
	}
	return nil
}

// goTo goes to a position of the past, or of the present.
func (d *Machine) goTo(ctx context.Context, to Position) error {
	c := d.history.checkpoints[d.history.latest(to)]
	if here := d.Position(); to.Before(here) || here.Before(c.Position) {
		if err := d.restore(c); err != nil {
			return err
		}
	}
	return d.forward(ctx, to)
}
