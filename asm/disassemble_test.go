// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBytesGoBackToText(t *testing.T) {
	const source = "swapgs\ncall target\n.byte 6\nmov rax, [rsp + 8]"
	code, err := Assemble(source, Options{Address: 0x1000, Symbols: func(string) (uint64, bool) { return 0x2000, true }})
	require.NoError(t, err)
	name := func(address uint64) (string, uint64) {
		if address >= 0x2000 {
			return "target", 0x2000
		}
		return "", 0
	}
	for syntax, want := range map[Syntax][]string{
		Intel: {"swapgs", "call target", "(bad)", "mov rax, qword ptr [rsp+0x8]"},
		ATT:   {"swapgs", "callq target", "(bad)", "mov 0x8(%rsp),%rax"},
	} {
		var texts []string
		for _, line := range Disassemble(code.Bytes, Options{Address: code.Address, Syntax: syntax}, name) {
			texts = append(texts, line.Text)
		}
		require.Equal(t, want, texts)
	}
}
