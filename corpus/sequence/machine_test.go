// SPDX-License-Identifier: GPL-2.0-or-later

package sequence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/corpus/sequence"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/model"
	"github.com/uklemu/uklemu/model/invariant"
	"github.com/uklemu/uklemu/model/scenario"
)

// rig is a guest at its application's beginning, with a runner.
type rig struct {
	*sequence.Runner
	t      testing.TB
	driver *scenario.Driver
}

func newRig(t testing.TB, guest string) *rig {
	t.Helper()
	found, err := corpus.Find(guest)
	require.NoError(t, err)
	k := model.Open(t, found.Path, model.Options{Initrd: found.Guest.Initrd, Append: found.Guest.Append, Config: emu.Config{}})
	d, err := scenario.New(k.Boot(t), k.Image, invariant.All(), invariant.Points)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	r, err := sequence.NewRunner(d, sequence.Options{})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return &rig{r, t, d}
}

func (r *rig) run(text string) *sequence.Outcome {
	r.t.Helper()
	s, err := sequence.Parse(sequence.Header + "\n" + text)
	require.NoError(r.t, err)
	r.driver.Suite.Clear()
	o, err := r.Run(s)
	require.NoError(r.t, err)
	return o
}

// healthy fails where an invariant does not hold.
func (r *rig) healthy(what string) {
	r.t.Helper()
	for _, result := range r.driver.Suite.Results() {
		for _, v := range result.Violations {
			require.Fail(r.t, result.ID, "%s\n%s: %s: expected %s, found %s at %#x", what, result.Promise, v.What, v.Expected, v.Found, v.RIP)
		}
	}
}

func errno(n int) uint64 { return uint64(-n) }

const efault, enosys, esrch = 14, 38, 3
