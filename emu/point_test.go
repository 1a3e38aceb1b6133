// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// collect sets points and keeps copies of their hits.
func collect(t *testing.T, m *emu.Machine, points ...emu.Point) *[]emu.Hit {
	t.Helper()
	var hits []emu.Hit
	require.NoError(t, m.SetPoints(points, func(batch []emu.Hit) {
		for _, h := range batch {
			h.Words = append([]uint64(nil), h.Words...)
			hits = append(hits, h)
		}
	}))
	return &hits
}

func TestAPointWritesDownTheBoundary(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
48 83 c0 01      add rax, 1
48 ff c9         dec rcx
75 f7            jnz 0
0f 0b            ud2`), func(s *x86.State) {
		s.GPR[x86.RCX] = 3
		s.Seg[x86.GS].Base, s.Seg[x86.FS].Base, s.KernelGSBase = kernelData, kernelData+0x100, 77
	})
	r.put64(dataAt+8, kernelData+0x40) // GS:8 points there
	r.put64(dataAt+0x40, 0x1122334455667788)
	r.put64(dataAt+0x48, 0x99)
	hits := collect(t, r.Machine, emu.Point{Address: kernelCode + 4, Captures: []emu.Capture{
		{Base: emu.GSBase, Offset: 8, Size: 8},
		{Base: emu.Word(0), Offset: 4, Size: 5},
		{Base: emu.FSBase, Offset: -0x100 + 0x40, Size: 2},
		{Offset: 0x1234567, Size: 8},
		{Base: emu.Word(3), Size: 1},
		{Base: emu.Register(x86.RSP), Offset: -8, Size: 8},
	}})
	before := r.Instructions()
	require.Equal(t, emu.StopProbe, r.run().Why)
	require.Len(t, *hits, 3)
	for i, h := range *hits {
		require.EqualValues(t, before+uint64(3*i)+1, h.Count)
		require.EqualValues(t, i+1, h.GPR[x86.RAX])
		require.EqualValues(t, 3-i, h.GPR[x86.RCX])
		require.EqualValues(t, uint64(kernelCode+4), h.RIP)
		require.EqualValues(t, uint64(kernelData), h.GSBase)
		require.EqualValues(t, uint64(kernelData+0x100), h.FSBase)
		require.EqualValues(t, 77, h.KernelGSBase)
		require.Equal(t, r.State().CR3, h.CR3)
		require.EqualValues(t, selCode, h.CS)
		require.EqualValues(t, selData, h.SS)
		require.Equal(t, []uint64{kernelData + 0x40, 0x9911223344, 0x7788, 0, 0, 0}, h.Words)
		require.EqualValues(t, 1<<3|1<<4, h.Missing)
		require.True(t, h.OK(0))
		require.False(t, h.OK(3))
	}
}

// What comes first is told first: hits before a later event, before a probe
// at the same place, before Run returns.
func TestHitsAreToldInOrder(t *testing.T) {
	r := bareRig(t, "")
	r.write(entryAt+16*uint64(x86.VectorBP), listing("48 cf  iretq"))
	r.kernel(listing(`
90               nop
cc               int3
90               nop
90               nop`), nil)
	var log []string
	require.NoError(t, r.SetPoints([]emu.Point{
		{Address: kernelCode}, {Address: kernelCode + 1}, {Address: kernelCode + 2}, {Address: kernelCode + 2}, {Address: r.handler(x86.VectorBP)},
	}, func(hits []emu.Hit) {
		for _, h := range hits {
			log = append(log, []string{"nop", "int3", "behind", "behind too", "handler"}[h.Point])
		}
	}))
	r.Observe(func(e emu.Event) { log = append(log, "event: "+e.Kind.String()) })
	r.Probe(kernelCode+2, func(*emu.Machine) bool {
		log = append(log, "probe")
		return false
	})
	require.Equal(t, emu.StopLimit, r.Run(emu.Until{Instructions: 4}).Why)
	require.Empty(t, cmp.Diff([]string{"nop", "int3", "event: software interrupt", "handler", "event: iret", "behind", "behind too", "probe"}, log))
}

// A run that stops at a point tells of it once, when it arrives: a limit is
// reached before the arrival, a probe behind it.
func TestAPointIsToldOnceWhereverRunsEnd(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
90               nop
90               nop
90               nop`), nil)
	hits := collect(t, r.Machine, emu.Point{Address: kernelCode + 1})
	r.Run(emu.Until{Instructions: 1})
	require.Empty(t, *hits)
	r.Probe(kernelCode+1, nil)
	require.Equal(t, emu.StopProbe, r.Run(emu.Until{Instructions: 5}).Why)
	require.Len(t, *hits, 1)
	r.Step()
	require.Len(t, *hits, 1)
}

func TestRestoreDropsHitsAndKeepsPoints(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
90               nop
90               nop`), nil)
	s := snapshot(t, r.Machine)
	hits := collect(t, r.Machine, emu.Point{Address: kernelCode})
	for i := range 3 {
		r.Run(emu.Until{Instructions: 1})
		require.Len(t, *hits, i+1)
		require.NoError(t, r.Restore(s))
	}
	require.NoError(t, r.SetPoints(nil, nil))
	r.Run(emu.Until{Instructions: 1})
	require.Len(t, *hits, 3)

	other, err := s.Start()
	require.NoError(t, err)
	defer other.Close()
	other.Run(emu.Until{Instructions: 1})
	require.Len(t, *hits, 3, "points are not the snapshot's")
}

func TestPointsThatCanNotBe(t *testing.T) {
	r := newRig(t, "")
	for text, p := range map[string]emu.Point{
		"33 captures: there can be 32":                                      {Captures: make([]emu.Capture, 33)},
		"capture 0 is of 0 bytes: want 1 to 4096":                           {Captures: []emu.Capture{{}}},
		"capture 0 is of 4097 bytes: want 1 to 4096":                        {Captures: []emu.Capture{{Size: 4097}}},
		"capture 0 counts from word 0: the captures before it have 0 words": {Captures: []emu.Capture{{Base: emu.Word(0), Size: 8}}},
		"capture 1 counts from base 0x4, which is none":                     {Captures: []emu.Capture{{Size: 8}, {Base: 4, Size: 8}}},
		"its captures have 513 words: there can be 512":                     {Captures: []emu.Capture{{Size: 4096}, {Size: 1}}},
	} {
		require.ErrorContains(t, r.SetPoints([]emu.Point{{}, p}, nil), "point 1 at 0x0: "+text)
	}
}

// More hits than there is room for come in several batches, and the run goes
// on where it had to make room.
func TestAFullLogIsHandedOver(t *testing.T) {
	r := newRig(t, "")
	const rounds = 30_000
	r.loop(rounds)
	batches, hits := 0, uint64(0)
	before := r.Instructions()
	require.NoError(t, r.SetPoints([]emu.Point{
		{Address: kernelCode + 3, Captures: []emu.Capture{{Base: emu.Register(x86.RSP), Offset: -64, Size: 64}}},
	}, func(batch []emu.Hit) {
		batches++
		for _, h := range batch {
			require.Equal(t, before+3*hits+1, h.Count)
			require.EqualValues(t, rounds-hits, h.GPR[x86.RCX])
			require.Equal(t, -hits-1, h.GPR[x86.RAX])
			require.Equal(t, hits, h.Sequence)
			hits++
		}
	}))
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	require.EqualValues(t, rounds, hits)
	require.Greater(t, batches, 5)
	require.Equal(t, before+3*rounds+2, r.Instructions())
}

// An instruction breakpoint comes before the instruction is arrived at, and RF
// lets the CPU past it (SDM vol. 3B, "Instruction-Breakpoint Exception
// Condition").
func TestAPointAtABreakpoint(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
90              nop
90              nop
0f 0b           ud2`), func(s *x86.State) { s.DR[0], s.DR[7] = kernelCode+1, x86.DR7Fixed|1<<1 })
	hits := collect(t, r.Machine, emu.Point{Address: kernelCode + 1}, emu.Point{Address: r.handler(x86.VectorDB)})
	require.Equal(t, r.handler(x86.VectorDB), r.run().Address)
	require.Len(t, *hits, 1)
	require.Equal(t, 1, (*hits)[0].Point)
	s := r.State()
	s.RIP, s.RFLAGS, s.GPR[x86.RSP] = kernelCode+1, 2|x86.FlagRF, kernelStack
	r.SetState(&s)
	require.Equal(t, r.handler(x86.VectorUD), r.run().Address)
	require.Len(t, *hits, 2)
	require.Equal(t, emu.Hit{Point: 0, Sequence: 1, Count: 1, GPR: s.GPR, RIP: kernelCode + 1, RFLAGS: s.RFLAGS, CR3: s.CR3,
		CS: selCode, SS: selData}, (*hits)[1])
}

// An instruction that faults and is come back to is arrived at twice.
func TestAPointAtAnInstructionThatFaults(t *testing.T) {
	r := bareRig(t, "")
	r.write(entryAt+16*uint64(x86.VectorPF), listing(`
48 83 c4 08     add rsp, 8
48 89 fe        mov rsi, rdi
48 cf           iretq`))
	r.kernel(listing(`
48 8b 06        mov rax, [rsi]
f4              hlt`), func(s *x86.State) { s.GPR[x86.RSI], s.GPR[x86.RDI] = unmapped, kernelData })
	hits := collect(t, r.Machine, emu.Point{Address: kernelCode, Captures: []emu.Capture{{Base: emu.Register(x86.RSI), Size: 8}}})
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	require.Len(t, *hits, 2)
	require.EqualValues(t, []uint64{unmapped, kernelData}, []uint64{(*hits)[0].GPR[x86.RSI], (*hits)[1].GPR[x86.RSI]})
	require.EqualValues(t, []uint32{1, 0}, []uint32{(*hits)[0].Missing, (*hits)[1].Missing})
	require.EqualValues(t, []uint64{0, 3}, []uint64{(*hits)[0].Count, (*hits)[1].Count})
}

// What the page tables say when the CPU arrives counts, not what they said the
// last time, whether or not the guest has told its TLB.
func TestACaptureSeesPageTablesAsTheyAre(t *testing.T) {
	r := newRig(t, "")
	r.put64(userMem, 0x11)
	r.put64(userMem+0x1000, 0x22)
	entry := high + r.entry(userData, 0)
	r.kernel(listing(`
48 89 07        mov [rdi], rax
90              nop
48 89 1f        mov [rdi], rbx
90              nop
48 89 0f        mov [rdi], rcx
90              nop
f4              hlt`), func(s *x86.State) {
		s.GPR[x86.RDI] = entry
		s.GPR[x86.RAX], s.GPR[x86.RBX], s.GPR[x86.RCX] = userMem|pteP, userMem+0x1000|pteP, 0
	})
	c := []emu.Capture{{Offset: userData, Size: 8}}
	hits := collect(t, r.Machine, emu.Point{Address: kernelCode + 3, Captures: c}, emu.Point{Address: kernelCode + 7, Captures: c}, emu.Point{Address: kernelCode + 11, Captures: c})
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	require.Len(t, *hits, 3)
	for i, want := range []uint64{0x11, 0x22, 0} {
		require.Equal(t, []uint64{want}, (*hits)[i].Words)
		require.Equal(t, want != 0, (*hits)[i].OK(0))
	}
}

// A TLB miss of an instruction at which the engine comes by leaves the flags:
// those that PUSHF stores, that CMPXCHG16B keeps, that come behind a REP.
func TestFlagsSurviveATLBMissAtAPoint(t *testing.T) {
	for name, code := range map[string]string{
		"PUSHF":      "9c              pushf",
		"CMPXCHG16B": "48 0f c7 0f     cmpxchg16b [rdi]",
		"REP MOVSB":  "f3 a4           rep movsb",
		"RDTSC":      "0f 31           rdtsc",
		"VERW":       "0f 00 2f        verw [rdi]",
		"MOV":        "48 8b 07        mov rax, [rdi]",
		"ADD":        "48 01 07        add [rdi], rax",
		"SETC":       "0f 92 07        setc [rdi]",
	} {
		t.Run(name, func(t *testing.T) {
			program := append(listing(`
90              nop
48 83 ee 01     sub rsi, 1`), listing(code)...)
			behind := uint64(len(program))
			program = append(program, listing(`
9c              pushf
5b              pop rbx
f4              hlt`)...)
			edit := func(s *x86.State) {
				s.GPR[x86.RSI], s.GPR[x86.RDI], s.GPR[x86.RCX], s.GPR[x86.RSP] = kernelData+0x10000, kernelData+0x8000, 2, kernelData+0x5000
			}
			for _, rsi := range []uint64{0, kernelData + 0x10000} {
				steps := newRig(t, "")
				steps.kernel(program, edit)
				s := steps.State()
				if rsi == 0 && name != "REP MOVSB" {
					s.GPR[x86.RSI] = 0 // so that there is a borrow
				}
				steps.SetState(&s)
				for steps.State().RIP != kernelCode+behind+2 {
					require.Equal(t, emu.StopLimit, steps.Step().Why)
				}
				for _, at := range [][]uint64{nil, {5}, {0, 5}, {0, behind}, {1, 5, behind}} {
					r := newRig(t, "")
					r.kernel(program, nil)
					r.SetState(&s)
					var points []emu.Point
					for _, a := range at {
						points = append(points, emu.Point{Address: kernelCode + a})
					}
					collect(t, r.Machine, points...)
					require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
					require.Equal(t, steps.State().GPR, r.State().GPR, "points at %v", at)
				}
			}
		})
	}
}
