// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFieldsAreReadByName(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	f := Fields{TablesOf(w, &w.state), k}
	pid, ok := f.FieldInt(taskTwo, "task_struct", "pid")
	require.True(t, ok)
	require.EqualValues(t, 2, pid)
	stack, ok := f.FieldWord(taskTwo, "task_struct", "stack")
	require.True(t, ok)
	require.Equal(t, uint64(stackTwo), stack)
	name, ok := f.FieldText(taskZero, "task_struct", "comm", 16)
	require.True(t, ok)
	require.Equal(t, "swapper", name)
	w.write(data+0x700, ^uint64(4))
	n, _ := f.Int(data + 0x700)
	require.EqualValues(t, -5, n)
}

func TestFieldsThatAreNotThere(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	f := Fields{TablesOf(w, &w.state), k}
	for _, at := range []uint64{0, 8, 1 << 60} { // no structure, and where nothing is mapped
		_, ok := f.FieldWord(at, "task_struct", "stack")
		require.False(t, ok)
		_, ok = f.FieldInt(at, "task_struct", "pid")
		require.False(t, ok)
		_, ok = f.FieldText(at, "task_struct", "comm", 16)
		require.False(t, ok)
	}
	_, ok := f.FieldWord(taskOne, "task_struct", "no such")
	require.False(t, ok)
	_, ok = f.FieldInt(taskOne, "task_struct", "no such")
	require.False(t, ok)
	_, ok = f.FieldText(taskOne, "task_struct", "no such", 4)
	require.False(t, ok)
	require.Empty(t, f.List(taskOne, "no such", "list", 5))
}

// Text ends at its zero, or where it must; what isn't text is replaced.
func TestTextOfTheGuest(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	f := Fields{TablesOf(w, &w.state), k}
	w.text(data+0x700, "a\x1b[2Jb\xff")
	text, ok := f.Text(data+0x700, 16)
	require.True(t, ok)
	require.Equal(t, "a?[2Jb?", text)
	text, ok = f.Text(data+0x700, 3)
	require.True(t, ok)
	require.Equal(t, "a?[", text)
	w.text(bss+0x2000-4, "abc")
	text, ok = f.Text(bss+0x2000-4, 64) // the next page isn't there
	require.True(t, ok)
	require.Equal(t, "abc", text)
	w.text(bss+0x2000-4, "abcd")
	_, ok = f.Text(bss+0x2000-4, 64)
	require.False(t, ok)
}

func TestListsEnd(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	f := Fields{TablesOf(w, &w.state), k}
	head := uint64(taskZero + 48)
	require.Equal(t, []uint64{taskOne}, f.List(head, "task_struct", "tasks", 10))
	w.write(taskOne+48, taskTwo+48)
	w.write(taskTwo+48, taskOne+48) // never back at its head
	require.Equal(t, []uint64{taskOne, taskTwo}, f.List(head, "task_struct", "tasks", 10))
	require.Len(t, f.List(head, "task_struct", "tasks", 1), 1, "no more than asked for")
	w.write(taskOne+48, 0x1000) // to where nothing is
	require.Equal(t, []uint64{taskOne, 0x1000 - 48}, f.List(head, "task_struct", "tasks", 10))
}

// From Linux 6.2 on, these variables are fields of one.
func TestVariablesOfLaterKernels(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	k.perCPU = map[string]uint64{"pcpu_hot": data}
	k.fields = maps.Clone(k.fields)
	k.fields["pcpu_hot.current_task"], k.fields["pcpu_hot.top_of_stack"], k.fields["pcpu_hot.hardirq_stack_ptr"] = 0, 8, 16
	v := ReaderOf(k).View(w)
	require.Equal(t, uint64(taskOne), v.Current)
	require.Equal(t, uint64(stackOne+4*pageSize), v.TopOfStack)
	require.EqualValues(t, 4*pageSize, v.ThreadSize())
	require.Equal(t, HardIRQStack, kindAt(ReaderOf(k).Read(w), hardirq))
}

func TestEveryKindBelongsToAGroup(t *testing.T) {
	for kind, want := range map[Kind]Group{
		ProgramText: ApplicationHalf, ProgramData: ApplicationHalf, Heap: ApplicationHalf, UserStack: ApplicationHalf, UserMapping: ApplicationHalf, VDSO: ApplicationHalf,
		ApplicationText: Application, ApplicationROData: Application, ApplicationData: Application, ApplicationBSS: Application,
		ThreadStack: Stacks, HardIRQStack: Stacks, ISTStack: Stacks, EntryStack: Stacks,
		StackGuard: Guards, UserStackGuard: Guards, VmallocGuard: Guards, GuardHole: Guards,
		KernelText: Kernel, EntryText: Kernel, KernelROData: Kernel, KernelData: Kernel, KernelBSS: Kernel, KernelInit: Kernel, KernelImage: Kernel,
		PerCPU: Kernel, GDT: Kernel, IDT: Kernel, TSS: Kernel, LDTRemap: Kernel, DirectMap: Kernel, Vmalloc: Kernel, VMemMap: Kernel, KASAN: Kernel,
		CPUEntryArea: Kernel, ESPFix: Kernel, EFI: Kernel, Modules: Kernel, FixMap: Kernel, VSyscall: Kernel, Unknown: Kernel,
		Nothing: Nobody, NonCanonical: Nobody,
	} {
		require.Equal(t, want, kind.Group(), kind)
		require.Equal(t, want == Guards, kind.Guard(), kind)
		require.NotEmpty(t, svgClasses[want])
		require.NotEmpty(t, marks[want])
	}
	require.True(t, UserStack.Stack() && ThreadStack.Stack())
	require.False(t, StackGuard.Stack() || Heap.Stack())
}

func TestSizesForPeople(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0B", 48: "48B", 1024: "1K", 1536: "1.5K", 16384: "16K", 2 * mib: "2M", 1 << 30: "1G", 64 * tib: "64T", 32 * pib: "32P", 1 << 62: "4096P",
	} {
		require.Equal(t, want, size(n))
	}
	r := Range{Start: 0x1000, Size: 0x1000, Kind: Heap, Name: "x", Rights: Present | Writable}
	require.Equal(t, "0000000000001000-0000000000001fff rw--- heap x", r.String())
	require.EqualValues(t, 0x1fff, Difference{Start: 0x1000, Size: 0x1000}.Last())
}
