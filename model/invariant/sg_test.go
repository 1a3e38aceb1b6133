// SPDX-License-Identifier: GPL-2.0-or-later

package invariant_test

import (
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
)

const (
	signalFrame = userStack - 0x800 + 8
	fpState     = userStack - 0x400
	handlerAt   = 0x40 // behind main
	restorerAt  = 0x60
)

// delivered is a frame that has been set up in a call.
func delivered(p places, change ...func(*event.Signal)) event.Event {
	g := &event.Signal{Number: 10, Handler: p.main + handlerAt, Restorer: p.main + restorerAt, Return: p.main + restorerAt, Readable: true,
		Frame:   event.Frame{IP: p.main + handlerAt, SP: signalFrame},
		Context: event.Context{At: signalFrame, IP: p.main + 5, CS: 0x33, SS: 0x2b, State: fpState}}
	g.Context.GPR[x86.RSP] = userStack
	for _, c := range change {
		c(g)
	}
	return here(event.SignalSetUp, p.function, inCall(p, 62, func(x *event.Excursion) { x.SignalFrames = 1 }), func(e *event.Event) {
		e.Signal, e.Verdict, e.Tracking = g, true, event.TrackingKernel
		e.Frame = &g.Frame
	})
}

// begun is the handler's first instruction.
func begun(p places, change ...func(*event.Event)) event.Event {
	return here(event.Resumed, p.main+handlerAt, append([]func(*event.Event){inCall(p, 62), func(e *event.Event) {
		e.GPR = [16]uint64{x86.RSP: signalFrame, x86.RDI: 10, x86.RSI: signalFrame + 0x138, x86.RDX: signalFrame + 8}
	}}, change...)...)
}

// asks is an rt_sigreturn, and copies what the kernel reads then.
func asks(p places, sp uint64) event.Event {
	return here(event.SigReturn, p.function, func(e *event.Event) { e.Frame = &event.Frame{SP: sp} })
}

func copies(p places, address uint64) event.Event {
	return here(event.UserCopy, p.function, func(e *event.Event) { e.Address, e.Size = address, 0xc0 })
}

// back is the application behind its handler.
func back(p places, change ...func(*event.Event)) event.Event {
	c := &event.Context{IP: p.main + 5, Flags: 0x246, GPR: [16]uint64{x86.RSP: userStack, x86.R15: 15}}
	return here(event.SigReturned, p.main+5, append([]func(*event.Event){inCall(p, 15, func(x *event.Excursion) { x.SigReturn, x.Context = true, c }),
		func(e *event.Event) { e.RFLAGS, e.GPR = 0x246, c.GPR }}, change...)...)
}

// A signal's frame is where the ABI wants it, its handler begins as in a
// program, and the return brings all back.
func signalLooks(p places) []look {
	sp := func(v uint64) func(*event.Signal) { return func(g *event.Signal) { g.Frame.SP = v } }
	return []look{
		{"SG-1", "misaligned", []event.Event{delivered(p)}, []event.Event{delivered(p, sp(signalFrame-8))}, "the frame modulo 16"},
		{"SG-1", "in the red zone", []event.Event{delivered(p)}, []event.Event{delivered(p, sp(userStack-0x1f8), func(g *event.Signal) { g.Context.State = userStack - 0x40 })}, "the frame's end"},
		{"SG-1", "on the alternate stack", []event.Event{delivered(p, sp(0x10008), func(g *event.Signal) {
			g.Context.State, g.AlternateStack, g.AlternateSize = 0x10400, 0x10000, 0x1000
		})}, []event.Event{delivered(p, sp(userStack+0x1008), func(g *event.Signal) { g.Context.State = userStack + 0x1400 })}, "the frame's end"},
		{"SG-2", "elsewhere", []event.Event{delivered(p), begun(p)}, []event.Event{delivered(p), begun(p, func(e *event.Event) { e.RIP = 3 })}, "rip of the handler"},
		{"SG-2", "with DF", []event.Event{delivered(p), begun(p)}, []event.Event{delivered(p), begun(p, func(e *event.Event) { e.RFLAGS |= x86.FlagDF })}, "RFLAGS.DF, RF, TF, IF"},
		{"SG-2", "to return elsewhere", []event.Event{delivered(p), begun(p)}, []event.Event{delivered(p, func(g *event.Signal) { g.Return = 0 }), begun(p)}, "the handler's return address"},
		{"SG-3", "in CPL 3", []event.Event{delivered(p), begun(p)}, []event.Event{delivered(p), begun(p, program)}, "CPL of the handler"},
		{"SG-4", "a frame that was none", []event.Event{delivered(p), asks(p, signalFrame+8)}, []event.Event{delivered(p), asks(p, signalFrame+24)}, "the frame"},
		{"SG-4", "another sigcontext", []event.Event{asks(p, signalFrame+8), copies(p, signalFrame+0x30)},
			[]event.Event{asks(p, signalFrame+8), copies(p, signalFrame+0x20)}, "the sigcontext"},
		{"SG-5", "a register", []event.Event{back(p)}, []event.Event{back(p, func(e *event.Event) { e.GPR[x86.R15] = 0 })}, "r15"},
		{"SG-5", "flags", []event.Event{back(p)}, []event.Event{back(p, func(e *event.Event) { e.RFLAGS = 0x202 })}, "flags"},
		{"SG-6", "interrupts off", []event.Event{back(p)}, []event.Event{back(p, func(e *event.Event) { e.RFLAGS &^= x86.FlagIF })}, "RFLAGS.IF, IOPL, NT"},
		{"SG-6", "another ring", []event.Event{back(p)}, []event.Event{back(p, program)}, "CPL"},
		{"SG-7", "the kernel interrupted", []event.Event{delivered(p)}, []event.Event{here(event.SignalSetUp, p.function, func(e *event.Event) {
			e.Excursion = &event.Excursion{By: event.ByVector}
		})}, "a signal"},
		{"SG-9", "the mark", []event.Event{delivered(p)}, []event.Event{delivered(p, func(g *event.Signal) { g.Context.CS = 0xc3 })}, "sigcontext.cs"},
	}
}

// A call that a signal has interrupted is made again as it was, or gives EINTR.
func restartLooks(p places) []look {
	behind := func(ip, rip, rax uint64) event.Event {
		return here(event.Resumed, rip, inCall(p, 7, func(x *event.Excursion) {
			x.End.IP = ip
			x.Entry.GPR[x86.RDI] = 42
		}), func(e *event.Event) { e.GPR[x86.RAX], e.GPR[x86.RDI] = rax, 42 })
	}
	eintr, restart := -4, -512
	again := behind(p.entry, p.entry, 7)
	other := behind(p.entry, p.entry, 7)
	other.GPR[x86.RDI] = 0
	return []look{
		{"SG-8", "a result that is none", []event.Event{behind(p.main+5, p.main+5, uint64(eintr))}, []event.Event{behind(p.main+5, p.main+5, uint64(restart))}, "the result"},
		{"SG-8", "in the middle of the CALL", []event.Event{again}, []event.Event{behind(p.main+3, p.main+3, 7)}, "rip behind an interrupted call"},
		{"SG-8", "the number as the result", []event.Event{again}, []event.Event{behind(p.entry, p.main+5, 7)}, "rip behind an interrupted call"},
		{"SG-8", "another number", []event.Event{behind(p.entry, p.entry, 219)}, []event.Event{behind(p.entry, p.entry, 8)}, "rax of a call made again"},
		{"SG-8", "another argument", []event.Event{again}, []event.Event{other}, "rdi of a call made again"},
	}
}
