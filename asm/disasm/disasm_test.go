// SPDX-License-Identifier: GPL-2.0-or-later

package disasm

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/internal/cache"
)

// sample reads lines of "bytes text".
func sample(t *testing.T, name string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	lines := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if code, text, ok := strings.Cut(strings.TrimSpace(line), " "); ok && code != "#" {
			lines[code] = text
		}
	}
	require.NotEmpty(t, lines)
	return lines
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// objdump names what these use implicitly; the manual does not.
var withoutImplicit = map[string]string{
	"monitorx %rax,%ecx,%edx": "monitorx",
	"mwaitx %eax,%ecx,%ebx":   "mwaitx",
	"ptwriteq (%rax)":         "ptwrite (%rax)",
	"ptwritel 0x4(%rax)":      "ptwrite 0x4(%rax)",
}

func TestSystemInstructionsReadAsObjdumpWritesThem(t *testing.T) {
	for code, want := range sample(t, "system.txt") {
		if short, ok := withoutImplicit[want]; ok {
			want = short
		}
		inst, err := Decode(append(unhex(t, code), 0x90, 0x90), 64)
		require.NoError(t, err, "%s %s", code, want)
		require.Equal(t, len(code)/2, inst.Len, "%s %s", code, want)
		require.Equal(t, want, inst.Text(GNU, 0, nil), code)
	}
}

func TestInstructionsOfAKernelHaveTheirLengths(t *testing.T) {
	for code, name := range sample(t, "kernel.txt") {
		inst, err := Decode(unhex(t, code), 64)
		require.NoError(t, err, "%s %s", code, name)
		require.Equal(t, len(code)/2, inst.Len, "%s %s", code, name)
	}
}

// Where objdump and we see different things: it joins FWAIT and FNINIT as an
// assembler takes them, and knows AMX, which x86asm does not.
func knownDifference(code []byte, text string) bool {
	return bytes.HasPrefix(code, []byte{0x9b, 0xdb}) || strings.HasPrefix(text, "(bad)") || strings.HasPrefix(text, "tilerelease")
}

// The kernel that "make guests" builds, whole, when it is there; the sample
// above is of it.
func TestEveryInstructionOfTheBuiltKernelHasObjdumpsLength(t *testing.T) {
	kernel := cache.Guest("stock", "vmlinux")
	if _, err := os.Stat(kernel); err != nil {
		t.Logf("no %s: the sample stands for it", kernel)
		return
	}
	objdump := exec.Command("objdump", "-d", "-w", "--insn-width=16", kernel)
	out, err := objdump.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, objdump.Start())
	instructions, different := 0, 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) < 3 {
			continue
		}
		code, err := hex.DecodeString(strings.ReplaceAll(fields[1], " ", ""))
		require.NoError(t, err)
		instructions++
		inst, err := Decode(code, 64)
		if (err != nil || inst.Len != len(code)) && !knownDifference(code, fields[2]) {
			different++
			t.Errorf("%s: length %d, error %v", lines.Text(), inst.Len, err)
		}
		if different > 20 {
			break
		}
	}
	require.NoError(t, lines.Err())
	require.NoError(t, objdump.Wait())
	require.Greater(t, instructions, 1_000_000)
	t.Logf("%d instructions", instructions)
}

func TestIntelSyntax(t *testing.T) {
	for code, want := range map[string]string{
		"0f01cb":                 "stac",
		"f30f1efa":               "endbr64",
		"f3490f1ec9":             "rdsspq r9",
		"4c0f38f64c8f08":         "wrssq qword ptr [rdi+4*rcx+0x8], r9",
		"65660f38810c2510000000": "invvpid rcx, gs:[0x10]",
		"f30f012d10000000":       "rstorssp [rip+0x10]",
		"f20f00f0":               "lkgs ax",
		"f20f0030":               "lkgs word ptr [rax]",
		"f30f01ca":               "eretu",
		"f20f01ca":               "erets",
		"0f01c6":                 "wrmsrns",
		"48cf":                   "iretq",
		"0f05":                   "syscall",
	} {
		inst, err := Decode(unhex(t, code), 64)
		require.NoError(t, err, code)
		require.Equal(t, len(code)/2, inst.Len, code)
		require.Equal(t, want, inst.Text(Intel, 0, nil), code)
	}
}

func TestTheOverlayHoldsInOtherModes(t *testing.T) {
	for _, test := range []struct {
		code string
		mode int
		want string
	}{
		{"0f01ca", 32, "clac"},
		{"0f01ca", 16, "clac"},
		{"f30f1efb", 32, "endbr32"},
		{"f30f1ec9", 32, "rdsspd %ecx"},
		{"490f01ca", 64, "clac"}, // REX is ignored
		{"260f01ca", 64, "clac"}, // and a segment is
	} {
		inst, err := Decode(unhex(t, test.code), test.mode)
		require.NoError(t, err, test.code)
		require.Equal(t, len(test.code)/2, inst.Len)
		require.Equal(t, test.want, inst.Text(GNU, 0, nil))
	}
}

func TestWhatCannotBeDecoded(t *testing.T) {
	for _, test := range []struct {
		code string
		mode int
		want error
	}{
		{"", 64, ErrTruncated},
		{"f3", 64, ErrTruncated},
		{"f30f", 64, ErrTruncated},
		{"f30f1e", 64, ErrTruncated},
		{"0f01", 64, ErrTruncated},
		{"f30fc7", 64, ErrTruncated},
		{"0f38f6", 64, ErrTruncated},
		{"0f38f647", 64, ErrTruncated},
		{"e8000000", 64, ErrTruncated},
		{"06", 64, ErrUnknown},                             // PUSH ES
		{"f00f01ca", 64, ErrUnknown},                       // LOCK CLAC is #UD
		{"660f01ca", 64, ErrUnknown},                       // 66 is not NP
		{"666666666666666666666666666666", 64, ErrUnknown}, // 15 prefixes
		{"90", 8, ErrMode},
	} {
		_, err := Decode(unhex(t, test.code), test.mode)
		require.ErrorIs(t, err, test.want, "%q", test.code)
	}
}

func TestDisassembleGoesOnAfterWhatItDoesNotKnow(t *testing.T) {
	symbols := func(a uint64) (string, uint64) {
		if a >= 0x2000 {
			return "there", 0x2000
		}
		return "", 0
	}
	var text []string
	for _, line := range Disassemble(unhex(t, "f30f1efa06e8f20f00000f01"), 0x1005, 64, GNU, symbols) {
		text = append(text, line.String())
	}
	require.Equal(t, []string{
		"1005:\tf3 0f 1e fa\tendbr64",
		"1009:\t06\t(bad)",
		"100a:\te8 f2 0f 00 00\tcallq 0x2001 <there+0x1>",
		"100f:\t0f\t(bad)",
		"1010:\t01\t(bad)",
	}, text)
}

// No bytes make the decoder panic or read beyond them.
func FuzzDecode(f *testing.F) {
	f.Add(unhexSeed("f30f1efa"), uint64(0), 64)
	f.Add(unhexSeed("65660f38810c2510000000"), uint64(1)<<63, 64)
	f.Add(unhexSeed("0f38f64708"), uint64(0), 32)
	f.Fuzz(func(t *testing.T, code []byte, pc uint64, mode int) {
		inst, err := Decode(code, mode)
		if err != nil {
			return
		}
		if inst.Len < 1 || inst.Len > len(code) || inst.Len > Longest {
			t.Fatalf("% x has length %d", code, inst.Len)
		}
		for _, syntax := range []Syntax{GNU, Intel} {
			if inst.Text(syntax, pc, nil) == "" {
				t.Fatalf("% x has no text", code)
			}
		}
	})
}

func unhexSeed(s string) []byte {
	b, _ := hex.DecodeString(s)
	return b
}
