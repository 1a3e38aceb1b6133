// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"errors"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/scenario"
)

// Runner runs sequences on one driver's machine. It belongs to the goroutine that
// has the machine.
type Runner struct {
	Kernel *Kernel

	driver *scenario.Driver
	base   *emu.Snapshot // the places made, nothing done
	start  x86.State     // there
	vector x86.Vector
	places [places]uint64
	// threadStacks and altStack are where these begin.
	threadStacks, altStack uint64
	madvise                bool               // pages can be taken away by it
	breakpoint             func(*x86.State)   // setBreakpoint, made once
	yields                 [5][]scenario.Step // what threads do
	action                 [32]byte
	run                    run
}

// Options of a Runner. The zero value will do.
type Options struct {
	// Limit is how many instructions an operation may take; 0 is DefaultLimit.
	Limit uint64
}

// DefaultLimit is some hundred times what the longest calls take that wait for
// nobody.
const DefaultLimit = 1_000_000

// run is what is of one run.
type run struct {
	outcome Outcome
	rsp     uint64 // where the next operation has its stack pointer
	flags   uint64 // those that it has set
	nested  uint64 // the call of nested handlers
	threads uint64 // so many were started
	frames  [8]struct{ at, rsp uint64 }
	depth   int // how many handlers have stopped and not returned
}

// End is how a run came to its end.
type End uint8

// Ends.
const (
	Completed End = iota
	// Ended: the machine did. An application that is killed, or exits, takes a kernel along
	// whose first process it is.
	Ended
	// Lost: the application did not come back within the limit.
	Lost
)

func (e End) String() string { return [...]string{"completed", "ended", "lost"}[min(e, Lost)] }

// Outcome is what became of a run. Outcomes can be compared.
type Outcome struct {
	End End
	// Operations is how many were carried out; the one behind them is where a run that
	// is not Completed came to its end.
	Operations int
	// Waits says of a Lost one that another task was running: the application
	// may have been waiting for something that does not come.
	Waits bool
	// Stop is how the machine ended, and Code with which exit code.
	Stop emu.Why
	Code uint32
	// Results are RAX behind each operation that was carried out.
	Results [MaxOps]uint64
	// Instructions is how many were executed.
	Instructions uint64
	// State is the CPU's at the end.
	State x86.State
}

// NewRunner prepares the driver's machine: it makes the memory that places lie
// in, from where the application stands at its beginning. The driver is the
// runner's from then on. A kernel that does not survive even that is a finding: the
// error wraps scenario.ErrEnded or scenario.ErrLost, and the Suite may know more.
func NewRunner(d *scenario.Driver, o Options) (*Runner, error) {
	k, err := NewKernel(d.Image)
	if err != nil {
		return nil, err
	}
	r := &Runner{Kernel: k, driver: d, madvise: k.hasCall("madvise")}
	r.breakpoint = r.setBreakpoint
	if r.vector, err = scenario.Harmless(d.Image); err != nil {
		return nil, err
	}
	if err := d.Reset(); err != nil {
		return nil, err
	}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	yield, _ := Make("sched_yield")
	for n := range r.yields {
		for range n {
			r.yields[n] = append(r.yields[n], scenario.Step{At: scenario.Call, Set: map[int]uint64{x86.RAX: uint64(yield.Operation().Number)}})
		}
	}
	if d.Limit = o.Limit; d.Limit == 0 {
		d.Limit = DefaultLimit
	}
	r.start = d.Machine.State()
	r.base, err = d.Mark()
	return r, err
}

// Close gives the snapshot back; driver and machine stay the caller's.
func (r *Runner) Close() { r.base.Close() }

// Where is the address of a place on this machine.
func (r *Runner) Where(p Place) uint64 { return r.places[p%places] }

// Run makes a sequence happen, from where the application has done nothing, to
// the bit the same each time. What invariants say is the driver's Suite's to
// tell. The outcome is valid until the next run. An error is of the emulator: what becomes of
// the machine is an outcome.
func (r *Runner) Run(s Sequence) (*Outcome, error) {
	if len(s) > MaxOps {
		s = s[:MaxOps]
	}
	d := r.driver
	if err := d.Back(r.base); err != nil {
		return nil, err
	}
	d.OnClone(r.yields[1])
	before := d.Machine.Instructions()
	r.run = run{rsp: r.start.GPR[x86.RSP], nested: 39}
	o := &r.run.outcome
	for i := range s {
		rax, err := r.do(&s[i])
		if err != nil {
			switch {
			case errors.Is(err, scenario.ErrLost), d.Stop.Why == emu.StopHalt && d.Away(): // nothing could wake the CPU any more
				o.End, o.Waits = Lost, d.Away()
			case errors.Is(err, scenario.ErrEnded) && d.Stop.Ended():
				o.End, o.Stop, o.Code = Ended, d.Stop.Why, d.Stop.Code
			default:
				return nil, err
			}
			break
		}
		o.Results[i] = rax
		o.Operations++
	}
	o.Instructions = d.Machine.Instructions() - before
	o.State = d.Machine.State()
	return o, nil
}

// Run is a Runner for one sequence.
func Run(d *scenario.Driver, s Sequence) (Outcome, error) {
	r, err := NewRunner(d, Options{})
	if err != nil {
		return Outcome{}, err
	}
	defer r.Close()
	o, err := r.Run(s)
	if err != nil {
		return Outcome{}, err
	}
	return *o, nil
}
