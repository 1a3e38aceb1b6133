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

// SDM vol. 2A, table 2-18 ("Type 1, 2 and 4"): a memory operand of 16 bytes that
// is not aligned is #GP(0), at every CPL; tests/bochs has all instructions.
func TestSSEOperandsThatAreNotAligned(t *testing.T) {
	r := newRig(t, "")
	for _, c := range []struct {
		name, code string
		edit       func(*x86.State)
		want       string
	}{
		{name: "MOVAPS from memory", code: "0f2803", want: "#GP(0)"},
		{name: "MOVAPS to memory", code: "0f2903", want: "#GP(0)"},
		{name: "MOVAPS, aligned", code: "0f284308"},
		{name: "MOVUPS", code: "0f1003"},
		{name: "ADDPS", code: "0f5803", want: "#GP(0)"},
		{name: "ADDSS", code: "f30f5803"},
		{name: "PADDD of XMM", code: "660ffe03", want: "#GP(0)"},
		{name: "PADDD of MMX", code: "0ffe03"},
		{name: "MOVAPS relative to RIP", code: "0f280501000000", want: "#GP(0)"},
		{name: "MOVAPS relative to RIP, aligned", code: "0f280509000000"},
		{name: "MOVAPS through the stack", code: "0f28442408", want: "#GP(0)"},
		{name: "MOVAPS with an index", code: "0f28440b04", edit: inRCX(4)},
		{name: "MOVAPS with a 32-bit address", code: "670f2803", edit: func(s *x86.State) { s.GPR[x86.RBX] = userData + 1<<32 }},
		{name: "MOVAPS by a base in R11", code: "410f2803", edit: func(s *x86.State) { s.GPR[11] = userData + 4 }, want: "#GP(0)"},
		{name: "MOVAPS with FS", code: "640f284308", edit: func(s *x86.State) { s.Seg[x86.FS].Base = 8 }, want: "#GP(0)"},
		{name: "MOVAPS with FS that makes it aligned", code: "640f2803", edit: func(s *x86.State) { s.Seg[x86.FS].Base = 8 }},
		{name: "MOVAPS under TS", code: "0f2803", edit: func(s *x86.State) { s.CR0 |= x86.CR0TS }, want: "#NM"},
		{name: "MOVAPS under EM", code: "0f2803", edit: func(s *x86.State) { s.CR0 |= x86.CR0EM }, want: "#UD"},
		{name: "MOVAPS without OSFXSR", code: "0f2803", edit: func(s *x86.State) { s.CR4 &^= x86.CR4OSFXSR }, want: "#UD"},
		{name: "MOVAPS from nowhere", code: "0f2803", edit: func(s *x86.State) { s.GPR[x86.RBX] = unmapped + 8 }, want: "#GP(0)"},
		{name: "MOVAPS from nowhere, aligned", code: "0f2803", edit: func(s *x86.State) { s.GPR[x86.RBX] = unmapped }, want: "#PF(4)@700000"},
		{name: "MOVAPS from what is not canonical", code: "0f2803", edit: func(s *x86.State) { s.GPR[x86.RBX] = noncanon + 8 }, want: "#GP(0)"},
		{name: "MOVAPS from 32-bit code", code: "0f2803", edit: func(s *x86.State) { s.Seg[x86.CS] = rigSegment(selUser32) }, want: "#GP(0)"},
		{name: "MOVAPS from 32-bit code, aligned", code: "0f284308", edit: func(s *x86.State) { s.Seg[x86.CS] = rigSegment(selUser32) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, err := hex.DecodeString(c.code)
			require.NoError(t, err)
			for _, stepped := range []bool{false, true} {
				r.user(append(code, 0x90, 0x90), func(s *x86.State) {
					s.GPR[x86.RBX], s.RFLAGS = userData+8, s.RFLAGS|x86.FlagCF|x86.FlagZF
					if c.edit != nil {
						c.edit(s)
					}
				})
				before, count := r.State(), r.Instructions()
				if stepped {
					r.Step()
				} else {
					r.Run(emu.Until{Instructions: 1})
				}
				require.Equal(t, c.want, r.deliveries())
				if c.want == "" {
					require.Equal(t, before.RIP+uint64(len(code)), r.State().RIP)
					require.Equal(t, before.RFLAGS, r.State().RFLAGS)
					continue
				}
				require.Equal(t, count, r.Instructions())
				f := r.frame(strings.Contains(c.want, "("))
				require.Equal(t, before.RIP, f.RIP)
				require.Equal(t, before.RFLAGS|x86.FlagRF, f.RFLAGS)
			}
		})
	}
}

// A register that was found to be aligned is believed only until something
// may have written to it.
func TestAlignmentIsAskedAgainAfterTheBaseChanged(t *testing.T) {
	r := newRig(t, "+rdrand")
	for _, word := range strings.Fields(`4883c308 4881c308000000 488d5b08 4801d3 4803da 4829d3 4831d3 4809d3 80c308 80f308 b308 8ac2 8ada 88d3
		4889cb 488bd9 48c7c308005000 bb08005000 48bb0800500000000000 480fafda 480fbbd3 480fb6da 480fbeda 480fb7da 480f44d9 480f45d9 480fbcda 480fbdda
		66480f7ec3 660f7ec3 660fd7d8 0f50d8 f30f2cd9 f3480f2dd9 66480f3a16c300 660f3a16c300 660fc5d808 480fc1d3 480fc7f3 5b 4887d3 4887d9 4891
		48ffc3 48d1eb 48c1eb02 48c1fb02 48d3eb 480fcb 480fa4d304 480facd304 480fabd3 480fbaeb03 f3480fb8da f3480fbcda f3480fbdda 4863da 0f44d9
		66bb0800 6683c308 6601d3 418bd8 4c89c3 c4e2ebf5db f2480f38f1da 480f38f01f 48f7db 48f7d3 480f4cd9 0f95c3 93 48ad 4893 48abb0 f3480faec3
		0f31 0f01f9 0fa2 99 e8000000005b`) {
		code, err := hex.DecodeString(word)
		require.NoError(t, err)
		t.Run(word, func(t *testing.T) {
			// once with a check before it, as one block, and once without, which is the truth
			set := func(s *x86.State) {
				s.CR4 |= x86.CR4FSGSBASE
				s.GPR[x86.RBX], s.GPR[x86.RDX], s.GPR[x86.RCX], s.GPR[8], s.GPR[x86.RAX] = userData, 8, userData+8, userData+8, userData+8
				s.GPR[x86.RDI], s.GPR[x86.RSI], s.GPR[x86.RSP] = userData+0x80, userData+0x80, userData+0x800
			}
			r.put64(userMem+0x800, userData+8)
			r.put64(userMem+0x80, 0x0800500000000000)
			r.user(append(code, 0x90), set)
			r.Run(emu.Until{Instructions: 1})
			if word[:2] == "e8" {
				r.Run(emu.Until{Instructions: 1})
			}
			require.Empty(t, r.deliveries())
			rbx := r.State().GPR[x86.RBX]
			whole := append([]byte{0x0f, 0x28, 0x03}, code...) // movaps xmm0, [rbx]
			end := userCode + uint64(len(whole))
			whole = append(whole, 0x0f, 0x28, 0x03, 0x90, 0x90)
			r.put64(userMem+0x800, userData+8)
			r.put64(userMem+0x80, 0x0800500000000000)
			r.user(whole, set)
			r.Run(emu.Until{Instructions: 4})
			switch {
			case rbx&15 != 0 && inLowerHalf(rbx):
				require.Equal(t, "#GP(0)", r.deliveries(), "rbx %#x", rbx)
				require.Equal(t, end, r.frame(true).RIP)
			case rbx>>12 == userData>>12:
				require.Empty(t, r.deliveries(), "rbx %#x", rbx)
			}
		})
	}
}

func inLowerHalf(v uint64) bool { return v>>47 == 0 }

// In a loop each round is checked anew; and the same address in other code
// is another instruction.
func TestAlignmentIsAskedEachTime(t *testing.T) {
	r := newRig(t, "")
	loop := listing(`
		0f 29 03           movaps [rbx], xmm0
		0f 29 43 10        movaps [rbx+16], xmm0
		48 01 d3           add rbx, rdx
		ff c9              dec ecx
		75 f2              jnz`)
	r.user(loop, func(s *x86.State) {
		s.GPR[x86.RBX], s.GPR[x86.RDX], s.GPR[x86.RCX] = userData, 16, 100
	})
	require.Equal(t, emu.StopLimit, r.Run(emu.Until{Instructions: 499}).Why)
	require.Empty(t, r.deliveries())

	r.user(loop, func(s *x86.State) {
		s.GPR[x86.RBX], s.GPR[x86.RDX], s.GPR[x86.RCX] = userData, 2, 100
	})
	count := r.Instructions()
	r.run()
	require.Equal(t, "#GP(0)", r.deliveries())
	require.Equal(t, count+5, r.Instructions())
	require.Equal(t, uint64(userData+2), r.State().GPR[x86.RBX])

	r.user(listing(`
		0f 11 03           movups [rbx], xmm0
		0f 29 43 0e        movaps [rbx+14], xmm0
		48 01 d3           add rbx, rdx
		ff c9              dec ecx
		75 f2              jnz`), func(s *x86.State) {
		s.GPR[x86.RBX], s.GPR[x86.RDX], s.GPR[x86.RCX] = userData+2, 16, 100
	})
	require.Equal(t, emu.StopLimit, r.Run(emu.Until{Instructions: 100}).Why)
	require.Empty(t, r.deliveries())
}
