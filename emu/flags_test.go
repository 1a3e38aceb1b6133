// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
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
