// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"encoding/binary"
	"slices"

	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/space"
)

// Entry is a way into the kernel that has not been left yet: a system call, an
// exception, an interrupt, an NMI.
type Entry struct {
	// Name is the symbol of the entry's code, such as "asm_exc_page_fault".
	Name   string
	Kind   image.EntryKind // image.Return for a label that is none: ret_from_fork, say
	Vector int             // image.NoVector if the name alone doesn't tell
	// At is where the pt_regs is. Stack is what it is on.
	At        uint64
	Stack     Stack
	Registers Registers
	// From is who was interrupted: Application, User or Kernel.
	From Mode
	// Complete says that all registers are saved. If not, the entry's code is
	// at it, or has restored them already, and only ip, cs, flags, sp and ss
	// are valid; with At 0, not even these.
	Complete bool
	// Return is where the entry's code goes on when its handler returns, 0 if
	// it has not called it.
	Return uint64
}

// mostEntries bounds nesting.
const mostEntries = 32

// openEntries follows the entries from the innermost out. Each leaves a return
// address in entry text right below its pt_regs, because the stubs call their
// C function with RSP at the pt_regs (arch/x86/entry/entry_64.S); and each
// pt_regs holds the RSP from which to go on.
func (r *Reader) openEntries(v *space.View, t *Task) []Entry {
	if v.State.CPL() == 3 {
		return nil
	}
	w := entryWalk{Reader: r, view: v, task: t, rip: v.State.RIP, sp: rsp(v)}
	for len(w.found) < mostEntries && !w.done {
		n, own := len(w.found), r.image.Class(w.rip) == image.EntryText
		if own {
			w.unfinished()
		}
		if len(w.found) > n || w.step() {
			continue
		}
		if own { // all is in the CPU's registers, or on a stack that RSP isn't on
			e := r.entryAt(w.rip)
			e.Stack, _ = w.stack()
			w.found = append(w.found, e)
		}
		break
	}
	return w.found
}

type entryWalk struct {
	*Reader
	view  *space.View
	task  *Task
	rip   uint64 // of who was interrupted last
	sp    uint64 // where to look
	found []Entry
	done  bool
}

// step finds the next entry, or the stack below this one.
func (w *entryWalk) step() bool {
	stack, ok := w.stack()
	if !ok {
		return false
	}
	words := w.words(w.sp, stack.Start+stack.Size)
	for i := 0; i+len(registerNames) < len(words); i++ {
		at := w.sp&^7 + 8*uint64(i+1)
		back := binary.LittleEndian.Uint64(words[i][:])
		if !w.returns(back) {
			continue
		}
		regs := decodeRegisters(words[i+1])
		if w.fits(stack, &regs, at+RegistersSize) {
			e := w.byRegisters(w.entryAt(back), &regs)
			e.At, e.Stack, e.Registers, e.Complete, e.Return = at, stack, regs, true, back
			w.add(e)
			return true
		}
	}
	return w.below(stack)
}

// mostOnOwn is how far an application's own stack is searched for frames, in
// kernels that leave system calls on it.
const mostOnOwn = 64 << 10

// stack is the one to look on.
func (w *entryWalk) stack() (Stack, bool) {
	if s, ok := w.view.Stack(w.sp); ok {
		return Stack{StackKind(s.Kind), s.Name, s.Start, s.Size}, true
	}
	own := w.stackAt(w.view, w.task, w.sp)
	if !own.Application() || !w.image.SameStack() {
		return own, false
	}
	own.Start, own.Size = w.sp, mostOnOwn
	return own, true
}

// byRegisters tells a system call whose code several entries share, so that
// its name is none of theirs.
func (w *entryWalk) byRegisters(e Entry, regs *Registers) Entry {
	if e.Kind != image.Return || int64(regs.OrigAX) < 0 {
		return e
	}
	switch w.from(regs) {
	case Application:
		e.Kind = image.UKLCall
	case User:
		e.Kind = image.Syscall
	}
	return e
}

// below goes on where a stack without a frame was entered from. The kernel
// puts RSP into the topmost word of the stack for interrupts
// (arch/x86/include/asm/irq_stack.h, call_on_stack). A thread stack ends
// with the frame of whoever made the system call, and a new task has no return
// address below it.
func (w *entryWalk) below(stack Stack) bool {
	switch stack.Kind {
	case OnHardIRQStack:
		sp, ok := w.view.Word(stack.Start + stack.Size - 8)
		if s, on := w.view.Stack(sp); !ok || !on || StackKind(s.Kind) == OnHardIRQStack {
			return false
		}
		w.sp = sp
		return true
	case OnThreadStack:
		end := w.top(stack)
		regs, err := ReadRegisters(w.view.Memory, end-RegistersSize)
		if err != nil || w.task.KernelThread() || w.sp > end-RegistersSize || !w.fits(stack, &regs, end) {
			return false
		}
		w.add(Entry{Name: "top of the thread stack", Kind: image.Return, Vector: image.NoVector,
			At: end - RegistersSize, Stack: stack, Registers: regs, Complete: true})
	}
	return false
}

// add takes an entry, and goes on at what it interrupted.
func (w *entryWalk) add(e Entry) {
	e.From = w.from(&e.Registers)
	w.found = append(w.found, e)
	w.done = e.From != Kernel || w.sp == e.Registers.SP
	w.rip, w.sp = e.Registers.IP, e.Registers.SP
}

// from is who a frame stopped. The published series has the kernel's own CS in
// the frames of system calls and of NMIs. At the first instruction of the
// entry for calls, nothing has happened yet but the call.
func (r *Reader) from(regs *Registers) Mode {
	switch {
	case regs.CS == UKLCS, regs.CS&3 == 0 && r.image.Class(regs.IP) == image.Application, regs.CS&3 == 0 && r.called(regs.IP):
		return Application
	case regs.CS&3 == 3:
		return User
	}
	return Kernel
}

// called says whether an address is where the application's calls arrive.
func (r *Reader) called(rip uint64) bool {
	return slices.ContainsFunc(r.entries, func(e image.Entry) bool { return e.Kind == image.UKLCall && e.Address == rip })
}

// fits says whether registers can be a frame that ends at an address. A frame
// of a program or of the application is at the top of the thread stack. One of
// the kernel is where the CPU has pushed it: on an IST stack, or below RSP
// aligned to 16, with six more words for a breakpoint (entry_64.S, idtentry).
func (w *entryWalk) fits(stack Stack, regs *Registers, end uint64) bool {
	if !w.plausible(regs) {
		return false
	}
	from := w.from(regs)
	switch {
	case stack.Kind == OnISTStack:
		return true
	case from != Kernel && stack.Kernel():
		return stack.Kind != OnThreadStack || end == w.top(stack)
	}
	return regs.SP-end < 16+6*8
}

// top is where a frame of a program ends on a thread stack. Between the switch
// of stacks and that of current, the stack is another task's.
func (w *entryWalk) top(stack Stack) uint64 {
	if top := w.task.TopOfStack; top-stack.Start <= stack.Size {
		return top
	}
	return stack.Start + stack.Size
}

// plausible says whether these are values that a CPU has saved: canonical
// addresses, flags whose fixed bits are right (SDM vol. 1, 3.4.3), selectors
// that exist.
func (w *entryWalk) plausible(regs *Registers) bool {
	const fixed, always = 0xffff_ffff_ffc0_802a, 0x2
	if regs.Flags&fixed != always || !w.view.Tables.Canonical(regs.IP) || !w.view.Tables.Canonical(regs.SP) {
		return false
	}
	switch regs.CS {
	case KernelCS: // anywhere: it may have gone astray, or be a program at CPL 0
		return regs.SS <= KernelDS
	case UKLCS:
		return true
	}
	return regs.CS&3 == 3 && regs.CS <= 0xffff && regs.SS <= 0xffff
}

// returns says whether an address is one that a call in entry text pushes: a
// call with a displacement, as all in the stubs are.
func (w *entryWalk) returns(back uint64) bool {
	if w.image.Class(back) != image.EntryText {
		return false
	}
	var b [1]byte
	n, _ := w.view.Memory.ReadMemory(back-5, b[:])
	return n == 1 && b[0] == 0xe8
}

// words are those from an address to the end of its stack, each with all
// behind it.
func (w *entryWalk) words(from, end uint64) [][]byte {
	from &^= 7
	if end <= from || end-from > 1<<20 {
		return nil
	}
	b := make([]byte, end-from)
	n, _ := w.view.Memory.ReadMemory(from, b)
	var out [][]byte
	for i := 0; i+8 <= n; i += 8 {
		out = append(out, b[i:n])
	}
	return out
}
