// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"context"
	"errors"
	"slices"
)

// toy is a processor of one instruction, NOP, that adds 1 to RAX and puts it
// at a counter in memory; at the end of the sled it begins again.
type toy struct {
	now         toyState
	past        []toyState
	breakpoints []Breakpoint
	running     chan struct{} // told when Continue will not end by itself
}

type toyState struct {
	registers Registers
	memory    [toySize]byte
}

const (
	toyBase    = 0x100000
	toySize    = 0x1000
	sledEnd    = toyBase + 0x100
	toyCounter = toyBase + 0x800
)

func newToy() *toy {
	t := &toy{running: make(chan struct{}, 1)}
	for i := range sledEnd - toyBase {
		t.now.memory[i] = 0x90
	}
	r := &t.now.registers
	r.RIP = toyBase
	r.GPR[4] = toyBase + toySize
	r.RFLAGS = 0x202
	r.Segment = [6]uint16{0, 0x10, 0x18, 0, 0, 0}
	r.FSBase, r.GSBase, r.KernelGSBase = 0x7f0000001000, 0xffff888000002000, 0x3000
	r.CR0, r.CR2, r.CR3, r.CR4, r.CR8, r.EFER = 0x80050033, 0xdead000, 0x1000, 0x6b0, 1, 0xd01
	r.DR[7] = 0x400
	r.MXCSR = 0x1f80
	r.X87.Control = 0x37f
	r.XMM[3] = [16]byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4}
	r.ST[0] = [10]byte{7: 0x80, 8: 0xff, 9: 0x3f} // 1.0
	return t
}

func (t *toy) Registers() (Registers, error) { return t.now.registers, nil }

func (t *toy) SetRegisters(r Registers) error {
	if r.CR0&1 == 0 {
		return errors.New("this machine has no real mode")
	}
	t.now.registers = r
	return nil
}

func (t *toy) ReadMemory(address uint64, p []byte) (int, error) {
	if address < toyBase || address >= toyBase+toySize {
		return 0, errors.New("not mapped")
	}
	n := copy(p, t.now.memory[address-toyBase:])
	if n < len(p) {
		return n, errors.New("not mapped")
	}
	return n, nil
}

func (t *toy) WriteMemory(address uint64, p []byte) (int, error) {
	if address < toyBase || address >= toyBase+toySize {
		return 0, errors.New("not mapped")
	}
	return copy(t.now.memory[address-toyBase:], p), nil
}

func (t *toy) Step(context.Context) (Stop, error) {
	t.past = append(t.past, t.now)
	r := &t.now.registers
	r.GPR[0]++
	store(t.now.memory[toyCounter-toyBase:][:8], r.GPR[0])
	if r.RIP++; r.RIP == sledEnd {
		r.RIP = toyBase
	}
	return t.stopHere(), nil
}

// stopHere says what a breakpoint or watchpoint has to say of the state. The
// counter is written by every step, so the watch is hit by every one.
func (t *toy) stopHere() Stop {
	for _, b := range t.breakpoints {
		switch {
		case b.Kind >= WriteWatchpoint && b.Address == toyCounter:
			return Stop{Reason: StopWatchpoint, Kind: b.Kind, Address: b.Address}
		case b.Kind < WriteWatchpoint && b.Address == t.now.registers.RIP:
			return Stop{Reason: StopBreakpoint, Kind: b.Kind}
		}
	}
	return Stop{}
}

func (t *toy) Continue(ctx context.Context) (Stop, error) {
	if stop := t.stopHere(); stop.Reason == StopBreakpoint {
		return stop, nil
	}
	for range 2 * (sledEnd - toyBase) {
		if stop, _ := t.Step(ctx); stop.Reason != StopStep {
			return stop, nil
		}
	}
	t.running <- struct{}{}
	<-ctx.Done()
	return Stop{Reason: StopInterrupt}, nil
}

func (t *toy) StepBack(context.Context) (Stop, error) {
	if len(t.past) == 0 {
		return Stop{Reason: StopHistory}, nil
	}
	t.now = t.past[len(t.past)-1]
	t.past = t.past[:len(t.past)-1]
	return t.stopHere(), nil
}

func (t *toy) ContinueBack(ctx context.Context) (Stop, error) {
	for {
		if stop, _ := t.StepBack(ctx); stop.Reason != StopStep {
			return stop, nil
		}
	}
}

func (t *toy) SetBreakpoint(b Breakpoint) error {
	t.breakpoints = append(t.breakpoints, b)
	return nil
}

func (t *toy) ClearBreakpoint(b Breakpoint) error {
	t.breakpoints = slices.DeleteFunc(t.breakpoints, func(o Breakpoint) bool { return o == b })
	return nil
}

func (t *toy) Monitor(_ context.Context, command string) (string, error) {
	if command != "info toy" {
		return "", errors.New("only info toy is known")
	}
	return "a sled of NOPs\n", nil
}
