// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// without is the kernel by hand with types that lack some fields.
func without(names ...string) handImage {
	k := byHand()
	k.fields = maps.Clone(k.fields)
	for _, name := range names {
		delete(k.fields, name)
	}
	return k
}

func kindAt(l *Layout, address uint64) Kind {
	r, _ := l.Find(address)
	return r.Kind
}

func TestMappingsFromTheListOfEarlierKernels(t *testing.T) {
	k := without("mm_struct.mm_mt")
	w := k.inWorld()
	k.fields["mm_struct.mmap"], k.fields["vm_area_struct.vm_next"] = 96, 32
	w.write(mmAt+96, vmas+0x80)
	w.write(vmas+0x80+32, vmas)
	w.write(vmas+32, 0)
	l := ReaderOf(k).Read(w)
	require.Equal(t, Heap, kindAt(l, userHeap))
	require.Equal(t, ProgramText, kindAt(l, userText))
	require.Equal(t, UserMapping, kindAt(l, userStack+0x3000), "it isn't in the list")
}

func TestWithoutMappingsThePartsOfTheProgramAreKnown(t *testing.T) {
	k := without("mm_struct.mm_mt")
	l := ReaderOf(k).Read(k.inWorld())
	for address, want := range map[uint64]Kind{
		userText: ProgramText, userText + 0x1fff: ProgramText, userHeap + 0x1000: Heap, userStack + 0x3000: UserStack, userThread: UserMapping,
	} {
		require.Equal(t, want, kindAt(l, address), "%#x", address)
	}
}

// A kernel that tells nothing of a process still has RSP, or what the frame on
// the thread stack holds of it.
func TestWithoutAProcessTheStackIsAroundItsPointer(t *testing.T) {
	for _, test := range []struct {
		rsp     uint64
		without []string
		want    Kind
	}{
		{userStack + 0x3800, []string{"mm_struct.pgd"}, UserStack},
		{stackOne + 0x3000, []string{"mm_struct.pgd"}, UserStack},
		{stackOne + 0x3000, []string{"mm_struct.pgd", "pt_regs.sp"}, UserMapping},
	} {
		k := without(test.without...)
		w := k.inWorld()
		w.ram(userStack+0x1000, 2, rw|entryUser)
		w.state.GPR[x86.RSP] = test.rsp
		l := ReaderOf(k).Read(w)
		require.Equal(t, test.want, kindAt(l, userStack+0x1000))
		require.Equal(t, test.want, kindAt(l, userStack+0x3000))
	}
}

// Between the switch of CR3 and that of current, they don't belong together.
func TestMappingsOfAnotherProcessAreNotShown(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	w.write(mmAt, direct+0x9000)
	l := ReaderOf(k).Read(w)
	require.Equal(t, UserMapping, kindAt(l, userHeap+0x1000))
}

func TestKernelsThatTellLittle(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	for name, change := range map[string]func(*handImage){
		"no types":          func(k *handImage) { k.fields = nil },
		"no symbols":        func(k *handImage) { k.symbols = nil },
		"no per-CPU data":   func(k *handImage) { k.perCPU = nil },
		"no application":    func(k *handImage) { k.app = nil },
		"nothing":           func(k *handImage) { *k = handImage{} },
		"symbols elsewhere": func(k *handImage) { k.perCPU = map[string]uint64{"current_task": 5, "hardirq_stack_ptr": 5} },
	} {
		t.Run(name, func(t *testing.T) {
			k := byHand()
			change(&k)
			l := ReaderOf(k).Read(w)
			require.NotEmpty(t, l.Ranges)
			require.Equal(t, VSyscall, kindAt(l, vsyscallPage))
			require.NotEmpty(t, l.Picture())
		})
	}
}

// The tables of exceptions alone, without types: the pages say how long the
// stacks are.
func TestExceptionStacksAsThePagesHaveThem(t *testing.T) {
	k := without("cpu_entry_area.gdt")
	w := k.inWorld()
	l := ReaderOf(k).Read(w)
	r, _ := l.Find(cea + 0x6000)
	require.Equal(t, Range{Start: cea + 0x5000, Size: 0x2000, Kind: ISTStack, Name: "1 #DF", Rights: Present | Writable | Global,
		Page: pageSize, Physical: r.Physical, Contiguous: r.Contiguous}, r)
	require.Equal(t, StackGuard, kindAt(l, cea+0x4fff))
}
