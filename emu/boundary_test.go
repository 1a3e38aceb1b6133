// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// SDM vol. 3B, "Single-Step Exception Condition": a repeated string
// instruction is followed by the trap after each iteration.
func TestSingleStepTrapsAfterEachIteration(t *testing.T) {
	for name, edit := range map[string]func(*x86.State){
		"CPL 0, interrupts off": func(*x86.State) {},
		"CPL 0, interrupts on":  func(s *x86.State) { s.RFLAGS |= x86.FlagIF },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "")
			r.kernel(listing(`
9d                           popf
b9 03 00 00 00               mov ecx, 3
f3 aa                        rep stosb
90                           nop`), func(s *x86.State) {
				edit(s)
				s.GPR[x86.RDI] = kernelData
				s.GPR[x86.RSP] -= 8
			})
			r.put64(stackTop-8, r.State().RFLAGS|x86.FlagTF)
			for _, want := range []uint64{6, 6, 6, 8, 9} {
				stop := r.run()
				require.Equal(t, r.handler(x86.VectorDB), stop.Address)
				f := r.frame(false)
				require.Equal(t, uint64(kernelCode+want), f.RIP, "rcx %d", r.State().GPR[x86.RCX])
				s := r.State()
				s.RIP, s.RFLAGS, s.GPR[x86.RSP] = f.RIP, f.RFLAGS&^x86.FlagRF, f.RSP
				r.SetState(&s)
			}
		})
	}
}

// SDM vol. 3B, "Instruction-Breakpoint Exception Condition": the processor
// clears RF after each instruction, so what an IRET has set holds for one.
func TestTheResumeFlagHoldsForOneInstruction(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
90              nop
90              nop
90              nop`), func(s *x86.State) {
		s.RFLAGS |= x86.FlagRF
		s.DR[0], s.DR[1], s.DR[7] = kernelCode, kernelCode+2, x86.DR7Fixed|1<<1|1<<3
	})
	require.Equal(t, r.handler(x86.VectorDB), r.run().Address)
	require.EqualValues(t, uint64(kernelCode+2), r.frame(false).RIP)
	require.EqualValues(t, x86.DR6B1, r.State().DR[6]&15)
}

// SDM vol. 3A, "Canonicality checking": a branch to the last canonical byte is
// good; what does not fit there is the fetch's #GP.
func TestAnInstructionThatRunsIntoTheHoleFaultsThere(t *testing.T) {
	const last = 0x00007fffffffffff
	r := newRig(t, "")
	r.mapPage(last&^0xfff, dataAt, 0, pteP|pteW|pteA|pteD)
	r.put64(dataAt+0xff8, 0xb890909090909090) // ends with the start of MOV EAX, imm32
	r.kernel(listing(`
48 b8 ff ff ff ff ff 7f 00 00   movabs rax, 0x7fffffffffff
ff d0                           call rax`), nil)
	require.Equal(t, r.handler(x86.VectorGP), r.run().Address)
	require.Equal(t, frame{RIP: last, CS: selCode, RFLAGS: 2 | x86.FlagRF, RSP: kernelStack - 8, SS: selData}, r.frame(true))
}

// SDM vol. 3B, "Debug Status Register (DR6)": one #DB can have more than one
// cause.
func TestADataBreakpointAndASingleStepAreOneException(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
48 8b 07        mov rax, [rdi]`), func(s *x86.State) {
		s.RFLAGS |= x86.FlagTF
		s.GPR[x86.RDI] = kernelData
		s.DR[0], s.DR[7] = kernelData+4, x86.DR7Fixed|1<<1|0xf<<16
	})
	require.Equal(t, r.handler(x86.VectorDB), r.run().Address)
	require.EqualValues(t, x86.DR6BS|x86.DR6B0, r.State().DR[6]&^x86.DR6Fixed)
	require.EqualValues(t, uint64(kernelCode+3), r.frame(false).RIP)
}
