// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"slices"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/unicorn"
)

// history is what a state of the past is made from again: snapshots, and what
// came from outside after them.
type history struct {
	checkpoints []checkpoint // by position; the first is the beginning
	end         Position     // the latest that has been reached
	// What is typed goes to the guest when it leaves the position; what the
	// debugger writes is there when the guest arrives.
	typed     []typed
	edits     []edit
	nextTyped int // the first one that is still to come, seen from the present position
	nextEdit  int
}

type typed struct {
	at    Position
	bytes []byte
}

// edit is a change that the debugger made.
type edit struct {
	at Position
	do func() error
}

// checkpoint is a state that can be gone back to.
type checkpoint struct {
	Position
	snapshot            *emu.Snapshot
	console             int64
	nextTyped, nextEdit int
}

// mark takes a checkpoint without keeping it.
func (d *Machine) mark() (checkpoint, error) {
	s, err := d.m.Snapshot()
	return checkpoint{d.Position(), s, d.console.at, d.history.nextTyped, d.history.nextEdit}, err
}

// checkpoint adds one to the history.
func (d *Machine) checkpoint() error {
	c, err := d.mark()
	if err != nil {
		return err
	}
	d.history.checkpoints = append(d.history.checkpoints, c)
	return d.thin()
}

// checkpointIfDue adds one if the last is an interval ago. It is not done in
// the middle of a repeated instruction, about which the machine remembers
// more than a snapshot holds.
func (d *Machine) checkpointIfDue() error {
	h := &d.history
	here := d.Position()
	last := h.checkpoints[len(h.checkpoints)-1]
	if here.Before(h.end) || here.Instructions < last.Instructions+d.options.Interval || d.last.Ended() {
		return nil
	}
	var code [15]byte
	s := d.m.State()
	n, _ := d.m.ReadMemory(s.RIP, code[:])
	if unicorn.Decode(code[:n], 64).Class == unicorn.RepString {
		return nil
	}
	return d.checkpoint()
}

// maxCheckpoints bounds how many there are: each that has been gone back to
// holds a table of all of memory.
const maxCheckpoints = 128

// thin drops checkpoints until the rest fits the budget. The one that goes is
// the one that is missed least: where the gap that it leaves is small against
// its age. So the distance between two grows in proportion to their age.
func (d *Machine) thin() error {
	h := &d.history
	for len(h.checkpoints) > 2 && (len(h.checkpoints) > maxCheckpoints || h.size() > d.options.Budget) {
		least, victim := 0.0, 0
		for i := 1; i < len(h.checkpoints)-1; i++ {
			gap := h.checkpoints[i+1].Instructions - h.checkpoints[i-1].Instructions
			age := h.checkpoints[len(h.checkpoints)-1].Instructions - h.checkpoints[i].Instructions
			if loss := float64(gap) / float64(age+1); victim == 0 || loss < least {
				least, victim = loss, i
			}
		}
		h.checkpoints = slices.Delete(h.checkpoints, victim, victim+1)
		if err := h.merge(); err != nil {
			return err
		}
	}
	return nil
}

// merge gives the memory of dropped checkpoints back.
func (h *history) merge() error {
	kept := map[*emu.Snapshot]bool{}
	for _, c := range h.checkpoints {
		kept[c.snapshot] = true
	}
	for _, c := range h.checkpoints {
		if err := c.snapshot.Merge(func(s *emu.Snapshot) bool { return kept[s] }); err != nil {
			return err
		}
	}
	return nil
}

// size is what the checkpoints hold beyond the first: that one is the memory
// as it was at the beginning, which nothing can do without.
func (h *history) size() (bytes int64) {
	for _, c := range h.checkpoints[1:] {
		bytes += c.snapshot.Size()
	}
	return bytes
}

// latest is the index of the last checkpoint that is not after p.
func (h *history) latest(p Position) int {
	for i := len(h.checkpoints) - 1; i > 0; i-- {
		if !p.Before(h.checkpoints[i].Position) {
			return i
		}
	}
	return 0
}

// changed records what the debugger has just done, and forgets a future that
// would have been without it.
func (d *Machine) changed(do func() error) {
	h, here := &d.history, d.Position()
	h.checkpoints = slices.DeleteFunc(h.checkpoints, func(c checkpoint) bool { return here.Before(c.Position) })
	h.typed = h.typed[:h.nextTyped]
	h.edits = append(h.edits[:h.nextEdit:h.nextEdit], edit{here, do})
	h.nextEdit = len(h.edits)
	h.end = here
	d.console.forget()
}

// event is the next position at which something comes from outside.
func (h *history) event() Position {
	at := never
	if h.nextTyped < len(h.typed) {
		at = h.typed[h.nextTyped].at
	}
	if h.nextEdit < len(h.edits) && h.edits[h.nextEdit].at.Before(at) {
		at = h.edits[h.nextEdit].at
	}
	return at
}
