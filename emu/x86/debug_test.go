// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// SDM vol. 2B, "MOV - Move to/from Debug Registers".
func TestMOVToAndFromDR(t *testing.T) {
	w := newWorld()
	require.Nil(t, WriteDR(w.State, 0, 0xdeadbeef_cafebabe))
	require.Nil(t, WriteDR(w.State, 6, 0))
	require.Nil(t, WriteDR(w.State, 7, 0xffffffff))
	require.Equal(t, uint64(DR6Fixed), w.DR[6])
	require.Equal(t, uint64(0xffff27ff), w.DR[7])

	tests := []struct {
		name   string
		before func(w *world)
		n      int
		v      uint64
		write  string
		read   string
	}{
		{"DR4 is DR6", nil, 4, 0, "", ""},
		{"DR5 is DR7", nil, 5, 0, "", ""},
		{"DR4 with DE", func(w *world) { w.CR4 |= CR4DE }, 4, 0, "#UD", "#UD"},
		{"DR5 with DE at CPL 3", func(w *world) { w.user(); w.CR4 |= CR4DE }, 5, 0, "#UD", "#UD"},
		{"DR8", nil, 8, 0, "#UD", "#UD"},
		{"CPL 3", func(w *world) { w.user() }, 0, 0, "#GP(0)", "#GP(0)"},
		{"CPL 3 with GD", func(w *world) { w.user(); w.DR[7] |= DR7GD }, 0, 0, "#GP(0)", "#GP(0)"},
		{"GD", func(w *world) { w.DR[7] |= DR7GD }, 3, 0, "#DB", "#DB"},
		{"upper half of DR6", nil, 6, 1 << 32, "#GP(0)", ""},
		{"upper half of DR7", nil, 7, 1 << 63, "#GP(0)", ""},
		{"upper half of DR5", nil, 5, 1 << 63, "#GP(0)", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			if test.before != nil {
				test.before(w)
			}
			_, e := ReadDR(w.State, test.n)
			requireFault(t, test.read, e)
			if e != nil && e.Vector == VectorDB {
				require.Equal(t, uint64(DR6BD), e.DR6)
			}
			requireFault(t, test.write, WriteDR(w.State, test.n, test.v))
		})
	}
	w = newWorld()
	w.DR[6], w.DR[7], w.DR[2] = 0xf, 0x3, 42
	for n, want := range map[int]uint64{2: 42, 4: DR6Fixed | 0xf, 6: DR6Fixed | 0xf, 7: DR7Fixed | 3} {
		got, e := ReadDR(w.State, n)
		requireFault(t, "", e)
		require.Equal(t, want, got)
	}
}

// breakpoint is DR7's field for DRn, enabled locally.
func breakpoint(n int, on BreakOn, lengthField uint64) uint64 {
	return 1<<(2*n) | (uint64(on)|lengthField<<2)<<(16+4*n)
}

func TestDecodeBreakpoints(t *testing.T) {
	s := &State{CR4: CR4DE}
	s.DR[0], s.DR[1], s.DR[2], s.DR[3] = 0x1001, 0x1003, 0x100f, 0x100f
	s.DR[7] = breakpoint(0, BreakExecute, 3) | breakpoint(1, BreakWrite, 1) | breakpoint(2, BreakReadWrite, 2) | breakpoint(3, BreakIO, 3)
	require.Equal(t, [4]Breakpoint{
		{0, true, BreakExecute, 0x1001, 1},
		{1, true, BreakWrite, 0x1002, 2},
		{2, true, BreakReadWrite, 0x1008, 8},
		{3, true, BreakIO, 0x100c, 4},
	}, DecodeBreakpoints(s))
	s.CR4 = 0
	require.False(t, DecodeBreakpoints(s)[3].Enabled, "I/O breakpoints need CR4.DE")
	s.DR[7] = 2 << 2
	require.True(t, DecodeBreakpoints(s)[1].Enabled, "globally")
}

func TestMatchingBreakpoints(t *testing.T) {
	s := &State{CR4: CR4DE}
	s.DR[0], s.DR[1], s.DR[2], s.DR[3] = 0x1000, 0x2000, 0x3000, 0x3f8
	s.DR[7] = breakpoint(0, BreakExecute, 0) | breakpoint(1, BreakWrite, 3) | breakpoint(2, BreakReadWrite, 2) | breakpoint(3, BreakIO, 1)
	require.Equal(t, uint64(DR6B0), MatchExecute(s, 0x1000))
	require.Zero(t, MatchExecute(s, 0x1001))
	require.Zero(t, MatchExecute(s, 0x2000))
	for _, test := range []struct {
		address, n uint64
		write      bool
		want       uint64
	}{
		{0x2000, 4, true, DR6B1}, {0x2000, 4, false, 0}, {0x1ffd, 4, true, DR6B1}, {0x1ffc, 4, true, 0},
		{0x2003, 1, true, DR6B1}, {0x2004, 8, true, 0}, {0x3007, 1, false, DR6B2}, {0x2fff, 2, true, DR6B2},
		{0x1000, 8, true, 0}, {0x2000, 0, true, 0}, {0x2000, 0x1008, true, DR6B1 | DR6B2},
	} {
		require.Equal(t, test.want, MatchData(s, test.address, test.n, test.write), "%+v", test)
	}
	require.Equal(t, uint64(DR6B3), MatchIO(s, 0x3f9, 1))
	require.Zero(t, MatchIO(s, 0x3fa, 1))
	s.CR4 = 0
	require.Zero(t, MatchIO(s, 0x3f8, 1))
}

// SDM vol. 3B, DR6: a breakpoint that matches without being enabled shows up
// only with one that is.
func TestDisabledBreakpointsMatchAlong(t *testing.T) {
	s := &State{}
	s.DR[0], s.DR[1] = 0x1000, 0x1000
	s.DR[7] = 1 << 2
	require.Equal(t, uint64(DR6B0|DR6B1), MatchExecute(s, 0x1000))
	s.DR[7] = 0
	require.Zero(t, MatchExecute(s, 0x1000))
	s.DR[0], s.DR[7] = 0x5000, 1
	require.Zero(t, MatchExecute(s, 0x1000), "DR1 alone isn't enabled")
}

func TestInstructionBreakpointsHeldOff(t *testing.T) {
	s := &State{DR: [8]uint64{0: 0x1000, 7: 1}}
	require.NotZero(t, MatchExecute(s, 0x1000))
	s.RFLAGS = FlagRF
	require.Zero(t, MatchExecute(s, 0x1000))
	s.RFLAGS, s.Shadow = 0, ShadowMOVSS
	require.Zero(t, MatchExecute(s, 0x1000))
	s.Shadow = ShadowSTI
	require.NotZero(t, MatchExecute(s, 0x1000))
}

// SDM vol. 3B, "Single-Step Exception Condition"; vol. 3A 7.8.3.
func TestSingleStep(t *testing.T) {
	tests := []struct {
		name      string
		b         Boundary
		now, held uint64
	}{
		{"TF", Boundary{OldTF: true, NewTF: true}, DR6BS, 0},
		{"no TF", Boundary{}, 0, 0},
		{"POPF sets TF", Boundary{NewTF: true}, 0, 0},
		{"POPF clears TF", Boundary{OldTF: true}, DR6BS, 0},
		{"SYSCALL with TF in FMASK", Boundary{Rule: StepByNewTF, OldTF: true}, 0, 0},
		{"SYSCALL without TF in FMASK", Boundary{Rule: StepByNewTF, OldTF: true, NewTF: true}, DR6BS, 0},
		{"SYSRET sets TF", Boundary{Rule: StepByNewTF, NewTF: true}, DR6BS, 0},
		{"INT n", Boundary{Rule: StepNever, OldTF: true}, 0, 0},
		{"MOV SS under TF", Boundary{Rule: StepHeld, OldTF: true, NewTF: true}, 0, 0},
		{"MOV SS from a watched word", Boundary{Rule: StepHeld, Data: DR6B0}, 0, DR6B0},
		{"the instruction after it", Boundary{Pended: DR6B0}, DR6B0, 0},
		{"INT n after it: in the handler", Boundary{Rule: StepNever, Pended: DR6B0}, DR6B0, 0},
		{"data and step together", Boundary{OldTF: true, Data: DR6B2}, DR6BS | DR6B2, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			now, held := test.b.Trap()
			require.Equal(t, test.now, now)
			require.Equal(t, test.held, held)
		})
	}
}
