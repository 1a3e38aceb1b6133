// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
)

// A probe is on a linear address, whatever is there: code that was translated
// under other page tables stops there as well.
func TestAProbeHoldsInEveryAddressSpace(t *testing.T) {
	const page = high + 0x40000000
	r := newRig(t, "")
	code := listing("90  nop\n90  nop\n90  nop\n0f 0b  ud2")
	r.write(dataAt, code)
	r.write(dataAt+0x1000, code)
	first := r.root
	r.mapPage(page, dataAt, 0, pteP)
	second := r.page()
	for i := range uint64(512) {
		r.put64(second+i*8, r.get64(first+i*8))
	}
	r.root = second
	r.put64(second+256*8, 0)
	for at := uint64(0); at < rigMemory; at += 2 << 20 {
		r.mapPage(high+at, at, 1, pteP|pteW|pteA|pteD|ptePS)
	}
	r.mapPage(page, dataAt+0x1000, 0, pteP)
	s := r.kernelState()
	s.RIP = page
	run := func(root uint64) emu.Stop {
		r.log = nil
		s.CR3 = root
		r.SetState(&s)
		return r.run()
	}
	for _, root := range []uint64{first, second} { // now both are translated
		run(root)
		require.Equal(t, "#UD", r.deliveries())
	}
	s.CR3 = first
	r.SetState(&s)
	r.Probe(page+1, nil)
	for _, root := range []uint64{first, second} {
		stop := run(root)
		require.Equal(t, emu.StopProbe, stop.Why)
		require.EqualValues(t, uint64(page+1), stop.Address, "%s", r.deliveries())
	}
}
