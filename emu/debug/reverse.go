// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"context"

	"github.com/uklemu/uklemu/emu/gdb"
)

// StepBack implements [gdb.Reverser].
func (d *Machine) StepBack(ctx context.Context) (gdb.Stop, error) {
	defer d.within(ctx)()
	here := d.Position()
	if !d.history.checkpoints[0].Before(here) {
		return gdb.Stop{Reason: gdb.StopHistory}, nil
	}
	if err := d.before(ctx, here); err != nil {
		return interrupted(ctx, err)
	}
	return gdb.Stop{Reason: gdb.StopStep}, nil
}

// before goes to the last boundary before a position.
func (d *Machine) before(ctx context.Context, p Position) error {
	h := &d.history
	// An instruction ago, if not nearer, there is one.
	near := Position{Instructions: max(p.Instructions, 1) - 1}
	i := h.latest(near)
	if err := d.restore(h.checkpoints[i]); err != nil {
		return err
	}
	if err := d.forward(ctx, near); err != nil {
		return err
	}
	start, err := d.mark()
	if err != nil {
		return err
	}
	target := d.Position()
	for here := target; here.Before(p); here = d.Position() {
		target = here
		if err := d.step(); err != nil {
			return err
		}
		if d.Position() == here { // a step that a stop undid
			break
		}
	}
	if err := d.restore(start); err != nil {
		return err
	}
	return d.forward(ctx, target)
}

// hit is a stop on the way.
type hit struct {
	at   Position
	stop gdb.Stop
}

// ContinueBack implements [gdb.Reverser]. A watchpoint stops before the
// instruction that made the access: there the watched value is the one that,
// seen backwards, is new.
func (d *Machine) ContinueBack(ctx context.Context) (gdb.Stop, error) {
	defer d.within(ctx)()
	h, end := &d.history, d.Position()
	for end != h.checkpoints[0].Position {
		i := len(h.checkpoints) - 1
		for i > 0 && !h.checkpoints[i].Before(end) {
			i--
		}
		last, err := d.scan(ctx, h.checkpoints[i], end)
		if err != nil {
			return interrupted(ctx, err)
		}
		if last == nil {
			end = h.checkpoints[i].Position
			continue
		}
		if last.stop.Reason == gdb.StopWatchpoint {
			err = d.before(ctx, last.at)
		} else {
			err = d.goTo(ctx, last.at)
		}
		if err != nil {
			return interrupted(ctx, err)
		}
		return last.stop, nil
	}
	if err := d.goTo(ctx, end); err != nil {
		return interrupted(ctx, err)
	}
	return gdb.Stop{Reason: gdb.StopHistory}, nil
}

// scan replays from a checkpoint to a position and returns the last stop on
// the way.
func (d *Machine) scan(ctx context.Context, from checkpoint, to Position) (*hit, error) {
	if err := d.restore(from); err != nil {
		return nil, err
	}
	var last *hit
	d.onHit = func(s gdb.Stop) bool {
		last = &hit{d.Position(), s}
		return false
	}
	defer func() { d.onHit = nil }()
	return last, d.forward(ctx, to)
}

// interrupted tells a ^C, which leaves the machine somewhere in its past,
// from an error.
func interrupted(ctx context.Context, err error) (gdb.Stop, error) {
	if ctx.Err() != nil {
		return gdb.Stop{Reason: gdb.StopInterrupt}, nil
	}
	return gdb.Stop{}, err
}
