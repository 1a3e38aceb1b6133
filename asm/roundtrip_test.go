// SPDX-License-Identifier: GPL-2.0-or-later

package asm_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/asm"
	"github.com/uklemu/uklemu/asm/disasm"
)

// What asm/disasm writes of the bytes of an entry path is the text that they
// were made of, in either syntax.
func TestTextGoesToBytesAndBack(t *testing.T) {
	for _, test := range []struct {
		syntax asm.Syntax
		as     disasm.Syntax
		lines  []string
	}{
		{asm.Intel, disasm.Intel, []string{
			"endbr64", "swapgs", "mov qword ptr gs:[0x6014], rsp", "mov rsp, cr3", "and rsp, 0xffffffffffffe7ff", "mov cr3, rsp",
			"push 0x2b", "push r11", "xor esi, esi", "cld", "clac", "stac", "lfence", "iretq", "ud2", "wrmsr", "invpcid rax, xmmword ptr [rbx]",
		}},
		{asm.ATT, disasm.GNU, []string{
			"endbr64", "swapgs", "mov %rsp,%gs:0x6014", "mov %cr3,%rsp", "and $0xffffffffffffe7ff,%rsp", "push %r11",
			"xor %esi,%esi", "testb $0x3,0x88(%rsp)", "cld", "clac", "eretu", "erets", "lfence", "ud2", "wrmsr", "movzbl (%rax),%ecx",
		}},
	} {
		for _, text := range test.lines {
			code, err := asm.Assemble(text, asm.Options{Syntax: test.syntax})
			require.NoError(t, err, text)
			inst, err := disasm.Decode(code.Bytes, 64)
			require.NoError(t, err, "%s: %s", text, hex.EncodeToString(code.Bytes))
			back := inst.Text(test.as, 0, nil)
			again, err := asm.Assemble(back, asm.Options{Syntax: test.syntax})
			require.NoError(t, err, "%s became %s", text, back)
			require.Equal(t, code.Bytes, again.Bytes, "%s became %s", text, back)
		}
	}
}
