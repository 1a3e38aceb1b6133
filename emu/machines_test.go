// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
)

// Machines on goroutines of their own do not disturb each other: all give the
// run that one alone gives. The race detector looks on where it is on.
func TestMachinesSideBySide(t *testing.T) {
	type outcome struct {
		deliveries, memory string
		instructions       uint64
	}
	run := func(seed uint64) outcome {
		r, _ := newGenerated(t, seed)
		for r.Run(emu.Until{Instructions: 50}).Why == emu.StopLimit {
		}
		return outcome{r.deliveries(), r.memory(), r.Instructions()}
	}
	const seeds = 8
	var alone [seeds]outcome
	for seed := range alone {
		alone[seed] = run(uint64(seed))
	}
	var together [4 * seeds]outcome
	var all sync.WaitGroup
	for n := range together {
		all.Go(func() { together[n] = run(uint64(n % seeds)) })
	}
	all.Wait()
	for n := range together {
		require.Equal(t, alone[n%seeds], together[n])
	}
}

// resident is the process's resident memory in bytes.
func resident(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	require.NoError(t, err)
	return pages * os.Getpagesize()
}

// Close gives everything back: 2,000 machines that each ran and wrote leave
// resident memory where 200 had left it. The bound allows for Go's heap, which
// grows to twice what lives between collections, and for what malloc keeps for
// reuse; a leak of the RAM that each machine touches alone would be 400 MiB, of
// the library's buffer for translated code more.
func TestCloseGivesEverythingBack(t *testing.T) {
	const machines, warm, bound = 2000, 200, 24 << 20
	code := listing(`
b9 00 80 00 00  mov ecx,0x8000
f3 aa           rep stosb
0f 0b           ud2`)
	var before int
	for n := range machines {
		m, err := emu.New(emu.Config{Memory: 1 << 20})
		require.NoError(t, err)
		require.NoError(t, m.WritePhysical(0x1000, code))
		s := m.State()
		s.RIP, s.CR0, s.RFLAGS = 0x1000, 0x11, 2 // 32-bit, no paging; no IDT: UD2 is shutdown
		for i := range s.Seg {
			s.Seg[i] = rigSegment(selData)
		}
		s.Seg[1] = rigSegment(selCode32)
		s.GPR[7] = 0x10000
		m.SetState(&s)
		require.Equal(t, emu.StopShutdown, m.Run(emu.Until{}).Why)
		require.EqualValues(t, 0x8001, m.Instructions())
		m.Close()
		if n == warm {
			runtime.GC()
			before = resident(t)
		}
	}
	runtime.GC()
	after := resident(t)
	t.Logf("resident after %d machines %d KiB, after %d %d KiB", warm, before>>10, machines, after>>10)
	require.Less(t, after, before+bound)
}

func TestClosedMachine(t *testing.T) {
	m, err := emu.New(emu.Config{Memory: 1 << 20})
	require.NoError(t, err)
	m.Close()
	m.Close()
	stop := m.Run(emu.Until{})
	require.Equal(t, emu.StopError, stop.Why)
	require.ErrorContains(t, stop.Err, "closed")
	require.Equal(t, emu.StopError, m.Step().Why)
	require.Error(t, m.ReadPhysical(0, make([]byte, 1)))
	require.Error(t, m.WritePhysical(0, make([]byte, 1)))
	require.NotPanics(t, func() {
		m.State()
		m.Instructions()
		m.Now()
		m.Interrupt()
		m.Type([]byte("x"))
		m.Probe(0x1000, nil)
		m.RemoveProbe(0x1000)
		_, _ = m.ReadMemory(0x1000, make([]byte, 1))
		_, _ = m.WriteMemory(0x1000, make([]byte, 1))
		_, _ = m.Translate(0)
		s := m.State()
		m.SetState(&s)
		m.InterruptAt(0, 0x30)
		m.Engine()
		m.Trail()
	})
}
