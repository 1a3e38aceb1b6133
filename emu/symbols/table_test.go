// SPDX-License-Identifier: GPL-2.0-or-later

package symbols

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/internal/testelf"
)

func image(sections []testelf.Section, symbols []testelf.Symbol) []byte {
	return testelf.Image{Sections: sections, Symbols: symbols}.Bytes()
}

func sym(name string, info byte, section uint16, address, size uint64) testelf.Symbol {
	return testelf.Symbol{Name: name, Info: info, Section: section, Address: address, Size: size}
}

func load(b []byte) (*Table, error) { return Load(bytes.NewReader(b), int64(len(b))) }

// kernel is a text section at 0x1000, data at 0x3000 and per-CPU data at 0.
func kernel(t *testing.T) *Table {
	t.Helper()
	table, err := load(image([]testelf.Section{
		{Name: ".text", Type: testelf.Progbits, Flags: testelf.Alloc | testelf.Exec, Address: 0x1000, Data: make([]byte, 0x1000)},
		{Name: ".data", Type: testelf.Nobits, Flags: testelf.Alloc, Address: 0x3000, Size: 0x1000},
		{Name: ".data..percpu", Type: testelf.Nobits, Flags: testelf.Alloc, Address: 0, Size: 0x1000},
	}, []testelf.Symbol{
		sym("entry.c", testelf.Local|testelf.File, testelf.Absolute, 0, 0),
		sym("_text", testelf.Global|testelf.Notype, 1, 0x1000, 0),
		sym("startup", testelf.Global|testelf.Function, 1, 0x1000, 0x10),
		sym("helper", testelf.Local|testelf.Function, 1, 0x1100, 0x20),
		sym("entry", testelf.Global|testelf.Function, 1, 0x1200, 0x100),
		sym("entry_safe_stack", testelf.Global|testelf.Notype, 1, 0x1240, 0),
		sym("inner", testelf.Local|testelf.Function, 1, 0x1260, 0x10),
		sym("__sys_alias", testelf.Weak|testelf.Function, 1, 0x1400, 0x40),
		sym("sys", testelf.Global|testelf.Function, 1, 0x1400, 0x40),
		sym("helper", testelf.Global|testelf.Function, 1, 0x1500, 8),
		sym("variable", testelf.Global|testelf.Object, 2, 0x3000, 8),
		sym("cpu_number", testelf.Global|testelf.Object, 3, 0x20, 8),
		sym("a_constant", testelf.Global|testelf.Notype, testelf.Absolute, 0x1208, 0),
		sym("undefined", testelf.Global|testelf.Function, 0, 0, 0),
	}))
	require.NoError(t, err)
	return table
}

func TestAnAddressIsNamedByItsSymbolAndOffset(t *testing.T) {
	table := kernel(t)
	for _, test := range []struct {
		what    string
		address uint64
		want    string
	}{
		{"a testelf.Function before a label of the linker", 0x1000, "startup"},
		{"within", 0x100f, "startup+0xf"},
		{"padding behind a function", 0x1050, "startup+0x50"},
		{"a static function", 0x1104, "helper+0x4"},
		{"an testelf.Absolute symbol is no place", 0x1208, "entry+0x8"},
		{"a label in a function", 0x1244, "entry_safe_stack+0x4"},
		{"a testelf.Function in a function", 0x1268, "inner+0x8"},
		{"behind it, still in the outer one", 0x1280, "entry+0x80"},
		{"the testelf.Global one of two aliases", 0x1404, "sys+0x4"},
		{"data", 0x3004, "variable+0x4"},
		{"before every section", 0xfff, ""},
		{"between sections", 0x2000, ""},
		{"behind them", 0x4000, ""},
		{"an address as small as a per-CPU offset", 0x24, ""},
		{"the highest", ^uint64(0), ""},
	} {
		require.Equal(t, test.want, table.Name(test.address), test.what)
	}
	name, start := table.At(0x1404)
	require.Equal(t, "sys", name)
	require.EqualValues(t, 0x1400, start)
}

func TestANameHasOneAddress(t *testing.T) {
	table := kernel(t)
	for name, want := range map[string]uint64{"entry": 0x1200, "helper": 0x1500, "cpu_number": 0x20, "a_constant": 0x1208, "__sys_alias": 0x1400} {
		address, ok := table.Address(name)
		require.True(t, ok, name)
		require.Equal(t, want, address, name)
	}
	for _, name := range []string{"", "undefined", "entry.c"} {
		_, ok := table.Address(name)
		require.False(t, ok, name)
	}
	s, _ := table.Symbol("cpu_number")
	require.True(t, s.Absolute)
	require.Equal(t, 12, table.Len())
	require.Len(t, table.Symbols(), 12)
}

func TestSectionsAreListed(t *testing.T) {
	table := kernel(t)
	text, ok := table.Section(".text")
	require.True(t, ok)
	require.Equal(t, Section{Name: ".text", Address: 0x1000, Size: 0x1000, Offset: 64, Allocated: true, Executable: true}, text)
	_, ok = table.Section(".BTF")
	require.False(t, ok)
	require.Len(t, table.Sections(), 7)
}

func TestImagesWithoutUsableSymbols(t *testing.T) {
	good := []testelf.Symbol{sym("f", testelf.Global|testelf.Function, 1, 0x1000, 1)}
	text := testelf.Section{Name: ".text", Type: testelf.Progbits, Flags: testelf.Alloc, Address: 0x1000, Data: make([]byte, 16)}
	for _, test := range []struct {
		name  string
		file  []byte
		err   error
		says  string
		table bool // the sections are known all the same
	}{
		{"empty", nil, ErrNoSymbols, "it is not an ELF file", false},
		{"not ELF", []byte("hello"), ErrNoSymbols, "it is not an ELF file", false},
		{"half a header", []byte("\x7fELF\x02\x01\x01"), ErrMalformed, "EOF", false},
		{"stripped", image([]testelf.Section{text}, nil), ErrNoSymbols, "no symbol table", true},
		{"only undefined ones", image([]testelf.Section{text}, []testelf.Symbol{sym("f", testelf.Global, 0, 0, 0)}), ErrNoSymbols, "no symbol table", true},
		{"a symbol table beyond the file", image([]testelf.Section{text, {Name: "s", Type: testelf.Symtab, Link: 1, Size: 1 << 40, Data: make([]byte, 24)}}, good), ErrMalformed, "section s ends beyond the file", true},
		{"strings in no section", image([]testelf.Section{text, {Name: "s", Type: testelf.Symtab, Link: 99, Data: make([]byte, 48)}}, nil), ErrMalformed, "in section 99, and there are", true},
		{"strings without contents", image([]testelf.Section{text, {Name: "s", Type: testelf.Symtab, Link: 3, Data: make([]byte, 48)}, {Name: "n", Type: testelf.Nobits, Size: 9}}, nil), ErrMalformed, "section n has no contents", true},
		{"odd symbol table", image([]testelf.Section{text, {Name: "s", Type: testelf.Symtab, Link: 1, Data: make([]byte, 25)}}, nil), ErrMalformed, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			table, err := load(test.file)
			require.ErrorIs(t, err, test.err)
			require.ErrorContains(t, err, test.says)
			require.Equal(t, test.table, table != nil)
			if table != nil {
				require.Empty(t, table.Name(0x1000))
				_, ok := table.Section(".text")
				require.True(t, ok)
			}
		})
	}
}

// FuzzLoad: whatever the file, symbols and lines are read or refused.
func FuzzLoad(f *testing.F) {
	f.Add(image([]testelf.Section{{Name: ".text", Type: testelf.Progbits, Flags: testelf.Alloc, Address: 0x1000, Data: make([]byte, 16)}},
		[]testelf.Symbol{sym("f", testelf.Global|testelf.Function, 1, 0x1000, 1)}))
	f.Add(withLines(lineUnit4()))
	f.Add(withLines(lineUnit5()))
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := load(b)
		if err == nil && table.Len() == 0 {
			t.Fatal("neither symbols nor an error")
		}
		if table != nil {
			table.Line(0x1004)
			table.Name(0x1004)
		}
	})
}
