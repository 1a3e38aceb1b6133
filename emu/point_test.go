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
