// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"fmt"
	"math"

	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// Until bounds a run. The zero value runs until the guest ends by itself.
type Until struct {
	// Instructions is how many more to retire at most, 0 for no bound. What
	// comes at that boundary (an interrupt, say) is left for the next run.
	Instructions uint64
	// Time is a virtual time to stop at, 0 for none.
	Time device.Time
}

// Why is the reason of a [Stop].
type Why uint8

const (
	_               Why = iota
	StopLimit           // Until's bound was reached
	StopProbe           // at a probe; Stop.Address
	StopWatch           // after an access to watched memory; Stop.Address
	StopBreakpoint      // reserved for debuggers' own use
	StopInterrupted     // Machine.Interrupt
	StopDebugExit       // the guest wrote Stop.Code to the debug-exit port
	StopPowerOff        // by ACPI
	StopReboot          // by the keyboard controller, port 92h or CF9h
	StopShutdown        // a triple fault
	StopHalt            // HLT with nothing that could wake the CPU
	StopError           // the machine or libunicorn can't go on; Stop.Err
)

var whyNames = [...]string{"", "limit", "probe", "watch", "breakpoint", "interrupted", "debug-exit", "poweroff", "reboot",
	"shutdown", "halt", "error"}

func (w Why) String() string { return whyNames[w] }

// Stop says why a run ended.
type Stop struct {
	Why     Why
	Code    uint32 // StopDebugExit
	Address uint64 // StopProbe: the instruction; StopWatch: the first byte accessed
	Access  unicorn.Record
	Err     error
}

func (s Stop) String() string {
	switch s.Why {
	case StopDebugExit:
		return fmt.Sprintf("debug-exit %d", s.Code)
	case StopProbe:
		return fmt.Sprintf("probe at %#x", s.Address)
	case StopWatch:
		return fmt.Sprintf("watch: %s of %d bytes at %#x", s.Access.Kind, s.Access.Size, s.Address)
	case StopError:
		return fmt.Sprintf("error: %v", s.Err)
	}
	return s.Why.String()
}

// Ended says that the guest is done: running on makes no sense.
func (s Stop) Ended() bool { return s.Why >= StopDebugExit }

func (m *Machine) halt(s Stop) { m.stop = &s }

// Run lets the machine go until something of Until, a probe or watch, or the
// guest itself stops it. A machine that ended stays ended.
func (m *Machine) Run(until Until) Stop {
	if m.body == nil {
		return Stop{Why: StopError, Err: ErrClosed}
	}
	m.enterCall()
	defer m.leaveCall()
	defer m.tell()
	if m.stop != nil && m.stop.Ended() {
		return *m.stop
	}
	m.stop = nil
	limit := uint64(math.MaxUint64)
	if n := until.Instructions; n > 0 && n < limit-m.cpu.Count() {
		limit = m.cpu.Count() + n
	}
	for m.stop == nil {
		if m.cpu.Count() >= limit || (until.Time > 0 && m.Now() >= until.Time) {
			return Stop{Why: StopLimit}
		}
		m.turn(limit, until.Time)
	}
	return *m.stop
}

// turn is one round: what is due at this boundary, then the engine, then what
// it came back with.
func (m *Machine) turn(limit uint64, end device.Time) {
	m.pc.advance(m.Now())
	m.boundary()
	if m.stop != nil {
		return
	}
	if m.core.Halted {
		m.idle(limit, end)
		return
	}
	m.enterUntil(limit, end)
}

// enterUntil lets the engine execute until a count or a time, or less, and
// deals with what it came back with.
func (m *Machine) enterUntil(limit uint64, end device.Time) {
	m.params.Limit = m.limit(limit, end)
	m.params.Window = m.pc.interrupts.Pending() || m.forcedWaits() && !m.core.Forced.NMI
	m.params.TSCOffset = m.core.Skew + m.core.MSRs.TSCOffset
	m.params.TSCAux = m.state.TSCAux
	checked := m.checksAlignment()
	if checked && m.alignmentFault() {
		m.raise(x86.Raise(x86.VectorAC, 0))
		return
	}
	if m.tracing {
		m.traceOn()
		return
	}
	m.params.Step, m.params.Assist = checked, false
	m.handle(m.enter())
}

// enter runs the engine with the state and takes the state back.
func (m *Machine) enter() unicorn.Exit {
	if m.params.Assist { // which does not come back for room
		m.tell()
	}
	m.give()
	m.params.Resume = m.resume == reported{m.state.RIP, m.cpu.Count()} || m.params.Assist
	before := m.cpu.Count()
	exit := m.cpu.Run(&m.params)
	m.cpu.Load(&m.state)
	if m.state.RFLAGS&x86.FlagRF != 0 && m.cpu.Count() != before {
		// Every instruction clears it but IRET, which is not the engine's; the
		// engine does so at the end of a block.
		m.state.RFLAGS &^= x86.FlagRF
		m.changed = true
	}
	if m.fills {
		m.publishFills()
	}
	if m.state.Shadow != x86.ShadowNone && m.cpu.Count() != before {
		m.state.Shadow = m.whichShadow()
	}
	return exit
}

// whichShadow tells STI's from MOV SS's by the instruction just executed.
func (m *Machine) whichShadow() x86.Shadow {
	if last, _ := m.lastInstruction(); last.Class == unicorn.STI {
		return x86.ShadowSTI
	}
	return x86.ShadowMOVSS
}

// limit is the next instruction count at which the engine has to come back.
func (m *Machine) limit(limit uint64, end device.Time) uint64 {
	for _, t := range []device.Time{m.pc.next(), end} {
		if t == 0 || t == device.Never {
			continue
		}
		if at := uint64(t) - m.core.Skew; uint64(t) > m.core.Skew && at < limit {
			limit = max(at, m.cpu.Count()+1) // what is due still, after advance, may not hold the CPU
		}
	}
	if m.core.Pended != 0 {
		limit = min(limit, m.cpu.Count()+1) // it comes after the next instruction
	}
	switch f := &m.core.Forced; {
	case !f.Armed:
	case !m.forcedWaits():
		limit = min(limit, f.Count)
	case f.NMI && !m.state.NMIBlocked: // a MOV SS is before it; an IRET comes back by itself
		limit = min(limit, m.cpu.Count()+1)
	}
	return limit
}

// idle passes the time of a halted CPU.
func (m *Machine) idle(limit uint64, end device.Time) {
	if m.cpu.Interrupted() {
		m.handle(unicorn.Exit{Reason: unicorn.ExitStop})
		return
	}
	next := m.pc.next()
	if m.asleep(next) {
		m.halt(Stop{Why: StopHalt})
		return
	}
	if m.outside.Idle != nil {
		delay := device.Never
		if next != device.Never {
			delay = next - m.Now()
		}
		if m.outside.Idle(delay) {
			m.pc.feed()
			return
		}
	}
	if next == device.Never {
		if end == 0 {
			m.halt(Stop{Why: StopHalt})
			return
		}
		next = end
	}
	if end > 0 && next > end {
		next = end
	}
	if now := m.Now(); next > now {
		m.core.Skew += uint64(next - now)
	}
}

// lastHope is how long a CPU that halted with interrupts off may wait for an
// NMI: devices go on, and one of them may be wired to send it. longSleep is how
// long one may halt with interrupts on while devices tick on and none gets
// through, masked as they are.
const (
	lastHope  = device.Time(1e9)
	longSleep = device.Time(3600 * 1e9)
)

// asleep says whether a halted CPU will never wake: HLT with interrupts off
// ends only with an NMI (SDM vol. 2A, HLT).
func (m *Machine) asleep(next device.Time) bool {
	if m.pc.interrupts.NMI() {
		return false
	}
	since := device.Time(m.core.HaltedAt)
	if m.state.RFLAGS&x86.FlagIF != 0 {
		return m.Now() > since+longSleep
	}
	return next > since+lastHope
}

// handle deals with what the engine came back with.
func (m *Machine) handle(exit unicorn.Exit) {
	switch exit.Reason {
	case unicorn.ExitLimit, unicorn.ExitWindow, unicorn.ExitStep:
	case unicorn.ExitInstruction:
		m.carryOut(&exit.Insn)
	case unicorn.ExitException:
		m.engineException(exit)
	case unicorn.ExitFault:
		m.refused(exit)
	case unicorn.ExitBus:
		m.bus(exit)
	case unicorn.ExitWatch:
		m.watched()
	case unicorn.ExitProbe:
		m.probed()
	case unicorn.ExitLog:
		m.tell()
	case unicorn.ExitStop:
		m.cpu.ClearInterrupt()
		m.pc.feed()
		if m.interrupted.Swap(false) {
			m.halt(Stop{Why: StopInterrupted})
		}
	default:
		m.halt(Stop{Why: StopError, Err: fmt.Errorf("at %#x: %w", m.state.RIP, exit.Err())})
	}
}
