// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"fmt"
	"math/bits"

	"github.com/uklemu/uklemu/emu/x86"
)

// mostTasks bounds how many tasks are listed.
const mostTasks = 1 << 12

// task is what the layout needs to know of one.
type task struct {
	at    uint64
	stack uint64
	name  string
}

// Sizes of the kernel's stacks where nothing says otherwise
// (arch/x86/include/asm/page_64_types.h, without KASAN).
const (
	threadSize   = 4 * pageSize
	irqStackSize = 4 * pageSize
)

// stacks paints the stacks that the kernel runs on, and their guards.
func (k *kernel) stacks() {
	k.stack = k.threadSize()
	for _, t := range k.everyTask() {
		if stack, ok := k.threadStack(t); ok {
			k.tasks = append(k.tasks, task{t, stack, k.nameOf(t)})
		}
	}
	for _, t := range k.tasks {
		k.guarded(t.stack, k.stack, ThreadStack, t.name)
	}
	if start, ok := k.interruptStack(); ok {
		k.guarded(start, irqStackSize, HardIRQStack, "")
	}
}

// threadStack is where the stack of a task begins.
func (k *kernel) threadStack(t uint64) (uint64, bool) {
	stack, ok := k.fields.FieldWord(t, "task_struct", "stack")
	return stack, ok && int64(stack) < 0 && stack%pageSize == 0
}

// interruptStack is where the stack for interrupts that come in the kernel
// begins. Its pointer is to the topmost word (arch/x86/kernel/irq_64.c).
func (k *kernel) interruptStack() (start uint64, ok bool) {
	at, ok := hot(k.image, "hardirq_stack_ptr", "hardirq_stack_ptr", k.gs)
	if !ok {
		return 0, false
	}
	top, ok := k.fields.Word(at)
	return top + 8 - irqStackSize, ok && int64(top) < 0 && (top+8)%pageSize == 0
}

// threadSize is THREAD_SIZE, as the current task shows it.
func (k *kernel) threadSize() uint64 {
	top, ok := TopOfStack(k.image, k.fields, k.gs)
	bottom, also := k.fields.FieldWord(k.current, "task_struct", "stack")
	// A few words may be left free above the top.
	n := (top - bottom + 63) &^ 63
	if !ok || !also || n < pageSize || n > 16*pageSize || bits.OnesCount64(n) != 1 {
		return threadSize
	}
	return n
}

// everyTask is the current one, then all that can be found from the first:
// the leaders of the thread groups, each with its threads.
func (k *kernel) everyTask() []uint64 {
	seen := map[uint64]bool{}
	var out []uint64
	add := func(t uint64) {
		if t != 0 && !seen[t] && len(out) < mostTasks {
			seen[t] = true
			out = append(out, t)
		}
	}
	add(k.current)
	first, ok := k.image.Symbol("init_task")
	if !ok {
		return out
	}
	head, ok := k.fields.At(first.Address, "task_struct", "tasks")
	if !ok {
		add(first.Address)
		return out
	}
	groups := map[uint64]bool{}
	for _, leader := range append([]uint64{first.Address}, k.fields.List(head, "task_struct", "tasks", mostTasks)...) {
		add(leader)
		signal, _ := k.fields.FieldWord(leader, "task_struct", "signal")
		threads, ok := k.fields.At(signal, "signal_struct", "thread_head")
		if !ok || groups[threads] || len(out) == mostTasks {
			continue
		}
		groups[threads] = true
		for _, t := range k.fields.List(threads, "task_struct", "thread_node", mostTasks) {
			add(t)
		}
	}
	return out
}

// nameOf is "init (1)".
func (k *kernel) nameOf(t uint64) string {
	name, ok := k.fields.FieldText(t, "task_struct", "comm", 16)
	if !ok {
		name = fmt.Sprintf("task %#x", t)
	}
	if pid, ok := k.fields.FieldInt(t, "task_struct", "pid"); ok {
		return fmt.Sprintf("%s (%d)", name, pid)
	}
	return name
}

// guarded paints a stack, and where it has been allocated with one, the guard
// below it. In the kernel's data or in the direct map there is none.
func (k *kernel) guarded(bottom, size uint64, kind Kind, name string) {
	k.owned(bottom, size, kind, name)
	if below, ok := k.at(bottom - 1); ok && (below.kind == Vmalloc || below.kind == VmallocGuard) {
		k.owned(bottom-pageSize, pageSize, StackGuard, label(kind, name))
	}
	if above, ok := k.at(bottom + size); ok && above.kind == VmallocGuard {
		k.owned(bottom+size, pageSize, StackGuard, label(kind, name))
	}
}

// label is what a guard is called: by its stack.
func label(kind Kind, name string) string {
	if name == "" {
		return "of " + string(kind)
	}
	return "of " + string(kind) + " " + name
}

// down is how far pages that can be written reach down from an address, and
// most at most.
func (k *kernel) down(top, most uint64) uint64 {
	n := uint64(0)
	for n < most {
		m, ok := k.tables.Translate(top - n - 1)
		if !ok || m.Rights&Writable == 0 {
			break
		}
		n += (top-n-1)%pageSize + 1
	}
	return n
}

// istStack is one of the TSS's.
type istStack struct{ number, top, size uint64 }

// istStacks are those that the TSS names (SDM vol. 3A, figure 9-11) and that
// have any memory.
func (k *kernel) istStacks() []istStack {
	var out []istStack
	if k.state.TR.Null() {
		return nil
	}
	sizes := k.exceptionStackSizes()
	for n := uint64(1); n <= 7; n++ {
		top, ok := k.fields.Word(k.state.TR.Base + 0x24 + 8*(n-1))
		if !ok || int64(top) >= 0 {
			continue
		}
		size, ok := sizes[top]
		if !ok {
			size = k.down(top, 2*pageSize)
		}
		if size > 0 {
			out = append(out, istStack{n, top, size})
		}
	}
	return out
}

// sp0 is the stack that the CPU takes when it leaves CPL 3.
func (k *kernel) sp0() (uint64, bool) {
	sp, ok := k.fields.Word(k.state.TR.Base + 4)
	return sp, ok && int64(sp) < 0 && !k.state.TR.Null()
}

// exceptionStacks paints the stacks of the TSS: those that gates name, by the
// number of the IST and by whose they are, and the entry stack.
func (k *kernel) exceptionStacks() {
	users := k.istUsers()
	for _, s := range k.istStacks() {
		name := fmt.Sprintf("%d%s", s.number, users[s.number])
		k.owned(s.top-s.size, s.size, ISTStack, name)
		k.below(s.top-s.size, label(ISTStack, name))
	}
	sp0, ok := k.sp0()
	if !ok {
		return
	}
	if a, ok := k.at(sp0 - 1); ok && a.kind.Stack() {
		return // it goes straight to the thread stack
	}
	if size := k.down(sp0, pageSize); size > 0 {
		k.owned(sp0-size, size, EntryStack, "")
		k.below(sp0-size, label(EntryStack, ""))
	}
}

// below paints a page as the guard of the stack above it, if it is one: if
// nothing can be written there. The GDT has that place below the entry stack.
func (k *kernel) below(bottom uint64, name string) {
	if m, ok := k.tables.Translate(bottom - 1); ok && m.Rights&Writable == 0 {
		return
	}
	if a, ok := k.at(bottom - 1); ok && a.kind == CPUEntryArea {
		k.owned(bottom-pageSize, pageSize, StackGuard, name)
	}
}

// exceptionStackNames are the stacks of cea_exception_stacks
// (arch/x86/include/asm/cpu_entry_area.h): each has a guard below it, and the
// last one another above.
var exceptionStackNames = []string{"DF", "NMI", "DB", "MCE", "PF", "VC", "VC2"}

// exceptionStackSizes are the sizes of the stacks that lie beside the GDT that
// the CPU uses, by their tops, as the types have them. A stack that the kernel
// has no use for has none.
func (k *kernel) exceptionStackSizes() map[uint64]uint64 {
	gdt, ok := k.image.Offset("cpu_entry_area", "gdt")
	estacks, also := k.image.Offset("cpu_entry_area", "estacks")
	if base := k.state.GDTR.Base; !ok || !also || base-cpuEntryArea >= tib/2 {
		return nil
	}
	stacks := k.state.GDTR.Base - uint64(gdt) + uint64(estacks)
	var guards []uint64
	for _, name := range append([]string{"IST_top"}, exceptionStackNames...) {
		if name != "IST_top" {
			name += "_stack"
		}
		if at, ok := k.fields.At(stacks, "cea_exception_stacks", name+"_guard"); ok {
			guards = append(guards, at)
		}
	}
	sizes := map[uint64]uint64{}
	for _, name := range exceptionStackNames {
		start, ok := k.fields.At(stacks, "cea_exception_stacks", name+"_stack")
		if !ok {
			continue
		}
		end := ^uint64(0)
		for _, guard := range guards {
			if guard >= start {
				end = min(end, guard)
			}
		}
		sizes[end] = max(sizes[end], end-start)
	}
	return sizes
}

// istUsers are the exceptions whose gates name each IST (SDM vol. 3A 7.14.5).
func (k *kernel) istUsers() [8]string {
	var out [8]string
	for v := range uint64(256) {
		if 16*v+15 > uint64(k.state.IDTR.Limit) {
			break
		}
		gate, ok := k.fields.Word(k.state.IDTR.Base + 16*v)
		if ist := gate >> 32 & 7; ok && ist != 0 && gate>>47&1 != 0 {
			if out[ist] != "" {
				out[ist] += ","
			}
			out[ist] += " " + x86.Vector(v).String()
		}
	}
	for i := range out {
		if out[i] == "" {
			out[i] = ", no gate"
		}
	}
	return out
}
