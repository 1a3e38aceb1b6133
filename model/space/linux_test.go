// SPDX-License-Identifier: GPL-2.0-or-later

package space_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/space"
)

// guest boots a kernel that "make guests" has built.
func guest(t testing.TB, name, more string) (*image.Image, *emu.Machine) {
	t.Helper()
	found, err := corpus.Find("guest:" + name)
	require.NoError(t, err)
	img, err := image.Open(found.Guest.Vmlinux)
	require.NoError(t, err)
	t.Cleanup(func() { _ = img.Close() })
	kernel, err := boot.Open(found.Guest.Vmlinux)
	require.NoError(t, err)
	initrd, err := os.ReadFile(found.Guest.Initrd)
	require.NoError(t, err)
	cpu, err := x86.ParseCPU("")
	require.NoError(t, err)
	m, err := emu.New(emu.Config{CPU: cpu})
	require.NoError(t, err)
	t.Cleanup(m.Close)
	require.NoError(t, m.Boot(kernel, boot.Options{Initrd: initrd, CommandLine: found.Guest.Append + " " + more}))
	return img, m
}

// until runs a machine up to a symbol.
func until(t testing.TB, img *image.Image, m *emu.Machine, symbol string) {
	t.Helper()
	address, ok := img.Address(symbol)
	require.True(t, ok, symbol)
	m.Probe(address, nil)
	defer m.RemoveProbe(address)
	require.Equal(t, emu.StopProbe, m.Run(emu.Until{Instructions: 4_000_000_000}).Why)
}

// agrees compares a layout with the machine's own walk of the page tables, at
// the ends of all ranges and at addresses between.
func agrees(t *testing.T, l *space.Layout, m *emu.Machine) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	state := m.State()
	tables := space.TablesOf(m, &state)
	check := func(address uint64, r space.Range) {
		engine, err := m.Translate(address)
		require.Equal(t, r.Mapped(), err == nil, "%#x is in %s", address, r)
		ours, ok := tables.Translate(address)
		require.Equal(t, r.Mapped(), ok)
		if !ok || r.Repeated {
			return
		}
		require.Equal(t, engine.Physical, ours.Physical, "%#x", address)
		require.Equal(t, r.Rights, ours.Rights, "%#x", address)
		require.Equal(t, r.Page, ours.Page, "%#x", address)
		if r.Contiguous {
			require.Equal(t, engine.Physical, r.Physical+(address-r.Start), "%#x", address)
		}
	}
	require.Empty(t, l.Problems)
	for i, r := range l.Ranges {
		check(r.Start, r)
		check(r.Last(), r)
		check(r.Start+random.Uint64N(r.Size), r)
		if i > 0 && l.Ranges[i-1].Last()+1 < r.Start {
			gap, listed := l.Find(r.Start - 1)
			require.False(t, listed)
			check(r.Start-1, gap)
			check(gap.Start+random.Uint64N(gap.Size), gap)
		}
	}
}

// kindAt is whose an address is, with its rights.
func kindAt(l *space.Layout, address uint64) (space.Kind, string) {
	r, _ := l.Find(address)
	return r.Kind, r.Rights.String()
}

func TestLayoutOfAKernelWithAnApplication(t *testing.T) {
	img, m := guest(t, "ukl-hello", "")
	until(t, img, m, "ukl_main")
	l := space.Read(m, img)
	agrees(t, l, m)
	s := m.State()

	address := func(symbol string) uint64 {
		a, ok := img.Address(symbol)
		require.True(t, ok, symbol)
		return a
	}
	word := func(at uint64) uint64 {
		v, ok := space.Fields{Memory: m}.Word(at)
		require.True(t, ok)
		return v
	}
	app := img.Application()
	for _, test := range []struct {
		what    string
		address uint64
		kind    space.Kind
		rights  string
	}{
		{"RIP", s.RIP, space.ApplicationText, "r-x-g"},
		{"RSP", s.GPR[x86.RSP], space.UserStack, "rw-u-"},
		{"thread-local storage", s.Seg[x86.FS].Base, space.UserMapping, "rw-u-"},
		{"the application's rodata", app.ROData[0].Start, space.ApplicationROData, "r---g"},
		{"the application's data", app.Data[0].Start, space.ApplicationData, "rw--g"},
		{"the application's bss", app.BSS[0].Start, space.ApplicationBSS, "rw--g"},
		{"behind the application's data", app.Data[len(app.Data)-1].End, space.KernelImage, "rw--g"},
		{"the kernel's text", address("do_syscall_64"), space.KernelText, "r-x-g"},
		{"its way in", address("ukl_entry_SYSCALL_64"), space.EntryText, "r-x-g"},
		{"the stack of the current thread", word(address("cpu_current_top_of_stack")) - 8, space.ThreadStack, "rw--g"},
		{"of the first one", address("init_stack") + 0x100, space.ThreadStack, "rw--g"},
		{"of interrupts", word(address("hardirq_stack_ptr")), space.HardIRQStack, "rw--g"},
		{"below it", word(address("cpu_current_top_of_stack")) - 0x4001, space.StackGuard, "-----"},
		{"the IDT", s.IDTR.Base, space.IDT, "r---g"},
		{"the GDT", s.GDTR.Base, space.GDT, "r---g"},
		{"the TSS", s.TR.Base, space.TSS, "r---g"},
		{"the entry stack", word(s.TR.Base+4) - 8, space.EntryStack, "rw--g"},
		{"the task", word(address("current_task")), space.DirectMap, "rw--g"},
	} {
		kind, rights := kindAt(l, test.address)
		require.Equal(t, test.kind, kind, "%s, %#x", test.what, test.address)
		require.Equal(t, test.rights, rights, "%s, %#x", test.what, test.address)
	}

	var stacks []string
	for _, r := range l.OfKind(space.ISTStack) {
		stacks = append(stacks, r.Name)
		require.EqualValues(t, 0x2000, r.Size)
		guard, _ := l.Find(r.Start - 1)
		require.Equal(t, space.StackGuard, guard.Kind)
		require.Equal(t, "of IST stack "+r.Name, guard.Name)
	}
	require.Equal(t, []string{"1 #DF", "2 NMI", "3 #DB", "4, no gate", "6, no gate", "5, no gate"}, stacks)
	for _, r := range l.Ranges {
		require.False(t, r.Kind.Guard() && r.Mapped(), "%s", r)
		require.False(t, r.Kind != space.VSyscall && r.Start>>63 == 1 && r.Rights&space.User != 0, "%s", r)
		require.False(t, r.Kind != space.DirectMap && r.Rights&space.Writable != 0 && r.Rights&space.Executable != 0, "%s", r)
	}
	require.EqualValues(t, 256<<20, mapped(l, space.DirectMap), "all of RAM")
	apic, _ := l.Find(l.OfKind(space.FixMap)[1].Start)
	require.Equal(t, "local APIC", apic.Name)
	require.EqualValues(t, 0xfee0_0000, apic.Physical)

	current, _ := l.Find(word(address("cpu_current_top_of_stack")) - 8)
	require.Regexp(t, `^UKL \(\d+\)$`, current.Name)
	require.Contains(t, l.Picture(), "thread stack "+current.Name)
	require.Contains(t, l.Picture(), "other thread stacks, with guards")

	differences := space.Compare(space.Linked(img), l)
	for _, d := range differences {
		if d.Linked.Kind == space.ApplicationText {
			require.True(t, d.Same())
		}
		if d.Linked.Name == ".rodata" {
			require.False(t, d.Same(), "the section's flags ask for more than the kernel leaves")
		}
	}
	require.NotEmpty(t, space.SideBySideSVG(differences))
}

// mapped is how much of a kind there is.
func mapped(l *space.Layout, k space.Kind) (n uint64) {
	for _, r := range l.OfKind(k) {
		if r.Mapped() {
			n += r.Size
		}
	}
	return n
}

// A stock kernel with page table isolation: in CPL 3 there are next to none of
// the kernel's pages.
func TestLayoutOfAStockKernel(t *testing.T) {
	img, m := guest(t, "stock", "pti=on")
	until(t, img, m, "__x64_sys_getppid")
	reader := space.NewReader(img)
	l := reader.Read(m)
	agrees(t, l, m)
	require.False(t, l.Isolated)
	require.Zero(t, mapped(l, space.ApplicationText))
	var program []string
	for _, r := range l.OfKind(space.ProgramText) {
		program = append(program, r.Title())
	}
	require.Equal(t, []string{"program text init"}, program)
	kind, _ := kindAt(l, userStack(t, m, img))
	require.Equal(t, space.UserStack, kind)

	s := m.State()
	for ; s.CPL() != 3; s = m.State() {
		require.Equal(t, emu.StopLimit, m.Step().Why)
	}
	l = reader.Read(m)
	agrees(t, l, m)
	require.True(t, l.Isolated)
	for _, test := range []struct {
		address uint64
		kind    space.Kind
		mapped  bool
	}{
		{s.RIP, space.ProgramText, true},
		{s.GPR[x86.RSP], space.UserStack, true},
		{s.LSTAR, space.EntryText, true},
		{s.IDTR.Base, space.IDT, true},
		{s.TR.Base, space.TSS, true},
	} {
		r, _ := l.Find(test.address)
		require.Equal(t, test.kind, r.Kind, "%#x", test.address)
		require.Equal(t, test.mapped, r.Mapped(), "%#x", test.address)
	}
	require.Zero(t, mapped(l, space.DirectMap))
	require.Zero(t, mapped(l, space.ThreadStack))
	tss, ok := img.Address("cpu_tss_rw") // SYSCALL's scratch word (arch/x86/mm/pti.c, pti_clone_user_shared)
	require.True(t, ok)
	require.EqualValues(t, 4096, mapped(l, space.KernelData))
	_, rights := kindAt(l, tss)
	require.Equal(t, "rw---", rights)
	require.NotEmpty(t, l.OfKind(space.ThreadStack), "whose they are, the kernel's own tables say")
}

// userStack is the stack pointer of the program that made the system call.
func userStack(t *testing.T, m *emu.Machine, img *image.Image) uint64 {
	v := space.NewReader(img).View(m)
	sp, ok := v.Word(v.TopOfStack - 16)
	require.True(t, ok)
	return sp
}

func BenchmarkLayoutOfARealKernel(b *testing.B) {
	img, m := guest(b, "ukl-hello", "")
	until(b, img, m, "ukl_main")
	reader := space.NewReader(img)
	b.Run("layout", func(b *testing.B) {
		for b.Loop() {
			reader.Read(m)
		}
	})
	b.Run("view", func(b *testing.B) {
		for b.Loop() {
			reader.View(m)
		}
	})
}
