// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheEmulatorsRegistersAndMemoryCanBeSet(t *testing.T) {
	p := build(t, 5, 10)
	e, err := StartEmulator(p)
	require.NoError(t, err)
	defer e.Close()
	r, err := e.Registers()
	require.NoError(t, err)
	require.EqualValues(t, 0x1f80, r.MXCSR, "SDM vol. 3A, table 10-1")
	require.EqualValues(t, 0x40, r.X87.Control)

	require.NoError(t, e.RunTo(p.Symbols["run_cases"]))
	r, err = e.Registers()
	require.NoError(t, err)
	require.Equal(t, p.Symbols["run_cases"], r.RIP)

	r.GPR[15], r.GSBase, r.CR2, r.RFLAGS, r.XMM[2][3], r.ST[1][9] = 0xfeed, 0x123000, 0x456, 0x893, 9, 0x40
	require.NoError(t, e.SetRegisters(r))
	back, err := e.Registers()
	require.NoError(t, err)
	require.Equal(t, r, back)
}
