// SPDX-License-Identifier: GPL-2.0-or-later

package image_test

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/internal/testguest"
	"github.com/uklemu/uklemu/model/image"
)

// guests are the kernels that "make guests" builds, one of each kind.
var guests = map[string]image.UKL{
	"stock":                       {Flavor: image.None},
	"ukl-hello":                   {Present: true, Flavor: image.Ours, TLS: true},
	"ukl-syscalls-use_ret":        {Present: true, Flavor: image.Ours, TLS: true, UseRet: true},
	"ukl-syscalls-ist_pf":         {Present: true, Flavor: image.Ours, TLS: true, ISTPF: true},
	"ukl-syscalls-use_ret-ist_pf": {Present: true, Flavor: image.Ours, TLS: true, UseRet: true, ISTPF: true},
	"ukl-redis":                   {Present: true, Flavor: image.Ours, TLS: true},
}

func open(t testing.TB, guest string) *image.Image {
	t.Helper()
	img, err := image.Open(testguest.Path(t, guest, "vmlinux"))
	require.NoError(t, err)
	t.Cleanup(func() { img.Close() })
	return img
}

func TestOptionsAreThoseOfTheBuild(t *testing.T) {
	for guest, want := range guests {
		img := open(t, guest)
		require.Empty(t, cmp.Diff(want, img.UKL, cmpopts.IgnoreFields(image.UKL{}, "How")), guest)
		require.NotEmpty(t, img.UKL.How["Flavor"])
		require.Equal(t, 6, img.Version.Major)
		require.Equal(t, 1, img.Version.Minor)
		require.True(t, img.Version.AtLeast(5, 16) && img.Version.AtLeast(6, 1) && !img.Version.AtLeast(6, 2))
		require.True(t, strings.HasPrefix(img.Version.Banner, "Linux version "+img.Version.Release+" ("))
		require.Equal(t, "DWARF", img.Types.Source())
	}
}

// The configuration in the image is the one that it was built with.
func TestConfigurationIsThatOfTheBuild(t *testing.T) {
	img := open(t, "ukl-hello")
	require.True(t, img.ConfigComplete)
	count := 0
	lines := bufio.NewScanner(bytes.NewReader(testguest.Read(t, "ukl-hello", "config")))
	for lines.Scan() {
		if name, ok := strings.CutSuffix(lines.Text(), " is not set"); ok {
			v, known := img.Known(strings.TrimPrefix(name, "# "))
			require.True(t, known)
			require.Equal(t, "n", v, name)
			count++
		}
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && strings.HasPrefix(name, "CONFIG_") {
			v, known := img.Known(name)
			require.True(t, known)
			require.Equal(t, strings.Trim(value, `"`), v, name)
			count++
		}
	}
	require.Greater(t, count, 1000)
}

func TestCodeBelongsToWhoeverWroteIt(t *testing.T) {
	img := open(t, "ukl-hello")
	for name, want := range map[string]image.Class{
		"ukl__start": image.Application, "ukl_main": image.Application, "ukl_dummy": image.Application,
		"entry_SYSCALL_64": image.EntryText, "ukl_entry_SYSCALL_64": image.EntryText, "asm_exc_page_fault": image.EntryText,
		"return_to_ukl_application": image.EntryText, "error_entry": image.EntryText, "irq_entries_start": image.EntryText,
		"schedule": image.Kernel, "do_syscall_64": image.Kernel, "start_kernel": image.Kernel, "startup_64": image.Kernel,
		"init_task": image.Outside, "linux_banner": image.Outside, "idt_table": image.Outside,
	} {
		at, ok := img.Address(name)
		require.True(t, ok, name)
		require.Equal(t, want, img.Class(at), name)
	}
	for _, at := range []uint64{0, 0x401000, 0x7fffffffe000, 0xffffc90000000000, ^uint64(0)} {
		require.Equal(t, image.Outside, img.Class(at), "%#x", at)
	}
	for name, want := range map[string]bool{"exc_page_fault": true, "sync_regs": true, "do_syscall_64": true, "schedule": false, "error_entry": false} {
		at, ok := img.Address(name)
		require.True(t, ok, name)
		require.Equal(t, want, img.Noinstr(at), name)
	}
	// The ranges of a class are those that Class knows.
	for _, class := range []image.Class{image.Application, image.Kernel, image.EntryText} {
		ranges := img.ClassRanges(class)
		require.NotEmpty(t, ranges)
		for _, r := range ranges {
			require.Equal(t, class, img.Class(r.Start))
			require.Equal(t, class, img.Class(r.End-1))
			require.NotEqual(t, class, img.Class(r.End))
			require.NotEqual(t, class, img.Class(r.Start-1))
		}
	}
	require.Equal(t, image.Outside, open(t, "stock").Class(0))
}

func TestApplicationIsWhatTheLinkerScriptSays(t *testing.T) {
	img := open(t, "ukl-syscalls-use_ret")
	app := img.Application()
	require.NotNil(t, app)
	require.True(t, app.BySection)
	for _, part := range []struct {
		name   string
		ranges []image.Range
	}{{"text", app.Text}, {"rodata", app.ROData}, {"data", app.Data}, {"bss", app.BSS}} {
		start, _ := img.Address("__ukl_" + part.name + "_start")
		end, _ := img.Address("__ukl_" + part.name + "_end")
		require.Equal(t, []image.Range{{Start: start, End: end}}, part.ranges)
		require.True(t, app.Contains(start))
		require.False(t, app.Contains(end))
	}
	start, _ := img.Address("ukl__start")
	require.Equal(t, start, app.Start)
	main, _ := img.Address("ukl_main")
	require.Equal(t, main, app.Main)
	tls, _ := img.Address("__tls_data_start")
	require.Equal(t, tls, app.TLS.Address)
	require.NotZero(t, app.TLS.Size)
	require.Greater(t, len(app.Symbols), 500)
	for _, s := range app.Symbols {
		require.True(t, strings.HasPrefix(s.Name, "ukl_"), s.Name)
		require.NotEqual(t, "ukl_entry_SYSCALL_64", s.Name)
	}
	stock := open(t, "stock")
	require.Nil(t, stock.Application())
	require.Empty(t, stock.RedZone())
	require.Empty(t, stock.ClassRanges(image.Application))
}

// What scripts/ukl/code.awk lets into a kernel has no red zone and nothing
// that is the kernel's alone.
func TestApplicationsKeepTheRules(t *testing.T) {
	for guest := range guests {
		img := open(t, guest)
		require.Empty(t, img.RedZone(), guest)
		require.Empty(t, img.Forbidden(), guest)
	}
}

func TestExceptionTableLeadsFromCodeToCode(t *testing.T) {
	img := open(t, "ukl-hello")
	table := img.ExceptionTable()
	section, _ := img.Symbols.Section("__ex_table")
	require.Len(t, table, int(section.Size/12))
	inside := map[string]string{}
	for n, f := range table {
		require.NotEqual(t, image.Outside, img.Class(f.Insn), "%#x", f.Insn)
		require.NotEqual(t, image.Outside, img.Class(f.Fixup), "%#x", f.Fixup)
		require.NotEmpty(t, f.TypeName())
		require.True(t, n == 0 || table[n-1].Insn < f.Insn)
		found, ok := img.FindFixup(f.Insn)
		require.True(t, ok)
		require.Equal(t, f, found)
		s, _, _ := img.Symbols.Lookup(f.Insn)
		inside[s.Name] = f.TypeName()
	}
	for name, want := range map[string]string{
		"__get_user_8": "UACCESS", "ukl_entry_SYSCALL_64": "DEFAULT", "native_write_msr_safe": "WRMSR_SAFE", "__put_user_nocheck_4": "UACCESS",
	} {
		if got, ok := inside[name]; ok {
			require.Equal(t, want, got, name)
		}
	}
	require.Equal(t, "UACCESS", inside["__get_user_8"])
	_, ok := img.FindFixup(table[0].Insn + 1)
	require.False(t, ok)
}

func TestCallsSayWhereTheyReturnTo(t *testing.T) {
	img := open(t, "ukl-hello")
	calls := img.CallsTo("do_syscall_64")
	var in []string
	for _, c := range calls {
		in = append(in, c.Function)
		require.Equal(t, c.Address+5, c.Return)
		require.False(t, c.Jump)
	}
	require.ElementsMatch(t, []string{"entry_SYSCALL_64", "ukl_entry_SYSCALL_64"}, in)
	only := img.CallsTo("do_syscall_64", "entry_SYSCALL_64")
	require.Len(t, only, 1)
	require.Equal(t, "entry_SYSCALL_64", only[0].Function)
	require.NotEmpty(t, img.CallsTo("schedule", "exit_to_user_mode_loop", "exit_to_user_mode_prepare", "do_exit", "worker_thread"))
	require.Empty(t, img.CallsTo("there is no such function"))
	require.NotEmpty(t, img.CallsTo("ukl_entry_SYSCALL_64"))
}

// A kernel without SMP has ordinary variables where others have per-CPU ones.
func TestPerCPUVariablesWithoutSMP(t *testing.T) {
	img := open(t, "stock")
	require.False(t, img.SMP())
	base, ok := img.KernelGSBase()
	require.True(t, ok)
	at, _ := img.Address("current_task")
	offset, ok := img.PerCPU("current_task")
	require.True(t, ok)
	require.Equal(t, at, base+offset)
	direct, ok := img.PerCPUAddress("current_task", 0x1234)
	require.True(t, ok)
	require.Equal(t, at, direct)
	_, ok = img.PerCPU("there is no such variable")
	require.False(t, ok)
}

func TestTypesAreThoseOfTheKernel(t *testing.T) {
	img := open(t, "ukl-hello")
	stack, ok := img.Offset("task_struct", "stack")
	require.True(t, ok)
	mark, ok := img.Offset("task_struct", "ukl_thread")
	require.True(t, ok)
	require.Equal(t, stack+8, mark)
	for path, want := range map[string]int64{"r15": 0, "ip": 0x80, "cs": 0x88, "flags": 0x90, "sp": 0x98, "ss": 0xa0} {
		at, ok := img.Offset("pt_regs", path)
		require.True(t, ok, path)
		require.Equal(t, want, at, path)
	}
	for path, want := range map[string]int64{"pretcode": 0, "uc.uc_flags": 8, "uc.uc_mcontext.ip": 0xb0, "uc.uc_mcontext.cs": 0xc0, "uc.uc_sigmask": 0x130, "info": 0x138} {
		at, ok := img.Offset("rt_sigframe", path)
		require.True(t, ok, path)
		require.Equal(t, want, at, path)
	}
	_, ok = img.Offset("task_struct", "nothing")
	require.False(t, ok)
}

func BenchmarkOpen(b *testing.B) {
	path := testguest.Path(b, "ukl-redis", "vmlinux")
	for b.Loop() {
		img, err := image.Open(path)
		require.NoError(b, err)
		_, ok := img.Offset("task_struct", "thread.sp")
		require.True(b, ok)
		img.Close()
	}
}
