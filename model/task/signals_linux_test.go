// SPDX-License-Identifier: GPL-2.0-or-later

package task_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/task"
)

// delivered is a signal that a process has not returned from.
type delivered struct {
	frame       uint64
	interrupted task.Registers
	signal      int32
}

// The registers that a signal interrupts are those that its frame holds, and
// what a handler finds is where the frame is: RSP, RSI and RDX point into it.
// Handlers that interrupt handlers have frames one above the other.
func TestFramesOfSignals(t *testing.T) {
	m := ukl.start(t)
	var interrupted task.Registers // before arch_do_signal_or_restart changes them
	var process uint64
	open := map[uint64][]delivered{} // by task
	handlers := map[uint64]bool{}    // that are probed
	count, deepest := 0, 0

	atHandler := func(m *emu.Machine) bool {
		s, x := m.State(), ukl.reader.Read(m)
		list := open[x.Address]
		if len(list) == 0 || list[len(list)-1].frame != s.GPR[x86.RSP] {
			return false // called by the application
		}
		require.Equal(t, task.Application, x.Position.Mode)
		require.True(t, x.Position.Agree(), "%s", x.Position.Text())
		require.GreaterOrEqual(t, len(x.Signals), 1, "%s", x.Text())
		for i := range min(len(x.Signals), len(list)) {
			f, want := x.Signals[i], list[len(list)-1-i]
			if f.At != want.frame {
				require.NotZero(t, i)
				break // left by longjmp
			}
			require.Equal(t, want.signal, f.Info.Signal)
			regs := want.interrupted
			regs.CS, regs.SS, regs.OrigAX = task.UserCS, task.UserDS, f.Registers.OrigAX
			if int64(want.interrupted.OrigAX) >= 0 { // a system call, that may be begun again
				regs.AX, regs.IP, regs.SP = f.Registers.AX, f.Registers.IP, f.Registers.SP
			}
			require.Equal(t, regs, f.Registers)
			require.True(t, f.FP.Extended())
			require.True(t, f.Restorer, "%s", f.Text(nil))
			deepest = max(deepest, i+1)
		}
		f := x.Signals[0]
		require.Equal(t, s.GPR[x86.RSP], f.At)
		require.Equal(t, s.GPR[x86.RDX], f.At+8, "&uc")
		require.Equal(t, s.GPR[x86.RDI], uint64(f.Info.Signal))
		count++
		return count >= 150 && deepest >= 3
	}
	m.Probe(ukl.address(t, "arch_do_signal_or_restart"), func(m *emu.Machine) bool {
		x := ukl.reader.Read(m)
		interrupted, process = x.Outermost, x.Address
		return false
	})
	m.Probe(ukl.address(t, "signal_setup_done"), func(m *emu.Machine) bool {
		x := ukl.reader.Read(m)
		if x.Tracking.Value == task.NotUKL || x.Address != process || m.State().GPR[x86.RDI] != 0 {
			return false
		}
		handler := x.Outermost
		open[x.Address] = append(open[x.Address], delivered{handler.SP, interrupted, int32(handler.DI)})
		interrupted = handler // if another one comes on top
		if !handlers[handler.IP] {
			handlers[handler.IP] = true
			m.Probe(handler.IP, atHandler)
		}
		return false
	})
	m.Probe(ukl.address(t, "__x64_sys_rt_sigreturn"), func(m *emu.Machine) bool {
		x := ukl.reader.Read(m)
		list := open[x.Address]
		if x.Tracking.Value == task.NotUKL || len(list) == 0 {
			return false
		}
		require.NotEmpty(t, x.Signals)
		require.Equal(t, x.Outermost.SP-8, x.Signals[0].At, "where sigreturn looks")
		for len(list) > 0 && list[len(list)-1].frame != x.Signals[0].At {
			list = list[:len(list)-1] // left by longjmp
		}
		require.NotEmpty(t, list)
		open[x.Address] = list[:len(list)-1]
		return false
	})
	stop := m.Run(emu.Until{Instructions: bound})
	require.Equal(t, emu.StopProbe, stop.Why, "%d signals, %d deep", count, deepest)
}
