// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// trapLog runs a program whose handlers of #DB and of interrupts only return, and lists
// where #DB and interrupts arrived, as offsets from the start of the code in
// hexadecimal, with DR6's bits that are not fixed behind a slash.
func (r *rig) trapLog(code []byte, user bool, edit func(*x86.State)) string {
	r.t.Helper()
	var out []string
	base := uint64(kernelCode)
	start := r.kernel
	if user {
		base, start = userCode, r.user
	}
	for _, v := range []x86.Vector{x86.VectorDB, x86.VectorNMI, 0x30} {
		r.Probe(r.handler(v), func(*emu.Machine) bool {
			s := r.State()
			text := fmt.Sprintf("%x", r.frame(false).RIP-base)
			if v == x86.VectorDB {
				text += fmt.Sprintf("/%x", s.DR[6]&^x86.DR6Fixed)
				s.DR[6] = x86.DR6Fixed
				r.SetState(&s)
			}
			out = append(out, text)
			return false
		})
		r.write(entryAt+16*uint64(v), listing(`48 cf  iretq`))
	}
	r.write(entryAt+16*uint64(x86.VectorDB), listing(`
80 4c 24 12 01                  or BYTE PTR [rsp+0x12],0x1
48 cf                           iretq
`)) // RF, for the handler to set
	start(code, edit)
	r.runTo(0)
	require.Equal(r.t, "#UD", r.lastDelivery(), "%s", out)
	return strings.Join(out, " ")
}

func trapFlag(s *x86.State) { s.RFLAGS |= x86.FlagTF }

// SDM vol. 3B, "Single-Step Exception Condition", and vol. 3A 7.8.3. The
// trap's frame leads to the instruction after. Each program ends in UD2.
func TestSingleStep(t *testing.T) {
	const bs = "/4000"
	at := func(offsets ...string) string {
		for i := range offsets {
			offsets[i] += bs
		}
		return strings.Join(offsets, " ")
	}
	for _, c := range []struct {
		name string
		code []byte
		user bool
		edit func(*x86.State)
		want string
	}{
		{"plain instructions", listing(`
90                              nop
ff c0                           inc eax
90                              nop
0f 0b                           ud2
`), false, trapFlag, at("1", "3", "4")},
		{"plain instructions at CPL 3", listing(`
90                              nop
ff c0                           inc eax
90                              nop
0f 0b                           ud2
`), true, trapFlag, at("1", "3", "4")},
		{"a branch", listing(`
eb 01                           jmp 3
90                              nop
90                              nop
0f 0b                           ud2
`), false, trapFlag, at("3", "4")},
		{"each iteration of a string instruction", listing(`
b9 03 00 00 00                  mov ecx,0x3
f3 aa                           rep stos BYTE PTR es:[rdi],al
0f 0b                           ud2
`), false, func(s *x86.State) {
			trapFlag(s)
			s.GPR[x86.RDI] = kernelData
		}, at("5", "5", "5", "7")},
		{"a string instruction without iterations", listing(`
31 c9                           xor ecx,ecx
f3 aa                           rep stos BYTE PTR es:[rdi],al
0f 0b                           ud2
`), false, trapFlag, at("2", "4")},
		{"MOV SS holds it off", listing(`
b8 18 00 00 00                  mov eax,0x18
8e d0                           mov ss,eax
90                              nop
90                              nop
0f 0b                           ud2
`), false, trapFlag, at("5", "8", "9")},
		{"STI does not", listing(`
fb                              sti
90                              nop
0f 0b                           ud2
`), false, trapFlag, at("1", "2")},
		{"POPF that sets TF traps after the next", listing(`
9c                              pushf
81 0c 24 00 01 00 00            or DWORD PTR [rsp],0x100
9d                              popf
90                              nop
90                              nop
0f 0b                           ud2
`), false, nil, at("a", "b")},
		{"POPF that clears TF traps once more", listing(`
9c                              pushf
81 24 24 ff fe ff ff            and DWORD PTR [rsp],0xfffffeff
9d                              popf
90                              nop
90                              nop
0f 0b                           ud2
`), false, trapFlag, at("1", "8", "9")},
		{"PUSHF shows TF", listing(`
9c                              pushf
58                              pop rax
f6 c4 01                        test ah,0x1
75 01                           jne 8
90                              nop
0f 0b                           ud2
`), false, trapFlag, at("1", "2", "5", "8")},
		{"INT clears it and IRET brings it back", listing(`
cd 80                           int 0x80
90                              nop
0f 0b                           ud2
`), false, trapFlag, at("3")},
		{"INT3", listing(`
cc                              int3
90                              nop
0f 0b                           ud2
`), false, trapFlag, at("2")},
		{"instructions that the machine carries out", listing(`
0f a2                           cpuid
0f 20 c0                        mov rax,cr0
0f 22 c0                        mov cr0,rax
e4 80                           in al,0x80
0f 0b                           ud2
`), false, trapFlag,
			at("2", "5", "8", "a")},
		{"what faults does not trap", listing(`
90                              nop
0f 0b                           ud2
`), false, trapFlag, at("1")},
		{"RDTSC", listing(`
0f 31                           rdtsc
0f 0b                           ud2
`), false, trapFlag, at("2")},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "")
			for _, v := range []uint64{0x80, 3} {
				r.RemoveProbe(r.handler(x86.Vector(v)))
				r.write(entryAt+16*v, listing(`
90                              nop
48 cf                           iretq
`))
			}
			require.Equal(t, c.want, r.trapLog(c.code, c.user, c.edit))
		})
	}
}

// SYSCALL with TF in FMASK enters the kernel without a trap; SYSRET that
// gives TF back traps at once.
func TestSingleStepOverSYSCALL(t *testing.T) {
	r := newRig(t, "")
	r.write(codeAt+0x1000, listing(`
90                              nop
90                              nop
48 0f 07                        sysretq
`))
	require.Equal(t, "1/4000 3/4000 4/4000", r.trapLog(listing(`
90                              nop
0f 05                           syscall
90                              nop
0f 0b                           ud2
`), true, func(s *x86.State) {
		trapFlag(s)
		s.LSTAR, s.FMASK = kernelCode+0x1000, x86.FlagTF|x86.FlagIF
	}))
}

func TestSYSCALLWithoutTFInFMASKTrapsInTheKernel(t *testing.T) {
	r := newRig(t, "")
	r.write(codeAt+0x1000, listing(`
90                              nop
0f 0b                           ud2
`))
	got := r.trapLog(listing(`
0f 05                           syscall
`), true, func(s *x86.State) {
		trapFlag(s)
		s.LSTAR, s.FMASK = kernelCode+0x1000, 0
	})
	require.Equal(t, fmt.Sprintf("%x/4000 %x/4000", uint64(kernelCode+0x1000-userCode), uint64(kernelCode+0x1001-userCode)), got)
}

// breakpoint sets DR0: kind and length are the fields of DR7.
func breakpoint(address, kind, length uint64) func(*x86.State) {
	return func(s *x86.State) {
		s.DR[0] = address
		s.DR[7] = x86.DR7Fixed | 1 | kind<<16 | length<<18
		s.GPR[x86.RBX] = kernelData
	}
}

// SDM vol. 3A, table 7-2: a code breakpoint comes before the faults of
// decoding.
func TestABreakpointComesBeforeWhatIsWrongWithTheInstruction(t *testing.T) {
	r := newRig(t, "")
	for _, code := range [][]byte{append(bytes.Repeat([]byte{0x66}, 15), 0x90), {0x0f, 0x0b}, {0x0f, 0xff, 0xc0}, {0xf0, 0x90}} {
		for _, rf := range []uint64{0, x86.FlagRF} {
			r.kernel(code, func(s *x86.State) {
				breakpoint(kernelCode, 0, 0)(s)
				s.RFLAGS |= rf
			})
			r.Run(emu.Until{})
			if rf == 0 {
				require.Equal(t, "#DB", r.deliveries(), "% x", code)
				require.Equal(t, uint64(kernelCode), r.frame(false).RIP)
				continue
			}
			require.NotContains(t, r.deliveries(), "#DB", "% x", code)
		}
	}
}

// SDM vol. 3B, "Debug Exceptions": instruction breakpoints are faults, at the
// instruction, once, as the handler sets RF; data and I/O breakpoints are
// traps.
func TestDebugRegisters(t *testing.T) {
	const execute, write, io, access = 0, 1, 2, 3
	const one, two, eight, four = 0, 1, 2, 3
	for _, c := range []struct {
		name string
		code []byte
		edit func(*x86.State)
		want string
	}{
		{"an instruction", listing(`
90                              nop
90                              nop
90                              nop
0f 0b                           ud2
`), breakpoint(kernelCode+1, execute, one), "1/1"},
		{"an instruction in a loop", listing(`
b9 03 00 00 00                  mov ecx,0x3
90                              nop
e2 fd                           loop 5
0f 0b                           ud2
`), breakpoint(kernelCode+5, execute, one), "5/1 5/1 5/1"},
		{"the first instruction", listing(`
90                              nop
0f 0b                           ud2
`), breakpoint(kernelCode, execute, one), "0/1"},
		{"an instruction that faults", listing(`
90                              nop
0f 0b                           ud2
`), breakpoint(kernelCode+1, execute, one), "1/1"},
		{"the middle of an instruction", listing(`
b8 05 00 00 00                  mov eax,0x5
0f 0b                           ud2
`), breakpoint(kernelCode+1, execute, one), ""},
		{"behind MOV SS, where there is none", listing(`
b8 18 00 00 00                  mov eax,0x18
8e d0                           mov ss,eax
90                              nop
0f 0b                           ud2
`), breakpoint(kernelCode+7, execute, one), ""},
		{"behind STI, which holds back interrupts only", listing(`
fb                              sti
90                              nop
0f 0b                           ud2
`), breakpoint(kernelCode+1, execute, one), "1/1"},
		{"behind STI, in a block of its own", listing(`
90                              nop
fb                              sti
b8 18 00 00 00                  mov eax,0x18
90                              nop
0f 0b                           ud2
`), breakpoint(kernelCode+2, execute, one), "2/1"},
		{"a store", listing(`
90                              nop
89 03                           mov DWORD PTR [rbx],eax
90                              nop
0f 0b                           ud2
`), breakpoint(kernelData, write, four), "3/1"},
		{"a load, with write only", listing(`
90                              nop
8b 03                           mov eax,DWORD PTR [rbx]
90                              nop
0f 0b                           ud2
`), breakpoint(kernelData, write, four), ""},
		{"a load", listing(`
90                              nop
8b 03                           mov eax,DWORD PTR [rbx]
90                              nop
0f 0b                           ud2
`), breakpoint(kernelData, access, four), "3/1"},
		{"a store that overlaps", listing(`
89 43 05                        mov DWORD PTR [rbx+0x5],eax
0f 0b                           ud2
`), breakpoint(kernelData+8, write, one), "3/1"},
		{"a store that overlaps across pages, the other way", listing(`
89 43 fd                        mov DWORD PTR [rbx-0x3],eax
0f 0b                           ud2
`), breakpoint(kernelData-1, write, one), "3/1"},
		{"a store just before", listing(`
89 43 fc                        mov DWORD PTR [rbx-0x4],eax
0f 0b                           ud2
`), breakpoint(kernelData, write, four), ""},
		{"a store just behind", listing(`
89 43 04                        mov DWORD PTR [rbx+0x4],eax
0f 0b                           ud2
`), breakpoint(kernelData, write, four), ""},
		{"the second half of a quadword", listing(`
48 89 03                        mov QWORD PTR [rbx],rax
0f 0b                           ud2
`), breakpoint(kernelData+4, write, four), "3/1"},
		{"ADD to memory", listing(`
01 03                           add DWORD PTR [rbx],eax
0f 0b                           ud2
`), breakpoint(kernelData, write, four), "2/1"},
		{"a PUSH", listing(`
50                              push rax
0f 0b                           ud2
`), breakpoint(kernelStack-8, write, eight), "1/1"},
		{"an iteration of a string instruction", listing(`
b9 04 00 00 00                  mov ecx,0x4
48 89 df                        mov rdi,rbx
f3 aa                           rep stos BYTE PTR es:[rdi],al
0f 0b                           ud2
`), breakpoint(kernelData+2, write, one), "8/1"},
		{"the last iteration", listing(`
b9 04 00 00 00                  mov ecx,0x4
48 89 df                        mov rdi,rbx
f3 aa                           rep stos BYTE PTR es:[rdi],al
0f 0b                           ud2
`), breakpoint(kernelData+3, write, one), "a/1"},
		{"a port", listing(`
90                              nop
e6 80                           out 0x80,al
90                              nop
0f 0b                           ud2
`), breakpoint(0x80, io, one), "3/1"},
		{"another port", listing(`
90                              nop
e6 81                           out 0x81,al
90                              nop
0f 0b                           ud2
`), breakpoint(0x80, io, one), ""},
		{"data, held back by MOV SS and delivered after the next", listing(`
c7 03 18 00 00 00               mov DWORD PTR [rbx],0x18
8e 13                           mov ss,WORD PTR [rbx]
90                              nop
90                              nop
0f 0b                           ud2
`),
			breakpoint(kernelData, access, two), "6/1 9/1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, newRig(t, "").trapLog(c.code, false, c.edit))
		})
	}
}

// MOV SS; INT n with a data breakpoint pending: the #DB comes in the handler
// (the case of CVE-2018-8897).
func TestDataBreakpointHeldOverINT(t *testing.T) {
	r := newRig(t, "")
	r.RemoveProbe(r.handler(0x80))
	r.write(entryAt+16*0x80, listing(`
90                              nop
0f 0b                           ud2
`))
	r.put64(dataAt, selUserSS)
	r.mapPage(userData+0x20000, dataAt, 0, pteP|pteW|pteU)
	got := r.trapLog(listing(`
8e 13                           mov ss,WORD PTR [rbx]
cd 80                           int 0x80
`), true, func(s *x86.State) {
		breakpoint(userData+0x20000, 3, 1)(s)
		s.GPR[x86.RBX] = userData + 0x20000
	})
	require.Equal(t, fmt.Sprintf("%x/1", r.handler(0x80)-userCode), got)
}

// An interrupt asked for at each boundary of a stretch arrives at the first
// one from there on that takes it: not behind STI or MOV SS (SDM vol. 3A
// 7.8.3), and not while IF is clear.
func TestInterruptAtEveryBoundary(t *testing.T) {
	code := listing(`
90                              nop
fa                              cli
90                              nop
fb                              sti
90                              nop
90                              nop
b8 18 00 00 00                  mov eax,0x18
8e d0                           mov ss,eax
90                              nop
fa                              cli
fb                              sti
fb                              sti
90                              nop
9c                              pushf
fa                              cli
9d                              popf
90                              nop
0f 0b                           ud2
`)
	//            0    1    2    3    4    5    6                b          d    e    f    10   11   12      13   14     15   16
	boundaries := []uint64{0, 1, 2, 3, 4, 5, 6, 0xb, 0xd, 0xe, 0xf, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16}
	taken := map[uint64]bool{0: true, 1: true, 5: true, 6: true, 0xb: true, 0xe: true, 0x11: true, 0x12: true, 0x13: true, 0x15: true, 0x16: true}
	for n, from := range boundaries {
		for _, nmi := range []bool{false, true} {
			r := newRig(t, "")
			want := "none"
			for _, b := range boundaries[n:] {
				if nmi && b != 0xd || !nmi && taken[b] {
					want = fmt.Sprintf("%x", b)
					break
				}
			}
			got := r.trapLog(code, false, func(s *x86.State) {
				s.RFLAGS |= x86.FlagIF
				if nmi {
					r.NMIAt(uint64(n))
				} else {
					r.InterruptAt(uint64(n), 0x30)
				}
			})
			require.Equal(t, want, got, "asked for at %x, NMI %v", from, nmi)
		}
	}
}

// MOV SS whose last byte is STI's opcode is told from it: it holds off NMIs.
func TestMOVSSThatEndsInSTIsOpcode(t *testing.T) {
	r := newRig(t, "")
	r.put64(dataAt, selData)
	got := r.trapLog(listing(`
90                              nop
8e 53 fb                        mov ss,WORD PTR [rbx-0x5]
90                              nop
0f 0b                           ud2
`), false, func(s *x86.State) {
		s.GPR[x86.RBX] = kernelData + 5
		r.NMIAt(2)
	})
	require.Equal(t, "5", got)
}

// The RF that is pushed (SDM vol. 3B, "Instruction-Breakpoint Exception
// Condition"): set for traps between the iterations of a string instruction,
// not for other traps nor for an instruction breakpoint.
func TestRFInTheFrameOfDB(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*x86.State)
		want []uint64
	}{
		{"single step", trapFlag, []uint64{0, x86.FlagRF, x86.FlagRF, 0, 0}},
		{"a data breakpoint", breakpoint(kernelData+1, 1, 0), []uint64{x86.FlagRF}},
		{"a data breakpoint of the last iteration", breakpoint(kernelData+2, 1, 0), []uint64{0}},
		{"an instruction breakpoint", breakpoint(kernelCode+7, 0, 0), []uint64{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "")
			var got []uint64
			r.Probe(r.handler(x86.VectorDB), func(*emu.Machine) bool {
				got = append(got, r.frame(false).RFLAGS&x86.FlagRF)
				return false
			})
			r.write(entryAt+16*uint64(x86.VectorDB), listing(`
80 4c 24 12 01                  or BYTE PTR [rsp+0x12],0x1
48 cf                           iretq
`))
			r.kernel(listing(`
b9 03 00 00 00                  mov ecx,0x3
f3 aa                           rep stos BYTE PTR es:[rdi],al
90                              nop
0f 0b                           ud2
`), func(s *x86.State) {
				c.edit(s)
				s.GPR[x86.RDI] = kernelData
			})
			r.run()
			require.Equal(t, "#UD", r.lastDelivery())
			require.Equal(t, c.want, got)
		})
	}
}
