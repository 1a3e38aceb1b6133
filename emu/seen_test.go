// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// accessTexts says what was accessed, as "w8 kernelStack-8 = 18" with marks.
func accessTexts(seen []emu.Seen, base uint64) []string {
	var out []string
	for _, s := range seen {
		if s.State != nil {
			continue
		}
		text := map[bool]string{true: "w", false: "r"}[s.Write]
		if s.Machine {
			text = "machine " + text
		}
		out = append(out, fmt.Sprintf("%s%d %+d = %x", text, s.Size, int64(s.Address-base), s.Value))
	}
	return out
}

var everyAccess = []emu.Accesses{{Code: emu.AllZones, Data: emu.AllZones, Read: true, Write: true}}

// A frame that delivery pushes on the stack is an access too, and so is what
// IRET pops: whoever watches a stack has to see them.
func TestFramesAreSeen(t *testing.T) {
	r := bareRig(t, "")
	r.write(entryAt+16*uint64(x86.VectorBP), listing("48 cf  iretq"))
	r.kernel(listing(`
50               push rax
cc               int3
58               pop rax
f4               hlt`), func(s *x86.State) { s.GPR[x86.RAX], s.RFLAGS = 0x1234, 2|x86.FlagCF })
	seen := look(t, r.Machine, &emu.Every{
		Data:     []emu.Zone{{Range: emu.Range{Begin: kernelStack - 4096, Size: 4096}, Number: 1}},
		Accesses: []emu.Accesses{{Code: emu.AllZones, Data: emu.Zones(1), Read: true, Write: true}},
	})
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	require.Empty(t, cmp.Diff([]string{
		"w8 -8 = 1234",
		// SDM vol. 3A, figure 6-9: the stack is aligned; RIP, CS, RFLAGS, RSP, SS, here from below.
		"machine w8 -56 = ffff800000010002", "machine w8 -48 = 10", "machine w8 -40 = 3", "machine w8 -32 = ffff80000002fff8", "machine w8 -24 = 18",
		"machine r8 -56 = ffff800000010002", "machine r8 -48 = 10", "machine r8 -40 = 3", "machine r8 -32 = ffff80000002fff8", "machine r8 -24 = 18",
		"r8 -8 = 1234",
	}, accessTexts(*seen, kernelStack)))
	for _, s := range *seen {
		if s.Machine {
			require.Contains(t, []uint64{1, 2}, s.Count)
		}
	}
}

// The TLB tells no linear pages apart that are at the same place in RAM; what
// is seen does.
func TestAccessesThroughTwoLinearPagesOfOnePhysicalOne(t *testing.T) {
	const alias = 0xffff900000000000
	r := newRig(t, "")
	r.mapPage(alias, dataAt, 0, pteP|pteW|pteA|pteD)
	r.kernel(listing(`
48 89 07        mov [rdi], rax
48 8b 1e        mov rbx, [rsi]
48 89 46 08     mov [rsi+8], rax
48 ff 06        inc qword [rsi]
48 a5           movsq
48 a7           cmpsq
f4              hlt`), func(s *x86.State) {
		s.GPR[x86.RAX], s.GPR[x86.RDI], s.GPR[x86.RSI] = 5, kernelData, alias
	})
	seen := look(t, r.Machine, &emu.Every{Accesses: everyAccess})
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	require.EqualValues(t, 5, r.State().GPR[x86.RBX])
	near, far := func(n int) int64 { return int64(n) }, func(n int) int64 { return int64(uint64(alias)-uint64(kernelData)) + int64(n) }
	require.Empty(t, cmp.Diff([]string{
		fmt.Sprintf("w8 %+d = 5", near(0)), fmt.Sprintf("r8 %+d = 5", far(0)), fmt.Sprintf("w8 %+d = 5", far(8)),
		fmt.Sprintf("r8 %+d = 5", far(0)), fmt.Sprintf("w8 %+d = 6", far(0)),
	}, accessTexts(*seen, kernelData)[:5]))
	require.EqualValues(t, 7, r.Instructions())
}

// What an instruction has accessed that then faults has not happened.
func TestAnInstructionThatFaultsHasNoAccesses(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
48 89 07        mov [rdi], rax
48 a5           movsq`), func(s *x86.State) {
		s.GPR[x86.RAX], s.GPR[x86.RDI], s.GPR[x86.RSI] = 7, kernelData, kernelData
		s.GPR[x86.RBX] = unmapped
	})
	r.write(codeAt+3, listing("48 89 df 48 a5  mov rdi, rbx; movsq"))
	seen := look(t, r.Machine, &emu.Every{Accesses: everyAccess})
	require.Equal(t, r.handler(x86.VectorPF), r.run().Address)
	var own []emu.Seen
	for _, s := range *seen {
		if !s.Machine {
			own = append(own, s)
		}
	}
	require.Equal(t, []string{"w8 +0 = 7"}, accessTexts(own, kernelData))
}

// Accesses that begin on one page or in one zone and end in another.
func TestAccessesAcrossPagesAndZones(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
48 89 07        mov [rdi], rax
66 89 06        mov [rsi], ax
88 06           mov [rsi], al
f4              hlt`), func(s *x86.State) {
		s.GPR[x86.RAX], s.GPR[x86.RDI], s.GPR[x86.RSI] = 0x1122334455667788, kernelData+0xffc, kernelData+0x10ff
	})
	seen := look(t, r.Machine, &emu.Every{
		Data:     []emu.Zone{{Range: emu.Range{Begin: kernelData + 0x1000, Size: 16}, Number: 1}, {Range: emu.Range{Begin: kernelData + 0x1100, Size: 16}, Number: 2}},
		Accesses: []emu.Accesses{{Code: emu.AllZones, Data: emu.Zones(1, 2), Write: true}},
	})
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	require.Equal(t, []string{"w8 +4092 = 1122334455667788", "w2 +4351 = 7788"}, accessTexts(*seen, kernelData))
}

// More than there is room for comes in several batches.
func TestAFullLogOfAccessesIsHandedOver(t *testing.T) {
	r := newRig(t, "")
	const rounds = 100_000
	r.kernel(listing(`
48 89 0f        mov [rdi], rcx
ff c9           dec ecx
75 f9           jnz -7
f4              hlt`), func(s *x86.State) { s.GPR[x86.RCX], s.GPR[x86.RDI] = rounds, kernelData })
	batches, n := 0, uint64(0)
	begin := r.Instructions()
	require.NoError(t, r.ObserveAll(&emu.Every{Accesses: everyAccess}, func(batch []emu.Seen) {
		batches++
		for _, s := range batch {
			if s.State != nil {
				continue
			}
			if s.Value != rounds-n || s.Count != begin+3*n || s.Address != kernelData {
				t.Errorf("access %d: %+v", n, s)
				return
			}
			n++
		}
	}))
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	require.EqualValues(t, rounds, n)
	require.Greater(t, batches, 3)
	require.Equal(t, begin+3*rounds+1, r.Instructions())
}

// Switched off, it leaves nothing behind; a restore begins anew.
func TestTheFullTierOnAndOff(t *testing.T) {
	r := newRig(t, "")
	r.loop(10)
	start := r.Instructions()
	s := snapshot(t, r.Machine)
	gs := uint64(0)
	what := &emu.Every{Accesses: everyAccess, GSBase: &gs, Fine: []emu.Range{{Begin: kernelCode, Size: 4096}}, Flags: x86.FlagZF}
	for range 3 {
		require.NoError(t, r.Restore(s))
		seen := look(t, r.Machine, what)
		require.Equal(t, emu.StopHalt, r.run().Why)
		require.Len(t, *seen, 2, "the first state, and ZF at the end of the loop")
		require.EqualValues(t, 29, (*seen)[1].Count-start, "in front of the JNZ that falls through")
		require.NoError(t, r.Restore(s))
		require.Equal(t, emu.StopHalt, r.run().Why)
		require.Len(t, *seen, 4)
		require.NoError(t, r.ObserveAll(nil, nil))
		require.NoError(t, r.Restore(s))
		require.Equal(t, emu.StopHalt, r.run().Why)
		require.Len(t, *seen, 4)
	}
}

func TestObservationThatCanNotBe(t *testing.T) {
	r := newRig(t, "")
	at := func(begin, size uint64, number uint8) emu.Zone {
		return emu.Zone{Range: emu.Range{Begin: begin, Size: size}, Number: number}
	}
	for text, what := range map[string]*emu.Every{
		"zones of code: the one at 0x10 is empty":                           {Code: []emu.Zone{at(0x10, 0, 1)}},
		"zones of stack: the one at 0xffffffffffffffff and 0x2 bytes more":  {Stack: []emu.Zone{at(^uint64(0), 2, 1)}},
		"zones of data: the one at 0x10 has number 64: the highest is 63":   {Data: []emu.Zone{at(0x10, 1, 64)}},
		"zones of data: those at 0x10 and 0x1f overlap":                     {Data: []emu.Zone{at(0x1f, 1, 1), at(0x10, 16, 2)}},
		"17 fine ranges: there can be 16":                                   {Fine: make([]emu.Range, 17)},
		"9 captures of 9 words: there can be 8, of 64 words":                {Captures: []emu.Capture{{Size: 1}, {Size: 1}, {Size: 1}, {Size: 1}, {Size: 1}, {Size: 1}, {Size: 1}, {Size: 1}, {Size: 1}}},
		"capture 0 counts from word 0: the captures before it have 0 words": {Captures: []emu.Capture{{Base: emu.Word(0), Size: 1}}},
	} {
		require.ErrorContains(t, r.ObserveAll(what, func([]emu.Seen) {}), text)
	}
	require.ErrorContains(t, r.ObserveAll(&emu.Every{}, nil), "the function is nil")
	r.Close()
	require.ErrorIs(t, r.ObserveAll(&emu.Every{}, nil), emu.ErrClosed)
}
