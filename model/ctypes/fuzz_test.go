// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes_test

import (
	"io"
	"testing"

	"github.com/uklemu/uklemu/model/ctypes"
)

func FuzzBTF(f *testing.F) {
	f.Add(btfFile("\x00s\x00m\x00", 1, kindStruct|1, 4, 3, 2, 0, 0, kindInt, 4, 32))
	f.Add(btfFile("\x00s\x00", 1, kindTypedef, 2, 0, kindArray, 0, 2, 2, 3))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if types, err := ctypes.FromBTF(b); err == nil {
			exercise(types)
		}
	})
}

func FuzzDWARF(f *testing.F) {
	for _, version := range []string{"-gdwarf-2", "-gdwarf-4", "-gdwarf-5"} {
		s := dwarfSections(f, compile(f, version))
		info, err := io.ReadAll(s.Info)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(info, s.Abbrev, s.Str)
	}
	f.Fuzz(func(_ *testing.T, info, abbrev, text []byte) {
		types, err := ctypes.FromDWARF(ctypes.DWARF{Info: sectionOf(info), Abbrev: abbrev, Str: text, StrOffsets: text})
		if err == nil {
			exercise(types)
		}
	})
}
