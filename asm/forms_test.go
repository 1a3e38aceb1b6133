// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// addresses are the ways to address memory, with what encodes in its own way:
// no base, RSP and R12 (a SIB byte), RBP and R13 (a displacement), RIP,
// a segment, 32-bit addresses, the ends of a displacement of a byte.
var addresses = strings.Split("[rbx]|[rsp]|[rbp]|[r12]|[r13]|[rsi + 0x7f]|[rdi - 0x80]|[rbx + 0x80]|[rax + rcx*8 + 0x12345678]|"+
	"[r9 + r10*4 - 0x1]|[rip + 0x10]|[rip - 0x100]|[rdx*2 + 0x4]|[0x1234]|[-0x1000]|gs:[0x28]|fs:[rbx]|gs:[rax + rbp*1]|[ebx]|[r8d + ecx*4 + 0x10]", "|")

// stands is what stands for an operand of a form.
var stands = func() map[string][]string {
	m := map[string][]string{
		"r8": strings.Fields("al cl bl sil r10b"), "r16": strings.Fields("ax cx bp r11w"), "r32": strings.Fields("eax edx esp r12d"), "r64": strings.Fields("rax rbx rbp r13 r15"),
		"cl": {"cl"}, "al": {"al"}, "ax": {"ax"}, "eax": {"eax"}, "rax": {"rax"}, "dx": {"dx"}, "fs": {"fs"}, "gs": {"gs"},
		"sreg": strings.Fields("cs ds es fs gs ss"), "sregw": strings.Fields("ds es fs gs ss"),
		"creg": strings.Fields("cr0 cr2 cr3 cr4 cr8"), "dreg": strings.Fields("dr0 dr3 dr6 dr7"),
		"imm1": {"0x0", "0x1"}, "imm5": {"0x0", "0x1", "0x7"}, "imm7": {"0x1", "0x7f"}, "imm8": {"0x1", "0x7f", "-0x80", "-0x1"},
		"imm16": {"0x1234", "0x8000", "0x7f80"}, "imm32": {"0x80", "0x12345678", "-0x12345678", "0x7fffffff", "-0x81"}, "imm64": {"0x1122334455667788", "-0x1122334455667788"},
		"m64plain": {"[rbx]", "[r12 + rax*8 + 0x10]", "gs:[rsp]"}, "moffs": {"[0x1122334455667788]"}, "st": {"st(0)"}, "sti": {"st(1)", "st(7)"}, "k": {"k1", "k7"},
		"mm": {"mm0", "mm5"}, "xmm": {"xmm0", "xmm7", "xmm12"}, "ymm": {"ymm1", "ymm9"}, "zmm": {"zmm0", "zmm9", "zmm31"},
	}
	for name, size := range map[string]string{"m8": "byte", "m16": "word", "m32": "dword", "m64": "qword", "mt": "tbyte", "mx": "xmmword", "my": "ymmword", "mz": "zmmword"} {
		for _, a := range addresses {
			m[name] = append(m[name], size+" ptr "+a)
		}
	}
	m["ma"] = addresses
	for _, n := range []string{"8", "16", "32", "64"} {
		m["rm"+n] = append(append([]string{}, m["r"+n]...), m["m"+n]...)
	}
	return m
}()

// expand writes the instructions of a form: every way of its longest operand,
// with the others going round.
func expand(t *testing.T, mnemonic, operands string) []string {
	t.Helper()
	if operands == "-" {
		return []string{mnemonic}
	}
	var lists [][]string
	most := 0
	for _, o := range strings.Split(operands, ",") {
		require.Contains(t, stands, o)
		lists = append(lists, stands[o])
		most = max(most, len(stands[o]))
	}
	var out []string
	for i := range most {
		var chosen []string
		for k, list := range lists {
			chosen = append(chosen, list[(i+k)%len(list)])
		}
		out = append(out, mnemonic+" "+strings.Join(chosen, ", "))
	}
	return out
}

// forms are the instructions that testdata/forms.txt stands for.
func forms(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/forms.txt")
	require.NoError(t, err)
	var out []string
	seen := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		mnemonics, operands, ok := strings.Cut(strings.TrimSpace(line), " : ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		for _, mnemonic := range strings.Fields(mnemonics) {
			if strings.HasSuffix(mnemonic, "-none") {
				continue
			}
			for _, o := range strings.Fields(operands) {
				for _, text := range expand(t, strings.ReplaceAll(mnemonic, "-", " "), o) {
					if !seen[text] {
						seen[text] = true
						out = append(out, text)
					}
				}
			}
		}
	}
	return out
}

func snippets(t *testing.T, lines []string, syntax Syntax) []snippet {
	t.Helper()
	p := read(strings.Join(lines, "\n"), &Options{Mode: 64, Syntax: syntax})
	require.Empty(t, p.errors)
	var out []snippet
	p.each(func(it *item) {
		s, err := p.snippet(it, nil)
		require.Nil(t, err)
		out = append(out, s)
	})
	require.Len(t, out, len(lines))
	return out
}

func encodeWith(t *testing.T, which Assembler, list []snippet) []encoded {
	t.Helper()
	e := newEncoder(which)
	require.NoError(t, e.encode(list))
	out := make([]encoded, len(list))
	for i, s := range list {
		out[i] = e.known[s]
	}
	return out
}

// manual is every form that the two do not make the same of, with what the
// manual gives as its encoding.
var manual = []struct{ form, opcode, bytes, why string }{
	{`^l[fgs]s r..?, (.s:)?\[`, "REX.W + 0F B2, B4, B5 /r", `^(6[457])?4[89a-f]0fb[245]`,
		"GNU as 2.40 takes it as lss rax, tbyte ptr [...] only; Keystone takes it without a size only"},
	{`^lar r..?, (e..|r..d)$`, "REX.W + 0F 02 /r", `^4[89cd]0f02`,
		"GNU as 2.40 takes lar rax, rdx only, which is the same instruction"},
}

// differences encodes the instructions with both; it returns those that have not
// the same bytes, or that only Keystone has.
func differences(t *testing.T, list []snippet) []string {
	t.Helper()
	k, g := encodeWith(t, OnlyKeystone, list), encodeWith(t, OnlyGNU, list)
	var out []string
	refused := 0
	for i, s := range list {
		switch {
		case k[i].err != nil && g[i].err != nil:
			out = append(out, fmt.Sprintf("%s\tneither: %v; %v", s.text, k[i].err, g[i].err))
		case g[i].err != nil:
			out = append(out, fmt.Sprintf("%s\t%x by Keystone alone: %v", s.text, k[i].code, g[i].err))
		case k[i].err != nil:
			refused++ // GNU as takes it over
		case !bytes.Equal(k[i].code, g[i].code):
			out = append(out, fmt.Sprintf("%s\t%x by Keystone, %x by GNU as", s.text, k[i].code, g[i].code))
		}
	}
	t.Logf("%d instructions, %d of them left to GNU as, %d different", len(list), refused, len(out))
	return out
}

func TestBothAssemblersMakeTheSameBytes(t *testing.T) {
	list := snippets(t, forms(t), Intel)
	require.Greater(t, len(list), 20_000)
	used := map[int]bool{}
	for _, difference := range differences(t, list) {
		text, made, _ := strings.Cut(difference, "\t")
		listed := false
		for i, m := range manual {
			if regexp.MustCompile(m.form).MatchString(text) && regexp.MustCompile(m.bytes).MatchString(made) {
				listed, used[i] = true, true
			}
		}
		if !listed {
			t.Error(difference)
		}
	}
	for i, m := range manual {
		require.True(t, used[i], "%s, %s: the two agree now", m.form, m.opcode)
	}
}

// What forms.txt can't say: where the two go apart by the size of a number, by
// the mode, by a suffix.
func TestBothAssemblersMakeTheSameBytesOfOddOnes(t *testing.T) {
	for _, test := range []struct {
		syntax Syntax
		mode   int
		lines  string
	}{
		{Intel, 64, `add eax, 0xffffffff|add ax, 0xffff|add ax, 0xff80|mov eax, 0xffffffff|and eax, 0x80000000|cmp dword ptr [rax], 0xfffffff0|push -1|push 0x7fffffff|
			mov rax, 0x7fffffff|mov rax, 0x80000000|mov rax, 0xffffffff|mov rax, -0x80000000|mov rax, 0xffffffff80000000|mov rax, 0x8000000000000000|mov rax, -1|mov r8, -0x80000001|
			imul eax, ecx|imul eax, eax, 0x10|imul rcx, rcx, 0x1000|test al, 1|test rax, 0x1|out 0x80, al|in al, 0xff|int 0x80|int 0xff|shl eax, 0xff|shl eax|sar qword ptr [rax]|
			movzx eax, ah|mov [rax], ah|mov cl, ah|mov [rbx+rax], ch|rep ret|repz ret|rep nop|lea rax, [eax+1]|mov [rsp+0x0], rax|jmp [rax]|call [rip+8]|call qword ptr gs:[0x10]|
			mov rax, [rip]|mov rax, cs:[rbx]|mov rax, ds:[rbp]|mov rax, ss:[rbx]|xchg eax, eax|xchg rax, rax|xchg ax, ax|xchg ebx, eax|mov rax, fs:[0x0]|cmp al, -1|
			fld st(0)|fadd|fxch|fstp st|fcomip st, st(1)|fadd st, st(0)|movq xmm1, [rax]|movsx eax, byte ptr [rax]|pushfq|popfq|pushf|popf|push rbp|push fs|pop gs|iret|iretq|retf|retfq|
			mov dr6, rax|mov rax, cr8|mov cr8, rax|lgdt [rip+0x10]|lidt gs:[0x10]|ltr ax|str ax|lldt ax|verw [rax]|smsw eax|lmsw ax|invlpg [rdi]|clflush [rdi]`},
		{ATT, 64, `mov $-0x20, %r8|mov $0x20, %r9|mov $-1, %r8d|mov $1, %r10|mov $1, %r15w|movq $0x80000000, %rax|movq $0x7fffffff, %rax|movq $0xffffffff80000000, %rax|mov $0x80000000, %rax|mov $0x8000000000000000, %rcx|movq $0x1122334455667788, %rdx|movabs $1, %rax|movl $-1, %eax|movl $0xffffffff, %eax|
			movb $0xff, %al|movw $0xffff, (%rax)|movl $0xffffffff, (%rax)|movq $-1, (%rax)|addl $0xffffffff, %eax|addq $-128, %rsp|subq $0x80, %rsp|pushq $-1|push $0x80|push %rbp|pushq (%rax)|pushfq|popfq|pushf|popf|
			movq %rsp, %gs:0x1234|movq %gs:0x28, %rax|incl %gs:0x10|swapgs|iretq|lretq|sysretq|sysretl|movzbl (%rax), %ecx|movzwl %ax, %ecx|movslq %eax, %rcx|movsbl %al, %eax|movzbl %al, %eax|cltq|cqto|cltd|cwtl|
			call *%rax|jmp *%rcx|jmp *(%rax)|callq *8(%rax,%rbx,8)|jmpq *%gs:(%rax)|rex.w ljmp *(%rax)|xchg %rax, %rax|xchg %eax, %eax|lcall *(%rax)|rep movsq|rep movsb|rep stosq|lodsb|repne scasb|lock cmpxchg %ecx, (%rdx)|lock incl (%rax)|lock orl $0, (%rsp)|
			btsl $5, (%rax)|bt %rax, %rbx|xchgq %rax, (%rbx)|xchg %ax, %ax|shll %eax|shlq $3, %rax|shl %cl, %rax|testb $1, (%rax)|testl $0x200, 8(%rsp)|cmpq $0, 8(%rsp)|nopw 0x0(%rax,%rax,1)|nopl (%rax)|int $0x80|int3|
			mov %cr3, %rax|mov %rax, %cr3|mov %ds, %eax|mov %eax, %ds|movl %ds, %eax|movw %ax, %es|mov %ax, %ss|ltr %ax|lgdt (%rax)|lidt 8(%rsp)|str %eax|sldt %ax|verw 2(%rip)|fxsave (%rsp)|fxsaveq (%rsp)|xsave64 (%rdi)|ud2|hlt|pause|
			outb %al, $0x80|outb %al, %dx|inb $0x60, %al|inl %dx, %eax|movntil %eax, (%rdi)|enter $16, $0|leave|ret $8|wrmsr|rdfsbase %rax|wrgsbase %rdx|invpcid (%rax), %rcx|clac|stac|endbr64|movd %eax, %xmm0|movq %rax, %xmm0|movq %xmm0, (%rax)`},
		{Intel, 32, `mov eax, [0x28]|mov ebx, [0x28]|mov [0xffffffff], al|inc eax|dec ecx|push eax|push 5|pushad|popad|pushf|popf|pushfd|iret|iretd|mov ax, 5|mov eax, fs:[0x10]|lea eax, [eax+ecx*4-4]|lea eax, [0xffff0000]|
			mov cr0, eax|mov eax, cr4|lgdt [eax]|ltr ax|mov ds, ax|mov ds, eax|mov eax, ds|mov [eax], ds|push ds|pop es|int 0x80|sysenter|sysexit|retf|in al, dx|les eax, [ecx]|lock inc dword ptr [eax]|rep movsd|nop dword ptr [eax]|movzx eax, al|aaa|daa|into|bound eax, [ecx]|
			call eax|jmp dword ptr [eax]|str eax|sldt eax|ret|enter 8, 0|add eax, 0x80|cmp byte ptr [ebx], 0x80|xchg eax, ecx|endbr32|wrmsr|fld qword ptr [eax]|addps xmm0, [eax]`},
		{Intel, 16, `mov ax, 5|mov eax, 5|mov al, [0x28]|mov bx, [bx+si]|mov ax, [bp]|inc ax|push ax|push 5|mov cr0, eax|lgdt [bx]|mov ds, ax|int 0x10|iret|cli|hlt|in al, 0x60|out 0x64, al|rep movsb|lodsw|mov eax, [ebx]|ret|retf|pushf|popf|jmp ax|call word ptr [bx]`},
	} {
		var lines []string
		for _, line := range strings.Split(test.lines, "|") {
			lines = append(lines, strings.TrimSpace(line))
		}
		p := read(strings.Join(lines, "\n"), &Options{Mode: test.mode, Syntax: test.syntax})
		require.Empty(t, p.errors)
		var list []snippet
		p.each(func(it *item) {
			s, err := p.snippet(it, nil)
			require.Nil(t, err)
			list = append(list, s)
		})
		for _, d := range differences(t, list) {
			t.Errorf("%d bits: %s", test.mode, d)
		}
	}
}

// in32 is the instructions that 32-bit mode has too, with its registers.
func in32(lines []string) []string {
	only := regexp.MustCompile(`\b(r[0-9]+[dwb]?|[sd]il|[sb]pl|[xyz]mm([89]|[123].)|[re]ip|cr8|imm64|0x1122.*|-0x1122.*|k[0-7])\b|^(movabs|sysret|sysexit|lsl|lar|swapgs|cmpxchg16b|cdqe|cqo|push [^[]*0x8|endbr|eret)|64|q$|^.?xs?(save|rstor)`)
	wide := regexp.MustCompile(`\br(ax|bx|cx|dx|si|di|sp|bp)\b`)
	var out []string
	for _, l := range lines {
		if operands := wide.ReplaceAllString(l, ""); !only.MatchString(l) && !strings.Contains(operands, "qword") {
			inside := l[max(0, strings.Index(l, "[")):]
			if strings.Contains(l, "[") && !wide.MatchString(strings.Replace(l, inside, "", 1)) {
				out = append(out, wide.ReplaceAllString(l, "e$1"))
			}
		}
	}
	return out
}

func TestBothAssemblersMakeTheSameBytesIn32Bits(t *testing.T) {
	p := read(strings.Join(in32(forms(t)), "\n"), &Options{Mode: 32})
	require.Empty(t, p.errors)
	var list []snippet
	p.each(func(it *item) {
		s, err := p.snippet(it, nil)
		require.Nil(t, err)
		list = append(list, s)
	})
	for _, d := range differences(t, list) {
		t.Error(d)
	}
}

// inATT writes instructions in AT&T's syntax, which is objdump's of their
// bytes.
func inATT(t *testing.T, list []encoded) (lines []string, codes [][]byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "code")
	var all []byte
	for _, e := range list {
		all = append(all, e.code...)
	}
	require.NoError(t, os.WriteFile(path, all, 0o644))
	out, err := exec.Command("objdump", "-D", "-w", "-b", "binary", "-m", "i386:x86-64", "--insn-width=16", path).Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(fields) < 3 {
			continue
		}
		code, err := hex.DecodeString(strings.ReplaceAll(fields[1], " ", ""))
		require.NoError(t, err)
		text, _, _ := strings.Cut(fields[2], " #")
		lines, codes = append(lines, text), append(codes, code)
	}
	return lines, codes
}

// ofAKernel is one instruction of each mnemonic and length in a Linux kernel,
// but for branches, which are encoded by neither.
func ofAKernel(t *testing.T) (list []encoded) {
	t.Helper()
	b, err := os.ReadFile("disasm/testdata/kernel.txt")
	require.NoError(t, err)
	branch := regexp.MustCompile(`^(j|call|loop|xbegin|data16|cs|ds|es|ss|rex|addr32|\(bad\))`)
	for line := range strings.Lines(string(b)) {
		digits, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		code, err := hex.DecodeString(digits)
		if err == nil && !branch.MatchString(name) {
			list = append(list, encoded{code: code})
		}
	}
	require.Greater(t, len(list), 500)
	return list
}

func TestBothAssemblersMakeTheSameBytesOfATT(t *testing.T) {
	var fine []encoded
	for i, e := range encodeWith(t, OnlyGNU, snippets(t, forms(t), Intel)) {
		// A third will do, the addresses having been compared above. FWAIT
		// before an x87 instruction would become one with it.
		if i%3 == 0 && e.err == nil && !strings.Contains("\x9b \xf3\x0f\x01\xca \xf2\x0f\x01\xca", string(e.code)) {
			fine = append(fine, e)
		}
	}
	lines, codes := inATT(t, append(fine, ofAKernel(t)...))
	list := snippets(t, lines, ATT)
	require.Empty(t, differences(t, list))
	for i, e := range encodeWith(t, OnlyGNU, list) {
		if i < len(fine) { // a kernel has longer NOPs, and prefixes in another order
			require.Equal(t, fmt.Sprintf("%x", codes[i]), fmt.Sprintf("%x", e.code), lines[i])
		}
	}
}
