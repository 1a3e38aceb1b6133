// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// newSyscalls is a world with the registers as Linux sets them.
func newSyscalls() *world {
	w := newWorld()
	w.STAR = selUser32CS<<48 | selKernelCS<<32
	w.LSTAR, w.CSTAR = kernelCode+0x100, kernelCode+0x200
	w.FMASK = FlagTF | FlagIF | FlagDF | FlagAC
	w.SysenterCS, w.SysenterESP, w.SysenterEIP = selKernelCS, stackTop-8, kernelCode+0x300
	return w
}

func TestSYSCALL(t *testing.T) {
	w := newSyscalls().user()
	w.RFLAGS = FlagFixed | FlagIF | FlagCF | FlagAC | FlagRF
	want := w.clone()
	want.GPR[RCX], want.GPR[R11] = userCode+2, FlagFixed|FlagIF|FlagCF|FlagAC
	want.RIP, want.RFLAGS = kernelCode+0x100, FlagFixed|FlagCF
	want.Seg[CS], want.Seg[SS] = w.segment(selKernelCS), w.segment(selKernelDS)
	requireFault(t, "", SYSCALL(w.State, Intel, 2))
	w.requireState(t, want)
}

func TestSYSRETQ(t *testing.T) {
	w := newSyscalls()
	w.GPR[RCX], w.GPR[R11] = userCode, 0xffffffff
	want := w.clone()
	want.RIP, want.RFLAGS = userCode, flagsSYSRET|FlagFixed
	want.Seg[CS], want.Seg[SS] = w.segment(selUserCS), w.segment(selUserDS)
	requireFault(t, "", SYSRET(w.State, Intel, true))
	w.requireState(t, want)
	require.Zero(t, w.RFLAGS&(FlagRF|FlagVM))
}

func TestSYSRETL(t *testing.T) {
	w := newSyscalls()
	w.GPR[RCX], w.GPR[R11] = 0xffffffff_00400000, FlagIF
	requireFault(t, "", SYSRET(w.State, Intel, false))
	require.Equal(t, uint64(userCode), w.RIP)
	require.Equal(t, w.segment(selUser32CS), w.Seg[CS])
	require.Equal(t, w.segment(selUserDS), w.Seg[SS])
}

// SDM vol. 2B, SYSCALL and SYSRET; where AMD64 APM vol. 3 differs.
func TestFaultsOfSYSCALLAndSYSRET(t *testing.T) {
	syscall := func(v Vendor) func(w *world) *Exception {
		return func(w *world) *Exception { return SYSCALL(w.State, v, 2) }
	}
	sysret := func(v Vendor, wide bool) func(w *world) *Exception {
		return func(w *world) *Exception { return SYSRET(w.State, v, wide) }
	}
	compat := func(w *world) { w.at(selUser32CS, selUserDS) }
	tests := []struct {
		name   string
		before func(w *world)
		do     func(w *world) *Exception
		want   string
	}{
		{"SYSCALL without SCE", func(w *world) { w.EFER &^= EFERSCE }, syscall(Intel), "#UD"},
		{"SYSCALL in compatibility mode", compat, syscall(Intel), "#UD"},
		{"SYSCALL in compatibility mode, AMD", compat, syscall(AMD), ""},
		{"SYSCALL in protected mode", func(w *world) { w.EFER &^= EFERLMA }, syscall(Intel), "#UD"},
		{"SYSRET without SCE", func(w *world) { w.EFER &^= EFERSCE }, sysret(Intel, true), "#UD"},
		{"SYSRET in compatibility mode", func(w *world) { w.at(selKernel32, selKernelDS) }, sysret(Intel, false), "#UD"},
		{"SYSRET in compatibility mode, AMD", func(w *world) { w.at(selKernel32, selKernelDS) }, sysret(AMD, false), ""},
		{"SYSRET at CPL 3", func(w *world) { w.user() }, sysret(Intel, true), "#GP(0)"},
		{"SYSRET at CPL 1", func(w *world) { w.at(selCS1|1, selDS1|1) }, sysret(Intel, true), "#GP(0)"},
		{"SYSRETQ, RCX not canonical", func(w *world) { w.GPR[RCX] = noncanon }, sysret(Intel, true), "#GP(0)"},
		{"SYSRETQ, RCX not canonical, AMD", func(w *world) { w.GPR[RCX] = noncanon }, sysret(AMD, true), ""},
		{"SYSRETL, RCX not canonical", func(w *world) { w.GPR[RCX] = noncanon }, sysret(Intel, false), ""},
		{"SYSRETQ, RCX canonical with LA57", func(w *world) { w.CR4 |= CR4LA57; w.GPR[RCX] = noncanon }, sysret(Intel, true), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newSyscalls()
			test.before(w)
			before := w.clone()
			e := test.do(w)
			requireFault(t, test.want, e)
			if e != nil {
				w.requireState(t, before)
			}
		})
	}
}

// CVE-2012-0217: Intel's #GP is at CPL 0, AMD's with the fetch at CPL 3.
func TestSYSRETToANonCanonicalAddressOnAMD(t *testing.T) {
	w := newSyscalls()
	w.Seg[SS] = Segment{}
	w.GPR[RCX] = noncanon
	requireFault(t, "", SYSRET(w.State, AMD, true))
	require.Equal(t, []uint64{noncanon, 3}, []uint64{w.RIP, uint64(w.CPL())})
	require.Equal(t, Segment{Selector: selUserDS, Attr: dpl3}, w.Seg[SS], "attributes are those from before")
}

func TestSYSCALLFromCompatibilityModeOnAMD(t *testing.T) {
	w := newSyscalls()
	w.at(selUser32CS, selUserDS)
	w.RIP = userCode
	requireFault(t, "", SYSCALL(w.State, AMD, 2))
	require.Equal(t, []uint64{kernelCode + 0x200, userCode + 2}, []uint64{w.RIP, w.GPR[RCX]})
	require.True(t, w.Code64())
}

func TestSYSCALLInLegacyModeOnAMD(t *testing.T) {
	w := newProtected().user32()
	w.EFER, w.STAR = EFERSCE, selUser32CS<<48|selKernelCS<<32|0x1234
	requireFault(t, "", SYSCALL(w.State, AMD, 2))
	require.Equal(t, []uint64{0x1234, pmCode + 2, FlagFixed}, []uint64{w.RIP, w.GPR[RCX], w.RFLAGS})
	requireFault(t, "", SYSRET(w.State, AMD, false))
	require.Equal(t, []uint64{pmCode + 2, FlagFixed | FlagIF, 3}, []uint64{w.RIP, w.RFLAGS, uint64(w.CPL())})
}

func TestSYSENTERAndSYSEXIT(t *testing.T) {
	w := newSyscalls().user()
	w.RFLAGS = FlagFixed | FlagIF | FlagTF | FlagRF
	want := w.clone()
	want.RIP, want.GPR[RSP], want.RFLAGS = kernelCode+0x300, stackTop-8, FlagFixed|FlagTF
	want.Seg[CS], want.Seg[SS] = w.segment(selKernelCS), w.segment(selKernelDS)
	requireFault(t, "", SYSENTER(w.State, Intel))
	w.requireState(t, want)

	w.GPR[RDX], w.GPR[RCX] = userCode, userStack
	requireFault(t, "", SYSEXIT(w.State, Intel, true))
	require.Equal(t, []uint64{userCode, userStack, 3}, []uint64{w.RIP, w.GPR[RSP], uint64(w.CPL())})
	require.Equal(t, uint16(selUserCS), w.Seg[CS].Selector)
	require.Equal(t, uint16(0x3b), w.Seg[SS].Selector)
	require.True(t, w.Code64())
}

func TestSYSEXITToCompatibilityMode(t *testing.T) {
	w := newSyscalls()
	w.GPR[RDX], w.GPR[RCX] = 0xffffffff_00400000, 0xffffffff_7fff0ff8
	requireFault(t, "", SYSEXIT(w.State, Intel, false))
	require.Equal(t, []uint64{userCode, userStack}, []uint64{w.RIP, w.GPR[RSP]})
	require.Equal(t, w.segment(selUser32CS), w.Seg[CS])
	require.Equal(t, w.segment(selUserDS), w.Seg[SS])
}

func TestSYSENTERInProtectedMode(t *testing.T) {
	w := newProtected().user32()
	w.SysenterCS, w.SysenterESP, w.SysenterEIP = selKernelCS, 0x1_00001000, 0x1_00002000
	requireFault(t, "", SYSENTER(w.State, AMD))
	require.Equal(t, []uint64{0x1000, 0x2000}, []uint64{w.GPR[RSP], w.RIP})
	require.NotZero(t, w.Seg[CS].Attr&AttrDB)
}

func TestFaultsOfSYSENTERAndSYSEXIT(t *testing.T) {
	sysenter := func(w *world) *Exception { return SYSENTER(w.State, Intel) }
	sysexit := func(w *world) *Exception { return SYSEXIT(w.State, Intel, true) }
	tests := []struct {
		name   string
		before func(w *world)
		do     func(w *world) *Exception
		want   string
	}{
		{"SYSENTER, CS null", func(w *world) { w.SysenterCS = 3 }, sysenter, "#GP(0)"},
		{"SYSENTER in real-address mode", func(w *world) { w.EFER, w.CR0 = 0, 0 }, sysenter, "#GP(0)"},
		{"SYSENTER in long mode on AMD", func(w *world) {}, func(w *world) *Exception { return SYSENTER(w.State, AMD) }, "#UD"},
		{"SYSEXIT, CS null", func(w *world) { w.SysenterCS = 3 }, sysexit, "#GP(0)"},
		{"SYSEXIT at CPL 3", func(w *world) { w.user() }, sysexit, "#GP(0)"},
		{"SYSEXIT, RDX not canonical", func(w *world) { w.GPR[RDX] = noncanon }, sysexit, "#GP(0)"},
		{"SYSEXIT, RCX not canonical", func(w *world) { w.GPR[RCX] = noncanon }, sysexit, "#GP(0)"},
		{"SYSEXIT in long mode on AMD", func(w *world) {}, func(w *world) *Exception { return SYSEXIT(w.State, AMD, true) }, "#UD"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newSyscalls()
			test.before(w)
			before := w.clone()
			requireFault(t, test.want, test.do(w))
			w.requireState(t, before)
		})
	}
}

func TestSWAPGS(t *testing.T) {
	w := newWorld()
	w.Seg[GS].Base, w.KernelGSBase = 1, 2
	requireFault(t, "", SWAPGS(w.State))
	require.Equal(t, []uint64{2, 1}, []uint64{w.Seg[GS].Base, w.KernelGSBase})
	requireFault(t, "#GP(0)", SWAPGS(newWorld().user().State))
	w.at(selKernel32, selKernelDS)
	requireFault(t, "#UD", SWAPGS(w.State))
}

func TestWRFSBASE(t *testing.T) {
	w := newWorld().user()
	requireFault(t, "#UD", WriteSegmentBase(w.State, FS, 1, true))
	w.CR4 |= CR4FSGSBASE
	requireFault(t, "", WriteSegmentBase(w.State, FS, 0x1_00000001, true))
	requireFault(t, "", WriteSegmentBase(w.State, GS, 0x1_00000001, false))
	require.Equal(t, []uint64{0x1_00000001, 1}, []uint64{w.Seg[FS].Base, w.Seg[GS].Base})
	requireFault(t, "#GP(0)", WriteSegmentBase(w.State, FS, noncanon, true))
	requireFault(t, "", WriteSegmentBase(w.State, FS, noncanon, false))
	w.CR4 |= CR4LA57
	requireFault(t, "", WriteSegmentBase(w.State, FS, noncanon, true))
	requireFault(t, "#UD", WriteSegmentBase(w.State, DS, 0, true))
	w.at(selUser32CS, selUserDS)
	requireFault(t, "#UD", CheckFSGSBASE(w.State))
}
