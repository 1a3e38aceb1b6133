// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/model/ctypes"
)

// btfFile makes a .BTF of types, as words, and strings.
func btfFile(text string, types ...uint32) []byte {
	le := binary.LittleEndian
	b := []byte{0x9f, 0xeb, 1, 0}
	for _, v := range []uint32{24, 0, uint32(4 * len(types)), uint32(4 * len(types)), uint32(len(text))} {
		b = le.AppendUint32(b, v)
	}
	for _, v := range types {
		b = le.AppendUint32(b, v)
	}
	return append(b, text...)
}

const (
	kindInt, kindPtr, kindArray, kindStruct, kindEnum, kindTypedef = 1 << 24, 2 << 24, 3 << 24, 4 << 24, 6 << 24, 8 << 24
)

func TestWildBTFIsRefused(t *testing.T) {
	good := btfFile("\x00s\x00m\x00", 1, kindStruct|1, 4, 3, 2, 0, 0, kindInt, 4, 32)
	types, err := ctypes.FromBTF(good)
	require.NoError(t, err)
	_, err = types.Field("s", "m")
	require.NoError(t, err)

	change := func(at int, v uint32) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint32(b[at:], v)
		return b
	}
	for _, test := range []struct {
		name string
		b    []byte
		says string
	}{
		{"nothing", nil, "describes no types"},
		{"another file", []byte("\x7fELF, twenty-four bytes.."), "does not begin with 0xeb9f"},
		{"a later version", change(0, 0x2eb9f), "is of version 2"},
		{"a header beyond the end", change(4, 1<<31), "has a part at 0x80000000"},
		{"types beyond the end", change(12, 1<<30), "ends at"},
		{"strings beyond the end", change(20, 1<<30), "ends at"},
		{"half a type", change(12, 5), "is cut short"},
		{"more members than there are", change(28, kindStruct|0xffff), "is cut short"},
		{"a kind of tomorrow", change(28, 31<<24), "is of kind 31"},
	} {
		_, err := ctypes.FromBTF(test.b)
		require.ErrorContains(t, err, test.says, test.name)
	}
}

func TestTypesThatLeadInACircleAreRefused(t *testing.T) {
	for name, words := range map[string][]uint32{
		"typedef of itself":  {1, kindTypedef, 1},
		"two typedefs":       {1, kindTypedef, 2, 1, kindTypedef, 1},
		"an array of itself": {1, kindTypedef, 2, 0, kindArray, 0, 2, 2, 3},
		"a type beyond all":  {1, kindTypedef, 77},
	} {
		types, err := ctypes.FromBTF(btfFile("\x00s\x00", words...))
		require.NoError(t, err, name)
		_, err = types.Struct("s")
		require.ErrorIs(t, err, ctypes.ErrMalformed, name)
	}
	// A structure without a name in itself.
	types, err := ctypes.FromBTF(btfFile("\x00s\x00", 1, kindStruct|1, 4, 0, 2, 0, 0, kindStruct|2, 4, 0, 2, 0, 0, 2, 0))
	require.NoError(t, err)
	_, err = types.Field("s", "m")
	require.ErrorIs(t, err, ctypes.ErrUnknownField)
	// Pointers may: nothing follows them unasked.
	types, err = ctypes.FromBTF(btfFile("\x00s\x00p\x00", 1, kindStruct|1, 8, 3, 2, 0, 0, kindPtr, 2))
	require.NoError(t, err)
	f, err := types.Field("s", "p")
	require.NoError(t, err)
	require.Equal(t, f.Type, f.Type.Element())
}

func TestOldEncodersHaveSignedEnumerations(t *testing.T) {
	types, err := ctypes.FromBTF(btfFile("\x00e\x00A\x00B\x00", 1, kindEnum|2, 4, 3, 0xffffffff, 5, 1))
	require.NoError(t, err)
	v, _ := types.EnumValue("A")
	require.Equal(t, int64(-1), v)
	// With one that says it is signed, the others are not.
	types, err = ctypes.FromBTF(btfFile("\x00e\x00A\x00B\x00", 1, kindEnum|1, 4, 3, 0xffffffff, 0, 1<<31|kindEnum|1, 4, 5, 0xffffffff))
	require.NoError(t, err)
	v, _ = types.EnumValue("A")
	require.Equal(t, int64(0xffffffff), v)
	v, _ = types.EnumValue("B")
	require.Equal(t, int64(-1), v)
}

// Before kind_flag, a bit field was a number with fewer bits than bytes.
func TestBitFieldsOfOldEncoders(t *testing.T) {
	types, err := ctypes.FromBTF(btfFile("\x00s\x00m\x00", 1, kindStruct|1, 4, 3, 2, 8, 0, kindInt, 4, 3<<16|5))
	require.NoError(t, err)
	f, err := types.Field("s", "m")
	require.NoError(t, err)
	require.Equal(t, [3]int64{1, 3, 5}, [3]int64{f.Offset, f.BitOffset, f.BitSize})
}

// exercise asks all that can be asked.
func exercise(types *ctypes.Types) {
	names, _ := types.Names()
	for _, name := range names[:min(len(names), 50)] {
		all, _ := types.Structs(name)
		for _, s := range all {
			for _, m := range s.Members[:min(len(s.Members), 50)] {
				if element := m.Type().Element(); element != nil {
					element.Element()
				}
			}
		}
		_, _ = types.Field(name, "u.halves[1].x")
	}
	types.Size("no such name")
	types.EnumValue("no such name")
}

func TestDWARFThatIsCutAnywhere(t *testing.T) {
	whole := dwarfSections(t, compile(t, "-gdwarf-5"))
	info, err := io.ReadAll(whole.Info)
	require.NoError(t, err)
	for n := range info {
		types, err := ctypes.FromDWARF(ctypes.DWARF{Info: sectionOf(info[:n]), Abbrev: whole.Abbrev, Str: whole.Str})
		if err == nil {
			exercise(types)
		}
	}
	for n := range whole.Abbrev {
		types, err := ctypes.FromDWARF(ctypes.DWARF{Info: sectionOf(info), Abbrev: whole.Abbrev[:n], Str: whole.Str})
		require.NoError(t, err)
		exercise(types)
	}
}

// What comes before the damage is still found, and an error says that there
// may be more.
func TestDamagedUnitsCostOnlyThemselves(t *testing.T) {
	whole := dwarfSections(t, compile(t, "-gdwarf-5"))
	info, err := io.ReadAll(whole.Info)
	require.NoError(t, err)
	whole.Info = sectionOf(append(info, 9, 0, 0, 0, 7, 0))
	types, err := ctypes.FromDWARF(whole)
	require.NoError(t, err)
	offset, ok := types.Offset("outer", "in.hi")
	require.True(t, ok)
	require.Equal(t, int64(14), offset)
	_, err = types.Struct("nobody")
	require.ErrorIs(t, err, ctypes.ErrUnknownType)
	require.ErrorIs(t, err, ctypes.ErrMalformed)
	require.ErrorContains(t, err, "some of the DWARF could not be read")
}

func sectionOf(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}
