// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// frame puts what IRET pops on the stack: RIP, CS, RFLAGS, RSP, SS.
func (w *world) frame(width int, words ...uint64) *world {
	for i, v := range words {
		w.mem.put(w.GPR[RSP]+uint64(i*width), width, v)
	}
	return w
}

const userFlags = FlagFixed | FlagIF | FlagCF

// toUser is a frame that returns to 64-bit user code.
func toUser(w *world) *world {
	return w.frame(8, userCode, selUserCS, userFlags, userStack, selUserDS)
}

func TestIRETQToUser(t *testing.T) {
	w := toUser(newWorld())
	want := w.clone()
	want.Seg[CS], want.Seg[SS] = w.segment(selUserCS), w.segment(selUserDS)
	want.RIP, want.GPR[RSP], want.RFLAGS = userCode, userStack, userFlags
	requireFault(t, "", IRET(w.State, w.mem, 8))
	w.requireState(t, want)
}

// SDM vol. 3A 7.14.3: 64-bit mode pops SS:RSP without a change of CPL too.
func TestIRETQToTheSamePrivilege(t *testing.T) {
	w := newWorld()
	w.frame(8, kernelCode+4, selKernelCS, FlagFixed|FlagIOPL, stackTop-0x33, selKernelDS)
	want := w.clone()
	want.RIP, want.GPR[RSP], want.RFLAGS = kernelCode+4, stackTop-0x33, FlagFixed|FlagIOPL
	requireFault(t, "", IRET(w.State, w.mem, 8))
	w.requireState(t, want)
}

func TestIRETQWithNullSS(t *testing.T) {
	w := newWorld()
	w.frame(8, kernelCode, selKernelCS, FlagFixed, stackTop, 0)
	requireFault(t, "", IRET(w.State, w.mem, 8))
	require.Equal(t, Segment{}, w.Seg[SS])

	w = newWorld() // to CPL 1, null with its RPL
	w.frame(8, kernelCode, selCS1|1, FlagFixed, stackTop, 1)
	requireFault(t, "", IRET(w.State, w.mem, 8))
	require.Equal(t, Segment{Selector: 1, Attr: dpl1}, w.Seg[SS])
	require.Equal(t, 1, w.CPL())
}

func TestIRETQToCompatibilityMode(t *testing.T) {
	w := newWorld()
	w.frame(8, 0xffffffff_00400000, selUser32CS, userFlags, 0x12345678_7fff0000, selUserDS)
	requireFault(t, "", IRET(w.State, w.mem, 8))
	require.Equal(t, uint64(0x400000), w.RIP)
	require.Equal(t, uint64(0x7fff0000), w.GPR[RSP])
	require.False(t, w.Code64())
}

// IRET with the smaller operand sizes, in 64-bit mode.
func TestIRETDInLongMode(t *testing.T) {
	w := newWorld()
	w.frame(4, userCode, selUserCS, userFlags|FlagRF, userStack, selUserDS)
	requireFault(t, "", IRET(w.State, w.mem, 4))
	require.Equal(t, []uint64{userCode, userStack, userFlags | FlagRF}, []uint64{w.RIP, w.GPR[RSP], w.RFLAGS})

	w = newWorld()
	w.RFLAGS |= FlagAC | FlagRF
	w.frame(2, 0x4000, selUserCS, userFlags, 0xff8, selUserDS)
	requireFault(t, "", IRET(w.State, w.mem, 2))
	require.Equal(t, []uint64{0x4000, 0xff8, userFlags | FlagAC}, []uint64{w.RIP, w.GPR[RSP], w.RFLAGS})
}

// From compatibility mode SS:ESP is popped with a change of CPL only.
func TestIRETDFromCompatibilityMode(t *testing.T) {
	compat := func() *world {
		w := newWorld()
		w.mem.add(0x7000, false)
		w.at(selKernel32, selKernelDS)
		w.GPR[RSP] = 0x7f00
		return w
	}
	w := compat().frame(4, 0x1000, selKernel32, FlagFixed)
	requireFault(t, "", IRET(w.State, w.mem, 4))
	require.Equal(t, uint64(0x7f0c), w.GPR[RSP])

	w = compat().frame(4, userCode, selUser32CS, userFlags, userStack, selUserDS)
	requireFault(t, "", IRET(w.State, w.mem, 4))
	require.Equal(t, []uint64{userCode, userStack, 3}, []uint64{w.RIP, w.GPR[RSP], uint64(w.CPL())})

	w = compat().frame(4, userCode, selUser32CS, userFlags, userStack, 3)
	requireFault(t, "#GP(0)", IRET(w.State, w.mem, 4))
	requireFault(t, "#UD", IRET(w.State, w.mem, 8))
}

// A 16-bit SS takes SP alone.
func TestIRETQToA16BitStack(t *testing.T) {
	w := newWorld()
	w.descriptor(selUserDS, (data32|dpl3)&^AttrDB)
	w.frame(8, userCode, selUser32CS, userFlags, 0x12345678, selUserDS)
	before := w.GPR[RSP]
	requireFault(t, "", IRET(w.State, w.mem, 8))
	require.Equal(t, before&^0xffff|0x5678, w.GPR[RSP])
}

// The faults of the operation section of IRET: in the old context, with
// nothing changed but NMI blocking.
func TestFaultsOfIRET(t *testing.T) {
	const ok = FlagFixed
	frame := func(words ...uint64) func(*world) {
		return func(w *world) { w.frame(8, words...) }
	}
	tests := []struct {
		name   string
		before func(w *world)
		want   string
	}{
		{"NT", func(w *world) { toUser(w); w.RFLAGS |= FlagNT }, "#GP(0)"},
		{"RSP not canonical", func(w *world) { w.GPR[RSP] = noncanon }, "#SS(0)"},
		{"frame runs out of the canonical half", func(w *world) { w.GPR[RSP] = noncanon - 16 }, "#SS(0)"},
		{"stack not mapped", func(w *world) { w.GPR[RSP] = stackTop - 16 }, "#PF(0)@ffff800000012000"},
		{"user's stack at CPL 3", func(w *world) { w.user(); w.GPR[RSP] = stackTop - 64 }, "#PF(5)@ffff800000011fc0"},
		{"unaligned at CPL 3", func(w *world) { w.user(); w.GPR[RSP] -= 0x101; w.CR0 |= CR0AM; w.RFLAGS |= FlagAC }, "#AC(0)"},
		{"null CS", frame(kernelCode, 0, ok, stackTop, selKernelDS), "#GP(0)"},
		{"null CS with RPL", frame(kernelCode, 3, ok, stackTop, selKernelDS), "#GP(0)"},
		{"CS beyond the GDT", frame(kernelCode, gdtEnd, ok, stackTop, selKernelDS), "#GP(b8)"},
		{"CS in no LDT", frame(kernelCode, 0x14, ok, stackTop, selKernelDS), "#GP(14)"},
		{"CS is data", frame(userCode, selUserDS, ok, userStack, selUserDS), "#GP(28)"},
		{"CS is a TSS", frame(userCode, selTSS, ok, userStack, selUserDS), "#GP(78)"},
		{"DPL isn't RPL", frame(userCode, selKernelCS|3, ok, userStack, selUserDS), "#GP(10)"},
		{"conforming, DPL above RPL", frame(userCode, selConform3, ok, stackTop, selKernelDS), "#GP(b0)"},
		{"CS not present", frame(kernelCode, selAbsentCS, ok, stackTop, selKernelDS), "#NP(38)"},
		{"CS with L and D", frame(kernelCode, selBoth, ok, stackTop, selKernelDS), "#GP(50)"},
		{"null SS to CPL 3", frame(userCode, selUserCS, ok, userStack, 0), "#GP(0)"},
		{"null SS to compatibility mode", frame(userCode, selKernel32, ok, userStack, 0), "#GP(0)"},
		{"SS beyond the GDT", frame(userCode, selUserCS, ok, userStack, gdtEnd|3), "#GP(b8)"},
		{"SS RPL isn't that of CS", frame(userCode, selUserCS, ok, userStack, selUserDS&^3), "#GP(28)"},
		{"SS DPL isn't RPL", frame(userCode, selUserCS, ok, userStack, selKernelDS|3), "#GP(18)"},
		{"SS is code", frame(userCode, selUserCS, ok, userStack, selUserCS), "#GP(30)"},
		{"SS can't be written", frame(kernelCode, selKernelCS, ok, stackTop, selReadOnly), "#GP(48)"},
		{"SS not present", frame(kernelCode, selKernelCS, ok, stackTop, selAbsentDS), "#SS(68)"},
		{"SS not present to CPL 3", frame(userCode, selUserCS, ok, userStack, selUserAbsent|3), "#SS(a8)"},
		{"RIP not canonical", frame(noncanon, selUserCS, ok, userStack, selUserDS), "#GP(0)"},
		{"RIP not canonical, same CPL", frame(noncanon, selKernelCS, ok, stackTop, selKernelDS), "#GP(0)"},
		{"SS before RIP", frame(noncanon, selUserCS, ok, userStack, selKernelDS|3), "#GP(18)"},
		{"EIP beyond the limit", frame(0x1000, selSmallCS, ok, stackTop, selKernelDS), "#GP(0)"},
		{"accessed bit of CS in a read-only GDT", func(w *world) {
			w.frame(8, kernelCode, selUnaccessed, ok, stackTop, selKernelDS)
			w.mem.pages[gdtAt/pageSize].readOnly = true
		}, "#PF(3)@ffff8000000010a5"},
		{"accessed bit of SS in a read-only GDT", func(w *world) {
			w.descriptor(selDS1, data32&^AttrAccessed)
			w.frame(8, kernelCode, selKernelCS, ok, stackTop, selDS1)
			w.mem.pages[gdtAt/pageSize].readOnly = true
		}, "#PF(3)@ffff800000001065"},
		{"SS in an LDT that isn't mapped", func(w *world) {
			w.LDTR = Segment{Selector: 8, Base: 0x9000, Limit: 0xff, Attr: AttrP | TypeLDT<<8}
			w.frame(8, kernelCode, selKernelCS, ok, stackTop, 0xc)
		}, "#PF(0)@9008"},
		{"CS in a GDT that isn't canonical", func(w *world) { toUser(w); w.GDTR.Base = noncanon }, "#GP(30)"},
		{"GDT not mapped", func(w *world) { toUser(w); delete(w.mem.pages, gdtAt/pageSize) }, "#PF(0)@ffff800000001030"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			test.before(w)
			w.NMIBlocked = true
			want := w.clone()
			want.NMIBlocked = false // SDM vol. 3A 7.7.1
			requireFault(t, test.want, IRET(w.State, w.mem, 8))
			w.requireState(t, want)
		})
	}
}

func TestIRETToMorePrivilege(t *testing.T) {
	w := newWorld().user()
	w.GPR[RSP] -= 0x100
	w.frame(8, kernelCode, selKernelCS, FlagFixed, stackTop, selKernelDS)
	requireFault(t, "#GP(10)", IRET(w.State, w.mem, 8))
}

// SDM vol. 2A, IRET: which flags may change depends on the CPL and IOPL
// before the return.
func TestFlagsOfIRET(t *testing.T) {
	const everything = 0x3f7fd5 | FlagFixed
	const always = FlagCF | FlagPF | FlagAF | FlagZF | FlagSF | FlagTF | FlagDF | FlagOF | FlagNT | FlagRF | FlagAC | FlagID
	tests := []struct {
		name string
		cpl3 bool
		old  uint64
		want uint64
	}{
		{"CPL 0", false, 0, always | FlagIF | FlagIOPL | FlagVIF | FlagVIP},
		{"CPL 3, IOPL 0", true, 0, always},
		{"CPL 3, IOPL 3", true, FlagIOPL, always | FlagIF | FlagIOPL},
		{"CPL 3, IOPL 0, IF stays", true, FlagIF, always | FlagIF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			if test.cpl3 {
				w.user()
				w.GPR[RSP] -= 0x100
			}
			w.RFLAGS = test.old | FlagFixed
			w.frame(8, userCode, selUserCS, everything, userStack, selUserDS)
			requireFault(t, "", IRET(w.State, w.mem, 8))
			require.Equal(t, test.want|FlagFixed, w.RFLAGS)
		})
	}
}

// Data segments that CPL 3 may not use become null; the base of FS and GS
// stays.
func TestIRETNullsDataSegments(t *testing.T) {
	w := toUser(newWorld())
	w.Seg[DS] = w.segment(selKernelDS)
	w.Seg[ES] = w.segment(selUserDS)
	w.Seg[FS] = Segment{Selector: 0, Base: 0x1234}
	w.Seg[GS] = w.segment(selKernelDS)
	w.Seg[GS].Base = 0xffff888000000000
	requireFault(t, "", IRET(w.State, w.mem, 8))
	require.Equal(t, uint16(0), w.Seg[DS].Selector)
	require.True(t, w.Seg[DS].Null())
	require.Equal(t, w.segment(selUserDS), w.Seg[ES])
	require.Equal(t, Segment{Base: 0x1234}, w.Seg[FS])
	require.Equal(t, uint64(0xffff888000000000), w.Seg[GS].Base)
	require.True(t, w.Seg[GS].Null())
}

// "(SegmentSelector == NULL) OR ... THEN SegmentSelector := 0": there are four
// null selectors, and it becomes the one with RPL 0.
func TestIRETMakesEveryNullSelectorZero(t *testing.T) {
	w := toUser(newWorld())
	w.Seg[DS], w.Seg[ES], w.Seg[GS] = Segment{Selector: 3}, Segment{Selector: 1}, Segment{Selector: 2, Base: 0x1234}
	requireFault(t, "", IRET(w.State, w.mem, 8))
	require.Equal(t, Segment{}, w.Seg[DS])
	require.Equal(t, Segment{}, w.Seg[ES])
	require.Equal(t, Segment{Base: 0x1234}, w.Seg[GS])
}

func TestConformingCodeInADataSegmentStays(t *testing.T) {
	w := toUser(newWorld())
	w.Seg[DS] = w.segment(selConforming)
	requireFault(t, "", IRET(w.State, w.mem, 8))
	require.Equal(t, uint16(selConforming), w.Seg[DS].Selector)
}

func TestIRETAcrossTwoPages(t *testing.T) {
	w := newWorld()
	w.GPR[RSP] = stackTop - 0x1000 - 16
	toUser(w)
	requireFault(t, "", IRET(w.State, w.mem, 8))
	require.Equal(t, uint64(userStack), w.GPR[RSP])

	w = newWorld()
	w.GPR[RSP] = stackTop - 16
	w.frame(8, userCode, selUserCS)
	requireFault(t, "#PF(0)@ffff800000012000", IRET(w.State, w.mem, 8))
	require.Equal(t, uint64(stackTop-16), w.GPR[RSP])
}

// What Deliver has pushed, IRET takes back.
func TestIRETUndoesDelivery(t *testing.T) {
	for name, w := range map[string]*world{"from CPL 0": newWorld(), "from CPL 3": newWorld().user()} {
		t.Run(name, func(t *testing.T) {
			want := w.clone()
			Deliver(w.State, w.mem, external(0x21))
			requireFault(t, "", IRET(w.State, w.mem, 8))
			w.requireState(t, want)
		})
	}
}
