// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// whole is everything that a program can tell about a machine.
type whole struct {
	RAM   []byte
	State x86.State
	FPU   unicorn.FPU
	Count uint64
}

func wholeOf(t testing.TB, m *emu.Machine) whole {
	t.Helper()
	w := whole{make([]byte, rigMemory), m.State(), m.FPU(), m.Instructions()}
	require.NoError(t, m.ReadPhysical(0, w.RAM))
	return w
}

// requireSame compares every byte, and shows no RAM.
func requireSame(t testing.TB, want, found whole) {
	t.Helper()
	require.True(t, bytes.Equal(want.RAM, found.RAM), "RAM differs")
	want.RAM, found.RAM = nil, nil
	require.Empty(t, cmp.Diff(want, found))
}

// scatter adds to quadwords all over the 256 KiB of data, for ever, with
// numbers that go by what came before; XMM0 counts.
var scatter = listing(`
48 69 c0 0d 66 19 00            imul rax,rax,0x19660d
48 05 5f f3 6e 3c               add rax,0x3c6ef35f
48 89 c1                        mov rcx,rax
48 c1 e9 10                     shr rcx,0x10
81 e1 ff 7f 00 00               and ecx,0x7fff
48 01 04 cb                     add QWORD PTR [rbx+rcx*8],rax
66 0f d4 c1                     paddq xmm0,xmm1
eb dc                           jmp 0
`)

func scattering(t testing.TB) *rig {
	r := newRig(t, "")
	r.kernel(scatter, func(s *x86.State) { s.GPR[x86.RBX] = kernelData })
	f := r.FPU()
	f.XMM[1] = [16]byte{1, 8: 3}
	r.SetFPU(&f)
	return r
}

func (r *rig) on(n uint64) {
	r.t.Helper()
	stop := r.Run(emu.Until{Instructions: n})
	require.Equal(r.t, emu.StopLimit, stop.Why, "%s", stop)
}

func snapshot(t testing.TB, m *emu.Machine) *emu.Snapshot {
	t.Helper()
	s, err := m.Snapshot()
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// A tree of snapshots, walked at random: each brings back every byte of what
// it was taken of, wherever the machine comes from, and the run that follows
// is the run that followed.
func TestTreeOfSnapshots(t *testing.T) {
	type node struct {
		*emu.Snapshot
		then  whole
		later whole // 1,000 instructions on
	}
	r, random := scattering(t), rand.New(rand.NewPCG(3, 4))
	var tree []node
	grow := func() {
		n := node{then: wholeOf(t, r.Machine)}
		n.Snapshot = snapshot(t, r.Machine)
		r.on(1000)
		n.later = wholeOf(t, r.Machine)
		require.NoError(t, r.Restore(n.Snapshot))
		tree = append(tree, n)
	}
	grow()
	for range 300 {
		n := tree[random.IntN(len(tree))]
		require.NoError(t, r.Restore(n.Snapshot))
		requireSame(t, n.then, wholeOf(t, r.Machine))
		switch random.IntN(4) {
		case 0:
			r.on(1000)
			requireSame(t, n.later, wholeOf(t, r.Machine))
		case 1:
			m, err := n.Start()
			require.NoError(t, err)
			requireSame(t, n.then, wholeOf(t, m))
			m.Run(emu.Until{Instructions: 1000})
			requireSame(t, n.later, wholeOf(t, m))
			m.Close()
		case 2:
			if len(tree) < 40 {
				r.on(1 + random.Uint64N(5000))
				grow()
			}
		default:
			r.on(1 + random.Uint64N(5000))
		}
	}
}

// What the TLB had as writable before a snapshot is not written past it.
func TestWritesAfterSnapshotAreTakenBack(t *testing.T) {
	r := scattering(t)
	r.on(100_000) // every page of data is writable in the TLB
	s, before := snapshot(t, r.Machine), wholeOf(t, r.Machine)
	r.on(50_000)
	require.NotEqual(t, before.RAM, wholeOf(t, r.Machine).RAM)
	require.NoError(t, r.Restore(s))
	requireSame(t, before, wholeOf(t, r.Machine))
}

// reader reads through the user's first page of data, for ever, into RAX.
var reader = listing(`
48 8b 03                        mov rax,QWORD PTR [rbx]
eb fb                           jmp 0
`)

// Page tables that were changed after a snapshot, by whomever, are what they
// were after a restore: so is what the TLB has of them.
func TestRestoreAfterPageTablesChanged(t *testing.T) {
	newReader := func(t *testing.T) (r *rig, read func() uint64) {
		r = newRig(t, "")
		r.put64(userMem, 111)
		r.put64(userMem+0x1000, 222)
		r.kernel(reader, func(s *x86.State) { s.GPR[x86.RBX] = userData })
		return r, func() uint64 {
			s := r.State()
			s.RIP = kernelCode
			r.SetState(&s)
			r.on(10)
			return r.State().GPR[x86.RAX]
		}
	}
	const other = userMem + 0x1000 | pteP | pteW | pteU
	t.Run("from outside", func(t *testing.T) {
		r, read := newReader(t)
		require.EqualValues(t, 111, read())
		first := snapshot(t, r.Machine)
		r.put64(r.entry(userData, 0), other)
		r.on(2)
		second := snapshot(t, r.Machine)
		for range 3 {
			require.NoError(t, r.Restore(first))
			require.EqualValues(t, 111, read())
			require.NoError(t, r.Restore(second))
			require.EqualValues(t, 222, read())
		}
	})
	t.Run("by the guest", func(t *testing.T) {
		r, read := newReader(t)
		require.EqualValues(t, 111, read())
		first := snapshot(t, r.Machine)
		remap := listing(`
48 89 17                        mov QWORD PTR [rdi],rdx
0f 01 3b                        invlpg BYTE PTR [rbx]
48 8b 03                        mov rax,QWORD PTR [rbx]
eb fe                           jmp 9
`)
		r.kernel(remap, func(s *x86.State) {
			s.GPR[x86.RBX], s.GPR[x86.RDI], s.GPR[x86.RDX] = userData, high+r.entry(userData, 0), other
		})
		start := snapshot(t, r.Machine)
		for range 3 {
			r.on(10)
			require.EqualValues(t, 222, r.State().GPR[x86.RAX])
			require.NoError(t, r.Restore(first))
			require.EqualValues(t, 111, read())
			require.NoError(t, r.Restore(start))
		}
	})
	t.Run("another root", func(t *testing.T) {
		r, read := newReader(t)
		first := snapshot(t, r.Machine)
		copied := make([]byte, 0x1000)
		require.NoError(t, r.ReadPhysical(r.root, copied))
		old := r.root
		r.root = r.page()
		r.write(r.root, copied)
		r.put64(r.root, 0) // the user's half anew
		r.mapPage(userData, userMem+0x1000, 0, pteP|pteW|pteU)
		s := r.State()
		s.CR3 = r.root
		r.SetState(&s)
		require.EqualValues(t, 222, read())
		second := snapshot(t, r.Machine)
		for range 3 {
			require.NoError(t, r.Restore(first))
			require.Equal(t, old, r.State().CR3)
			require.EqualValues(t, 111, read())
			require.NoError(t, r.Restore(second))
			require.EqualValues(t, 222, read())
		}
	})
}

// Code that was rewritten after a snapshot, by itself or from outside, runs
// as it was after a restore.
func TestRestoreAfterCodeChanged(t *testing.T) {
	// Adds 1 at first; makes that an addition of 2 after the first time round.
	rewriter := listing(`
83 c0 01                        add eax,0x1
c6 03 02                        mov BYTE PTR [rbx],0x2
ff c9                           dec ecx
75 f6                           jnz 0
eb fe                           jmp a
`)
	t.Run("by itself, CPL 0", func(t *testing.T) {
		r := newRig(t, "")
		r.kernel(rewriter, func(s *x86.State) { s.GPR[x86.RBX], s.GPR[x86.RCX] = kernelCode+2, 5 })
		rewritesItself(t, r)
	})
	t.Run("by itself, CPL 3", func(t *testing.T) {
		r := newRig(t, "")
		r.user(rewriter, func(s *x86.State) { s.GPR[x86.RBX], s.GPR[x86.RCX] = userCode+2, 5 })
		rewritesItself(t, r)
	})
	t.Run("from outside", func(t *testing.T) {
		r := newRig(t, "")
		r.kernel(listing("83 c0 01  add eax,0x1\neb fb  jmp 0"), nil)
		r.on(10)
		s := snapshot(t, r.Machine)
		for i := range byte(5) {
			r.write(codeAt+2, []byte{10 + i})
			r.on(10)
			require.EqualValues(t, 5+5*(10+int(i)), r.State().GPR[x86.RAX])
			require.NoError(t, r.Restore(s))
			r.on(10)
			require.EqualValues(t, 10, r.State().GPR[x86.RAX])
			require.NoError(t, r.Restore(s))
		}
	})
}

func rewritesItself(t *testing.T, r *rig) {
	t.Helper()
	before := snapshot(t, r.Machine)
	r.on(5) // one time round and the next addition
	require.EqualValues(t, 3, r.State().GPR[x86.RAX])
	after := snapshot(t, r.Machine)
	for range 3 {
		require.NoError(t, r.Restore(before))
		r.on(100)
		require.EqualValues(t, 1+4*2, r.State().GPR[x86.RAX])
		require.NoError(t, r.Restore(after))
		r.on(100)
		require.EqualValues(t, 1+4*2, r.State().GPR[x86.RAX])
	}
}

// Machines started from one snapshot run beside each other, each its own run.
func TestStartBesideEachOther(t *testing.T) {
	r := scattering(t)
	r.on(10_000)
	s := snapshot(t, r.Machine)
	const machines, rounds = 6, 5
	var want [machines]whole
	for i := range want {
		r.on(uint64(1000 * (i + 1)))
		want[i] = wholeOf(t, r.Machine)
		require.NoError(t, r.Restore(s))
	}
	var all sync.WaitGroup
	var found [machines][rounds]whole
	for i := range machines {
		all.Go(func() {
			for round := range rounds {
				m, err := s.Start()
				if err != nil {
					t.Error(err)
					return
				}
				m.Run(emu.Until{Instructions: uint64(1000 * (i + 1))})
				found[i][round] = wholeOf(t, m)
				m.Close()
			}
		})
	}
	all.Wait()
	for i := range found {
		for _, w := range found[i] {
			requireSame(t, want[i], w)
		}
	}
}

// A machine that was closed and started again has nothing of its last user.
func TestStartedMachineIsFresh(t *testing.T) {
	r := scattering(t)
	s := snapshot(t, r.Machine)
	first, err := s.Start()
	require.NoError(t, err)
	first.Probe(kernelCode, nil)
	_, err = first.Watch(emu.Watch{Address: dataAt, Size: 1 << 18, Physical: true, Read: true, Write: true})
	require.NoError(t, err)
	first.Observe(func(emu.Event) { t.Error("an observer outlives the Close") })
	require.Equal(t, emu.StopProbe, first.Run(emu.Until{Instructions: 100}).Why)
	first.Close()
	second, err := s.Start()
	require.NoError(t, err)
	defer second.Close()
	require.NotSame(t, first, second)
	require.Equal(t, emu.StopLimit, second.Run(emu.Until{Instructions: 100_000}).Why)
}

func TestRestoreIsRefused(t *testing.T) {
	r := scattering(t)
	s := snapshot(t, r.Machine)
	for _, row := range []struct {
		name   string
		config emu.Config
		text   string
	}{
		{"other memory", emu.Config{Memory: 2 * rigMemory}, "another kind of machine: 4096 KiB"},
		{"other devices", emu.Config{Memory: rigMemory, NoACPI: true}, "another kind of machine: 13 devices, this one has 12"},
		{"another CPU", emu.Config{Memory: rigMemory, CPU: x86.CPU{Features: 1}}, "another kind of machine: its CPU has +"},
		{"another device", emu.Config{Memory: rigMemory, NoACPI: true, Devices: []func(emu.Board) (device.Device, error){counterOf("counter", new(int))}},
			"another kind of machine: device acpi-pm with state device.ACPIPMState, in whose place this one has counter with state emu_test.counterState"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, err := emu.New(row.config)
			require.NoError(t, err)
			defer m.Close()
			require.ErrorContains(t, m.Restore(s), row.text)
		})
	}
	t.Run("closed", func(t *testing.T) {
		m, err := emu.New(emu.Config{Memory: rigMemory})
		require.NoError(t, err)
		m.Close()
		require.ErrorContains(t, m.Restore(s), "has been closed")
	})
}
