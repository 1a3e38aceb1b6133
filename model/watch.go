// SPDX-License-Identifier: GPL-2.0-or-later

package model

import (
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/invariant"
)

// Watch is invariants being looked at while somebody else runs the machine.
type Watch struct {
	suite  *invariant.Suite
	stream *event.Stream
}

// Watch begins to look at the invariants on a machine that runs the kernel,
// which has come to its application or further.
func (k *Kernel) Watch(m *emu.Machine, c Checking) (*Watch, error) {
	invariants := c.Invariants
	if invariants == nil {
		invariants = invariant.All()
	}
	w := &Watch{suite: invariant.NewSuite(k.Image, c.Tier, invariants...)}
	w.suite.On(m)
	var err error
	if w.stream, err = event.Attach(m, k.Image, w.suite.See); err != nil {
		return nil, err
	}
	if c.Tier == invariant.Full {
		err = w.stream.Full(true)
	}
	return w, err
}

// Restart is for after a Restore of the machine: what is remembered of the run
// is of another one.
func (w *Watch) Restart() {
	w.stream.Reset()
	w.suite.Restart()
}

// Results are what has been found up to now.
func (w *Watch) Results() []invariant.Result { return w.suite.Results() }

// Close ends it.
func (w *Watch) Close() {
	_ = w.stream.Full(false)
	w.stream.Close()
}
