// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// loop counts RCX down to zero and halts; six bytes, three instructions a round.
const loop = `
48 ff c8        dec rax
ff c9           dec ecx
75 f9           jnz -7
90              nop
f4              hlt`

func (r *rig) loop(rounds uint64) {
	r.kernel(listing(loop), func(s *x86.State) { s.GPR[x86.RCX] = rounds })
}

func TestTraceRecordsEveryAccessWithItsValue(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
48 89 07        mov [rdi], rax
48 ff 07        inc qword [rdi]
a4              movsb
ff 37           push qword [rdi]
0f 0b           ud2`), func(s *x86.State) {
		s.GPR[x86.RAX] = 0x1122334455667788
		s.GPR[x86.RDI] = kernelData
		s.GPR[x86.RSI] = kernelData + 1
	})
	var seen [][]unicorn.Record
	var events []emu.EventKind
	stop := r.Trace(5, func(s *emu.Traced) bool {
		for i := range s.Accesses {
			require.EqualValues(t, high+s.Accesses[i].Physical, s.Accesses[i].Linear)
			s.Accesses[i].Physical = 0
		}
		seen = append(seen, s.Accesses)
		for _, e := range s.Events {
			events = append(events, e.Kind)
		}
		return true
	})
	require.Equal(t, emu.StopLimit, stop.Why)
	read := func(at, v uint64, n int) unicorn.Record {
		return unicorn.Record{Linear: at, Value: v, Size: n, Kind: unicorn.Read}
	}
	write := func(at, v uint64, n int) unicorn.Record {
		return unicorn.Record{Linear: at, Value: v, Size: n, Kind: unicorn.Write}
	}
	want := [][]unicorn.Record{
		{write(kernelData, 0x1122334455667788, 8)},
		{read(kernelData, 0x1122334455667788, 8), write(kernelData, 0x1122334455667789, 8)},
		{read(kernelData+1, 0x77, 1), write(kernelData, 0x77, 1)},
		{read(kernelData+1, 0x0011223344556677, 8), write(kernelStack-8, 0x0011223344556677, 8)},
		nil,
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Fatal(diff)
	}
	require.Equal(t, []emu.EventKind{emu.EventException}, events)
}

func TestTraceIsTheSameRun(t *testing.T) {
	plain, traced := newRig(t, ""), newRig(t, "")
	plain.loop(100)
	traced.loop(100)
	plain.Run(emu.Until{Instructions: 250})
	var last emu.Traced
	traced.Trace(250, func(s *emu.Traced) bool {
		require.Equal(t, 1, int(traced.Instructions()-s.Count))
		last = *s
		return true
	})
	require.Equal(t, plain.State(), traced.State())
	require.Equal(t, plain.Instructions(), traced.Instructions())
	require.Equal(t, last.After, traced.State())
}

func TestProbeOnARangeSeesEveryInstructionInIt(t *testing.T) {
	r := newRig(t, "")
	r.loop(3)
	var at []uint64
	remove, err := r.ProbeRange(emu.Range{Begin: kernelCode + 3, Size: 4}, func(m *emu.Machine) bool {
		at = append(at, m.State().RIP-kernelCode)
		return false
	})
	require.NoError(t, err)
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	require.Equal(t, []uint64{3, 5, 3, 5, 3, 5}, at)
	require.EqualValues(t, 3*3+2, r.Instructions())

	remove()
	again := newRig(t, "")
	again.loop(3)
	gone, err := again.ProbeRange(emu.Range{Begin: kernelCode, Size: 16}, nil)
	require.NoError(t, err)
	require.Equal(t, emu.Stop{Why: emu.StopProbe, Address: kernelCode}, again.Run(emu.Until{}))
	require.Equal(t, emu.Stop{Why: emu.StopProbe, Address: kernelCode + 3}, again.Run(emu.Until{}))
	gone()
	require.Equal(t, emu.StopHalt, again.Run(emu.Until{}).Why)
	_, err = again.ProbeRange(emu.Range{Begin: kernelCode}, nil)
	require.ErrorContains(t, err, "empty range")
}

func TestInjectionArrivesAtTheBoundaryThatWasNamed(t *testing.T) {
	after := func(r *rig) uint64 { // of the frame that was pushed
		var b [8]byte
		n, err := r.ReadMemory(r.State().GPR[x86.RSP], b[:])
		require.NoError(t, err)
		require.Equal(t, 8, n)
		var rip uint64
		for i := range b {
			rip |= uint64(b[i]) << (8 * i)
		}
		return rip - kernelCode
	}
	for name, c := range map[string]struct {
		at   emu.Boundary
		rip  uint64
		left uint64 // RCX
	}{
		"here":                         {emu.Boundary{}, 0, 5},
		"by count":                     {emu.Boundary{Plus: 4}, 3, 4},
		"by address":                   {emu.Boundary{Address: kernelCode + 5}, 5, 4},
		"behind an address":            {emu.Boundary{Address: kernelCode + 7, Plus: 1}, 8, 0},
		"an address that is never met": {emu.Boundary{Address: kernelCode + 0x800}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "")
			r.loop(5)
			cancel := r.Inject(c.at, emu.Injection{NMI: true})
			s := r.Run(emu.Until{})
			if c.at.Address == kernelCode+0x800 {
				require.Equal(t, emu.StopHalt, s.Why)
				cancel()
				return
			}
			require.Equal(t, "nmi", r.deliveries())
			require.Equal(t, c.rip, after(r))
			require.Equal(t, c.left, r.State().GPR[x86.RCX])
		})
	}

	t.Run("after an event", func(t *testing.T) {
		r := newRig(t, "")
		r.kernel(listing(`
e6 80           out 0x80, al
90              nop
e6 81           out 0x81, al
90              nop
90              nop
f4              hlt`), func(s *x86.State) { s.RFLAGS |= x86.FlagIF })
		r.Inject(emu.Boundary{Event: func(e emu.Event) bool { return e.Kind == emu.EventPort && e.Number == 0x81 }, Plus: 2},
			emu.Injection{Vector: 0x40})
		r.Run(emu.Until{})
		require.Equal(t, r.handler(0x40), r.State().RIP)
		require.EqualValues(t, 6, after(r))
	})

	t.Run("taken back", func(t *testing.T) {
		r := newRig(t, "")
		r.loop(5)
		r.Inject(emu.Boundary{Address: kernelCode + 5}, emu.Injection{NMI: true})()
		require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	})
}

func TestCoverageCountsTheEdgesOfItsRanges(t *testing.T) {
	run := func(rounds uint64, ranges ...emu.Range) map[int]byte {
		r := newRig(t, "")
		r.loop(rounds)
		require.NoError(t, r.Cover(ranges, 1<<12))
		r.Run(emu.Until{})
		out := map[int]byte{}
		r.Edges(func(edges []byte) {
			for i, n := range edges {
				if n > 0 {
					out[i] = n
				}
			}
		})
		return out
	}
	all := emu.Range{Begin: kernelCode, Size: 0x1000}
	require.Len(t, run(1, all), 2, "into the loop, and out of it")
	three := run(4, all)
	require.Len(t, three, 3, "and round")
	require.Contains(t, mapValues(three), byte(3), "the edge back, three times in four rounds")
	require.Contains(t, mapValues(run(1000, all)), byte(255), "it saturates")
	require.Equal(t, run(4, all), three, "the same run, the same map")
	require.Empty(t, run(4, emu.Range{Begin: kernelCode + 0x800, Size: 0x100}))
	require.Equal(t, three, run(4, emu.Range{Begin: 0x1000, Size: 0x1000}, all))

	r := newRig(t, "")
	require.ErrorContains(t, r.Cover([]emu.Range{all}, 1000), "power of two")
	require.ErrorContains(t, r.Cover(make([]emu.Range, 17), 1024), "at most 16")
}

func mapValues(m map[int]byte) []byte {
	var out []byte
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func TestFillsAreEventsWhereTheyWereAskedFor(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
48 8b 07        mov rax, [rdi]
48 89 07        mov [rdi], rax
f4              hlt`), func(s *x86.State) { s.GPR[x86.RDI] = kernelData })
	var fills []emu.Event
	r.Observe(func(e emu.Event) {
		if e.Kind == emu.EventFill {
			fills = append(fills, emu.Event{Kind: e.Kind, Address: e.Address, Value: e.Value, Write: e.Write, Fetch: e.Fetch})
		}
	})
	r.ObserveFills(true)
	r.Run(emu.Until{})
	require.Equal(t, []emu.Event{
		{Kind: emu.EventFill, Address: kernelCode, Value: codeAt, Fetch: true},
		{Kind: emu.EventFill, Address: kernelData, Value: dataAt},
		{Kind: emu.EventFill, Address: kernelData, Value: dataAt, Write: true},
	}, fills)
}

func TestWatchesByLinearAndByPhysicalAddress(t *testing.T) {
	code := listing(`
48 89 07        mov [rdi], rax
8a 47 04        mov al, [rdi+4]
48 89 47 08     mov [rdi+8], rax
f4              hlt`)
	set := func(s *x86.State) { s.GPR[x86.RDI] = kernelData }
	for name, c := range map[string]struct {
		watch emu.Watch
		stops []uint64 // where RIP is then
	}{
		"writes":                 {emu.Watch{Address: kernelData, Size: 8, Write: true}, []uint64{3}},
		"reads":                  {emu.Watch{Address: kernelData, Size: 8, Read: true}, []uint64{6}},
		"both, physical":         {emu.Watch{Address: dataAt + 4, Size: 1, Physical: true, Read: true, Write: true}, []uint64{3, 6}},
		"beside what is touched": {emu.Watch{Address: kernelData + 16, Size: 64, Read: true, Write: true}, nil},
		"the last byte":          {emu.Watch{Address: kernelData + 15, Size: 1, Write: true}, []uint64{10}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "")
			r.kernel(code, set)
			remove, err := r.Watch(c.watch)
			require.NoError(t, err)
			var stops []uint64
			for {
				s := r.Run(emu.Until{})
				if s.Why != emu.StopWatch {
					require.Equal(t, emu.StopHalt, s.Why)
					break
				}
				stops = append(stops, r.State().RIP-kernelCode)
			}
			require.Equal(t, c.stops, stops)
			remove()
		})
	}
}

func TestWatchSeesTheEndOfAnAccessThatBeganOnAnotherPage(t *testing.T) {
	r := newRig(t, "")
	r.kernel(listing(`
48 89 87 fc 0f 00 00    mov [rdi+0xffc], rax
f4                      hlt`), func(s *x86.State) { s.GPR[x86.RDI] = kernelData })
	_, err := r.Watch(emu.Watch{Address: kernelData + 0x1003, Size: 1, Write: true})
	require.NoError(t, err)
	s := r.Run(emu.Until{})
	require.Equal(t, emu.StopWatch, s.Why)
	require.EqualValues(t, uint64(kernelData+0xffc), s.Address)
	require.Equal(t, 8, s.Access.Size)
}
