// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRegistersThatDifferAreNamed(t *testing.T) {
	var a Registers
	require.Empty(t, CompareRegisters(a, a, 0))
	b := a
	b.GPR[4], b.RFLAGS, b.Segment[2], b.KernelGSBase, b.CR2 = 1, 2|flagAF, 3, 4, 5
	b.XMM[7][8], b.ST[1][9], b.X87.Status = 6, 7, 8
	require.Equal(t, []Field{
		{"RSP", 0, 1}, {"RFLAGS", 0, 2}, {"SS", 0, 3}, {"kernel GS base", 0, 4}, {"CR2", 0, 5},
		{"x87 status", 0, 8}, {"ST1 exponent", 0, 0x700}, {"XMM7 high", 0, 6},
	}, CompareRegisters(a, b, flagAF))
}

func record(n, event int, rip uint64) Record {
	r := Record{0: uint64(n)<<16 | uint64(event), 2: rip}
	return r
}

func TestLogsAreComparedCaseByCase(t *testing.T) {
	p := &Payload{
		Program:   &Program{Cases: []Case{{}, {}, {}, {}}},
		Undefined: map[uint64]uint64{0x400010: flagAF},
	}
	a := Log{
		record(0, 14, 0x400000), record(0, EventState, 0),
		record(1, 1, 0x400004), record(1, EventState, 0),
		record(2, 3, 0x400010), record(2, 13, 0x400020), record(2, EventState, 0),
		record(3, EventState, 0),
	}
	b := append(Log{}, a...)
	require.Empty(t, CompareLogs(p, a, b).Differences)

	b[0][8] = 0x1234                 // CR2
	b[1][1] = 5                      // follows from it
	b[2][9] = 0x4000                 // DR6
	b[4][fieldRFLAGS] = flagAF       // undefined there
	b[4][fieldRFLAGS] |= flagRF      // never compared
	b[6][4] = 0xd00                  // EFER
	b = append(b, record(3, 14, 16)) // one more
	report := CompareLogs(p, a, b)
	require.Equal(t, 4, report.Cases)
	require.Equal(t, 4, report.Events)
	require.Equal(t, []Difference{
		{Case: 0, Where: "event 0 (vector 0xe at 0x400000)", Fields: []Field{{"CR2", 0, 0x1234}}},
		{Case: 1, Where: "event 0 (vector 0x1 at 0x400004)", Fields: []Field{{"DR6", 0, 0x4000}}},
		{Case: 2, Where: "event 2 (vector 0x101 at 0x0)", Fields: []Field{{"EFER", 0, 0xd00}}},
		{Case: 3, Where: "event 1", Fields: []Field{{"number of events", 1, 2}}},
	}, report.Differences)
	require.Len(t, report.Unexplained(), 4)
	require.Equal(t, "case 1, event 0 (vector 0x1 at 0x400004): DR6 0x0 and 0x4000;", report.Differences[1].String())
}

func TestQEMUsRegisterFileGoesThereAndBack(t *testing.T) {
	var r Registers
	for i := range r.GPR {
		r.GPR[i] = uint64(i + 1)
	}
	r.RIP, r.RFLAGS, r.MXCSR = 100, 0x246, 0x1f80
	r.Segment = [6]uint16{1, 2, 3, 4, 5, 6}
	r.FSBase, r.GSBase, r.KernelGSBase, r.CR0, r.CR8, r.EFER = 7, 8, 9, 10, 11, 12
	r.ST[7][9], r.XMM[15][15], r.X87.Control = 13, 14, 0x37f

	w := &writing{}
	walkQEMU(&r, w)
	require.Len(t, w.out, qemuFile)
	var back Registers
	walkQEMU(&back, &reading{w.out})
	require.Equal(t, r, back)
}
