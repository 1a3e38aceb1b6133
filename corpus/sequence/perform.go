// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/scenario"
)

// Stacks of threads, each of so many pages, and the alternate stack for handlers.
const (
	threadStacks, threadStackPages = 4, 2
	altStackPages                  = 4
)

// mine are the flags that an application sets.
const mine = x86.FlagCF | x86.FlagPF | x86.FlagAF | x86.FlagZF | x86.FlagSF | x86.FlagOF | x86.FlagDF | x86.FlagAC | x86.FlagNT | x86.FlagTF

// arguments are the registers of a system call's, in their order.
var arguments = [MaxArgs]int{x86.RDI, x86.RSI, x86.RDX, x86.R10, x86.R8, x86.R9}

// plain are the labels of the operations that are plain code.
var plain = map[string]scenario.Label{
	"nops": scenario.Nops, "push": scenario.Push, "vector": scenario.Vector,
	"int3": scenario.Break, "ud2": scenario.Invalid, "spin": scenario.Spin,
}

// labels are those by code.
var labels = func() (list [256]scenario.Label) {
	for c := range operations {
		list[c] = plain[operations[c].Name]
	}
	return list
}()

// do carries out one operation and gives RAX behind it.
func (r *Runner) do(o *Op) (uint64, error) {
	op := o.Operation()
	var v [MaxArgs]uint64
	for i := range op.Args {
		v[i] = r.value(&o.Args[i])
	}
	switch op.kind {
	case systemCall:
		return r.call(o, uint64(op.Number), v)
	case anyCall:
		return r.call(o, v[0], [MaxArgs]uint64{v[1], v[2], v[3], v[4], v[5]})
	case touchLoad:
		return r.at(o, scenario.Load, v[0], 0)
	case touchStore:
		return r.at(o, scenario.Store, v[0], v[1])
	case touchExecute:
		return r.at(o, scenario.Jump, v[0], 0)
	case plainCode:
		state := r.state()
		return r.finish(o, labels[o.Code], &state)
	case moveStack:
		r.run.rsp = v[0]
		return v[0], nil
	case setFlags:
		r.run.flags = v[0]
		return v[0], nil
	case setHandler:
		return r.handle(o, v)
	case setField:
		return 0, r.change(v[0], v[1])
	case handlerReturn:
		return r.leave(o)
	case makeThread:
		return r.thread(o, v[0])
	case evictPage:
		return r.evict(o, v[0])
	case callFunction:
		return r.function(o, v)
	}
	return 0, nil
}

// value is what an argument is on this machine, now.
func (r *Runner) value(v *Value) uint64 {
	switch v.Kind {
	case Result:
		return r.run.outcome.Results[v.Index%MaxOps] + v.N
	case Pointer:
		return r.places[v.Place%places] + v.N
	case Contents:
		var p [4]byte
		_, _ = r.driver.Machine.ReadMemory(r.places[v.Place%places], p[:])
		return uint64(binary.LittleEndian.Uint32(p[:])) + v.N
	}
	return v.N
}

// state is the application's before an operation: every register with a value of
// its own, so that one that is lost or mixed up shows.
func (r *Runner) state() x86.State {
	s := r.driver.Machine.State()
	for n := range s.GPR {
		s.GPR[n] = 0x1111111111111111*uint64(n) ^ 0x00c0ffee00c0ffee
	}
	s.GPR[x86.RSP], s.GPR[x86.RBX] = r.run.rsp, r.run.nested
	s.RFLAGS = s.RFLAGS&^mine | r.run.flags&mine
	if s.CPL() == 0 {
		s.RFLAGS = s.RFLAGS&^x86.FlagIOPL | x86.FlagIF | r.run.flags&x86.FlagIOPL
		if r.run.flags&x86.FlagIF != 0 { // named CLI
			s.RFLAGS &^= x86.FlagIF
		}
	}
	return s
}

func (r *Runner) at(o *Op, l scenario.Label, rdi, rax uint64) (uint64, error) {
	s := r.state()
	s.GPR[x86.RDI], s.GPR[x86.RAX] = rdi, rax
	return r.finish(o, l, &s)
}

func (r *Runner) call(o *Op, number uint64, args [MaxArgs]uint64) (uint64, error) {
	s := r.state()
	s.GPR[x86.RAX] = number
	for i, a := range args {
		s.GPR[arguments[i]] = a
	}
	l := scenario.Call
	if o.SYSCALL && r.driver.Image.UKL.Flavor != image.KML {
		l = scenario.SYSCALL
	}
	return r.finish(o, l, &s)
}

// finish runs an operation with what comes in the middle of it.
func (r *Runner) finish(o *Op, l scenario.Label, s *x86.State) (rax uint64, err error) {
	d := r.driver
	var after x86.State
	switch o.Event {
	case Breakpoint:
		after, err = d.GoChanged(l, s, uint64(o.At), r.breakpoint, clearBreakpoint)
	case Interrupt:
		d.Machine.InterruptAt(uint64(o.At), r.vector)
		after, err = d.Go(l, s)
	case NMI:
		d.Machine.NMIAt(uint64(o.At))
		after, err = d.Go(l, s)
	default:
		after, err = d.Go(l, s)
	}
	if err != nil {
		return 0, err
	}
	if after.DR[7]&0xff != 0 {
		clearBreakpoint(&after)
		d.Machine.SetState(&after)
	}
	if after.RIP == d.Board.At(scenario.Signal) && r.run.depth < len(r.run.frames) {
		r.run.frames[r.run.depth].at, r.run.frames[r.run.depth].rsp = after.GPR[x86.RSP], r.run.rsp
		r.run.depth++
		r.run.rsp = after.GPR[x86.RSP]
	}
	return after.GPR[x86.RAX], nil
}

// setBreakpoint sets one at the instruction where the machine is (SDM vol. 3B,
// 18.2.4), if that is the application's: nobody can set one in the kernel, which
// relies on that (kernel/events/hw_breakpoint.c, hw_breakpoint_parse). RF would pass over it.
func (r *Runner) setBreakpoint(s *x86.State) {
	if s.CPL() == 0 && int64(s.RIP) < 0 && r.driver.Image.Class(s.RIP) != image.Application {
		return
	}
	s.DR[0] = s.RIP
	s.DR[7] = x86.DR7Fixed | 1<<1
	s.RFLAGS &^= x86.FlagRF
}

// clearBreakpoint takes it away once it was hit, since there is no debugger to set RF.
func clearBreakpoint(s *x86.State) { s.DR[7] = x86.DR7Fixed }

// function calls one of the kernel's, where its options allow it.
func (r *Runner) function(o *Op, v [MaxArgs]uint64) (uint64, error) {
	if !r.Kernel.Has(o.Code) {
		return 0, nil
	}
	at, ok := r.driver.Image.Address(function.name(v[0]))
	if !ok {
		return 0, nil
	}
	s := r.state()
	s.GPR[x86.RDI], s.GPR[x86.RSI], s.GPR[x86.RDX] = at, v[1], v[2]
	return r.finish(o, scenario.Jump, &s)
}
