// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/x86"
)

func TestStepExecutesOneInstructionWhateverProbeItIsAt(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
90              nop
48 ff c0        inc rax`), nil)
	r.Probe(kernelCode+1, nil)
	require.Equal(t, emu.StopLimit, r.Step().Why)
	require.EqualValues(t, uint64(kernelCode+1), r.State().RIP)
	require.Equal(t, emu.StopLimit, r.Step().Why)
	require.EqualValues(t, uint64(kernelCode+4), r.State().RIP)
	require.EqualValues(t, 1, r.State().GPR[x86.RAX])
}

func TestStepOverAFaultEndsAtTheHandlersFirstInstruction(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
0f 0b           ud2`), nil)
	before := r.Instructions()
	require.Equal(t, emu.StopLimit, r.Step().Why)
	require.Equal(t, "#UD", r.deliveries())
	require.Equal(t, r.handler(x86.VectorUD), r.State().RIP)
	require.Equal(t, before, r.Instructions(), "nothing retired")
}

func TestStepDeliversAnInterruptBeforeTheNextInstruction(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
90              nop
90              nop`), func(s *x86.State) { s.RFLAGS |= x86.FlagIF })
	r.InterruptAt(1, 0x30)
	require.Equal(t, emu.StopLimit, r.Step().Why)
	require.EqualValues(t, uint64(kernelCode+1), r.State().RIP)
	require.Equal(t, emu.StopLimit, r.Step().Why)
	require.Equal(t, r.handler(0x30), r.State().RIP)
}

func TestHLTWithInterruptsOffEndsTheGuest(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
b0 34           mov al, 0x34
e6 43           out 0x43, al
30 c0           xor al, al
e6 40           out 0x40, al
e6 40           out 0x40, al
f4              hlt`), nil) // the timer ticks on
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
}

func TestInterruptStopsAMachineThatIdles(t *testing.T) {
	config := emu.Config{}
	var r *rig
	config.Idle = func(delay device.Time) bool {
		r.Interrupt()
		return true
	}
	r = configuredRig(t, config)
	r.kernel(listing(`
f4              hlt`), func(s *x86.State) { s.RFLAGS |= x86.FlagIF })
	require.Equal(t, emu.StopInterrupted, r.Run(emu.Until{}).Why)
}
