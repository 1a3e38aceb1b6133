// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/model/ctypes"
)

// What the CPU and programs see is where they expect it.
func TestStructuresOfTheOutsideAreThoseOfTheOutside(t *testing.T) {
	types, err := layOut(structures)
	require.NoError(t, err)
	offsets := types.offsets()
	for name, want := range map[string]uint64{
		"pt_regs.orig_ax": 120, "pt_regs.ip": 128, "pt_regs.ss": 160, "sizeof.pt_regs": 168, // arch/x86/entry/calling.h
		"x86_hw_tss.sp0": 4, "x86_hw_tss.sp2": 20, "x86_hw_tss.ist": 36, "x86_hw_tss.io_bitmap_base": 102, "sizeof.x86_hw_tss": 104, // SDM vol. 3A figure 8-11
		"sizeof.gate_struct": 16, "gate_struct.offset_high": 8, // SDM vol. 3A figure 6-8
		"fxregs_state.mxcsr": 24, "fxregs_state.xmm_space": 160, "fxregs_state.sw_reserved": 464, "sizeof.fxregs_state": 512, // SDM vol. 1 table 10-2
		"sizeof.siginfo": 128, "siginfo._sifields._sigfault._addr": 16, "siginfo.si_code": 8,
		"ucontext.uc_mcontext.ip": 168, "ucontext.uc_sigmask": 296, "sizeof.sigcontext_64": 256,
		"rt_sigframe.uc": 8, "rt_sigframe.info": 0x138, "rt_sigframe.uc.uc_mcontext.fpstate": 8 + 40 + 184,
		"sizeof.exception_table_entry": 12, "fixed_percpu_data.stack_canary": 40, "sigaction.sa_mask": 24,
	} {
		require.Contains(t, offsets, name)
		require.Equal(t, want, offsets[name], name)
	}
	require.Equal(t, offsets["task_struct.stack"]+8, offsets["task_struct.ukl_thread"], "the series has it right behind")
	require.Zero(t, offsets["task_struct.thread_info"])
	require.Zero(t, offsets["sizeof.fpregs_state"]%64)
}

func TestStructuresThatMakeNoSenseAreRefused(t *testing.T) {
	for says, list := range map[string][]structure{
		`struct a: line 1: "x y": there is no type "x"`:                      {{name: "a", fields: "x y"}},
		`struct a: line 2: "struct b c": struct b comes later or not at all`: {{name: "a", fields: "int x\nstruct b c"}},
		`struct a: it is there twice`:                                        {{name: "a", fields: "int x"}, {name: "a", fields: "int x"}},
		`struct a: line 1: "int x"`:                                          {{name: "a", fields: "int x[y]"}},
		`struct a: line 1: "int" is not a type and a name`:                   {{name: "a", fields: "int"}},
		`struct a: line 1: "void x": there is no type "void"`:                {{name: "a", fields: "void x"}},
	} {
		_, err := layOut(list)
		require.ErrorContains(t, err, says)
	}
}

// The sources' constants, .BTF and .debug_info say the same of every field.
func TestTypesAreTheSameInEveryForm(t *testing.T) {
	types, err := layOut(append(slices.Clone(structures),
		structure{name: "inner", union: true, fields: "u8 first; u16 second"},
		structure{name: "odd", fields: "struct unknown *p; bool b; char c[3]; struct inner; void **v"}))
	require.NoError(t, err)
	btf, err := ctypes.FromBTF(types.btf())
	require.NoError(t, err)
	info := types.debugInfo([]variable{{"init_task", types.byName["struct task_struct"], 0x1234}})
	dwarf, err := ctypes.FromDWARF(ctypes.DWARF{Info: io.NewSectionReader(bytes.NewReader(info), 0, int64(len(info))), Abbrev: abbreviations()})
	require.NoError(t, err)
	offsets := types.offsets()
	require.Equal(t, uint64(12), offsets["odd.second"])
	for name, want := range offsets {
		structure, path, _ := strings.Cut(name, ".")
		for form, read := range map[string]*ctypes.Types{"BTF": btf, "DWARF": dwarf} {
			if structure == "sizeof" {
				size, ok := read.Size(path)
				require.True(t, ok, "%s: %s", form, name)
				require.Equal(t, int64(want), size, "%s: %s", form, name)
				continue
			}
			offset, ok := read.Offset(structure, path)
			require.True(t, ok, "%s: %s", form, name)
			require.Equal(t, int64(want), offset, "%s: %s", form, name)
		}
	}
	for form, read := range map[string]*ctypes.Types{"BTF": btf, "DWARF": dwarf} {
		f, err := read.Field("odd", "c")
		require.NoError(t, err)
		require.Equal(t, ctypes.Array, f.Type.Kind, form)
		require.Equal(t, int64(3), f.Type.Count, form)
		f, err = read.Field("odd", "p")
		require.NoError(t, err)
		require.Equal(t, ctypes.Pointer, f.Type.Kind, form)
		f, err = read.Field("task_struct", "ukl_thread")
		require.NoError(t, err)
		require.True(t, f.Type.Signed && f.Type.Size == 4, form)
	}
}
