// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func kernelSymbols(name string) (uint64, bool) {
	address, ok := map[string]uint64{"printk": 0xffffffff81001000, "far_away": 0x1000, "pcpu_hot": 0x28}[name]
	return address, ok
}

// both assembles with either assembler, which must make the same of it.
func both(t *testing.T, source string, o Options) (*Code, error) {
	t.Helper()
	if o.Symbols == nil {
		o.Symbols = kernelSymbols
	}
	o.Assembler = OnlyGNU
	gnu, gnuErr := Assemble(source, o)
	o.Assembler = OnlyKeystone
	keystone, keystoneErr := Assemble(source, o)
	if keystoneErr == nil || gnuErr == nil {
		require.NoError(t, gnuErr, source)
		require.NoError(t, keystoneErr, source)
	}
	require.Equal(t, gnu, keystone, source)
	return gnu, gnuErr
}

const kernelText = 0xffffffff81000000

func TestWhatTheSourceMayHave(t *testing.T) {
	for _, test := range []struct {
		name, source string
		att          bool
		want         string
	}{
		{"an instruction", "mov rax, 1", false, "48c7c001000000"},
		{"nothing", " \n # only a comment\n", false, ""},
		{"comments", "nop # one\nnop // two\n/* three\n */ nop /* four */; nop", false, "90909090"},
		{"statements on a line", "cli; hlt", false, "faf4"},
		{"capitals", "MOV RAX, QWORD PTR GS:[0x28]", false, "65488b042528000000"},
		{"numbers in every base", ".byte 10, 0x10, 10h, 0b10, 010, 'a', '\\n', -1", false, "0a101002" + "08" + "610aff"},
		{"what is built of them", ".long (1 + 2) * 3 << 2, ~0 & 0xff, 7 / 2, -7 % 4, 1 << 31 >> 30, 5 ^ 1 | 8", false, "24000000ff00000003000000fdffffff020000000c000000"},
		{"strings", `.ascii "a\n\x41\0"; .asciz "b", "c"`, false, "610a4100" + "62006300"},
		{"labels", "x: jmp x\n.quad x", false, "ebfe" + "00000081ffffffff"},
		{"labels ahead", "jmp x; nop; x: nop", false, "eb019090"},
		{"local labels", "1: jmp 1b; jmp 1f; 1: jmp 1b; 2: jmp 2b", false, "ebfe" + "eb00" + "ebfe" + "ebfe"},
		{"this place", "jmp .; .quad . - 2", false, "ebfe" + "00000081ffffffff"},
		{"constants", "SIZE = 4 * 2; .set OTHER, SIZE + 1; sub rsp, SIZE; mov [rbx + OTHER], al", false, "4883ec08" + "884309"},
		{"constants before they are set", "sub rsp, SIZE; SIZE = 8", false, "4883ec08"},
		{"differences of labels", "a: nop; nop; b: mov al, b - a; .byte b - a", false, "9090b00202"},
		{"symbols", "call printk", false, "e8fb0f0000"},
		{"symbols with an offset", "call printk + 5", false, "e800100000"},
		{"data relative to RIP", "lea rdi, [rip + x]; ret; x: .byte 1", false, "488d3d01000000" + "c3" + "01"},
		{"a number relative to RIP", "lea rdi, [rip + 1]", false, "488d3d01000000"},
		{"data relative to RIP before an immediate", "x: cmp dword ptr [rip + x], 5", false, "833df9ffffff05"},
		{"an address", "mov rax, offset printk", false, "48c7c000100081"},
		{"an address in 64 bits", "movabs rax, offset printk", false, "48b800100081ffffffff"},
		{"what is at an address", "mov rax, [printk]; mov rax, qword ptr printk; mov rbx, [far_away]", false, "488b042500100081" + "488b042500100081" + "488b1c2500100000"},
		{"a per-cpu variable", "mov rax, gs:[pcpu_hot]; mov rax, gs:pcpu_hot; inc dword ptr gs:[pcpu_hot + 4]", false, "65488b042528000000" + "65488b042528000000" + "65ff04252c000000"},
		{"a table", "mov rax, far_away[rbx*8]; mov rax, [far_away + rbx*8]; mov rax, [8*rbx][rcx]", false, "488b04dd00100000" + "488b04dd00100000" + "488b04d9"},
		{"RSP as an index", "mov rax, [rcx + rsp]; mov rax, [rcx*1 + rsp]", false, "488b040c488b040c"},
		{"AT&T", "movq %gs:pcpu_hot, %rax; mov $printk, %rdi; lea 1f(%rip), %rax; 1: call *%rax; jmp *printk(,%rax,8)", true,
			"65488b042528000000" + "48c7c700100081" + "488d0500000000" + "ffd0" + "ff24c500100081"},
		{"AT&T's numbers", "mov $10, %eax; mov 16(%rbx), %eax; add $-1, %rsp; mov -8*2(%rbp), %rax", true, "b80a000000" + "8b4310" + "4883c4ff" + "488b45f0"},
		{"one syntax in the other", "nop\n.att_syntax prefix\nmov $1, %al\n.intel_syntax noprefix\nmov al, 1", false, "90b001b001"},
		{"room", ".zero 2; .skip 2, 0xcc; .fill 2, 2, 0x1234; .space 1", false, "0000cccc3412341200"},
		{"alignment in code", "nop; .align 4; nop; .p2align 3, 0xcc; nop", false, "900f1f0090cccccc90"},
		{"alignment of data", ".data; .byte 1; .balign 4; .byte 2", false, ""},
		{"a place", "nop; .org 4; nop", false, "9000000090"},
		{"each number of a list has its own place", "x: .word . - x, . - x; .byte . - x, 9, . - x", false, "00000200" + "040906"},
		{"what only a linker wants", ".globl x\n.type x, @function\nx: ret\n.size x, . - x", false, "c3"},
		{"prefixes", "rep movsb; lock inc dword ptr [rax]; rep; nop; bnd jmp .", false, "f3a4" + "f0ff00" + "f390" + "f2ebfd"},
		{"sizes that need not be said", "pop [rax + 8]; push [rax]; lretq; retfq", false, "8f4008ff3048cb48cb"},
		{"conditions", "x: je x; jz x; jnae x; jrcxz x; jecxz x; loop x; call x; jmp short x", false, "74fe74fc72fae3f867e3f5e2f3e8eeffffffebec"},
		{"the newer than Keystone", "endbr64; eretu; serialize; sysretq", false, "f30f1efa" + "f30f01ca" + "0f01e8" + "480f07"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{Address: kernelText}
			if test.att {
				o.Syntax = ATT
			}
			code, err := both(t, test.source, o)
			require.NoError(t, err)
			require.Equal(t, test.want, hex.EncodeToString(code.Bytes))
		})
	}
}

// A branch takes two bytes where it reaches, five or six where it does not.
func TestBranchesAreAsShortAsTheyCanBe(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{"jmp x; .zero 127; x:", "eb7f"},
		{"jmp x; .zero 128; x:", "e980000000"},
		{"je x; .zero 128; x:", "0f8480000000"},
		{"x: .zero 126; jmp x", ""},
		{"call x; .zero 1; x:", "e801000000"},
		// The second jump's length decides about the first one's.
		{"jmp x; jmp y; .zero 123; x: .zero 10; y:", "e980000000e985000000"},
		{"{disp32} jmp x; x:", "e900000000"},
		{"jmp far_away", "e9fb0f00007f"},
	} {
		code, err := both(t, test.source, Options{})
		if test.source == "jmp far_away" {
			require.NoError(t, err)
			require.Equal(t, "e9fb0f0000", hex.EncodeToString(code.Bytes))
			continue
		}
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(hex.EncodeToString(code.Bytes), test.want), "%s: %x", test.source, code.Bytes)
	}
	code, err := both(t, "x: .zero 126; jmp x", Options{})
	require.NoError(t, err)
	require.Equal(t, []byte{0xeb, 0x80}, code.Bytes[126:])
}

func TestBranchesOfOtherModes(t *testing.T) {
	for _, test := range []struct {
		mode         int
		source, want string
	}{
		{32, "jmp x; .zero 128; x:", "e980000000"},
		{16, "jmp x; .zero 128; x:", "e98000"},
		{16, "je x; .zero 128; x:", "0f848000"},
		{32, "jcxz .; jecxz .", "67e3fde3fe"},
		{16, "jcxz .; jecxz .", "e3fe67e3fd"},
		{32, "call far_away", "e8fb0f0000"},
	} {
		code, err := both(t, test.source, Options{Mode: test.mode})
		require.NoError(t, err, test.source)
		require.Equal(t, test.want, hex.EncodeToString(code.Bytes[:len(test.want)/2]), test.source)
	}
	code, err := Assemble(".code16; mov eax, 1; .code32; mov eax, 1; .code64; mov rax, [rax]", Options{})
	require.NoError(t, err)
	require.Equal(t, "66b801000000b801000000488b00", hex.EncodeToString(code.Bytes))
}

func TestSectionsLieWhereTheCallerSays(t *testing.T) {
	code, err := both(t, `
entry:	mov rax, [rip + value]
	.section __ex_table, "a"
	.quad entry, fixup
	.text
fixup:	ret
	.pushsection .data
value:	.quad 5
	.popsection
	nop`, Options{Address: 0x1000, Sections: map[string]uint64{".data": 0x3000}, Constants: map[string]uint64{"unused": 1}})
	require.NoError(t, err)
	require.Equal(t, []Section{
		{".text", 0x1000, []byte{0x48, 0x8b, 0x05, 0xf9, 0x1f, 0, 0, 0xc3, 0x90}},
		{"__ex_table", 0x1010, []byte{0, 0x10, 0, 0, 0, 0, 0, 0, 7, 0x10, 0, 0, 0, 0, 0, 0}},
		{".data", 0x3000, []byte{5, 0, 0, 0, 0, 0, 0, 0}},
	}, code.Sections)
	require.Equal(t, map[string]uint64{"entry": 0x1000, "fixup": 0x1007, "value": 0x3000}, code.Labels)
	require.Equal(t, 2, code.Lines[0].Line)
	require.Equal(t, uint64(0x1000), code.Lines[0].Address)
}

func TestThousandsOfLinesAreNoMatter(t *testing.T) {
	var s strings.Builder
	for range 3000 {
		s.WriteString("1: mov rax, [rip + end]; test rax, rax; je 1b; jne end\n")
	}
	s.WriteString("end: ret\n")
	_, err := both(t, s.String(), Options{Address: kernelText})
	require.NoError(t, err)
}
