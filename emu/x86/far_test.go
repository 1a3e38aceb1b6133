// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFarReturnDropsParameters(t *testing.T) {
	w := newWorld()
	w.frame(8, kernelCode+4, selKernelCS)
	want := w.clone()
	want.RIP, want.GPR[RSP] = kernelCode+4, w.GPR[RSP]+16+8
	requireFault(t, "", FarReturn(w.State, w.mem, 8, 8))
	w.requireState(t, want)
}

// SDM vol. 2B, RET, return to outer privilege level: the parameters are
// dropped from both stacks.
func TestFarReturnToUser(t *testing.T) {
	w := newWorld()
	w.frame(8, userCode, selUserCS, 0x11, userStack, selUserDS)
	requireFault(t, "", FarReturn(w.State, w.mem, 8, 8))
	require.Equal(t, []uint64{userCode, userStack + 8}, []uint64{w.RIP, w.GPR[RSP]})
	require.Equal(t, 3, w.CPL())
	require.EqualValues(t, 0, w.Seg[DS].Selector, "a data segment of CPL 0 is not for CPL 3")
}

func TestFarReturnThatFaultsChangesNothing(t *testing.T) {
	tests := []struct {
		name  string
		words []uint64
		want  string
	}{
		{"RIP not canonical", []uint64{noncanon, selKernelCS}, "#GP(0)"},
		{"RIP not canonical, to CPL 3", []uint64{noncanon, selUserCS, userStack, selUserDS}, "#GP(0)"},
		{"null CS", []uint64{kernelCode, 0}, "#GP(0)"},
		{"CS with L and D", []uint64{kernelCode, selBoth}, "#GP(50)"},
		{"CS not present", []uint64{kernelCode, selAbsentCS}, "#NP(38)"},
		{"null SS for CPL 3", []uint64{userCode, selUserCS, userStack, 0}, "#GP(0)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			w.frame(8, test.words...)
			want := w.clone()
			requireFault(t, test.want, FarReturn(w.State, w.mem, 8, 0))
			w.requireState(t, want)
		})
	}
}

func TestFarJumpAndCall(t *testing.T) {
	tests := []struct {
		name string
		to   FarPointer
		want string
	}{
		{"to the same privilege", FarPointer{selKernelCS, kernelCode + 8}, ""},
		{"to a conforming segment", FarPointer{selConforming, kernelCode + 8}, ""},
		{"not canonical", FarPointer{selKernelCS, noncanon}, "#GP(0)"},
		{"null", FarPointer{0, kernelCode}, "#GP(0)"},
		{"data", FarPointer{selKernelDS, kernelCode}, "#GP(18)"},
		{"CPL 3", FarPointer{selUserCS, userCode}, "#GP(30)"},
		{"L and D", FarPointer{selBoth, kernelCode}, "#GP(50)"},
		{"not present", FarPointer{selAbsentCS, kernelCode}, "#NP(38)"},
		{"a TSS", FarPointer{selTSS, kernelCode}, "#GP(78)"},
		{"beyond the limit", FarPointer{gdtEnd, kernelCode}, "#GP(b8)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			before := w.clone()
			requireFault(t, test.want, FarJump(w.State, w.mem, test.to))
			if test.want != "" {
				w.requireState(t, before)
			} else {
				require.Equal(t, test.to.Offset, w.RIP)
				require.Equal(t, before.GPR[RSP], w.GPR[RSP])
			}

			w = newWorld()
			requireFault(t, test.want, FarCall(w.State, w.mem, test.to, 8, kernelCode+3))
			if test.want != "" {
				w.requireState(t, before)
				return
			}
			require.Equal(t, before.GPR[RSP]-16, w.GPR[RSP])
			require.Equal(t, []uint64{kernelCode + 3, selKernelCS}, w.mem.words(w.GPR[RSP], 2))
		})
	}
}

// SDM vol. 2A, CALL: a 64-bit call gate to a more privileged segment switches
// to RSP0 with a null SS, and pushes four words of 64 bits.
func TestFarCallThroughAGate(t *testing.T) {
	w := newWorld().user()
	const gate = uint64(kernelCode)
	w.mem.put(gdtAt+selSmallCS, 8, gate&0xffff|selKernelCS<<16|0xec<<40|gate>>16&0xffff<<48)
	w.mem.put(gdtAt+selSmallCS+8, 8, gate>>32)
	rsp := w.GPR[RSP]
	requireFault(t, "", FarCall(w.State, w.mem, FarPointer{Selector: selSmallCS | 3}, 4, userCode+2))
	require.Equal(t, uint64(kernelCode), w.RIP)
	require.Equal(t, 0, w.CPL())
	require.EqualValues(t, 0, w.Seg[SS].Selector)
	require.Equal(t, []uint64{userCode + 2, selUserCS, rsp, selUserDS}, w.mem.words(stackTop-32, 4))

	w.at(selUserCS, selUserDS) // SDM vol. 2A, JMP: a gate does not lead to another privilege
	requireFault(t, "#GP(10)", FarJump(w.State, w.mem, FarPointer{Selector: selSmallCS | 3}))
	w.mem.put(gdtAt+selSmallCS+8, 8, gate>>32|0x100<<32)
	requireFault(t, "#GP(90)", FarJump(w.State, w.mem, FarPointer{Selector: selSmallCS | 3}))
}

func TestLTRAndLLDT(t *testing.T) {
	const base = 0xffff800000003000
	tests := []struct {
		name      string
		low, high uint64
		load      func(*State, Memory, uint16) *Exception
		want      string
	}{
		{"LTR", 0x0000890000000067, base >> 32, LTR, ""},
		{"LTR of a busy TSS", 0x00008b0000000067, base >> 32, LTR, "#GP(90)"},
		{"LTR, not present", 0x0000090000000067, base >> 32, LTR, "#NP(90)"},
		{"LTR, base not canonical", 0x0000890000000067, noncanon >> 32, LTR, "#GP(90)"},
		{"LTR, upper half with a type", 0x0000890000000067, base>>32 | 0x100<<32, LTR, "#GP(90)"},
		{"LLDT", 0x0000820000000067, base >> 32, LLDT, ""},
		{"LLDT of a TSS", 0x0000890000000067, base >> 32, LLDT, "#GP(90)"},
		{"LLDT, base not canonical", 0x0000820000000067, noncanon >> 32, LLDT, "#GP(90)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			w.mem.put(gdtAt+selSmallCS, 8, test.low|base&0xffff<<16)
			w.mem.put(gdtAt+selSmallCS+8, 8, test.high)
			before := w.clone()
			requireFault(t, test.want, test.load(w.State, w.mem, selSmallCS))
			if test.want != "" {
				w.requireState(t, before)
				return
			}
			loaded := w.TR
			if test.name == "LLDT" {
				loaded = w.LDTR
			}
			require.Equal(t, uint64(base), loaded.Base)
			require.EqualValues(t, selSmallCS, loaded.Selector)
		})
	}
	w := newWorld()
	requireFault(t, "#GP(0)", LTR(w.State, w.mem, 0))
	requireFault(t, "", LLDT(w.State, w.mem, 0))
	require.True(t, w.LDTR.Null())
}
