// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// checked turns alignment checks on: CR0.AM and EFLAGS.AC, at CPL 3.
func checked(s *x86.State) {
	s.CR0 |= x86.CR0AM
	s.RFLAGS |= x86.FlagAC
}

// SDM vol. 3A 7.15, interrupt 17, table 7-7: what has to be aligned on what.
// The operand of each is at RBX, which is so many bytes off a multiple of 16.
func TestAlignmentCheck(t *testing.T) {
	r := newRig(t, "")
	for _, c := range []struct {
		name, code string
		ok, bad    []uint64
	}{
		{"MOV r8", "8a03", []uint64{0, 1, 3, 7}, nil},
		{"MOV r16", "668b03", []uint64{0, 2, 6}, []uint64{1, 3, 7}},
		{"MOV r32", "8b03", []uint64{0, 4, 8}, []uint64{1, 2, 6}},
		{"MOV r64", "488b03", []uint64{0, 8}, []uint64{1, 2, 4}},
		{"MOV to m16", "668903", []uint64{2}, []uint64{1}},
		{"MOV to m32", "8903", []uint64{4}, []uint64{2}},
		{"MOV to m64", "488903", []uint64{8}, []uint64{4, 1}},
		{"ADD m64, r64", "480103", []uint64{8}, []uint64{4}},
		{"LOCK XADD m32, r32", "f00fc103", []uint64{4}, []uint64{1}},
		{"BTS m32, 3", "0fba2b03", []uint64{4}, []uint64{2}},
		{"CMPXCHG8B", "0fc70b", []uint64{8}, []uint64{4}},
		{"PUSH m64", "ff33", []uint64{8}, []uint64{4}},
		{"POP m64", "8f03", []uint64{8}, []uint64{4}},
		{"JMP m64", "ff23", []uint64{8}, []uint64{4}},
		{"CALL m64", "ff13", []uint64{8}, []uint64{2}},
		{"CALL m64 with a prefix", "66ff13", []uint64{8}, []uint64{2}},
		{"FLD m32", "d903", []uint64{4}, []uint64{2}},
		{"FLD m64", "dd03", []uint64{8}, []uint64{4}},
		{"FLD m80", "db2b", []uint64{8}, []uint64{4}},
		{"FILD m16", "df03", []uint64{2}, []uint64{1}},
		{"MOVQ xmm, m64", "f30f7e03", []uint64{8}, []uint64{4}},
		{"MOVSS xmm, m32", "f30f1003", []uint64{4}, []uint64{2}},
		{"MOVQ mm, m64", "0f6f03", []uint64{8}, []uint64{4}},
		{"FNSTCW m16", "d93b", []uint64{2}, []uint64{1}},
		{"CLFLUSH", "0fae3b", []uint64{1}, nil},
		{"PREFETCHT0", "0f180b", []uint64{1}, nil},
		{"LEA", "488d03", []uint64{1}, nil},
	} {
		try := func(off uint64, edit func(*x86.State)) string {
			code, err := hex.DecodeString(c.code)
			require.NoError(t, err)
			r.put64(userMem, userCode+0x800) // where JMP and CALL go
			for at := uint64(0); at < 0x20; at++ {
				r.put64(userMem+0x100+at, userCode+0x800)
			}
			r.put64(userMem+0x100+off, userCode+0x800)
			r.user(code, func(s *x86.State) {
				checked(s)
				s.GPR[x86.RBX] = userData + 0x100 + off
				if edit != nil {
					edit(s)
				}
			})
			require.Equal(t, emu.StopLimit, r.Step().Why)
			return r.deliveries()
		}
		t.Run(c.name, func(t *testing.T) {
			for _, off := range c.ok {
				require.Empty(t, try(off, nil), "at %d", off)
			}
			for _, off := range c.bad {
				count := r.Instructions()
				require.Equal(t, "#AC(0)", try(off, nil), "at %d", off)
				require.Equal(t, count, r.Instructions())
				require.Equal(t, frame{0, userCode, selUser, x86.FlagFixed | x86.FlagAC | x86.FlagRF, userStackTop, selUserSS}, r.frame(true))
				require.Equal(t, uint64(userCode+0x800), r.get64(userMem+0x100+off), "nothing is written")
				require.Empty(t, try(off, func(s *x86.State) { s.CR0 &^= x86.CR0AM }), "without AM, at %d", off)
				require.Empty(t, try(off, func(s *x86.State) { s.RFLAGS &^= x86.FlagAC }), "without AC, at %d", off)
			}
		})
	}
}

// The stack's words have to be aligned as well; those of a 66 prefix on 2 bytes.
func TestAlignmentCheckOfTheStack(t *testing.T) {
	r := newRig(t, "")
	for _, c := range []struct {
		name, code string
		rsp        uint64
		want       string
	}{
		{"PUSH", "50", userStackTop - 4, "#AC(0)"},
		{"PUSH of 16 bits", "6650", userStackTop - 4, ""},
		{"PUSH of 16 bits at an odd address", "6650", userStackTop - 3, "#AC(0)"},
		{"POP", "58", userStackTop - 12, "#AC(0)"},
		{"CALL", "e800000000", userStackTop - 2, "#AC(0)"},
		{"RET", "c3", userStackTop - 12, "#AC(0)"},
		{"RET with a prefix", "66c3", userStackTop - 12, "#AC(0)"},
		{"ENTER", "c8000000", userStackTop - 4, "#AC(0)"},
		{"PUSHF", "9c", userStackTop - 4, "#AC(0)"},
		{"POPF", "9d", userStackTop - 12, "#AC(0)"},
		{"PUSH across two pages", "50", userStackTop + 4, "#AC(0)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, err := hex.DecodeString(c.code)
			require.NoError(t, err)
			r.user(code, func(s *x86.State) {
				checked(s)
				s.GPR[x86.RSP] = c.rsp
			})
			require.Equal(t, emu.StopLimit, r.Step().Why)
			require.Equal(t, c.want, r.deliveries())
			if c.want != "" {
				f := r.frame(true)
				require.Equal(t, []uint64{userCode, c.rsp}, []uint64{f.RIP, f.RSP})
			}
		})
	}
}

// Supervisors are not checked, whatever the flags; nor is what the CPU reads
// and writes for itself (SDM vol. 3A 7.15).
func TestNoAlignmentCheckOfTheSupervisor(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
		8b 43 01           mov eax, [rbx+1]
		48 89 43 03        mov [rbx+3], rax`), func(s *x86.State) {
		checked(s)
		s.GPR[x86.RBX] = kernelData
	})
	require.Equal(t, emu.StopLimit, r.Run(emu.Until{Instructions: 2}).Why)
	require.Empty(t, r.deliveries())

	r.user(listing("8e e0  mov fs, eax"), func(s *x86.State) {
		checked(s)
		s.GPR[x86.RAX] = selUserSS
		s.GDTR.Base += 4 // a descriptor that is not aligned
		copied := make([]byte, gdtSize)
		require.NoError(t, r.ReadPhysical(gdtAt, copied))
		r.write(gdtAt+0x404, copied)
		s.GDTR.Base = high + gdtAt + 0x404
	})
	r.Step()
	require.Empty(t, r.deliveries())
	require.EqualValues(t, selUserSS, r.State().Seg[x86.FS].Selector)
}

// A program turns the checks on by POPF, and off again (SDM vol. 2B, POPF).
func TestPOPFTurnsAlignmentChecksOn(t *testing.T) {
	r := newRig(t, "")
	code := listing(`
		9c                       pushf
		81 0c 24 00 00 04 00     or dword [rsp], 40000h
		9d                       popf
		8b 03                    mov eax, [rbx]
		9c                       pushf
		81 24 24 ff ff fb ff     and dword [rsp], ~40000h
		9d                       popf
		8b 43 01                 mov eax, [rbx+1]
		9c                       pushf
		81 0c 24 00 00 04 00     or dword [rsp], 40000h
		9d                       popf
		8b 43 01                 mov eax, [rbx+1]`)
	r.user(code, func(s *x86.State) {
		s.CR0 |= x86.CR0AM
		s.GPR[x86.RBX] = userData
	})
	count := r.Instructions()
	r.run()
	require.Equal(t, "#AC(0)", r.deliveries())
	require.Equal(t, count+11, r.Instructions())
	f := r.frame(true)
	require.Equal(t, userCode+uint64(len(code)-3), f.RIP)
	require.Equal(t, uint64(userStackTop), f.RSP)

	r.user(code, func(s *x86.State) { s.GPR[x86.RBX] = userData }) // without AM
	require.Equal(t, emu.StopLimit, r.Run(emu.Until{Instructions: 12}).Why)
	require.Empty(t, r.deliveries())
}

// POPF at CPL 3, carried out by the machine: which flags change.
func TestPOPFAtCPL3WithAM(t *testing.T) {
	const every = 0xffffffffffffffff
	r := newRig(t, "")
	for _, c := range []struct {
		name, code   string
		before, want uint64
		words        uint64
	}{
		{"IOPL 0", "9d", 0, 0x244dd5 | x86.FlagFixed | x86.FlagTF, 8},
		{"IOPL 3", "9d", 3 << 12, 0x247fd5 | x86.FlagFixed | x86.FlagTF, 8},
		{"of 16 bits", "669d", x86.FlagAC | x86.FlagID, 0x244dd5 | x86.FlagFixed | x86.FlagTF, 2},
		{"of 16 bits, AC clear", "669d", 0, 0x4dd5 | x86.FlagFixed | x86.FlagTF, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, err := hex.DecodeString(c.code)
			require.NoError(t, err)
			r.put64(userMem, every)
			r.user(code, func(s *x86.State) {
				s.CR0 |= x86.CR0AM
				s.RFLAGS |= c.before
				s.GPR[x86.RSP] = userData
			})
			r.Step()
			require.Empty(t, r.deliveries(), "a TF that it sets traps after the next instruction")
			require.Equal(t, c.want, r.State().RFLAGS)
			require.Equal(t, userData+c.words, r.State().GPR[x86.RSP])
		})
	}
}

// Of one access, alignment is asked before paging; of several, the first that
// is wrong counts (SDM vol. 3A 7.9 leaves the first to the CPU).
func TestAlignmentCheckAndPageFaults(t *testing.T) {
	r := newRig(t, "")
	for _, c := range []struct {
		name, code string
		rbx, rsp   uint64
		want       string
	}{
		{"a load from nowhere, not aligned", "8b03", unmapped + 1, userStackTop, "#AC(0)"},
		{"a load from nowhere", "8b03", unmapped, userStackTop, "#PF(4)@700000"},
		{"a store to nowhere, not aligned", "8903", unmapped + 2, userStackTop, "#AC(0)"},
		{"PUSH from nowhere on a bad stack", "ff33", unmapped, userStackTop - 4, "#PF(4)@700000"},
		{"PUSH of what is not aligned on a stack that is nowhere", "ff33", userData + 4, unmapped, "#AC(0)"},
		{"PUSH to a stack that is nowhere", "ff33", userData, unmapped, "#PF(6)@6ffff8"},
		{"what is not canonical, and not aligned", "8b03", noncanon + 1, userStackTop, "#GP(0)"},
		{"a division by zero", "f733", userData + 0x100, userStackTop, "#DE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, err := hex.DecodeString(c.code)
			require.NoError(t, err)
			r.user(code, func(s *x86.State) {
				checked(s)
				s.GPR[x86.RBX], s.GPR[x86.RSP] = c.rbx, c.rsp
			})
			r.run()
			require.Equal(t, c.want, r.deliveries())
		})
	}
}

// What only asked leaves no trace: no dirty bit, no coverage, no event, no
// line of a trace; probes are asked once.
func TestAlignmentCheckLeavesNoTrace(t *testing.T) {
	r := newRig(t, "")
	pte := r.entry(userData, 0)
	code := listing(`
		90                 nop
		89 43 01           mov [rbx+1], eax`)
	r.user(code, func(s *x86.State) {
		checked(s)
		s.GPR[x86.RBX] = userData
	})
	r.put64(pte, r.get64(pte)&^(pteA|pteD))
	probed := 0
	r.Probe(userCode+1, func(*emu.Machine) bool { probed++; return false })
	defer r.RemoveProbe(userCode + 1)
	fills := 0
	stop := r.Observe(func(e emu.Event) {
		if e.Kind == emu.EventFill && e.Address&^0xfff == userData {
			fills++
		}
	})
	defer stop()
	r.ObserveFills(true)
	r.run()
	r.ObserveFills(false)
	require.Equal(t, "#AC(0)", r.deliveries())
	require.Equal(t, 1, probed)
	require.Zero(t, fills)
	require.Zero(t, r.get64(pte)&(pteA|pteD))

	var steps []emu.Traced
	r.user(listing(`
		48 8b 03           mov rax, [rbx]
		48 89 43 08        mov [rbx+8], rax
		8b 43 01           mov eax, [rbx+1]`), func(s *x86.State) {
		checked(s)
		s.GPR[x86.RBX] = userData
	})
	r.Trace(3, func(t *emu.Traced) bool { steps = append(steps, *t); return true })
	require.Len(t, steps, 3)
	require.Len(t, steps[0].Accesses, 1)
	require.Len(t, steps[1].Accesses, 1)
	require.Equal(t, x86.VectorAC, steps[2].Events[0].Vector)
}

// The x87 and SSE registers are what they were before the attempt.
func TestAlignmentCheckKeepsXMM(t *testing.T) {
	r := newRig(t, "")
	r.put64(userMem, 0x1111)
	r.put64(userMem+8, 0x2222)
	r.user(listing(`
		f3 0f 7e 03        movq xmm0, [rbx]
		f3 0f 7e 43 04     movq xmm0, [rbx+4]`), func(s *x86.State) {
		checked(s)
		s.GPR[x86.RBX] = userData
	})
	r.run()
	require.Equal(t, "#AC(0)", r.deliveries())
	f := r.FPU()
	require.EqualValues(t, 0x11, f.XMM[0][0])
	require.EqualValues(t, 0x11, f.XMM[0][1])
	require.EqualValues(t, 0, f.XMM[0][4])
}
