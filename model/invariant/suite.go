// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// Status is what became of an invariant.
type Status string

// Statuses, as "uklemu check --json" has them.
const (
	Held          Status = "held"
	Violated      Status = "violated"
	NotApplicable Status = "not-applicable"
	NotExercised  Status = "not-exercised"
)

// Result is that of one invariant.
type Result struct {
	Rule
	Status Status
	Why    string // not applicable: why
	Count  uint64 // how often it was looked at
	Broken uint64 // how often it did not hold
	// Violations are the first ones.
	Violations []Violation
}

// Violation is an invariant that did not hold, once.
type Violation struct {
	ID       string
	What     string // did not hold: "pt_regs.sp"
	Expected string
	Found    string
	Count    uint64 // instructions retired before
	RIP      uint64
	Task     uint64
	Event    event.Kind
	Trail    []Note // the events before, oldest first
	// Order is how many looks of all invariants had not held before, which
	// tells the first one apart: counts go back with the machine.
	Order uint64
}

// Note is an event of a trail.
type Note struct {
	Kind  event.Kind
	By    event.By
	Count uint64
	RIP   uint64
	Task  uint64
}

const (
	keptViolations = 8
	trailLength    = 32 // a power of two
)

// Suite watches a run for many invariants.
type Suite struct {
	img     *image.Image
	machine *emu.Machine
	reports []*Report
	byKind  [event.Kinds][]*Report
	calls   map[uint64]bool // whether the instruction before an address is a CALL
	// forgetful are the watchers that remember something of the run.
	forgetful []Forgetful
	trail     [trailLength]Note
	noted     uint64
	broken    uint64
}

// NewSuite makes one of those invariants that the tier has: Points has
// only its own, Full has both. Static ones are looked at now.
func NewSuite(img *image.Image, tier Tier, invariants ...Invariant) *Suite {
	s := &Suite{img: img, calls: map[uint64]bool{}}
	for _, i := range invariants {
		r := &Report{suite: s, invariant: i, rule: i.Rule()}
		s.reports = append(s.reports, r)
		if r.rule.Needs != nil {
			r.why = r.rule.Needs(img)
		}
		if r.why != "" {
			continue
		}
		if inspector, ok := i.(Inspector); ok && r.rule.Tier == Static {
			inspector.Inspect(r, img)
			continue
		}
		if r.rule.Tier > tier {
			continue
		}
		if r.watcher = i.Watch(); r.watcher == nil {
			continue
		}
		if w, ok := r.watcher.(Forgetful); ok {
			s.forgetful = append(s.forgetful, w)
		}
		for _, k := range r.rule.Kinds {
			s.byKind[k] = append(s.byKind[k], r)
		}
	}
	return s
}

// On says which machine the events are of. Without it, those invariants that
// look at memory beside the events see less.
func (s *Suite) On(m *emu.Machine) { s.machine = m }

// See shows the suite an event.
func (s *Suite) See(e *event.Event) {
	if e.Kind < event.Boundary {
		s.trail[s.noted%trailLength] = Note{e.Kind, e.By, e.Count, e.RIP, e.Task}
		s.noted++
	}
	for _, r := range s.byKind[e.Kind] {
		r.event = e
		r.watcher.See(r, e)
	}
}

// Restart tells the watchers that the machine has gone back to a snapshot:
// what they remember of the run is of another one.
func (s *Suite) Restart() {
	s.noted = 0
	for _, w := range s.forgetful {
		w.Forget()
	}
}

// Clear forgets what was counted and found.
func (s *Suite) Clear() {
	for _, r := range s.reports {
		r.count, r.broken, r.violations = 0, 0, nil
	}
}

// Broken says whether anything was found since the last Clear.
func (s *Suite) Broken() bool {
	for _, r := range s.reports {
		if r.broken > 0 {
			return true
		}
	}
	return false
}

// Results are those of all invariants, in the order that they were given in.
func (s *Suite) Results() []Result {
	results := make([]Result, 0, len(s.reports))
	for _, r := range s.reports {
		results = append(results, r.result())
	}
	return results
}

func (s *Suite) recent() (notes []Note) {
	n := min(s.noted, trailLength)
	for i := s.noted - n; i < s.noted; i++ {
		notes = append(notes, s.trail[i%trailLength])
	}
	return notes
}

// Report is where a watcher says what it found.
type Report struct {
	suite      *Suite
	invariant  Invariant
	rule       Rule
	watcher    Watcher
	why        string
	count      uint64
	broken     uint64
	violations []Violation
	event      *event.Event
}

// Image is what runs.
func (r *Report) Image() *image.Image { return r.suite.img }

// Held counts one time that the invariant was looked at and held.
func (r *Report) Held() { r.count++ }

// That counts one look. If the invariant did not hold, what says what, and the
// rest what was expected and found: values are shown in hexadecimal.
func (r *Report) That(ok bool, what string, expected, found any) bool {
	if !r.Holds(ok) {
		r.Broke(what, expected, found)
	}
	return ok
}

// Holds counts one look. If it returns false, Broke has to say what was found: what
// it takes to say that is better not made for the many looks that hold.
func (r *Report) Holds(ok bool) bool {
	r.count++
	return ok
}

// Broke says what did not hold at the look that Holds has counted.
func (r *Report) Broke(what string, expected, found any) {
	r.broken++
	r.suite.broken++
	if len(r.violations) == keptViolations {
		return
	}
	v := Violation{ID: r.rule.ID, What: what, Expected: show(expected), Found: show(found), Trail: r.suite.recent(), Order: r.suite.broken - 1}
	if e := r.event; e != nil {
		v.Count, v.RIP, v.Task, v.Event = e.Count, e.RIP, e.Task, e.Kind
	}
	r.violations = append(r.violations, v)
}

// Breaks counts a look that did not hold.
func (r *Report) Breaks(what string, expected, found any) {
	r.count++
	r.Broke(what, expected, found)
}

// Equal is That for a number that is to be another one.
func (r *Report) Equal(what string, expected, found uint64) bool {
	if expected == found {
		r.count++
		return true
	}
	r.Breaks(what, expected, found)
	return false
}

func (r *Report) result() Result {
	result := Result{Rule: r.rule, Why: r.why, Count: r.count, Broken: r.broken, Violations: r.violations, Status: Held}
	switch {
	case r.why != "":
		result.Status = NotApplicable
	case r.broken > 0:
		result.Status = Violated
	case r.count == 0:
		result.Status = NotExercised
	}
	return result
}

func show(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case uint64, uint32, uint16, int64:
		return fmt.Sprintf("%#x", v)
	}
	return fmt.Sprint(v)
}

// Find is the report of one of the suite's invariants, for those that are not
// looked at by events: nobody hears what is said to one that the suite does not have.
func (s *Suite) Find(id string) *Report {
	for _, r := range s.reports {
		if r.rule.ID == id && r.why == "" {
			return r
		}
	}
	return &Report{suite: s}
}
