// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/arch/x86/x86asm"
)

// The vector library of the C library is AVX2 and AVX-512 throughout: code is
// taken apart at the same addresses as by objdump.
func TestInstructionsBeginWhereObjdumpSays(t *testing.T) {
	library, err := exec.Command("gcc", "-print-file-name=libmvec.a").Output()
	require.NoError(t, err)
	linked := filepath.Join(t.TempDir(), "linked")
	out, err := exec.Command("ld", "--unresolved-symbols=ignore-all", "-e", "0", "--whole-archive", strings.TrimSpace(string(library)), "-o", linked).CombinedOutput()
	require.NoError(t, err, "libmvec.a of libc6-dev: %s", out)
	listing, err := exec.Command("objdump", "-d", "-j", ".text", "--no-show-raw-insn", linked).Output()
	require.NoError(t, err)
	f, err := elf.Open(linked)
	require.NoError(t, err)
	defer f.Close()
	text := f.Section(".text")
	code, err := text.Data()
	require.NoError(t, err)

	here := map[uint64]bool{}
	vectors := 0
	for x := range decode(code, text.Addr) {
		here[x.address] = true
		if x.vector != nil {
			vectors++
		}
	}
	there := 0
	for _, line := range strings.Split(string(listing), "\n") {
		at, _, ok := strings.Cut(strings.TrimSpace(line), ":\t")
		if !ok {
			continue
		}
		address, err := strconv.ParseUint(at, 16, 64)
		require.NoError(t, err)
		there++
		require.True(t, here[address], line)
	}
	require.Len(t, here, there)
	require.Greater(t, vectors, 9000)
}

func TestVectorInstructionsHaveTheirOperands(t *testing.T) {
	for _, test := range []struct {
		code, what string
		memory     x86asm.Mem // zero for none
	}{
		{"c5f877", "vzeroupper", x86asm.Mem{}},
		{"c5f970c04e", "vpshufd $0x4e, %xmm0, %xmm0", x86asm.Mem{}},
		{"c4e37939c001", "vextracti128 $1, %ymm0, %xmm0", x86asm.Mem{}},
		{"c5f8ae5c24f8", "vstmxcsr -8(%rsp)", x86asm.Mem{Base: x86asm.RSP, Disp: -8}},
		{"c5fa104424f0", "vmovss -16(%rsp), %xmm0", x86asm.Mem{Base: x86asm.RSP, Disp: -16}},
		{"c5fd6f0d00010000", "vmovdqa 0x100(%rip), %ymm1", x86asm.Mem{Base: x86asm.RIP, Disp: 0x100}},
		{"c4c17a6f0424", "vmovdqu (%r12), %xmm0", x86asm.Mem{Base: x86asm.R12}},
		{"c4817a6f44bd10", "vmovdqu 0x10(%r13,%r15,4), %xmm0", x86asm.Mem{Base: x86asm.R13, Index: x86asm.R15, Scale: 4, Disp: 0x10}},
		{"62f17c48114424ff", "vmovups %zmm0, -64(%rsp): EVEX counts in units of 64 bytes", x86asm.Mem{Base: x86asm.RSP, Disp: -1}},
		{"65c5f910042528000000", "vmovupd %gs:0x28, %xmm0", x86asm.Mem{Segment: x86asm.GS, Disp: 0x28}},
	} {
		code := unhex(t, test.code)
		v, ok := decodeVector(append(code, 0x90))
		require.True(t, ok, test.what)
		require.Len(t, code, v.length, test.what)
		require.Equal(t, test.memory, v.Mem, test.what)
		require.Equal(t, test.memory != x86asm.Mem{}, v.inMemory, test.what)
		for n := range code {
			_, ok := decodeVector(code[:n])
			require.False(t, ok, "%s, cut after %d bytes", test.what, n)
		}
	}
	_, ok := decodeVector([]byte{0x90, 0x90, 0x90, 0x90})
	require.False(t, ok)
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	text = strings.ReplaceAll(text, " ", "")
	var b []byte
	for n := 0; n+2 <= len(text); n += 2 {
		v, err := strconv.ParseUint(text[n:n+2], 16, 8)
		require.NoError(t, err)
		b = append(b, byte(v))
	}
	return b
}
