// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"context"
	"slices"
	"strings"

	"github.com/uklemu/uklemu/corpus/mini"
	"github.com/uklemu/uklemu/model"
	"github.com/uklemu/uklemu/model/invariant"
)

// Look is what a check of one variant of the guest has found.
type Look struct {
	Options mini.Options
	Checked *model.Checked
	// Unstarted is why the application was not reached, or could not be driven.
	Unstarted error
}

// stepLimit is how many instructions a step of a scenario may take: the guest's
// longest wait for a tick.
const stepLimit = 3_000_000

// Check checks a variant.
func Check(o mini.Options) (*Look, error) {
	path, err := mini.File(o)
	if err != nil {
		return nil, err
	}
	k, err := model.Load(path, model.Options{Limit: 20_000_000})
	if err != nil {
		return nil, err
	}
	defer k.Close()
	look := &Look{Options: o}
	m, err := k.Start(context.Background())
	if err != nil {
		look.Unstarted = err
		return look, nil
	}
	defer m.Close()
	look.Checked, look.Unstarted = k.Check(context.Background(), m, model.Checking{StepLimit: stepLimit, Tier: tier(o)})
	return look, nil
}

// tier is what has to be seen: every instruction only for the defects of which
// points tell nothing.
func tier(o mini.Options) invariant.Tier {
	for _, name := range o.Defects {
		d, _ := mini.FindDefect(name)
		if found, err := invariant.ByID(d.ID); err == nil && found[0].Rule().Tier == invariant.Full {
			return invariant.Full
		}
	}
	return invariant.Points
}

// Violated are the ids of the invariants that did not hold.
func (l *Look) Violated() (ids []string) {
	if l.Checked == nil {
		return nil
	}
	for _, r := range l.Checked.Results {
		if r.Status == invariant.Violated {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// Found says whether something did not hold.
func (l *Look) Found() bool { return len(l.Violated()) > 0 }

// Failed are the scenarios that did not come to their end.
func (l *Look) Failed() (names []string) {
	if l.Checked == nil {
		return nil
	}
	for _, f := range l.Checked.Failures {
		names = append(names, f.Scenario)
	}
	slices.Sort(names)
	return names
}

// First is the violation that came first among all; nil if there is none.
func (l *Look) First() *invariant.Violation {
	var first *invariant.Violation
	if l.Checked == nil {
		return nil
	}
	for _, r := range l.Checked.Results {
		for i := range r.Violations {
			if v := &r.Violations[i]; first == nil || v.Order < first.Order {
				first = v
			}
		}
	}
	return first
}

func (l *Look) String() string {
	if l.Unstarted != nil {
		return l.Unstarted.Error()
	}
	return strings.Join(l.Violated(), " ") + " / " + strings.Join(l.Failed(), ", ")
}
