// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// SDM vol. 2A, table 2-1.
func TestOperandsIn16BitAddressing(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		at   uint64
	}{
		"[di]":       {`0f 01 15          lgdt [di]`, 0x20},
		"[bx+si]":    {`0f 01 10          lgdt [bx+si]`, 0x30},
		"[bp+8]":     {`0f 01 56 08       lgdt [bp+8]`, 0x48},
		"[bx+0x101]": {`0f 01 97 01 01    lgdt [bx+0x101]`, 0x111},
		"[0x60]":     {`0f 01 16 60 00    lgdt [0x60]`, 0x60},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "")
			r.kernel(listing(c.code), func(s *x86.State) {
				s.GPR[x86.RDI], s.GPR[x86.RBX], s.GPR[x86.RSI], s.GPR[x86.RBP] = 0x20, 0x10, 0x20, 0x40
				s.EFER &^= x86.EFERLMA | x86.EFERLME
				s.CR0 &^= x86.CR0PG
				s.RIP = codeAt
				s.Seg[x86.CS].Attr &^= x86.AttrL | x86.AttrDB // 16-bit code, flat
				for _, n := range []int{x86.DS, x86.SS} {
					s.Seg[n].Base = dataAt
				}
			})
			require.NoError(t, r.WritePhysical(dataAt+c.at, []byte{0x34, 0x12, 0x78, 0x56, 0x34, 0x12}))
			require.Equal(t, emu.StopLimit, r.Step().Why)
			require.Equal(t, x86.Table{Limit: 0x1234, Base: 0x345678}, r.State().GDTR, "24 bits of base, SDM vol. 2A, LGDT")
		})
	}
}

// SDM vol. 1 3.6.1: in 64-bit mode the address-size prefix makes addresses of
// 32 bits, zero-extended, also of what the machine itself reads.
func TestOperandsWith32BitAddressesIn64BitMode(t *testing.T) {
	const upper = 0xdead << 32
	for name, c := range map[string]struct {
		code string
		edit func(*x86.State)
	}{
		"[ebx]":            {"67 0f 01 13              lgdt [ebx]", func(s *x86.State) { s.GPR[x86.RBX] = upper | userData }},
		"[ebx+ecx*2+0x10]": {"67 0f 01 54 4b 10        lgdt [ebx+ecx*2+0x10]", func(s *x86.State) { s.GPR[x86.RBX], s.GPR[x86.RCX] = upper|userData-0x18, upper|4 }},
		"[ebx+0x600000], which wraps": {"67 0f 01 93 00 00 60 00  lgdt [ebx+0x600000]",
			func(s *x86.State) { s.GPR[x86.RBX] = 1<<32 + userData - 0x600000 }},
		"gs:[ebx]": {"65 67 0f 01 13           lgdt gs:[ebx]", func(s *x86.State) { s.GPR[x86.RBX], s.Seg[x86.GS].Base = upper|0x1000, userData-0x1000 }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "")
			require.NoError(t, r.WritePhysical(userMem, []byte{0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 0, 0x80, 0xff, 0xff}))
			r.kernel(listing(c.code+"\n0f 0b  ud2"), c.edit)
			require.Equal(t, emu.StopLimit, r.Step().Why)
			require.Equal(t, x86.Table{Limit: 0x1234, Base: 0xffff800012345678}, r.State().GDTR)
		})
	}
}

func TestHLTWithEveryInterruptMaskedEndsTheGuest(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
b0 ff           mov al, 0xff
e6 21           out 0x21, al
e6 a1           out 0xa1, al
b0 34           mov al, 0x34
e6 43           out 0x43, al
30 c0           xor al, al
e6 40           out 0x40, al
e6 40           out 0x40, al
fb              sti
f4              hlt`), nil) // the timer ticks on, and nobody hears it
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{Instructions: 1000}).Why)
}

func TestWhatAUserLeftOnAPooledMachineIsGone(t *testing.T) {
	r := newRig(t, "")
	r.loop(5)
	s, err := r.Snapshot()
	require.NoError(t, err)
	defer s.Close()
	first, err := s.Start()
	require.NoError(t, err)
	_, err = first.ProbeRange(emu.Range{Begin: kernelCode, Size: 16}, nil)
	require.NoError(t, err)
	first.Inject(emu.Boundary{Address: kernelCode + 5}, emu.Injection{NMI: true})
	require.NoError(t, first.Cover([]emu.Range{{Begin: kernelCode, Size: 16}}, 64))
	require.True(t, first.Edges(func(edges []byte) { require.Len(t, edges, 64) }))
	events := 0
	stop := first.Observe(func(emu.Event) { events++ })
	first.Close()

	second, err := s.Start()
	require.NoError(t, err)
	defer second.Close()
	seen := 0
	defer second.Observe(func(emu.Event) { seen++ })()
	stop() // of the first user, late
	require.Equal(t, emu.StopHalt, second.Run(emu.Until{}).Why)
	require.False(t, second.Edges(func([]byte) {}))
	require.Zero(t, events)
	require.NotZero(t, seen)
}

func TestADebuggerReadsWhatAProtectionKeyRefuses(t *testing.T) {
	r := newRig(t, "+pku")
	r.user(listing(`90  nop`), func(s *x86.State) {
		s.CR4 |= x86.CR4PKE
		s.PKRU = 0xffffffff
	})
	var b [1]byte
	n, err := r.ReadMemory(userCode, b[:])
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.EqualValues(t, 0x90, b[0])
}

// The handler of #PF is on a page that is not there, so its first instruction
// faults as well, on hardware for ever: no instruction is retired, and no bound
// in instructions is ever reached.
func TestFaultsWithoutEndEndTheRun(t *testing.T) {
	r := bareRig(t, "")
	r.kernel(listing("8b 07  mov eax,[rdi]"), func(s *x86.State) { s.GPR[x86.RDI] = unmapped })
	r.put64(idtAt+16*uint64(x86.VectorPF), 0x8e01<<32|selCode<<16)
	r.put64(idtAt+16*uint64(x86.VectorPF)+8, 0)
	stop := r.Run(emu.Until{Instructions: 10})
	require.Equal(t, emu.StopError, stop.Why)
	require.ErrorContains(t, stop.Err, "at 0x0: 65536 exceptions and interrupts in a row, the last one #PF, and not an instruction between them")
}

// What the probes are told of in a run, they are told of in a trace.
func TestTraceAsksTheProbes(t *testing.T) {
	type asked struct{ probe, in int }
	count := func(run func(*rig)) (n asked) {
		r := bareRig(t, "")
		r.loop(5)
		r.Probe(kernelCode+5, func(*emu.Machine) bool { n.probe++; return false })
		_, err := r.ProbeRange(emu.Range{Begin: kernelCode, Size: 0x100}, func(*emu.Machine) bool { n.in++; return false })
		require.NoError(t, err)
		run(r)
		return n
	}
	want := count(func(r *rig) { r.Run(emu.Until{}) })
	require.Equal(t, 5, want.probe)
	require.Equal(t, want, count(func(r *rig) { r.Trace(100, func(*emu.Traced) bool { return true }) }))
	require.Equal(t, want, count(func(r *rig) {
		for r.Step().Why == emu.StopLimit {
		}
	}))
}
