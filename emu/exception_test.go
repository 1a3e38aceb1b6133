// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// exceptionCase is a program at one privilege level that ends in an event.
type exceptionCase struct {
	name string
	user bool
	code []byte
	edit func(*rig, *x86.State)
	want string // what is delivered, in order
	at   uint64 // offset of the frame's RIP in the code
}

func (c exceptionCase) run(t *testing.T, cpu string) *rig {
	t.Helper()
	r := newRig(t, cpu)
	start, base, selector := r.kernel, uint64(kernelCode), uint64(selCode)
	if c.user {
		start, base, selector = r.user, userCode, selUser
	}
	start(c.code, func(s *x86.State) {
		if c.edit != nil {
			c.edit(r, s)
		}
	})
	stop := r.run()
	require.Equal(t, c.want, r.deliveries())
	if stop.Why == emu.StopShutdown {
		return r
	}
	f := r.frame(r.lastHasError())
	require.Equal(t, base+c.at, f.RIP, "RIP of the frame")
	require.Equal(t, selector, f.CS, "CS of the frame")
	return r
}

// lastHasError says whether the handler that was entered has an error code.
func (r *rig) lastHasError() bool {
	at := r.State().RIP
	return x86.Vector((at - r.handler(0)) / 16).Info().ErrorCode
}

// The fault's RIP is the instruction's, and what came before it in the same
// block has been executed.
func TestExceptionsOfInstructions(t *testing.T) {
	for _, c := range []exceptionCase{
		{name: "division by zero", code: listing(`
31 c9                           xor ecx,ecx
f7 f1                           div ecx
`), want: "#DE", at: 2},
		{name: "quotient too large", code: listing(`
ba 05 00 00 00                  mov edx,0x5
b9 02 00 00 00                  mov ecx,0x2
f7 f1                           div ecx
`), want: "#DE", at: 10},
		{name: "UD2", code: listing(`
90                              nop
0f 0b                           ud2
`), want: "#UD", at: 1},
		{name: "LOCK on a register", code: listing(`
90                              nop
f0 01 c0                        lock add eax,eax
`), want: "#UD", at: 1},
		{name: "an opcode that 64-bit mode lacks", code: listing(`
90                              nop
06                              (bad)
`), want: "#UD", at: 1},
		{name: "HLT at CPL 3", user: true, code: listing(`
90                              nop
f4                              hlt
`), want: "#GP(0)", at: 1},
		{name: "CLI at CPL 3", user: true, code: listing(`
90                              nop
fa                              cli
`), want: "#GP(0)", at: 1},
		{name: "IN at CPL 3", user: true, code: listing(`
90                              nop
e4 80                           in al,0x80
`), want: "#GP(0)", at: 1},
		{name: "RDMSR at CPL 3", user: true, code: listing(`
90                              nop
0f 32                           rdmsr
`), want: "#GP(0)", at: 1},
		{name: "WRMSR at CPL 3", user: true, code: listing(`
90                              nop
0f 30                           wrmsr
`), want: "#GP(0)", at: 1},
		{name: "MOV from CR0 at CPL 3", user: true, code: listing(`
90                              nop
0f 20 c0                        mov rax,cr0
`), want: "#GP(0)", at: 1},
		{name: "MOV to CR3 at CPL 3", user: true, code: listing(`
90                              nop
0f 22 d8                        mov cr3,rax
`), want: "#GP(0)", at: 1},
		{name: "MOV to DR7 at CPL 3", user: true, code: listing(`
90                              nop
0f 23 f8                        mov dr7,rax
`), want: "#GP(0)", at: 1},
		{name: "LGDT at CPL 3", user: true, code: listing(`
90                              nop
0f 01 14 24                     lgdt [rsp]
`), want: "#GP(0)", at: 1},
		{name: "LIDT at CPL 3", user: true, code: listing(`
90                              nop
0f 01 1c 24                     lidt [rsp]
`), want: "#GP(0)", at: 1},
		{name: "LTR at CPL 3", user: true, code: listing(`
90                              nop
0f 00 d8                        ltr ax
`), want: "#GP(0)", at: 1},
		{name: "LLDT at CPL 3", user: true, code: listing(`
90                              nop
0f 00 d0                        lldt ax
`), want: "#GP(0)", at: 1},
		{name: "LMSW at CPL 3", user: true, code: listing(`
90                              nop
0f 01 f0                        lmsw ax
`), want: "#GP(0)", at: 1},
		{name: "CLTS at CPL 3", user: true, code: listing(`
90                              nop
0f 06                           clts
`), want: "#GP(0)", at: 1},
		{name: "INVLPG at CPL 3", user: true, code: listing(`
90                              nop
0f 01 3c 24                     invlpg BYTE PTR [rsp]
`), want: "#GP(0)", at: 1},
		{name: "SWAPGS at CPL 3", user: true, code: listing(`
90                              nop
0f 01 f8                        swapgs
`), want: "#GP(0)", at: 1},
		{name: "SYSRET at CPL 3", user: true, code: listing(`
90                              nop
48 0f 07                        sysretq
`), want: "#GP(0)", at: 1},
		{name: "WBINVD at CPL 3", user: true, code: listing(`
90                              nop
0f 09                           wbinvd
`), want: "#GP(0)", at: 1},
		{name: "XSETBV at CPL 3", user: true, code: listing(`
90                              nop
0f 01 d1                        xsetbv
`), want: "#GP(0)", at: 1,
			edit: func(_ *rig, s *x86.State) { s.CR4 |= x86.CR4OSXSAVE }},
		{name: "INT of a vector with DPL 0 at CPL 3", user: true, code: listing(`
90                              nop
cd 20                           int 0x20
`), want: "int 20 #GP(102)", at: 1},
		{name: "INT of a vector with DPL 3 at CPL 3", user: true, code: listing(`
90                              nop
cd 80                           int 0x80
`), want: "int 80", at: 3},
		{name: "INT3 at CPL 3", user: true, code: listing(`
90                              nop
cc                              int3
`), want: "int 3", at: 2},
		{name: "INT1 at CPL 3", user: true, code: listing(`
90                              nop
f1                              int1
`), want: "int 1", at: 2},
		{name: "an MSR that is not there", code: listing(`
b9 ad de 00 00                  mov ecx,0xdead
0f 32                           rdmsr
`), want: "#GP(0)", at: 5},
		{name: "a reserved bit of CR4", code: listing(`
0f 20 e0                        mov rax,cr4
48 0f ba e8 3f                  bts rax,0x3f
0f 22 e0                        mov cr4,rax
`), want: "#GP(0)", at: 8},
		{name: "CR1", code: listing(`
90                              nop
0f 20 c8                        mov rax,cr1
`), want: "#UD", at: 1},
		{name: "CR0.NE-style FPU instruction with CR0.TS", code: listing(`
90                              nop
db e3                           fninit
`), want: "#NM", at: 1,
			edit: func(_ *rig, s *x86.State) { s.CR0 |= x86.CR0TS }},
		{name: "SSE with CR0.TS", code: listing(`
90                              nop
66 0f fc c1                     paddb xmm0,xmm1
`), want: "#NM", at: 1,
			edit: func(_ *rig, s *x86.State) { s.CR0 |= x86.CR0TS }},
		{name: "SSE without CR4.OSFXSR", code: listing(`
90                              nop
66 0f fc c1                     paddb xmm0,xmm1
`), want: "#UD", at: 1,
			edit: func(_ *rig, s *x86.State) { s.CR4 &^= x86.CR4OSFXSR }},
		{name: "SSE with CR0.EM", code: listing(`
90                              nop
66 0f fc c1                     paddb xmm0,xmm1
`), want: "#UD", at: 1,
			edit: func(_ *rig, s *x86.State) { s.CR0 |= x86.CR0EM }},
		{name: "an x87 exception that was pending", code: listing(`
db e3                           fninit
68 7a 03 00 00                  push 0x37a
d9 2c 24                        fldcw WORD PTR [rsp]
d9 e8                           fld1
d9 ee                           fldz
de f9                           fdivp st(1),st
9b                              fwait
`),
			want: "#MF", at: 16},
		{name: "MOV DS of a segment that is not present", code: listing(`
b8 48 00 00 00                  mov eax,0x48
8e d8                           mov ds,eax
`), want: "#NP(48)", at: 5},
		{name: "MOV SS of a segment that is not present", code: listing(`
b8 48 00 00 00                  mov eax,0x48
8e d0                           mov ss,eax
`), want: "#SS(48)", at: 5},
		{name: "MOV DS of a selector beyond the GDT", code: listing(`
b8 58 04 00 00                  mov eax,0x458
8e d8                           mov ds,eax
`), want: "#GP(458)", at: 5},
		{name: "MOV SS of a null selector at CPL 3", user: true, code: listing(`
31 c0                           xor eax,eax
8e d0                           mov ss,eax
`), want: "#GP(0)", at: 2},
		{name: "MOV DS of a kernel segment at CPL 3", user: true, code: listing(`
b8 18 00 00 00                  mov eax,0x18
8e d8                           mov ds,eax
`), want: "#GP(18)", at: 5},
		{name: "LTR of a busy TSS", code: listing(`
b8 38 00 00 00                  mov eax,0x38
0f 00 d8                        ltr ax
`), want: "#GP(38)", at: 5,
			edit: func(r *rig, _ *x86.State) { r.put64(gdtAt+selTSS, r.get64(gdtAt+selTSS)|2<<40) }},
		{name: "load from a page that is not there", code: listing(`
bb 00 00 70 00                  mov ebx,0x700000
8b 43 08                        mov eax,DWORD PTR [rbx+0x8]
`), want: "#PF(0)@700008", at: 5},
		{name: "store to a page that is not there", code: listing(`
bb 00 00 70 00                  mov ebx,0x700000
89 43 08                        mov DWORD PTR [rbx+0x8],eax
`), want: "#PF(2)@700008", at: 5},
		{name: "fetch from a page that is not there", user: true, code: listing(`
bb 00 00 70 00                  mov ebx,0x700000
ff e3                           jmp rbx
`), want: "#PF(14)@700000", at: unmapped - userCode},
		{name: "kernel's page at CPL 3", user: true, code: listing(`
48 bb 00 00 04 00 00 80 ff ff   movabs rbx,0xffff800000040000
8b 03                           mov eax,DWORD PTR [rbx]
`), want: "#PF(5)@ffff800000040000", at: 10},
		{name: "no alignment check at CPL 0", code: listing(`
8b 44 24 fa                     mov eax,DWORD PTR [rsp-0x6]
0f 0b                           ud2
`), want: "#UD", at: 4,
			edit: func(_ *rig, s *x86.State) { s.CR0 |= x86.CR0AM; s.RFLAGS |= x86.FlagAC }},
		{name: "RDTSC at CPL 3 with CR4.TSD", user: true, code: listing(`
90                              nop
0f 31                           rdtsc
`), want: "#GP(0)", at: 1,
			edit: func(_ *rig, s *x86.State) { s.CR4 |= x86.CR4TSD }},
		{name: "RDPMC", code: listing(`
90                              nop
0f 33                           rdpmc
`), want: "#GP(0)", at: 1},
		{name: "MONITOR", code: listing(`
90                              nop
0f 01 c8                        monitor
`), want: "#UD", at: 1},
		{name: "RDRAND where there is none", code: listing(`
90                              nop
0f c7 f0                        rdrand eax
`), want: "#UD", at: 1},
		{name: "SYSCALL without EFER.SCE", user: true, code: listing(`
90                              nop
0f 05                           syscall
`), want: "#UD", at: 1,
			edit: func(_ *rig, s *x86.State) { s.EFER &^= x86.EFERSCE }},
		{name: "WRFSBASE without CR4.FSGSBASE", code: listing(`
90                              nop
f3 48 0f ae d0                  wrfsbase rax
`), want: "#UD", at: 1},
		{name: "RDFSBASE without CR4.FSGSBASE", code: listing(`
90                              nop
f3 48 0f ae c0                  rdfsbase rax
`), want: "#UD", at: 1},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, "") })
	}
}

// SDM vol. 1 3.3.7.1: an address that is not canonical is #SS(0) where the
// stack segment is used, else #GP(0).
func TestAddressesThatAreNotCanonical(t *testing.T) {
	at := func(register int) func(*rig, *x86.State) {
		return func(_ *rig, s *x86.State) { s.GPR[register] = noncanon + 0x10 }
	}
	for _, c := range []exceptionCase{
		{name: "load through RBX", code: listing(`
90                              nop
8b 03                           mov eax,DWORD PTR [rbx]
`), edit: at(x86.RBX), want: "#GP(0)", at: 1},
		{name: "store through RBX", code: listing(`
90                              nop
89 03                           mov DWORD PTR [rbx],eax
`), edit: at(x86.RBX), want: "#GP(0)", at: 1},
		{name: "load through RBP", code: listing(`
90                              nop
8b 45 00                        mov eax,DWORD PTR [rbp+0x0]
`), edit: at(x86.RBP), want: "#SS(0)", at: 1},
		{name: "store through RBP", code: listing(`
90                              nop
89 45 08                        mov DWORD PTR [rbp+0x8],eax
`), edit: at(x86.RBP), want: "#SS(0)", at: 1},
		{name: "load through RBP and an index", code: listing(`
90                              nop
8b 44 0d 00                     mov eax,DWORD PTR [rbp+rcx*1+0x0]
`), edit: at(x86.RBP), want: "#SS(0)", at: 1},
		{name: "RBP as an index only", code: listing(`
90                              nop
8b 04 28                        mov eax,DWORD PTR [rax+rbp*1]
`), edit: at(x86.RBP), want: "#GP(0)", at: 1},
		{name: "load through R13", code: listing(`
90                              nop
41 8b 45 00                     mov eax,DWORD PTR [r13+0x0]
`), edit: at(x86.R13), want: "#GP(0)", at: 1},
		{name: "load through R12", code: listing(`
90                              nop
41 8b 04 24                     mov eax,DWORD PTR [r12]
`), edit: at(x86.R12), want: "#GP(0)", at: 1},
		{name: "load through RSP", code: listing(`
90                              nop
8b 04 24                        mov eax,DWORD PTR [rsp]
`), edit: at(x86.RSP), want: "#SS(0)"},
		{name: "load through RSP with GS", code: listing(`
90                              nop
65 8b 04 24                     mov eax,DWORD PTR gs:[rsp]
`), edit: at(x86.RSP), want: "#GP(0)"},
		{name: "load through RSP with DS, which counts for nothing", code: listing(`
90                              nop
3e 8b 04 24                     ds mov eax,DWORD PTR [rsp]
`), edit: at(x86.RSP), want: "#SS(0)"},
		{name: "PUSH", code: listing(`
90                              nop
50                              push rax
`), edit: at(x86.RSP), want: "#SS(0)"},
		{name: "POP", code: listing(`
90                              nop
58                              pop rax
`), edit: at(x86.RSP), want: "#SS(0)"},
		{name: "PUSHF", code: listing(`
90                              nop
9c                              pushf
`), edit: at(x86.RSP), want: "#SS(0)"},
		{name: "CALL", code: listing(`
90                              nop
e8 00 00 00 00                  call 6
`), edit: at(x86.RSP), want: "#SS(0)"},
		{name: "CALL of a register", code: listing(`
48 8d 05 00 00 00 00            lea rax,[rip+0x0]
ff d0                           call rax
`), edit: at(x86.RSP), want: "#SS(0)"},
		{name: "RET", code: listing(`
90                              nop
c3                              ret
`), edit: at(x86.RSP), want: "#SS(0)"},
		{name: "LEAVE", code: listing(`
90                              nop
c9                              leave
90                              nop
`), edit: at(x86.RBP), want: "#SS(0)", at: 1},
		{name: "PUSH of memory through RBX", code: listing(`
90                              nop
ff 33                           push QWORD PTR [rbx]
`), edit: at(x86.RBX), want: "#GP(0)", at: 1},
		{name: "MOVS's source", code: listing(`
90                              nop
a4                              movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]
`), edit: at(x86.RSI), want: "#GP(0)", at: 1},
		{name: "MOVS's destination", code: listing(`
48 8d 35 00 00 00 00            lea rsi,[rip+0x0]
a4                              movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]
`), edit: at(x86.RDI), want: "#GP(0)", at: 7},
		{name: "XADD", code: listing(`
90                              nop
0f c1 03                        xadd DWORD PTR [rbx],eax
`), edit: at(x86.RBX), want: "#GP(0)", at: 1},
		{name: "SSE", code: listing(`
90                              nop
0f 10 03                        movups xmm0,XMMWORD PTR [rbx]
`), edit: at(x86.RBX), want: "#GP(0)", at: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			edit := c.edit
			c.edit = func(r *rig, s *x86.State) {
				edit(r, s)
				// A stack of its own for the handlers, as RSP is of no use.
				r.gate(x86.VectorGP, 1, 0)
				r.gate(x86.VectorSS, 1, 0)
			}
			if c.at == 0 {
				c.at = 1
				if c.name == "CALL of a register" {
					c.at = 7
				}
			}
			c.run(t, "")
		})
	}
}

// A branch to an address that is not canonical raises #GP(0) at the branch
// itself, with RSP as before it (SDM vol. 2, RET, JMP, CALL).
func TestBranchesThatAreNotCanonical(t *testing.T) {
	for _, user := range []bool{false, true} {
		for _, c := range []exceptionCase{
			{name: "JMP of a register", code: listing(`
90                              nop
ff e3                           jmp rbx
`), want: "#GP(0)", at: 1},
			{name: "JMP of memory", code: listing(`
53                              push rbx
ff 24 24                        jmp QWORD PTR [rsp]
`), want: "#GP(0)", at: 1},
			{name: "CALL of a register", code: listing(`
90                              nop
ff d3                           call rbx
`), want: "#GP(0)", at: 1},
			{name: "CALL of memory", code: listing(`
53                              push rbx
ff 14 24                        call QWORD PTR [rsp]
`), want: "#GP(0)", at: 1},
			{name: "RET", code: listing(`
53                              push rbx
c3                              ret
`), want: "#GP(0)", at: 1},
			{name: "RET with an immediate", code: listing(`
53                              push rbx
c2 18 00                        ret 0x18
`), want: "#GP(0)", at: 1},
			{name: "JMP as the first instruction", code: listing(`
ff e3                           jmp rbx
`), want: "#GP(0)"},
		} {
			t.Run(map[bool]string{false: "CPL 0 ", true: "CPL 3 "}[user]+c.name, func(t *testing.T) {
				c.user = user
				var before uint64
				c.edit = func(_ *rig, s *x86.State) {
					s.GPR[x86.RBX] = noncanon
					before = s.GPR[x86.RSP]
				}
				r := c.run(t, "")
				if c.code[0] == 0x53 { // PUSH RBX
					before -= 8
				}
				require.Equal(t, before, r.frame(true).RSP, "RSP of the frame")
				require.Equal(t, c.at, r.Instructions(), "instructions retired: one of a byte")
			})
		}
	}
}
