// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

func TestFrameFromCPL3(t *testing.T) {
	r := newRig(t, "")
	r.user(listing(`
fd                              std
0f 0b                           ud2
`), nil)
	r.run()
	f := r.frame(false)
	require.Equal(t, frame{RIP: userCode + 1, CS: selUser, RFLAGS: x86.FlagFixed | x86.FlagDF | x86.FlagRF,
		RSP: userStackTop, SS: selUserSS}, f)
	s := r.State()
	require.Equal(t, uint64(kernelStack-5*8), s.GPR[x86.RSP])
	require.Equal(t, 0, s.CPL())
	require.Zero(t, s.Seg[x86.SS].Selector, "SS is null after a change of CPL, SDM vol. 3A 7.14.4")
}

// SDM vol. 3A 7.14.2: in 64-bit mode RSP is aligned to 16 before the frame is
// pushed, and RSP is pushed even without a change of CPL.
func TestFrameIsAligned(t *testing.T) {
	for offset := uint64(0); offset < 16; offset++ {
		r := newRig(t, "")
		r.kernel(listing(`
0f 0b                           ud2
`), func(s *x86.State) { s.GPR[x86.RSP] -= offset })
		r.run()
		require.Equal(t, uint64(kernelStack)-offset, r.frame(false).RSP)
		require.Equal(t, (uint64(kernelStack)-offset)&^15-5*8, r.State().GPR[x86.RSP])
	}
}

func TestISTSwitchesStacksAtAnyCPL(t *testing.T) {
	for _, user := range []bool{false, true} {
		r := newRig(t, "")
		r.gate(x86.VectorUD, 1, 0)
		start := map[bool]func([]byte, func(*x86.State)){false: r.kernel, true: r.user}[user]
		start(listing(`
0f 0b                           ud2
`), nil)
		r.run()
		require.Equal(t, uint64(high+ist1Top-5*8), r.State().GPR[x86.RSP])
	}
}

func TestExceptionsDuringDelivery(t *testing.T) {
	const away = high + 0x7fff000 // nothing is mapped there
	for _, c := range []struct {
		name string
		code []byte
		edit func(*rig, *x86.State)
		want string
		why  emu.Why
	}{
		{"#UD onto a stack that is not there is #PF, and pushing that is #DF", listing(`
0f 0b                           ud2
`),
			func(_ *rig, s *x86.State) { s.GPR[x86.RSP] = away }, "#UD #PF(2)@ffff800007ffeff8 #PF(2)@ffff800007ffeff8 #DF(0)", emu.StopProbe},
		{"#UD through a gate that is of no type is #GP", listing(`
0f 0b                           ud2
`),
			func(r *rig, _ *x86.State) { r.put64(idtAt+16*6, 0) }, "#UD #GP(33)", emu.StopProbe},
		{"#UD through a gate beyond the IDT's limit is #GP", listing(`
0f 0b                           ud2
`),
			func(r *rig, s *x86.State) { s.IDTR.Limit = 16*6 + 14 }, "#UD #GP(33) #GP(6b) #DF(0) #GP(43) shutdown", emu.StopShutdown},
		{"#DE and #GP are #DF", listing(`
31 c9                           xor ecx,ecx
f7 f1                           div ecx
`),
			func(r *rig, _ *x86.State) { r.put64(idtAt, 0) }, "#DE #GP(3) #DF(0)", emu.StopProbe},
		{"#PF and #PF are #DF", listing(`
bb 00 00 70 00                  mov ebx,0x700000
8b 03                           mov eax,DWORD PTR [rbx]
`),
			func(_ *rig, s *x86.State) { s.GPR[x86.RSP] = away }, "#PF(0)@700000 #PF(2)@ffff800007ffeff8 #DF(0)", emu.StopProbe},
		{"#PF and #GP are #DF", listing(`
bb 00 00 70 00                  mov ebx,0x700000
8b 03                           mov eax,DWORD PTR [rbx]
`),
			func(r *rig, _ *x86.State) { r.put64(idtAt+16*14, 0) }, "#PF(0)@700000 #GP(73) #DF(0)", emu.StopProbe},
		{"#GP and #PF are #PF", listing(`
48 bb 00 00 00 00 00 80 00 00   movabs rbx,0x800000000000
8b 03                           mov eax,DWORD PTR [rbx]
`),
			func(r *rig, s *x86.State) {
				r.put64(idtAt+16*13+8, 0)
				r.gate(x86.VectorGP, 3, 0)
				r.put64(tssAt+52, away)
			},
			"#GP(0) #PF(2)@ffff800007ffeff8", emu.StopProbe},
		{"#DF that can't be delivered is shutdown", listing(`
31 c9                           xor ecx,ecx
f7 f1                           div ecx
`),
			func(r *rig, _ *x86.State) { r.put64(idtAt, 0); r.put64(idtAt+16*8, 0) }, "#DE #GP(3) #DF(0) #GP(43) shutdown", emu.StopShutdown},
		{"no IDT at all is shutdown", listing(`
cc                              int3
`),
			func(r *rig, s *x86.State) { s.IDTR.Limit = 0 }, "int 3 #GP(1a) #GP(6b) #DF(0) #GP(43) shutdown", emu.StopShutdown},
		{"an IDT that is not mapped", listing(`
0f 0b                           ud2
`),
			func(r *rig, s *x86.State) { s.IDTR.Base = away }, "#UD #PF(0)@ffff800007fff060 #PF(0)@ffff800007fff0e0 #DF(0) #PF(0)@ffff800007fff080 shutdown", emu.StopShutdown},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "")
			r.kernel(c.code, func(s *x86.State) { c.edit(r, s) })
			stop := r.run()
			require.Equal(t, c.want, r.deliveries())
			require.Equal(t, c.why, stop.Why)
		})
	}
}

// A fault in the middle of pushing leaves RSP and RIP of the interrupted
// program in the next frame: here the stack's second page is missing.
func TestFaultWhileTheFrameIsPushed(t *testing.T) {
	r := newRig(t, "")
	r.gate(x86.VectorPF, 1, 0)
	const stack = userData + 0x20000
	r.mapPage(stack, dataAt, 0, pteP|pteW)
	r.kernel(listing(`
0f 0b                           ud2
`), func(s *x86.State) { s.GPR[x86.RSP] = stack + 16 })
	r.run()
	require.Equal(t, "#UD #PF(2)@51fff8", r.deliveries())
	f := r.frame(true)
	require.Equal(t, uint64(kernelCode), f.RIP)
	require.Equal(t, uint64(stack+16), f.RSP)
	require.Equal(t, uint64(0x51fff8), r.State().CR2)
}

// Guest handlers that skip what faulted, and return.
func TestReturnsFromHandlers(t *testing.T) {
	r := bareRig(t, "")
	r.write(entryAt+16*6, listing(`
48 83 04 24 02                  add QWORD PTR [rsp],0x2
48 ff c0                        inc rax
48 cf                           iretq
`)) // #UD
	r.write(entryAt+16*0x80, listing(`
48 ff c3                        inc rbx
48 cf                           iretq
`))
	r.Probe(r.handler(x86.VectorGP), nil)
	r.user(listing(`
b9 e8 03 00 00                  mov ecx,0x3e8
0f 0b                           ud2
cd 80                           int 0x80
e2 fa                           loop 5
f4                              hlt
`), nil)
	r.run()
	s := r.State()
	require.Equal(t, uint64(1000), s.GPR[x86.RAX])
	require.Equal(t, uint64(1000), s.GPR[x86.RBX])
	f := r.frame(true)
	require.Equal(t, frame{RIP: userCode + 11, CS: selUser, RFLAGS: f.RFLAGS, RSP: userStackTop, SS: selUserSS}, f)
	// A software interrupt does not retire as an instruction of its own: its
	// delivery is what it does.
	require.Equal(t, uint64(1+1000*(1+2+3)), r.Instructions(), "MOV, and LOOP, the handlers' 3 and 2, 1000 times")
}

// SDM vol. 3A 7.7.1: an NMI blocks others until the next IRET.
func TestNMIsAreBlockedUntilIRET(t *testing.T) {
	r := newRig(t, "")
	r.write(entryAt+16*2, listing(`
90                              nop
90                              nop
90                              nop
48 cf                           iretq
`))
	r.kernel(listing(`
90                              nop
90                              nop
90                              nop
90                              nop
0f 0b                           ud2
`), nil)
	r.NMIAt(2)
	r.run() // to the NMI's handler
	require.Equal(t, "nmi", r.deliveries())
	require.Equal(t, uint64(kernelCode+2), r.frame(false).RIP)
	require.True(t, r.State().NMIBlocked)
	r.NMIAt(1)
	r.run()
	require.Equal(t, "nmi nmi", r.deliveries())
	require.Equal(t, uint64(kernelCode+2), r.frame(false).RIP, "right behind the IRET")
	require.Equal(t, uint64(2+4), r.Instructions())
	r.run()
	require.Equal(t, "nmi nmi #UD", r.deliveries())
}

// A fault's IRET unblocks NMIs too, whatever it returns from.
func TestIRETOfAnExceptionUnblocksNMIs(t *testing.T) {
	r := bareRig(t, "")
	r.write(entryAt+16*2, listing(`
0f 0b                           ud2
f4                              hlt
`))
	r.write(entryAt+16*6, listing(`
48 83 04 24 02                  add QWORD PTR [rsp],0x2
48 cf                           iretq
`))
	r.kernel(listing(`
90                              nop
90                              nop
f4                              hlt
`), nil)
	r.NMIAt(1)
	r.Run(emu.Until{Instructions: 2}) // NOP, and ADD: the NMI and its #UD are delivered in between
	r.NMIAt(0)
	require.Equal(t, "nmi #UD", r.deliveries())
	require.True(t, r.Pending())
	require.Equal(t, emu.StopLimit, r.Run(emu.Until{Instructions: 1}).Why) // IRET
	require.False(t, r.State().NMIBlocked)
	r.Run(emu.Until{Instructions: 1})
	require.Equal(t, "nmi #UD nmi #UD", r.deliveries())
}

// The frame of an interrupt between two iterations of a string instruction
// has RF set and leads back to it (SDM vol. 3B, "Instruction-Breakpoint
// Exception Condition").
func TestInterruptBetweenIterations(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
fc                              cld
f3 aa                           rep stos BYTE PTR es:[rdi],al
90                              nop
`), func(s *x86.State) {
		s.GPR[x86.RCX], s.GPR[x86.RDI] = 10, kernelData
		s.RFLAGS |= x86.FlagIF
	})
	r.InterruptAt(4, 0x30)
	r.run()
	f := r.frame(false)
	require.Equal(t, uint64(kernelCode+1), f.RIP)
	require.NotZero(t, f.RFLAGS&x86.FlagRF)
	require.Equal(t, uint64(7), r.State().GPR[x86.RCX])
}
