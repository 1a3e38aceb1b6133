// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"context"
	"fmt"
)

// Target is a stopped x86-64 machine with one processor. A server calls it
// from one goroutine at a time.
//
// What a machine can do beyond this it says by implementing [Breakpointer],
// [Reverser] or [Monitor] too; gdb is told of those that it has.
type Target interface {
	// Registers returns the whole register file.
	Registers() (Registers, error)
	// SetRegisters makes the register file what it is given. Most fields are
	// what Registers returned a moment ago: a machine compares, stores what
	// differs and refuses what it cannot hold.
	SetRegisters(Registers) error

	// ReadMemory reads virtual memory as the debugger sees it, without
	// faults, without A and D bits. It returns how many bytes it could read,
	// and an error if these are fewer than asked for.
	ReadMemory(address uint64, p []byte) (int, error)
	// WriteMemory writes virtual memory whatever the page's permission.
	WriteMemory(address uint64, p []byte) (int, error)

	// Step executes one instruction, or delivers one exception or interrupt,
	// whatever breakpoint RIP is at.
	Step(ctx context.Context) (Stop, error)
	// Continue executes until something in [Stop] happens, at the latest
	// when ctx is done (a StopInterrupt then, not an error). A breakpoint at
	// RIP stops it before anything is executed, as an INT3 there would.
	Continue(ctx context.Context) (Stop, error)
}

// Breakpointer is a target that can stop at addresses. A server that gets no
// such target answers that breakpoints are not supported, and gdb then writes
// INT3 into memory.
type Breakpointer interface {
	SetBreakpoint(Breakpoint) error
	ClearBreakpoint(Breakpoint) error
}

// Reverser is a target that can go back, by snapshots and replay or otherwise.
type Reverser interface {
	// StepBack undoes one step.
	StepBack(ctx context.Context) (Stop, error)
	// ContinueBack undoes at least one step, and further ones until the state
	// is one at which a breakpoint or watchpoint stops, or the beginning of
	// what is known (StopHistory).
	ContinueBack(ctx context.Context) (Stop, error)
}

// Monitor is a target with commands of its own, for gdb's "monitor".
type Monitor interface {
	Monitor(ctx context.Context, command string) (string, error)
}

// Kind is what a breakpoint stops at. The values are those of the Z packets.
type Kind int

const (
	SoftwareBreakpoint Kind = iota
	HardwareBreakpoint
	WriteWatchpoint
	ReadWatchpoint
	AccessWatchpoint
)

// Breakpoint is a place to stop at. Length is that of the data watched; for a
// breakpoint it says nothing on this architecture.
type Breakpoint struct {
	Kind    Kind
	Address uint64
	Length  uint64
}

// Reason says why a machine stands still.
type Reason int

const (
	// StopStep is the end of a step.
	StopStep Reason = iota
	// StopBreakpoint is an execution breakpoint; RIP is its address.
	StopBreakpoint
	// StopWatchpoint is an access to watched data; the instruction that made
	// it is complete.
	StopWatchpoint
	// StopInterrupt is the end of the context: the user wants to look.
	StopInterrupt
	// StopException is an exception that the machine was asked to stop at.
	StopException
	// StopHistory is the beginning, or the end, of what is recorded.
	StopHistory
	// StopShutdown is a triple fault or the like. The machine can still be
	// looked at, and taken back.
	StopShutdown
	// StopExited is the machine's own end, by a debug exit or power off.
	StopExited
)

var reasonNames = [...]string{
	"step", "breakpoint", "watchpoint", "interrupt", "exception", "history", "shutdown", "exited",
}

func (r Reason) String() string {
	if r < 0 || int(r) >= len(reasonNames) {
		return fmt.Sprintf("reason %d", int(r))
	}
	return reasonNames[r]
}

// Stop is why, with the data that belongs to it.
type Stop struct {
	Reason  Reason
	Kind    Kind   // of the breakpoint or watchpoint
	Address uint64 // the data's, for a watchpoint
	Vector  uint8  // for StopException
	Code    uint8  // for StopExited
	AtEnd   bool   // for StopHistory: the end rather than the beginning
}
