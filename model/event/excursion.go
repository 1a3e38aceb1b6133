// SPDX-License-Identifier: GPL-2.0-or-later

package event

import "github.com/uklemu/uklemu/emu/x86"

// Excursion is one stay in the kernel: from where the application (or the
// kernel, for what is nested) was stopped to where it goes on.
type Excursion struct {
	Task  uint64
	By    By
	Count uint64 // instructions retired before it
	// Vector and ErrorCode are those of ByVector; NMIs have Vector 2.
	Vector    x86.Vector
	ErrorCode uint32
	Address   uint64 // CR2 of a #PF
	// Present is 1 if, at a double fault, the page at Address was mapped.
	Present uint64
	Number  uint64 // of a system call: RAX
	// Interrupted is what was stopped: for a call as if it had returned.
	Interrupted Registers
	// Entry are the registers at the entry's first instruction.
	Entry Registers
	// FromApplication says that it stopped the application, and not the kernel.
	FromApplication bool
	// Tracking is the field at the entry's first instruction.
	Tracking int
	// Begin and End are its pt_regs when the C code got it and gave it back, at
	// BeginAt and EndAt; nil until then.
	Begin, End     *Frame
	BeginAt, EndAt uint64
	// SignalFrames is how many signal frames were set up in it.
	SignalFrames int
	// SigReturn says that it is an rt_sigreturn, and Context what that restores.
	SigReturn bool
	Context   *Context
	// Exec says that the program has been replaced in it.
	Exec bool
	// Switches is how often the task gave the CPU away in it.
	Switches int
	// BadReturn says that the exception is the last IRET's: Interrupted is what
	// that was to go to.
	BadReturn bool

	begin, end Frame
}

// Context is what a signal frame's sigcontext holds
// (arch/x86/include/uapi/asm/sigcontext.h).
type Context struct {
	At    uint64 // of the rt_sigframe
	GPR   [16]uint64
	IP    uint64
	Flags uint64
	CS    uint16
	GS    uint16
	FS    uint16
	SS    uint16
	Err   uint64
	Trap  uint64
	Mask  uint64
	CR2   uint64
	State uint64 // fpstate
}

// contextOf reads one from the words of a sigcontext: r8 to fpstate.
func contextOf(at uint64, w []uint64) *Context {
	c := &Context{At: at, IP: w[16], Flags: w[17], CS: uint16(w[18]), GS: uint16(w[18] >> 16), FS: uint16(w[18] >> 32), SS: uint16(w[18] >> 48),
		Err: w[19], Trap: w[20], Mask: w[21], CR2: w[22], State: w[23]}
	for i, r := range [...]int{x86.R8, x86.R9, x86.R10, x86.R11, x86.R12, x86.R13, x86.R14, x86.R15,
		x86.RDI, x86.RSI, x86.RBP, x86.RBX, x86.RDX, x86.RAX, x86.RCX, x86.RSP} {
		c.GPR[r] = w[i]
	}
	return c
}

// taskState is what the stream knows of a task.
type taskState struct {
	open     []*Excursion // innermost last
	tracking int
	on       string // the stack of its last event
	ended    bool   // its mode is nobody's business any more
	signal   Signal // the last one that was delivered
	handling bool   // its handler has not begun
	asking   asking
}

func (t *taskState) top() *Excursion {
	if len(t.open) == 0 {
		return nil
	}
	return t.open[len(t.open)-1]
}

// cut ends the excursions from the nth on. Their memory is used again, as all
// that an event points at.
func (s *Stream) cut(t *taskState, n int) {
	s.free = append(s.free, t.open[n:]...)
	t.open = t.open[:n]
}

// excursion makes one.
func (s *Stream) excursion() *Excursion {
	n := len(s.free)
	if n == 0 {
		return new(Excursion)
	}
	x := s.free[n-1]
	s.free = s.free[:n-1]
	*x = Excursion{}
	return x
}

// maxOpen bounds what a guest that only enters can make us keep: the nesting
// of a healthy kernel is below ten.
const maxOpen = 64

func (t *taskState) push(e *Excursion) {
	if len(t.open) == maxOpen {
		t.open = append(t.open[:0], t.open[1:]...)
	}
	t.open = append(t.open, e)
}
