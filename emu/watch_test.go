// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// writesEachPage writes to the first byte of so many pages of data.
func writesEachPage(t testing.TB, pages uint64) *rig {
	r := newRig(t, "")
	r.kernel(listing(`
88 07                   mov BYTE PTR [rdi],al
48 81 c7 00 10 00 00    add rdi,0x1000
ff c9                   dec ecx
75 f3                   jnz 0
f4                      hlt
`), func(s *x86.State) { s.GPR[x86.RDI], s.GPR[x86.RCX] = kernelData, pages })
	return r
}

// All pages that can be watched are, beside as many as the debug registers can
// ask for; one more is an error, and takes nothing away.
func TestAsManyPagesAreWatchedAsCanBe(t *testing.T) {
	const pages = emu.MaxWatchedPages + 4 + 2
	r := writesEachPage(t, pages)
	seen := map[uint64]int{}
	watch := emu.Watch{Address: kernelData, Size: emu.MaxWatchedPages * 0x1000, Write: true,
		Do: func(_ *emu.Machine, a unicorn.Record) bool { seen[(a.Linear-kernelData)/0x1000]++; return false }}
	remove, err := r.Watch(watch)
	require.NoError(t, err)
	_, err = r.Watch(watch) // the same pages again
	require.NoError(t, err)
	beyond := watch
	beyond.Address, beyond.Size = kernelData+emu.MaxWatchedPages*0x1000-1, 2
	_, err = r.Watch(beyond)
	require.EqualError(t, err, "a watch on 0xffff80000004bfff to 0xffff80000004c000, 2 pages by linear address: there are 12 of other watches, and there can be 12 in all")

	s := r.State()
	for i := range uint64(4) {
		s.DR[i] = kernelData + (emu.MaxWatchedPages+i)*0x1000
		s.DR[7] |= 2<<(2*i) | 1<<(16+4*i) // enabled, on writes of a byte
	}
	r.SetState(&s)
	breakpoints := 0
	for {
		stop := r.Run(emu.Until{Instructions: 1000})
		if stop.Why == emu.StopHalt {
			break
		}
		require.Equal(t, emu.StopProbe, stop.Why)
		require.Equal(t, r.handler(x86.VectorDB), stop.Address)
		breakpoints++
		s := r.State()
		f := r.frame(false)
		s.RIP, s.GPR[x86.RSP], s.RFLAGS = f.RIP, f.RSP, f.RFLAGS
		r.SetState(&s)
	}
	require.Equal(t, 4, breakpoints)
	for page := range uint64(pages) {
		want := 0
		if page < emu.MaxWatchedPages {
			want = 2
		}
		require.Equal(t, want, seen[page], page)
	}
	remove()
	_, err = r.Watch(beyond)
	require.ErrorContains(t, err, "there are 12 of other watches") // the second one's
}

// By physical address every page can be watched.
func TestPhysicalWatchesHaveNoBound(t *testing.T) {
	r := writesEachPage(t, 64)
	seen := 0
	_, err := r.Watch(emu.Watch{Address: 0, Size: rigMemory, Physical: true, Write: true,
		Do: func(_ *emu.Machine, a unicorn.Record) bool { seen++; return false }})
	require.NoError(t, err)
	require.Equal(t, emu.StopHalt, r.Run(emu.Until{}).Why)
	require.Equal(t, 64, seen)
}

// A watch that could never be hit is an error.
func TestWatchesThatNothingCanHit(t *testing.T) {
	r := newRig(t, "")
	for text, w := range map[string]emu.Watch{
		"a watch on 0x1000: neither for reads nor for writes":                                     {Address: 0x1000, Size: 8},
		"a watch on 0x1000: its size is 0":                                                        {Address: 0x1000, Read: true},
		"a watch on 0xfffffffffffffff9 and 0x8 bytes more: that is beyond the end of the address": {Address: ^uint64(6), Size: 8, Read: true},
		"0x0 to 0xfffffffffffffffe, 4503599627370496 pages by linear address":                     {Address: 0, Size: ^uint64(0), Read: true},
	} {
		_, err := r.Watch(w)
		require.ErrorContains(t, err, text)
	}
	_, err := r.Watch(emu.Watch{Address: ^uint64(7), Size: 8, Read: true})
	require.NoError(t, err)
}
