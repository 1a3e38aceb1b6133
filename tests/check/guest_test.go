// SPDX-License-Identifier: GPL-2.0-or-later

package check_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/model"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/invariant"
)

// kernel is a guest, read.
func kernel(t *testing.T, name string) *model.Kernel {
	t.Helper()
	found, err := corpus.Find(name)
	require.NoError(t, err)
	return model.Open(t, found.Path, model.Options{Initrd: found.Guest.Initrd, Append: found.Guest.Append})
}

// On every kind of kernel all that applies is exercised, and holds.
func TestGuestsKeepTheirPromises(t *testing.T) {
	for _, name := range []string{"guest:stock", "guest:ukl-hello", "guest:ukl-null,use_ret", "guest:ukl-syscalls,ist_pf", "guest:ukl-syscalls,use_ret,ist_pf"} {
		t.Run(name, func(t *testing.T) {
			k := kernel(t, name)
			checked, err := k.Check(context.Background(), k.Boot(t), model.Checking{Tier: invariant.Full})
			require.NoError(t, err)
			require.Empty(t, checked.Failures)
			requireHeld(t, checked.Results)
			for _, r := range checked.Results {
				require.NotEqual(t, invariant.NotExercised, r.Status, r.ID)
			}
		})
	}
}

func requireHeld(t *testing.T, results []invariant.Result) {
	t.Helper()
	for _, r := range results {
		for _, v := range r.Violations {
			t.Errorf("%s (%s), %s: expected %s, found %s; instruction %d, %#x", r.ID, r.Promise, v.What, v.Expected, v.Found, v.Count, v.RIP)
		}
	}
}

// Ten million instructions of a stock kernel's programs are nothing but
// ordinary: no violation, and no event that only UKL has.
func TestStockUserSpaceIsOrdinary(t *testing.T) {
	k := kernel(t, "guest:stock")
	m := k.Boot(t)
	suite := invariant.NewSuite(k.Image, invariant.Points, invariant.All()...)
	suite.On(m)
	var counts [event.Kinds]int
	stream, err := event.Attach(m, k.Image, func(e *event.Event) {
		counts[e.Kind]++
		require.NotEqual(t, event.ByCall, e.By)
		require.NotEqual(t, event.ByRET, e.By)
		suite.See(e)
	})
	require.NoError(t, err)
	defer stream.Close()
	stop := m.Run(emu.Until{Instructions: 10_000_000})
	require.Equal(t, emu.StopLimit, stop.Why)
	requireHeld(t, suite.Results())
	require.Zero(t, counts[event.Mode]+counts[event.Oops])
	require.Positive(t, counts[event.SyscallEnter])
	require.Positive(t, counts[event.Resumed])
}

// The tour of system calls, a program's whole life in two kernels, breaks no
// promise.
func TestToursKeepThePromises(t *testing.T) {
	for _, name := range []string{"guest:stock", "guest:ukl-syscalls,use_ret"} {
		t.Run(name, func(t *testing.T) {
			k := kernel(t, name)
			m := k.Boot(t)
			suite := invariant.NewSuite(k.Image, invariant.Points, invariant.All()...)
			suite.On(m)
			stream, err := event.Attach(m, k.Image, suite.See)
			require.NoError(t, err)
			defer stream.Close()
			stop := m.Run(emu.Until{Instructions: 5_000_000_000})
			require.Equal(t, emu.StopDebugExit, stop.Why)
			require.Zero(t, stop.Code)
			requireHeld(t, suite.Results())
		})
	}
}
