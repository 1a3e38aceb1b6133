// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"github.com/uklemu/uklemu/model/space"
)

// Task is a task_struct, and what the CPU is at if it is the current one.
type Task struct {
	Address   uint64
	Name      string
	PID, TGID int32
	MM        uint64 // 0 for a kernel thread, and for a task at its end
	ActiveMM  uint64 // whose tables are used
	Flags     uint32 // PF_

	// Stack is the thread stack, TopOfStack where a system call's frame ends.
	Stack, StackSize, TopOfStack uint64

	// Tracking is task_struct.ukl_thread.
	Tracking Tracking

	ThreadFlags ThreadFlags
	// SyscallWork are the names of the bits of thread_info.syscall_work.
	SyscallWork []string

	// Outermost is the pt_regs of the outermost entry, at the top of the thread
	// stack: what the task goes back to in its own code, if the kernel is at work
	// for it, or what it last went back to. Kernel threads have none.
	// OutermostAt is 0 then.
	Outermost   Registers
	OutermostAt uint64

	Restart Restart
	FPU     FPU

	// What follows is of the current task alone.
	Position Position
	// Entries are those that the kernel has not returned from, the innermost
	// first.
	Entries []Entry
	// Signals are the frames of the handlers that have not returned, the
	// innermost first.
	Signals []SignalFrame

	name       func(uint64) string
	flagsKnown bool
}

// Tracking is the mark that says what a task of UKL is doing.
type Tracking struct {
	Present bool  // the kernel has it
	Value   int32 // one of the values below, if all is well
}

// Values of task_struct.ukl_thread.
const (
	NotUKL         = 0
	InKernel       = 1
	InApplication  = 2
	trackingField  = "ukl_thread"
	trackingField5 = "in_user" // in the tree for Linux 5.14
)

func (t Tracking) String() string {
	switch {
	case !t.Present:
		return "none"
	case t.Value == NotUKL:
		return "0 (not UKL's)"
	case t.Value == InKernel:
		return "1 (kernel)"
	case t.Value == InApplication:
		return "2 (application)"
	}
	return signed(uint64(int64(t.Value))) + " (no such value)"
}

// KernelThread says whether it has no program of its own, and never had: one
// that is ending has no mm either.
func (t *Task) KernelThread() bool {
	if t.flagsKnown {
		return t.Flags&flagKThread != 0
	}
	return t.MM == 0
}

// Idle says whether it is what the CPU does when it has nothing to do.
func (t *Task) Idle() bool { return t.PID == 0 }

// Read reads the current task and what the CPU is at. What can't be found is
// left at its zero value; a machine that has no current task yet has Address
// 0 and a Position all the same.
func (r *Reader) Read(m space.Machine) *Task {
	v := r.space.View(m)
	t := r.basics(v, v.Current)
	t.Entries = r.openEntries(v, t)
	t.Position = r.position(v, t)
	if n := len(t.Entries); n > 0 && t.Entries[n-1].From != Kernel && t.Entries[n-1].Complete {
		t.Outermost, t.OutermostAt = t.Entries[n-1].Registers, t.Entries[n-1].At
		t.Restart = r.restart(v, t)
	}
	if sp, ok := r.applicationSP(v, t); ok {
		t.Signals = r.signals(v, sp)
	}
	return t
}

// ReadTask reads another task's task_struct.
func (r *Reader) ReadTask(m space.Machine, address uint64) *Task {
	return r.basics(r.space.View(m), address)
}

// Position reads only where the CPU is and what it does, which costs a tenth.
func (r *Reader) Position(m space.Machine) Position {
	v := r.space.View(m)
	t := &Task{Address: v.Current, Tracking: r.tracking(v, v.Current)}
	r.identity(v, t)
	return r.position(v, t)
}

// basics are what a task_struct says of any task.
func (r *Reader) basics(v *space.View, address uint64) *Task {
	t := &Task{Address: address, Tracking: r.tracking(v, address), name: r.symbol}
	if address == 0 {
		return t
	}
	r.identity(v, t)
	t.ActiveMM, _ = v.FieldWord(address, "task_struct", "active_mm")
	t.Stack, _ = v.FieldWord(address, "task_struct", "stack")
	t.StackSize = v.ThreadSize()
	if t.TopOfStack = t.Stack + t.StackSize; address == v.Current && v.TopOfStack != 0 {
		t.TopOfStack = v.TopOfStack
	}
	flags, _ := v.FieldWord(address, "task_struct", "thread_info.flags")
	t.ThreadFlags = ThreadFlags(flags)
	work, _ := v.FieldWord(address, "task_struct", "thread_info.syscall_work")
	t.SyscallWork = r.workNames(work)
	if !t.KernelThread() && t.Stack != 0 {
		if regs, err := ReadRegisters(v.Memory, t.TopOfStack-RegistersSize); err == nil {
			t.Outermost, t.OutermostAt = regs, t.TopOfStack-RegistersSize
		}
	}
	if address != v.Current { // it is in the kernel, as all are that don't run
		t.Restart = r.restart(v, t)
	}
	t.FPU = r.fpu(v, t)
	return t
}

// identity is who the task is.
func (r *Reader) identity(v *space.View, t *Task) {
	t.Name, _ = v.FieldText(t.Address, "task_struct", "comm", 16)
	t.PID, _ = v.FieldInt(t.Address, "task_struct", "pid")
	t.TGID, _ = v.FieldInt(t.Address, "task_struct", "tgid")
	t.MM, _ = v.FieldWord(t.Address, "task_struct", "mm")
	flags, ok := v.FieldInt(t.Address, "task_struct", "flags")
	t.Flags, t.flagsKnown = uint32(flags), ok
}

func (r *Reader) tracking(v *space.View, address uint64) Tracking {
	if !r.image.Marks() {
		return Tracking{}
	}
	for _, field := range []string{trackingField, trackingField5} {
		if value, ok := v.FieldInt(address, "task_struct", field); ok {
			return Tracking{true, value}
		}
	}
	return Tracking{}
}

// applicationSP is where the application's or program's stack pointer is: in
// RSP, or in the frame of the outermost entry.
func (r *Reader) applicationSP(v *space.View, t *Task) (uint64, bool) {
	if t.KernelThread() {
		return 0, false
	}
	if n := len(t.Entries); n > 0 && t.Entries[n-1].From != Kernel && t.Entries[n-1].Complete {
		return t.Entries[n-1].Registers.SP, true
	}
	if m := t.Position.Mode; m == Application || m == User {
		return rsp(v), true
	}
	return 0, false
}

// symbol is "do_syscall_64+0x12".
func (r *Reader) symbol(address uint64) string { return r.image.Name(address) }
