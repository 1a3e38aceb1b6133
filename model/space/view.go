// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// View is a kernel's data at one moment, for those that ask little: it costs a
// few reads of memory, where a [Layout] costs a walk through all of it. It
// belongs to one goroutine.
type View struct {
	// Fields reads structures, by the kernel's page tables.
	Fields
	// Tables are the kernel's, though CR3 may name those of CPL 3.
	Tables Tables
	State  x86.State
	// GSBase is the kernel's, 0 before it has one.
	GSBase uint64
	// Current is the current task's task_struct, 0 if it could not be found.
	Current uint64
	// TopOfStack is what the next system call's frame is pushed below, 0 if it
	// could not be found.
	TopOfStack uint64

	kernel *kernel
	stacks []Range
}

// View looks at a machine as it is now.
func (r *Reader) View(m Machine) *View {
	v := &View{State: m.State()}
	k := newKernel(r.image, TablesOf(m, &v.State), &v.State)
	v.kernel, v.Fields, v.Tables, v.GSBase, v.Current = k, k.fields, k.tables, k.gs, k.current
	v.TopOfStack, _ = TopOfStack(k.image, k.fields, k.gs)
	return v
}

// ThreadSize is the size of a thread stack.
func (v *View) ThreadSize() uint64 { return v.kernel.threadSize() }

// Stack finds the kernel's stack that a stack pointer is on: the current task's
// thread stack, one of the CPU's, or else another task's. At its end, it is on one that is empty. One
// in the application half is on none of them.
func (v *View) Stack(pointer uint64) (Range, bool) {
	k := v.kernel
	if v.stacks == nil && k.tables.Levels > 0 {
		v.findStacks()
	}
	for _, r := range v.stacks {
		if pointer-r.Start > r.Size {
			continue
		}
		if r.Kind == ISTStack {
			r.Name += k.istUsers()[r.Name[0]-'0']
		}
		return r, true
	}
	return v.otherStack(pointer)
}

// otherStack is the thread stack of a task that isn't current: between the
// switch of stacks and that of current, RSP is on it. It has as many bytes as
// others, and begins at a multiple of that (kernel/fork.c, THREAD_ALIGN).
func (v *View) otherStack(pointer uint64) (Range, bool) {
	k := v.kernel
	if k.areas == nil && k.tables.Levels > 0 {
		k.regions()
	}
	size := k.threadSize()
	start := (pointer - 1) &^ (size - 1)
	if a, ok := k.at(start); !ok || a.kind != Vmalloc || k.down(start+size, size) != size {
		return Range{}, false
	}
	return Range{Start: start, Size: size, Kind: ThreadStack, Name: "of another task"}, true
}

func (v *View) findStacks() {
	k := v.kernel
	add := func(start, size uint64, kind Kind, name string) {
		v.stacks = append(v.stacks, Range{Start: start, Size: size, Kind: kind, Name: name})
	}
	if stack, ok := k.threadStack(k.current); ok {
		add(stack, k.threadSize(), ThreadStack, k.nameOf(k.current))
	}
	if start, ok := k.interruptStack(); ok {
		add(start, irqStackSize, HardIRQStack, "")
	}
	for _, s := range k.istStacks() {
		add(s.top-s.size, s.size, ISTStack, fmt.Sprint(s.number))
	}
	if sp0, ok := k.sp0(); ok && (len(v.stacks) == 0 || !v.stacks[0].Contains(sp0-1)) {
		if size := k.down(sp0, pageSize); size > 0 {
			add(sp0-size, size, EntryStack, "")
		}
	}
}
