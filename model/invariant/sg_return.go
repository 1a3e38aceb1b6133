// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
)

// fixFlags are those that rt_sigreturn takes from the frame
// (arch/x86/kernel/signal.c, FIX_EFLAGS).
const fixFlags = x86.FlagAC | x86.FlagOF | x86.FlagDF | x86.FlagTF | x86.FlagSF | x86.FlagZF | x86.FlagAF | x86.FlagPF | x86.FlagCF | x86.FlagRF

// restored is the sigcontext that a return from a handler has to have brought back,
// if nothing else has come in between.
func restored(e *event.Event) *event.Context {
	x := e.Excursion
	if x == nil || !x.SigReturn || x.Context == nil || x.SignalFrames > 0 {
		return nil
	}
	if e.CPL() == 3 && e.CS != userCS {
		return nil // a program that asked for another kind of segment
	}
	return x.Context
}

// sg5: a handler has never been.
type sg5 struct{}

func (sg5) Rule() Rule {
	return Rule{
		ID: "SG-5", Promise: "behind rt_sigreturn registers, flags and FPU are those of the frame",
		Source: "RFC 07; arch/x86/kernel/signal.c (restore_sigcontext), arch/x86/kernel/fpu/signal.c; weakness D-5", Wanted: true, When: "the program goes on behind rt_sigreturn", Observes: "all registers, XMM and MXCSR, the frame",
		Shows: "r15: expected 0xdead, found 0x0", Kinds: kinds(event.SigReturned), Needs: notKML,
	}
}
func (w sg5) Watch() Watcher { return w }
func (sg5) See(r *Report, e *event.Event) {
	c := restored(e)
	if c == nil {
		return
	}
	if !r.Holds(e.RIP == c.IP) {
		r.Broke("rip", r.at(c.IP), r.at(e.RIP))
	}
	r.sameRegisters(&c.GPR, &e.GPR)
	const visible = fixFlags &^ x86.FlagRF // the first instruction clears it
	r.Equal("flags", c.Flags&visible, e.RFLAGS&visible)
	r.sameFPU(e, c)
}

// Offsets in what sigcontext.fpstate points at: FXSAVE's area, the kernel's word in
// it, and the header of XSAVE (SDM vol. 1, 10.5.1, 13.4;
// arch/x86/include/uapi/asm/sigcontext.h).
const (
	fxMXCSR, fxXMM, fxMagic = 24, 160, 464
	xstateBV                = 512
	fpMagic                 = 0x46505853
	initialMXCSR            = 0x1f80
	xfeatureSSE             = 2
)

// sameFPU looks at the SSE registers, where the machine stands at the event.
func (r *Report) sameFPU(e *event.Event, c *event.Context) {
	if r.suite.machine == nil || !e.Machine || c.State == 0 {
		return
	}
	kept := r.remember(c.State, xstateBV+8)
	if kept == nil {
		return
	}
	fpu := r.suite.machine.FPU()
	initial := binary.LittleEndian.Uint32(kept.data[fxMagic:]) == fpMagic && kept.data[xstateBV]&xfeatureSSE == 0
	for n := range fpu.XMM {
		expected := [16]byte(kept.data[fxXMM+16*n:])
		if initial {
			expected = [16]byte{}
		}
		if expected != fpu.XMM[n] {
			r.Breaks(fmt.Sprint("xmm", n), fmt.Sprintf("% x", expected), fmt.Sprintf("% x", fpu.XMM[n]))
			return
		}
	}
	mxcsr := binary.LittleEndian.Uint32(kept.data[fxMXCSR:])
	if !initial {
		r.Equal("MXCSR", uint64(mxcsr&0xffff), uint64(fpu.MXCSR))
	}
}

// sg6: a frame is no key.
type sg6 struct{}

func (sg6) Rule() Rule {
	return Rule{
		ID: "SG-6", Promise: "rt_sigreturn changes neither the ring, nor IF, IOPL and NT, nor GS base, nor whose the task is, whatever the frame says",
		Source: "arch/x86/kernel/signal.c (FIX_EFLAGS); RFC 07", When: "the program goes on behind rt_sigreturn", Observes: "CS, SS, RFLAGS, GS base, ukl_thread, there and at the call",
		Shows: "RFLAGS.IF, IOPL, NT: expected 0x200, found 0x4000", Kinds: kinds(event.SigReturned), Needs: notKML,
	}
}
func (w sg6) Watch() Watcher { return w }
func (sg6) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || !x.SigReturn {
		return
	}
	const kept = x86.FlagIOPL | x86.FlagNT
	r.Equal("RFLAGS.IF, IOPL, NT", x.Interrupted.RFLAGS&kept|x86.FlagIF, e.RFLAGS&(kept|x86.FlagIF))
	r.Equal("CPL", uint64(x.Interrupted.CPL()), uint64(e.CPL()))
	r.Equal("RPL of SS", uint64(x.Interrupted.CPL()), uint64(e.SS&3))
	if e.CPL() == 0 {
		r.segments(e)
	}
	if e.CPL() == x.Interrupted.CPL() {
		r.Equal("GS base", x.Interrupted.GSBase, e.GSBase)
	}
	if x.Tracking != event.NoTracking {
		r.Equal("ukl_thread", uint64(x.Tracking), uint64(e.Tracking))
	}
}

// Results that say "make the call again", and never reach a program
// (include/linux/errno.h).
func isRestart(result uint64) bool {
	switch int64(result) {
	case -512, -513, -514, -516:
		return true
	}
	return false
}

const sysRestartSyscall = 219

// sg8: a call that is made again is the same call.
type sg8 struct{}

func (sg8) Rule() Rule {
	return Rule{
		ID: "SG-8", Promise: "a call that is interrupted gives -EINTR, or is made again with its number and arguments; a program sees no -ERESTART, and no number for a result",
		Source: "arch/x86/kernel/signal.c (handle_signal, arch_do_signal_or_restart); weakness D-6", Wanted: true, When: "a program goes on behind a call, and a frame is set up in one", Observes: "RIP, RAX, the arguments",
		Shows: "rip behind an interrupted call: expected 0xffffffff81e00080 (ukl_entry_SYSCALL_64), found 0xffffffff81601002", Kinds: kinds(event.Resumed, event.SignalSetUp),
	}
}
func (w sg8) Watch() Watcher { return w }
func (sg8) See(r *Report, e *event.Event) {
	x := e.Excursion
	if x == nil || x.By == event.ByVector || x.SigReturn || x.Exec || !x.FromApplication {
		return
	}
	switch {
	case e.Kind == event.SignalSetUp:
		if g := e.Signal; g != nil && g.Readable && x.SignalFrames == 1 {
			r.again(x, g.Context.IP, g.Context.IP, &g.Context.GPR)
		}
	case x.End != nil && x.SignalFrames == 0:
		r.again(x, x.End.IP, e.RIP, &e.GPR)
	}
}

// again looks at the registers that a program has or will have behind a call. asked
// is where pt_regs said to go on.
func (r *Report) again(x *event.Excursion, asked, rip uint64, gpr *[16]uint64) {
	const syscallLength = 2
	behind := x.Interrupted.RIP
	first, _ := r.Image().Address("ukl_entry_SYSCALL_64")
	switch asked {
	case behind:
		if !r.Holds(!isRestart(gpr[x86.RAX])) {
			r.Broke("the result", "one for programs", fmt.Sprint(int64(gpr[x86.RAX])))
		}
		return
	case behind - syscallLength, first:
	default:
		return // a tracer has sent it elsewhere
	}
	expected := behind - syscallLength
	if x.By == event.ByCall {
		expected = first
	}
	if !r.Holds(rip == expected) {
		r.Broke("rip behind an interrupted call", r.at(expected), r.at(rip))
	}
	if number := uint64(uint32(gpr[x86.RAX])); number != sysRestartSyscall {
		r.Equal("rax of a call made again", uint64(uint32(x.Number)), number)
	}
	for _, n := range [...]int{x86.RDI, x86.RSI, x86.RDX, x86.R10, x86.R8, x86.R9} {
		if x.Entry.GPR[n] != gpr[n] {
			r.Breaks(registerNames[n]+" of a call made again", x.Entry.GPR[n], gpr[n])
		}
	}
}
