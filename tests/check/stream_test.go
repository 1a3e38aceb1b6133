// SPDX-License-Identifier: GPL-2.0-or-later

package check_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/invariant"
	"github.com/uklemu/uklemu/model/scenario"
)

// driver takes over a guest's application.
func driver(t *testing.T, guest string) *scenario.Driver {
	t.Helper()
	k := kernel(t, guest)
	d, err := scenario.New(k.Boot(t), k.Image, nil, invariant.Points)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

// steps gives the events of one step, as text, without those that depend on how a
// kernel happens to be written: copies, faults inside it, switches of its stacks.
func steps(t *testing.T, d *scenario.Driver, s scenario.Step, before func()) (list []string) {
	t.Helper()
	own := []event.Kind{event.SyscallEnter, event.SyscallBegin, event.SyscallEnd, event.Exception, event.Interrupt, event.NMI,
		event.HandlerBegin, event.HandlerEnd, event.Return, event.Resumed, event.Mode, event.SignalSetUp, event.HandlerStart, event.SigReturn, event.SigReturned}
	task := uint64(0)
	d.OnEvent = func(e *event.Event) {
		if task == 0 {
			task = e.Task
		}
		if e.Task == task && slices.Contains(own, e.Kind) {
			list = append(list, e.String())
		}
	}
	before()
	_, err := d.Do(s)
	d.OnEvent = nil
	require.NoError(t, err)
	return list
}

// The stream of a system call, an interrupt and a signal is the same on the
// kernel in assembly and on a Linux, from the same code.
func TestOneStreamForAllKernels(t *testing.T) {
	const getpid, kill, sigaction = 39, 62, 13
	call := func(number uint64, args ...uint64) scenario.Step {
		set := map[int]uint64{x86.RAX: number}
		for i, v := range args {
			set[[]int{x86.RDI, x86.RSI, x86.RDX, x86.R10}[i]] = v
		}
		return scenario.Step{At: scenario.Call, Set: set}
	}
	streams := map[string][][]string{}
	for _, guest := range []string{"builtin:mini", "guest:ukl-hello"} {
		d := driver(t, guest)
		streams[guest] = append(streams[guest], steps(t, d, call(getpid), func() {}))
		nmi := steps(t, d, scenario.Step{At: scenario.Nops}, func() { d.Machine.NMIAt(2) })
		// The mark is put away by the handler, and that is seen if something happens in it.
		streams[guest] = append(streams[guest], slices.DeleteFunc(nmi, func(s string) bool { return strings.HasPrefix(s, "mode switch") }))

		page, err := d.Must(9, 0, 4096, 3, 0x22, ^uint64(0), 0)
		require.NoError(t, err)
		_, err = d.Do(scenario.Step{At: scenario.Store, Set: map[int]uint64{x86.RDI: page}})
		require.NoError(t, err)
		require.NoError(t, d.WriteWords(page, d.Board.At(scenario.Handler), 0x04000004, d.Board.At(scenario.Restore), 0))
		_, err = d.Must(sigaction, 10, page, 0, 8)
		require.NoError(t, err)
		pid, err := d.Must(getpid)
		require.NoError(t, err)
		signal := steps(t, d, call(kill, pid, 10), func() {})
		streams[guest] = append(streams[guest], signal)
	}
	require.Equal(t, streams["guest:ukl-hello"], streams["builtin:mini"])
	require.Equal(t, []string{
		"system call entered by call: number 39", "mode switch: from 2 to 1", "system call begins", "system call ends",
		"mode switch by IRET: from 1 to 2", "return by IRET", "application resumed by IRET",
	}, streams["builtin:mini"][0])
	require.Contains(t, streams["builtin:mini"][2], "signal handler by IRET")
	require.Contains(t, streams["builtin:mini"][2], "back from a signal by IRET")
}
