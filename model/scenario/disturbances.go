// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// disturbances relate runs: with an event at one boundary, and without.
var disturbances = []Scenario{
	{Name: "interrupts everywhere", Does: "an interrupt at every instruction boundary of calls, faults and plain code", Needs: looksAfter, Play: interrupts, Points: true},
	{Name: "pages that come late", Does: "stretches with their stack's page there, and with it missing", Needs: looksAfter, Play: late},
	{Name: "signals in between", Does: "calls with a signal that is ignored, and with one that is handled", Play: between},
	{Name: "NMIs everywhere", Does: "an NMI at every instruction boundary of the same", Needs: looksAfter, Play: nmis, Points: true},
}

// stretches are what is disturbed.
func (d *Driver) stretches() ([]Step, error) {
	page, err := d.page()
	if err != nil {
		return nil, err
	}
	fresh, err := d.memory(1)
	if err != nil {
		return nil, err
	}
	stack, err := d.memory(2)
	if err != nil {
		return nil, err
	}
	if err := d.handle(page, sigUsr1, Handler, 0); err != nil {
		return nil, err
	}
	pid, err := d.Must(sysGetpid)
	if err != nil {
		return nil, err
	}
	return []Step{
		patterns(call(sysKill, pid, sigUsr1)), onStack(Step{At: Push}, stack+pageSize),
		patterns(call(sysGetpid)), patterns(Step{At: Nops}), {At: Vector}, {At: Push},
		patterns(Step{At: Store, Set: map[int]uint64{x86.RDI: fresh}}),
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

// late makes each step twice from the same state: with the page that it pushes
// to touched before, and with that page not there.
func late(d *Driver) error {
	stack, err := d.memory(4)
	if err != nil {
		return err
	}
	if err := d.touch(stack+2*pageSize, pageSize); err != nil {
		return err
	}
	vector, err := harmless(d.Image)
	if err != nil {
		return err
	}
	report := d.Suite.Find(sameEvicted)
	for _, s := range []Step{{At: Push}, {At: Nops}, patterns(call(sysGetpid)), patterns(call(sysSchedYield)), {At: Vector}} {
		for _, used := range []uint64{0, 8, 40, 48} {
			s := onStack(s, stack+2*pageSize+used)
			there, err := d.once(func() error { return d.touch(stack+pageSize, pageSize) }, s, vector)
			if err != nil {
				return err
			}
			missing, err := d.once(func() error { return nil }, s, vector)
			if err != nil {
				return err
			}
			name, expected, found := missing.differs(there)
			report.That(name == "", fmt.Sprintf("%s %d above a missing page: %s", s.At, used, name), expected, found)
		}
	}
	return nil
}

// once makes a step with an interrupt in it, from the state of now, and goes
// back there.
func (d *Driver) once(before func() error, s Step, vector x86.Vector) (*outcome, error) {
	mark, err := d.Mark()
	if err != nil {
		return nil, err
	}
	defer mark.Close()
	registers := d.Machine.State()
	fpu := d.Machine.FPU()
	if err := before(); err != nil {
		return nil, err
	}
	d.Machine.SetFPU(&fpu)
	s.Change = func(now *x86.State) { // as if nothing had been done before
		for r := range now.GPR {
			if _, set := s.Set[r]; !set {
				now.GPR[r] = registers.GPR[r]
			}
		}
		now.RFLAGS = registers.RFLAGS
	}
	d.Machine.InterruptAt(1, vector)
	if _, err := d.Do(s); err != nil {
		return nil, err
	}
	o := d.outcome()
	return &o, d.Back(mark)
}

// between compares a call that sends a signal which is ignored with one whose
// signal is handled.
func between(d *Driver) error {
	const ignore = 1
	page, err := d.page()
	if err != nil {
		return err
	}
	pid, err := d.Must(sysGetpid)
	if err != nil {
		return err
	}
	report := d.Suite.Find(sameSignalled)
	for _, f := range []uint64{0, x86.FlagDF, x86.FlagAC | x86.FlagCF | x86.FlagOF} {
		var outcomes [2]outcome
		for i, handler := range []uint64{ignore, d.Board.At(Handler)} {
			mark, err := d.Mark()
			if err != nil {
				return err
			}
			if err := d.WriteWords(page, handler, saSiginfo|saRestorer, d.Board.At(Restore), 0); err != nil {
				return err
			}
			if _, err := d.Must(sysRtSigaction, sigUsr1, page, 0, 8); err != nil {
				return err
			}
			if _, err := d.Do(Step{At: Vector}); err != nil {
				return err
			}
			s := patterns(call(sysKill, pid, sigUsr1))
			s.Change = func(state *x86.State) { state.RFLAGS |= f }
			if _, err := d.Do(s); err != nil {
				return err
			}
			outcomes[i] = d.outcome()
			if err := d.Back(mark); err != nil {
				return err
			}
			mark.Close()
		}
		name, expected, found := outcomes[1].differs(&outcomes[0])
		report.That(name == "", "kill with a handler: "+name, expected, found)
	}
	return nil
}
