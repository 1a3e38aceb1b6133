// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAProgramIsComposedInGo(t *testing.T) {
	var b Builder
	b.Label("entry").Text("mov eax, %d", 60).Text("lea rdi, [rip + message]\nsyscall").
		Align(16).
		Label("message").Bytes('h', 'i', 0).
		Section(".data").Quads(1, 1<<63).Addresses("entry", "message + 1").Zero(2).
		At(0xfffffff0).Label("reset").Text("jmp entry")
	code, err := b.Assemble(Options{Address: 0xffff0000, Sections: map[string]uint64{".data": 0x2000}})
	require.NoError(t, err)
	require.Equal(t, []Section{
		{".text", 0xffff0000, []byte{0xb8, 60, 0, 0, 0, 0x48, 0x8d, 0x3d, 4, 0, 0, 0, 0x0f, 0x05, 0x66, 0x90, 'h', 'i', 0}},
		{".data", 0x2000, []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0x11, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0}},
		{"0xfffffff0", 0xfffffff0, []byte{0xe9, 0x0b, 0, 0xff, 0xff}},
	}, code.Sections)
	require.Equal(t, uint64(0xfffffff0), code.Labels["reset"])
}

func TestErrorsOfABuilderNameTheLineOfGo(t *testing.T) {
	var b Builder
	b.Text("nop").Bytes()
	b.Text("nop\n  mov al, unknown")
	_, err := b.Assemble(Options{})
	require.EqualError(t, err, "builder_test.go:31:2:11: unknown is neither defined nor known")
}

func TestAnEmptyProgramIsEmpty(t *testing.T) {
	var b Builder
	code, err := b.Assemble(Options{Address: 5})
	require.NoError(t, err)
	require.Equal(t, &Code{Address: 5, Sections: []Section{{Name: ".text", Address: 5}}, Labels: map[string]uint64{}}, code)
}

// A percent sign in a text without arguments is AT&T's.
func TestTextWithoutArgumentsIsTakenAsItIs(t *testing.T) {
	var b Builder
	code, err := b.Text("mov %rax, %rbx").Assemble(Options{Syntax: ATT})
	require.NoError(t, err)
	require.Equal(t, []byte{0x48, 0x89, 0xc3}, code.Bytes)
}
