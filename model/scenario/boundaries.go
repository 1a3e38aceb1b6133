// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"errors"
	"fmt"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// event that can come at a boundary.
type disturbance struct {
	name string
	at   func(d *Driver, n uint64)
}

func interruptWith(vector x86.Vector) disturbance {
	return disturbance{fmt.Sprintf("interrupt %v", vector), func(d *Driver, n uint64) { d.Machine.InterruptAt(n, vector) }}
}

var nmi = disturbance{"NMI", func(d *Driver, n uint64) { d.Machine.NMIAt(n) }}

// harmless is the vector of an interrupt whose handler does little and asks no
// device: IRQ work, else the timer's, else the first that has a handler.
func harmless(img *image.Image) (x86.Vector, error) {
	for _, name := range []string{"asm_sysvec_irq_work", "asm_sysvec_x86_platform_ipi", "asm_sysvec_apic_timer_interrupt"} {
		for _, e := range img.Entries() {
			if e.Name == name && e.Vector >= 32 {
				return x86.Vector(e.Vector), nil
			}
		}
	}
	for _, e := range img.Entries() {
		if e.Kind == image.Interrupt && e.Vector >= 32 {
			return x86.Vector(e.Vector), nil
		}
	}
	return 0, errors.New("no vector of an external interrupt is known")
}

// enough is how many boundaries of a step the application may not come back from:
// those behind them would say the same again. It is also how long an
// event that is held back is waited for, in steps.
const enough = 4

// everywhere makes the step as it is, and then once for each of its instruction
// boundaries with the disturbance there: nothing that the application can see may
// differ. The invariant with the id is what this is reported as.
func (d *Driver) everywhere(id string, what disturbance, s Step) error {
	return d.among(func(uint64) bool { return true }, id, what, s)
}

// among does so for those boundaries whose RIP is asked for.
func (d *Driver) among(asked func(rip uint64) bool, id string, what disturbance, s Step) error {
	report := d.Suite.Find(id)
	mark, err := d.Mark()
	if err != nil {
		return err
	}
	defer mark.Close()
	before := d.Machine.Instructions()
	if _, err := d.Do(s); err != nil {
		return err
	}
	length := d.Machine.Instructions() - before
	want := d.outcome()
	places, err := d.boundaries(mark, s, length, asked)
	if err != nil {
		return err
	}
	dead := 0
	for _, n := range places {
		if err := d.Back(mark); err != nil {
			return err
		}
		d.set(s)
		what.at(d, n)
		where := fmt.Sprintf("%s, %s behind %d instructions", s.At, what.name, n)
		if _, err := d.finish(s); err != nil {
			report.That(false, where, "the application goes on", err.Error())
			if errors.Is(err, ErrEnded) || errors.Is(err, ErrLost) {
				if dead++; dead < enough {
					continue
				}
			}
			return err
		}
		for range enough { // it was held back up to the end
			if !d.Machine.Pending() {
				break
			}
			d.set(Step{At: Nops})
			if _, err := d.finish(s); err != nil {
				return err
			}
			state := d.Machine.State()
			state.RIP = want.state.RIP
			d.Machine.SetState(&state)
		}
		got := d.outcome()
		name, expected, found := got.differs(&want)
		report.That(name == "", where+": "+name, expected, found)
	}
	return d.Back(mark)
}

// boundaries are those of a step's instructions. Of a string instruction that
// repeats itself, each iteration of which is a boundary, they are the first few:
// a page is cleared by 512, and what comes in between finds the same.
func (d *Driver) boundaries(mark *emu.Snapshot, s Step, length uint64, asked func(uint64) bool) (list []uint64, err error) {
	if err := d.Back(mark); err != nil {
		return nil, err
	}
	d.set(s)
	var last, same uint64
	for n := range length {
		at := d.Machine.State().RIP
		if same++; at != last {
			last, same = at, 0
		}
		if same < enough && asked(at) {
			list = append(list, n)
		}
		d.Machine.Run(emu.Until{Instructions: 1})
	}
	return list, nil
}

// run executes so many instructions.
func (d *Driver) run(n uint64) {
	if n > 0 {
		d.Machine.Run(emu.Until{Instructions: n})
	}
}

// Ids of the invariants that compare two runs.
const (
	sameInterrupted = "RE-1"
	sameNMI         = "RE-2"
	sameEvicted     = "RE-3"
	sameSignalled   = "RE-4"
	sameRedZone     = "RE-5"
)
