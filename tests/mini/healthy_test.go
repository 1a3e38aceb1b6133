// SPDX-License-Identifier: GPL-2.0-or-later

package mini_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	guest "github.com/uklemu/uklemu/corpus/mini"
	"github.com/uklemu/uklemu/model/invariant"
	"github.com/uklemu/uklemu/tests/mini"
)

// idle are invariants that a check does not get to look at in some variants,
// with the reason.
var idle = []struct {
	id, why string
	in      func(guest.Options) bool
}{
	{"XT-5", "the last task in CPL 3 is gone with the first exec", func(o guest.Options) bool { return o.SameStack }},
	{"IR-17", "an NMI over the application is not survived", func(o guest.Options) bool { return o.KML }},
	{"RE-1", "an interrupt at every boundary is not survived", func(o guest.Options) bool { return o.KML }},
	{"RE-2", "an NMI at every boundary is not survived", func(o guest.Options) bool { return o.KML }},
	{"RE-3", "a stack that is not there is not survived", func(o guest.Options) bool { return o.KML }},
}

func isIdle(id string, o guest.Options) bool {
	for _, i := range idle {
		if i.id == id && i.in(o) {
			return true
		}
	}
	return false
}

// All that applies to a healthy variant is exercised, and holds.
func TestHealthyVariantsKeepTheirPromises(t *testing.T) {
	for _, o := range guest.Variants() {
		t.Run("builtin:mini,"+o.String(), func(t *testing.T) {
			t.Parallel()
			look, err := mini.Check(o)
			require.NoError(t, err)
			require.NoError(t, look.Unstarted)
			for _, f := range look.Checked.Failures {
				t.Errorf("scenario %s: %v", f.Scenario, f.Err)
			}
			for _, r := range look.Checked.Results {
				for _, v := range r.Violations {
					t.Errorf("%s (%s), %s: expected %s, found %s; instruction %d, %#x", r.ID, r.Promise, v.What, v.Expected, v.Found, v.Count, v.RIP)
				}
				if r.Tier == invariant.Full {
					continue // tests/check shows it more
				}
				require.Equal(t, isIdle(r.ID, o), r.Status == invariant.NotExercised, "%s: %s", r.ID, r.Status)
			}
		})
	}
}
