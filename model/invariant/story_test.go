// SPDX-License-Identifier: GPL-2.0-or-later

package invariant_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus/mini"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/invariant"
)

// story is what happens in a kernel that does everything right, event by event,
// made by hand. A test changes one thing in it, and an invariant has to notice.
type story []*event.Event

// first is the first event of a kind.
func (s story) first(k event.Kind) *event.Event {
	for _, e := range s {
		if e.Kind == k {
			return e
		}
	}
	return nil
}

// world is an image to tell stories of.
type world struct {
	t   *testing.T
	img *image.Image
}

var images = map[string]*image.Image{}

// of is the world of a variant of builtin:mini.
func of(t *testing.T, options string) *world {
	t.Helper()
	if images[options] == nil {
		o, err := mini.Parse(options)
		require.NoError(t, err)
		path, err := mini.File(o)
		require.NoError(t, err)
		img, err := image.Open(path)
		require.NoError(t, err)
		images[options] = img
	}
	return &world{t, images[options]}
}

func (w *world) at(name string) uint64 {
	at, ok := w.img.Address(name)
	require.True(w.t, ok, name)
	return at
}

// Places of the stories.
const (
	task, other       = uint64(0xffffffff81018000), uint64(0xffffffff81019000)
	thread, elsewhere = uint64(0xffffc90000008000), uint64(0xffffc90000010000) // their stacks
	threadSize        = uint64(0x4000)
	frameAt           = thread + threadSize - event.FrameSize
	percpu            = uint64(0xffffffff81016000)
	user              = uint64(0x7fffffffe000) // the application's RSP
	fsBase            = uint64(0x7effff001000)
	cr3               = uint64(0x1234000)
	flags             = uint64(0x202)
)

// registers of the application, each with a value of its own.
func (w *world) registers() event.Registers {
	r := event.Registers{RIP: w.inside(), RFLAGS: flags, CS: 0x10, SS: 0x18, FSBase: fsBase, GSBase: percpu, CR3: cr3}
	for n := range r.GPR {
		r.GPR[n] = 0x1111 * uint64(n+1)
	}
	r.GPR[x86.RSP] = user
	return r
}

// inside is an address in the application that is behind a CALL.
func (w *world) inside() uint64 {
	for _, c := range w.img.CallsTo("ukl_entry_SYSCALL_64") {
		if w.img.Class(c.Return) == image.Application {
			return c.Return
		}
	}
	return 0x401002 // a program's
}

// kernel are registers in the kernel, with its stack.
func (w *world) kernel(name string, rsp uint64) event.Registers {
	r := event.Registers{RIP: w.at(name), RFLAGS: x86.FlagFixed, CS: 0x10, SS: 0x18, FSBase: fsBase, GSBase: percpu, CR3: cr3}
	r.GPR[x86.RSP] = rsp
	return r
}

// event has what all events have.
func event0(k event.Kind, r event.Registers, tracking int) *event.Event {
	return &event.Event{Kind: k, Registers: r, Task: task, Tracking: tracking, TopOfStack: thread + threadSize, Stack: thread, PerCPU: percpu}
}

// frame is pt_regs of registers.
func frame(r *event.Registers, cs uint64, orig int64) *event.Frame {
	g := &r.GPR
	return &event.Frame{R15: g[15], R14: g[14], R13: g[13], R12: g[12], BP: g[x86.RBP], BX: g[x86.RBX], R11: g[11], R10: g[10], R9: g[9], R8: g[8],
		AX: g[x86.RAX], CX: g[x86.RCX], DX: g[x86.RDX], SI: g[x86.RSI], DI: g[x86.RDI], OrigAX: uint64(orig), IP: r.RIP, CS: cs, Flags: r.RFLAGS, SP: r.GPR[x86.RSP], SS: uint64(r.SS)}
}

// call is a system call of the application, from its CALL to where it goes on.
func (w *world) call() story {
	const getpid = 39
	after := w.registers()
	entry := after
	entry.GPR[x86.RAX], after.GPR[x86.RAX] = getpid, 1
	entry.RIP = w.at("ukl_entry_SYSCALL_64")
	entry.GPR[x86.RSP] -= 8
	interrupted := entry
	interrupted.RIP, interrupted.GPR[x86.RSP] = after.RIP, user
	x := &event.Excursion{Task: task, By: event.ByCall, Number: getpid, Entry: entry, Interrupted: interrupted, FromApplication: true, Tracking: event.TrackingApplication}
	minus := int64(-38)
	x.Begin, x.BeginAt = frame(&interrupted, 0xc3, getpid), frameAt
	x.Begin.AX = uint64(minus)
	x.End, x.EndAt = frame(&after, 0xc3, getpid), frameAt

	enter := event0(event.SyscallEnter, entry, event.TrackingApplication)
	enter.By, enter.Value, enter.Interrupted = event.ByCall, after.RIP, &x.Interrupted
	enter.Near = make([]uint64, event.NearSize/8)
	begin := event0(event.SyscallBegin, w.kernel("do_syscall_64", frameAt-8), event.TrackingKernel)
	begin.GPR[x86.RDI], begin.GPR[x86.RSI] = frameAt, getpid
	begin.Frame, begin.FrameAt = x.Begin, frameAt
	begin.Near = make([]uint64, event.NearSize/8)
	end := event0(event.SyscallEnd, w.kernel("ukl_entry_SYSCALL_64", frameAt), event.TrackingKernel)
	end.Frame, end.FrameAt = x.End, frameAt
	back := event0(event.Return, after, event.TrackingApplication)
	back.By = event.ByIRET
	if w.img.UKL.UseRet {
		back.By, back.Value = event.ByRET, flags
	}
	resumed := *back
	resumed.Kind = event.Resumed
	s := story{enter, begin, end, back, &resumed}
	return s.within(x)
}

// within makes the events those of an excursion.
func (s story) within(x *event.Excursion) story {
	for _, e := range s {
		e.Excursion = x
	}
	return s
}

// stopped is an exception or interrupt that has stopped what the registers are of.
func (w *world) stopped(kind event.Kind, vector x86.Vector, what event.Registers, tracking int, stub, handler string) story {
	x := &event.Excursion{Task: task, By: event.ByVector, Vector: vector, Interrupted: what, Tracking: tracking, FromApplication: !upperRSP(&what)}
	stack, mode, cs := frameAt, tracking, uint64(0x10)
	switch {
	case what.CPL() == 3:
		cs = 0x33
	case x.FromApplication:
		cs, mode = 0xc3, event.TrackingKernel
	default:
		stack = what.RSP()&^15 - event.FrameSize
	}
	x.Begin, x.BeginAt = frame(&what, cs, -1), stack
	x.End, x.EndAt = x.Begin, stack
	at := event0(kind, w.kernel(stub, what.RSP()&^15-40), tracking)
	at.By, at.Vector, at.Interrupted = event.ByVector, vector, &x.Interrupted
	x.Entry = at.Registers
	begin := event0(event.HandlerBegin, w.kernel(handler, stack-8), mode)
	begin.Frame, begin.FrameAt = x.Begin, stack
	end := event0(event.HandlerEnd, w.kernel("error_return", stack), mode)
	end.Frame, end.FrameAt = x.End, stack
	back := event0(event.Return, what, tracking)
	back.By = event.ByIRET
	s := story{at, begin, end, back}
	if x.FromApplication {
		resumed := *back
		resumed.Kind = event.Resumed
		s = append(s, &resumed)
	}
	return s.within(x)
}

func upperRSP(r *event.Registers) bool { return int64(r.RSP()) < 0 }

// interrupt stops the application.
func (w *world) interrupt() story {
	return w.stopped(event.Interrupt, 0x20, w.registers(), event.TrackingApplication, "asm_common_interrupt", "common_interrupt")
}

// nested stops the kernel.
func (w *world) nested() story {
	return w.stopped(event.Interrupt, 0x20, w.kernel("schedule", frameAt-0x100), event.TrackingKernel, "asm_common_interrupt", "common_interrupt")
}

// program is an interrupt of an ordinary program.
func (w *world) program() story {
	r := w.registers()
	r.CS, r.SS, r.RIP, r.GSBase, r.KernelGSBase = 0x33, 0x2b, 0x401000, 0, percpu
	return w.stopped(event.Interrupt, 0x20, r, event.TrackingNone, "asm_common_interrupt", "common_interrupt")
}

// nmi stops the application.
func (w *world) nmi() story {
	return w.stopped(event.NMI, 2, w.registers(), event.TrackingApplication, "asm_exc_nmi", "exc_nmi")
}

// wrong is the application's #UD.
func (w *world) wrong() story {
	return w.stopped(event.Exception, x86.VectorUD, w.registers(), event.TrackingApplication, "asm_exc_invalid_op", "exc_invalid_op")
}

// double is a push of the application's to a page that is not there.
func (w *world) double() story {
	s := w.stopped(event.Exception, x86.VectorDF, w.registers(), event.TrackingApplication, "asm_exc_double_fault", "exc_double_fault_ukl")
	s[0].Address = user - 8
	x := s[0].Excursion
	x.Address = user - 8
	fault := event0(event.Fault, w.kernel("do_user_addr_fault", frameAt-0x40), event.TrackingKernel)
	fault.Address, fault.ErrorCode, fault.Excursion = user-8, 6, x
	return slices.Insert(s, 2, fault)
}

// repair is a fault of the kernel that the exception table answers.
func (w *world) repair() story {
	fix := w.img.ExceptionTable()[0]
	r := w.kernel("schedule", frameAt-0x100)
	r.RIP = fix.Insn
	s := w.stopped(event.Exception, x86.VectorPF, r, event.TrackingKernel, "asm_exc_page_fault", "exc_page_fault")
	s[len(s)-1].RIP = fix.Fixup
	fixed := *s[len(s)-1]
	fixed.Kind, fixed.Address = event.FixUp, fix.Fixup
	return append(s, &fixed)
}

// change is a switch to another task, and back.
func (w *world) change() story {
	away := event0(event.Switch, w.kernel("__switch_to_asm", frameAt-0x80), event.TrackingKernel)
	away.Next = other
	there := event0(event.Switched, w.kernel("schedule", elsewhere+threadSize-0x100), event.TrackingNone)
	there.Task, there.Stack, there.TopOfStack = other, elsewhere, elsewhere+threadSize
	back := *there
	back.Kind, back.Next, back.RIP = event.Switch, task, w.at("__switch_to_asm")
	again := event0(event.Switched, w.kernel("schedule", frameAt-0x80), event.TrackingKernel)
	s := story{away, there, &back, again}
	x := w.call()[0].Excursion
	away.Excursion, again.Excursion = x, x
	return s
}

// control are control registers being written as they were, and another CR3.
func (w *world) control() story {
	var s story
	for range 2 {
		for what, v := range map[string]uint64{"CR0": 0x80050033, "CR4": 0x6f0, "EFER": 0xd01, "LSTAR": 0xffffffff81005000, "SFMASK": 0x47700} {
			e := event0(event.Control, w.kernel("schedule", frameAt-0x80), event.TrackingKernel)
			e.What, e.Value = what, v
			s = append(s, e)
		}
	}
	load := event0(event.LoadCR3, w.kernel("schedule", frameAt-0x80), event.TrackingKernel)
	load.Value = cr3
	return append(s, load)
}

// failing is an execve that comes back with an error.
func (w *world) failing() story {
	s := w.program()
	failed := *s[2]
	failed.Kind = event.ExecFailed
	return slices.Insert(s, 3, &failed)
}

// tell shows stories to the whole catalogue and gives the ids of what did not hold.
func (w *world) tell(stories ...story) (broken []string, held map[string]bool) {
	suite := invariant.NewSuite(w.img, invariant.Points, told(w.t)...)
	for _, s := range stories {
		for n, e := range s {
			e.Count = uint64(n)
			suite.See(e)
		}
	}
	held = map[string]bool{}
	for _, r := range suite.Results() {
		switch r.Status {
		case invariant.Violated:
			broken = append(broken, r.ID)
		case invariant.Held:
			held[r.ID] = true
		}
	}
	return broken, held
}

// told are the invariants of the groups that the stories are about.
func told(t *testing.T) (list []invariant.Invariant) {
	for _, i := range invariant.All() {
		switch i.Rule().ID[:2] {
		case "MT", "EN", "EX", "IR", "ST", "CS", "FL", "HW":
			list = append(list, i)
		}
	}
	require.NotEmpty(t, list)
	return list
}
