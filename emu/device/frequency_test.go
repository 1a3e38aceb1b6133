// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

func TestTicksAreCountedInIntegers(t *testing.T) {
	for _, c := range []struct {
		name  string
		hz    device.Frequency
		at    device.Time
		ticks uint64
	}{
		{"nothing has passed", 1_193_182, 0, 0},
		{"just before the first", 1_193_182, 838, 0},
		{"the first", 1_193_182, 839, 1},
		{"a second", 1_193_182, second, 1_193_182},
		{"a year has no drift", 1_193_182, 365 * 86400 * second, 1_193_182 * 365 * 86400},
		{"as far as time goes", 1_000_000_000, math.MaxUint64, math.MaxUint64},
		{"more than fits", 3_000_000_000, math.MaxUint64, math.MaxUint64},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.ticks, c.hz.Ticks(c.at)) })
	}
}

func TestAtIsTheFirstInstantOfATick(t *testing.T) {
	for _, hz := range []device.Frequency{32768, device.PITFrequency, device.PMTimerFrequency, 1_000_000_000} {
		for _, n := range []uint64{1, 2, 3, 1000, 1 << 24, 1<<40 + 1} {
			at := hz.At(n)
			require.Equal(t, n, hz.Ticks(at), "%d Hz", hz)
			require.Equal(t, n-1, hz.Ticks(at-1), "%d Hz", hz)
		}
	}
}

func TestATickThatDoesNotFitNeverComes(t *testing.T) {
	require.Equal(t, device.Never, device.PITFrequency.At(math.MaxUint64))
	require.Equal(t, device.Never, device.Frequency(0).At(1))
}
