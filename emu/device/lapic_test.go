// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

const apic = uint64(device.LAPICBase)

// Register offsets of the local APIC.
const (
	xID, xVER, xTPR, xAPR, xPPR, xEOI, xLDR, xDFR, xSVR = 0x20, 0x30, 0x80, 0x90, 0xa0, 0xb0, 0xd0, 0xe0, 0xf0

	xISR, xTMR, xIRR, xESR, xICR, xICR2 = 0x100, 0x180, 0x200, 0x280, 0x300, 0x310

	xTimer, xThermal, xPerf, xLINT0, xLINT1, xError = 0x320, 0x330, 0x340, 0x350, 0x360, 0x370

	xInitial, xCurrent, xDivide = 0x380, 0x390, 0x3e0
)

type eoiLog []uint8

func (l *eoiLog) EndOfInterrupt(vector uint8) { *l = append(*l, vector) }

type lapicRig struct {
	*device.LAPIC
	clock *fakeClock
	intr  *wire
	eois  *eoiLog
}

// newLAPIC has one that software has enabled, with a 1 GHz bus and a 2 GHz TSC.
func newLAPIC() lapicRig {
	r := lapicRig{clock: &fakeClock{}, intr: &wire{}, eois: &eoiLog{}}
	r.LAPIC = device.NewLAPIC(device.LAPICConfig{
		Clock: r.clock, TSC: 2_000_000_000, EOI: r.eois, INTR: r.intr.line(),
	})
	r.set(xSVR, 0x1ff)
	return r
}

func (r lapicRig) get(offset uint64) uint32        { return load32(r, apic+offset) }
func (r lapicRig) set(offset uint64, value uint32) { store32(r, apic+offset, value) }

// in says whether a vector is set in ISR, TMR or IRR.
func (r lapicRig) in(set uint64, vector uint8) bool {
	return r.get(set+uint64(vector>>5)<<4)>>(vector&31)&1 != 0
}

func (r lapicRig) fixed(vector uint8) bool {
	return r.Deliver(device.Message{Vector: vector, Destination: 0})
}

func TestLAPICAfterReset(t *testing.T) {
	clock := &fakeClock{}
	l := device.NewLAPIC(device.LAPICConfig{Clock: clock, ID: 3})
	for _, c := range []struct {
		name   string
		offset uint64
		want   uint32
	}{
		{"ID", xID, 3 << 24}, {"version", xVER, 0x00050014}, {"TPR", xTPR, 0}, {"PPR", xPPR, 0}, {"LDR", xLDR, 0},
		{"DFR", xDFR, 0xffffffff}, {"SVR", xSVR, 0xff}, {"timer", xTimer, 0x10000}, {"thermal", xThermal, 0x10000},
		{"performance", xPerf, 0x10000}, {"LINT0", xLINT0, 0x10000}, {"LINT1", xLINT1, 0x10000}, {"error", xError, 0x10000},
		{"initial count", xInitial, 0}, {"current count", xCurrent, 0}, {"divide", xDivide, 0}, {"ICR", xICR, 0}, {"ESR", xESR, 0},
	} {
		require.Equal(t, c.want, load32(l, apic+c.offset), c.name)
	}
	require.Equal(t, uint64(0xfee00900), l.Base(), "the bootstrap processor's, enabled")
	require.Equal(t, []device.Region{{Space: device.Memory, Base: apic, Size: 4096}}, l.Regions())
}

func TestLAPICWritableBits(t *testing.T) {
	for _, c := range []struct {
		name   string
		offset uint64
		want   uint32 // of all ones
	}{
		{"ID", xID, 0xff000000}, {"version", xVER, 0x00050014}, {"TPR", xTPR, 0xff}, {"LDR", xLDR, 0xff000000},
		{"DFR", xDFR, 0xffffffff}, {"SVR", xSVR, 0x3ff}, {"timer", xTimer, 0x700ff}, {"thermal", xThermal, 0x107ff},
		{"performance", xPerf, 0x107ff}, {"LINT0", xLINT0, 0x1a7ff}, {"LINT1", xLINT1, 0x1a7ff}, {"error", xError, 0x100ff},
		{"ICR high", xICR2, 0xff000000}, {"ICR low", xICR, 0x000ccfff}, {"divide", xDivide, 0xb},
		{"ISR", xISR, 0}, {"TMR", xTMR, 0}, {"IRR", xIRR, 0},
	} {
		r := newLAPIC()
		r.set(c.offset, 0xffffffff)
		require.Equal(t, c.want, r.get(c.offset), c.name)
	}
}

func TestLAPICAccessSizes(t *testing.T) {
	r := newLAPIC()
	r.set(xLDR, 0xab000000)
	read := func(offset uint64, size int) uint64 {
		return r.Read(device.Access{Space: device.Memory, Address: apic + offset, Size: size})
	}
	require.Equal(t, uint64(0xab), read(xLDR+3, 1))
	require.Equal(t, uint64(0xab00), read(xLDR+2, 2))
	require.Equal(t, uint64(0xab000000), read(xLDR, 8))
	require.Zero(t, read(xLDR+4, 4), "registers are 16 bytes apart")
	r.Write(device.Access{Space: device.Memory, Address: apic + xTPR, Size: 1}, 0x50)
	store32(r, apic+xTPR+4, 0x50)
	require.Zero(t, r.get(xTPR), "only aligned 32-bit stores count")
}

func TestLAPICDispatchesByPriority(t *testing.T) {
	r := newLAPIC()
	for _, vector := range []uint8{0x31, 0x61, 0x62, 0xef} {
		require.True(t, r.fixed(vector))
		require.True(t, r.in(xIRR, vector))
	}
	require.True(t, r.fixed(0x31), "the same again is one")
	for _, vector := range []uint8{0xef, 0x62, 0x61, 0x31} {
		require.True(t, r.Pending())
		got, ok := r.Acknowledge()
		require.True(t, ok)
		require.Equal(t, vector, got)
		require.False(t, r.in(xIRR, vector))
		require.True(t, r.in(xISR, vector))
		require.Equal(t, uint32(vector&0xf0), r.get(xPPR))
		require.False(t, r.Pending(), "the rest is not above the class in service")
		r.set(xEOI, 0)
		require.False(t, r.in(xISR, vector))
	}
	require.False(t, r.intr.level)
	require.Empty(t, *r.eois, "edges aren't broadcast")
}

func TestLAPICHigherClassNests(t *testing.T) {
	r := newLAPIC()
	r.fixed(0x41)
	r.Acknowledge()
	r.fixed(0x4f)
	require.False(t, r.intr.level, "the same class waits")
	r.fixed(0x51)
	require.True(t, r.intr.level)
	r.Acknowledge()
	r.set(xEOI, 0)
	require.True(t, r.in(xISR, 0x41), "EOI ends the highest")
	r.set(xEOI, 0)
	got, _ := r.Acknowledge()
	require.Equal(t, uint8(0x4f), got)
}

func TestLAPICTaskPriority(t *testing.T) {
	for _, c := range []struct {
		name    string
		tpr     uint32
		vector  uint8
		pending bool
	}{
		{"0 lets all through", 0x00, 0x10, true}, {"a class above", 0x3f, 0x40, true}, {"the same class", 0x40, 0x4f, false},
		{"a class below", 0x50, 0x4f, false}, {"the sub-class doesn't count", 0x4f, 0x50, true}, {"15 lets none through", 0xf0, 0xff, false},
	} {
		r := newLAPIC()
		r.set(xTPR, c.tpr)
		r.fixed(c.vector)
		require.Equal(t, c.pending, r.intr.level, c.name)
		require.Equal(t, c.tpr, r.get(xPPR), c.name)
		r.SetCR8(0)
		require.True(t, r.intr.level, c.name)
	}
}

func TestLAPICCR8IsTheClassOfTPR(t *testing.T) {
	r := newLAPIC()
	r.set(xTPR, 0x7c)
	require.Equal(t, uint8(7), r.CR8())
	r.SetCR8(9)
	require.Equal(t, uint32(0x90), r.get(xTPR))
}

func TestLAPICPPRIsTheHigherOfTPRAndService(t *testing.T) {
	for _, c := range []struct {
		tpr     uint32
		service uint8
		ppr     uint32
	}{{0x23, 0x55, 0x50}, {0x53, 0x55, 0x53}, {0x63, 0x55, 0x63}} {
		r := newLAPIC()
		r.fixed(c.service)
		r.Acknowledge()
		r.set(xTPR, c.tpr)
		require.Equal(t, c.ppr, r.get(xPPR))
	}
}

func TestLAPICSpuriousVector(t *testing.T) {
	r := newLAPIC()
	r.set(xSVR, 0x1ef)
	r.fixed(0x40)
	r.set(xTPR, 0x40) // raised between the request and the acknowledgement
	got, ok := r.Acknowledge()
	require.True(t, ok)
	require.Equal(t, uint8(0xef), got)
	require.False(t, r.in(xISR, 0xef), "a handler must not EOI")
}

func TestLAPICSoftwareDisabled(t *testing.T) {
	r := newLAPIC()
	r.set(xTimer, 0x40)
	r.fixed(0x50)
	r.set(xSVR, 0xff)
	require.Equal(t, uint32(0x10040), r.get(xTimer), "all LVT entries are masked")
	r.set(xTimer, 0x41)
	require.Equal(t, uint32(0x10041), r.get(xTimer), "and stay so")
	require.True(t, r.in(xIRR, 0x50), "what is pending is held")
	require.False(t, r.fixed(0x51))
	require.True(t, r.Deliver(device.Message{Mode: device.DeliverNMI}))
	require.True(t, r.TakeNMI())
}

func TestLAPICBaseMSR(t *testing.T) {
	r := newLAPIC()
	for name, value := range map[string]uint64{
		"x2APIC": 0xfee00d00, "a reserved bit": 0xfee00801, "beyond physical addresses": 1<<52 | 0xfee00900,
	} {
		require.False(t, r.SetBase(value), name)
	}
	require.Equal(t, uint64(0xfee00900), r.Base())
	require.True(t, r.SetBase(0x12345_6800))
	require.Equal(t, uint64(0x12345_6900), r.Base(), "BSP is read only")
	require.Equal(t, []device.Region{{Space: device.Memory, Base: 0x12345_6000, Size: 4096}}, r.Regions())
	require.Equal(t, uint32(0x50014), load32(r, 0x12345_6000+xVER))

	r.fixed(0x50)
	require.True(t, r.SetBase(0xfee00000))
	require.False(t, r.Enabled())
	require.Empty(t, r.Regions())
	require.False(t, r.fixed(0x60))
	require.True(t, r.SetBase(0xfee00800))
	require.Equal(t, uint32(0xff), r.get(xSVR), "as after reset")
	require.False(t, r.Pending())
}

func TestLAPICLevelTriggeredEOIIsBroadcast(t *testing.T) {
	r := newLAPIC()
	r.Deliver(device.Message{Vector: 0x71, Level: true})
	require.True(t, r.in(xTMR, 0x71))
	r.Acknowledge()
	r.set(xEOI, 0)
	require.Equal(t, eoiLog{0x71}, *r.eois)
	r.fixed(0x71)
	require.False(t, r.in(xTMR, 0x71), "an edge clears the bit")
	r.set(xEOI, 0)
	require.Len(t, *r.eois, 1, "nothing in service: nothing ends")
}

func TestLAPICSelfIPI(t *testing.T) {
	for _, c := range []struct {
		name string
		high uint32
		low  uint32
		want bool
	}{
		{"shorthand self", 0, 0x40051, true}, {"shorthand all including self", 0, 0x80051, true},
		{"all excluding self", 0, 0xc0051, false}, {"physical, this ID", 0, 0x51, true}, {"physical, another", 1 << 24, 0x51, false},
		{"physical broadcast", 0xff << 24, 0x51, true}, {"logical, this bit", 0x03 << 24, 0x851, true},
		{"logical, another bit", 0x04 << 24, 0x851, false}, {"lowest priority", 0x02 << 24, 0x951, true},
	} {
		r := newLAPIC()
		r.set(xLDR, 0x02<<24)
		r.set(xICR2, c.high)
		r.set(xICR, c.low)
		require.Equal(t, c.want, r.in(xIRR, 0x51), c.name)
		require.Equal(t, c.low, r.get(xICR), "%s: delivery status is idle", c.name)
	}
}

func TestLAPICClusterModel(t *testing.T) {
	for _, c := range []struct {
		destination uint8
		want        bool
	}{{0x21, true}, {0x23, true}, {0x22, false}, {0x31, false}, {0xf1, true}, {0xff, true}} {
		r := newLAPIC()
		r.set(xDFR, 0)
		r.set(xLDR, 0x21<<24)
		got := r.Deliver(device.Message{Vector: 0x51, Logical: true, Destination: c.destination})
		require.Equal(t, c.want, got, "%#x", c.destination)
	}
}

func TestLAPICOtherDeliveryModes(t *testing.T) {
	r := newLAPIC()
	r.set(xICR, 0x400) // NMI to this ID
	require.True(t, r.NMIPending())
	require.True(t, r.TakeNMI())
	require.False(t, r.TakeNMI())
	before := *r.State().(*device.LAPICState)
	for _, low := range []uint32{0x200, 0x500, 0x8500, 0x600, 0xc4500, 0xc4600, 0x40400} {
		r.set(xICR, low)
	}
	r.set(xICR, 0x400)
	r.TakeNMI()
	require.Equal(t, before, *r.State().(*device.LAPICState), "SMI, INIT and start-up act on nothing")
}

func TestLAPICErrors(t *testing.T) {
	r := newLAPIC()
	r.set(xError, 0xfe)
	for _, c := range []struct {
		name string
		do   func()
		bit  uint32
	}{
		{"send illegal vector", func() { r.set(xICR, 0x4000f) }, 1 << 5},
		{"receive illegal vector", func() { r.fixed(0x0f) }, 1 << 6},
		{"illegal register read", func() { r.get(0x3f0) }, 1 << 7},
		{"illegal register write", func() { r.set(0x040, 1) }, 1 << 7},
	} {
		c.do()
		require.Zero(t, r.get(xESR), "%s: not before ESR is written", c.name)
		got, _ := r.Acknowledge()
		require.Equal(t, uint8(0xfe), got, c.name)
		r.set(xEOI, 0)
		c.do()
		require.False(t, r.Pending(), "%s: the write to ESR arms the interrupt again", c.name)
		r.set(xESR, 0)
		require.Equal(t, c.bit, r.get(xESR), c.name)
		r.set(xESR, 0)
		require.Zero(t, r.get(xESR), c.name)
	}
}

func TestLAPICLocalInterrupts(t *testing.T) {
	for _, c := range []struct {
		entry  device.LVTEntry
		offset uint64
	}{{device.LVTThermal, xThermal}, {device.LVTPerformance, xPerf}, {device.LVTError, xError}} {
		r := newLAPIC()
		r.Raise(c.entry)
		require.False(t, r.Pending(), "masked")
		r.set(c.offset, 0x55)
		r.Raise(c.entry)
		got, _ := r.Acknowledge()
		require.Equal(t, uint8(0x55), got)
		require.Equal(t, c.entry == device.LVTPerformance, r.get(c.offset)&0x10000 != 0, "only the counter's masks itself")
	}
	r := newLAPIC()
	r.set(xPerf, 0x400)
	r.Raise(device.LVTPerformance)
	require.True(t, r.TakeNMI())
	r.Raise(device.LVTEntry(-1))
	r.Raise(device.LVTEntry(99))
}

func TestLAPICPins(t *testing.T) {
	for _, c := range []struct {
		name              string
		lvt               uint32
		fixed, nmi, extra bool // what asserting LINT0 gives; extra is ExtINT
	}{
		{"masked", 0x10060, false, false, false}, {"fixed", 0x60, true, false, false}, {"fixed, level", 0x8060, true, false, false},
		{"NMI", 0x400, false, true, false}, {"ExtINT", 0x700, false, false, true}, {"SMI", 0x200, false, false, false},
	} {
		r := newLAPIC()
		r.set(xLINT0, c.lvt)
		r.LINT(0)(true)
		require.Equal(t, c.fixed, r.in(xIRR, 0x60), c.name)
		require.Equal(t, c.nmi, r.NMIPending(), c.name)
		require.Equal(t, c.fixed || c.extra, r.Pending(), c.name)
		if c.extra {
			_, ok := r.Acknowledge()
			require.False(t, ok, "the vector is the 8259's")
		}
	}
	newLAPIC().LINT(2)(true)
}

func TestLAPICExtINTIgnoresPriority(t *testing.T) {
	r := newLAPIC()
	r.set(xLINT0, 0x700)
	r.set(xTPR, 0xff)
	r.LINT(0)(true)
	require.True(t, r.intr.level)
	r.LINT(0)(false)
	require.False(t, r.intr.level, "it is a level, not a latch")
}

func TestLAPICLevelPinHasRemoteIRR(t *testing.T) {
	r := newLAPIC()
	r.LINT(1)(true)
	r.set(xLINT1, 0x8060)
	require.Equal(t, uint32(0xc060), r.get(xLINT1), "a level counts when it is unmasked")
	r.Acknowledge()
	r.set(xEOI, 0)
	require.True(t, r.Pending(), "still asserted: again")
	r.Acknowledge()
	r.LINT(1)(false)
	r.set(xEOI, 0)
	require.Equal(t, uint32(0x8060), r.get(xLINT1))
	require.False(t, r.Pending())
}

func TestLAPICVirtualWire(t *testing.T) {
	r := newLAPIC()
	r.VirtualWire()
	require.Equal(t, uint32(0x1ff), r.get(xSVR))
	r.LINT(0)(true)
	require.True(t, r.intr.level)
	r.LINT(1)(true)
	require.True(t, r.TakeNMI())
}

func TestLAPICPinsWhileDisabled(t *testing.T) {
	r := newLAPIC()
	r.SetBase(0xfee00000)
	r.LINT(0)(true)
	require.True(t, r.Pending(), "LINT0 is INTR")
	r.LINT(1)(true)
	require.True(t, r.TakeNMI(), "LINT1 is NMI")
}
