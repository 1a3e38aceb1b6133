// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// The engine evaluates flags lazily; where it is interrupted they must be
// those of the last instruction that set them.
func TestFlagsOfInstructionsThatAreLookedAt(t *testing.T) {
	const sums = x86.FlagCF | x86.FlagPF | x86.FlagAF | x86.FlagZF
	for name, test := range map[string]struct {
		code   string
		user   bool
		vector x86.Vector
		flags  uint64
	}{
		"a page fault": {code: `
83 c0 01                     add eax, 1
48 8b 1c 25 00 00 70 00      mov rbx, [0x700000]`, vector: x86.VectorPF, flags: sums},
		"an undefined instruction": {code: `
83 c0 01                     add eax, 1
0f 0b                        ud2`, vector: x86.VectorUD, flags: sums},
		"a privileged instruction at CPL 3": {code: `
83 c0 01                     add eax, 1
48 0f 07                     sysret`, user: true, vector: x86.VectorGP, flags: sums},
		"a privileged instruction behind others at CPL 3": {code: `
48 83 c0 01                  add rax, 1
01 c0                        add eax, eax
05 00 00 00 80               add eax, 0x80000000
05 00 00 00 80               add eax, 0x80000000
83 e8 01                     sub eax, 1
83 c0 01                     add eax, 1
48 8d 0d 05 00 00 00         lea rcx, [rip+5]
41 bb 87 00 00 00            mov r11d, 0x87
48 0f 07                     sysret`, user: true, vector: x86.VectorGP, flags: sums},
		"a page fault after a shift": {code: `
b8 35 77 57 97               mov eax, 0x97577735
d1 e0                        shl eax, 1
48 8b 1c 25 00 00 70 00      mov rbx, [0x700000]`, vector: x86.VectorPF, flags: x86.FlagCF | x86.FlagOF | x86.FlagPF},
		"a privileged instruction after a shift": {code: `
b8 35 77 57 97               mov eax, 0x97577735
d1 e0                        shl eax, 1
0f 22 e0                     mov cr4, rax`, user: true, vector: x86.VectorGP, flags: x86.FlagCF | x86.FlagOF | x86.FlagPF},
		"a segment load after a shift": {code: `
b8 35 77 57 97               mov eax, 0x97577735
d1 e0                        shl eax, 1
b8 f8 07 00 00               mov eax, 0x7f8
8e d8                        mov ds, eax`, vector: x86.VectorGP, flags: x86.FlagCF | x86.FlagOF | x86.FlagPF},
		"HLT at CPL 3": {code: `
83 c0 01                     add eax, 1
f4                           hlt`, user: true, vector: x86.VectorGP, flags: sums},
		"RDMSR at CPL 3": {code: `
83 c0 01                     add eax, 1
0f 32                        rdmsr`, user: true, vector: x86.VectorGP, flags: sums},
		// SDM vol. 2A, CMPXCHG8B/CMPXCHG16B: ZF, and no other flag.
		"CMPXCHG16B that differs": {code: `
83 c0 01                     add eax, 1
b0 05                        mov al, 5
48 0f c7 0f                  cmpxchg16b [rdi]
0f 0b                        ud2`, vector: x86.VectorUD, flags: sums &^ x86.FlagZF},
		"CMPXCHG8B that is equal": {code: `
83 e8 01                     sub eax, 1
b8 00 00 00 00               mov eax, 0
0f c7 0f                     cmpxchg8b [rdi]
0f 0b                        ud2`, vector: x86.VectorUD, flags: x86.FlagZF | x86.FlagSF},
		"CMPXCHG8B after a shift": {code: `
b8 35 77 57 97               mov eax, 0x97577735
d1 e0                        shl eax, 1
f0 0f c7 0f                  lock cmpxchg8b [rdi]
0f 0b                        ud2`, vector: x86.VectorUD, flags: x86.FlagCF | x86.FlagOF | x86.FlagPF},
	} {
		for _, how := range []string{"unobserved", "with probes", "in steps"} {
			t.Run(name+" "+how, func(t *testing.T) {
				r := newRig(t, "")
				edit := func(s *x86.State) {
					s.GPR[x86.RAX], s.GPR[x86.RDX], s.GPR[x86.RDI] = 0xffffffff, 0, kernelData
				}
				code := listing(test.code)
				from := uint64(kernelCode)
				if test.user {
					from = userCode
					r.user(code, edit)
				} else {
					r.kernel(code, edit)
				}
				switch how {
				case "with probes":
					for i := range code {
						r.Probe(from+uint64(i), func(*emu.Machine) bool { return false })
					}
				case "in steps":
					for r.State().RIP != r.handler(test.vector) {
						require.Equal(t, emu.StopLimit, r.Step().Why)
					}
				}
				if how != "in steps" {
					require.Equal(t, r.handler(test.vector), r.run().Address)
				}
				const undefined = x86.FlagAF // after a shift
				require.Equal(t, test.flags&^undefined|x86.FlagFixed|x86.FlagRF, r.frame(test.vector.Info().ErrorCode).RFLAGS&^undefined)
			})
		}
	}
}

// SDM vol. 2B, SETcc: it affects no flags; and what faults (RCL and RCR too)
// finds them as they were when it is executed again (vol. 3A 7.5).
func TestFlagsSurviveAWriteThatFaults(t *testing.T) {
	r := newRig(t, "")
	const after = x86.FlagFixed | x86.FlagCF | x86.FlagPF | x86.FlagAF | x86.FlagSF
	writers := map[string][]byte{
		"rcl": {0xd1, 0x13}, "rcr": {0xd1, 0x1b}, "rcl imm8": {0xc1, 0x13, 0x05}, "rcr cl": {0xd3, 0x1b}, "rclb": {0xd0, 0x13},
		"adc": {0x11, 0x03}, "sbb": {0x19, 0x03}, "lock adc": {0xf0, 0x11, 0x03}, "inc": {0xff, 0x03}, "neg": {0xf7, 0x1b}, "shl cl": {0xd3, 0x23}, "shld": {0x0f, 0xa4, 0x03, 0x05},
		"bts": {0x0f, 0xba, 0x2b, 0x05}, "xadd": {0x0f, 0xc1, 0x03}, "cmpxchg": {0x0f, 0xb1, 0x03},
	}
	for cc := byte(0); cc < 16; cc++ {
		writers[fmt.Sprintf("setcc %x", cc)] = []byte{0x0f, 0x90 | cc, 0x03}
	}
	r.mapPage(unmapped, userMem, 0, pteP|pteU|pteA)
	for name, writer := range writers {
		// CMP EAX, ECX in the same block, and in one of its own; DEC and TEST, of
		// which the engine keeps other things.
		for _, before := range []string{"39c8", "39c8eb00", "f9ffc8", "85c0", "85c0eb00", "01c8", "d1e0"} {
			code, err := hex.DecodeString(before)
			require.NoError(t, err)
			var flags [2]uint64
			for i, last := range [][]byte{writer, {0x0f, 0x0b}} {
				r.user(append(code[:len(code):len(code)], last...), func(s *x86.State) {
					s.GPR[x86.RAX], s.GPR[x86.RCX], s.GPR[x86.RBX] = 1, 2, unmapped
				})
				r.Run(emu.Until{})
				flags[i] = r.frame(i == 0).RFLAGS
			}
			require.Contains(t, r.log[0], "#UD")
			require.Equal(t, flags[1], flags[0], "%s after %s", name, before)
			if before == "39c8" {
				require.Equal(t, uint64(after|x86.FlagRF), flags[0], name)
			}
		}
	}
}
