// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// newGenerated is a machine in front of a generated program.
func newGenerated(t *testing.T, seed uint64) (*rig, []byte) {
	t.Helper()
	r := bareRig(t, "")
	code := generate(seed, 60)
	prepareGenerated(r, code)
	return r, code
}

// memory is a digest of all RAM.
func (r *rig) memory() string {
	r.t.Helper()
	b := make([]byte, rigMemory)
	require.NoError(r.t, r.ReadPhysical(0, b))
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// Running in slices of any size, recorded or with probes set, gives the same run:
// registers, memory and clock agree with those of single steps at every stop.
func TestSlicesOfAnySizeGiveTheSameRun(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			steps, code := newGenerated(t, seed)
			states := []x86.State{steps.State()}
			stop := emu.Stop{Why: emu.StopLimit}
			for n := uint64(1); stop.Why == emu.StopLimit; n++ {
				require.Less(t, n, uint64(100_000), "the program ends")
				if stop = steps.Run(emu.Until{Instructions: 1}); stop.Why == emu.StopLimit {
					require.Equal(t, n, steps.Instructions())
					states = append(states, steps.State())
				}
			}
			require.Equal(t, emu.StopHalt, stop.Why, "%v", stop)
			random := rand.New(rand.NewPCG(seed, 2))
			for _, most := range []int{0, 2, 10, 100} {
				r, _ := newGenerated(t, seed)
				if most == 10 {
					for range 5 {
						r.Probe(kernelCode+random.Uint64N(uint64(len(code))), func(*emu.Machine) bool { return false })
					}
				}
				if recorded := random.IntN(3); recorded > 0 {
					begin, end := uint64(0), ^uint64(0)
					if recorded == 2 {
						begin = kernelCode + random.Uint64N(uint64(len(code)))
						end = begin + 50
					}
					require.NoError(t, r.Record(begin, end, 1024))
				}
				for stop = (emu.Stop{Why: emu.StopLimit}); stop.Why == emu.StopLimit; {
					slice := uint64(0)
					if most > 0 {
						slice = 1 + random.Uint64N(uint64(most))
					}
					stop = r.Run(emu.Until{Instructions: slice})
					n := r.Instructions()
					require.Less(t, n, uint64(len(states)))
					if diff := cmp.Diff(states[n], r.State()); diff != "" {
						require.FailNow(t, "another state", "after %d instructions, slices up to %d (-steps +slices):\n%s", n, most, diff)
					}
				}
				require.Equal(t, emu.StopHalt, stop.Why)
				require.Equal(t, steps.Instructions(), r.Instructions())
				require.Equal(t, steps.deliveries(), r.deliveries())
				require.Equal(t, steps.memory(), r.memory())
			}
		})
	}
}

// The record of a run is that of its steps, and those are where RIP was.
func TestTheRecordIsThatOfTheSteps(t *testing.T) {
	for seed := range uint64(60) {
		steps, _ := newGenerated(t, seed)
		require.NoError(t, steps.Record(0, ^uint64(0), 1<<16))
		var retired []uint64 // where RIP was before each instruction that was
		for stop := (emu.Stop{Why: emu.StopLimit}); stop.Why == emu.StopLimit; {
			rip, n := steps.State().RIP, steps.Instructions()
			stop = steps.Run(emu.Until{Instructions: 1})
			require.Less(t, len(retired), 1<<16)
			if steps.Instructions() > n {
				retired = append(retired, rip)
			}
		}
		want := steps.Recorded()
		require.Empty(t, cmp.Diff(retired, subsequence(retired, want)), "seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 3))
		for _, most := range []int{0, 3, 50} {
			r, _ := newGenerated(t, seed)
			require.NoError(t, r.Record(0, ^uint64(0), 1<<16))
			for stop := (emu.Stop{Why: emu.StopLimit}); stop.Why == emu.StopLimit; {
				slice := uint64(0)
				if most > 0 {
					slice = 1 + random.Uint64N(uint64(most))
				}
				stop = r.Run(emu.Until{Instructions: slice})
			}
			require.Empty(t, cmp.Diff(want, r.Recorded()), "seed %d, slices up to %d (-steps +slices)", seed, most)
		}
	}
}

// subsequence is as much of a as appears in b in order.
func subsequence(a, b []uint64) []uint64 {
	n := 0
	for _, v := range b {
		if n < len(a) && a[n] == v {
			n++
		}
	}
	return a[:n]
}
