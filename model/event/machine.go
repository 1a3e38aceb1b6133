// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// observe gets what the machine itself did.
func (s *Stream) observe(o emu.Event) {
	switch o.Kind {
	case emu.EventException, emu.EventInterrupt, emu.EventNMI, emu.EventSoftware:
		s.delivered(o)
	case emu.EventIRET:
		s.returned(o, ByIRET)
	case emu.EventSYSRET:
		s.returned(o, BySYSRET)
	case emu.EventSYSCALL:
		s.syscall(o)
	case emu.EventControl:
		e := s.begin(o, Control)
		e.Address, e.Value, e.What = uint64(o.Number), o.Value, fmt.Sprint("CR", o.Number)
		if o.Number == 3 {
			e.Kind = LoadCR3
		}
		s.emit(e)
	case emu.EventMSR:
		if name := systemMSRs[o.Number]; name != "" {
			e := s.begin(o, Control)
			e.Address, e.Value, e.What = uint64(o.Number), o.Value, name
			s.emit(e)
		}
	case emu.EventShutdown:
		e := s.begin(o, Oops)
		e.What = "shutdown: a fault that could not be delivered, nor the double fault of it"
		s.emit(e)
	}
}

// systemMSRs are those that the way into the kernel depends on, and that are
// written once.
var systemMSRs = map[uint32]string{
	0xc0000080: "EFER", 0xc0000081: "STAR", 0xc0000082: "LSTAR", 0xc0000083: "CSTAR", 0xc0000084: "SFMASK",
	0x174: "SYSENTER_CS", 0x175: "SYSENTER_ESP", 0x176: "SYSENTER_EIP",
}

// begin starts an event at the machine's state.
func (s *Stream) begin(o emu.Event, kind Kind) *Event {
	state := s.machine.State()
	s.event = Event{Kind: kind, Count: o.Count, Registers: registersOf(&state), Tracking: NoTracking, Machine: true}
	s.here(&s.event)
	return &s.event
}

// here fills in what is read from memory.
func (s *Stream) here(e *Event) {
	e.Task = s.read(s.current)
	e.TopOfStack = s.read(s.top)
	e.PreemptCount = s.preemptCount(uint32(s.read(s.preempt)))
	if s.tracking >= 0 {
		e.Tracking = int(int32(s.read(e.Task + uint64(s.tracking))))
	}
	if s.stack >= 0 {
		e.Stack = s.read(e.Task + uint64(s.stack))
	}
	if s.flags >= 0 {
		e.ThreadFlags = s.read(e.Task + uint64(s.flags))
	}
}

func registersOf(s *x86.State) Registers {
	return Registers{
		GPR: s.GPR, RIP: s.RIP, RFLAGS: s.RFLAGS, CS: s.Seg[x86.CS].Selector, SS: s.Seg[x86.SS].Selector,
		FSBase: s.Seg[x86.FS].Base, GSBase: s.Seg[x86.GS].Base, KernelGSBase: s.KernelGSBase, CR3: s.CR3,
		Selectors: [4]uint16{s.Seg[x86.DS].Selector, s.Seg[x86.ES].Selector, s.Seg[x86.FS].Selector, s.Seg[x86.GS].Selector},
	}
}

// delivered is an exception, interrupt or NMI on its way: what it stopped is
// in the frame that the CPU has pushed, but for the registers, which are as they were.
func (s *Stream) delivered(o emu.Event) {
	kind := Exception
	switch o.Kind {
	case emu.EventInterrupt:
		kind = Interrupt
	case emu.EventNMI:
		kind = NMI
	}
	e := s.begin(o, kind)
	e.By, e.Vector, e.ErrorCode, e.Address = ByVector, o.Vector, o.ErrorCode, o.Address
	x := s.excursion()
	*x = Excursion{Task: e.Task, By: ByVector, Count: e.Count, Vector: o.Vector, ErrorCode: o.ErrorCode, Address: o.Address,
		Entry: e.Registers, Interrupted: e.Registers, Tracking: e.Tracking}
	if o.Vector == x86.VectorDF { // what could not be pushed to
		state := s.machine.State()
		e.Address, x.Address = state.CR2, state.CR2
		if _, err := s.machine.Translate(state.CR2); err == nil {
			x.Present = 1
		}
	}
	at := e.RSP()
	if kind == Exception && o.Vector.Info().ErrorCode {
		at += 8
	}
	var frame [40]byte
	if _, err := s.machine.ReadMemory(at, frame[:]); err == nil {
		i := &x.Interrupted
		i.RIP = binary.LittleEndian.Uint64(frame[0:])
		i.CS = binary.LittleEndian.Uint16(frame[8:])
		i.RFLAGS = binary.LittleEndian.Uint64(frame[16:])
		i.GPR[x86.RSP] = binary.LittleEndian.Uint64(frame[24:])
		i.SS = binary.LittleEndian.Uint16(frame[32:])
	}
	s.badReturn(x)
	x.FromApplication = x.BadReturn || s.stoppedApplication(x)
	t := s.task(e.Task)
	passes := x.Vector == x86.VectorDB || x.Vector == 2 || x.Vector == 18 // #DB, NMI, #MC: the return goes on behind them
	if x.FromApplication && !(passes && s.leaving(x.Interrupted.RIP)) {   // whatever was open has ended in a way that we did not see
		s.cut(t, 0)
	}
	t.push(x)
	e.Interrupted = &x.Interrupted
	s.emit(e)
}

// badReturn looks whether it is the last IRET that has faulted. Linux takes that
// for a fault of the program at the place that it was to go to, with the
// registers that it has there already (arch/x86/kernel/traps.c, fixup_bad_iret).
func (s *Stream) badReturn(x *Excursion) {
	if x.By != ByVector || x.Vector >= 32 || x.Vector == x86.VectorDF || x.Vector == 2 || s.img.Class(x.Interrupted.RIP) != image.EntryText || !s.isIRET(x.Interrupted.RIP) {
		return
	}
	var frame [40]byte
	if _, err := s.machine.ReadMemory(x.Interrupted.RSP(), frame[:]); err != nil {
		return
	}
	to := x.Interrupted
	to.RIP = binary.LittleEndian.Uint64(frame[0:])
	to.CS = binary.LittleEndian.Uint16(frame[8:])
	to.RFLAGS = binary.LittleEndian.Uint64(frame[16:])
	to.GPR[x86.RSP] = binary.LittleEndian.Uint64(frame[24:])
	to.SS = binary.LittleEndian.Uint16(frame[32:])
	if to.CS&3 == 0 && x.Tracking != TrackingApplication {
		return // a return to the kernel
	}
	x.BadReturn, x.Interrupted = true, to
}

func (s *Stream) isIRET(rip uint64) bool {
	var code [2]byte
	n, _ := s.machine.ReadMemory(rip, code[:])
	return n == 2 && bytes.Equal(code[:], iretq)
}

// stoppedApplication says whether it was the application that was stopped. Its
// first instruction in the kernel counts to it, up to the entry's CLI; all of the
// other entry text does not, whatever the task says. Elsewhere the task decides:
// an application may jump anywhere.
func (s *Stream) stoppedApplication(x *Excursion) bool {
	if s.isApplication(&x.Interrupted) {
		return true
	}
	if x.Tracking != TrackingApplication || x.Interrupted.CPL() != 0 {
		return false
	}
	switch s.img.Class(x.Interrupted.RIP) {
	case image.EntryText:
	case image.Kernel: // a handler of what has hit the entry text runs with the mark, on a stack of the kernel
		return int64(x.Interrupted.RSP()) >= 0 || s.globals(x.Interrupted.RSP())
	default:
		return true
	}
	first, ok := s.img.Address("ukl_entry_SYSCALL_64")
	return ok && x.Interrupted.RIP == first
}

// leaving says whether an instruction is of the tail of a return by RET, where
// the stack is the application's already.
func (s *Stream) leaving(rip uint64) bool {
	return rip >= s.tail && rip < s.tail+16 && s.tail != 0
}

// syscall is a SYSCALL, executed: RCX and R11 have what it stopped.
func (s *Stream) syscall(o emu.Event) {
	e := s.begin(o, SyscallEnter)
	e.By = BySYSCALL
	t := s.task(e.Task)
	s.cut(t, 0)
	x := s.excursion()
	*x = Excursion{Task: e.Task, By: BySYSCALL, Count: e.Count, Number: e.GPR[x86.RAX], Entry: e.Registers,
		Interrupted: e.Registers, Tracking: e.Tracking, FromApplication: true}
	x.Interrupted.RIP, x.Interrupted.RFLAGS = e.GPR[x86.RCX], e.GPR[x86.R11]
	x.Interrupted.CS, x.Interrupted.SS = 0x33, 0x2b
	if s.ukl && int64(x.Interrupted.RIP) < 0 { // nobody in CPL 3 is up there
		x.Interrupted.CS, x.Interrupted.SS = 0x10, 0x18
	}
	t.push(x)
	e.Interrupted = &x.Interrupted
	s.emit(e)
}

var iretq = []byte{0x48, 0xcf}

// returned is an IRET or SYSRET that has been executed.
func (s *Stream) returned(o emu.Event, by By) {
	e := s.begin(o, Return)
	e.By = by
	if by == ByIRET && s.img.Class(e.RIP) == image.EntryText && s.isIRET(e.RIP) {
		x := s.task(e.Task).top()
		if x == nil || x.Interrupted.RIP != e.RIP || x.Interrupted.RSP() != e.RSP() { // an NMI may have stopped it there
			return // it has faulted: the exception comes next
		}
	}
	s.left(e)
}

// left is the end of an excursion, with the registers of behind it in e.
func (s *Stream) left(e *Event) {
	t := s.task(e.Task)
	if s.isApplication(&e.Registers) || s.restarts(e) {
		var outer *Excursion
		if len(t.open) > 0 {
			outer = t.open[0]
			s.cut(t, 1)
		}
		s.emit(e)
		e.Kind = Resumed
		s.emit(e)
		s.resumed(t, e, outer)
		s.cut(t, 0)
		return
	}
	x := t.top()
	if x != nil && x.FromApplication && s.leaving(e.RIP) && x.Interrupted.RIP == e.RIP {
		s.emit(e) // back to the last instructions of another return
		s.cut(t, len(t.open)-1)
		return
	}
	if x == nil || x.FromApplication {
		s.emit(e) // from the kernel to itself: sync_core(), the NMI's own IRET
		return
	}
	s.emit(e)
	if x.Interrupted.RIP != e.RIP {
		if s.fixups[e.RIP] {
			f := *e
			f.Kind, f.Address = FixUp, e.RIP
			s.emit(&f)
		} else if x.Interrupted.RSP() != e.RSP() && !(x.Vector == 2 && len(t.open) > 1 && t.open[len(t.open)-2].Vector == 2) {
			// An NMI that has hit the end of another one goes on where that begins again.
			return // not the end of this one
		}
	}
	s.cut(t, len(t.open)-1)
}

// restarts says whether the application goes on at the entry of system calls
// itself, which is how a call is made again that was made by CALL.
func (s *Stream) restarts(e *Event) bool {
	at, ok := s.img.Address("ukl_entry_SYSCALL_64")
	return ok && e.RIP == at && int64(e.RSP()) > 0
}

// resumed tells what the application comes back from beside the kernel.
func (s *Stream) resumed(t *taskState, e *Event, outer *Excursion) {
	if t.handling && e.RIP == t.signal.Frame.IP {
		h := *e
		h.Kind, h.Frame, h.FrameAt, h.Signal = HandlerStart, &t.signal.Frame, t.signal.Frame.SP, &t.signal
		s.emit(&h)
	}
	t.handling = false
	if outer != nil && outer.SigReturn {
		r := *e
		r.Kind = SigReturned
		s.emit(&r)
	}
}
