// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// The clock counts instructions; a repeated string instruction counts one for
// each iteration and one if there is none. What faults, and an INT n, do not
// retire: each program ends in UD2, which is not counted.
func TestInstructionsAreCounted(t *testing.T) {
	strings := func(count uint64) func(*x86.State) {
		return func(s *x86.State) {
			s.GPR[x86.RCX], s.GPR[x86.RSI], s.GPR[x86.RDI] = count, kernelData, kernelData+0x1800
		}
	}
	for _, c := range []struct {
		name string
		code []byte
		edit func(*x86.State)
		want uint64
	}{
		{"nothing", listing(`
0f 0b                           ud2
`), nil, 0},
		{"straight code", listing(`
90                              nop
90                              nop
ff c0                           inc eax
89 c3                           mov ebx,eax
48 8d 0c 18                     lea rcx,[rax+rbx*1]
0f 0b                           ud2
`), nil, 5},
		{"a branch that is taken and one that is not", listing(`
31 c0                           xor eax,eax
74 01                           je 5
90                              nop
75 01                           jne 8
90                              nop
0f 0b                           ud2
`), nil, 4},
		{"a loop", listing(`
b9 e8 03 00 00                  mov ecx,0x3e8
90                              nop
e2 fd                           loop 5
0f 0b                           ud2
`), nil, 2001},
		{"calls", listing(`
b9 32 00 00 00                  mov ecx,0x32
e8 06 00 00 00                  call 10
ff c9                           dec ecx
75 f7                           jne 5
0f 0b                           ud2
90                              nop
c3                              ret
`), nil, 1 + 50*5},
		{"REP STOSB, no iteration", listing(`
90                              nop
f3 aa                           rep stos BYTE PTR es:[rdi],al
90                              nop
0f 0b                           ud2
`), strings(0), 3},
		{"REP STOSB, one iteration", listing(`
90                              nop
f3 aa                           rep stos BYTE PTR es:[rdi],al
90                              nop
0f 0b                           ud2
`), strings(1), 3},
		{"REP STOSB, two iterations", listing(`
90                              nop
f3 aa                           rep stos BYTE PTR es:[rdi],al
90                              nop
0f 0b                           ud2
`), strings(2), 4},
		{"REP STOSB, 5,000 iterations", listing(`
90                              nop
f3 aa                           rep stos BYTE PTR es:[rdi],al
90                              nop
0f 0b                           ud2
`), strings(5000), 5002},
		{"REP STOSB as the first instruction", listing(`
f3 aa                           rep stos BYTE PTR es:[rdi],al
0f 0b                           ud2
`), strings(3), 3},
		{"two in a row", listing(`
f3 aa                           rep stos BYTE PTR es:[rdi],al
b9 03 00 00 00                  mov ecx,0x3
f3 a4                           rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]
0f 0b                           ud2
`), strings(3), 7},
		{"two in a row, the second without an iteration", listing(`
f3 aa                           rep stos BYTE PTR es:[rdi],al
f3 a4                           rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]
0f 0b                           ud2
`), strings(3), 4},
		{"the same one twice", listing(`
bb 02 00 00 00                  mov ebx,0x2
b9 04 00 00 00                  mov ecx,0x4
f3 aa                           rep stos BYTE PTR es:[rdi],al
ff cb                           dec ebx
75 f5                           jne 5
0f 0b                           ud2
`), strings(0), 1 + 2*7},
		{"the same one twice, without an iteration", listing(`
bb 02 00 00 00                  mov ebx,0x2
31 c9                           xor ecx,ecx
f3 aa                           rep stos BYTE PTR es:[rdi],al
ff cb                           dec ebx
75 f8                           jne 5
0f 0b                           ud2
`), strings(0), 1 + 2*4},
		{"a jump to one with no iterations left", listing(`
eb 01                           jmp 3
90                              nop
f3 aa                           rep stos BYTE PTR es:[rdi],al
0f 0b                           ud2
`), strings(0), 2},
		{"REPE CMPSB that ends early", listing(`
48 b8 02 00 04 00 00 80 ff ff   movabs rax,0xffff800000040002
c6 00 01                        mov BYTE PTR [rax],0x1
f3 a6                           repz cmps BYTE PTR ds:[rsi],BYTE PTR es:[rdi]
0f 0b                           ud2
`), strings(10), 5},
		{"REPE CMPSB to its end", listing(`
f3 a6                           repz cmps BYTE PTR ds:[rsi],BYTE PTR es:[rdi]
0f 0b                           ud2
`), strings(10), 10},
		{"REPE CMPSB that ends with its first iteration", listing(`
48 b8 00 00 04 00 00 80 ff ff   movabs rax,0xffff800000040000
c6 00 01                        mov BYTE PTR [rax],0x1
f3 a6                           repz cmps BYTE PTR ds:[rsi],BYTE PTR es:[rdi]
0f 0b                           ud2
`), strings(10), 3},
		{"REPNE SCASB that finds", listing(`
48 b8 04 18 04 00 00 80 ff ff   movabs rax,0xffff800000041804
c6 00 07                        mov BYTE PTR [rax],0x7
b0 07                           mov al,0x7
f2 ae                           repnz scas al,BYTE PTR es:[rdi]
0f 0b                           ud2
`), strings(10), 8},
		{"REPNE SCASB that does not find", listing(`
b0 07                           mov al,0x7
f2 ae                           repnz scas al,BYTE PTR es:[rdi]
0f 0b                           ud2
`), strings(10), 11},
		{"REP STOSB that counts in ECX", listing(`
67 f3 aa                        rep stos BYTE PTR es:[edi],al
0f 0b                           ud2
`), func(s *x86.State) {
			s.GPR[x86.RCX], s.GPR[x86.RDI] = 0xffffffff00000004, userData
		}, 4},
		{"REP LODSB, backwards", listing(`
fd                              std
f3 ac                           rep lods al,BYTE PTR ds:[rsi]
fc                              cld
0f 0b                           ud2
`), strings(6), 8},
		{"ports", listing(`
e4 80                           in al,0x80
e6 80                           out 0x80,al
66 ba f8 03                     mov dx,0x3f8
ec                              in al,dx
0f 0b                           ud2
`), nil, 4},
		{"STI and MOV SS", listing(`
b8 18 00 00 00                  mov eax,0x18
8e d0                           mov ss,eax
90                              nop
fa                              cli
0f 0b                           ud2
`), nil, 4},
		{"PUSHF and POPF", listing(`
9c                              pushf
9d                              popf
9c                              pushf
9d                              popf
0f 0b                           ud2
`), nil, 4},
		{"instructions of the machine's", listing(`
0f 20 c0                        mov rax,cr0
0f 22 c0                        mov cr0,rax
0f a2                           cpuid
0f 20 d8                        mov rax,cr3
0f 22 d8                        mov cr3,rax
0f 06                           clts
0f 0b                           ud2
`), nil, 6},
		{"INT and IRET", listing(`
cd 80                           int 0x80
90                              nop
0f 0b                           ud2
`), nil, 3}, // the handler's NOP and IRETQ, and NOP
		{"a block as long as they get", append(addOfImmediates(600), listing(`
0f 0b                           ud2
`)...), nil, 600},
	} {
		for _, slice := range sliceSizes {
			t.Run(fmt.Sprintf("%s, slices of %d", c.name, slice), func(t *testing.T) {
				r := newRig(t, "")
				r.RemoveProbe(r.handler(0x80))
				r.write(entryAt+16*0x80, listing(`
90                              nop
48 cf                           iretq
`))
				r.kernel(c.code, c.edit)
				r.runTo(slice)
				require.Equal(t, "#UD", r.lastDelivery())
				require.Equal(t, c.want, r.Instructions())
			})
		}
	}
}

// addOfImmediates is so many instructions without a branch.
func addOfImmediates(n int) []byte {
	var out []byte
	for range n {
		out = append(out, listing(`
48 83 c0 18                     add rax,0x18
`)...)
	}
	return out
}

func (r *rig) lastDelivery() string {
	if len(r.log) == 0 {
		return ""
	}
	return r.log[len(r.log)-1]
}

// A slice ends where it was told to, in the middle of a block or of a string
// instruction, with what is to be seen there.
func TestSlicesEndExactly(t *testing.T) {
	for n := uint64(1); n <= 40; n++ {
		r := newRig(t, "")
		r.kernel(listing(`
48 ff c0                        inc rax
48 ff c3                        inc rbx
48 ff c2                        inc rdx
b9 03 00 00 00                  mov ecx,0x3
f3 aa                           rep stos BYTE PTR es:[rdi],al
eb ee                           jmp 0
`), func(s *x86.State) { s.GPR[x86.RDI] = kernelData })
		require.Equal(t, emu.StopLimit, r.Run(emu.Until{Instructions: n}).Why)
		require.Equal(t, n, r.Instructions())
		s := r.State()
		const round = 8 // three INC, MOV, three iterations, JMP
		in := n % round
		require.Equal(t, n/round+min(in, 1), s.GPR[x86.RAX], "after %d", n)
		require.Equal(t, n/round+min(in/2, 1), s.GPR[x86.RBX], "after %d", n)
		require.Equal(t, n/round+min(in/3, 1), s.GPR[x86.RDX], "after %d", n)
		require.Equal(t, 3*(n/round)+min(max(in, 4)-4, 3), s.GPR[x86.RDI]-kernelData, "after %d", n)
	}
}

// RDTSC reads the clock as it is before the RDTSC itself, wherever in a block
// it stands.
func TestRDTSCReadsTheClock(t *testing.T) {
	for _, slice := range sliceSizes {
		r := newRig(t, "")
		r.kernel(listing(`
90                              nop
0f 31                           rdtsc
89 c3                           mov ebx,eax
90                              nop
90                              nop
0f 31                           rdtsc
b9 02 00 00 00                  mov ecx,0x2
f3 aa                           rep stos BYTE PTR es:[rdi],al
89 c6                           mov esi,eax
0f 01 f9                        rdtscp
0f 0b                           ud2
`), func(s *x86.State) {
			s.GPR[x86.RDI], s.TSCAux = kernelData, 0x77
		})
		r.runTo(slice)
		s := r.State()
		require.EqualValues(t, 1, s.GPR[x86.RBX])
		require.EqualValues(t, 5, s.GPR[x86.RSI])
		require.EqualValues(t, 10, s.GPR[x86.RAX])
		require.EqualValues(t, 0x77, s.GPR[x86.RCX])
	}
}

// A fault in the middle of a block leaves the clock at the instruction.
func TestClockAtAFault(t *testing.T) {
	r := bareRig(t, "")
	var at []uint64
	r.Observe(func(e emu.Event) {
		if e.Kind == emu.EventException {
			at = append(at, e.Count)
		}
	})
	r.write(entryAt+16*14, listing(`
48 83 c4 08                     add rsp,0x8
48 83 04 24 02                  add QWORD PTR [rsp],0x2
48 cf                           iretq
`))
	r.kernel(listing(`
bb 00 00 70 00                  mov ebx,0x700000
8b 03                           mov eax,DWORD PTR [rbx]
90                              nop
89 0b                           mov DWORD PTR [rbx],ecx
90                              nop
90                              nop
8b 03                           mov eax,DWORD PTR [rbx]
f4                              hlt
`), nil)
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	require.Equal(t, []uint64{1, 1 + 3 + 1, 1 + 3 + 1 + 3 + 2}, at)
	require.EqualValues(t, 1+3+1+3+2+3+1, r.Instructions())
}

// Waiting in HLT passes time, not instructions.
func TestHLTPassesTime(t *testing.T) {
	r := newRig(t, "")
	// The 8254's counter 0 in mode 0, 1000 ticks; everything but IRQ 0 masked.
	r.kernel(listing(`
b0 11                           mov al,0x11
e6 20                           out 0x20,al
b0 30                           mov al,0x30
e6 21                           out 0x21,al
b0 04                           mov al,0x4
e6 21                           out 0x21,al
b0 01                           mov al,0x1
e6 21                           out 0x21,al
b0 fe                           mov al,0xfe
e6 21                           out 0x21,al
b0 30                           mov al,0x30
e6 43                           out 0x43,al
b0 e8                           mov al,0xe8
e6 40                           out 0x40,al
b0 03                           mov al,0x3
e6 40                           out 0x40,al
fb                              sti
f4                              hlt
`), nil)
	r.run()
	require.Equal(t, "interrupt 30", r.deliveries())
	require.EqualValues(t, 18, r.Instructions())
	require.InDelta(t, 1000*1e9/1193182, float64(r.Now()), 1000, "virtual nanoseconds")
}

// PUSHF stores neither RF (SDM vol. 2B, PUSHF) nor the trap flag by which
// the machine steps: here at CPL 3 with SMAP, and right behind an IRET that
// sets RF.
func TestPUSHFStoresTheGuestsFlags(t *testing.T) {
	for _, slice := range sliceSizes {
		r := newRig(t, "")
		r.RemoveProbe(r.handler(x86.VectorUD))
		r.write(entryAt+16*6, listing(`
48 83 04 24 02                  add QWORD PTR [rsp],0x2
48 cf                           iretq
`))
		r.user(listing(`
f9                              stc
0f 0b                           ud2
9c                              pushf
58                              pop rax
66 9c                           pushfw
66 5b                           pop bx
cc                              int3
`), func(s *x86.State) { s.CR4 |= x86.CR4SMAP })
		r.runTo(slice)
		s := r.State()
		require.EqualValues(t, x86.FlagFixed|x86.FlagCF, s.GPR[x86.RAX])
		require.EqualValues(t, x86.FlagFixed|x86.FlagCF, s.GPR[x86.RBX])
	}
}
