// SPDX-License-Identifier: GPL-2.0-or-later

package model

import (
	"context"

	"github.com/uklemu/uklemu/emu"
)

// TB is what Open and Boot need of a *testing.T, *testing.B or *testing.F.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Open is Load for a test, which fails where it fails.
func Open(t TB, path string, o ...Options) *Kernel {
	t.Helper()
	var options Options
	if len(o) > 0 {
		options = o[0]
	}
	k, err := Load(path, options)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// Boot is Start for a test: a machine whose application stands at its
// beginning, which goes when the test ends.
func (k *Kernel) Boot(t TB) *emu.Machine {
	t.Helper()
	m, err := k.Start(context.Background())
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(m.Close)
	return m
}
