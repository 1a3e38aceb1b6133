// SPDX-License-Identifier: GPL-2.0-or-later

package bench

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model"
	"github.com/uklemu/uklemu/model/invariant"
	"github.com/uklemu/uklemu/model/scenario"
)

// Checked is a system call that an application makes again and again, from one
// snapshot, with the invariants looked at or not.
type Checked struct {
	machine *emu.Machine
	driver  *scenario.Driver
	start   *emu.Snapshot
	kernel  *model.Kernel
	// Instructions is how many the call takes.
	Instructions uint64
}

// checkedCalls are those that are measured: of each guest, one that is as short as
// calls are and one of about 1,500 instructions, if it has one.
var checkedCalls = []struct {
	guest  string
	call   string
	number uint64
	args   []uint64
}{
	{"builtin:mini", "getpid", 39, nil},
	{"builtin:mini", "mmap", 9, []uint64{0, 1 << 16, 3, 0x22, ^uint64(0), 0}},
	{"guest:ukl-hello", "getpid", 39, nil},
	{"guest:ukl-hello", "mmap", 9, []uint64{0, 1 << 16, 3, 0x22, ^uint64(0), 0}},
	{"guest:stock", "mmap", 9, []uint64{0, 1 << 16, 3, 0x22, ^uint64(0), 0}},
}

// NewChecked boots a guest and takes it to before the call.
func NewChecked(name string, number uint64, args ...uint64) (*Checked, error) {
	found, err := corpus.Find(name)
	if err != nil {
		return nil, err
	}
	k, err := model.Load(found.Path, model.Options{Initrd: found.Guest.Initrd, Append: found.Guest.Append})
	if err != nil {
		return nil, err
	}
	c := &Checked{kernel: k}
	if c.machine, err = k.Start(context.Background()); err != nil {
		return nil, err
	}
	if c.driver, err = scenario.New(c.machine, k.Image, nil, invariant.Points); err != nil {
		return nil, err
	}
	set := map[int]uint64{x86.RAX: number}
	for i, v := range args {
		set[[]int{x86.RDI, x86.RSI, x86.RDX, x86.R10, x86.R8, x86.R9}[i]] = v
	}
	if _, err := c.driver.Do(scenario.Step{At: scenario.Call, Set: set}); err != nil { // once, so that it is the second that is measured
		return nil, err
	}
	state := c.machine.State()
	state.RIP = c.driver.Board.At(scenario.Call)
	for r, v := range set {
		state.GPR[r] = v
	}
	c.machine.SetState(&state)
	before := c.machine.Instructions()
	c.driver.Close()
	c.machine.Probe(c.driver.Board.End(scenario.Call), nil)
	if c.start, err = c.machine.Snapshot(); err != nil {
		return nil, err
	}
	if err := c.once(); err != nil {
		return nil, err
	}
	c.Instructions = c.machine.Instructions() - before
	return c, nil
}

// Close gives the machine back.
func (c *Checked) Close() {
	c.machine.Close()
	c.kernel.Close()
}

func (c *Checked) once() error {
	if err := c.machine.Restore(c.start); err != nil {
		return err
	}
	if stop := c.machine.Run(emu.Until{}); stop.Why != emu.StopProbe {
		return fmt.Errorf("the call ended in another way: %v", stop)
	}
	return nil
}

// Plain makes the call n times and returns the CPU time of one.
func (c *Checked) Plain(n int) (time.Duration, error) {
	return perRun(n, c.once)
}

// Tier makes it n times with all invariants of a tier looked at.
func (c *Checked) Tier(n int, tier invariant.Tier) (time.Duration, error) {
	w, err := c.Watch(tier)
	if err != nil {
		return 0, err
	}
	defer w.Close()
	if err := c.once(); err != nil { // code is translated anew
		return 0, err
	}
	return perRun(n, func() error {
		w.Restart()
		return c.once()
	})
}

// Watch looks at the machine until it is closed.
func (c *Checked) Watch(tier invariant.Tier) (*model.Watch, error) {
	return c.kernel.Watch(c.machine, model.Checking{Tier: tier})
}

// perRun is the CPU time of one of n runs.
func perRun(n int, once func() error) (time.Duration, error) {
	before := cpuTime()
	for range n {
		if err := once(); err != nil {
			return 0, err
		}
	}
	return (cpuTime() - before) / time.Duration(n), nil
}

func reportModel(w io.Writer, o Options) error {
	for _, m := range checkedCalls {
		c, err := NewChecked(m.guest, m.number, m.args...)
		if err != nil {
			return fmt.Errorf("%s: %w", m.guest, err)
		}
		if err := c.report(w, m.guest+", "+m.call, o); err != nil {
			return err
		}
		c.Close()
	}
	return nil
}

func (c *Checked) report(w io.Writer, name string, o Options) error {
	var plain, points, full []time.Duration
	for range o.Rounds {
		a, err := c.Plain(o.Runs)
		if err != nil {
			return err
		}
		b, err := c.Tier(o.Runs, invariant.Points)
		if err != nil {
			return err
		}
		f, err := c.Tier(o.Runs/4, invariant.Full)
		if err != nil {
			return err
		}
		plain, points, full = append(plain, a), append(points, b), append(full, f)
	}
	fmt.Fprintf(w, "%s, %d instructions: invariants at points\t%.0f/s\tunobserved %.0f/s\t%.2f\tat most 2 times\n",
		name, c.Instructions, 1/median(points).Seconds(), 1/median(plain).Seconds(), ratio(points, plain))
	fmt.Fprintf(w, "  all, at every instruction boundary and access\t%.0f/s\t\t%.2f\tat most 8 times\n", 1/median(full).Seconds(), ratio(full, plain))
	return nil
}
