// SPDX-License-Identifier: GPL-2.0-or-later

package linux_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
)

// Where the runs are compared: in the middle of the tour. The snapshots are
// taken earlier, some of them in the kernel's boot.
const compareAt = 70_000_000

// Asked of another process, by its environment: to make the run and print its
// digest; or to go on from a snapshot's file.
const (
	childRun  = "UKLEMU_TEST_RUN"
	childLoad = "UKLEMU_TEST_LOAD"
)

// TestRunsAreTheSame: one image and one input make one run, whatever happens
// around it (RAM, registers, x87 and SSE, devices, instruction count, console,
// events).
func TestRunsAreTheSame(t *testing.T) {
	reference := observe(t, guest{}).to(t, compareAt).digest(t)

	t.Run("in the same process", func(t *testing.T) {
		require.Equal(t, reference, observe(t, guest{}).to(t, compareAt).digest(t))
	})
	t.Run("beside other machines", func(t *testing.T) {
		ways := []guest{{}, {append: "noapic nolapic"}, {}, {cpu: "-smap", bzImage: true}}
		digests := make([]digest, len(ways))
		var machines []*observed
		for _, way := range ways {
			machines = append(machines, observe(t, way))
		}
		var all sync.WaitGroup
		for i := range machines {
			all.Go(func() { digests[i] = machines[i].to(t, compareAt).digest(t) })
		}
		all.Wait()
		require.Equal(t, reference, digests[0])
		require.Equal(t, reference, digests[2])
		require.NotEqual(t, reference, digests[1])
	})
	t.Run("in slices", func(t *testing.T) {
		o, random := observe(t, guest{}), rand.New(rand.NewPCG(1, 2))
		for o.Instructions() < compareAt {
			// Mostly long, some of a few instructions each.
			n := uint64(1 + random.IntN(1<<(1+random.IntN(22))))
			o.Run(emu.Until{Instructions: min(n, compareAt-o.Instructions())})
		}
		require.Equal(t, reference, o.digest(t))
	})
	t.Run("in another process", func(t *testing.T) {
		require.Equal(t, reference, askChild(t, "TestInAnotherProcess", childRun+"=1"))
	})
	t.Run("restored from a snapshot", func(t *testing.T) {
		o := observe(t, guest{})
		for _, at := range []uint64{5_000_000, 31_415_926, 60_000_000} {
			o.to(t, at)
			s, err := o.Snapshot()
			require.NoError(t, err)
			before := o.record
			for range 2 {
				o.to(t, compareAt)
				require.Equal(t, reference, o.digest(t))
				require.NoError(t, o.Restore(s))
				o.record = before
			}
		}
	})
	t.Run("loaded by another process", func(t *testing.T) {
		o := observe(t, guest{}).to(t, 60_000_000)
		file := saveTo(t, o)
		record, err := json.Marshal([]uint64{o.console, o.events})
		require.NoError(t, err)
		require.Equal(t, reference, askChild(t, "TestInAnotherProcess", childLoad+"="+file, "UKLEMU_TEST_RECORD="+string(record)))
	})
}

// saveTo writes a snapshot of a machine as it is into a file.
func saveTo(t testing.TB, o *observed) string {
	t.Helper()
	s, err := o.Snapshot()
	require.NoError(t, err)
	image, _, _ := o.files(t)
	var b bytes.Buffer
	require.NoError(t, s.Save(&b, image))
	file := t.TempDir() + "/snapshot"
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	return file
}

// askChild runs one test of this binary in a process of its own, which writes
// its digest to a file.
func askChild(t testing.TB, test string, environment ...string) digest {
	t.Helper()
	answer := t.TempDir() + "/answer"
	command := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.count=1")
	command.Env = append(append(os.Environ(), environment...), "UKLEMU_TEST_ANSWER="+answer)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	b, err := os.ReadFile(answer)
	require.NoError(t, err, "%s", output)
	var d digest
	require.NoError(t, json.Unmarshal(b, &d))
	return d
}

// TestInAnotherProcess is the other process of TestRunsAreTheSame; by itself
// it goes through the same steps, and has nothing to compare with.
func TestInAnotherProcess(t *testing.T) {
	answer := os.Getenv("UKLEMU_TEST_ANSWER")
	if answer == "" {
		return
	}
	var o *observed
	if file := os.Getenv(childLoad); file != "" {
		o = load(t, guest{}, file)
		var carried []uint64
		require.NoError(t, json.Unmarshal([]byte(os.Getenv("UKLEMU_TEST_RECORD")), &carried))
		o.record = record{carried[0], carried[1]}
	} else {
		o = observe(t, guest{})
	}
	b, err := json.Marshal(o.to(t, compareAt).digest(t))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(answer, b, 0o600))
}

// load makes a machine from a snapshot's file.
func load(t testing.TB, g guest, file string) *observed {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	image, _, _ := g.files(t)
	o := &observed{guest: g}
	s, err := emu.LoadSnapshot(f, image, emu.Config{})
	require.NoError(t, err)
	o.Machine, err = s.StartWith(emu.Outside{Console: o})
	require.NoError(t, err)
	t.Cleanup(func() {
		o.Close()
		s.Close()
	})
	o.Observe(o.event)
	return o
}

// TestTLBMissesAreTheSame: the library chooses the size of its TLB by the time
// of day, which for it passes with the guest's instructions.
func TestTLBMissesAreTheSame(t *testing.T) {
	digests := make([]digest, 3)
	var all sync.WaitGroup
	for i := range digests {
		o := observe(t, guest{})
		o.ObserveFills(true)
		all.Go(func() { digests[i] = o.to(t, 40_000_000).digest(t) })
	}
	all.Wait()
	require.Equal(t, digests[0], digests[1])
	require.Equal(t, digests[0], digests[2])
	without := observe(t, guest{}).to(t, 40_000_000).digest(t)
	require.NotEqual(t, without.Events, digests[0].Events)
	without.Events = digests[0].Events
	require.Equal(t, without, digests[0], "being told of them changes nothing")
}
