// SPDX-License-Identifier: GPL-2.0-or-later

package symbols

import (
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/internal/cache"
	"github.com/uklemu/uklemu/internal/testelf"
)

func join(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case string:
			b = append(b, p...)
		case []byte:
			b = append(b, p...)
		case uint16:
			b = binary.LittleEndian.AppendUint16(b, p)
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, p)
		case uint64:
			b = binary.LittleEndian.AppendUint64(b, p)
		}
	}
	return b
}

// standardLengths are standard_opcode_lengths of opcodes 1 to 12.
var standardLengths = []byte{0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1}

// program has rows at 0x1000 (file 1, line 10), 0x1004 (line 11), 0x1010
// (file 2, line 5), 0x1013 (line 0) and ends at 0x1020; then a sequence that
// the linker dropped, at 0.
func program() []byte {
	const opcodeBase, lineBase, lineRange = 13, -5, 14
	special := func(address, line int) int { return line - lineBase + lineRange*address + opcodeBase }
	return join(
		opExtended, 9, opSetAddress, uint64(0x1000),
		opAdvanceLine, 9, opCopy,
		5, 7, // DW_LNS_set_column 7, which is skipped
		special(4, 1),
		opAdvancePC, 12, opSetFile, 2, opAdvanceLine, 0x7a /* -6 */, opCopy,
		opFixedAdvancePC, uint16(3), opAdvanceLine, 0x7b /* -5 */, opCopy,
		opAdvancePC, 13, opExtended, 1, opEndSequence,
		opExtended, 9, opSetAddress, uint64(0), opCopy,
		opAdvancePC, 0x80, 0x20, opExtended, 1, opEndSequence,
	)
}

func unit(version uint16, lead []byte, names []byte) []byte {
	header := join(1, version4(version), 1, 0xfb /* -5 */, 14, 13, standardLengths, names)
	body := join(version, lead, uint32(len(header)), header, program())
	return join(uint32(len(body)), body)
}

// version4 is maximum_operations_per_instruction, which version 4 brought.
func version4(version uint16) []byte {
	if version >= 4 {
		return []byte{1}
	}
	return nil
}

func names4() []byte {
	return join("include\x00", "/usr/include\x00", 0, "main.c\x00", 0, 0, 0, "list.h\x00", 1, 0, 0, 0)
}

func lineUnit4() []byte { return unit(4, nil, names4()) }

func lineUnit5() []byte {
	names := join(
		1, contentPath, formLineStrp, 2, uint32(0), uint32(7), // "/build", "include"
		2, contentPath, formString, contentFolder, formUdata, 3, "main.c\x00", 0, "main.c\x00", 0, "list.h\x00", 1,
	)
	return unit(5, []byte{8, 0}, names)
}

func withLines(debugLine []byte) []byte {
	return image([]testelf.Section{
		{Name: ".text", Type: testelf.Progbits, Flags: testelf.Alloc | testelf.Exec, Address: 0x1000, Data: make([]byte, 64)},
		{Name: ".debug_line", Type: testelf.Progbits, Data: debugLine},
		{Name: ".debug_line_str", Type: testelf.Progbits, Data: []byte("/build\x00include\x00")},
	}, []testelf.Symbol{sym("f", testelf.Global|testelf.Function, 1, 0x1000, 64)})
}

func TestLinesOfEachVersion(t *testing.T) {
	for name, debugLine := range map[string][]byte{
		"version 2":              unit(2, nil, names4()),
		"version 4":              lineUnit4(),
		"version 5":              lineUnit5(),
		"behind an unknown unit": join(uint32(4), uint16(9), uint16(0), lineUnit5()),
	} {
		t.Run(name, func(t *testing.T) {
			table, err := load(withLines(debugLine))
			require.NoError(t, err)
			require.True(t, table.HasLines())
			require.NoError(t, table.LinesError())
			for address, want := range map[uint64]string{
				0x1000: "main.c:10", 0x1003: "main.c:10", 0x1004: "main.c:11", 0x100f: "main.c:11", 0x1010: "include/list.h:5",
			} {
				line, ok := table.Line(address)
				require.True(t, ok, "%#x", address)
				require.Equal(t, want, line.String(), "%#x", address)
			}
			for _, address := range []uint64{0, 0x10, 0xfff, 0x1013, 0x101f, 0x1020, ^uint64(0)} {
				_, ok := table.Line(address)
				require.False(t, ok, "%#x", address)
			}
		})
	}
}

func TestLinesThatCannotBeRead(t *testing.T) {
	table, err := load(image([]testelf.Section{{Name: ".text", Type: testelf.Progbits, Data: make([]byte, 9)}}, []testelf.Symbol{sym("f", testelf.Global, 1, 0, 0)}))
	require.NoError(t, err)
	require.False(t, table.HasLines())
	require.ErrorIs(t, table.LinesError(), ErrNoLines)

	for name, debugLine := range map[string][]byte{
		"a unit longer than the section":       join(uint32(100), "short"),
		"a 64-bit unit longer than everything": join(uint32(0xffffffff), ^uint64(0)),
	} {
		table, err := load(withLines(debugLine))
		require.NoError(t, err)
		require.ErrorIs(t, table.LinesError(), ErrMalformed, name)
	}
	// debug/dwarf would make a slice of that many names.
	absurd := unit(5, []byte{8, 0}, join(0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f))
	table, err = load(withLines(absurd))
	require.NoError(t, err)
	_, ok := table.Line(0x1000)
	require.False(t, ok)
}

// Every cut of a good section is read without falling over.
func TestLinesMayEndAnywhere(t *testing.T) {
	for _, b := range [][]byte{lineUnit4(), lineUnit5()} {
		for n := range b {
			for _, cut := range [][]byte{b[:n], join(uint32(n), b[4:4+min(n, len(b)-4)])} {
				_, err := decodeLines(cut, "/build\x00include\x00", "")
				if err != nil {
					require.ErrorIs(t, err, ErrMalformed)
				}
			}
		}
	}
}

// The kernel that "make guests" builds, if it is there: debug/dwarf, which may
// be trusted with it, sees the same lines.
func TestLinesOfTheBuiltKernelAreThoseOfDebugDwarf(t *testing.T) {
	path := cache.Guest("stock", "vmlinux")
	f, err := os.Open(path)
	if err != nil {
		t.Logf("no %s: the programs above stand for it", path)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	table, err := Load(f, info.Size())
	require.NoError(t, err)
	require.NoError(t, table.LinesError())
	image, err := elf.NewFile(f)
	require.NoError(t, err)
	data, err := image.DWARF()
	require.NoError(t, err)
	compared, different := 0, 0
	units := data.Reader()
	for {
		unit, err := units.Next()
		require.NoError(t, err)
		if unit == nil {
			break
		}
		units.SkipChildren()
		rows, err := data.LineReader(unit)
		require.NoError(t, err)
		if rows == nil {
			continue
		}
		var row, next dwarf.LineEntry
		for row.EndSequence = true; rows.Next(&next) == nil; row = next {
			if row.EndSequence || row.Address == next.Address || row.Line == 0 {
				continue
			}
			compared++
			if line, _ := table.Line(row.Address); line.Line != row.Line || filepath.Base(line.File) != filepath.Base(row.File.Name) {
				different++
				t.Errorf("%#x: %v, and debug/dwarf has %s:%d", row.Address, line, row.File.Name, row.Line)
			}
		}
		if different > 20 {
			break
		}
	}
	require.Greater(t, compared, 100_000)
	t.Logf("%d lines compared", compared)
}
