// SPDX-License-Identifier: GPL-2.0-or-later

package model

import (
	"context"
	"errors"
	"fmt"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/model/invariant"
	"github.com/uklemu/uklemu/model/scenario"
)

// Checking says what is checked, and how.
type Checking struct {
	// Invariants are those that are looked at; nil is all.
	Invariants []invariant.Invariant
	// Tier is what they are shown. In the full tier, scenarios that disturb every
	// boundary are played with points all the same.
	Tier invariant.Tier
	// StepLimit is how many instructions one step of a scenario may take; 0 is
	// scenario.StepLimit. A kernel that hangs costs that much, time and again.
	StepLimit uint64
	// Progress, if not nil, is called before each scenario.
	Progress func(name string, n, of int)
}

// Checked is what a check has found.
type Checked struct {
	Results []invariant.Result
	// Failures are scenarios that did not come to their end: an invariant may
	// say why, but one that does not end is bad enough.
	Failures []Failure
	// Skipped are those that the kernel can't play, with the reason.
	Skipped      map[string]string
	Scenarios    int
	Instructions uint64
	Tier         invariant.Tier
}

// Failure is a scenario that did not come to its end.
type Failure struct {
	Scenario string
	Err      error
}

// Broken says whether something does not hold.
func (c *Checked) Broken() bool {
	if len(c.Failures) > 0 {
		return true
	}
	for _, r := range c.Results {
		if r.Status == invariant.Violated {
			return true
		}
	}
	return false
}

// A kernel that did not come back from so many scenarios is waited for no
// longer than so many instructions in the others.
const patience, impatient = 4, 300_000

// Check plays all scenarios on a machine whose application stands at its
// beginning (see Start), and looks at the invariants meanwhile. The machine is
// good for nothing else afterwards.
func (k *Kernel) Check(ctx context.Context, m *emu.Machine, c Checking) (*Checked, error) {
	invariants := c.Invariants
	if invariants == nil {
		invariants = invariant.All()
	}
	d, err := scenario.New(m, k.Image, invariants, c.Tier)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if c.StepLimit > 0 {
		d.Limit = c.StepLimit
	}
	defer context.AfterFunc(ctx, m.Interrupt)()
	checked := &Checked{Skipped: map[string]string{}, Tier: c.Tier}
	start := d.Executed()
	list := scenario.All()
	lost := 0
	seeing := false
	for n, s := range list {
		if c.Progress != nil {
			c.Progress(s.Name, n, len(list))
		}
		if s.Needs != nil {
			if why := s.Needs(k.Image); why != "" {
				checked.Skipped[s.Name] = why
				continue
			}
		}
		checked.Scenarios++
		if full := c.Tier == invariant.Full && !s.Points; full != seeing {
			if err := d.Full(full); err != nil {
				return nil, err
			}
			seeing = full
		}
		err := d.Play(s)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("scenario %s: %w", s.Name, context.Cause(ctx))
		}
		if err != nil {
			checked.Failures = append(checked.Failures, Failure{s.Name, err})
		}
		if errors.Is(err, scenario.ErrLost) {
			if lost++; lost == patience {
				d.Limit = min(d.Limit, impatient)
			}
		}
	}
	checked.Results = d.Suite.Results()
	checked.Instructions = d.Executed() - start
	return checked, nil
}
