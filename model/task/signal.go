// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/model/space"
)

// SignalFrame is a struct rt_sigframe (arch/x86/include/asm/sigframe.h): what
// a signal handler that has not returned goes back to.
type SignalFrame struct {
	At uint64
	// Pretcode is where the handler returns to: the code that calls
	// rt_sigreturn. Restorer says whether it is that of a handler that the
	// process has set; in a call of rt_sigreturn by CALL the word is the
	// call's own.
	Pretcode uint64
	Restorer bool

	ContextFlags uint64 // uc_flags: UC_
	AltStack     AltStack
	Mask         uint64 // that sigreturn restores

	// Registers are the interrupted ones, as a program sees them: CS is 0x33
	// where the frame of the kernel has 0xC3.
	Registers        Registers
	Error, Trap, CR2 uint64 // of the last exception of the task
	FS, GS           uint16
	OldMask          uint64
	FPStateAt        uint64 // 0 for none
	FP               *FPState
	Info             SigInfo
}

// AltStack is a stack_t.
type AltStack struct {
	SP, Size uint64
	Flags    uint32
}

// Where signal frames are looked for: how far above the stack pointer, and how
// many.
const (
	mostFrames = 16
	mostAbove  = 256 << 10
)

// frameLayout is where the fields of a struct rt_sigframe are.
type frameLayout struct {
	size                                   uint64
	flags, link, altSP, altFlags, altSize  uint64
	mask, cs, gs, fs, ss, signal           uint64
	err, trap, oldMask, cr2, fpstate, info uint64
	registers                              map[string]uint64
}

// layout asks the types for a struct rt_sigframe.
func (r *Reader) layout() (*frameLayout, bool) {
	l := &frameLayout{registers: map[string]uint64{}}
	all := true
	at := func(field string) uint64 {
		offset, ok := r.image.Offset("rt_sigframe", field)
		all = all && ok
		return uint64(offset)
	}
	l.flags, l.link, l.mask, l.info = at("uc.uc_flags"), at("uc.uc_link"), at("uc.uc_sigmask"), at("info")
	l.altSP, l.altFlags, l.altSize = at("uc.uc_stack.ss_sp"), at("uc.uc_stack.ss_flags"), at("uc.uc_stack.ss_size")
	l.cs, l.gs, l.fs, l.ss = at("uc.uc_mcontext.cs"), at("uc.uc_mcontext.gs"), at("uc.uc_mcontext.fs"), at("uc.uc_mcontext.ss")
	l.err, l.trap, l.oldMask = at("uc.uc_mcontext.err"), at("uc.uc_mcontext.trapno"), at("uc.uc_mcontext.oldmask")
	l.cr2, l.fpstate = at("uc.uc_mcontext.cr2"), at("uc.uc_mcontext.fpstate")
	for _, name := range registerNames {
		switch name {
		case "orig_ax", "cs", "ss":
		default:
			l.registers[name] = at("uc.uc_mcontext." + name)
		}
	}
	signo, ok := r.image.Offset("siginfo", "si_signo")
	l.signal, l.size = l.info+uint64(signo), l.info+sigInfoSize
	return l, all && ok
}

// signals finds the frames above a stack pointer. Each holds the stack pointer
// from which to go on, on the same stack or, from an alternate one, on
// another. Frames are known by what a kernel writes: there is no list of them.
func (r *Reader) signals(v *space.View, sp uint64) []SignalFrame {
	l, ok := r.layout()
	if !ok {
		return nil
	}
	restorers := r.restorers(v)
	var out []SignalFrame
	for len(out) < mostFrames {
		f, ok := r.nextFrame(v, l, sp)
		if !ok || len(out) > 0 && f.At == out[len(out)-1].At {
			return out
		}
		f.Restorer = restorers[f.Pretcode]
		out = append(out, f)
		sp = f.Registers.SP
	}
	return out
}

// nextFrame is the first above a stack pointer. It begins at 8 modulo 16, as
// if its first word were a return address that a call has pushed; a handler
// that has returned into rt_sigreturn is one word above it, and one that was
// called by CALL is back at it.
func (r *Reader) nextFrame(v *space.View, l *frameLayout, sp uint64) (SignalFrame, bool) {
	at := (sp-8)&^15 | 8
	const window = 16 << 10
	b := make([]byte, window+l.size)
	for from := at; from-at < mostAbove; from += window {
		n, _ := v.Memory.ReadMemory(from, b)
		for i := uint64(0); i < window && i+l.size <= uint64(n); i += 16 {
			if f, ok := r.frame(v, l, from+i, b[i:i+l.size]); ok {
				return f, true
			}
		}
		if n < len(b) {
			break
		}
	}
	return SignalFrame{}, false
}

// frame decodes bytes if they can be a frame.
func (r *Reader) frame(v *space.View, l *frameLayout, at uint64, b []byte) (SignalFrame, bool) {
	word := func(offset uint64) uint64 { return binary.LittleEndian.Uint64(b[offset:]) }
	half := func(offset uint64) uint16 { return binary.LittleEndian.Uint16(b[offset:]) }
	if word(l.flags)&^contextFlags != 0 || word(l.link) != 0 || !programCS(uint64(half(l.cs))) || uint32(word(l.signal))-1 >= 64 {
		return SignalFrame{}, false
	}
	f := SignalFrame{At: at, Pretcode: word(0), ContextFlags: word(l.flags), Info: r.sigInfo(b[l.info:])}
	f.Registers.CS, f.Registers.SS = uint64(half(l.cs)), uint64(half(l.ss))
	for i, field := range f.Registers.words() {
		if offset, ok := l.registers[registerNames[i]]; ok {
			*field = word(offset)
		}
	}
	f.Registers.OrigAX = ^uint64(0) // sigreturn's
	const always, never = 0x2, 0x8028
	if f.Registers.Flags&(always|never) != always || !v.Tables.Canonical(f.Registers.SP) {
		return f, false
	}
	f.FPStateAt = word(l.fpstate)
	if f.FPStateAt != 0 {
		// The kernel puts it above the frame, on the same stack.
		if f.FPStateAt < at+l.size || f.FPStateAt-at > mostAbove {
			return f, false
		}
		f.FP, _ = ReadFPState(v.Memory, f.FPStateAt)
	}
	f.AltStack = AltStack{word(l.altSP), word(l.altSize), uint32(word(l.altFlags))}
	f.Mask, f.Error, f.Trap, f.CR2, f.OldMask = word(l.mask), word(l.err), word(l.trap), word(l.cr2), word(l.oldMask)
	f.GS, f.FS = half(l.gs), half(l.fs)
	return f, true
}

// contextFlags are the bits of uc_flags that there are
// (arch/x86/include/uapi/asm/ucontext.h): UC_FP_XSTATE, UC_SIGCONTEXT_SS,
// UC_STRICT_RESTORE_SS.
const contextFlags = 7

// programCS says whether a frame for a program can hold it, of any kernel:
// the published series of UKL shows the kernel's own.
func programCS(cs uint64) bool {
	switch cs {
	case UserCS, User32CS, UKLCS, KernelCS:
		return true
	}
	return cs&7 == 7 // of the LDT
}

// restorers are those of the process's handlers.
func (r *Reader) restorers(v *space.View) map[uint64]bool {
	out := map[uint64]bool{}
	sighand, _ := v.FieldWord(v.Current, "task_struct", "sighand")
	actions, ok := v.At(sighand, "sighand_struct", "action")
	size, also := r.image.Size("k_sigaction")
	restorer, known := r.image.Offset("k_sigaction", "sa.sa_restorer")
	if !ok || !also || !known {
		return out
	}
	for i := range uint64(64) {
		if a, ok := v.Word(actions + i*uint64(size) + uint64(restorer)); ok && a != 0 {
			out[a] = true
		}
	}
	return out
}
