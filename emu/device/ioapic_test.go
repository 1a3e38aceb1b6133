// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

// messages is a bus that keeps what it gets, and refuses it if told to.
type messages struct {
	list   []device.Message
	refuse bool
}

func (m *messages) Deliver(message device.Message) bool {
	m.list = append(m.list, message)
	return !m.refuse
}

type ioapicRig struct {
	*device.IOAPIC
	bus *messages
}

func newIOAPIC() ioapicRig {
	bus := &messages{}
	return ioapicRig{device.NewIOAPIC(1, bus), bus}
}

func (r ioapicRig) get(register uint32) uint32 {
	store32(r, device.IOAPICBase, register)
	return load32(r, device.IOAPICBase+0x10)
}

func (r ioapicRig) set(register, value uint32) {
	store32(r, device.IOAPICBase, register)
	store32(r, device.IOAPICBase+0x10, value)
}

// redirect writes both halves of an entry, the masked one first.
func (r ioapicRig) redirect(pin uint32, entry uint64) {
	r.set(0x11+2*pin, uint32(entry>>32))
	r.set(0x10+2*pin, uint32(entry))
}

func TestIOAPICRegistersAfterReset(t *testing.T) {
	r := newIOAPIC()
	require.Equal(t, uint32(1<<24), r.get(0), "ID")
	require.Equal(t, uint32(0x00170011), r.get(1), "version 0x11, last entry 23")
	require.Equal(t, uint32(1<<24), r.get(2), "arbitration ID")
	for n := uint32(0x10); n < 0x40; n += 2 {
		require.Equal(t, uint32(0x10000), r.get(n), "masked")
		require.Zero(t, r.get(n+1))
	}
	require.Zero(t, r.get(0x03))
	require.Zero(t, r.get(0x40))
}

func TestIOAPICWritableBits(t *testing.T) {
	r := newIOAPIC()
	for _, c := range []struct {
		name           string
		register, want uint32
	}{
		{"ID", 0, 0x0f000000}, {"version", 1, 0x00170011}, {"arbitration", 2, 0x0f000000},
		{"entry, low", 0x10, 0x1afff}, {"entry, high", 0x11, 0xff000000}, {"nothing", 0x40, 0},
	} {
		r.set(c.register, 0xffffffff)
		require.Equal(t, c.want, r.get(c.register), c.name)
	}
	require.Equal(t, uint32(0x40), load32(r, device.IOAPICBase), "IOREGSEL reads back")
	require.Zero(t, load32(r, device.IOAPICBase+0x20))
	store32(r, device.IOAPICBase, 0x10)
	r.Write(device.Access{Space: device.Memory, Address: device.IOAPICBase + 0x10, Size: 1}, 0)
	require.Equal(t, uint32(0x1afff), r.get(0x10), "only 32-bit stores count")
}

func TestIOAPICEdge(t *testing.T) {
	r := newIOAPIC()
	line := r.Line(4)
	line(true)
	line(false)
	require.Empty(t, r.bus.list, "an edge on a masked input is ignored")
	line(true)
	r.redirect(4, 0x0200000000000934)
	require.Empty(t, r.bus.list, "also when it is unmasked later")
	line(false)
	line(true)
	line(true)
	want := []device.Message{{Vector: 0x34, Mode: device.LowestPriority, Logical: true, Destination: 2}}
	require.Empty(t, cmp.Diff(want, r.bus.list))
	r.redirect(4, 0x0300000000000034)
	line(false)
	line(true)
	require.Equal(t, device.Message{Vector: 0x34, Destination: 3}, r.bus.list[1], "bit 11 is clear: physical")
}

func TestIOAPICLevel(t *testing.T) {
	r := newIOAPIC()
	line := r.Line(9)
	line(true)
	r.redirect(9, 0x8051)
	require.Len(t, r.bus.list, 1, "a level counts when it is unmasked")
	require.True(t, r.bus.list[0].Level)
	require.Equal(t, uint32(0xc051), r.get(0x22), "Remote IRR")
	line(true)
	require.Len(t, r.bus.list, 1, "not before its EOI")
	r.EndOfInterrupt(0x50)
	require.Len(t, r.bus.list, 1, "nor after somebody else's")
	r.EndOfInterrupt(0x51)
	require.Len(t, r.bus.list, 2, "still asserted: again")
	line(false)
	r.EndOfInterrupt(0x51)
	require.Len(t, r.bus.list, 2)
	require.Equal(t, uint32(0x8051), r.get(0x22))
}

func TestIOAPICLevelThatNobodyTook(t *testing.T) {
	r := newIOAPIC()
	r.bus.refuse = true
	r.redirect(9, 0x8051)
	r.Line(9)(true)
	require.Equal(t, uint32(0x8051), r.get(0x22), "no Remote IRR without acceptance")
	r.bus.refuse = false
	r.Line(9)(true)
	require.Equal(t, uint32(0xc051), r.get(0x22))
}

// Linux's __eoi_ioapic_pin for versions without an EOI register: mask and set
// to edge, then back to level.
func TestIOAPICRemoteIRRIsClearedByEdgeMode(t *testing.T) {
	r := newIOAPIC()
	r.redirect(9, 0x8051)
	r.Line(9)(true)
	r.set(0x22, 0x10051)
	require.Equal(t, uint32(0x10051), r.get(0x22))
	r.Line(9)(false)
	r.set(0x22, 0x8051)
	require.Equal(t, uint32(0x8051), r.get(0x22))
}

func TestIOAPICDeliveryModes(t *testing.T) {
	for _, mode := range []device.DeliveryMode{
		device.Fixed, device.LowestPriority, device.DeliverSMI, device.DeliverNMI, device.DeliverINIT, device.DeliverExtINT,
	} {
		r := newIOAPIC()
		r.redirect(1, 0x8040|uint64(mode)<<8)
		r.Line(1)(true)
		require.Len(t, r.bus.list, 1)
		require.Equal(t, mode, r.bus.list[0].Mode)
		require.Equal(t, mode <= device.LowestPriority, r.bus.list[0].Level, "the others are edges whatever bit 15 says")
	}
}

func TestIOAPICInputsThatAreNone(t *testing.T) {
	r := newIOAPIC()
	r.Line(-1)(true)
	r.Line(24)(true)
	device.NewIOAPIC(0, nil).Line(0)(true)
	require.Empty(t, r.bus.list)
}
