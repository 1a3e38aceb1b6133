// SPDX-License-Identifier: GPL-2.0-or-later

// Package event turns what a machine does into what a kernel does: system calls
// entered and left, exceptions, returns, switches of task, copies from and to
// the application's memory, signals.
//
//	stream, err := event.Attach(machine, img, event.Options{}, func(e *event.Event) { ... })
//	machine.Run(emu.Until{})
//
// The kernel is not asked and not changed. Events are made from two sources:
// what the machine itself carries out (exceptions, interrupts, IRET, SYSCALL),
// and points in the kernel's code, found by their symbols, where registers and
// memory are written down as the CPU comes by. The same code does it for any
// kernel: what a kernel does not have makes no events, and Stream.Missing says so.
package event

import (
	"github.com/uklemu/uklemu/emu/x86"
)

// Kind is what happened.
type Kind uint8

// Kinds of events.
const (
	// SyscallEnter is the first instruction of a system-call entry. By says
	// which; Interrupted is the application as the call has left it.
	SyscallEnter Kind = iota + 1
	// SyscallBegin is do_syscall_64 with its pt_regs complete (Frame).
	SyscallBegin
	// SyscallEnd is behind do_syscall_64, work for the exit done: Frame is what the
	// return goes by.
	SyscallEnd
	// Exception, Interrupt and NMI are at the first instruction of the vector's
	// stub. Vector, ErrorCode, Address (CR2 of a #PF) and Interrupted are set.
	Exception
	Interrupt
	NMI
	// HandlerBegin is the first instruction of the C function that a stub calls,
	// HandlerEnd the entry code's first instruction behind it. Frame is its
	// pt_regs.
	HandlerBegin
	HandlerEnd
	// Return is an IRET, SYSRET or RET that has left the kernel's entry code, or
	// went from one part of the kernel back to another. By says by what.
	// Registers are those after it.
	Return
	// Resumed is the first boundary at which the application runs again after
	// whatever it was stopped by. Excursion tells of that.
	Resumed
	// Switch is __switch_to_asm, from Task to Next; Switched is behind it, with
	// Task the new one.
	Switch
	Switched
	// AccessOK is a range that access_ok() or another function that decides for
	// itself has decided about: Address, Size, Verdict, What the function. A
	// refusal that no code of its own stands for is told at the task's next event.
	AccessOK
	// UserCopy begins a copy between the kernel and the application's memory:
	// Address, Size, Write if to the application.
	UserCopy
	// FixUp is a fault that the exception table has an answer to: Address is where the
	// kernel goes on.
	FixUp
	// Fault is do_user_addr_fault: Address and ErrorCode as the kernel has them.
	Fault
	// LoadCR3 is a write of CR3, Value what to; Control a write of another control
	// register or of an MSR that system calls go by, Address its number, What its name.
	LoadCR3
	Control
	// Oops is the kernel's own failure: oops, BUG, panic. What says which.
	Oops
	// SignalSetUp is a signal's frame complete, with Frame the registers that
	// its handler will start with; Verdict says whether it could be written.
	SignalSetUp
	// HandlerStart is the first instruction of the application's signal handler.
	HandlerStart
	// SigReturn is rt_sigreturn, with Frame the registers that it was called with.
	SigReturn
	// SigReturned is the application at what the signal had interrupted.
	SigReturned
	// Exec is execve behind its point of no return; ExecFailed is one that came
	// back with an error. Started is the new program's registers being set:
	// Address is its first instruction.
	Exec
	ExecFailed
	Started
	// Clone is a new task, Next, complete but not running; Ended a task's end.
	Clone
	Ended
	// Mode is the tracking field seen with another value than before, in the same
	// task. Found at other events, it may be told some instructions later in the
	// tier that looks at points.
	Mode
	// Stack is RSP on another stack than before.
	Stack
	// Boundary and Access are the full tier's: the state at an instruction
	// boundary whose class differs from the one before, and an access to memory of
	// a class that somebody asked for.
	Boundary
	Access

	Kinds // how many there are
)

var kindNames = [Kinds]string{
	SyscallEnter: "system call entered", SyscallBegin: "system call begins", SyscallEnd: "system call ends",
	Exception: "exception", Interrupt: "interrupt", NMI: "NMI",
	HandlerBegin: "handler begins", HandlerEnd: "handler ends", Return: "return", Resumed: "application resumed",
	Switch: "context switch", Switched: "context switched", AccessOK: "access_ok", UserCopy: "user copy", FixUp: "fix-up",
	Fault: "fault", LoadCR3: "CR3 loaded", Control: "control register", Oops: "oops", SignalSetUp: "signal frame", HandlerStart: "signal handler", SigReturn: "rt_sigreturn",
	SigReturned: "back from a signal", Exec: "exec", ExecFailed: "exec failed", Started: "program started",
	Clone: "clone", Ended: "task ended", Mode: "mode switch", Stack: "stack switch", Boundary: "boundary", Access: "access",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "unknown event"
}

// By is the way into the kernel, or out of it.
type By uint8

// Ways.
const (
	ByCall    By = iota + 1 // UKL's entry
	BySYSCALL               // the instruction
	ByVector                // an exception, interrupt or NMI
	ByIRET
	BySYSRET
	ByRET // POPFQ and RET, or RET alone
)

func (b By) String() string {
	return [...]string{"-", "call", "SYSCALL", "vector", "IRET", "SYSRET", "RET"}[min(int(b), 6)]
}

// Registers are those that an event shows.
type Registers struct {
	GPR          [16]uint64 // by number: RAX, RCX, RDX, RBX, RSP, ...
	RIP          uint64
	RFLAGS       uint64
	CS, SS       uint16
	FSBase       uint64
	GSBase       uint64
	KernelGSBase uint64
	CR3          uint64
	// Selectors of DS, ES, FS and GS; only events that the machine itself makes
	// have them (Machine).
	Selectors [4]uint16
}

// CPL is the privilege level.
func (r *Registers) CPL() int { return int(r.CS & 3) }

// RSP is the stack pointer.
func (r *Registers) RSP() uint64 { return r.GPR[x86.RSP] }

// What Event.Near has, in bytes: 64 below RSP before the CALL, and 8 above.
const (
	NearBelow = 64
	NearSize  = 72
)

// Values of the tracking field, current->ukl_thread.
const (
	NoTracking          = -1 // there is none, or it can't be read
	TrackingNone        = 0  // a task that is not UKL's
	TrackingKernel      = 1
	TrackingApplication = 2
)

// Event is one of them. It is valid until the function that gets it returns;
// what it points at, too.
type Event struct {
	Kind  Kind
	By    By
	Count uint64 // instructions retired before
	// Machine says that the machine stands at the event, so that its memory
	// and registers can be asked for more.
	Machine bool
	// Registers are those at the event: for what the machine did, after it.
	Registers
	Task uint64 // current
	// Tracking is current->ukl_thread: 0 not UKL's, 1 kernel, 2 application, or
	// NoTracking.
	Tracking int
	// TopOfStack is cpu_current_top_of_stack, Stack current->stack, the lowest
	// address of its thread stack.
	TopOfStack, Stack uint64
	// PerCPU is the kernel's own GS base.
	PerCPU uint64
	// ThreadFlags is current->thread_info.flags, and PreemptCount the CPU's,
	// with bit 31 as the kernel keeps it: set if there is no need to schedule.
	ThreadFlags  uint64
	PreemptCount uint32

	// On is the stack that RSP is on: OnThread and its neighbours.
	On string

	// Frame is the pt_regs at FrameAt, where the event has one.
	Frame   *Frame
	FrameAt uint64

	Vector    x86.Vector
	ErrorCode uint32
	Address   uint64
	Size      uint64
	Write     bool
	Fetch     bool
	Verdict   bool
	Next      uint64 // task
	Value     uint64 // of an access; the word at the top of the stack of SyscallEnter and of a RET
	Was       int    // Mode: the tracking before
	What      string

	// Signal is the one that SignalSetUp and HandlerStart are about.
	Signal *Signal
	// Near is the application's stack around its RSP of a call, of SyscallEnter
	// and SyscallBegin: NearSize bytes from NearBelow below it. It is nil where it
	// could not be read.
	Near []uint64
	// Code is whose instruction it is, of Boundary and Access; Data whose memory is
	// accessed, and ByMachine that it is not the instruction itself that does, but
	// the delivery of an event; OnData whose memory RSP is in, of Boundary.
	Code, Data, OnData int
	ByMachine          bool
	// Interrupted is the state that was stopped, of SyscallEnter, Exception,
	// Interrupt and NMI.
	Interrupted *Registers
	// Excursion is, of events between the application's being stopped and its
	// running again, how it was stopped; the innermost one of an event in the
	// kernel.
	Excursion *Excursion
}
