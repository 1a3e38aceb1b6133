// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// hits gets what was written down at the points.
func (s *Stream) hits(batch []emu.Hit) {
	for i := range batch {
		s.hit(&batch[i])
	}
}

func (s *Stream) hit(h *emu.Hit) {
	s.event = Event{Count: h.Count, Task: h.Words[wordTask], TopOfStack: h.Words[wordTop], Tracking: NoTracking,
		Stack: h.Words[wordStack], ThreadFlags: h.Words[wordFlags], PreemptCount: s.preemptCount(uint32(h.Words[wordPreempt])),
		Registers: Registers{GPR: h.GPR, RIP: h.RIP, RFLAGS: h.RFLAGS, CS: h.CS, SS: h.SS,
			FSBase: h.FSBase, GSBase: h.GSBase, KernelGSBase: h.KernelGSBase, CR3: h.CR3}}
	e := &s.event
	if s.tracking >= 0 && h.OK(wordTracking) {
		e.Tracking = int(int32(h.Words[wordTracking]))
	}
	own := h.Words[words:]
	t := s.task(e.Task)
	r := s.plan.roles[h.Point]
	s.decided(e, t, r)
	switch r {
	case roleUKLEntry:
		if h.OK(words + 1) {
			e.Near = own[1:]
		}
		s.called(e, t, own, h.OK(words))
	case roleSyscallBegin, roleSyscallEnd, roleHandlerBegin, roleHandlerEnd:
		if r == roleSyscallBegin && h.OK(words+1) {
			e.Near = own[FrameSize/8:]
		}
		s.framed(e, t, r, own, h.OK(words))
	case roleRet:
		s.ret(e, own, h.OK(words))
	case roleSwitch:
		e.Kind, e.Next = Switch, e.GPR[x86.RSI]
		if x := t.top(); x != nil {
			x.Switches++
		}
		s.emit(e)
	case roleSwitched:
		if s.plan.names[h.Point] == "ret_from_fork" { // a task's first instruction: what its memory was before is over
			delete(s.tasks, e.Task)
		}
		e.Kind = Switched
		s.emit(e)
	case roleAccessOK:
		e.Kind, e.Address, e.Size = AccessOK, e.GPR[x86.RDI], e.GPR[x86.RSI]
		s.asked[e.Task] = *e
	case roleAccessOKEnd:
		if asked, ok := s.asked[e.Task]; ok {
			delete(s.asked, e.Task)
			e.Kind, e.Address, e.Size, e.Verdict, e.What = AccessOK, asked.Address, asked.Size, e.GPR[x86.RAX]&0xff != 0, s.plan.names[h.Point]
			s.emit(e)
		}
	case roleAsked, roleStrncpy:
		s.ask(e, t, r, s.plan.sizes[h.Point], s.plan.names[h.Point])
	case roleStrncpyEnd:
		s.copied(e, t)
	case roleGetUser, rolePutUser, roleCopyUser:
		s.copy(e, r, s.plan.sizes[h.Point])
		e.What = s.plan.names[h.Point]
		s.emit(e)
	case roleFault:
		e.Kind, e.ErrorCode, e.Address = Fault, uint32(e.GPR[x86.RSI]), e.GPR[x86.RDX]
		s.emit(e)
	case roleOops:
		e.Kind, e.What = Oops, s.plan.names[h.Point]
		s.emit(e)
	case roleSignal:
		s.signal(e, t, own, h)
	case roleSigReturn:
		s.sigreturn(e, t, own, h.OK(words+1))
	case roleExec:
		e.Kind = Exec
		if x := t.top(); x != nil {
			x.Exec = true
		}
		s.emit(e)
	case roleStarted:
		e.Kind, e.Address, e.What = Started, e.GPR[x86.RSI], s.plan.names[h.Point]
		s.emit(e)
	case roleClone:
		e.Kind, e.Next = Clone, e.GPR[x86.RDI]
		delete(s.tasks, e.Next) // what is known of it is of another that had its memory
		s.emit(e)
	case roleEnded:
		e.Kind = Ended
		s.emit(e)
		s.task(e.Task).ended = true
	}
}

// called is the entry by CALL: what it stopped is the application as it will
// be when the call has returned.
func (s *Stream) called(e *Event, t *taskState, own []uint64, ok bool) {
	e.Kind, e.By = SyscallEnter, ByCall
	s.cut(t, 0)
	x := s.excursion()
	*x = Excursion{Task: e.Task, By: ByCall, Count: e.Count, Number: e.GPR[x86.RAX], Entry: e.Registers,
		Interrupted: e.Registers, Tracking: e.Tracking, FromApplication: true}
	if ok {
		e.Value = own[0]
		x.Interrupted.RIP = own[0]
		x.Interrupted.GPR[x86.RSP] += 8
	}
	t.push(x)
	e.Interrupted = &x.Interrupted
	s.emit(e)
}

// framed is C code that gets pt_regs, or has given them back.
func (s *Stream) framed(e *Event, t *taskState, r role, own []uint64, ok bool) {
	e.Kind = [...]Kind{roleSyscallBegin: SyscallBegin, roleSyscallEnd: SyscallEnd, roleHandlerBegin: HandlerBegin, roleHandlerEnd: HandlerEnd}[r]
	e.FrameAt = e.RSP()
	if r == roleSyscallBegin || r == roleHandlerBegin {
		e.FrameAt = e.GPR[x86.RDI]
	}
	if ok {
		s.frame = frameOf(own)
		e.Frame = &s.frame
		if x := t.top(); x != nil {
			if r == roleSyscallBegin || r == roleHandlerBegin {
				if x.Begin == nil {
					x.begin, x.BeginAt = s.frame, e.FrameAt
					x.Begin = &x.begin
				}
			} else {
				x.end, x.EndAt = s.frame, e.FrameAt
				x.End = &x.end
			}
		}
	}
	s.emit(e)
	if r == roleSyscallEnd && ok {
		const execve, execveat = 59, 322
		if x := t.top(); x != nil && (x.Number == execve || x.Number == execveat) && !x.Exec {
			e.Kind = ExecFailed
			s.emit(e)
		}
	}
}

// ret is a RET that leaves the kernel, if its stack is the application's: the
// registers of behind it follow from those before.
func (s *Stream) ret(e *Event, own []uint64, ok bool) {
	if !ok || int64(e.RSP()) < 0 && s.img.Class(own[1]) != image.Application {
		return
	}
	e.Kind, e.By, e.Value = Return, ByRET, own[0]
	e.RIP = own[1]
	e.GPR[x86.RSP] += 8
	e.Count++
	s.left(e)
}

func (s *Stream) sigreturn(e *Event, t *taskState, own []uint64, ok bool) {
	e.Kind, e.FrameAt = SigReturn, e.GPR[x86.RDI]
	s.frame = frameOf(own)
	e.Frame = &s.frame
	if len(t.open) > 0 {
		t.open[0].SigReturn = true
		if ok {
			t.open[0].Context = contextOf(s.frame.SP-8, own[21:])
		}
	}
	s.emit(e)
}

// preemptCount is what was read as it, if there is one.
func (s *Stream) preemptCount(v uint32) uint32 {
	if s.preempt == 0 {
		return 0
	}
	return v
}
