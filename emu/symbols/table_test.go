// SPDX-License-Identifier: GPL-2.0-or-later

package symbols

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func load(b []byte) (*Table, error) { return Load(bytes.NewReader(b), int64(len(b))) }

// kernel is a text section at 0x1000, data at 0x3000 and per-CPU data at 0.
func kernel(t *testing.T) *Table {
	t.Helper()
	table, err := load(elfImage([]testSection{
		{name: ".text", typ: progbits, flags: alloc | exec, address: 0x1000, data: make([]byte, 0x1000)},
		{name: ".data", typ: nobits, flags: alloc, address: 0x3000, size: 0x1000},
		{name: ".data..percpu", typ: nobits, flags: alloc, address: 0, size: 0x1000},
	}, []testSymbol{
		{"entry.c", local | file, absolute, 0, 0},
		{"_text", global | notype, 1, 0x1000, 0},
		{"startup", global | function, 1, 0x1000, 0x10},
		{"helper", local | function, 1, 0x1100, 0x20},
		{"entry", global | function, 1, 0x1200, 0x100},
		{"entry_safe_stack", global | notype, 1, 0x1240, 0},
		{"inner", local | function, 1, 0x1260, 0x10},
		{"__sys_alias", weak | function, 1, 0x1400, 0x40},
		{"sys", global | function, 1, 0x1400, 0x40},
		{"helper", global | function, 1, 0x1500, 8},
		{"variable", global | object, 2, 0x3000, 8},
		{"cpu_number", global | object, 3, 0x20, 8},
		{"a_constant", global | notype, absolute, 0x1208, 0},
		{"undefined", global | function, 0, 0, 0},
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
		{"a function before a label of the linker", 0x1000, "startup"},
		{"within", 0x100f, "startup+0xf"},
		{"padding behind a function", 0x1050, "startup+0x50"},
		{"a static function", 0x1104, "helper+0x4"},
		{"an absolute symbol is no place", 0x1208, "entry+0x8"},
		{"a label in a function", 0x1244, "entry_safe_stack+0x4"},
		{"a function in a function", 0x1268, "inner+0x8"},
		{"behind it, still in the outer one", 0x1280, "entry+0x80"},
		{"the global one of two aliases", 0x1404, "sys+0x4"},
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
	good := []testSymbol{{"f", global | function, 1, 0x1000, 1}}
	text := testSection{name: ".text", typ: progbits, flags: alloc, address: 0x1000, data: make([]byte, 16)}
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
		{"stripped", elfImage([]testSection{text}, nil), ErrNoSymbols, "no symbol table", true},
		{"only undefined ones", elfImage([]testSection{text}, []testSymbol{{"f", global, 0, 0, 0}}), ErrNoSymbols, "no symbol table", true},
		{"a symbol table beyond the file", elfImage([]testSection{text, {name: "s", typ: symtab, link: 1, size: 1 << 40, data: make([]byte, 24)}}, good), ErrMalformed, "section s ends beyond the file", true},
		{"strings in no section", elfImage([]testSection{text, {name: "s", typ: symtab, link: 99, data: make([]byte, 48)}}, nil), ErrMalformed, "in section 99, and there are", true},
		{"strings without contents", elfImage([]testSection{text, {name: "s", typ: symtab, link: 3, data: make([]byte, 48)}, {name: "n", typ: nobits, size: 9}}, nil), ErrMalformed, "section n has no contents", true},
		{"odd symbol table", elfImage([]testSection{text, {name: "s", typ: symtab, link: 1, data: make([]byte, 25)}}, nil), ErrMalformed, "", true},
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
	f.Add(elfImage([]testSection{{name: ".text", typ: progbits, flags: alloc, address: 0x1000, data: make([]byte, 16)}},
		[]testSymbol{{"f", global | function, 1, 0x1000, 1}}))
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
