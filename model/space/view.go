// SPDX-License-Identifier: GPL-2.0-or-later

package space

import "github.com/uklemu/uklemu/emu/x86"

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

// Stack finds the kernel's stack that an address is on: the current task's
// thread stack, or one of the CPU's. An address in the application half is on
// none of them.
func (v *View) Stack(address uint64) (Range, bool) {
	k := v.kernel
	if k.areas == nil && k.tables.Levels > 0 {
		k.regions()
		k.stack = k.threadSize()
		if stack, ok := k.threadStack(k.current); ok {
			k.guarded(stack, k.stack, ThreadStack, k.nameOf(k.current))
		}
		k.interruptStack()
		k.cpuTables()
	}
	a, ok := k.at(address)
	if !ok || !a.kind.Stack() {
		return Range{}, false
	}
	return Range{Start: a.start, Size: a.last - a.start + 1, Kind: a.kind, Name: a.name}, true
}
