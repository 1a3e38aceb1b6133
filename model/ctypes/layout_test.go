// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes_test

import (
	"debug/elf"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/model/ctypes"
)

// compile makes an image of testdata/layout.c and gives its path.
func compile(t testing.TB, flags ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "layout")
	args := append([]string{"-nostdlib", "-static", "-Wl,--entry=0", "-o", out, "testdata/layout.c"}, flags...)
	text, err := exec.Command("gcc", args...).CombinedOutput()
	require.NoError(t, err, "%s", text)
	return out
}

func dwarfSections(t testing.TB, path string) ctypes.DWARF {
	t.Helper()
	f, err := elf.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	data := func(name string) []byte {
		s := f.Section(name)
		if s == nil {
			return nil
		}
		b, err := s.Data()
		require.NoError(t, err)
		return b
	}
	info := f.Section(".debug_info")
	return ctypes.DWARF{Info: io.NewSectionReader(info, 0, int64(info.Size)),
		Abbrev: data(".debug_abbrev"), Str: data(".debug_str"), StrOffsets: data(".debug_str_offsets")}
}

// sources are the ways in which layout.c can be described.
func sources(t *testing.T) map[string]*ctypes.Types {
	t.Helper()
	all := map[string]*ctypes.Types{}
	for _, flags := range [][]string{{"-gdwarf-2", "-gstrict-dwarf"}, {"-gdwarf-3", "-gstrict-dwarf"}, {"-gdwarf-4"}, {"-gdwarf-5"}, {"-gdwarf-5", "-gdwarf64"}} {
		types, err := ctypes.FromDWARF(dwarfSections(t, compile(t, flags...)))
		require.NoError(t, err)
		all[flags[0]+flags[len(flags)-1]] = types
	}
	file := filepath.Join(t.TempDir(), "btf")
	text, err := exec.Command("pahole", "-J", "--btf_gen_floats", "--btf_encode_detached="+file, compile(t, "-gdwarf-5")).CombinedOutput()
	require.NoError(t, err, "pahole, of the package dwarves: %s", text)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	all["BTF"], err = ctypes.FromBTF(b)
	require.NoError(t, err)
	return all
}

func TestFieldsAreWhereTheCompilerPutsThem(t *testing.T) {
	for source, types := range sources(t) {
		t.Run(source, func(t *testing.T) {
			for _, test := range []struct {
				structure, path   string
				offset, bit, size int64 // size in bits for a bit field, else in bytes
				kind              ctypes.Kind
			}{
				{"outer", "c", 0, 0, 1, ctypes.Int},
				{"outer", "in", 8, 0, 16, ctypes.Struct},
				{"outer", "in.x", 8, 0, 4, ctypes.Int},
				{"outer", "in.hi", 14, 0, 2, ctypes.Int},
				{"outer", "in.u.whole", 16, 0, 8, ctypes.Int},
				{"outer", "in.u.halves.right", 20, 0, 4, ctypes.Int},
				{"outer", "many", 24, 0, 48, ctypes.Array},
				{"outer", "many[2]", 56, 0, 16, ctypes.Struct},
				{"outer", "many[2].lo", 60, 0, 2, ctypes.Int},
				{"outer", "grid", 72, 0, 40, ctypes.Array},
				{"outer", "grid[7]", 100, 0, 4, ctypes.Int},
				{"outer", "where", 112, 0, 8, ctypes.Pointer},
				{"outer", "next", 120, 0, 8, ctypes.Pointer},
				{"outer", "anything", 128, 0, 8, ctypes.Pointer},
				{"outer", "call", 136, 0, 8, ctypes.Pointer},
				{"outer", "a", 144, 0, 3, ctypes.Int},
				{"outer", "b", 144, 3, 7, ctypes.Int},
				{"outer", "s", 145, 2, 6, ctypes.Int},
				{"outer", "far", 146, 0, 40, ctypes.Int},
				{"outer", "flag", 151, 0, 1, ctypes.Int},
				{"outer", "truth", 152, 0, 1, ctypes.Int},
				{"outer", "count", 160, 0, 8, ctypes.Int},
				{"outer", "color", 168, 0, 4, ctypes.Enum},
				{"outer", "sign", 172, 0, 4, ctypes.Enum},
				{"outer", "real", 176, 0, 8, ctypes.Float},
				{"outer", "p", 184, 0, 8, ctypes.Int},
				{"outer", "q[3]", 187, 0, 1, ctypes.Int},
				{"outer", "names[3]", 216, 0, 8, ctypes.Pointer},
				{"outer", "packed.deeper[1]", 226, 0, 1, ctypes.Int},
				{"outer", "tail", 227, 0, 0, ctypes.Array},
				{"outer", "tail[9]", 236, 0, 1, ctypes.Int},
				{"set_t", "bits[1]", 8, 0, 8, ctypes.Int},
			} {
				f, err := types.Field(test.structure, test.path)
				require.NoError(t, err, test.path)
				require.Equal(t, test.offset, f.Offset, test.path)
				require.Equal(t, test.bit, f.BitOffset, test.path)
				require.Equal(t, test.kind, f.Type.Kind, test.path)
				if f.BitSize != 0 {
					require.Equal(t, test.size, f.BitSize, test.path)
				} else {
					require.Equal(t, test.size, f.Type.Size, test.path)
				}
			}
			size, ok := types.Size("outer")
			require.True(t, ok)
			require.Equal(t, int64(232), size)
			for name, size := range map[string]int64{"set_t": 16, "u8": 1, "counter_t": 8, "color": 4, "long int": 8} {
				found, ok := types.Size(name)
				require.True(t, ok, name)
				require.Equal(t, size, found, name)
			}
		})
	}
}

func TestEnumeratorsHaveTheirValues(t *testing.T) {
	for source, types := range sources(t) {
		for name, want := range map[string]int64{"RED": 0, "GREEN": 7, "BLUE": 200, "MINUS": -5, "PLUS": 0x7fffffff, "UNNAMED_B": 4} {
			v, ok := types.EnumValue(name)
			require.True(t, ok, "%s of %s", name, source)
			require.Equal(t, want, v, "%s of %s", name, source)
		}
		_, ok := types.EnumValue("PURPLE")
		require.False(t, ok)
		f, err := types.Field("outer", "sign")
		require.NoError(t, err)
		require.True(t, f.Type.Signed)
		require.Equal(t, []ctypes.Value{{Name: "MINUS", Value: -5}, {Name: "PLUS", Value: 0x7fffffff}}, f.Type.Values)
	}
}

func TestPointersSayWhatTheyPointTo(t *testing.T) {
	for source, types := range sources(t) {
		for path, want := range map[string]string{
			"next": "struct outer", "anything": "void", "where": "unknown", "call": "function", "names[0]": "char",
		} {
			f, err := types.Field("outer", path)
			require.NoError(t, err)
			text := f.Type.Element().String()
			if path == "where" {
				text = f.Type.Element().Kind.String()
			}
			require.Equal(t, want, text, "%s of %s", path, source)
		}
	}
}

func TestPathsThatLeadNowhereSayHowFarTheyLed(t *testing.T) {
	for source, types := range sources(t) {
		for _, test := range []struct{ structure, path, says string }{
			{"nobody", "x", `no such type: "nobody"`},
			{"declared", "x", `no such type: "declared"`},
			{"u8", "x", `"u8" is no structure, but`},
			{"outer", "in.y", `outer.in, struct inner, has no member "y"`},
			{"outer", "c.x", `outer.c is char, which has no member "x"`},
			{"outer", "next.c", `outer.next is a pointer, which has no member "c"`},
			{"outer", "many[3].x", "outer.many[3]: the array has 3 elements"},
			{"outer", "many[-1]", "an index is a number in brackets"},
			{"outer", "many[1", "an index is a number in brackets"},
			{"outer", "c[1]", "outer.c[1]: it is char, and no array"},
			{"outer", "", `has no member ""`},
		} {
			_, err := types.Field(test.structure, test.path)
			require.ErrorContains(t, err, test.says, source)
		}
	}
}
