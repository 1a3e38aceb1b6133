// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// counter is a machine that adds to RAX and RIP.
type counter struct {
	Machine
	now    Registers
	stride uint64
	wrong  uint64 // RIP at which RAX goes wrong
}

func (c *counter) Registers() (Registers, error) { return c.now, nil }

func (c *counter) Step() error {
	c.now.RIP += c.stride
	c.now.GPR[0]++
	if c.now.RIP == c.wrong {
		c.now.GPR[0] = 77
	}
	return nil
}

func TestAStretchEndsAtTheFirstDifference(t *testing.T) {
	good, bad := &counter{stride: 2}, &counter{stride: 2, wrong: 10}
	report, err := CompareStretch(good, &counter{stride: 2}, 100, nil)
	require.NoError(t, err)
	require.Equal(t, 100, report.Instructions)
	require.Empty(t, report.Differences)

	good = &counter{stride: 2}
	report, err = CompareStretch(good, bad, 100, nil)
	require.NoError(t, err)
	require.Equal(t, 5, report.Instructions)
	require.Equal(t, []Difference{{Where: "after step 4, at 0x8", Fields: []Field{{"RAX", 5, 77}}}}, report.Differences)
}

func TestUndefinedFlagsOfAStretchAreLeftOut(t *testing.T) {
	a, b := &counter{stride: 1}, &counter{stride: 1}
	a.now.RFLAGS, b.now.RFLAGS = flagAF|2, 2
	report, err := CompareStretch(a, b, 10, func(uint64) uint64 { return flagAF })
	require.NoError(t, err)
	require.Empty(t, report.Differences)
	report, err = CompareStretch(a, b, 10, nil)
	require.NoError(t, err)
	require.Equal(t, "before the first step", report.Differences[0].Where)
}
