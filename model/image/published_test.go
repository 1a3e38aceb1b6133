// SPDX-License-Identifier: GPL-2.0-or-later

package image_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/internal/testelf"
	"github.com/uklemu/uklemu/model/image"
)

// Where the parts of published are.
const (
	textAt, entryAt, dataAt, percpuAt = 0x1000, 0x2000, 0x3000, 0
)

// published is an image as the trees of the published series make it: the
// application's functions are among the kernel's, with SMP, and without a
// configuration.
func published(popfq bool) testelf.Image {
	le := binary.LittleEndian
	text := bytes.Repeat([]byte{0xcc}, 0x200)
	copy(text[0x40:], []byte{0x89, 0x7c, 0x24, 0xf8, 0x0f, 0x05, 0xc3})                    // ukl_leaf: mov %edi, -8(%rsp); syscall; ret
	copy(text[0x80:], []byte{0x65, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0, 0xf4, 0xc3})     // ukl_main: mov %gs:0x28, %rax; hlt; ret
	copy(text[0xc0:], []byte{0xe8, 0x3b, 0x0f, 0, 0, 0xc3})                                // do_work: call entry_SYSCALL_64; ret
	copy(text[0x100:], []byte{0x55, 0x48, 0x89, 0xe5, 0x89, 0x7d, 0xec, 0x5d, 0xc3})       // ukl_framed: push %rbp; mov %rsp, %rbp; mov %edi, -20(%rbp); pop %rbp; ret
	copy(text[0x140:], []byte{0x48, 0x8d, 0x44, 0x24, 0xf8, 0x48, 0x83, 0xec, 0x80, 0xc3}) // ukl_fine: lea -8(%rsp), %rax; sub $-128, %rsp; ret
	entry := bytes.Repeat([]byte{0x90}, 0x80)
	copy(entry[0x40:], []byte{0x48, 0x89, 0xe0, 0x48, 0x8b, 0x24, 0x25, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0}) // mov %rsp, %rax; mov 0, %rsp; call
	if popfq {
		entry[0x20] = 0x9d
	}
	data := make([]byte, 0x100)
	copy(data, "Linux version 6.3.0-rc1-ukl (a@b) #1\n")
	at := uint32(dataAt + 0x80)
	le.PutUint32(data[0x80:], textAt+0x44-at)
	le.PutUint32(data[0x84:], textAt+0xc5-(at+4))
	le.PutUint32(data[0x88:], 0xfff20000|3<<12|7<<8|17)
	function, object, label := byte(testelf.Global|testelf.Function), byte(testelf.Global|testelf.Object), byte(testelf.Global)
	return testelf.Image{
		Sections: []testelf.Section{
			{Name: ".text", Type: testelf.Progbits, Flags: testelf.Alloc | testelf.Exec, Address: textAt, Data: text},
			{Name: ".entry.text", Type: testelf.Progbits, Flags: testelf.Alloc | testelf.Exec, Address: entryAt, Data: entry},
			{Name: ".data", Type: testelf.Progbits, Flags: testelf.Alloc | 1, Address: dataAt, Data: data},
			{Name: ".data..percpu", Type: testelf.Progbits, Flags: testelf.Alloc | 1, Address: percpuAt, Data: make([]byte, 0x100)},
		},
		Symbols: []testelf.Symbol{
			{Name: "startup_64", Info: function, Section: 1, Address: textAt, Size: 0x40},
			{Name: "ukl_leaf", Info: function, Section: 1, Address: textAt + 0x40, Size: 0x40},
			{Name: "ukl_main", Info: function, Section: 1, Address: textAt + 0x80, Size: 0x40},
			{Name: "ukl__start", Info: label, Section: 1, Address: textAt + 0x80},
			{Name: "do_work", Info: function, Section: 1, Address: textAt + 0xc0, Size: 0x20},
			{Name: "ukl_bp_read", Info: function, Section: 1, Address: textAt + 0xe0, Size: 0x20},
			{Name: "ukl_framed", Info: function, Section: 1, Address: textAt + 0x100, Size: 0x40},
			{Name: "ukl_fine", Info: function, Section: 1, Address: textAt + 0x140},
			{Name: "ukl_worker_sleep", Info: function, Section: 1, Address: textAt + 0x180, Size: 0x80},
			{Name: "entry_SYSCALL_64", Info: label, Section: 2, Address: entryAt, Size: 0x20},
			{Name: "swapgs_restore_regs_and_return_to_usermode", Info: label, Section: 2, Address: entryAt + 0x20, Size: 0x20},
			{Name: "ukl_entry_SYSCALL_64", Info: label, Section: 2, Address: entryAt + 0x40, Size: 0x20},
			{Name: "asm_exc_double_fault", Info: label, Section: 2, Address: entryAt + 0x60, Size: 0x10},
			{Name: "linux_banner", Info: object, Section: 3, Address: dataAt, Size: 0x40},
			{Name: "ukl_counter", Info: object, Section: 3, Address: dataAt + 0x60, Size: 8},
			{Name: "__start___ex_table", Info: label, Section: 3, Address: dataAt + 0x80},
			{Name: "__stop___ex_table", Info: label, Section: 3, Address: dataAt + 0x8c},
			{Name: "pcpu_hot", Info: object, Section: 4, Address: percpuAt + 0x40, Size: 0x40},
		},
	}
}

func TestTheApplicationIsKnownByItsSymbols(t *testing.T) {
	img, err := read(published(false).Bytes())
	require.NoError(t, err)
	app := img.Application()
	require.False(t, app.BySection)
	require.Equal(t, []image.Range{{Start: textAt + 0x40, End: textAt + 0xc0}, {Start: textAt + 0x100, End: textAt + 0x180}}, app.Text)
	require.Equal(t, []image.Range{{Start: dataAt + 0x60, End: dataAt + 0x80}}, app.Data)
	require.Equal(t, uint64(textAt+0x80), app.Start)
	require.Equal(t, uint64(textAt+0x80), app.Main)
	for at, want := range map[uint64]image.Class{
		textAt: image.Kernel, textAt + 0x40: image.Application, textAt + 0xbf: image.Application, textAt + 0xc0: image.Kernel,
		textAt + 0xe0: image.Kernel, textAt + 0x150: image.Application, textAt + 0x180: image.Kernel, entryAt + 0x40: image.EntryText,
		dataAt + 0x60: image.Outside,
	} {
		require.Equal(t, want, img.Class(at), "%#x", at)
	}
	var names []string
	for _, s := range app.Symbols {
		names = append(names, s.Name)
	}
	require.ElementsMatch(t, []string{"ukl_leaf", "ukl_main", "ukl__start", "ukl_framed", "ukl_fine", "ukl_counter"}, names)
}

func TestOptionsShowWithoutAConfiguration(t *testing.T) {
	for _, popfq := range []bool{false, true} {
		img, err := read(published(popfq).Bytes())
		require.NoError(t, err)
		how := img.UKL.How
		img.UKL.How = nil
		require.Equal(t, image.UKL{Present: true, Flavor: image.Published, UseRet: popfq, Bypass: true}, img.UKL)
		require.Equal(t, "ukl_bp_read is there", how["Bypass"])
		require.Equal(t, "ukl_entry_SYSCALL_64 loads RSP", how["SameStack"])
		require.Equal(t, "not to be seen without a configuration", how["Defects"])
		require.Equal(t, image.Version{Release: "6.3.0-rc1-ukl", Major: 6, Minor: 3, Banner: "Linux version 6.3.0-rc1-ukl (a@b) #1"}, img.Version)
		require.Equal(t, map[string]string{"CONFIG_SMP": "y", "CONFIG_UNIKERNEL_LINUX": "y"}, img.Config)
	}
}

func TestUsesAreFoundInTheApplicationAlone(t *testing.T) {
	img, err := read(published(false).Bytes())
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]image.RedZoneUse{
		{Function: "ukl_leaf", Address: textAt + 0x40, Instruction: "mov %edi,-0x8(%rsp)", Below: 8},
		{Function: "ukl_framed", Address: textAt + 0x104, Instruction: "mov %edi,-0x14(%rbp)", Below: 20},
	}, img.RedZone()))
	require.Empty(t, cmp.Diff([]image.ForbiddenUse{
		{Function: "ukl_leaf", Address: textAt + 0x44, Instruction: "syscall", Reason: "enters the kernel as if from CPL 3"},
		{Function: "ukl_main", Address: textAt + 0x80, Instruction: "mov %gs:0x28,%rax", Reason: "uses the kernel's GS base"},
		{Function: "ukl_main", Address: textAt + 0x89, Instruction: "hlt", Reason: "stops the CPU"},
	}, img.Forbidden()))
}

func TestFixupsAreResolved(t *testing.T) {
	img, err := read(published(false).Bytes())
	require.NoError(t, err)
	want := image.Fixup{Insn: textAt + 0x44, Fixup: textAt + 0xc5, Type: 17, Reg: 7, Flags: 3, Imm: -14}
	require.Equal(t, []image.Fixup{want}, img.ExceptionTable())
	require.Equal(t, "IMM_REG", want.TypeName())
}

func TestPerCPUVariablesWithSMP(t *testing.T) {
	img, err := read(published(false).Bytes())
	require.NoError(t, err)
	require.True(t, img.SMP())
	offset, ok := img.PerCPU("pcpu_hot")
	require.True(t, ok)
	require.Equal(t, uint64(0x40), offset)
	at, ok := img.PerCPUAddress("pcpu_hot", 0xffff88800f600000)
	require.True(t, ok)
	require.Equal(t, uint64(0xffff88800f600040), at)
	_, ok = img.KernelGSBase()
	require.False(t, ok)
}

func TestEntriesAreKnownByTheirNames(t *testing.T) {
	img, err := read(published(false).Bytes())
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]image.Entry{
		{Name: "entry_SYSCALL_64", Address: entryAt, Size: 0x20, Kind: image.Syscall, Vector: image.NoVector},
		{Name: "swapgs_restore_regs_and_return_to_usermode", Address: entryAt + 0x20, Size: 0x20, Kind: image.Return, Vector: image.NoVector},
		{Name: "ukl_entry_SYSCALL_64", Address: entryAt + 0x40, Size: 0x20, Kind: image.UKLCall, Vector: image.NoVector},
		{Name: "asm_exc_double_fault", Address: entryAt + 0x60, Size: 0x10, Kind: image.Exception, Vector: 8, IST: 1},
	}, img.Entries()))
	require.Equal(t, []image.Call{{Address: textAt + 0xc0, Return: textAt + 0xc5, Function: "do_work"}}, img.CallsTo("entry_SYSCALL_64"))
	require.True(t, slices.ContainsFunc(img.Symbols.Symbols(), func(s symbols.Symbol) bool { return s.Name == "do_work" }))
}

// FuzzRead: whatever the file is, it is refused, or what is asked of it is
// answered.
func FuzzRead(f *testing.F) {
	f.Add(little().Bytes())
	f.Add(published(true).Bytes())
	f.Fuzz(func(_ *testing.T, b []byte) {
		if img, err := read(b); err == nil {
			exercise(img)
		}
	})
}
