// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// No text makes it panic, exit or hang, in either syntax and any mode. Without
// GNU as, which is a process of its own.
func FuzzAssemble(f *testing.F) {
	for _, seed := range []string{
		"mov rax, 1", "1: jmp 1b; jmp 1f; 1:", ".set a, b; .set b, a; mov rax, a", "lea rax, [rip + x]\nx: .quad x - ., 'a'",
		"mov %gs:40(,%rbx,8), %rax", ".fill 3, 2, -1; .align 16; .org 100", ".asciz \"a\\x41\\n\" /* # */ // b", "vaddps zmm1{k1}{z}, zmm2, [rax]{1to16}",
		"mov ah, r8b", "a = 5; .if", ".section x, \"ax\", @progbits; .previous; .popsection", "mov rax, [rbx*8 + rcx*2 + ((1))]", "\x00\xff", "lock; rep; {disp8} jmp .",
	} {
		for mode := range 3 {
			f.Add(seed, mode == 1, mode)
		}
	}
	f.Fuzz(func(t *testing.T, source string, att bool, mode int) {
		o := Options{Mode: []int{64, 32, 16}[uint(mode)%3], Address: 0xffffffff81000000, Assembler: OnlyKeystone}
		if att {
			o.Syntax = ATT
		}
		code, err := Assemble(source, o)
		var wrong Errors
		if err == nil {
			total := 0
			for _, line := range code.Lines {
				total += len(line.Bytes)
			}
			for _, s := range code.Sections {
				total -= len(s.Bytes)
			}
			require.Zero(t, total)
			return
		}
		require.True(t, errors.As(err, &wrong), "%v", err)
		for _, e := range wrong {
			require.Positive(t, e.Line, "%q: %v", source, e)
			require.Positive(t, e.Column, "%q: %v", source, e)
		}
	})
}

// Mnemonics and operands that exist, put together at random, are what gets
// furthest into Keystone: it must neither end the process nor hang in it.
func TestNoCombinationOfOperandsEndsTheProcess(t *testing.T) {
	b, err := os.ReadFile("testdata/forms.txt")
	require.NoError(t, err)
	var mnemonics []string
	for line := range strings.Lines(string(b)) {
		if names, _, ok := strings.Cut(line, " : "); ok {
			mnemonics = append(mnemonics, strings.Fields(strings.ReplaceAll(names, "-", " "))...)
		}
	}
	operands := append([]string{"-0x80", "0xffff", "0x112233445566", "sil", "ah", "[bx+si]", "xmm20{k1}", "{rn-sae}", "st", "eiz", "[riz*2+1]", "cr9", "bnd1", "byte ptr [rax]{1to8}"}, addresses...)
	for _, list := range stands {
		operands = append(operands, list[0])
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range combinations {
		var chosen []string
		for range r.IntN(4) {
			chosen = append(chosen, operands[r.IntN(len(operands))])
		}
		source := mnemonics[r.IntN(len(mnemonics))] + " " + strings.Join(chosen, ", ")
		for _, mode := range []int{64, 32} {
			_, err := Assemble(source, Options{Mode: mode, Assembler: OnlyKeystone})
			if err != nil {
				var wrong Errors
				require.ErrorAs(t, err, &wrong, source)
			}
		}
	}
}

const combinations = 4_000
