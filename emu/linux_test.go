// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"crypto/sha256"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/internal/cache"
)

// stretch is how far the tests here follow the stock kernel's boot: the clock
// runs, the timer interrupts, pages are faulted in, code is patched.
const stretch = 60_000_000

// linuxMoment is what is compared at a count of instructions.
type linuxMoment struct {
	Count  uint64
	State  x86.State
	Memory [32]byte
}

// newLinux is a machine in front of the stock kernel.
func newLinux(t *testing.T) *emu.Machine {
	t.Helper()
	image, err := boot.Open(cache.Guest("stock", "vmlinux"))
	require.NoError(t, err, "run make guests")
	m, err := emu.New(emu.Config{Memory: 64 << 20})
	require.NoError(t, err)
	t.Cleanup(m.Close)
	require.NoError(t, m.Boot(image, boot.Options{CommandLine: "console=ttyS0"}))
	return m
}

func moment(t *testing.T, m *emu.Machine) linuxMoment {
	t.Helper()
	b := make([]byte, 64<<20)
	require.NoError(t, m.ReadPhysical(0, b))
	return linuxMoment{m.Instructions(), m.State(), sha256.Sum256(b)}
}

// gate is where the IDT leads for a vector.
func gate(t *testing.T, m *emu.Machine, v uint64) uint64 {
	t.Helper()
	var b [16]byte
	_, err := m.ReadMemory(m.State().IDTR.Base+16*v, b[:])
	require.NoError(t, err)
	g := x86.DecodeGate(b[:])
	return g.Offset
}

// The boot of a real kernel is the same run in one go, in slices of any size,
// and with probes at every handler of interrupts and exceptions.
func TestLinuxIsTheSameRunInSlices(t *testing.T) {
	free := newLinux(t)
	require.Equal(t, emu.StopLimit, free.Run(emu.Until{Instructions: stretch}).Why)
	want := moment(t, free)
	require.EqualValues(t, stretch, want.Count)

	random := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name         string
		most         uint64
		probes, tail bool
	}{
		{"slices", 100_000, false, false},
		{"slices and probes", 300_000, true, false},
		{"small slices at the end", 1_000_000, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newLinux(t)
			if c.probes {
				for v := range uint64(256) {
					m.Probe(gate(t, free, v), func(*emu.Machine) bool { return false })
				}
			}
			for m.Instructions() < stretch {
				left := stretch - m.Instructions()
				if c.tail && left < 20_000 {
					c.most = 9
				}
				require.Equal(t, emu.StopLimit, m.Run(emu.Until{Instructions: min(left, 1+random.Uint64N(c.most))}).Why)
			}
			require.Empty(t, cmp.Diff(want, moment(t, m)))
		})
	}
}
