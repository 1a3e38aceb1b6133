// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// branch is a near branch with an operand-size prefix in 64-bit mode, at
// kernelCode or userCode; RAX has the target of indirect ones, and so do
// memory at RBX and the top of the stack.
type branch struct {
	name, code string
	edit       func(*x86.State)
	taken      bool
	to, behind uint64 // from the start of the code
	pushes     bool
	pops       int // bytes, beside the return address
}

var branches = []branch{
	{name: "CALL rel32", code: "66e8f90f0000", taken: true, to: 0xfff, behind: 6, pushes: true},
	{name: "CALL rel32 back", code: "66e80affffff", taken: true, to: ^uint64(0xef), behind: 6, pushes: true},
	{name: "CALL r64", code: "66ffd0", taken: true, to: 0x1000, behind: 3, pushes: true},
	{name: "CALL m64", code: "66ff13", taken: true, to: 0x1000, behind: 3, pushes: true},
	{name: "JMP rel32", code: "66e9fa0f0000", taken: true, to: 0x1000},
	{name: "JMP rel8", code: "66eb10", taken: true, to: 0x13},
	{name: "JMP r64", code: "66ffe0", taken: true, to: 0x1000},
	{name: "JMP m64", code: "66ff23", taken: true, to: 0x1000},
	{name: "JE rel8, taken", code: "6674fd", edit: flags(x86.FlagZF), taken: true, to: 0},
	{name: "JE rel8, not taken", code: "667410", behind: 3},
	{name: "JG rel32, taken", code: "660f8ff90f0000", taken: true, to: 0x1000},
	{name: "JG rel32, not taken", code: "660f8ff90f0000", edit: flags(x86.FlagSF), behind: 7},
	{name: "JNP rel32, not taken", code: "660f8bf90f0000", edit: flags(x86.FlagPF), behind: 7},
	{name: "LOOP, taken", code: "66e210", edit: inRCX(2), taken: true, to: 0x13},
	{name: "LOOP, not taken", code: "66e210", edit: inRCX(1), behind: 3},
	{name: "LOOP by ECX", code: "6667e210", edit: inRCX(1 << 32), taken: true, to: 0x14},
	{name: "LOOPE, not taken", code: "66e110", edit: inRCX(5), behind: 3},
	{name: "LOOPNE, taken", code: "66e010", edit: inRCX(5), taken: true, to: 0x13},
	{name: "JRCXZ, taken", code: "66e310", edit: inRCX(0), taken: true, to: 0x13},
	{name: "JRCXZ, not taken", code: "66e310", edit: inRCX(1 << 40), behind: 3},
	{name: "JECXZ, taken", code: "6667e310", edit: inRCX(1 << 40), taken: true, to: 0x14},
	{name: "RET", code: "66c3", taken: true, to: 0x1000, pops: 0},
	{name: "RET imm16", code: "66c21000", taken: true, to: 0x1000, pops: 0x10},
	{name: "RET imm16 above 32 KiB", code: "66c20080", taken: true, to: 0x1000, pops: 0x8000},
}

func flags(f uint64) func(*x86.State) { return func(s *x86.State) { s.RFLAGS |= f } }
func inRCX(n uint64) func(*x86.State) {
	return func(s *x86.State) { s.GPR[x86.RCX] = n }
}

func (b *branch) returns() bool { return strings.HasPrefix(b.name, "RET") }

func (b *branch) put(r *rig, base, stack uint64) x86.State {
	code, err := hex.DecodeString(b.code)
	require.NoError(r.t, err)
	r.kernel(code, func(s *x86.State) {
		s.RIP = base
		if b.edit != nil {
			b.edit(s)
		}
		s.GPR[x86.RAX], s.GPR[x86.RBX], s.GPR[x86.RSP] = base+0x1000, kernelData, stack
	})
	r.put64(dataAt, base+0x1000)
	r.put64(stack-high, base+0x1000)
	return r.State()
}

// SDM vol. 2A, CALL, JMP and Jcc, vol. 2B, RET: in 64-bit mode the operand
// size of near branches is 64 bits, and the prefix is ignored.
func TestOperandSizePrefixOfNearBranchesOnIntel(t *testing.T) {
	r := newRig(t, "vendor=intel")
	const stack = kernelStack - 0x100
	for _, b := range branches {
		t.Run(b.name, func(t *testing.T) {
			before, count := b.put(r, kernelCode, stack), r.Instructions()
			require.Equal(t, emu.StopLimit, r.Step().Why)
			require.Empty(t, r.deliveries())
			require.Equal(t, count+1, r.Instructions())
			s := r.State()
			if b.taken {
				require.Equal(t, kernelCode+b.to, s.RIP)
			} else {
				require.Equal(t, kernelCode+b.behind, s.RIP)
			}
			switch {
			case b.pushes:
				require.Equal(t, uint64(stack-8), s.GPR[x86.RSP])
				require.Equal(t, kernelCode+b.behind, r.get64(stack-8-high))
			case b.returns():
				require.Equal(t, stack+8+uint64(b.pops), s.GPR[x86.RSP])
			default:
				require.Equal(t, uint64(stack), s.GPR[x86.RSP])
			}
			if strings.HasPrefix(b.name, "LOOP") {
				want := before.GPR[x86.RCX] - 1
				if strings.Contains(b.name, "ECX") {
					want &= 0xffffffff
				}
				require.Equal(t, want, s.GPR[x86.RCX])
			}
		})
	}
}

// AMD64 APM vol. 3, CALL, JMP, Jcc and RET: with the prefix, displacement,
// word on the stack and target have 16 bits.
func TestOperandSizePrefixOfNearBranchesOnAMD(t *testing.T) {
	r := newRig(t, "vendor=amd")
	const stack = kernelStack - 0x100
	for at := uint64(0); at < 0x10000; at += 0x1000 { // where 16-bit targets lie
		r.mapPage(at, codeAt+at, 0, pteP|pteW|pteA|pteD)
	}
	for _, b := range branches {
		t.Run(b.name, func(t *testing.T) {
			code := b.code
			cut := 0
			if strings.Contains(b.name, "rel32") { // its upper half is the next instruction's
				cut = 2
			}
			b.put(r, kernelCode, stack)
			require.Equal(t, emu.StopLimit, r.Step().Why, code)
			require.Empty(t, r.deliveries())
			s := r.State()
			switch {
			case !b.taken:
				require.Equal(t, kernelCode+b.behind-uint64(cut), s.RIP)
			case b.returns() || strings.Contains(b.name, "64"):
				require.Equal(t, kernelCode+b.to&0xffff, s.RIP|high|codeAt)
				require.Less(t, s.RIP, uint64(0x10000))
			default:
				require.Equal(t, (kernelCode+b.to-uint64(cut))&0xffff, s.RIP)
			}
			switch {
			case b.pushes:
				require.Equal(t, uint64(stack-2), s.GPR[x86.RSP])
				require.Equal(t, (kernelCode+b.behind-uint64(cut))&0xffff, r.get64(stack-2-high)&0xffff)
			case b.returns():
				require.Equal(t, stack+2+uint64(b.pops), s.GPR[x86.RSP])
			}
		})
	}
}

// With REX.W the prefix means nothing to either.
func TestREXWOverridesTheOperandSizePrefix(t *testing.T) {
	for _, vendor := range []string{"vendor=intel", "vendor=amd"} {
		r := newRig(t, vendor)
		b := branch{code: "6648e8f80f0000"}
		b.put(r, kernelCode, kernelStack)
		r.Step()
		require.Equal(t, uint64(kernelCode+0xfff), r.State().RIP)
		require.Equal(t, uint64(kernelCode+7), r.get64(stackTop-8))
	}
}

// What they raise, with nothing changed: SDM vol. 2A, CALL and JMP; vol. 1
// 3.3.7.1 for the stack.
func TestFaultsOfNearBranchesWithAPrefix(t *testing.T) {
	r := newRig(t, "")
	for _, c := range []struct {
		name, code string
		edit       func(*x86.State)
		want       string
	}{
		{"JMP to what is not canonical", "66ffe0", func(s *x86.State) { s.GPR[x86.RAX] = noncanon }, "#GP(0)"},
		{"CALL to what is not canonical", "66ffd0", func(s *x86.State) { s.GPR[x86.RAX] = noncanon }, "#GP(0)"},
		{"CALL where the stack is not canonical", "66e800000000", func(s *x86.State) { s.GPR[x86.RSP] = noncanon + 8 }, "#SS(0)"},
		{"CALL where the stack is not mapped", "66e800000000", func(s *x86.State) { s.GPR[x86.RSP] = unmapped }, "#PF(2)@6ffff8"},
		{"RET from a stack that is not mapped", "66c3", func(s *x86.State) { s.GPR[x86.RSP] = unmapped }, "#PF(0)@700000"},
		{"RET from a stack that is not canonical", "66c3", func(s *x86.State) { s.GPR[x86.RSP] = noncanon }, "#SS(0)"},
		{"JMP through memory that is not mapped", "66ff20", func(s *x86.State) { s.GPR[x86.RAX] = unmapped }, "#PF(0)@700000"},
		{"LOOP with LOCK", "f066e2fd", nil, "#UD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, err := hex.DecodeString(c.code)
			require.NoError(t, err)
			r.gate(x86.VectorSS, 1, 0)
			r.gate(x86.VectorPF, 1, 0)
			r.kernel(code, c.edit)
			before, count := r.State(), r.Instructions()
			r.run()
			require.Equal(t, c.want, r.deliveries())
			f := r.frame(c.want != "#UD")
			require.Equal(t, uint64(kernelCode), f.RIP)
			require.Equal(t, before.GPR[x86.RSP], f.RSP)
			require.Equal(t, count, r.Instructions())
		})
	}
}

// They count as one instruction each wherever the run is cut.
func TestCountsOfNearBranchesWithAPrefix(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
		b9 03 00 00 00     mov ecx, 3
		66 e8 02 00 00 00  call 1f
		eb 08              jmp 2f
		90                 1: nop
		66 e2 fc           loop 1b
		66 c3              ret
		90                 nop
		90                 nop
		f4                 2: hlt`), nil)
	count := r.Instructions()
	for n := 1; ; n++ {
		stop := r.Run(emu.Until{Instructions: 1})
		require.Equal(t, count+uint64(n), r.Instructions())
		if stop.Why != emu.StopLimit || r.State().RIP == kernelCode+21 {
			require.Equal(t, 10, n, "mov, call, three times nop and loop, ret, jmp")
			break
		}
	}
}
