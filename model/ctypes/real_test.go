// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes_test

import (
	"debug/elf"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/internal/testguest"
	"github.com/uklemu/uklemu/model/ctypes"
)

// fromVmlinux reads the DWARF of a guest's kernel.
func fromVmlinux(t testing.TB, guest string) *ctypes.Types {
	t.Helper()
	f, err := elf.Open(testguest.Path(t, guest, "vmlinux"))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	section := func(name string) []byte {
		b, err := f.Section(name).Data()
		require.NoError(t, err)
		return b
	}
	info := f.Section(".debug_info")
	types, err := ctypes.FromDWARF(ctypes.DWARF{
		Info:   io.NewSectionReader(info, 0, int64(info.Size)),
		Abbrev: section(".debug_abbrev"), Str: section(".debug_str"),
	})
	require.NoError(t, err)
	return types
}

func BenchmarkFirstStructure(b *testing.B) {
	for b.Loop() {
		types := fromVmlinux(b, "stock")
		_, ok := types.Offset("task_struct", "thread.sp")
		require.True(b, ok)
	}
}

func BenchmarkNameThatNobodyHas(b *testing.B) {
	for b.Loop() {
		_, err := fromVmlinux(b, "stock").Struct("nobody")
		require.ErrorIs(b, err, ctypes.ErrUnknownType)
	}
}
