// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

import (
	"bufio"
	"debug/elf"
	"encoding/hex"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/internal/cache"
)

func TestDecodeLengthsAndClasses(t *testing.T) {
	for _, c := range []struct {
		bits   int
		code   string
		length int
		class  Class
	}{
		{64, "90", 1, Plain}, {64, "f390", 2, Plain}, {64, "f30f1efa", 4, Plain},
		{64, "48b88877665544332211", 10, Plain}, {64, "b844332211", 5, Plain}, {64, "66b82211", 4, Plain},
		{32, "b844332211", 5, Plain}, {16, "b82211", 3, Plain}, {16, "66b844332211", 6, Plain},
		{64, "8b0425 44332211", 7, Plain}, {64, "8b0544332211", 6, Plain}, {64, "8b4424 08", 4, Plain}, {64, "8b842400010000", 7, Plain},
		{32, "8b0544332211", 6, Plain}, {16, "8b062211", 4, Plain}, {16, "8b4608", 3, Plain}, {16, "8b862211", 4, Plain},
		{16, "67 8b0424", 4, Plain}, {32, "67 8b062211", 5, Plain},
		{64, "a1 8877665544332211", 9, Plain}, {64, "67 a1 44332211", 6, Plain}, {32, "a144332211", 5, Plain}, {16, "a12211", 3, Plain},
		{64, "e844332211", 5, Plain}, {64, "66e844332211", 6, Near}, {64, "6648e844332211", 7, Plain}, {32, "66e82211", 4, Plain}, {16, "e82211", 3, Plain},
		{64, "0f8444332211", 6, Plain}, {16, "0f842211", 4, Plain},
		{64, "f6c001", 3, Plain}, {64, "f6d0", 2, Plain}, {64, "f7c044332211", 6, Plain}, {64, "f7d8", 2, Plain}, {64, "66f7c02211", 5, Plain},
		{64, "c8221100", 4, ENTER}, {32, "c8221100", 4, Plain}, {32, "9a443322110800", 7, Segment}, {16, "ea22110800", 5, Segment},
		{64, "c5f877", 3, Undefined}, {64, "c4e27d580411", 6, Undefined}, {64, "c4e37d0fc108", 6, Undefined}, {64, "c4e270f20411", 6, Plain}, {32, "c50411", 3, Plain}, {32, "c40411", 3, Plain},
		{64, "660f3a0fc108", 6, Plain}, {64, "0f38f00411", 5, Plain},
		{64, "e460", 2, In}, {64, "ec", 1, In}, {64, "e680", 2, Out}, {64, "66ef", 2, Out}, {64, "f36c", 2, Ins}, {64, "6e", 1, Outs},
		{64, "f4", 1, HLT}, {64, "0fa2", 2, CPUID}, {64, "0f32", 2, RDMSR}, {64, "0f30", 2, WRMSR},
		{64, "0f20c0", 3, MovFromCR}, {64, "0f22d8", 3, MovToCR}, {64, "0f2200", 3, MovToCR}, {64, "0f21f8", 3, MovFromDR}, {64, "0f23f8", 3, MovToDR},
		{64, "0f01f0", 3, LMSW}, {64, "0f0130", 3, LMSW}, {64, "0f06", 2, CLTS}, {64, "0f0138", 3, INVLPG}, {64, "0f0110", 3, LGDT}, {64, "0f0118", 3, LIDT},
		{64, "660f388200", 5, INVPCID}, {64, "0f01d1", 3, XSETBV}, {64, "0f01d0", 3, Plain},
		{64, "0f05", 2, SYSCALL}, {64, "480f07", 3, SYSRET}, {64, "0f34", 2, SYSENTER}, {64, "480f35", 3, SYSEXIT}, {64, "48cf", 2, IRET},
		{64, "cd80", 2, INT}, {64, "cc", 1, INT3}, {32, "ce", 1, INTO}, {64, "f1", 1, INT1},
		{64, "0f01cb", 3, StacClac}, {64, "f3480faed8", 5, WriteFSGSBase}, {64, "f3480faec8", 5, Plain}, {64, "0fc7f0", 3, RDRAND}, {64, "9d", 1, POPF}, {64, "0f2904 24", 4, Aligned}, {64, "0f28c1", 3, Plain}, {64, "0f1000", 3, Plain},
		{64, "0f01c8", 3, Monitor}, {64, "0f01f8", 3, SWAPGS}, {64, "0f33", 2, RDPMC}, {64, "0f00d8", 3, LTR},
		{64, "9c", 1, PUSHF}, {64, "fb", 1, STI}, {64, "8ed0", 2, LoadSS}, {32, "8ed0", 2, MovSS}, {64, "8ed8", 2, Segment}, {32, "17", 1, MovSS},
		{64, "0f31", 2, RDTSC}, {64, "0f01f9", 3, RDTSC}, {64, "c3", 1, Ret}, {64, "c20800", 3, Ret}, {64, "ffe0", 2, JmpIndirect}, {64, "ffd0", 2, CallIndirect},
		{64, "f3aa", 2, RepString}, {64, "aa", 1, Plain}, {64, "f248af", 3, RepString}, {64, "0f00d0", 3, LLDT}, {32, "0f00d0", 3, Segment}, {64, "480fb400", 4, LoadFar}, {64, "0fb400", 3, Segment}, {64, "0fb200", 3, LoadFar}, {64, "0f02c0", 3, LAR}, {64, "0fae38", 3, CLFLUSH},
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(c.code, " ", ""))
		require.NoError(t, err)
		got := Decode(code, c.bits)
		require.Equal(t, c.length, got.Length, "length of %s, %d bits", c.code, c.bits)
		require.Equal(t, c.class, got.Class, "class of %s, %d bits", c.code, c.bits)
		for n := range code {
			require.Zero(t, Decode(code[:n], c.bits).Length, "%s cut to %d bytes", c.code, n)
		}
	}
}

// An instruction that reads its memory operand to write it, and one that goes
// through the stack segment.
func TestDecodeOperands(t *testing.T) {
	for code, want := range map[string][2]bool{ // RMW, Stack
		"0103": {true, false}, "8903": {false, false}, "8b03": {false, false}, "3903": {false, false}, "8703": {true, false},
		"01c3": {false, false}, "f00fb10b": {true, false}, "0fab03": {true, false}, "0fba2b05": {true, false}, "0fba2305": {false, false},
		"ff03": {true, false}, "f71b": {true, false}, "f723": {false, false}, "8b0424": {false, true}, "8b4500": {false, true},
		"418b4500": {false, false}, "418b0424": {false, false}, "658b0424": {false, false}, "50": {false, true}, "c3": {false, true},
		"c9": {false, true}, "8303ff": {true, false}, "833bff": {false, false}, "d103": {true, false},
	} {
		b, err := hex.DecodeString(code)
		require.NoError(t, err)
		i := Decode(b, 64)
		require.Equal(t, want, [2]bool{i.RMW, i.Stack}, code)
	}
}

// A sample of what the next test compares, for where there is no guest.
func TestDecodeAgreesWithTheSample(t *testing.T) {
	sample, err := os.ReadFile("testdata/instructions.txt")
	require.NoError(t, err)
	compared := 0
	for line := range strings.Lines(string(sample)) {
		code, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			require.True(t, strings.HasPrefix(line, "#"))
			continue
		}
		require.Equal(t, len(code), Decode(append(code, 0x90, 0x90), 64).Length, "%x", code)
		require.Zero(t, Decode(code[:len(code)-1], 64).Length, "%x less a byte", code)
		compared++
	}
	require.Greater(t, compared, 1000)
}

// The same lengths as objdump's, over all of a kernel's .text.
func TestDecodeAgreesWithObjdumpOverAKernel(t *testing.T) {
	path := cache.Guest("stock", "vmlinux")
	f, err := elf.Open(path)
	require.NoError(t, err, "run make guests")
	defer f.Close()
	text := f.Section(".text")
	code, err := text.Data()
	require.NoError(t, err)

	cmd := exec.Command("objdump", "-d", "-w", "-z", "--section=.text", "--no-show-raw-insn", path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var at uint64
	var mnemonic string
	compared := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		address, rest, ok := strings.Cut(lines.Text(), ":\t")
		if !ok {
			at = 0 // a function's name: what was before it is padding at times
			continue
		}
		next, err := strconv.ParseUint(strings.TrimSpace(address), 16, 64)
		require.NoError(t, err)
		if at != 0 && !strings.Contains(mnemonic, "(bad)") {
			got := Decode(code[at-text.Addr:], 64)
			if int(next-at) <= 15 { // objdump folds what it can't read
				require.Equal(t, int(next-at), got.Length, "%#x: %s: % x", at, mnemonic, got.Bytes)
				compared++
			}
		}
		at, mnemonic = next, rest
	}
	require.NoError(t, cmd.Wait())
	require.Greater(t, compared, 500_000)
	t.Logf("%d instructions", compared)
}

// Decode gives the same answer whatever follows the instruction, never reads
// past the bytes it was given, and never says that there were more.
func FuzzDecode(f *testing.F) {
	for _, code := range []string{"90", "48b88877665544332211", "c4e37d0fc108", "f0f2f36667480fc7", "0f3a", "c5", "62f17c4828c1"} {
		b, err := hex.DecodeString(code)
		require.NoError(f, err)
		f.Add(b, uint8(0))
	}
	f.Fuzz(func(t *testing.T, code []byte, mode uint8) {
		bits := []int{16, 32, 64}[mode%3]
		i := Decode(code, bits)
		require.LessOrEqual(t, i.Length, min(len(code), 15))
		if i.Length == 0 {
			return
		}
		exact := Decode(code[:i.Length:i.Length], bits)
		require.Equal(t, i.Length, exact.Length)
		require.Equal(t, i.Class, exact.Class)
		require.Zero(t, Decode(code[:i.Length-1], bits).Length, "a byte less is not enough")
	})
}
