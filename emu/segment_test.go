// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// SDM vol. 2A, LDS/LES/LFS/LGS/LSS: with REX.W the far pointer is m16:64.
// AMD64 APM vol. 3: there is no such thing on AMD's CPUs, it is m16:32.
func TestFarPointersOf64Bits(t *testing.T) {
	for vendor, at := range map[string]uint64{"vendor=intel": 8, "vendor=amd": 4} {
		for _, code := range []string{"48 0f b2 13", "48 0f b4 13", "48 0f b5 13"} { // LSS, LFS, LGS rdx, [rbx]
			r := newRig(t, vendor)
			r.put64(dataAt, 0x1122334455667788)
			r.write(dataAt+at, []byte{selData, 0})
			r.kernel(listing(code), func(s *x86.State) { s.GPR[x86.RBX] = kernelData })
			require.Equal(t, emu.StopLimit, r.Step().Why)
			require.Empty(t, r.deliveries())
			want := uint64(0x1122334455667788)
			if vendor == "vendor=amd" {
				want = 0x55667788
			}
			require.Equal(t, want, r.State().GPR[x86.RDX], "%s with %s", code, vendor)
		}
	}
}

// SDM vol. 3A 7.8.3: MOV SS holds interrupts and debug traps back for one
// instruction; after STI, or another MOV SS, it need not.
func TestMovSSHoldsTrapsBack(t *testing.T) {
	r := newRig(t, "")
	code := listing(`
		8e d0              mov ss, eax
		90                 nop
		90                 nop`)
	r.kernel(code, func(s *x86.State) {
		s.GPR[x86.RAX] = selData
		s.RFLAGS |= x86.FlagTF
	})
	r.run()
	require.Equal(t, "#DB", r.deliveries())
	require.Equal(t, uint64(kernelCode+3), r.frame(false).RIP)

	r.kernel(code, func(s *x86.State) {
		s.GPR[x86.RAX] = selData
		s.RFLAGS |= x86.FlagIF
	})
	r.InterruptAt(0, 0x30)
	r.Step()
	require.Equal(t, "interrupt 30", r.deliveries(), "in front of it")

	r.kernel(code, func(s *x86.State) {
		s.GPR[x86.RAX] = selData
		s.RFLAGS |= x86.FlagIF
	})
	r.InterruptAt(1, 0x30)
	r.run()
	require.Equal(t, "interrupt 30", r.deliveries())
	require.Equal(t, uint64(kernelCode+3), r.frame(false).RIP)

	r.kernel(listing(`
		fb                 sti
		8e d0              mov ss, eax
		90                 nop`), func(s *x86.State) { s.GPR[x86.RAX] = selData })
	r.InterruptAt(1, 0x30)
	r.run()
	require.Equal(t, uint64(kernelCode+3), r.frame(false).RIP, "held by STI, and not by MOV SS on top")
}

// SDM vol. 2A, ENTER: the nesting levels, and the probe of the new stack.
func TestENTER(t *testing.T) {
	r := newRig(t, "")
	enter := func(code string, rsp uint64) x86.State {
		r.user(listing(code), func(s *x86.State) {
			s.GPR[x86.RSP], s.GPR[x86.RBP] = rsp, userData+0x800
		})
		require.Equal(t, emu.StopLimit, r.Step().Why)
		return r.State()
	}
	for i := uint64(1); i < 4; i++ {
		r.put64(userMem+0x800-8*i, 0x1000+i)
	}
	s := enter("c8 20 00 03  enter 32, 3", userStackTop)
	require.Empty(t, r.deliveries())
	require.Equal(t, uint64(userStackTop-8), s.GPR[x86.RBP])
	require.Equal(t, uint64(userStackTop-8-3*8-32), s.GPR[x86.RSP])
	at := uint64(userMem + userStackTop - userData)
	require.Equal(t, []uint64{userData + 0x800, 0x1001, 0x1002, userStackTop - 8},
		[]uint64{r.get64(at - 8), r.get64(at - 16), r.get64(at - 24), r.get64(at - 32)})

	enter("c8 00 20 00  enter 2000h, 0", userData+0x1008)
	require.Equal(t, "#PF(6)@4ff000", r.deliveries())
	f := r.frame(true)
	require.Equal(t, []uint64{userCode, userData + 0x1008}, []uint64{f.RIP, f.RSP})
	require.Equal(t, uint64(userData+0x800), r.State().GPR[x86.RBP])
}

// SDM vol. 2A, CLFLUSH: it is checked as a load of a byte, and changes nothing.
func TestCLFLUSHIsCheckedAsALoad(t *testing.T) {
	r := newRig(t, "")
	for _, code := range []string{"0f ae 3b", "66 0f ae 3b"} { // CLFLUSH, CLFLUSHOPT [rbx]
		for rbx, want := range map[uint64]string{userData + 1: "", unmapped: "#PF(4)@700000", kernelData: "#PF(5)@ffff800000040000", noncanon: "#GP(0)"} {
			r.user(listing(code), func(s *x86.State) { s.GPR[x86.RBX] = rbx })
			require.Equal(t, emu.StopLimit, r.Step().Why)
			require.Equal(t, want, r.deliveries(), code)
		}
	}
}
