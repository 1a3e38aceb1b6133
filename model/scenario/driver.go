// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/invariant"
)

// Driver drives the application of one machine.
type Driver struct {
	Machine *emu.Machine
	Image   *image.Image
	Board   *Board
	Suite   *invariant.Suite
	stream  *event.Stream
	base    *emu.Snapshot
	// untouched is the application at its beginning, before the board was laid over it.
	untouched *emu.Snapshot

	task      uint64            // whose operations Do makes
	others    map[uint64][]Step // what other tasks do when they get to the board
	newcomers []Step            // what those do that are not among them
	counts    [event.Kinds]uint64
	// OnEvent, if not nil, gets every event before the invariants do.
	OnEvent func(*event.Event)

	// Limit is how many instructions a step may take.
	Limit uint64
	// Stop is how the last step's last run came back.
	Stop emu.Stop

	executed uint64 // instructions, those of runs that were gone back on included
	since    uint64 // Machine.Instructions of the last Back
}

// Step is one thing that the application does.
type Step struct {
	At Label
	// Registers to set before; those that are not named keep their values.
	Set map[int]uint64
	// Change, if not nil, may set anything else.
	Change func(*x86.State)
}

// StepLimit is how many instructions a step may take, unless somebody says
// otherwise. A call that waits for another process can take some hundred thousand.
const StepLimit = 50_000_000

// Errors of a step.
var (
	ErrEnded = errors.New("the machine ended")
	ErrLost  = errors.New("the application did not come back")
)

// New takes over a machine whose application stands at its beginning.
func New(m *emu.Machine, img *image.Image, invariants []invariant.Invariant, tier invariant.Tier) (*Driver, error) {
	d := &Driver{Machine: m, Image: img, others: map[uint64][]Step{}, Limit: StepLimit}
	var err error
	if d.untouched, err = m.Snapshot(); err != nil {
		return nil, err
	}
	if d.Board, err = install(m, img); err != nil {
		d.untouched.Close()
		return nil, err
	}
	for at := range d.Board.ends {
		m.Probe(at, nil)
	}
	d.Suite = invariant.NewSuite(img, tier, invariants...)
	d.Suite.On(m)
	if d.stream, err = event.Attach(m, img, d.see); err != nil {
		return nil, err
	}
	d.task = d.stream.Current()
	d.since = m.Instructions()
	if d.base, err = m.Snapshot(); err != nil {
		return nil, err
	}
	return d, nil
}

// Close ends it; the machine stays the caller's.
func (d *Driver) Close() {
	d.stream.Close()
	for at := range d.Board.ends {
		d.Machine.RemoveProbe(at)
	}
	d.base.Close()
	d.untouched.Close()
}

func (d *Driver) see(e *event.Event) {
	d.counts[e.Kind]++
	if d.OnEvent != nil {
		d.OnEvent(e)
	}
	d.Suite.See(e)
}

// Reset goes back to where the application began.
func (d *Driver) Reset() error { return d.Back(d.base) }

// Back goes back to a snapshot of this driver's machine.
func (d *Driver) Back(s *emu.Snapshot) error {
	d.executed += d.Machine.Instructions() - d.since
	if err := d.Machine.Restore(s); err != nil {
		return err
	}
	d.since = d.Machine.Instructions()
	d.stream.Reset()
	d.Suite.Restart()
	d.task = d.stream.Current()
	clear(d.others)
	d.newcomers = nil
	return nil
}

// Full turns the full tier on or off: every instruction boundary and access, as
// far as an invariant wants them. Code is translated anew.
func (d *Driver) Full(on bool) error { return d.stream.Full(on) }

// Executed is how many instructions have been executed in all.
func (d *Driver) Executed() uint64 { return d.executed + d.Machine.Instructions() - d.since }

// Mark is a place to come Back to.
func (d *Driver) Mark() (*emu.Snapshot, error) { return d.Machine.Snapshot() }

// Do makes the application's first task do a step, and comes back when it has. What other
// tasks do meanwhile is what Others was told, and then to exit.
func (d *Driver) Do(s Step) (x86.State, error) {
	d.set(s)
	return d.finish(s)
}

// finish runs until the driver's own task is at an end of the board.
func (d *Driver) finish(s Step) (x86.State, error) {
	return d.arrive(s.At, d.Machine.Run(emu.Until{Instructions: d.Limit}))
}

// arrive is finish for a run that has come back.
func (d *Driver) arrive(at Label, stop emu.Stop) (x86.State, error) {
	for {
		d.Stop = stop
		state := d.Machine.State()
		if stop.Why == emu.StopLimit {
			return state, fmt.Errorf("%s: %w within %d instructions: it is at %s", at, ErrLost, d.Limit, d.Image.Symbols.Name(state.RIP))
		}
		if stop.Why != emu.StopProbe {
			return state, fmt.Errorf("%s: %w: %v", at, ErrEnded, stop)
		}
		task := d.stream.Current()
		if task == d.task {
			return state, nil
		}
		d.set(d.next(task))
		stop = d.Machine.Run(emu.Until{Instructions: d.Limit})
	}
}

// onClone says what each new task does before it exits.
func (d *Driver) onClone(steps ...Step) { d.newcomers = steps }

// next is what another task does now.
func (d *Driver) next(task uint64) Step {
	steps, known := d.others[task]
	if !known {
		steps = d.newcomers
	}
	if len(steps) == 0 {
		delete(d.others, task)
		return Step{At: Call, Set: map[int]uint64{x86.RAX: sysExit, x86.RDI: 0}}
	}
	d.others[task] = steps[1:]
	return steps[0]
}

func (d *Driver) set(s Step) {
	state := d.Machine.State()
	state.RIP = d.Board.At(s.At)
	for r, v := range s.Set {
		state.GPR[r] = v
	}
	if s.Change != nil {
		s.Change(&state)
	}
	d.Machine.SetState(&state)
}

// Call makes a system call, and returns what it returned.
func (d *Driver) Call(number uint64, args ...uint64) (int64, error) {
	state, err := d.Do(call(number, args...))
	return int64(state.GPR[x86.RAX]), err
}

// call is the step of one.
func call(number uint64, args ...uint64) Step {
	set := map[int]uint64{x86.RAX: number}
	for i, a := range args {
		set[arguments[i]] = a
	}
	return Step{At: Call, Set: set}
}

// Must is Call for those that can't fail where all is well.
func (d *Driver) Must(number uint64, args ...uint64) (uint64, error) {
	v, err := d.Call(number, args...)
	if err == nil && v < 0 && v >= -4095 {
		err = fmt.Errorf("system call %d with %#x: error %d", number, args, -v)
	}
	return uint64(v), err
}

// Write writes the application's memory.
func (d *Driver) Write(at uint64, p []byte) error {
	_, err := d.Machine.WriteMemory(at, p)
	return err
}

// WriteWords writes 64-bit words.
func (d *Driver) WriteWords(at uint64, words ...uint64) error {
	var p []byte
	for _, w := range words {
		p = binary.LittleEndian.AppendUint64(p, w)
	}
	return d.Write(at, p)
}

// Word reads one.
func (d *Driver) Word(at uint64) (uint64, error) {
	var p [8]byte
	_, err := d.Machine.ReadMemory(at, p[:])
	return binary.LittleEndian.Uint64(p[:]), err
}
