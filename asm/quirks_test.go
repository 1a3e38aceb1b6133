// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/asm/disasm"
)

// Every way in which Keystone 0.9.2 differs from GNU as, and what the manual
// says (SDM vol. 2). "Free" is where both are right, and ours is as GNU as.
func TestWhatKeystoneDoesDifferently(t *testing.T) {
	for _, test := range []struct {
		syntax                   Syntax
		mode                     int
		text, keystone, ours     string
		manual                   string // the encoding
		verdict                  string
		leftToGNU, keystoneFatal bool
	}{
		{mode: 64, text: "nop dword ptr [rax]", keystone: "0f1820", ours: "0f1f00", manual: "NP 0F 1F /0 NOP r/m32", verdict: "wrong"},
		{mode: 64, text: "nop word ptr [rax + rax*1]", keystone: "660f182400", ours: "660f1f0400", manual: "NP 0F 1F /0 NOP r/m16", verdict: "wrong"},
		{mode: 64, text: "pushf", keystone: "669c", ours: "9c", manual: "9C PUSHFQ; 9C PUSHF with 66", verdict: "16 bits, where everybody else means 64"},
		{mode: 64, text: "popf", keystone: "669d", ours: "9d", manual: "9D POPFQ; 9D POPF with 66", verdict: "16 bits"},
		{mode: 64, text: "iret", keystone: "66cf", ours: "cf", manual: "CF IRETD; CF IRET with 66", verdict: "16 bits"},
		{mode: 64, text: "xchg rax, rax", keystone: "4890", ours: "90", manual: "REX.W + 90+rd XCHG r64, RAX; NP 90 NOP", verdict: "free"},
		{mode: 64, text: "mov rax, ds", keystone: "488cd8", ours: "8cd8", manual: "REX.W + 8C /r MOV r64, Sreg; 8C /r MOV r32, Sreg clears the rest", verdict: "free"},
		{mode: 64, text: "mov r13, gs", keystone: "498ced", ours: "418ced", manual: "REX.W + 8C /r", verdict: "free"},
		{mode: 64, text: "mov word ptr [rbx], ds", keystone: "668c1b", ours: "8c1b", manual: "8C /r MOV m16, Sreg", verdict: "free"},
		{mode: 64, text: "mov ds, cx", keystone: "668ed9", ours: "8ed9", manual: "8E /r MOV Sreg, r/m16", verdict: "free"},
		{mode: 64, text: "mov ds, rbx", keystone: "488edb", ours: "8edb", manual: "REX.W + 8E /r MOV Sreg, r/m64", verdict: "free"},
		{mode: 64, text: "str rax", keystone: "480f00c8", ours: "0f00c8", manual: "0F 00 /1 STR r/m16, which clears the rest of a register", verdict: "free"},
		{mode: 64, text: "sldt r13", keystone: "490f00c5", ours: "410f00c5", manual: "REX.W + 0F 00 /0 SLDT r64", verdict: "free"},
		{mode: 64, text: "lock add byte ptr gs:[rbx], cl", keystone: "f065000b", ours: "65f0000b", manual: "F0 and 65 in any order (2.1.1)", verdict: "free"},
		{mode: 64, text: "inc dword ptr gs:[0x28]", keystone: "65ff05", ours: "65ff042528000000", manual: "FF /0, ModRM 00 reg 100, SIB 25; reg 101 is relative to RIP (table 2-3, 2.2.1.6)", verdict: "wrong: relative to RIP"},
		{mode: 64, text: "mov rbx, [0x1234]", keystone: "488b1d", ours: "488b1c2534120000", manual: "REX.W + 8B /r, ModRM 00 reg 100, SIB 25 (table 2-3)", verdict: "wrong: relative to RIP"},
		{mode: 64, text: "mov rax, ds:[rbp]", keystone: "488b4500", ours: "3e488b4500", manual: "3E is ignored in 64-bit mode", verdict: "free", leftToGNU: true},
		{mode: 64, text: "vmovdqu64 zmm0, zmmword ptr [rbx + 0x80]", keystone: "62f1fe486f4380", ours: "62f1fe486f4302", manual: "disp8*N, N = 64 (2.7.5)", verdict: "wrong", leftToGNU: true},
		{mode: 64, text: "mov ah, r8b", manual: "no encoding: AH is SPL with REX (2.2.1.2)", verdict: "ends the process", keystoneFatal: true},
		{syntax: ATT, mode: 64, text: "mov $0x80, %rax", keystone: "48b88000000000000000", ours: "48c7c080000000", manual: "REX.W + C7 /0 id MOV r/m64, imm32; REX.W + B8+rd io", verdict: "free"},
		{syntax: ATT, mode: 64, text: "vaddss (%rax), %xmm1, %xmm2", keystone: "62f1760858", ours: "c5f25810", manual: "VEX.LIG.F3.0F.WIG 58 /r", verdict: "AVX-512 where AVX does", leftToGNU: true},
		{mode: 32, text: "lgdt [eax]", keystone: "660f0110", ours: "0f0110", manual: "0F 01 /2 LGDT m16&32; with 66 the base has 24 bits", verdict: "wrong"},
		{mode: 32, text: "push ds", keystone: "661e", ours: "1e", manual: "1E PUSH DS; with 66 of 16 bits", verdict: "wrong"},
		{mode: 32, text: "mov word ptr gs:[0x28], ax", keystone: "6665a328000000", ours: "6566a328000000", manual: "66 + A3 MOV moffs16, AX: prefixes in any order", verdict: "free"},
		{mode: 16, text: "ret", keystone: "66c3", ours: "c3", manual: "C3 RET; with 66 it takes 32 bits from the stack", verdict: "wrong", leftToGNU: true},
	} {
		raw, err := byKeystone(test.text, test.syntax, test.mode)
		if test.keystoneFatal {
			require.Error(t, err)
			_, err := Assemble(test.text, Options{Syntax: test.syntax})
			require.Error(t, err, test.manual)
			continue
		}
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(hex.EncodeToString(raw), test.keystone), "%s: %s", test.text, test.manual)
		for _, which := range []Assembler{Both, OnlyGNU, OnlyKeystone} {
			code, err := Assemble(test.text, Options{Syntax: test.syntax, Mode: test.mode, Assembler: which})
			if which == OnlyKeystone && test.leftToGNU {
				require.ErrorContains(t, err, "GNU as would do")
				continue
			}
			require.NoError(t, err, test.text)
			require.Equal(t, test.ours, hex.EncodeToString(code.Bytes), "%s: %s", test.text, test.manual)
		}
	}
}

// What the table of fixed encodings has is what GNU as makes of it, as far as it
// knows them, and what the disassembler calls by that name.
func TestFixedEncodings(t *testing.T) {
	gnu, err := findGNU()
	require.NoError(t, err)
	unknown := 0
	for text, code := range fixed {
		results, err := byGNU(gnu, []snippet{{text: text, mode: 64}})
		require.NoError(t, err)
		if results[0].err != nil {
			unknown++
		} else {
			require.Equal(t, []byte(code), results[0].code, text)
		}
		inst, err := disasm.Decode([]byte(code), 64)
		require.NoError(t, err, text)
		require.Len(t, code, inst.Len, text)
	}
	require.LessOrEqual(t, unknown, 4, "ERETU, ERETS, and two with AT&T's suffix")
}

func TestAssemblingInSeveralGoroutines(t *testing.T) {
	done := make(chan error)
	for range 4 {
		go func() {
			for range 50 {
				if _, err := Assemble("x: mov rax, gs:[0x28]; jmp x; frob", Options{Assembler: OnlyKeystone}); err == nil {
					done <- ErrNoAssembler
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
}
