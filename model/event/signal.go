// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// Signal is a delivered one: what the application asked for, and what the
// kernel has put on its stack.
type Signal struct {
	// Number, Handler and Restorer are of the action (struct k_sigaction).
	Number            uint32
	Handler, Restorer uint64
	// Frame is the registers that the handler will start with; its SP is where
	// the rt_sigframe is.
	Frame Frame
	// Return is the frame's first word, where the handler returns to, and Context
	// its sigcontext; Readable says that they could be read.
	Return   uint64
	Context  Context
	Readable bool
	// AlternateStack and AlternateSize are the task's alternate stack, if it has one.
	AlternateStack, AlternateSize uint64
}

// Offsets in struct rt_sigframe (arch/x86/include/asm/sigframe.h).
const (
	contextAt  = 0x30
	contextLen = 24 * 8 // up to fpstate
)

// Captures of roleSignal, and the words that they begin at.
const (
	captureFrame = iota
	captureReturn
	captureContext
	captureAlternate
	captureAlternateSize
	captureHandler
	captureRestorer
	captureNumber

	signalReturn    = FrameSize / 8
	signalContext   = signalReturn + 1
	signalAlternate = signalContext + contextLen/8
	signalHandler   = signalAlternate + 2
	signalRestorer  = signalHandler + 1
	signalNumber    = signalRestorer + 1
)

// signal is what is written down at signal_setup_done(failed, ksig, stepping),
// whose pt_regs are those at the top of the task's stack. A guest without
// struct ksignal has the number in ESI and the action in RDX instead.
func (p *planner) signal(ofTask func(int64, int) emu.Capture) []emu.Capture {
	offset := func(structure, field string) int64 {
		if at, ok := p.img.Offset(structure, field); ok {
			return at
		}
		return -1
	}
	captures := []emu.Capture{
		captureFrame:         {Base: emu.Word(wordTop), Offset: -FrameSize, Size: FrameSize},
		captureReturn:        {Base: emu.Word(words + frameSP), Size: 8},
		captureContext:       {Base: emu.Word(words + frameSP), Offset: contextAt, Size: contextLen},
		captureAlternate:     ofTask(offset("task_struct", "sas_ss_sp"), 8),
		captureAlternateSize: ofTask(offset("task_struct", "sas_ss_size"), 8),
	}
	action, base := int64(0), emu.Register(x86.RDX)
	if at := offset("ksignal", "ka"); at >= 0 {
		action, base = at, emu.Register(x86.RSI)
	}
	for _, field := range []string{"sa.sa_handler", "sa.sa_restorer"} {
		captures = append(captures, emu.Capture{Base: base, Offset: action + max(offset("k_sigaction", field), 0), Size: 8})
	}
	if at := offset("ksignal", "sig"); at >= 0 {
		captures = append(captures, emu.Capture{Base: emu.Register(x86.RSI), Offset: at, Size: 4})
	}
	return captures
}

// signal is a frame that has been set up, or could not be.
func (s *Stream) signal(e *Event, t *taskState, own []uint64, h *emu.Hit) {
	e.Kind, e.Verdict = SignalSetUp, uint32(e.GPR[x86.RDI]) == 0
	if h.OK(words + captureFrame) {
		s.frame = frameOf(own)
		e.Frame, e.FrameAt = &s.frame, e.TopOfStack-FrameSize
		if e.Verdict {
			t.signal, t.handling = signalOf(s.frame, own, h), true
			e.Signal = &t.signal
		}
	}
	if len(t.open) > 0 && e.Verdict {
		t.open[0].SignalFrames++
	}
	s.emit(e)
}

func signalOf(f Frame, own []uint64, h *emu.Hit) Signal {
	g := Signal{Frame: f, Number: uint32(h.GPR[x86.RSI]), Handler: own[signalHandler], Restorer: own[signalRestorer],
		AlternateStack: own[signalAlternate], AlternateSize: own[signalAlternate+1],
		Readable: h.OK(words+captureReturn) && h.OK(words+captureContext)}
	if len(own) > signalNumber {
		g.Number = uint32(own[signalNumber])
	}
	if g.Readable {
		g.Return = own[signalReturn]
		g.Context = *contextOf(f.SP, own[signalContext:signalAlternate])
	}
	return g
}
