// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// runTo goes to a handler's probe in slices of so many instructions, 0 for
// one free run.
func (r *rig) runTo(slice uint64) {
	r.t.Helper()
	for range 2_000_000 {
		if stop := r.Run(emu.Until{Instructions: slice}); stop.Why != emu.StopLimit {
			require.NoError(r.t, stop.Err)
			return
		}
	}
	require.Fail(r.t, "the program got lost")
}

var sliceSizes = []uint64{0, 1, 2, 3, 7, 64}

// What a program writes over its own code is what it executes (SDM vol. 3A
// 10.1.3, "Handling Self- and Cross-Modifying Code": on one processor, through
// the same linear address or after a branch). Each program ends in UD2 with
// its answer in RDX.
func TestSelfModifyingCode(t *testing.T) {
	for _, c := range []struct {
		name string
		code []byte
		more map[uint64][]byte // physical
		want uint64
	}{
		{name: "the next instruction", want: 2, code: listing(`
48 bb 00 00 01 00 00 80 ff ff   movabs rbx,0xffff800000010000
c6 05 02 00 00 00 02            mov BYTE PTR [rip+0x2],0x2
90                              nop
ba 01 00 00 00                  mov edx,0x1
0f 0b                           ud2
`)},
		{name: "the instruction after the next, again and again", want: 5050, code: listing(`
31 d2                           xor edx,edx
b9 64 00 00 00                  mov ecx,0x64
88 0d 03 00 00 00               mov BYTE PTR [rip+0x3],cl
90                              nop
83 c2 7f                        add edx,0x7f
e2 f4                           loop 7
0f 0b                           ud2
`)},
		{name: "further on, on the same page", want: 5050, code: listing(`
31 d2                           xor edx,edx
b9 64 00 00 00                  mov ecx,0x64
88 0d 24 00 00 00               mov BYTE PTR [rip+0x24],cl
e8 1e 00 00 00                  call 30
01 c2                           add edx,eax
e2 f1                           loop 7
0f 0b                           ud2
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
90                              nop
b8 7f 00 00 00                  mov eax,0x7f
c3                              ret
`)},
		{name: "on another page, through the same address", want: 5050,
			more: map[uint64][]byte{codeAt + 0x3000: listing(`
b8 7f 00 00 00                  mov eax,0x7f
c3                              ret
`)},
			code: listing(`
31 d2                           xor edx,edx
b9 64 00 00 00                  mov ecx,0x64
48 bb 00 30 01 00 00 80 ff ff   movabs rbx,0xffff800000013000
88 4b 01                        mov BYTE PTR [rbx+0x1],cl
ff d3                           call rbx
01 c2                           add edx,eax
e2 f7                           loop 11
0f 0b                           ud2
`)},
		{name: "on another page, through an alias", want: 5050,
			more: map[uint64][]byte{userPhys: listing(`
b8 7f 00 00 00                  mov eax,0x7f
c3                              ret
`)},
			code: listing(`
31 d2                           xor edx,edx
b9 64 00 00 00                  mov ecx,0x64
bb 00 00 40 00                  mov ebx,0x400000
48 bf 00 00 08 00 00 80 ff ff   movabs rdi,0xffff800000080000
88 4f 01                        mov BYTE PTR [rdi+0x1],cl
ff d3                           call rbx
01 c2                           add edx,eax
e2 f7                           loop 16
0f 0b                           ud2
`)},
		{name: "before a page boundary, in an instruction that crosses it", want: 5050,
			more: map[uint64][]byte{codeAt + 0x3ffd: listing(`
b8 7f 00 00 00                  mov eax,0x7f
c3                              ret
`)},
			code: listing(`
31 d2                           xor edx,edx
b9 64 00 00 00                  mov ecx,0x64
48 bb fd 3f 01 00 00 80 ff ff   movabs rbx,0xffff800000013ffd
88 4b 01                        mov BYTE PTR [rbx+0x1],cl
ff d3                           call rbx
01 c2                           add edx,eax
e2 f7                           loop 11
0f 0b                           ud2
`)},
		{name: "behind a page boundary, in an instruction that crosses it", want: 5050 << 16,
			more: map[uint64][]byte{codeAt + 0x3ffd: listing(`
b8 00 00 00 00                  mov eax,0x0
c3                              ret
`)},
			code: listing(`
31 d2                           xor edx,edx
b9 64 00 00 00                  mov ecx,0x64
48 bb fd 3f 01 00 00 80 ff ff   movabs rbx,0xffff800000013ffd
88 4b 03                        mov BYTE PTR [rbx+0x3],cl
ff d3                           call rbx
01 c2                           add edx,eax
e2 f7                           loop 11
0f 0b                           ud2
`)},
		{name: "across a page boundary", want: 5050 * 0x10001,
			more: map[uint64][]byte{codeAt + 0x3ffd: listing(`
b8 00 00 00 00                  mov eax,0x0
c3                              ret
`)},
			code: listing(`
31 d2                           xor edx,edx
b9 64 00 00 00                  mov ecx,0x64
48 bb fd 3f 01 00 00 80 ff ff   movabs rbx,0xffff800000013ffd
69 c1 01 00 01 00               imul eax,ecx,0x10001
89 43 01                        mov DWORD PTR [rbx+0x1],eax
ff d3                           call rbx
01 c2                           add edx,eax
e2 f1                           loop 11
0f 0b                           ud2
`)},
		{name: "a page copied over code that ran before", want: 100 * 3,
			more: map[uint64][]byte{
				codeAt + 0x3040: listing(`
b8 01 00 00 00                  mov eax,0x1
c3                              ret
`), codeAt + 0x4040: listing(`
90                              nop
90                              nop
b8 02 00 00 00                  mov eax,0x2
c3                              ret
`),
				codeAt + 0x5000: bytes.Repeat([]byte{0xcc}, 0x1000)},
			code: listing(`
fc                              cld
31 d2                           xor edx,edx
bd 64 00 00 00                  mov ebp,0x64
48 bb 00 50 01 00 00 80 ff ff   movabs rbx,0xffff800000015000
48 8d b3 00 e0 ff ff            lea rsi,[rbx-0x2000]
48 89 df                        mov rdi,rbx
b9 00 02 00 00                  mov ecx,0x200
f3 48 a5                        rep movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]
48 8d 43 40                     lea rax,[rbx+0x40]
ff d0                           call rax
01 c2                           add edx,eax
48 8d b3 00 f0 ff ff            lea rsi,[rbx-0x1000]
48 89 df                        mov rdi,rbx
b9 00 02 00 00                  mov ecx,0x200
f3 48 a5                        rep movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]
48 8d 43 40                     lea rax,[rbx+0x40]
ff d0                           call rax
01 c2                           add edx,eax
ff cd                           dec ebp
75 c8                           jne 12
0f 0b                           ud2
`)},
		{name: "a page copied through an alias, with two blocks of the old page in use", want: 100 * (1 + 4 + 2 + 8),
			more: map[uint64][]byte{
				codeAt + 0x3040: listing(`
b8 01 00 00 00                  mov eax,0x1
c3                              ret
`), codeAt + 0x3840: listing(`
b8 04 00 00 00                  mov eax,0x4
c3                              ret
`),
				codeAt + 0x4040: listing(`
b8 02 00 00 00                  mov eax,0x2
c3                              ret
`), codeAt + 0x4840: listing(`
b8 08 00 00 00                  mov eax,0x8
c3                              ret
`)},
			code: listing(`
fc                              cld
31 d2                           xor edx,edx
bd 64 00 00 00                  mov ebp,0x64
48 bb 00 30 01 00 00 80 ff ff   movabs rbx,0xffff800000013000
41 b8 00 00 40 00               mov r8d,0x400000
48 89 de                        mov rsi,rbx
48 bf 00 00 08 00 00 80 ff ff   movabs rdi,0xffff800000080000
b9 00 02 00 00                  mov ecx,0x200
f3 48 a5                        rep movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]
49 8d 40 40                     lea rax,[r8+0x40]
ff d0                           call rax
01 c2                           add edx,eax
49 8d 80 40 08 00 00            lea rax,[r8+0x840]
ff d0                           call rax
01 c2                           add edx,eax
48 8d b3 00 10 00 00            lea rsi,[rbx+0x1000]
48 bf 00 00 08 00 00 80 ff ff   movabs rdi,0xffff800000080000
b9 00 02 00 00                  mov ecx,0x200
f3 48 a5                        rep movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]
49 8d 40 40                     lea rax,[r8+0x40]
ff d0                           call rax
01 c2                           add edx,eax
49 8d 80 40 08 00 00            lea rax,[r8+0x840]
ff d0                           call rax
01 c2                           add edx,eax
ff cd                           dec ebp
75 a8                           jne 18
0f 0b                           ud2
`)},
		{name: "a string instruction over the instructions behind it", want: 7, code: listing(`
fc                              cld
ba 07 00 00 00                  mov edx,0x7
48 8d 3d 09 00 00 00            lea rdi,[rip+0x9]
b9 03 00 00 00                  mov ecx,0x3
b0 90                           mov al,0x90
f3 aa                           rep stos BYTE PTR es:[rdi],al
ff c2                           inc edx
90                              nop
0f 0b                           ud2
`)},
		{name: "a PUSH over the next instruction", want: 9, code: listing(`
ba 09 00 00 00                  mov edx,0x9
48 8d 25 13 00 00 00            lea rsp,[rip+0x13]
48 b8 90 90 90 90 90 90 0f 0b   movabs rax,0xb0f909090909090
50                              push rax
81 c2 11 11 00 00               add edx,0x1111
90                              nop
90                              nop
0f 0b                           ud2
`)},
		{name: "XCHG, locked, of the next instruction", want: 9, code: listing(`
ba 09 00 00 00                  mov edx,0x9
48 b8 90 90 90 90 90 90 0f 0b   movabs rax,0xb0f909090909090
48 87 05 00 00 00 00            xchg QWORD PTR [rip+0x0],rax
81 c2 11 11 00 00               add edx,0x1111
90                              nop
90                              nop
0f 0b                           ud2
`)},
		{name: "a store that crosses into the page of code", want: 0x7f00,
			more: map[uint64][]byte{codeAt + 0x4000: listing(`
b8 7f 00 00 00                  mov eax,0x7f
c3                              ret
`)},
			code: listing(`
48 bb 00 40 01 00 00 80 ff ff   movabs rbx,0xffff800000014000
31 d2                           xor edx,edx
ff d3                           call rbx
89 c2                           mov edx,eax
c7 43 fe 00 00 b8 00            mov DWORD PTR [rbx-0x2],0xb80000
ff d3                           call rbx
c1 e2 08                        shl edx,0x8
01 c2                           add edx,eax
0f 0b                           ud2
`)},
		{name: "data and code on one page", want: 5050, code: listing(`
31 d2                           xor edx,edx
b9 64 00 00 00                  mov ecx,0x64
89 0d 0a 00 00 00               mov DWORD PTR [rip+0xa],ecx
03 15 04 00 00 00               add edx,DWORD PTR [rip+0x4]
e2 f2                           loop 7
0f 0b                           ud2
00 00                           add BYTE PTR [rax],al
`)},
		{name: "a stack on the page of the code", want: 100, code: listing(`
48 8d 25 3d 00 00 00            lea rsp,[rip+0x3d]
31 d2                           xor edx,edx
b9 64 00 00 00                  mov ecx,0x64
e8 04 00 00 00                  call 17
e2 f9                           loop e
0f 0b                           ud2
51                              push rcx
ff c2                           inc edx
59                              pop rcx
c3                              ret
90                              nop
`)},
	} {
		for _, slice := range sliceSizes {
			t.Run(fmt.Sprintf("%s, slices of %d", c.name, slice), func(t *testing.T) {
				r := newRig(t, "")
				for at, code := range c.more {
					r.write(at, code)
				}
				r.kernel(c.code, nil)
				r.runTo(slice)
				require.Equal(t, "#UD", r.deliveries())
				require.Equal(t, c.want, r.State().GPR[x86.RDX])
			})
		}
	}
}

// A device, or a debugger, writes over code between two runs.
func TestCodeWrittenFromOutside(t *testing.T) {
	for name, write := range map[string]func(*rig, uint64, []byte){
		"physical": func(r *rig, offset uint64, p []byte) { require.NoError(r.t, r.WritePhysical(codeAt+offset, p)) },
		"linear": func(r *rig, offset uint64, p []byte) {
			n, err := r.WriteMemory(kernelCode+offset, p)
			require.NoError(r.t, err)
			require.Equal(r.t, len(p), n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "")
			r.kernel(listing(`
b8 00 00 00 00                  mov eax,0x0
01 c2                           add edx,eax
eb f7                           jmp 0
`), nil)
			var want uint64
			for i := range uint64(200) {
				write(r, 1, []byte{byte(i)})
				require.Equal(t, emu.StopLimit, r.Run(emu.Until{Instructions: 30}).Why)
				want += i * 10
				require.Equal(t, want, r.State().GPR[x86.RDX])
			}
		})
	}
}

// The frame of an exception is a write of the machine's: here it lands on the
// code that the handler runs next.
func TestFramePushedOverCode(t *testing.T) {
	r := bareRig(t, "")
	r.write(entryAt+16*6, listing(`
48 bb 00 30 01 00 00 80 ff ff   movabs rbx,0xffff800000013000
ff d3                           call rbx
f4                              hlt
`))
	r.write(codeAt+0x3000, listing(`
b8 01 00 00 00                  mov eax,0x1
c3                              ret
90                              nop
90                              nop
b8 01 00 00 00                  mov eax,0x1
c3                              ret
`)) // the frame's RIP is to be at 0x3008
	r.kernel(listing(`
48 bb 00 30 01 00 00 80 ff ff   movabs rbx,0xffff800000013000
ff d3                           call rbx
48 8d 5b 08                     lea rbx,[rbx+0x8]
48 8d 63 28                     lea rsp,[rbx+0x28]
0f 0b                           ud2
`), nil)
	before := make([]byte, 8)
	r.Run(emu.Until{Instructions: 6})
	_, err := r.ReadMemory(kernelCode+0x3008, before)
	require.NoError(t, err)
	r.Run(emu.Until{Instructions: 1})
	after := make([]byte, 8)
	_, err = r.ReadMemory(kernelCode+0x3008, after)
	require.NoError(t, err)
	require.NotEqual(t, before, after)
}

// A mapping that leads elsewhere after INVLPG or a write to CR3 executes what
// is there.
func TestCodeRemapped(t *testing.T) {
	for name, flush := range map[string][]byte{
		"INVLPG": listing(`
0f 01 3b                        invlpg BYTE PTR [rbx]
`), "CR3": listing(`
0f 20 d8                        mov rax,cr3
0f 22 d8                        mov cr3,rax
`),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "")
			r.write(userPhys, listing(`
b8 01 00 00 00                  mov eax,0x1
c3                              ret
`))
			r.write(userPhys+0x1000, listing(`
b8 02 00 00 00                  mov eax,0x2
c3                              ret
`))
			pte := high + r.entry(userCode, 0)
			code := listing(`
bb 00 00 40 00                  mov ebx,0x400000
ff d3                           call rbx
01 c2                           add edx,eax
48 81 37 00 10 00 00            xor QWORD PTR [rdi],0x1000
`)
			code = append(code, flush...)
			code = append(code, listing(`
90                              nop
`)...)
			code = append(code, 0xff, 0xc9, 0x75, byte(5-len(code)-4)) // DEC ECX; JNZ to the CALL
			code = append(code, listing(`
0f 0b                           ud2
`)...)
			r.put64(r.entry(userCode, 0), userPhys|pteP|pteW|pteU)
			r.kernel(code, func(s *x86.State) { s.GPR[x86.RDI], s.GPR[x86.RCX] = pte, 100 })
			r.run()
			require.Equal(t, "#UD", r.deliveries())
			require.EqualValues(t, 150, r.State().GPR[x86.RDX])
		})
	}
}
