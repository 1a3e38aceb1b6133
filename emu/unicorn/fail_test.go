// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// What leaves an engine without a part of itself, such as memory for a hook's
// address, ends this run and every later one as an error that says what it was.
func TestAnEngineThatFailedDoesNotRun(t *testing.T) {
	ram, err := NewRAM(1 << 20)
	require.NoError(t, err)
	cpu, err := New(ram)
	require.NoError(t, err)
	t.Cleanup(func() { cpu.Close(); ram.Close() })
	ram.Bytes()[0] = 0xf4                                    // HLT
	code := x86.Segment{Attr: 0x00cf9b00, Limit: 0xffffffff} // 32-bit, flat
	cpu.Store(&x86.State{CR0: x86.CR0PE | x86.CR0ET, Seg: [6]x86.Segment{x86.CS: code}})
	p := Params{Limit: NoLimit, PhysicalBits: 40}
	require.Equal(t, ExitInstruction, cpu.Run(&p).Reason)
	cpu.e.failed = 1 // UC_ERR_NOMEM
	for range 2 {
		exit := cpu.Run(&p)
		require.Equal(t, ExitError, exit.Reason)
		require.ErrorContains(t, exit.Err(), "libunicorn failed: No memory available")
	}
}
