// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/model/space"
)

// signalFrame stores a frame as the kernel does, and returns the stack pointer
// of the handler.
func (r *rig) signalFrame(at uint64, interrupted Registers, fp uint64) {
	r.put(at, restorer, 3, 0, altStack, 2, 0x4000)
	for _, name := range registerNames {
		if offset, ok := r.fields["rt_sigframe.uc.uc_mcontext."+name]; ok && name != "cs" && name != "ss" {
			v, _ := interrupted.Get(name)
			r.put(at+uint64(offset), v)
		}
	}
	r.put(at+0xc0, UserCS|UserDS<<48, 6, 14, 0, 0x1234_5678, fp) // cs to ss, err, trapno, oldmask, cr2, fpstate
	r.put(at+0x130, 1<<9)                                        // SIGUSR1 was blocked
	r.put(at+0x138, 11, 1, 0x1234_5678)                          // SIGSEGV, SEGV_MAPERR
	r.put(sighand+8+32*10+16, restorer)
}

// asProgram is what a frame shows of the application's registers.
func asProgram(r Registers) Registers {
	r.CS, r.SS, r.OrigAX = UserCS, UserDS, ^uint64(0)
	return r
}

func TestSignalFrame(t *testing.T) {
	const at, fp = userStack + 0x1008, userStack + 0x1200
	for name, sp := range map[string]uint64{
		"at the handler's first instruction": at, "in the handler": at - 0x4e8, "behind the handler's RET": at + 8,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).at(appText+0x100, sp)
			r.put(taskAt+80, InApplication)
			interrupted := Registers{R8: 8, R15: 15, AX: 1, DI: 2, BP: 3, IP: appText + 0x44, CS: UKLCS, Flags: 0x246, SP: userStack + 0x3000, SS: KernelDS}
			r.signalFrame(at, interrupted, fp)
			frames := r.read().Signals
			require.Len(t, frames, 1)
			require.NotNil(t, frames[0].FP)
			frames[0].FP = nil
			require.Empty(t, cmp.Diff(SignalFrame{
				At: at, Pretcode: restorer, Restorer: true, ContextFlags: 3, AltStack: AltStack{altStack, 0x4000, 2}, Mask: 1 << 9,
				Registers: asProgram(interrupted), Error: 6, Trap: 14, CR2: 0x1234_5678, FPStateAt: fp,
				Info: SigInfo{Signal: 11, Code: 1, Address: 0x1234_5678},
			}, frames[0]))
		})
	}
}

func TestSignalFramesFromTheKernel(t *testing.T) {
	r, _ := nested(t)
	regs := ofApplication
	r.signalFrame(userStack+0x1008, regs, 0)
	frames := r.read().Signals
	require.Len(t, frames, 1, "from the stack pointer of the outermost entry")
	require.Nil(t, frames[0].FP)
	require.Zero(t, frames[0].FPStateAt)
}

// A handler on the alternate stack, interrupted by another one there; the
// first has interrupted one on the main stack.
func TestSignalFramesOnSeveralStacks(t *testing.T) {
	r := newRig(t).at(appText+0x100, altStack+0x508)
	at := func(sp uint64) Registers {
		regs := ofApplication
		regs.SP = sp
		return regs
	}
	r.signalFrame(altStack+0x508, at(altStack+0x1f00), 0)
	r.signalFrame(altStack+0x2008, at(userStack+0x1f00), 0)
	r.signalFrame(userStack+0x2008, at(userStack+0x4000), 0)
	var addresses []uint64
	for _, f := range r.read().Signals {
		addresses = append(addresses, f.At)
	}
	require.Equal(t, []uint64{altStack + 0x508, altStack + 0x2008, userStack + 0x2008}, addresses)
}

func TestWhatIsNotASignalFrame(t *testing.T) {
	const at = userStack + 0x1008
	for name, spoil := range map[string]func(r *rig){
		"flags that uc_flags has not":   func(r *rig) { r.put(at+8, 0x10) },
		"a link":                        func(r *rig) { r.put(at+0x10, 5) },
		"no signal":                     func(r *rig) { r.put(at+0x138, 0) },
		"a signal that isn't one":       func(r *rig) { r.put(at+0x138, 65) },
		"a CS that can't be":            func(r *rig) { r.put(at+0xc0, 0x40) },
		"flags that no CPU has":         func(r *rig) { r.put(at+0xb8, 0) },
		"a stack pointer that can't be": func(r *rig) { r.put(at+0xa8, 1<<62) },
		"FP state below the frame":      func(r *rig) { r.put(at+0xe8, at-0x200) },
		"FP state far away":             func(r *rig) { r.put(at+0xe8, altStack) },
		"no types":                      func(r *rig) { delete(r.fields, "rt_sigframe.uc.uc_link") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).at(appText, at-0x100)
			r.signalFrame(at, ofApplication, 0)
			spoil(r)
			require.Empty(t, r.read().Signals)
		})
	}
}

// In a call of rt_sigreturn by CALL the return address is where the frame's
// first word was.
func TestRestorerIsKnownByTheHandlers(t *testing.T) {
	r := newRig(t).at(appText, userStack+0x1008)
	r.signalFrame(userStack+0x1008, ofApplication, 0)
	r.put(userStack+0x1008, appText+0x550)
	frames := r.read().Signals
	require.Len(t, frames, 1)
	require.False(t, frames[0].Restorer)
}

func TestSignalsHaveNames(t *testing.T) {
	for s, want := range map[SigInfo]string{
		{Signal: 11, Code: 2, Address: 0x10}:  "SIGSEGV SEGV_ACCERR at 0x10",
		{Signal: 11, Code: 0x80}:              "SIGSEGV SI_KERNEL",
		{Signal: 10, Code: 0, PID: 7, UID: 3}: "SIGUSR1 SI_USER from process 7 of user 3",
		{Signal: 34, Code: -6, PID: 1}:        "SIGRTMIN+2 SI_TKILL from process 1 of user 0",
		{Signal: 32, Code: -2}:                "SIGRTMIN SI_TIMER",
		{Signal: 8, Code: 1, Address: 0x40}:   "SIGFPE code 1 at 0x40",
		{Signal: 77, Code: 5}:                 "signal 77 code 5",
	} {
		require.Equal(t, want, s.String())
	}
	require.Equal(t, "SIGHUP SIGSYS SIGRTMIN+32", signalSet(1|1<<30|1<<63))
}

func TestFPState(t *testing.T) {
	r := newRig(t)
	const at = userStack + 0x1200
	b := r.bytes(at)
	for i := range 512 {
		b[i] = 0
	}
	r.put(at, 0x037f|0x3800<<16|1<<32|0x123<<48, 0x1111, 0x2222, 0x1f80|0xffff<<32) // TOP is 7, ST(0) is in R7...
	b[4] = 1 << 7
	copy(b[32:], "\x00\x00\x00\x00\x00\x00\x00\x80\xff\x3f")
	b[160+16*3] = 5
	put := func(offset int, v uint32) { binary.LittleEndian.PutUint32(b[offset:], v) }
	put(464, fpMagic1)
	put(468, 580)
	put(472, 3)
	put(480, 576)
	put(512, 2)
	put(576, fpMagic2)
	memory := space.TablesOf(r, &r.state)
	f, err := ReadFPState(memory, at)
	require.NoError(t, err)
	require.True(t, f.Extended())
	require.Equal(t, `FP state at 0x7ffffff01200: XSAVE, 576 bytes, components SSE of x87 SSE
  fcw 037f fsw 3800 mxcsr 00001f80
  st0 3fff8000000000000000
  xmm3  00000000000000000000000000000005
`, f.Text())
	require.EqualValues(t, 0x1111, f.Instruction)
	require.EqualValues(t, 0x2222, f.Data)
	require.EqualValues(t, 0xffff, f.MXCSRMask)
	require.EqualValues(t, 0x123, f.Opcode)

	put(576, 0)
	f, _ = ReadFPState(memory, at)
	require.False(t, f.Extended())
	require.Contains(t, f.Text(), "FP_XSTATE_MAGIC2 is missing")
	put(464, 0)
	f, _ = ReadFPState(memory, at)
	require.Contains(t, f.Text(), ": FXSAVE\n")
	_, err = ReadFPState(memory, 0x1000)
	require.ErrorContains(t, err, "FP state at 0x1000")
}

func TestRestartOfASystemCall(t *testing.T) {
	for _, test := range []struct {
		orig, ax, fn uint64
		want         string
	}{
		{39, 5, kernelText + 0x1000, "system call 39"},
		{35, ^uint64(511), 0, "system call 35, to be restarted: ERESTARTSYS"},
		{35, ^uint64(515), kernelText + 0x2000, "system call 35, to be restarted: ERESTART_RESTARTBLOCK, goes on in hrtimer_nanosleep_restart"},
		{^uint64(0), ^uint64(511), kernelText + 0x1000, "no system call"},
	} {
		r := newRig(t).at(kernelText, outermost-0x40)
		regs := ofApplication
		regs.OrigAX, regs.AX = test.orig, test.ax
		r.registers(outermost, regs)
		r.called(outermost-8, call+0x40)
		r.put(taskAt+104, test.fn)
		require.Equal(t, test.want, r.read().Restart.String())
	}
}

func TestWhereTheFPStateIs(t *testing.T) {
	for _, test := range []struct {
		flags ThreadFlags
		owner uint64
		want  FPU
		text  string
	}{
		{0, taskAt + 128, FPU{true, true, fpstate + 64}, "in the registers"},
		{NeedFPULoad, taskAt + 128, FPU{false, true, fpstate + 64}, "in memory, and still in the registers"},
		{NeedFPULoad, 0, FPU{false, false, fpstate + 64}, "in memory"},
	} {
		r := newRig(t).at(kernelText, top-0x40)
		r.put(taskAt+8, uint64(test.flags))
		r.put(taskAt+136, fpstate)
		r.put(kernelData+24, test.owner)
		x := r.read()
		require.Equal(t, test.want, x.FPU)
		require.Equal(t, test.text, x.FPU.String())
	}
}
