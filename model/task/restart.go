// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"fmt"

	"github.com/uklemu/uklemu/model/space"
)

// Restart is what becomes of a system call that a signal interrupts.
type Restart struct {
	// InCall says whether the outermost frame is that of a system call, by
	// its orig_ax, and Number which.
	InCall bool
	Number int64
	// Code is the reason to do it again that it has left in ax, such as
	// "ERESTARTSYS"; "" for none.
	Code string
	// Function is what restart_syscall would call, by its symbol:
	// do_no_restart_syscall where there is nothing to go on with.
	Function string
}

// restartCodes are errors that no program sees (include/linux/errno.h).
var restartCodes = map[int64]string{
	-512: "ERESTARTSYS", -513: "ERESTARTNOINTR", -514: "ERESTARTNOHAND", -516: "ERESTART_RESTARTBLOCK",
}

func (r *Reader) restart(v *space.View, t *Task) Restart {
	var s Restart
	if t.OutermostAt != 0 && int64(t.Outermost.OrigAX) >= 0 {
		s.InCall, s.Number = true, int64(t.Outermost.OrigAX)
		s.Code = restartCodes[int64(t.Outermost.AX)]
	}
	if f, ok := v.FieldWord(t.Address, "task_struct", "restart_block.fn"); ok && f != 0 {
		s.Function = r.symbol(f)
	}
	return s
}

func (s Restart) String() string {
	text := "no system call"
	if s.InCall {
		text = fmt.Sprintf("system call %d", s.Number)
	}
	if s.Code != "" {
		text += ", to be restarted: " + s.Code
	}
	if s.Function != "" && s.Function != "do_no_restart_syscall" {
		text += ", goes on in " + s.Function
	}
	return text
}

// FPU is where a task's FP state is.
type FPU struct {
	// InRegisters says that the CPU has it; if not, memory has, and the way
	// back to the program loads it (TIF_NEED_FPU_LOAD).
	InRegisters bool
	// Owner says that the CPU's registers were loaded from it last
	// (fpu_fpregs_owner_ctx).
	Owner bool
	// StateAt is where in memory it is, or will be saved.
	StateAt uint64
}

func (r *Reader) fpu(v *space.View, t *Task) FPU {
	var f FPU
	f.InRegisters = t.ThreadFlags&NeedFPULoad == 0 && !t.KernelThread() && t.Address == v.Current
	fpu, ok := v.At(t.Address, "task_struct", "thread.fpu")
	if owner, found := r.image.PerCPUAddress("fpu_fpregs_owner_ctx", v.GSBase); ok && found {
		at, read := v.Word(owner)
		f.Owner = read && at == fpu
	}
	if state, ok := v.FieldWord(t.Address, "task_struct", "thread.fpu.fpstate"); ok && state != 0 {
		f.StateAt, _ = v.At(state, "fpstate", "regs")
	}
	return f
}

func (f FPU) String() string {
	switch {
	case f.InRegisters:
		return "in the registers"
	case f.Owner:
		return "in memory, and still in the registers"
	case f.StateAt != 0:
		return "in memory"
	}
	return "none"
}
