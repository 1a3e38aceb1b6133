// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each error says where it is, and what would be accepted.
func TestErrorsSayWhereAndWhat(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{"nop\n  mov rax, unknown", "2:12: unknown is neither defined nor known"},
		{"mov rax, printk", "1:10: this is an address: write offset before it for the address itself, or brackets for what is there"},
		{"mov rax, [rbx + rcx*3]", "1:21: an index is scaled by 1, 2, 4 or 8, not by 3"},
		{"mov rax, [rbx + rcx + rdx]", "1:23: an address has one base and one index, and rdx is a third register"},
		{"mov rax, [rbx - rcx]", "1:17: a register can't be subtracted in an address"},
		{"mov rax, [rbx", `1:14: "]" is missing after an address, before the end of the line`},
		{"mov rax rbx", `1:9: "," is missing between two operands, before "rbx"`},
		{"mov ah, r8b", "1:5: ah can't be encoded beside r8b, which takes a REX prefix"},
		{"mov al, 256", "1:9: 0x100 does not fit into the 8 bits of the operand"},
		{"mov eax, 0x100000000", "1:10: 0x100000000 does not fit into the 32 bits of the operand"},
		{"mov rbx, [0x123456789]", "1:10: 0x123456789 can't be addressed by a 32-bit displacement; accepted: relative to RIP, through a register, or movabs with the accumulator"},
		{"mov rbx, [rax + 0x123456789]", "1:10: the displacement 0x123456789 does not fit"},
		{"jmp short x; .zero 200; x:", "1:5: 0xca is 200 bytes away; a short branch reaches from -128 to 127"},
		{"loop x; .zero 200; x:", "1:6: 0xca is 200 bytes away; a short branch reaches from -128 to 127"},
		{"jmp 0x123456789abc", "1:5: 0x123456789abc is 0x123456789ab7 bytes away; a branch reaches 2 GiB: go through a register"},
		{"x = . + 0x100000000; lea rax, [rip + x]", "1:38: 0x100000000 is 0xfffffff9 bytes away; RIP-relative addressing reaches 2 GiB"},
		{"x: nop\nx: nop", "2:1: x is defined already"},
		{"rax: nop", "1:1: rax can't be a label"},
		{"jmp 1f", "1:5: there is no label 1: in this direction"},
		{"a = b; b = a; mov eax, a", "1:24: a: b: a is defined by itself"},
		{".foo 1", "1:1: there is no directive .foo"},
		{".byte 256", "1:7: 0x100 does not fit into 8 bits"},
		{".byte 1 2", `1:9: "2" is more than .byte takes`},
		{".align 3", "1:1: an alignment is a power of two, at most 67108864, and not 3"},
		{".zero -1", "1:1: -1 is not from 0 to 67108864"},
		{"nop; .org 0", "1:6: .org goes on only: 0x0 lies before 0x1"},
		{".zero 0x4000000; nop", "1:18: more than 64 MiB in all"},
		{"x: .zero y - x + 1; y:", "1:1: the layout does not settle: a length depends upon itself"},
		{`.ascii "abc`, "1:8: the string has no end"},
		{`.ascii "\q"`, `1:9: not an escape in a string; accepted: \n \t \r \0 \\ \" \x41 and those of C`},
		{".byte 'ab'", "1:7: a character is one byte between apostrophes, such as 'a' or '\\n'"},
		{".byte 0xx", `1:7: "0xx" is no number of 64 bits; accepted: 16, 0x10, 10h, 0b10000, 020`},
		{".byte 1 / 0", "1:9: a division by 0"},
		{"mov rax, é", "1:10: 'é' does not belong in an instruction"},
		{".popsection", "1:1: there is no .pushsection to this .popsection"},
		{"sysret", "1:1: sysret is ambiguous: it goes to 64-bit code as sysretq, to 32-bit code as sysretd in Intel's syntax and sysretl in AT&T's"},
		{"lock [rax]", `1:6: a mnemonic, a label or a directive is expected, not "["`},
		{"lock jmp .", "1:1: the prefix lock means nothing to jmp; accepted: bnd, {disp8}, {disp32}"},
		{"mov rax, eax:[rbx]", "1:13: eax is no segment register; accepted before a colon: cs ds es fs gs ss"},
		{"mov rax, [" + strings.Repeat("(", 200), "1:111: parentheses or signs nest deeper than 100"},
	} {
		_, err := both(t, test.source, Options{})
		var wrong Errors
		require.ErrorAs(t, err, &wrong, test.source)
		assert.Equal(t, test.want, wrong[0].Error(), test.source)
	}
}

func TestTheAssemblersOwnWordsHaveAPlaceToo(t *testing.T) {
	_, err := Assemble("nop\n\tfrobnicate rax\n add al, rbx", Options{File: "entry.S"})
	require.EqualError(t, err, "entry.S:2:2: frobnicate rax: no such instruction: 'frobnicate rax'\nentry.S:3:2: add al, rbx: register type mismatch for 'add'")
	_, err = Assemble("\tfrobnicate rax", Options{Assembler: OnlyKeystone})
	require.EqualError(t, err, "1:2: frobnicate rax: Invalid mnemonic")
	var one *Error
	require.True(t, errors.As(err, &one))
	require.Equal(t, 2, one.Column)
}

func TestErrorsOfATT(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{"mov rax, %rbx", "1:5: the register rax can't be part of an expression"},
		{"mov $1, %foo", `1:9: a register such as %rax is expected, not "foo"`},
		{"mov (%rax,%rbx,3), %rcx", `1:16: an index is scaled by 1, 2, 4 or 8, not by "3"`},
		{"mov %rax:(%rbx), %rcx", "1:9: rax is no segment register; accepted before a colon: %cs %ds %es %fs %gs %ss"},
	} {
		_, err := both(t, test.source, Options{Syntax: ATT})
		var wrong Errors
		require.ErrorAs(t, err, &wrong, test.source)
		require.Equal(t, test.want, wrong[0].Error(), test.source)
	}
}

func TestOnlyTenErrorsAreShown(t *testing.T) {
	_, err := Assemble(strings.Repeat("mov\tunknown, [\n", 15), Options{})
	require.ErrorContains(t, err, "and 5 more")
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	_, err := Assemble("nop", Options{Mode: 8})
	require.ErrorContains(t, err, "mode 8")
}

// What Keystone calls fatal ends the call, not the process.
func TestKeystonesFatalErrorsAreErrors(t *testing.T) {
	for range 3 {
		_, err := byKeystone("mov ah, r8b", Intel, 64)
		require.EqualError(t, err, "Cannot encode high byte register in REX-prefixed instruction")
	}
	code, err := byKeystone("mov al, r8b", Intel, 64)
	require.NoError(t, err)
	require.Equal(t, []byte{0x44, 0x88, 0xc0}, code)
}

func TestWithoutAnAssemblerItSaysWhatToInstall(t *testing.T) {
	_, err := loadKeystone([]string{"/nowhere/libkeystone.so", "libnothing-of-the-kind.so"}, loadLibrary)
	require.ErrorIs(t, err, ErrNoAssembler)
	require.ErrorContains(t, err, "/nowhere/libkeystone.so: not there")
	require.ErrorContains(t, err, "libnothing-of-the-kind.so: ")
	require.ErrorContains(t, err, "pip install keystone-engine")

	_, err = loadKeystone([]string{"libc.so.6"}, loadLibrary)
	require.ErrorContains(t, err, "libc.so.6: it has no function ks_version")

	_, err = lookForGNU([]string{"as-that-is-not-there", "true"})
	require.ErrorIs(t, err, ErrNoAssembler)
	require.ErrorContains(t, err, "binutils")
}

func TestTheLibraryThatTheEnvironmentNamesIsTheOnlyOne(t *testing.T) {
	t.Setenv("UKLEMU_LIBKEYSTONE", "/elsewhere/libkeystone.so")
	require.Equal(t, []string{"/elsewhere/libkeystone.so"}, keystonePlaces())
	t.Setenv("UKLEMU_LIBKEYSTONE", "")
	require.Greater(t, len(keystonePlaces()), 2)
}
