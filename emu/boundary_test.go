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

// So does what the machine itself reads for an instruction.
func TestADataBreakpointOnTheOperandOfLIDT(t *testing.T) {
	r := newRig(t, "")
	r.write(dataAt, []byte{0xff, 0x0f})
	r.put64(dataAt+2, high+idtAt)
	r.kernel(listing(`
0f 01 1f        lidt [rdi]`), func(s *x86.State) {
		s.GPR[x86.RDI] = kernelData
		s.DR[0], s.DR[7] = kernelData+8, x86.DR7Fixed|1<<1|3<<16
	})
	require.Equal(t, r.handler(x86.VectorDB), r.run().Address)
	require.EqualValues(t, x86.DR6B0, r.State().DR[6]&^x86.DR6Fixed)
	require.EqualValues(t, uint64(kernelCode+3), r.frame(false).RIP)
}

// SDM vol. 3A, table 7-2: an invalid opcode comes before a coprocessor that is
// not available.
func TestSSEWithoutOSFXSRIsUndefinedWhateverTS(t *testing.T) {
	for name, test := range map[string]struct {
		code     string
		cr0, cr4 uint64
		vector   x86.Vector
	}{
		"MOVUPS, TS":                {"0f 10 07", x86.CR0TS, x86.CR4OSFXSR, x86.VectorNM},
		"MOVUPS, TS, no OSFXSR":     {"0f 10 07", x86.CR0TS, 0, x86.VectorUD},
		"MOVQ XMM, TS, no OSFXSR":   {"66 48 0f 6e c0", x86.CR0TS, 0, x86.VectorUD},
		"MOVQ MMX, TS, no OSFXSR":   {"48 0f 6e c0", x86.CR0TS, 0, x86.VectorNM},
		"STMXCSR, TS, no OSFXSR":    {"0f ae 1f", x86.CR0TS, 0, x86.VectorUD},
		"PSHUFB XMM, TS, no OSFXSR": {"66 0f 38 00 c1", x86.CR0TS, 0, x86.VectorUD},
		"FLD1, TS, no OSFXSR":       {"d9 e8", x86.CR0TS, 0, x86.VectorNM},
		"FLD1, TS and EM":           {"d9 e8", x86.CR0TS | x86.CR0EM, 0, x86.VectorNM},
		"ADDSD, TS and EM":          {"f2 0f 58 c0", x86.CR0TS | x86.CR0EM, x86.CR4OSFXSR, x86.VectorUD},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "")
			r.kernel(listing(test.code), func(s *x86.State) {
				s.GPR[x86.RDI] = kernelData
				s.CR0 |= test.cr0
				s.CR4 = s.CR4&^x86.CR4OSFXSR | test.cr4
			})
			require.Equal(t, r.handler(test.vector), r.run().Address)
		})
	}
}

// SDM vol. 3A 10.1.3: an instruction may write over its own bytes, and has been
// executed once.
func TestAnInstructionThatWritesOverItself(t *testing.T) {
	for _, slice := range []uint64{0, 1} {
		r := newRig(t, "")
		r.kernel(listing(`
48 8d 05 00 00 00 00   lea rax, [rip]
00 00                  add [rax], al
0f 0b                  ud2`), nil)
		r.runTo(slice)
		require.Equal(t, r.handler(x86.VectorUD), r.State().RIP)
		require.EqualValues(t, uint64(kernelCode+9), r.frame(false).RIP)
		require.EqualValues(t, 7, r.get64(codeAt+7)&0xff)
		require.EqualValues(t, 2, r.Instructions())
	}
}
