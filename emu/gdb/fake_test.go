// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// fake answers as its script says and remembers what it was asked.
type fake struct {
	registers Registers
	refuse    error // what SetRegisters says
	memory    map[uint64]byte
	stops     []Stop // of Step, Continue, StepBack and ContinueBack, in turn
	stride    uint64 // how far Step moves RIP
	block     bool   // Continue waits for its context
	calls     []string
}

var (
	_ Target       = (*fake)(nil)
	_ Breakpointer = (*fake)(nil)
	_ Reverser     = (*fake)(nil)
	_ Monitor      = (*fake)(nil)
)

func (f *fake) note(format string, args ...any) {
	if len(f.calls) < 1000 {
		f.calls = append(f.calls, fmt.Sprintf(format, args...))
	}
}

func (f *fake) Registers() (Registers, error) { return f.registers, nil }

func (f *fake) SetRegisters(r Registers) error {
	if f.refuse != nil {
		return f.refuse
	}
	f.registers = r
	return nil
}

func (f *fake) ReadMemory(address uint64, p []byte) (int, error) {
	for i := range p {
		b, ok := f.memory[address+uint64(i)]
		if !ok {
			return i, errors.New("not mapped")
		}
		p[i] = b
	}
	return len(p), nil
}

func (f *fake) WriteMemory(address uint64, p []byte) (int, error) {
	for i, b := range p {
		if _, ok := f.memory[address+uint64(i)]; !ok {
			return i, errors.New("not mapped")
		}
		f.memory[address+uint64(i)] = b
	}
	return len(p), nil
}

func (f *fake) next() Stop {
	if len(f.stops) == 0 {
		return Stop{}
	}
	stop := f.stops[0]
	f.stops = f.stops[1:]
	return stop
}

func (f *fake) Step(context.Context) (Stop, error) {
	f.note("step")
	f.registers.RIP += f.stride
	return f.next(), nil
}

func (f *fake) Continue(ctx context.Context) (Stop, error) {
	f.note("continue")
	if f.block {
		<-ctx.Done()
		return Stop{Reason: StopInterrupt}, nil
	}
	return f.next(), nil
}

func (f *fake) StepBack(context.Context) (Stop, error) {
	f.note("step back")
	return f.next(), nil
}

func (f *fake) ContinueBack(context.Context) (Stop, error) {
	f.note("continue back")
	return f.next(), nil
}

func (f *fake) SetBreakpoint(b Breakpoint) error {
	f.note("set %d %#x %d", b.Kind, b.Address, b.Length)
	return nil
}

func (f *fake) ClearBreakpoint(b Breakpoint) error {
	f.note("clear %d %#x %d", b.Kind, b.Address, b.Length)
	return nil
}

func (f *fake) Monitor(_ context.Context, command string) (string, error) {
	if command == "fail" {
		return "", errors.New("there is no command fail")
	}
	return "you said " + command + "\n", nil
}

// memoryOf maps bytes at an address.
func memoryOf(address uint64, bytes ...byte) map[uint64]byte {
	m := map[uint64]byte{}
	for i, b := range slices.All(bytes) {
		m[address+uint64(i)] = b
	}
	return m
}

// plain is a target that can do the least.
type plain struct{ Target }
