// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

var runCommands = []command{
	{"vCont?", (*session).actions},
	{"vCont;", (*session).vCont},
	{"vCtrlC", func(*session, request) string { return "OK" }},
	{"c", (*session).resume},
	{"C", (*session).resumeWithSignal},
	{"s", (*session).step},
	{"S", (*session).stepWithSignal},
	{"?", (*session).lastStop},
}

// Signals as gdb numbers them (GDB manual, E.3): the words in which gdb is
// told of a stop.
const (
	signalINT  = 2
	signalILL  = 4
	signalTRAP = 5
	signalABRT = 6
	signalFPE  = 8
	signalBUS  = 10
	signalSEGV = 11
)

// exceptionSignals are those that Linux would send for a vector
// (Documentation/x86: arch/x86/kernel/traps.c); a vector that is not here is
// SIGTRAP.
var exceptionSignals = map[uint8]int{
	0: signalFPE, 4: signalSEGV, 5: signalSEGV, 6: signalILL, 7: signalFPE, 8: signalABRT,
	10: signalSEGV, 11: signalBUS, 12: signalBUS, 13: signalSEGV, 14: signalSEGV,
	16: signalFPE, 17: signalBUS, 18: signalABRT, 19: signalFPE,
}

func (s *session) actions(request) string { return "vCont;c;C;s;S;r" }

func (s *session) lastStop(request) string { return s.stopReply() }

// resume and the three after it may be given an address to go on from.
func (s *session) resume(q request) string {
	return s.runFrom(q.args, func() (Stop, error) { return s.target.Continue(q.ctx) })
}

func (s *session) step(q request) string {
	return s.runFrom(q.args, func() (Stop, error) { return s.target.Step(q.ctx) })
}

// A machine takes no signals: C and S are c and s.
func (s *session) resumeWithSignal(q request) string {
	q.args = afterSignal(q.args)
	return s.resume(q)
}

func (s *session) stepWithSignal(q request) string {
	q.args = afterSignal(q.args)
	return s.step(q)
}

func afterSignal(p []byte) []byte {
	_, address, _ := bytes.Cut(p, []byte{';'})
	return address
}

func (s *session) runFrom(address []byte, run func() (Stop, error)) string {
	if len(address) > 0 {
		if reply := s.jump(address); reply != "" {
			return reply
		}
	}
	return s.run(run)
}

func (s *session) jump(address []byte) string {
	rip, ok := parseHex(address)
	if !ok {
		return errorMalformed
	}
	regs, err := s.target.Registers()
	if err != nil {
		return failure(err)
	}
	regs.RIP = rip
	if err := s.target.SetRegisters(regs); err != nil {
		return failure(err)
	}
	return ""
}

// run lets the machine go and says why it stopped.
func (s *session) run(run func() (Stop, error)) string {
	stop, err := run()
	if err != nil {
		return failure(err)
	}
	s.stop = stop
	return s.stopReply()
}

// vCont takes the first action: with one thread, the others are for nobody.
func (s *session) vCont(q request) string {
	action, _, _ := bytes.Cut(q.args, []byte{';'})
	action, _, _ = bytes.Cut(action, []byte{':'})
	if len(action) == 0 {
		return errorMalformed
	}
	switch action[0] {
	case 'c', 'C':
		return s.run(func() (Stop, error) { return s.target.Continue(q.ctx) })
	case 's', 'S':
		return s.run(func() (Stop, error) { return s.target.Step(q.ctx) })
	case 'r':
		start, end, ok := parseRange(action[1:])
		if !ok {
			return errorMalformed
		}
		return s.run(func() (Stop, error) { return s.stepRange(q.ctx, start, end) })
	}
	return errorMalformed
}

// stepRange steps at least once and then as long as RIP is in [start, end):
// a line of source in one packet.
func (s *session) stepRange(ctx context.Context, start, end uint64) (Stop, error) {
	for {
		stop, err := s.target.Step(ctx)
		if err != nil || stop.Reason != StopStep {
			return stop, err
		}
		regs, err := s.target.Registers()
		if err != nil {
			return stop, err
		}
		if hit, ok := s.breakpointAt(regs.RIP); ok {
			return Stop{Reason: StopBreakpoint, Kind: hit.Kind}, nil
		}
		if regs.RIP < start || regs.RIP >= end {
			return stop, nil
		}
		if ctx.Err() != nil {
			return Stop{Reason: StopInterrupt}, nil
		}
	}
}

// stopReply puts the last stop into words. RIP, RSP and RBP go along, because
// gdb asks for them after every stop.
func (s *session) stopReply() string {
	if s.stop.Reason == StopExited {
		s.finish(EndExited)
		return fmt.Sprintf("W%02x", s.stop.Code)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "T%02xthread:1;", s.stop.signal())
	b.WriteString(s.stop.detail())
	if regs, err := s.target.Registers(); err == nil {
		for _, n := range []int{6, 7, 16} {
			r := &registerList[n]
			p := make([]byte, r.size())
			r.get(&regs, p)
			fmt.Fprintf(&b, "%02x:%x;", n, p)
		}
	}
	return b.String()
}

func (s Stop) signal() int {
	switch s.Reason {
	case StopInterrupt:
		return signalINT
	case StopShutdown:
		return signalABRT
	case StopException:
		if n, ok := exceptionSignals[s.Vector]; ok {
			return n
		}
	}
	return signalTRAP
}

// detail is the part of a stop reply that names the cause. Every gdb that
// this server can meet understands all of it, so what qSupported said of
// swbreak and hwbreak is not looked at.
func (s Stop) detail() string {
	switch s.Reason {
	case StopBreakpoint:
		if s.Kind == HardwareBreakpoint {
			return "hwbreak:;"
		}
		return "swbreak:;"
	case StopWatchpoint:
		return fmt.Sprintf("%s:%x;", watchNames[s.Kind], s.Address)
	case StopHistory:
		if s.AtEnd {
			return "replaylog:end;"
		}
		return "replaylog:begin;"
	}
	return ""
}
