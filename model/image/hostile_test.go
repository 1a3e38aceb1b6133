// SPDX-License-Identifier: GPL-2.0-or-later

package image_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/internal/testelf"
	"github.com/uklemu/uklemu/internal/testguest"
	"github.com/uklemu/uklemu/model/ctypes"
	"github.com/uklemu/uklemu/model/image"
)

func read(b []byte) (*image.Image, error) {
	return image.Read(bytes.NewReader(b), int64(len(b)), "vmlinux")
}

// little is an image with a symbol and nothing else that a kernel has.
func little(sections ...testelf.Section) testelf.Image {
	text := testelf.Section{Name: ".text", Type: testelf.Progbits, Flags: testelf.Alloc | testelf.Exec, Address: 0x1000, Data: bytes.Repeat([]byte{0x90}, 64)}
	return testelf.Image{
		Sections: append([]testelf.Section{text}, sections...),
		Symbols:  []testelf.Symbol{{Name: "startup_64", Info: testelf.Global | testelf.Function, Section: 1, Address: 0x1000, Size: 64}},
	}
}

func TestWhatIsNoKernelIsRefused(t *testing.T) {
	good := little().Bytes()
	change := func(at int, v ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], v)
		return b
	}
	stripped := little()
	stripped.Symbols = nil
	for _, test := range []struct {
		name string
		b    []byte
		is   error
		says string
	}{
		{"nothing", nil, image.ErrNotKernel, "vmlinux: not an x86-64 vmlinux: it is not an ELF file"},
		{"a text", []byte("#!/bin/sh\necho this is not a kernel"), image.ErrNotKernel, "it is not an ELF file"},
		{"32 bits", change(4, 1), nil, ""},
		{"another architecture", change(18, 183, 0), image.ErrNotKernel, "it is for EM_AARCH64, ELFCLASS64"},
		{"not linked", change(16, 1, 0), image.ErrNotKernel, "it is of type ET_REL, not linked"},
		{"a header that is cut", good[:40], image.ErrMalformed, ""},
		{"sections that are cut", good[:len(good)-10], image.ErrMalformed, ""},
		{"no symbols", stripped.Bytes(), image.ErrNoSymbols, "it was stripped; a vmlinux as the build leaves it is needed"},
	} {
		img, err := read(test.b)
		require.Error(t, err, test.name)
		require.Nil(t, img)
		if test.is != nil {
			require.ErrorIs(t, err, test.is, test.name)
		}
		require.ErrorContains(t, err, test.says, test.name)
	}
	_, err := image.Open(filepath.Join(t.TempDir(), "nothing"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = image.Open(t.TempDir())
	require.ErrorIs(t, err, image.ErrNotKernel)
	require.ErrorContains(t, err, "it is not a file")
}

// An image that has little is one of which little is known.
func TestAnImageWithoutAnything(t *testing.T) {
	img, err := read(little().Bytes())
	require.NoError(t, err)
	require.Equal(t, image.Version{}, img.Version)
	require.False(t, img.ConfigComplete)
	require.Nil(t, img.Types)
	require.ErrorIs(t, img.TypesError, ctypes.ErrNoTypes)
	require.Equal(t, image.None, img.UKL.Flavor)
	require.Equal(t, image.Kernel, img.Class(0x1000))
	require.Equal(t, image.Outside, img.Class(0x1040))
	v, known := img.Known("CONFIG_UNIKERNEL_LINUX")
	require.True(t, known)
	require.Equal(t, "n", v)
	_, known = img.Known("CONFIG_HZ")
	require.False(t, known)
	_, ok := img.Offset("task_struct", "stack")
	require.False(t, ok)
	exercise(img)
}

// exercise asks all that can be asked.
func exercise(img *image.Image) {
	img.Entries()
	img.ExceptionTable()
	img.RedZone()
	img.Forbidden()
	img.CallsTo("startup_64")
	img.CallsTo("ukl_entry_SYSCALL_64", "entry_SYSCALL_64")
	_, _ = img.Alternatives(img)
	img.PerCPU("current_task")
	img.ClassRanges(image.Kernel)
	img.Known("CONFIG_SMP")
	img.Offset("task_struct", "thread.sp")
	if app := img.Application(); app != nil {
		app.Contains(app.Start)
	}
}

func TestTypesThatCannotBeRead(t *testing.T) {
	for _, test := range []struct {
		name     string
		sections []testelf.Section
		says     string
	}{
		{"DWARF of no version", []testelf.Section{{Name: ".debug_info", Type: testelf.Progbits, Data: []byte{4, 0, 0, 0, 9, 0, 0, 0}}, {Name: ".debug_abbrev", Type: testelf.Progbits, Data: []byte{0}}}, "is of DWARF 9"},
		{"DWARF without abbreviations", []testelf.Section{{Name: ".debug_info", Type: testelf.Progbits, Data: []byte{1}}}, ".debug_info without .debug_abbrev"},
		{"BTF of another file", []testelf.Section{{Name: ".BTF", Type: testelf.Progbits, Data: bytes.Repeat([]byte{7}, 64)}}, ".BTF does not begin with 0xeb9f"},
		{"BTF with wild offsets", []testelf.Section{{Name: ".BTF", Type: testelf.Progbits, Data: binary.LittleEndian.AppendUint64([]byte{0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255}, 0xffffffffffffffff)}}, ".BTF has a part at"},
		{"a section beyond the file", []testelf.Section{{Name: ".BTF", Type: testelf.Progbits, Data: []byte{1}, Size: 1 << 40}}, "section .BTF ends beyond the file"},
	} {
		img, err := read(little(test.sections...).Bytes())
		require.NoError(t, err, test.name)
		require.Nil(t, img.Types, test.name)
		require.ErrorContains(t, img.TypesError, test.says, test.name)
		exercise(img)
	}
}

// A kernel's file that is cut anywhere is refused: its sections are described
// at its end. What is not refused answers what it can.
func TestAKernelThatIsCut(t *testing.T) {
	whole := testguest.Read(t, "ukl-hello", "vmlinux")
	for _, n := range []int{0, 3, 20, 64, 100, 1 << 20, 12 << 20, len(whole) / 2, len(whole) - 1} {
		_, err := read(whole[:n])
		require.Error(t, err, "%d bytes", n)
	}
}

// A piece of the types that is overwritten costs what is in it.
func TestAKernelWhoseTypesAreDamaged(t *testing.T) {
	whole := testguest.Read(t, "ukl-hello", "vmlinux")
	img, err := read(whole)
	require.NoError(t, err)
	info, ok := img.Symbols.Section(".debug_info")
	require.True(t, ok)
	for n := info.Size / 2; n < info.Size/2+1<<20; n++ {
		whole[info.Offset+n] = byte(n * n >> 3)
	}
	img, err = read(whole)
	require.NoError(t, err)
	_, ok = img.Offset("task_struct", "ukl_thread")
	require.True(t, ok)
	_, err = img.Types.Struct("there is no such structure")
	require.ErrorIs(t, err, ctypes.ErrUnknownType)
	require.ErrorIs(t, err, ctypes.ErrMalformed)
	exercise(img)
}

// With its DWARF removed and BTF added, a kernel has the same to say.
func TestAKernelWithBTFAlone(t *testing.T) {
	path := testguest.Path(t, "ukl-hello", "vmlinux")
	dir := t.TempDir()
	encoded, stripped := filepath.Join(dir, "btf"), filepath.Join(dir, "vmlinux")
	command(t, "pahole", "-J", "--btf_gen_floats", "--btf_encode_detached="+encoded, path)
	command(t, "objcopy", "--strip-debug", "--add-section", ".BTF="+encoded, path, stripped)
	dwarf, err := image.Open(path)
	require.NoError(t, err)
	defer dwarf.Close()
	btf, err := image.Open(stripped)
	require.NoError(t, err)
	defer btf.Close()
	require.Equal(t, "BTF", btf.Types.Source())
	for _, field := range [][2]string{
		{"task_struct", "stack"}, {"task_struct", "ukl_thread"}, {"task_struct", "thread.sp"}, {"task_struct", "thread.fsbase"},
		{"task_struct", "thread_info.flags"}, {"task_struct", "mm"}, {"mm_struct", "pgd"}, {"vm_area_struct", "vm_end"},
		{"pt_regs", "orig_ax"}, {"rt_sigframe", "uc.uc_mcontext.fpstate"}, {"tss_struct", "x86_tss.sp2"}, {"idt_data", "bits.ist"},
	} {
		want, ok := dwarf.Offset(field[0], field[1])
		require.True(t, ok, field)
		got, ok := btf.Offset(field[0], field[1])
		require.True(t, ok, field)
		require.Equal(t, want, got, field)
	}
	require.Equal(t, dwarf.Entries(), btf.Entries())
	require.Equal(t, dwarf.UKL, btf.UKL)
	require.Equal(t, dwarf.Config, btf.Config)
}
