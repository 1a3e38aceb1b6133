// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	pmGDT   = 0x1000
	pmIDT   = 0x2000
	pmTSS   = 0x3000
	pmStack = 0x12000 // ESP0
	pmUser  = 0x20ff0
	pmCode  = 0x30000
)

// newProtected is a CPU in 32-bit protected mode at CPL 0, with 8-byte gates
// to pmCode + vector*16; gate 0x80 is for CPL 3 and 0x81 a trap gate.
func newProtected() *world {
	w := &world{&State{}, &flat{pages: map[uint64]*flatPage{}}}
	for _, a := range []uint64{pmGDT, pmIDT, pmTSS, pmStack - 0x1000, gdtAt} {
		w.mem.add(a, false)
	}
	w.mem.add(pmUser, true)
	for selector, attr := range gdt {
		w.descriptor(selector, attr)
		w.mem.put(pmGDT+uint64(selector&^7), 8, w.mem.get(gdtAt+uint64(selector&^7)))
	}
	for v := range 256 {
		w.gate32(v, selKernel32, TypeInterruptGate, 0)
	}
	w.gate32(0x80, selKernel32, TypeInterruptGate, 3)
	w.gate32(0x81, selKernel32, TypeTrapGate, 3)
	w.mem.put(pmTSS+4, 4, pmStack)
	w.mem.put(pmTSS+8, 4, selKernelDS)
	*w.State = State{
		RIP: pmCode, RFLAGS: FlagFixed | FlagIF,
		CR0:  CR0PE | CR0ET | CR0PG | CR0WP,
		GDTR: Table{pmGDT, gdtEnd - 1},
		IDTR: Table{pmIDT, 0x7ff},
		TR:   Segment{Selector: selTSS, Base: pmTSS, Limit: 103, Attr: AttrP | TypeTSSBusy<<8},
		DR:   [8]uint64{6: DR6Fixed, 7: DR7Fixed},
	}
	w.at(selKernel32, selKernelDS)
	w.GPR[RSP] = pmStack - 0x80
	return w
}

func (w *world) gate32(vector int, selector uint16, kind, dpl int) {
	offset := uint64(pmCode + vector*16)
	w.mem.put(pmIDT+uint64(vector*8), 8, offset&0xffff|uint64(selector)<<16|(offset&0xffff0000|AttrP|uint64(kind)<<8|uint64(dpl)<<13)<<32)
}

func (w *world) user32() *world {
	w.at(selUser32CS, selUserDS)
	w.GPR[RSP] = pmUser
	return w
}

// dwords loads n words of 4 bytes.
func (w *world) dwords(address uint64, n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32(w.mem.get(address + uint64(4*i)))
	}
	return out
}

// SDM vol. 3A 7.12.1: without a change of privilege SS:ESP isn't pushed and
// nothing is aligned.
func TestProtectedModeSamePrivilege(t *testing.T) {
	w := newProtected()
	w.GPR[RSP]--
	want := w.clone()
	want.RIP, want.GPR[RSP], want.RFLAGS = pmCode+13*16, pmStack-0x81-16, FlagFixed
	out := Deliver(w.State, w.mem, hardware(VectorGP, 0x18))
	require.Equal(t, "#GP(18)", chain(out))
	w.requireState(t, want)
	require.Equal(t, []uint32{0x18, pmCode, selKernel32, FlagFixed | FlagIF | FlagRF}, w.dwords(w.GPR[RSP], 4))
}

func TestProtectedModeFromUser(t *testing.T) {
	w := newProtected().user32()
	out := Deliver(w.State, w.mem, software(0x81))
	require.Equal(t, "0x81", chain(out))
	require.Equal(t, []uint32{pmCode + 2, selUser32CS, FlagFixed | FlagIF, pmUser, selUserDS}, w.dwords(w.GPR[RSP], 5))
	require.Equal(t, uint64(pmStack-20), w.GPR[RSP])
	require.Equal(t, w.segment(selKernelDS), w.Seg[SS])
	require.NotZero(t, w.RFLAGS&FlagIF, "a trap gate")
	requireFault(t, "", IRET(w.State, w.mem, 4))
	require.Equal(t, []uint64{pmCode + 2, pmUser, 3}, []uint64{w.RIP, w.GPR[RSP], uint64(w.CPL())})
}

func TestProtectedModeFaultsOfDelivery(t *testing.T) {
	tests := []struct {
		name   string
		before func(w *world)
		event  Event
		want   string
	}{
		{"vector beyond the IDT", func(w *world) { w.IDTR.Limit = 32 * 8 }, external(32), "0x20 #GP(103)"},
		{"task gate", func(w *world) { w.gate32(32, selTSS, TypeTaskGate, 0) }, external(32), "0x20 #GP(103)"},
		{"16-bit gate", func(w *world) { w.gate32(32, selKernel32, 6, 0) }, external(32), "0x20 #GP(103)"},
		{"DPL of the gate", func(w *world) { w.user32() }, software(32), "0x20 #GP(102)"},
		{"L means nothing outside IA-32e mode", func(w *world) { w.gate32(32, selKernelCS, TypeInterruptGate, 0) }, external(32), "0x20"},
		{"SS0:ESP0 beyond the TSS", func(w *world) { w.user32(); w.TR.Limit = 8 }, external(32), "0x20 #TS(79) #TS(79) #DF(0) #TS(79) shutdown"},
		{"a 16-bit TSS", func(w *world) { w.user32(); w.TR.Attr = AttrP | TypeTSS16Busy<<8 }, external(32), "0x20 #TS(79) #TS(79) #DF(0) #TS(79) shutdown"},
		{"SS0 null", func(w *world) { w.user32(); w.mem.put(pmTSS+8, 2, 0) }, external(32), "0x20 #TS(1) #TS(1) #DF(0) #TS(1) shutdown"},
		{"SS0 beyond the GDT", func(w *world) { w.user32(); w.mem.put(pmTSS+8, 2, gdtEnd) }, external(32), "0x20 #TS(b9) #TS(b9) #DF(0) #TS(b9) shutdown"},
		{"SS0 RPL", func(w *world) { w.user32(); w.mem.put(pmTSS+8, 2, selKernelDS|1) }, external(32), "0x20 #TS(19) #TS(19) #DF(0) #TS(19) shutdown"},
		{"SS0 DPL", func(w *world) { w.user32(); w.mem.put(pmTSS+8, 2, selDS1) }, software(0x80), "0x80 #TS(60) #TS(61) #DF(0) #TS(61) shutdown"},
		{"SS0 can't be written", func(w *world) { w.user32(); w.mem.put(pmTSS+8, 2, selReadOnly) }, external(32), "0x20 #TS(49) #TS(49) #DF(0) #TS(49) shutdown"},
		{"SS0 not present", func(w *world) { w.user32(); w.mem.put(pmTSS+8, 2, selAbsentDS) }, external(32), "0x20 #SS(69) #SS(69) #DF(0) #SS(69) shutdown"},
		{"no room in SS0", func(w *world) {
			w.user32()
			w.mem.put(pmTSS+4, 4, 0x1008)
			w.mem.put(pmTSS+8, 2, selSmallDS)
		}, external(32), "0x20 #SS(99) #SS(99) #DF(0) #SS(99) shutdown"},
		{"no room in SS", func(w *world) { w.at(selKernel32, selSmallDS); w.GPR[RSP] = 4 }, external(32), "0x20 #SS(1) #SS(1) #DF(0) #SS(1) shutdown"},
		{"handler beyond the limit of CS", func(w *world) { w.gate32(32, selSmallCS, TypeInterruptGate, 0) }, external(32), "0x20 #GP(1)"},
		{"stack not mapped", func(w *world) { w.GPR[RSP] = 0x5004 }, pageFault(1, 0), "#PF(0)@1 #PF(2)@5000 #DF(0) #PF(2)@5000 shutdown"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newProtected()
			test.before(w)
			before := w.clone()
			out := Deliver(w.State, w.mem, test.event)
			require.Equal(t, test.want, chain(out))
			if out.Shutdown {
				before.CR2 = w.CR2
				w.requireState(t, before)
			}
		})
	}
}

func TestProtectedModeIRET(t *testing.T) {
	tests := []struct {
		name   string
		before func(w *world)
		want   string
	}{
		{"same privilege", func(w *world) { w.frame(4, 0x1234, selKernel32, FlagFixed) }, ""},
		{"outer", func(w *world) { w.frame(4, 0x1234, selUser32CS, FlagFixed, pmUser, selUserDS) }, ""},
		{"nested task", func(w *world) { w.RFLAGS |= FlagNT }, "#TS(78)"},
		{"to virtual-8086 mode", func(w *world) { w.frame(4, 0, 0, FlagVM) }, "#GP(0)"},
		{"null SS", func(w *world) { w.frame(4, 0x1234, selUser32CS, FlagFixed, pmUser, 0) }, "#GP(0)"},
		{"limit of CS", func(w *world) { w.frame(4, 0x1000, selSmallCS, FlagFixed) }, "#GP(0)"},
		{"limit of SS", func(w *world) { w.at(selKernel32, selSmallDS); w.GPR[RSP] = 0xff8 }, "#SS(0)"},
		{"limit of SS for SS:ESP", func(w *world) {
			w.mem.add(0, false)
			w.at(selKernel32, selSmallDS)
			w.GPR[RSP] = 0xff4
			w.frame(4, 0x1234, selUser32CS, FlagFixed)
		}, "#SS(0)"},
		{"SS:ESP on a page that isn't there", func(w *world) {
			w.GPR[RSP] = pmStack - 12
			w.frame(4, 0x1234, selUser32CS, FlagFixed)
		}, "#PF(0)@12000"},
		{"real-address mode", func(w *world) { w.CR0 = CR0ET }, "#GP(0)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newProtected()
			test.before(w)
			before := w.clone()
			e := IRET(w.State, w.mem, 4)
			requireFault(t, test.want, e)
			if e != nil {
				w.requireState(t, before)
				return
			}
			require.Equal(t, uint64(0x1234), w.RIP)
		})
	}
}

// A 16-bit stack wraps around within its 64 KiB.
func TestPushesWrapAroundA16BitStack(t *testing.T) {
	w := newProtected()
	w.mem.add(0, false)
	w.mem.add(0xf000, false)
	w.Seg[SS].Attr &^= AttrDB
	w.GPR[RSP] = 0x55550008
	out := Deliver(w.State, w.mem, external(32))
	require.Equal(t, "0x20", chain(out))
	require.Equal(t, []string{"0x4+4", "0x0+4", "0xfffc+4"}, w.mem.stores)
	require.Equal(t, uint64(0x5555fffc), w.GPR[RSP])
	requireFault(t, "", IRET(w.State, w.mem, 4))
	require.Equal(t, uint64(0x55550008), w.GPR[RSP])
}

// SDM vol. 3A 3.4.5.1: CS and the new SS are marked as accessed.
func TestAccessedBitsInProtectedMode(t *testing.T) {
	unaccessed := func() *world {
		w := newProtected().user32()
		w.mem.put(pmGDT+selKernelDS+5, 1, (data32&^AttrAccessed)>>8&0xff)
		return w
	}
	w := unaccessed()
	Deliver(w.State, w.mem, external(32))
	require.NotZero(t, w.mem.get(pmGDT+selKernelDS)>>32&AttrAccessed)

	w = unaccessed()
	w.mem.pages[pmGDT/pageSize].readOnly = true
	out := Deliver(w.State, w.mem, external(32))
	require.True(t, out.Shutdown)
	require.Equal(t, "#PF(3)@101d", faultText(&out.Events[1].Exception))
}

// An expand-down segment holds what lies above its limit (SDM vol. 3A 6.3).
func TestExpandDownLimit(t *testing.T) {
	g := Segment{Limit: 0xfff, Attr: AttrP | AttrS | AttrWritable | AttrExpandDown}
	require.False(t, g.holds(0xfff, 1))
	require.True(t, g.holds(0x1000, 4))
	require.True(t, g.holds(0xfffc, 4))
	require.False(t, g.holds(0xfffd, 4))
	g.Attr |= AttrDB
	require.True(t, g.holds(0xfffffffc, 4))
}
