// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// SDM vol. 2B, SYSRET: a non-canonical RCX is #GP(0) of the instruction, at
// CPL 0 and with the stack pointer that the kernel has loaded for the user.
// AMD64 APM vol. 3, SYSRET: RCX is not checked; the fetch at CPL 3 faults.
func TestSYSRETToAnAddressThatIsNotCanonical(t *testing.T) {
	for _, c := range []struct {
		vendor string
		want   frame
	}{
		{"intel", frame{RIP: kernelCode, CS: selCode, RFLAGS: 2 | x86.FlagRF, RSP: userStackTop, SS: selData}},
		{"amd", frame{RIP: noncanon, CS: selUser, RFLAGS: 0x202 | x86.FlagRF, RSP: userStackTop, SS: selUserSS}},
	} {
		t.Run(c.vendor, func(t *testing.T) {
			r := newRig(t, "vendor="+c.vendor)
			r.kernel(listing(`48 0f 07  sysretq`), func(s *x86.State) {
				s.GPR[x86.RSP], s.GPR[x86.RCX], s.GPR[x86.R11] = userStackTop, noncanon, 0x202
			})
			r.run()
			require.Equal(t, "#GP(0)", r.deliveries())
			require.Equal(t, c.want, r.frame(true))
		})
	}
}

// SDM vol. 2A, IRET: #GP(0) if the return instruction pointer is not canonical,
// at the IRET and with its stack. The stack pointer that is loaded may be
// anything; #SS(0) comes where it is used (vol. 1 3.3.7.1).
func TestIRETToAddressesThatAreNotCanonical(t *testing.T) {
	const words = 5 * 8
	for _, c := range []struct {
		name     string
		rip, rsp uint64
		cs, ss   uint64
		log      string
		want     frame
	}{
		{"RIP, to CPL 0", noncanon, kernelStack, selCode, selData, "#GP(0)",
			frame{RIP: kernelCode + 5, CS: selCode, RFLAGS: 2 | x86.FlagRF, RSP: kernelStack - words, SS: selData}},
		{"RIP, to CPL 3", noncanon, userStackTop, selUser, selUserSS, "#GP(0)",
			frame{RIP: kernelCode + 5, CS: selCode, RFLAGS: 2 | x86.FlagRF, RSP: kernelStack - words, SS: selData}},
		{"RIP in the upper half of the hole", 0xffff7fffffffffff, userStackTop, selUser, selUserSS, "#GP(0)",
			frame{RIP: kernelCode + 5, CS: selCode, RFLAGS: 2 | x86.FlagRF, RSP: kernelStack - words, SS: selData}},
		{"RSP, which is loaded", userCode, noncanon + 0x100, selUser, selUserSS, "#SS(0)",
			frame{RIP: userCode, CS: selUser, RFLAGS: 0x202 | x86.FlagRF, RSP: noncanon + 0x100, SS: selUserSS}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "")
			r.write(userPhys, listing(`50  push rax`))
			r.kernel(listing(`
53                              push rbx
51                              push rcx
52                              push rdx
56                              push rsi
57                              push rdi
48 cf                           iretq
`), func(s *x86.State) {
				s.GPR[x86.RBX], s.GPR[x86.RCX], s.GPR[x86.RDX] = c.ss, c.rsp, 0x202
				s.GPR[x86.RSI], s.GPR[x86.RDI] = c.cs, c.rip
			})
			r.run()
			require.Equal(t, c.log, r.deliveries())
			require.Equal(t, c.want, r.frame(true))
		})
	}
}

// SDM vol. 4, table 2-2, and vol. 2D, WRMSR: #GP(0) for an address that is not
// canonical, and the register is as before. Vol. 2D, WRFSBASE/WRGSBASE: so
// too, with 64-bit operands; with 32-bit ones there is no such address.
func TestSegmentBasesAreCanonical(t *testing.T) {
	const before = 0x1234000
	base := map[string]func(*x86.State) *uint64{
		"FS": func(s *x86.State) *uint64 { return &s.Seg[x86.FS].Base },
		"GS": func(s *x86.State) *uint64 { return &s.Seg[x86.GS].Base },
		"kernel GS": func(s *x86.State) *uint64 {
			return &s.KernelGSBase
		},
		"LSTAR":        func(s *x86.State) *uint64 { return &s.LSTAR },
		"CSTAR":        func(s *x86.State) *uint64 { return &s.CSTAR },
		"SYSENTER_ESP": func(s *x86.State) *uint64 { return &s.SysenterESP },
		"SYSENTER_EIP": func(s *x86.State) *uint64 { return &s.SysenterEIP },
	}
	const wrmsr, wrfsbase, wrgsbase = "0f 30", "f3 48 0f ae d3", "f3 48 0f ae db"
	for _, c := range []struct {
		name, register, code string
		msr                  x86.MSR
	}{
		{"WRMSR IA32_FS_BASE", "FS", wrmsr, x86.MSRFSBase},
		{"WRMSR IA32_GS_BASE", "GS", wrmsr, x86.MSRGSBase},
		{"WRMSR IA32_KERNEL_GS_BASE", "kernel GS", wrmsr, x86.MSRKernelGSBase},
		{"WRMSR IA32_LSTAR", "LSTAR", wrmsr, x86.MSRLSTAR},
		{"WRMSR IA32_CSTAR", "CSTAR", wrmsr, x86.MSRCSTAR},
		{"WRMSR IA32_SYSENTER_ESP", "SYSENTER_ESP", wrmsr, x86.MSRSysenterESP},
		{"WRMSR IA32_SYSENTER_EIP", "SYSENTER_EIP", wrmsr, x86.MSRSysenterEIP},
		{"WRFSBASE", "FS", wrfsbase, 0},
		{"WRGSBASE", "GS", wrgsbase, 0},
		{"WRFSBASE at CPL 3", "FS", wrfsbase, 0},
		{"WRGSBASE at CPL 3", "GS", wrgsbase, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, v := range []uint64{0, 0x00007fffffffffff, 0xffff800000000000, noncanon, 0xffff7fffffffffff, 1 << 63} {
				r := newRig(t, "")
				start := r.kernel
				if c.name[len(c.name)-1] == '3' {
					start = r.user
				}
				start(listing(c.code+"\n0f 0b  ud2"), func(s *x86.State) {
					s.CR4 |= x86.CR4FSGSBASE
					*base[c.register](s) = before
					s.GPR[x86.RBX] = v
					s.GPR[x86.RCX], s.GPR[x86.RAX], s.GPR[x86.RDX] = uint64(c.msr), v&0xffffffff, v>>32
				})
				r.run()
				s := r.State()
				want, delivered := v, "#UD"
				if !s.Canonical(v) {
					want, delivered = before, "#GP(0)"
				}
				require.Equal(t, delivered, r.deliveries(), "%#x", v)
				require.Equal(t, want, *base[c.register](&s), "%#x", v)
			}
		})
	}
	r := newRig(t, "")
	r.kernel(listing("f3 0f ae d3  wrfsbase ebx\n0f 0b  ud2"), func(s *x86.State) {
		s.CR4 |= x86.CR4FSGSBASE
		s.GPR[x86.RBX] = noncanon | 0x5000
	})
	r.run()
	require.Equal(t, "#UD", r.deliveries())
	require.EqualValues(t, 0x5000, r.State().Seg[x86.FS].Base)
}

// hole is the first address that is not canonical with 48 bits.
const hole = noncanon

// SDM vol. 1 3.3.7.1 and vol. 3A, "Canonicality checking": an access is refused if any of
// its bytes is not canonical, before paging is asked: with #SS(0) where the
// stack segment is used, else #GP(0). Nothing is written.
func TestAccessesThatRunIntoTheHole(t *testing.T) {
	through := func(register int, offset int64) func(*x86.State) {
		return func(s *x86.State) { s.GPR[register] = hole + uint64(offset) }
	}
	rbx := func(offset int64) func(*x86.State) { return through(x86.RBX, offset) }
	for _, c := range []struct {
		name, code string
		edit       func(*x86.State)
		want       string // whether the page is there or not; #PF only if not
	}{
		{"load", "48 8b 03  mov rax,[rbx]", rbx(-4), "#GP(0)"},
		{"load of the last byte and the first beyond", "66 8b 03  mov ax,[rbx]", rbx(-1), "#GP(0)"},
		{"load of the last bytes", "48 8b 03  mov rax,[rbx]", rbx(-8), "#PF(0)@7ffffffffff8"},
		{"load of the last byte", "8a 03  mov al,[rbx]", rbx(-1), "#PF(0)@7fffffffffff"},
		{"load through RBP", "48 8b 45 00  mov rax,[rbp]", through(x86.RBP, -4), "#SS(0)"},
		{"store", "48 89 03  mov [rbx],rax", rbx(-4), "#GP(0)"},
		{"store to the last bytes", "89 03  mov [rbx],eax", rbx(-4), "#PF(2)@7ffffffffffc"},
		{"read-modify-write", "48 01 03  add [rbx],rax", rbx(-7), "#GP(0)"},
		{"read-modify-write of the last bytes", "01 03  add [rbx],eax", rbx(-4), "#PF(2)@7ffffffffffc"},
		{"locked", "f0 48 0f c1 03  lock xadd [rbx],rax", rbx(-4), "#GP(0)"},
		{"SSE load", "0f 10 03  movups xmm0,[rbx]", rbx(-4), "#GP(0)"},
		{"SSE load of the last bytes", "0f 10 03  movups xmm0,[rbx]", rbx(-16), "#PF(0)@7ffffffffff0"},
		{"SSE store", "0f 11 03  movups [rbx],xmm0", rbx(-4), "#GP(0)"},
		{"x87 load", "db 2b  fld tbyte ptr [rbx]", rbx(-9), "#GP(0)"},
		{"PUSH of memory", "ff 33  push [rbx]", rbx(-4), "#GP(0)"},
		{"PUSH of the last bytes", "ff 33  push [rbx]", rbx(-8), "#PF(0)@7ffffffffff8"},
		{"POP to memory", "8f 03  pop [rbx]", rbx(-4), "#GP(0)"},
		{"POP to the last bytes", "8f 03  pop [rbx]", rbx(-8), "#PF(2)@7ffffffffff8"},
		{"CALL of memory", "ff 13  call [rbx]", rbx(-4), "#GP(0)"},
		{"MOVS's source", "48 a5  movsq", func(s *x86.State) { s.GPR[x86.RSI], s.GPR[x86.RDI] = hole-4, kernelData }, "#GP(0)"},
		{"MOVS's destination", "48 a5  movsq", func(s *x86.State) { s.GPR[x86.RSI], s.GPR[x86.RDI] = kernelData, hole-4 }, "#GP(0)"},
		{"MOVS to the last bytes", "48 a5  movsq", func(s *x86.State) { s.GPR[x86.RSI], s.GPR[x86.RDI] = kernelData, hole-8 }, "#PF(2)@7ffffffffff8"},
		{"PUSH", "50  push rax", through(x86.RSP, 4), "#SS(0)"},
		{"POP", "58  pop rax", through(x86.RSP, -4), "#SS(0)"},
		{"POPF", "9d  popf", through(x86.RSP, -4), "#SS(0)"},
		{"RET", "c3  ret", through(x86.RSP, -4), "#SS(0)"},
		{"RET with an immediate", "c2 00 80  ret 0x8000", through(x86.RSP, -4), "#SS(0)"},
		{"CALL", "e8 00 00 00 00  call next", through(x86.RSP, 4), "#SS(0)"},
		{"LEAVE", "c9  leave", through(x86.RBP, -4), "#SS(0)"},
		{"IRETQ", "48 cf  iretq", through(x86.RSP, -32), "#SS(0)"},
		{"LGDT", "0f 01 13  lgdt [rbx]", rbx(-4), "#GP(0)"},
		{"LIDT of the last bytes", "0f 01 1b  lidt [rbx]", rbx(-10), "#PF(0)@7ffffffffff6"},
		{"OUTS", "6f  outsd", func(s *x86.State) { s.GPR[x86.RSI] = hole - 2 }, "#GP(0)"},
		{"INS", "6d  insd", func(s *x86.State) { s.GPR[x86.RDI] = hole - 2 }, "#GP(0)"},
		{"on the other side", "48 8b 03  mov rax,[rbx]", func(s *x86.State) { s.GPR[x86.RBX] = 0xffff7ffffffffffc }, "#GP(0)"},
	} {
		for _, there := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, page there %v", c.name, there), func(t *testing.T) {
				if there && c.want[:3] == "#PF" {
					return
				}
				r := newRig(t, "")
				for _, v := range []x86.Vector{x86.VectorGP, x86.VectorSS, x86.VectorPF} {
					r.gate(v, 1, 0) // a stack of their own
				}
				if there {
					r.mapPage(hole-0x1000, userMem, 0, pteP|pteW)
				}
				const pattern = 0x5555555555555555
				r.put64(userMem+0xff8, pattern)
				r.put64(stackTop-8, pattern)
				var before x86.State
				r.kernel(listing(c.code+"\n0f 0b  ud2"), func(s *x86.State) {
					s.GPR[x86.RAX] = 0x1111
					c.edit(s)
					before = *s
				})
				fpu := r.FPU()
				r.run()
				require.Equal(t, c.want, r.deliveries())
				require.EqualValues(t, uint64(kernelCode), r.frame(true).RIP)
				require.Equal(t, before.GPR[x86.RSP], r.frame(true).RSP)
				after := r.State()
				after.GPR[x86.RSP] = before.GPR[x86.RSP]
				require.Equal(t, before.GPR, after.GPR)
				require.Equal(t, fpu, r.FPU())
				require.EqualValues(t, pattern, r.get64(userMem+0xff8), "nothing is written")
				require.EqualValues(t, pattern, r.get64(stackTop-8), "nor on the stack")
				require.Zero(t, r.Instructions())
			})
		}
	}
}
