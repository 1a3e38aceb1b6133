// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Campaign says how much to compare.
type Campaign struct {
	Seed    uint64 // the first one
	Seeds   int    // programs, each run at full speed
	Cases   int    // in each
	Stepped int    // programs of SteppedCases each that are stepped
	// SteppedCases have about 18 instructions each.
	SteppedCases int
	// Guest is the kernel, "" for none, and KernelSteps how many instructions
	// a stretch of it has; Stretches bounds how many, 0 for all.
	Guest       string
	KernelSteps int
	Stretches   int
}

// CI takes about a minute, Full about a quarter of an hour, on two cores.
var (
	CI = Campaign{Seed: 1, Seeds: 2, Cases: 3200, Stepped: 1, SteppedCases: 300, Guest: "guest:stock", KernelSteps: 6000, Stretches: 8}
	// 1,000,000 instructions and 100,000 events at least.
	Full = Campaign{Seed: 1, Seeds: 17, Cases: 4000, Stepped: 4, SteppedCases: 1000, Guest: "guest:stock", KernelSteps: 60000}
)

// Result is what a campaign has compared.
type Result struct {
	Logs, Steps, Kernel *Report
	// Stretches are the kernel's.
	Stretches []Stretch
}

// Stretch is one of the kernel's.
type Stretch struct {
	Point        *Point
	Instructions int
	Why          string // what ended it
}

// Total is all of it in one report.
func (r *Result) Total() *Report {
	t := newReport()
	for _, part := range []*Report{r.Logs, r.Steps, r.Kernel} {
		t.Add(part)
	}
	return t
}

// Run compares, the programs and the kernel side by side, and tells progress.
// What differs is in the result; the error is of a machine that cannot go on.
func (c Campaign) Run(progress io.Writer) (*Result, error) {
	r := &Result{Logs: newReport(), Steps: newReport(), Kernel: newReport()}
	out := &lockedWriter{w: progress}
	var failures [2]error
	var group sync.WaitGroup
	group.Go(func() { failures[0] = c.programs(r, out) })
	group.Go(func() { failures[1] = c.kernel(r, out) })
	group.Wait()
	return r, errors.Join(failures[:]...)
}

type lockedWriter struct {
	sync.Mutex
	w io.Writer
}

func (l *lockedWriter) say(format string, arguments ...any) {
	l.Lock()
	defer l.Unlock()
	fmt.Fprintf(l.w, format+"\n", arguments...)
}

func (c Campaign) programs(r *Result, out *lockedWriter) error {
	for i := range c.Seeds {
		seed := c.Seed + uint64(i)
		if err := c.program(r, seed, c.Cases, false, out); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	for i := range c.Stepped {
		seed := c.Seed + 1_000_000 + uint64(i)
		if err := c.program(r, seed, c.SteppedCases, true, out); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	return nil
}

// program runs one at full speed, and then in steps.
func (c Campaign) program(r *Result, seed uint64, cases int, stepped bool, out *lockedWriter) error {
	folder, err := os.MkdirTemp("", "lockstep")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	p, err := Build(folder, Generate(seed, cases))
	if err != nil {
		return err
	}
	var logs [2]Log
	err = c.both(p, func(i int, m Machine) (err error) {
		if err := m.RunTo(p.Symbols["finished"]); err != nil {
			return err
		}
		logs[i], err = ReadLog(m, p)
		return err
	})
	if err != nil {
		return err
	}
	report := CompareLogs(p, logs[0], logs[1])
	explained := report.Explained()
	report.describe(p)
	r.Logs.Add(report)
	out.say("seed %d: %d cases, %d events, %d unexplained", seed, report.Cases, report.Events, len(report.Unexplained()))
	if !stepped {
		return nil
	}
	var machines [2]Machine
	return c.both(p, func(i int, m Machine) error {
		machines[i] = m
		if i == 0 {
			return nil
		}
		report, err := Compare(p, machines[0], machines[1], cases, explained)
		report.describe(p)
		r.Steps.Add(report)
		out.say("seed %d in steps: %d instructions, %d unexplained", seed, report.Instructions, len(report.Unexplained()))
		return err
	})
}

// both brings the payload to its first case in the emulator and in QEMU.
func (c Campaign) both(p *Payload, do func(i int, m Machine) error) error {
	e, err := StartEmulator(p)
	if err != nil {
		return err
	}
	defer e.Close()
	q, err := StartQEMU(QEMUOptions{Kernel: p.Path})
	if err != nil {
		return err
	}
	defer q.Close()
	for i, m := range []Machine{e, q} {
		if err := m.RunTo(p.Symbols["run_cases"]); err != nil {
			return err
		}
		if err := do(i, m); err != nil {
			return err
		}
	}
	return nil
}

func (c Campaign) kernel(r *Result, out *lockedWriter) error {
	if c.Guest == "" {
		return nil
	}
	k, err := BootKernel(c.Guest)
	if err != nil {
		return err
	}
	defer k.Close()
	if err := k.Watch(Points); err != nil {
		return err
	}
	for c.Stretches == 0 || len(r.Stretches) < c.Stretches {
		at, err := k.Next()
		if at == nil || err != nil {
			return err
		}
		q, err := Transplant(k)
		if err != nil {
			return err
		}
		report, why, err := CompareStretch(k, q, c.KernelSteps)
		q.Close()
		for i := range report.Differences {
			report.Differences[i].Where = at.Symbol + ": " + report.Differences[i].Where
		}
		r.Kernel.Add(report)
		r.Stretches = append(r.Stretches, Stretch{at, report.Instructions, why})
		out.say("%s (%s): %d instructions, %d events, ended by %s", at.Symbol, at.About, report.Instructions, report.Events, why)
		if err != nil {
			return fmt.Errorf("from %s: %w", at.Symbol, err)
		}
	}
	return nil
}
